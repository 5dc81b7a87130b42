"""Several machines behind a load balancer, each with its own nginx, Gunicorn and cache."""

import contextlib
import json
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from xaccel import Config
from xaccel.servers import generators
from xaccel.servers.deployment import Deployment

from tests.support.servers.process import HOST, free_port, running
from tests.support.servers.site import children, running_server, started


@dataclass(frozen=True)
class Machine:
    """A machine: a port, a cache, and the processes of nginx and Gunicorn."""

    name: str
    port: int
    cache: Path
    log: Path
    masters: tuple[int, int]

    def lines(self, start: str) -> list[str]:
        """Return the lines in the app's log that have a prefix, without the prefix."""
        text = self.log.read_text() if self.log.exists() else ""
        return [line.removeprefix(start) for line in text.splitlines() if line.startswith(start)]

    def kill(self) -> None:
        """Switch off the machine."""
        # Kill the masters first, because they would replace their workers.
        workers = [pid for master in self.masters for pid in children(master)]
        for pid in (*self.masters, *workers):
            os.kill(pid, signal.SIGKILL)


@contextlib.contextmanager
def running_machines(
    directory: Path, count: int, settings: dict[str, object], *, workers: int = 1
) -> Iterator[list[Machine]]:
    """Run machines with the same settings until the block ends, each in its own directory."""
    with contextlib.ExitStack() as stack:
        machines = []
        for number in range(count):
            home = directory / f"machine-{number}"
            home.mkdir()
            machines.append(stack.enter_context(_running_machine(home, settings, workers)))
        yield machines


@contextlib.contextmanager
def _running_machine(home: Path, settings: dict[str, object], workers: int) -> Iterator[Machine]:
    own = {**settings, "SERVER": "nginx", "THUMBNAIL_CACHE": str(home / "cache")}
    port, app_port, log = free_port(), free_port(), home / "renders.log"
    command = [
        *(sys.executable, "-m", "gunicorn", "--bind", f"{HOST}:{app_port}", "--keep-alive", "60"),
        *("--threads", "8", "--workers", str(workers), "--no-control-socket"),
        *("--worker-tmp-dir", str(home), "tests.support.servers.cluster_app:app()"),
    ]
    env = {
        "XACCEL_TEST_SETTINGS": json.dumps(own),
        "XACCEL_TEST_LOG": str(log),
        "XACCEL_TEST_MACHINE": home.name,
    }
    with (
        running(command, app_port, home / "app.log", env) as gunicorn,
        running_server(
            "nginx", Config.from_mapping(own), home, port, app_port, real_ip_from=(HOST,)
        ) as nginx,
    ):
        yield Machine(home.name, port, home / "cache", log, (nginx, gunicorn))


@contextlib.contextmanager
def running_balancer(
    directory: Path,
    ports: Sequence[int],
    settings: dict[str, object],
    *,
    hashing: bool = True,
    **deployment: object,
) -> Iterator[int]:
    """Run the load balancer in front of the machines at these ports, and yield its port."""
    nginx, port = generators.load("nginx"), free_port()
    (directory / "tmp").mkdir(parents=True)
    for path in (directory, directory / "tmp"):
        path.chmod(0o755)
    deployed = Deployment(
        balance=tuple(f"{HOST}:{each}" for each in ports),
        **{"listen": f"{HOST}:{port}", **deployment},
    )
    text = nginx.full(Config.from_mapping(settings), deployed, directory)
    if not hashing:
        hashed = f"hash ${deployed.identifier}_image consistent;"
        assert hashed in text
        text = text.replace(hashed, "least_conn;")
    main_file = directory / "nginx.conf"
    main_file.write_text(text)
    with started("nginx", main_file, port):
        yield port
