"""Compare finished thumbnails over HTTP with nginx's static files and peers; measure a stampede.

In every round, the contestants take turns, forwards and backwards, so that other load on the
machine affects all of them alike. The figures are medians of the rounds; the ratios are medians of
the rounds' ratios. All contestants keep their connections open, and send nearly the same number of
bytes.
"""

import contextlib
import json
import re
import selectors
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from pathlib import Path

import jinja2
from libthumbor.crypto import CryptoURL
from xaccel import jinja
from xaccel.config import Config
from xaccel.signing import ThumborSigner
from xaccel.thumbnails.helpers import TemplateHelpers

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benches import peers
from benches.peers import KEY
from tests.support.servers.process import HOST, PATIENCE, free_port, running
from tests.support.servers.site import running_server

ROUNDS = 5
SECONDS_A_ROUND = 2
WARM_UP_SECONDS = 1
CONNECTIONS = 16
PHOTOS = Path(__file__).resolve().parents[1] / "examples" / "flask_gallery" / "photos"
PHOTO = PHOTOS / "bridge.jpg"
LARGE_PHOTO = PHOTOS / "dandelions.jpg"
QUALITY = 80  # thumbor's default
VISITORS = 200

Url = str


def requests_a_second(url: Url, seconds: int = SECONDS_A_ROUND) -> float:
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--timeout=10s", url]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    errors = re.search(r"Non-2xx.*|Socket errors.*", output)
    if errors is not None:
        raise SystemExit(f"{url}: {errors[0]}")
    found = re.search(r"Requests/sec:\s+([0-9.]+)", output)
    assert found, output
    # A slow server may not have finished a single request in such a short time.
    return float(found[1]) or 1 / seconds


def fetch(url: Url) -> bytes:
    host, path = url.removeprefix("http://").split("/", 1)
    connection = HTTPConnection(host, timeout=PATIENCE)
    with contextlib.closing(connection):
        connection.request("GET", f"/{path}")
        response = connection.getresponse()
        body = response.read()
    assert response.status == 200, (url, response.status)
    return body


THREADS = ("--workers=2", "--threads=4")
# thumbor also has an event loop. Each server runs in one process, because connections that are kept
# open are not distributed over two processes automatically.
EVENT_LOOP = ("--workers=1", "--worker-class=gevent")


def app(
    directory: Path,
    settings: dict[str, object],
    port: int,
    stack: contextlib.ExitStack,
    workers: tuple[str, ...] = THREADS,
) -> None:
    log = directory / "app.lines"
    log.touch()
    command = [
        *(sys.executable, "-m", "gunicorn", "--bind", f"{HOST}:{port}", *workers),
        *("--keep-alive=60", "--no-control-socket"),
        *("--worker-tmp-dir", str(directory), "benches.service:application()"),
    ]
    env = {"XACCEL_BENCH_SETTINGS": json.dumps(settings)}
    stack.enter_context(running(command, port, directory / "app.log", env))


def application() -> object:
    """The app that Gunicorn serves: only the endpoint."""
    import os

    from xaccel.wsgi import Thumbnails

    return Thumbnails(Config.from_mapping(json.loads(os.environ["XACCEL_BENCH_SETTINGS"])))


def ours(directory: Path, way: str, stack: contextlib.ExitStack) -> dict[str, Url]:
    """Return the URLs of a cached thumbnail from nginx, of the same static file, and of the app."""
    home = directory / way
    home.mkdir()
    settings: dict[str, object] = {
        "SERVER": "nginx",
        "THUMBNAIL_SOURCE": str(PHOTO.parent),
        "THUMBNAIL_CACHE": str(home / "cache"),
        "SECRET_KEYS": [KEY],
        "SIGNATURE": "secure-link-md5" if way == "secure_link" else "hmac-sha256",
        "THUMBNAIL_QUALITY": {"jpeg": QUALITY},
    }
    app_port, port, direct_port = free_port(), free_port(), free_port()
    app(home, settings, app_port, stack)
    verify = {"secure_link": "secure-link", "njs": "njs", "verdict": "app"}[way]
    config = Config.from_mapping(settings)
    static = {"/static/": str(home / "cache" / "t" / "300x200")}
    (home / "server").mkdir()
    stack.enter_context(
        running_server(
            "nginx", config, home / "server", port, app_port, verify=verify, static=static
        )
    )
    path = TemplateHelpers(config).thumbnail_url(PHOTO.name, 300, 200)
    urls = {
        way: f"http://{HOST}:{port}{path}",
        "static": f"http://{HOST}:{port}/static/{PHOTO.name}",
    }
    if way == "njs":
        (home / "direct").mkdir()
        app(home / "direct", {**settings, "SERVER": "direct"}, direct_port, stack, EVENT_LOOP)
        urls["app"] = f"http://{HOST}:{direct_port}{path}"
    return urls


