"""Test the sandbox under load, behind Gunicorn: damaged images, then workers that are killed.

The script prints figures. It exits with 1 if a response is a server error other than 503, if more
than 1 % of the damaged images result in 503, or if a process or a descriptor is left over.
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
from collections.abc import Callable
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
from tests.support.render_workers import (  # noqa: E402
    children,
    is_alive,
    launchers,
    wait_for,
    workers,
)
from tests.support.servers.process import HOST, PATIENCE, free_port, running  # noqa: E402
from tests.support.thumbnail_images import photo  # noqa: E402

OK = 200
SERVER_ERROR = 500
UNAVAILABLE = 503
SHARE_OF_503 = 0.01
APP_WORKERS = 2
WORKER_LOG = "memfd"
"""The name of the descriptor of a worker's log. There are also two sockets for each worker."""


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


def _group(master: int) -> set[int]:
    """Return the living processes of the server's process group, wherever they have ended up."""
    pids = (int(path.name) for path in Path("/proc").glob("[0-9]*"))
    found = set()
    for pid in pids:
        with suppress(ProcessLookupError):
            if os.getpgid(pid) == master and is_alive(pid):
                found.add(pid)
    return found


def _descriptors(pid: int) -> Counter[str]:
    """Return how many descriptors of each kind a process has, without those of its workers."""
    found = Counter[str]()
    for path in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):
            found[path.readlink().name.partition(":")[0]] += 1
    logs = found.pop(WORKER_LOG, 0)
    found["socket"] -= 2 * logs
    return found


class _Census:
    """The processes of the server, and the descriptors of the app's workers."""

    def __init__(self, master: int) -> None:
        self.apps = _app_workers(master)
        self.launchers = Counter({pid: len(launchers(pid)) for pid in self.apps})
        self.workers = Counter({pid: len(workers(pid)) for pid in self.apps})
        self.descriptors = {pid: _descriptors(pid) for pid in self.apps}
        known = 1 + len(self.apps) + self.launchers.total() + self.workers.total()
        self.stray = len(_group(master)) - known
        """The number of the server's processes that no other attribute counts."""

    def __str__(self) -> str:
        apps = "; ".join(
            f"{self.launchers[pid]} launcher, {self.workers[pid]} workers, "
            f"{self.descriptors[pid].total()} descriptors of its own"
            for pid in self.apps
        )
        return f"{apps}; {self.stray} stray processes"

    def leaks(self, earlier: _Census) -> list[str]:
        """Describe what has increased since an earlier census."""
        found = [f"{self.stray} stray processes"] if self.stray else []
        for pid in self.apps:
            more = self.descriptors[pid] - earlier.descriptors.get(pid, Counter())
            found += [f"{count} more {kind}" for kind, count in more.items()]
            found += [f"{self.launchers[pid]} launchers"] if self.launchers[pid] > 1 else []
        return found


def _make_source(source: Path, count: int) -> list[str]:
    """Fill a directory with damaged images and photographs. Return the names of the photographs."""
    rng = random.Random(20)  # noqa: S311
    originals = _seeds()
    for number in range(count):
        damaged = _damage(originals[number % len(originals)], rng)
        (source / f"{number}.jpg").write_bytes(damaged)
    photos = sorted((ROOT / "tests/subjects").glob("*.jpg"))
    for original in photos:
        (source / original.name).write_bytes(original.read_bytes())
    return [original.name for original in photos]


def _ask_at_rate(client: _Client, targets: list[str], rate: float) -> None:
    start = time.monotonic()
    with ThreadPoolExecutor(32) as threads:
        for number, target in enumerate(targets):
            time.sleep(max(0.0, start + number / rate - time.monotonic()))
            threads.submit(client.get, target)
    reached = len(targets) / (time.monotonic() - start)
    print(f"damaged images at {reached:.0f} a second: {client.report()}", flush=True)


