"""Test S3 under load with real servers: forking workers, a store that stops, and large images.

The script prints figures. It exits with 1 if a response fails or a fetch hangs.
"""

import argparse
import concurrent.futures
import contextlib
import functools
import io
import json
import os
import random
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from PIL import Image, ImageChops  # noqa: E402
from xaccel import Config  # noqa: E402
from xaccel.thumbnails.helpers import TemplateHelpers  # noqa: E402
from xaccel.thumbnails.sources.s3 import S3Source  # noqa: E402

from tests.support.servers.process import HOST, free_port, running, started  # noqa: E402
from tests.support.servers.proxy import Relay  # noqa: E402
from tests.support.servers.s3 import S3Server, s3_server  # noqa: E402

Settings = dict[str, Any]

BIN = Path(sys.executable).parent
APP = "tests.support.servers.s3_app"
KEYS = ["a key of more than 16 bytes"]
LIMIT = 60.0
"""The maximum time for a response, in seconds."""

SERVERS = {
    "gunicorn --preload, 4 workers, threads": (
        *("gunicorn", "--preload", "-w", "4", "-k", "gthread", "--threads", "4"),
        *("-b", "{address}", f"{APP}:app"),
    ),
    "gunicorn --preload, 4 workers, gevent": (
        *("gunicorn", "--preload", "-w", "4", "-k", "gevent", "-b", "{address}", f"{APP}:app"),
    ),
    "uvicorn, 2 workers": (
        *("uvicorn", "--workers", "2", "--host", HOST, "--port", "{port}", f"{APP}:asgi_app"),
    ),
}


@functools.cache
def picture(width: int, height: int) -> Image.Image:
    """Return a photo with camera noise."""
    photo = Image.open(ROOT / "tests/subjects/coffee.jpg").convert("RGB")
    noise = Image.effect_noise((width, height), 8).convert("RGB")
    return ImageChops.add(photo.resize((width, height), Image.Resampling.BICUBIC), noise, 1, -128)


def photo(width: int, height: int, quality: int, *, progressive: bool) -> bytes:
    """Return a photo with camera noise as a JPEG."""
    out = io.BytesIO()
    picture(width, height).save(out, "JPEG", quality=quality, progressive=progressive)
    return out.getvalue()


def settings(server: S3Server, **options: Any) -> Settings:
    """Return the settings of an app."""
    return {
        "S3": server.settings,
        "THUMBNAIL_SOURCE": "s3://soak/",
        "SECRET_KEYS": KEYS,
        **options,
    }


@contextlib.contextmanager
def serving(command: tuple[str, ...], given: Settings, directory: Path) -> Iterator[int]:
    """Run an application server, and yield its port."""
    port = free_port()
    words = [word.format(address=f"{HOST}:{port}", port=port) for word in command]
    env = {"XACCEL_TEST_SETTINGS": json.dumps(given), "PYTHONPATH": str(ROOT)}
    with running([BIN / words[0], *words[1:]], port, directory / "server.log", env):
        yield port


def ask(port: int, url: str) -> tuple[int, float]:
    """Return the status of a response, and the number of seconds that it took."""
    start = time.monotonic()
    connection = HTTPConnection(HOST, port, timeout=LIMIT)
    with contextlib.closing(connection):
        try:
            connection.request("GET", url)
            response = connection.getresponse()
            response.read()
            status = response.status
        except OSError:
            status = 0
    return status, time.monotonic() - start


def summary(answers: list[tuple[int, float]], seconds: float) -> str:
    """Return a summary of the statuses and times of responses."""
    statuses = dict(Counter(status for status, _ in answers))
    times = sorted(elapsed for _, elapsed in answers)
    return (
        f"{len(answers)} responses in {seconds:.1f} s, statuses {statuses}, "
        f"median {1000 * statistics.median(times):.0f} ms, "
        f"99 % below {1000 * times[int(0.99 * len(times))]:.0f} ms, "
        f"slowest {1000 * times[-1]:.0f} ms"
    )


def forks(server: S3Server, directory: Path, count: int) -> bool:
    """Fetch images in workers that were forked after a first fetch."""
    is_fine = True
    # Without a cache, each request fetches the image.
    given = settings(server)
    helpers = TemplateHelpers(Config.from_mapping(given))
    for name, command in SERVERS.items():
        urls = [helpers.thumbnail_url("cat.jpg", 16 + number % 64) for number in range(count)]
        with serving(command, given, directory) as port:
            start = time.monotonic()
            with concurrent.futures.ThreadPoolExecutor(16) as pool:
                answers = list(pool.map(lambda url, port=port: ask(port, str(url)), urls))
            print(f"{name}: {summary(answers, time.monotonic() - start)}")
        is_fine &= all(status == 200 for status, _ in answers)  # noqa: PLR2004
    return is_fine