def thumbor(directory: Path, stack: contextlib.ExitStack, processes: int) -> Url:
    """Run thumbor with a result storage."""
    directory.mkdir()
    results = directory / "results"
    server = peers.thumbor(
        directory, stack, PHOTO.parent, quality=QUALITY, processes=processes, results=results
    )
    url = server.url(ThumborSigner(KEY).url(PHOTO.name, "300x200"))
    fetch(url)
    deadline = time.monotonic() + PATIENCE
    while not any(path.is_file() for path in results.rglob("*")):
        # thumbor stores a thumbnail after it has sent it.
        assert time.monotonic() < deadline, "thumbor does not store the thumbnail"
        time.sleep(0.01)
    return url


def image_filter(directory: Path, stack: contextlib.ExitStack) -> Url:
    """Run nginx's own resizer, without a cache in front of it."""
    server = peers.image_filter(directory, stack, PHOTO.parent, quality=QUALITY)
    return server.url(f"300x200/{PHOTO.name}")


@contextlib.contextmanager
def contestants() -> Iterator[dict[str, Url]]:
    with contextlib.ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        urls = {}
        for way in ("secure_link", "njs", "verdict"):
            found = ours(directory, way, stack)
            urls[f"static, with {way}"] = found.pop("static")
            urls |= found
        urls["thumbor"] = thumbor(directory / "thumbor", stack, processes=2)
        urls["thumbor, one process"] = thumbor(directory / "thumbor-1", stack, processes=1)
        urls["image_filter"] = image_filter(directory, stack)
        for name in reversed(urls):
            print(f"  {name:28}{len(fetch(urls[name])):8} bytes")
        yield urls


def http() -> None:
    print("\nA finished thumbnail by HTTP")
    figures: dict[str, list[float]] = {}
    with contestants() as urls:
        for url in urls.values():
            requests_a_second(url, WARM_UP_SECONDS)
        for turn in range(ROUNDS):
            for name, url in [*urls.items()][:: -1 if turn % 2 else 1]:
                figures.setdefault(name, []).append(requests_a_second(url))
    for name, rates in figures.items():
        print(f"  {name:28}{statistics.median(rates):10.0f} requests/s")
    for name, peer, target in (
        ("secure_link", "static, with secure_link", 0.95),
        ("njs", "static, with njs", 0.7),
        ("verdict", "static, with verdict", None),
        ("secure_link", "thumbor", 20),
        ("secure_link", "image_filter", None),
        ("app", "thumbor, one process", 3.2),
    ):
        pairs = zip(figures[name], figures[peer], strict=True)
        ratio = statistics.median(ours / theirs for ours, theirs in pairs)
        print_ratio(f"{name} / {peer}", ratio, target)


def print_ratio(name: str, ratio: float, target: float | None, *, is_most: bool = False) -> None:
    """Print a ratio, and whether it is at least (or at most) its target."""
    verdict = ""
    if target is not None:
        is_met = ratio <= target if is_most else ratio >= target
        verdict = f"   target {'at most ' if is_most else ''}{target}: {'yes' if is_met else 'NO'}"
    print(f"  {name:44}{ratio:8.2f} times{verdict}")


def stampede() -> None:
    """Let `VISITORS` visitors request the same thumbnail at once, before it exists."""
    print(f"\nA thumbnail that does not exist yet, for {VISITORS} visitors at once, by 4 workers")
    with contextlib.ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        settings: dict[str, object] = {
            "THUMBNAIL_SOURCE": str(PHOTOS),
            "THUMBNAIL_CACHE": str(directory / "cache"),
            "SECRET_KEYS": [KEY],
        }
        port, log = free_port(), directory / "app.lines"
        command = [
            *(sys.executable, "-m", "gunicorn", "--bind", f"{HOST}:{port}", "--workers=4"),
            *("--threads=64", "--no-control-socket", "--worker-tmp-dir", str(directory)),
            "tests.support.servers.thumbnail_app:app()",
        ]
        env = {"XACCEL_TEST_SETTINGS": json.dumps(settings), "XACCEL_TEST_LOG": str(log)}
        stack.enter_context(running(command, port, directory / "app.log", env))
        url = TemplateHelpers(Config.from_mapping(settings)).thumbnail_url
        # Start measuring only after each worker has started its threads.
        seconds_of_each(port, url(PHOTO.name, 9), VISITORS)
        for image_format, width in (("jpeg", 300), ("webp", 1600)):
            alone: list[float] = []
            slowest: list[float] = []
            finished: list[float] = []
            for turn in range(ROUNDS):
                paths = [
                    url(LARGE_PHOTO.name, width + 2 * turn + number, format=image_format)
                    for number in range(2)
                ]
                alone += seconds_of_each(port, paths[0], 1)
                made = renders(log)
                seconds = seconds_of_each(port, paths[1], VISITORS)
                if renders(log) != made + 1:
                    raise SystemExit(f"{renders(log) - made} renders instead of one")
                slowest.append(p99_of(seconds))
                finished.append(p99_of(seconds_of_each(port, paths[1], VISITORS)))
            one, p99, least = map(statistics.median, (alone, slowest, finished))
            print(f"  {image_format}, {width} wide: one alone {one * 1000:.0f} ms", end="")
            print(f", 99 % of {VISITORS} within {p99 * 1000:.0f} ms, 1 render", end="")
            print(f"; again, when it exists, within {least * 1000:.0f} ms")
            print_ratio("p99 / one alone", p99 / one, 3, is_most=True)


