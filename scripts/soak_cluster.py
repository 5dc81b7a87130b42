"""Test three machines behind the load balancer, backfill and Celery, with real servers.

The script prints figures, including the ones in docs/scaling.md. It exits with 1 if a response
fails or work is repeated. Rates are per second of CPU time, so that other programs on the machine
hardly affect them.
"""

import argparse
import contextlib
import itertools
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from PIL import Image  # noqa: E402
from xaccel import Config, Signer  # noqa: E402

from tests.support.servers.bulk_client import ask_all  # noqa: E402
from tests.support.servers.cluster import (  # noqa: E402
    Machine,
    running_balancer,
    running_machines,
)
from tests.support.servers.process import HOST, free_port, running  # noqa: E402
from tests.support.servers.s3 import s3_server  # noqa: E402
from tests.support.servers.site import children  # noqa: E402
from tests.support.servers.visitors import Shared, Visitors  # noqa: E402

KEY = "a key of more than 16 bytes"
SPEC = "300x200"
IMAGES = 400
"""The number of originals in the bucket."""
XACCEL = Path(sys.executable).with_name("xaccel")
TICKS = os.sysconf("SC_CLK_TCK")

BY_HAND = """
import sys
from pathlib import Path
from xaccel.cli.app_config import from_file
from xaccel.tasks import render

config = from_file(Path(sys.argv[1]))
for name in Path(sys.argv[2]).read_text().splitlines():
    render(name, sys.argv[3], config=config)
"""


class Faults(list[str]):
    """A list of faults."""

    def expect(self, is_right: object, what: str) -> None:
        """Print and record a fault unless `is_right` is true."""
        if not is_right:
            self.append(what)
            print(f"   FAULT: {what}")


def signed(path: str) -> str:
    """Return the signed URL of a thumbnail."""
    return Signer([KEY]).sign(path)


def photo(path: Path) -> None:
    """Write a photo of 2560x1600 pixels."""
    with Image.open(ROOT / "tests/subjects/coffee.jpg") as image:
        image.convert("RGB").resize((2560, 1600), Image.Resampling.LANCZOS).save(
            path, "JPEG", quality=85
        )


def pictures(home: Path, count: int) -> Path:
    """Create a source with this number of images."""
    directory = home / "photos"
    directory.mkdir(exist_ok=True)
    first = directory / "0.jpg"
    if not first.exists():
        photo(first)
    for number in range(1, count):
        with contextlib.suppress(FileExistsError):
            os.link(first, directory / f"{number}.jpg")
    return directory


def cpu_seconds(pids: list[int]) -> float:
    """Return the CPU time of processes and their finished children."""
    fields = [Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in pids]
    return sum(sum(map(int, each[11:15])) for each in fields) / TICKS


def made(machines: list[Machine], spec: str, name: str | None = None) -> list[int]:
    """Return how often each machine has made thumbnails of this spec, of one image or of all."""
    start = f"made {spec} of " + ("" if name is None else f"'{name}'")
    return [len(machine.lines(start)) for machine in machines]


def cluster(home: Path, faults: Faults, clients: int) -> None:
    """Request a new thumbnail, with and without hashing; then kill a machine.

    The machines share one bucket for originals and one for thumbnails.
    """
    directory = home / "cluster"
    directory.mkdir()
    (directory / "s3").mkdir()
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(s3_server(directory / "s3"))
        for bucket in ("photos", "thumbs"):
            server.create(bucket)
        for path in pictures(home, IMAGES).iterdir():
            server.put(f"s3://photos/{path.name}", path.read_bytes())
        settings: dict[str, object] = {
            "S3": server.settings,
            "THUMBNAIL_SOURCE": "s3://photos/",
            "THUMBNAIL_STORE": "s3://thumbs/",
            # Each machine has its own directory, and the load balancer has none.
            "THUMBNAIL_CACHE": str(directory / "cache"),
            "SECRET_KEYS": [KEY],
        }
        machines = stack.enter_context(running_machines(directory, 3, settings, workers=2))
        ports = [machine.port for machine in machines]
        for hashing in (True, False):
            with running_balancer(
                home / f"balancer-{hashing}", ports, settings, hashing=hashing
            ) as port:
                spec = f"{900 + hashing}x-"
                target = signed(f"/t/{spec}/1.jpg")
                replies = list(ask_all(port, [target] * clients, at_once=clients))
                failed = sum(reply.status != 200 for reply in replies)  # noqa: PLR2004
                renders = made(machines, spec, "1.jpg")
                print(
                    f"{clients} clients, one new thumbnail, hashing {'on' if hashing else 'off'}: "
                    f"{sum(renders)} renders {renders}, {failed} failed"
                )
                faults.expect(failed == 0, "a request failed")
                most = sum(renders) if hashing else max(renders)
                faults.expect(most == 1, "a thumbnail was made twice")
        with running_balancer(home / "balancer", ports, settings) as port:
            hits(port, machines)
            kill(port, machines, faults)