def celery(server: S3Server, directory: Path, count: int) -> bool:
    """Fetch images in the processes of a Celery worker."""
    from tests.support.servers import s3_celery  # noqa: PLC0415

    broker = directory / "broker"
    broker.mkdir()
    results = directory / "results"
    results.touch()
    env = {
        "XACCEL_TEST_SETTINGS": json.dumps(settings(server)),
        "XACCEL_TEST_BROKER": str(broker),
        "XACCEL_TEST_RESULTS": str(results),
        "PYTHONPATH": str(ROOT),
    }
    os.environ.update(env)
    app = s3_celery.make()
    for _ in range(count):
        app.send_task("fetch", args=["cat.jpg"])
    command = [
        *(BIN / "celery", "-A", "tests.support.servers.s3_celery:app", "worker"),
        *("--pool", "prefork", "-c", "4", "--without-gossip", "--without-mingle", "-l", "WARNING"),
    ]
    start = time.monotonic()
    with started(command, directory / "celery.log", env):
        while (done := results.read_text().count("\n")) < count:
            if time.monotonic() - start > 2 * LIMIT:
                break
            time.sleep(0.1)
    processes = len(set(results.read_text().split()))
    seconds = time.monotonic() - start
    print(f"Celery prefork, 4 processes: {done} fetches in {seconds:.1f} s by {processes}")
    return done == count


def outage(server: S3Server, relay: Relay, directory: Path, seconds: float, kind: str) -> bool:
    """Make new thumbnails while the store does not respond."""
    photos = directory / f"photos-{kind}"
    photos.mkdir()
    small = photo(640, 480, 85, progressive=False)
    for number in range(8):
        (photos / f"{number}.jpg").write_bytes(small)
    store = {"endpoint": f"http://{HOST}:{relay.port}"}
    given = settings(
        server,
        S3={**server.settings, "buckets": {"thumbs": store}},
        THUMBNAIL_SOURCES={"local": str(photos)},
        THUMBNAIL_CACHE=str(directory / f"cache-{kind}"),
        THUMBNAIL_CACHE_MAX_SIZE="2G",
        THUMBNAIL_STORE="s3://thumbs/soak/",
    )
    helpers = TemplateHelpers(Config.from_mapping(given))
    answers: list[tuple[int, float]] = []
    over = threading.Event()
    source = random.Random(0)  # noqa: S311 - the sizes of pictures

    def client(port: int) -> None:
        while not over.is_set():
            name = f"~local/{source.randrange(8)}.jpg"
            url = helpers.thumbnail_url(name, source.randrange(50, 600), source.randrange(50, 600))
            answers.append(ask(port, str(url)))
            over.wait(0.05)

    command = next(iter(SERVERS.values()))
    with serving(command, given, directory) as port:
        threads = [threading.Thread(target=client, args=(port,)) for _ in range(8)]
        for thread in threads:
            thread.start()
        over.wait(5)
        before = len(answers)
        relay.stop(kind)
        over.wait(seconds)
        relay.resume()
        stopped = answers[before:]
        after = len(answers)
        over.wait(8)
        over.set()
        for thread in threads:
            thread.join()
    print(f"store that {kind}, before: {summary(answers[:before], 5)}")
    print(f"store that {kind}, for {seconds:.0f} s: {summary(stopped, seconds)}")
    print(f"store that {kind}, after: {summary(answers[after:], 8)}")
    log = (directory / "server.log").read_text(errors="replace")
    print(f"store that {kind}: {log.count('THUMBNAIL_STORE')} warnings")
    return all(status == 200 for status, _ in answers)  # noqa: PLR2004


def share_of_bytes(server: S3Server) -> bool:
    """Fetch the bytes that are needed for a 300-pixel thumbnail of a 15-megapixel image."""
    is_fine = True
    for quality, progressive in ((75, True), (85, True), (92, True), (85, False)):
        image = photo(4704, 3200, quality, progressive=progressive)
        server.put("s3://soak/large.jpg", image)
        with Relay(server.port) as relay:
            endpoint = {"endpoint": f"http://{HOST}:{relay.port}"}
            source = S3Source(
                "s3://soak/", {**server.settings, **endpoint}, max_bytes=2**30, timeout=60
            )
            with source.get("large.jpg") as original:
                is_start = original.stream is not None
        share = relay.received / len(image)
        kind = "progressive" if progressive else "baseline"
        print(
            f"15 megapixels, {kind}, quality {quality}, {len(image):,} bytes: fetched "
            f"{share:.0%} in {len(relay.requests)} requests"
        )
        is_fine &= not progressive or (is_start and share <= 0.5)  # noqa: PLR2004
    return is_fine


def main() -> int:
    """Run all parts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1000, help="fetches for each server")
    parser.add_argument("--seconds", type=float, default=20, help="how long the store is down")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="xaccel-soak-") as name:
        directory = Path(name)
        (directory / "s3").mkdir()
        with s3_server(directory / "s3") as server:
            for bucket in ("soak", "thumbs"):
                server.create(bucket)
            server.put("s3://soak/cat.jpg", photo(640, 480, 85, progressive=False))
            results = [
                share_of_bytes(server),
                forks(server, directory, options.count),
                celery(server, directory, options.count),
            ]
            for kind in ("refuses", "hangs"):
                with Relay(server.port) as relay:
                    results.append(outage(server, relay, directory, options.seconds, kind))
    print("fine" if all(results) else "FAILED")
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