def p99_of(seconds: list[float]) -> float:
    return sorted(seconds)[len(seconds) * 99 // 100 - 1]


def renders(log: Path) -> int:
    return sum(line.startswith("made ") for line in log.read_text().splitlines())


def seconds_of_each(port: int, path: str, number: int) -> list[float]:
    """Return how many seconds each simultaneous request took. All must get the same response."""
    request = f"GET {path} HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode()
    answers: dict[socket.socket, bytearray] = {}
    with contextlib.ExitStack() as stack:
        waiting = stack.enter_context(selectors.DefaultSelector())
        start, seconds = time.perf_counter(), []
        for _ in range(number):
            visitor = stack.enter_context(socket.create_connection((HOST, port), PATIENCE))
            waiting.register(visitor, selectors.EVENT_READ)
            answers[visitor] = bytearray()
            visitor.sendall(request)
        while len(seconds) < number:
            ready = waiting.select(PATIENCE)
            if not ready:
                raise SystemExit(f"{path}: {number - len(seconds)} of {number} get no response")
            for key, _ in ready:
                visitor = key.fileobj
                assert isinstance(visitor, socket.socket)
                answers[visitor] += visitor.recv(1 << 20)
                if is_whole(answers[visitor]):
                    seconds.append(time.perf_counter() - start)
                    waiting.unregister(visitor)
    bodies = {bytes(answer.partition(b"\r\n\r\n")[2]) for answer in answers.values()}
    if len(bodies) != 1 or not all(a.startswith(b"HTTP/1.1 200 ") for a in answers.values()):
        raise SystemExit(f"{path}: the responses differ, or are not successful")
    return seconds


def is_whole(answer: bytearray) -> bool:
    head, _, body = answer.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)\r\ncontent-length: (\d+)", head)
    return length is not None and len(body) == int(length[1])


def templates() -> None:
    """Compare the time for 100 URLs in a Jinja loop."""
    helpers = TemplateHelpers(
        Config.from_mapping({"THUMBNAIL_SOURCE": "/srv/photos", "SECRET_KEYS": [KEY]})
    )
    environment = jinja2.Environment(autoescape=True)
    jinja.install(environment, helpers)
    environment.globals["crypto"] = CryptoURL(key=KEY)
    environment.globals["nothing"] = lambda *_, **__: "/t/300x200,cover/photos/2026/1.jpg"
    loop = "{% for name in names %}{{ CALL }}\n{% endfor %}"
    calls = {
        "thumbnail_url": "thumbnail_url(name, 300, 200, fit='cover')",
        "libthumbor": "crypto.generate(image_url=name, width=300, height=200)",
        "nothing": "nothing(name, 300, 200, fit='cover')",
        "thumbnail_img": "thumbnail_img(name, 300, 200, fit='cover', alt='')",
    }
    names = [f"photos/2026/{number}.jpg" for number in range(100)]
    pages: dict[str, Callable[[], str]] = {}
    for name, call in calls.items():
        template = environment.from_string(loop.replace("CALL", call))
        pages[name] = lambda template=template: template.render(names=names)
    figures: dict[str, list[float]] = {name: [] for name in pages}
    for _ in range(40):
        for name, render in pages.items():
            start = time.perf_counter()
            render()
            figures[name].append(time.perf_counter() - start)
    print("\nA page with 100 thumbnails, in Jinja")
    for name, seconds in figures.items():
        print(f"  {name:28}{statistics.median(seconds) * 1e6:10.0f} µs")
    # The time that Jinja itself takes to call a function in a loop is subtracted.
    jinjas = statistics.median(figures["nothing"])
    ours, theirs = (
        statistics.median(figures[name]) - jinjas for name in ("thumbnail_url", "libthumbor")
    )
    print_ratio("thumbnail_url / libthumbor, less Jinja's part", theirs / ours, 4)


if __name__ == "__main__":
    templates()
    stampede()
    http()