def hits(port: int, machines: list[Machine]) -> None:
    """Measure finished thumbnails from one machine's nginx, and through the load balancer."""
    target = signed(f"/t/{SPEC}/2.jpg")
    list(ask_all(port, [target] * 16))
    machine = next(each for each in machines if sum(made([each], SPEC, "2.jpg")))
    size = len(next(ask_all(machine.port, [target])).body)
    for what, address in (("a machine's nginx", machine.port), ("the load balancer", port)):
        master = _listener(address)
        workers = children(master)
        before, start = cpu_seconds(workers), time.monotonic()
        result = subprocess.run(
            ["wrk", "-t1", "-c32", "-d5s", f"http://{HOST}:{address}{target}"],
            capture_output=True,
            text=True,
            check=True,
        )
        asked = int(result.stdout.partition(" requests in")[0].rpartition("\n")[2])
        used = cpu_seconds(workers) - before
        print(
            f"hits of {size} bytes, {what}: {asked / used:.0f} per CPU second, "
            f"{asked / (time.monotonic() - start):.0f} per second on this machine"
        )


def _listener(port: int) -> int:
    """Return the process ID of the nginx master whose configuration listens on this port."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            words = path.read_text().split("\0")
            if words[0].startswith("nginx: master"):
                conf = Path(path.read_text().partition(" -c ")[2].partition(" ")[0].rstrip("\0"))
                if conf.is_file() and f":{port};" in conf.read_text().partition("listen ")[2][:40]:
                    return int(path.parent.name)
    raise RuntimeError(f"nothing listens on {port}")


def kill(port: int, machines: list[Machine], faults: Faults) -> None:
    """Kill a machine while visitors request pages, new thumbnails and finished thumbnails."""
    new = (
        signed(f"/t/{width}x-/{number}.jpg")
        for width in itertools.count(20)
        for number in range(IMAGES)
    )
    finished = [signed(f"/t/10x-/{number}.jpg") for number in range(40)]
    list(ask_all(port, finished))
    first = made(machines, "10x-")
    faults.expect(sum(first) == len(finished), f"{sum(first)} renders of {len(finished)}")
    old = itertools.cycle(finished)
    targets = Shared(
        itertools.chain.from_iterable(zip(new, old, itertools.repeat("/page"), strict=False))
    )
    with Visitors(port, targets) as visitors:
        visitors.wait_for(500)
        machines[1].kill()
        visitors.wait_for(1500)
    failed = [status for status in visitors.statuses if status != 200]  # noqa: PLR2004
    print(
        f"one of three machines killed with -9 under load: {len(visitors.statuses)} responses, "
        f"{len(failed)} failed, {visitors.cut} cut off after they had begun"
    )
    faults.expect(not failed, f"failed responses: {failed[:5]}")
    again = sum(made(machines, "10x-")) - sum(first)
    print(
        f"of {len(finished)} thumbnails in the store, {first[1]} of them made by the killed "
        f"machine: {again} rendered again"
    )
    faults.expect(first[1] > 0, "the killed machine made no thumbnail")
    faults.expect(again == 0, "a thumbnail in the store was rendered again")


def settings_file(home: Path, source: Path, name: str) -> Path:
    """Write the settings of an app with a new cache."""
    file = home / f"{name}.toml"
    file.write_text(
        f'THUMBNAIL_SOURCE = "{source}"\nTHUMBNAIL_CACHE = "{home}/cache-{name}"\n'
        f'SECRET_KEYS = ["{KEY}"]\nTHUMBNAIL_CACHE_MAX_SIZE = "10g"\n'
    )
    return file


def kept(home: Path, name: str) -> int:
    """Return the number of finished thumbnails."""
    return sum(1 for _ in (home / f"cache-{name}").glob("t/*/*"))


def timed(run: Callable[[], object]) -> tuple[float, float]:
    """Run a function, and return the seconds and the CPU seconds that its processes take."""
    start, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    run()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return time.monotonic() - start, used


def backfill(home: Path, faults: Faults, images: int) -> None:
    """Compare backfill with two processes started by hand; then kill it halfway and restart it."""
    source = pictures(home, images)
    halves = []
    for half in range(2):
        halves.append(home / f"half-{half}")
        names = (f"{number}.jpg\n" for number in range(half, images, 2))
        halves[half].write_text("".join(names))

    def by_hand(name: str) -> None:
        file = settings_file(home, source, name)
        started = [
            subprocess.Popen([sys.executable, "-c", BY_HAND, file, half, SPEC]) for half in halves
        ]
        faults.expect(all(each.wait() == 0 for each in started), "a process failed")

    def command(name: str) -> None:
        file = settings_file(home, source, name)
        arguments = ("backfill", "--config", str(file), SPEC, "--processes", "2")
        subprocess.run([XACCEL, *arguments], check=True, stdout=subprocess.DEVNULL)

    walls, used = [0.0, 0.0], [0.0, 0.0]
    for number, (which, run) in enumerate(((0, by_hand), (1, command), (1, command), (0, by_hand))):
        name = f"run-{number}"
        (home / f"cache-{name}").mkdir()
        wall, cpu = timed(lambda run=run, name=name: run(name))  # type: ignore[misc]
        walls[which] += wall
        used[which] += cpu
        faults.expect(kept(home, name) == images, "thumbnails are missing")
        shutil.rmtree(home / f"cache-{name}")
    print(
        f"backfill of {images} pictures of 2560x1600, compared with two processes by hand: "
        f"{walls[0] / walls[1]:.3f} of their rate, {used[0] / used[1]:.3f} by CPU time; "
        f"{2 * images / used[1]:.1f} renders per CPU second"
    )
    faults.expect(used[0] / used[1] >= 0.95, "its rate is below 0.95")  # noqa: PLR2004

    file = settings_file(home, source, "killed")
    arguments = [XACCEL, "backfill", "--config", file, SPEC, "--processes", "2"]
    with subprocess.Popen(arguments) as process:
        while kept(home, "killed") < images // 2:
            time.sleep(0.02)
        workers = children(process.pid)
        process.kill()
        process.wait()
        while any(Path(f"/proc/{pid}").exists() for pid in workers):
            time.sleep(0.02)
    done = kept(home, "killed")
    again = subprocess.run(arguments, check=True, capture_output=True, text=True).stdout
    print(f"killed with -9 after {done} of {images}, and started again: {again.strip()}")
    faults.expect(f"rendered {images - done} " in again, "work was repeated")


def celery(home: Path, faults: Faults, images: int) -> None:
    """Render with a prefork worker that gets its tasks from Redis."""
    source = pictures(home, images)
    cache, port = home / "cache-celery", free_port()
    broker = f"redis://{HOST}:{port}/0"
    settings = {
        "THUMBNAIL_SOURCE": str(source),
        "THUMBNAIL_CACHE": str(cache),
        "SECRET_KEYS": [KEY],
    }
    env = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([os.environ.get("PYTHONPATH", ""), str(ROOT)]).lstrip(":"),
        "XACCEL_TEST_SETTINGS": json.dumps(settings),
        "XACCEL_TEST_BROKER": broker,
        "XACCEL_TEST_LOG": str(home / "celery.log"),
    }
    redis = ("redis-server", "--port", str(port), "--bind", HOST, "--save", "", "--dir", str(home))
    with running(redis, port, home / "redis.log"), (home / "worker.log").open("wb") as log:
        subprocess.run(
            [
                *(XACCEL, "backfill", "--celery", "--app", "tests.support.celery_app:config"),
                *(SPEC, "--names", str(home / "half-0")),
            ],
            cwd=ROOT,
            env=env,
            check=True,
        )
        expected = images // 2
        worker = [
            *(sys.executable, "-m", "celery", "--app", "tests.support.celery_app", "worker"),
            *("--concurrency", "2", "--pool", "prefork", "--loglevel", "WARNING"),
        ]
        with subprocess.Popen(worker, cwd=home, env=env, stdout=log, stderr=log) as process:
            start = time.monotonic()
            while sum(1 for _ in cache.glob("t/*/*")) < expected:
                time.sleep(0.05)
                if process.poll() is not None:
                    break
            seconds = time.monotonic() - start
            process.terminate()
    count = sum(1 for _ in cache.glob("t/*/*"))
    print(f"Celery, prefork with 2 processes: {count} of {expected} in {seconds:.1f} s")
    faults.expect(count == expected, "thumbnails are missing")


def main() -> int:
    """Run the parts of the test that were requested."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=2000)
    parser.add_argument("--clients", type=int, default=300)
    parser.add_argument("part", nargs="*", help="cluster, backfill or celery (default: all)")
    options = parser.parse_args()
    faults = Faults()
    parts: dict[str, Callable[[Path], Any]] = {
        "cluster": lambda home: cluster(home, faults, options.clients),
        "backfill": lambda home: backfill(home, faults, options.images),
        "celery": lambda home: celery(home, faults, options.images),
    }
    with _home() as home:
        for name in options.part or parts:
            print(f"== {name}", flush=True)
            parts[name](home)
    return 1 if faults else 0


@contextlib.contextmanager
def _home() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="xaccel-cluster-") as name:
        home = Path(name)
        home.chmod(0o755)
        Config()  # fail early if the extension module is missing
        yield home


if __name__ == "__main__":
    sys.exit(main())
