"""Mixed traffic through nginx and Gunicorn, which nginx's log and the app's metrics both count."""

import contextlib
import http.client
import itertools
import json
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from prometheus_client import CollectorRegistry
from prometheus_client.multiprocess import MultiProcessCollector
from xaccel import Config, Signer
from xaccel.delivery.files import Delivery
from xaccel.thumbnails.helpers import TemplateHelpers

from tests.support.servers.process import HOST, PATIENCE, free_port, running
from tests.support.servers.site import running_server

KEY = "the key of a site with metrics"
WAYS = {
    "app": ("hmac-sha256", "app"),
    "njs": ("hmac-sha256", "njs"),
    "secure-link": ("secure-link-md5", None),
}
"""`SIGNATURE` and `--verify`."""

_STATUS_OF_RESULT = {
    "hit": 200,
    "rendered": 200,
    "stored": 200,
    "not_found": 404,
    "unsupported": 415,
    "corrupt": 422,
}


@dataclass
class Traffic:
    """A running site, and what a visitor has received from it."""

    directory: Path
    port: int
    config: Config
    requests: int = 0
    received: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def targets(self, number: int) -> list[str]:
        """Return the URLs of one round of traffic."""
        url = TemplateHelpers(self.config).thumbnail_url
        delivery = Delivery(self.config)
        expired = Signer(KEY, algorithm=self.config.signature)
        link = delivery.private_url("film.mp4")
        hit, miss = url("cat.jpg", 40), url("cat.jpg", 50 + number)
        return [
            *("/", hit, hit, miss, miss, hit, miss),
            *(f"{hit}x", hit.partition("?")[0], expired.sign("/t/40x-/cat.jpg", expires=1)),
            *(url("broken.jpg", 40), url("cut.jpg", 40), url("absent.jpg", 40)),
            *("/film/film.mp4", "/film/absent.mp4", link, link, f"{link}x"),
            *("/poster/poster.jpg", "/poster/broken.jpg", "/poster/absent.jpg"),
        ]

    def visit(self, number: int) -> None:
        """Make one round of requests."""
        connection = http.client.HTTPConnection(HOST, self.port, timeout=PATIENCE)
        with contextlib.closing(connection):
            for target in self.targets(number):
                connection.request("GET", target)
                response = connection.getresponse()
                body = response.read()
                with self._lock:
                    self.requests += 1
                    self.received += len(body)
                    self.statuses[response.status] += 1

    def log(self) -> list[dict[str, object]]:
        """Return the lines of nginx's log, once it has one for each request."""
        deadline = time.monotonic() + PATIENCE
        while True:
            lines = (self.directory / "log.json").read_text().splitlines()
            if len(lines) >= self.requests or time.monotonic() > deadline:
                return [json.loads(line) for line in lines]
            time.sleep(0.01)

    def metrics(self) -> Counter[tuple[str, ...]]:
        """Return the app's metrics: the name of each, and its labels in alphabetical order."""
        registry = CollectorRegistry()
        MultiProcessCollector(registry, path=str(self.directory / "metrics"))
        counts: Counter[tuple[str, ...]] = Counter()
        for metric in registry.collect():
            for sample in metric.samples:
                labels = (value for _, value in sorted(sample.labels.items()))
                counts[sample.name, *labels] = int(sample.value)
        return counts


def disagreements(traffic: Traffic) -> list[str]:
    """Compare the visitor, nginx's log and the app's metrics."""
    lines, metrics = traffic.log(), traffic.metrics()
    counts = {
        "requests": (traffic.requests, len(lines)),
        "statuses": (traffic.statuses, Counter(line["status"] for line in lines)),
        "bytes": (traffic.received, sum(int(str(line["body_bytes_sent"])) for line in lines)),
        "thumbnails": (_asked(lines, "thumbnail"), _thumbnails(metrics)),
        "private files": (_asked(lines, "private_file"), _private_files(metrics)),
    }
    return [f"{name}: {one} and {other}" for name, (one, other) in counts.items() if one != other]


def asked(line: dict[str, object]) -> list[str]:
    """Return the statuses of the app's responses to one request of a visitor."""
    text = f"{line.get('verdict_status', '')},{line['upstream_status']}"
    return [status.strip() for status in text.split(",") if status.strip()]


def _asked(lines: list[dict[str, object]], kind: str) -> Counter[str]:
    # nginx does not know the purpose of a view that responds with an error.
    view = {"thumbnail": "GET /poster/", "private_file": "GET /film/"}[kind]
    of_kind = (
        line
        for line in lines
        if line["kind"] == kind
        or (line["kind"] == "other" and str(line["request"]).startswith(view))
    )
    return Counter(itertools.chain.from_iterable(map(asked, of_kind)))


def _thumbnails(metrics: Counter[tuple[str, ...]]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for (name, *labels), count in metrics.items():
        if name == "xaccel_thumbnails_total" and labels[1] != "refused":
            counts[str(_STATUS_OF_RESULT[labels[1]])] += count
        elif name == "xaccel_signature_failures_total" and labels[0] == "thumbnail":
            counts["410" if labels[1] == "expired" else "403"] += count
    return counts


def _private_files(metrics: Counter[tuple[str, ...]]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for (name, *labels), count in metrics.items():
        if name == "xaccel_private_files_total":
            counts[labels[1]] += count
    return counts


@contextlib.contextmanager
def running_site(directory: Path, way: str, jpeg: bytes) -> Iterator[Traffic]:
    """Run the app with two workers behind nginx."""
    signature, verify = WAYS[way]
    files, photos = directory / "files", directory / "photos"
    for each in (files, photos, directory / "metrics", directory / "nginx"):
        each.mkdir(parents=True)
        each.chmod(0o755)
    directory.chmod(0o755)
    (files / "film.mp4").write_bytes(b"film" * 5000)
    (files / "poster.jpg").write_bytes(jpeg)
    (files / "broken.jpg").write_bytes(b"not an image")
    (photos / "cat.jpg").write_bytes(jpeg)
    (photos / "broken.jpg").write_bytes(b"not an image")
    (photos / "cut.jpg").write_bytes(jpeg[:30])
    settings = {
        "SERVER": "nginx",
        "SIGNATURE": signature,
        "SECRET_KEYS": [KEY],
        "ROOTS": {str(files): "/_private/films/"},
        "PRIVATE_URL": "/p/",
        "THUMBNAIL_SOURCE": str(photos),
        "THUMBNAIL_CACHE": str(directory / "cache"),
        "METRICS": True,
    }
    config = Config.from_mapping(settings)
    app_port, port = free_port(), free_port()
    command = [
        *(sys.executable, "-m", "gunicorn", "--bind", f"{HOST}:{app_port}", "--workers=2"),
        *("--threads=4", "--no-control-socket", "--worker-tmp-dir", str(directory)),
        "tests.support.servers.metrics_app:app",
    ]
    env = {
        "XACCEL_TEST_SETTINGS": json.dumps(settings),
        "PROMETHEUS_MULTIPROC_DIR": str(directory / "metrics"),
    }
    log = str(directory / "log.json")
    with (
        running(command, app_port, directory / "app.log", env),
        running_server(
            "nginx", config, directory / "nginx", port, app_port, verify=verify, json_log=log
        ),
    ):
        yield Traffic(directory, port, config)