def _ask_while_killing(
    client: _Client, target: Callable[[int], str], apps: list[int], seconds: float
) -> None:
    """Request thumbnails with eight threads, while all render workers are killed in a loop."""
    killed, stop = Counter[str](), threading.Event()

    def kill() -> None:
        while not stop.wait(0.3):
            for pid in (pid for app in apps for pid in workers(app)):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                    killed["workers"] += 1

    def visit(index: int) -> None:
        size = 100 + index
        while time.monotonic() < end:
            client.get(target(size))
            size += 8

    killer = threading.Thread(target=kill)
    killer.start()
    end = time.monotonic() + seconds
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(visit, range(8)))
    stop.set()
    killer.join()
    print(f"{killed['workers']} workers killed: {client.report()}", flush=True)


def _wait(condition: Callable[[], bool]) -> None:
    """Wait until a condition holds, or until the patience ends."""
    end = time.monotonic() + PATIENCE
    while not condition() and time.monotonic() < end:
        time.sleep(0.01)


def _test(
    master: int, port: int, urls: Callable[..., str], photos: list[str], options: argparse.Namespace
) -> bool:
    """Run the test, and return whether it has failed."""
    apps = wait_for(lambda: found if len(found := _app_workers(master)) == APP_WORKERS else None)
    warm = _Client(port)
    with ThreadPoolExecutor(16) as threads:
        list(threads.map(warm.get, (urls(name, size) for name in photos for size in range(20, 30))))
    before = _Census(master)
    print(f"before: {before}", flush=True)

    damaged = _Client(port)
    targets = [urls(f"{number}.jpg", 32) for number in range(options.files)]
    _ask_at_rate(damaged, targets, options.rate)
    killing = _Client(port)
    _ask_while_killing(
        killing, lambda size: urls(photos[size % len(photos)], size), apps, options.seconds
    )
    after = _Client(port)
    for size in range(5000, 5010):
        after.get(urls(photos[0], size % 97 + 30, quality=size % 50 + 1))
    print(f"afterwards: {after.report()}")

    # The server notices only later that a client has hung up.
    _wait(lambda: not _Census(master).leaks(before))
    now = _Census(master)
    lost = set(apps) - set(now.apps)
    leaks = now.leaks(before)
    print(f"after: {now}; app workers lost: {len(lost)}; leaks: {', '.join(leaks) or 'none'}")
    os.kill(master, signal.SIGTERM)
    _wait(lambda: not _group(master))
    left = _group(master)
    print(f"processes left over after SIGTERM: {len(left)}")
    return bool(
        damaged.failures()
        or damaged.statuses[UNAVAILABLE] > SHARE_OF_503 * options.files
        or killing.failures()
        or set(after.statuses) != {OK}
        or lost
        or leaks
        or left
    )


def main() -> int:
    """Run the test."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--rate", type=float, default=50)
    parser.add_argument("--seconds", type=float, default=60)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        source = Path(directory, "source")
        source.mkdir()
        photos = _make_source(source, options.files)
        settings = {
            "THUMBNAIL_SOURCE": str(source),
            "THUMBNAIL_CACHE": str(Path(directory, "cache")),
            "THUMBNAIL_SANDBOX": True,
            "SECRET_KEYS": ["a key of more than 16 bytes"],
        }
        urls = TemplateHelpers(Config.from_mapping(settings)).thumbnail_url
        port = free_port()
        command = [sys.executable, "-m", "gunicorn", f"--workers={APP_WORKERS}"]
        command += ["--worker-class=gthread", "--threads=8", "--no-control-socket"]
        command += [f"--bind={HOST}:{port}", "tests.support.servers.sandbox_app:app"]
        env = {"XACCEL_TEST_SETTINGS": json.dumps(settings), "PYTHONPATH": str(ROOT)}
        with running(command, port, Path(directory, "app.log"), env) as master:
            return int(_test(master, port, urls, photos, options))


if __name__ == "__main__":
    sys.exit(main())
