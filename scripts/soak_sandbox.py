"""Test the sandbox under load, behind Gunicorn: damaged images, then workers that are killed.

The script prints figures. It exits with 1 if a response is a server error other than 503, if more
than 1 % of the damaged images are 503, or if a process or a descriptor is left over.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import random
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from xaccel import Config  # noqa: E402
from xaccel.thumbnails.helpers import TemplateHelpers  # noqa: E402

from tests.support.films import film  # noqa: E402
from tests.support.fuzz_seeds import SEEDS  # noqa: E402
from tests.support.heic import heic  # noqa: E402
from tests.support.pdf import pdf  # noqa: E402
from tests.support.render_workers import children, launchers, wait_for, workers  # noqa: E402
from tests.support.servers.process import HOST, free_port, running  # noqa: E402
from tests.support.thumbnail_images import photo  # noqa: E402

OK = 200
SERVER_ERROR = 500
UNAVAILABLE = 503
SHARE_OF_503 = 0.01


def _seeds() -> list[bytes]:
    small = photo(96, 64)
    return [make() for make in SEEDS.values()] + [heic(small), pdf((96, 64)), film([small])]


def _damage(content: bytes, rng: random.Random) -> bytes:
    changed = bytearray(content)
    for _ in range(rng.choice((1, 4, 16, 64))):
        changed[rng.randrange(len(changed))] = rng.randrange(256)
    if rng.random() < 0.25:  # noqa: PLR2004
        del changed[rng.randrange(1, len(changed)) :]
    return bytes(changed)


class _Client:
    def __init__(self, port: int) -> None:
        self._port = port
        self.statuses: Counter[int | str] = Counter()
        self._times: list[float] = []

    def get(self, target: str) -> int | str:
        """Request a thumbnail, and count the status."""
        connection = http.client.HTTPConnection(HOST, self._port, timeout=60)
        start = time.monotonic()
        status: int | str
        try:
            connection.request("GET", target)
            response = connection.getresponse()
            response.read()
            status = response.status
            if status == UNAVAILABLE and "Retry-After" not in response.headers:
                status = "503 without Retry-After"
        except (OSError, http.client.HTTPException) as error:
            status = type(error).__name__
        finally:
            connection.close()
        self._times.append(time.monotonic() - start)
        self.statuses[status] += 1
        return status

    def report(self) -> str:
        """Return the statuses and the longest time."""
        counts = ", ".join(f"{status}: {count}" for status, count in self.statuses.most_common())
        return f"{counts}; longest {max(self._times):.1f} s"

    def failures(self) -> int:
        """Return the number of server errors other than 503."""
        return sum(
            count
            for status, count in self.statuses.items()
            if not isinstance(status, int) or (status >= SERVER_ERROR and status != UNAVAILABLE)
        )


def _app_workers(master: int) -> list[int]:
    return sorted(set(children(master)) - set(launchers(master)))


def _resources(pids: list[int]) -> dict[int, tuple[int, int, int]]:
    """Return the descriptors, launchers and workers of each process."""
    return {
        pid: (len(list(Path(f"/proc/{pid}/fd").iterdir())), len(launchers(pid)), len(workers(pid)))
        for pid in pids
    }


def main() -> int:  # noqa: PLR0915
    """Run the test."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--rate", type=float, default=50)
    parser.add_argument("--seconds", type=float, default=60)
    options = parser.parse_args()
    rng = random.Random(20)  # noqa: S311
    failed = False
    with tempfile.TemporaryDirectory() as directory:
        source = Path(directory, "source")
        source.mkdir()
        originals = _seeds()
        for number in range(options.files):
            damaged = _damage(originals[number % len(originals)], rng)
            (source / f"{number}.jpg").write_bytes(damaged)
        for original in (ROOT / "tests/subjects").glob("*.jpg"):
            (source / original.name).write_bytes(original.read_bytes())
        settings = {
            "THUMBNAIL_SOURCE": str(source),
            "THUMBNAIL_CACHE": str(Path(directory, "cache")),
            "THUMBNAIL_SANDBOX": True,
            "SECRET_KEYS": ["a key of more than 16 bytes"],
        }
        url = TemplateHelpers(Config.from_mapping(settings)).thumbnail_url
        port = free_port()
        command = [sys.executable, "-m", "gunicorn", "--workers=2", "--worker-class=gthread"]
        command += ["--threads=8", "--no-control-socket", f"--bind={HOST}:{port}"]
        command += ["tests.support.servers.sandbox_app:app"]
        env = {"XACCEL_TEST_SETTINGS": json.dumps(settings), "PYTHONPATH": str(ROOT)}
        log = Path(directory, "app.log")
        photos = sorted(file.name for file in source.glob("[a-z]*.jpg"))
        with running(command, port, log, env) as master:
            apps = wait_for(lambda: found if len(found := _app_workers(master)) == 2 else None)  # noqa: PLR2004
            warm = _Client(port)
            with ThreadPoolExecutor(16) as threads:
                list(
                    threads.map(
                        warm.get, (url(name, size) for name in photos for size in range(20, 30))
                    )
                )
            before = _resources(apps)
            print(f"descriptors, launchers, workers before: {before}", flush=True)

            client = _Client(port)
            start = time.monotonic()
            with ThreadPoolExecutor(32) as threads:
                for number in range(options.files):
                    time.sleep(max(0.0, start + number / options.rate - time.monotonic()))
                    threads.submit(client.get, url(f"{number}.jpg", 32))
            rate = options.files / (time.monotonic() - start)
            print(f"damaged images at {rate:.0f} a second: {client.report()}", flush=True)
            share = client.statuses[UNAVAILABLE] / options.files
            failed |= client.failures() > 0 or share > SHARE_OF_503

            killed, stop = Counter[str](), threading.Event()

            def kill() -> None:
                while not stop.wait(0.3):
                    for pid in (pid for app in apps for pid in workers(app)):
                        with suppress(ProcessLookupError):
                            os.kill(pid, signal.SIGKILL)
                            killed["workers"] += 1

            client = _Client(port)
            killer = threading.Thread(target=kill)
            killer.start()
            end = time.monotonic() + options.seconds

            def visit(index: int) -> None:
                size = 100 + index
                while time.monotonic() < end:
                    client.get(url(photos[size % len(photos)], size))
                    size += 8

            with ThreadPoolExecutor(8) as threads:
                list(threads.map(visit, range(8)))
            stop.set()
            killer.join()
            print(f"{killed['workers']} workers killed: {client.report()}", flush=True)
            failed |= client.failures() > 0
            after = _Client(port)
            for size in range(5000, 5010):
                after.get(url(photos[0], size % 97 + 30, quality=size % 50 + 1))
            print(f"afterwards: {after.report()}")
            failed |= set(after.statuses) != {OK}
            lost = set(apps) - set(_app_workers(master))
            now = _resources([pid for pid in apps if pid not in lost])
            print(f"descriptors, launchers, workers after: {now}; app workers lost: {len(lost)}")
            failed |= bool(lost)
            everyone = [*apps, *(pid for app in apps for pid in (*launchers(app), *workers(app)))]
        time.sleep(0.5)
        left = [pid for pid in everyone if Path(f"/proc/{pid}").exists()]
        print(f"processes left over: {len(left)}")
        failed |= bool(left)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
