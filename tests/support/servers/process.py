"""A server process for a test, which has its own port and stops at the end of the test."""

import contextlib
import functools
import itertools
import os
import random
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

HOST = "127.0.0.1"
PATIENCE = 30  # seconds that a test waits before it fails

_LOWEST_PORT = 11_000  # Chromium refuses some that are lower
_HIGHEST_PORT = 65_535
_OF_KERNEL = Path("/proc/sys/net/ipv4/ip_local_port_range")


def free_port() -> int:
    """Return a free port that no other process of this test run uses."""
    for port in _ports():
        with contextlib.suppress(OSError), socket.socket() as listener:
            listener.bind((HOST, port))
            return port
    raise RuntimeError("all ports are in use")


@functools.cache
def _ports() -> Iterator[int]:
    """Yield the ports in random order, without an end.

    They are outside the range that the kernel uses for connections. Each process of a test run has
    different ports.
    """
    process = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    processes = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    end = int(_OF_KERNEL.read_text().split()[0])
    if end <= _LOWEST_PORT:
        end = _HIGHEST_PORT
    ports = range(_LOWEST_PORT + process, end, processes)
    return itertools.cycle(random.SystemRandom().sample(ports, len(ports)))


@contextlib.contextmanager
def running(
    command: Sequence[str | Path],
    address: int | Path,
    log: Path,
    env: Mapping[str, str] | None = None,
) -> Iterator[int]:
    """Run a server until the block ends, and yield its pid once it accepts connections.

    `address` is the server's port or Unix socket. `env` is added to this process's environment.
    """
    with started(command, log, env) as process:
        _wait_until_listening(process, address, log)
        yield process.pid


@contextlib.contextmanager
def started(
    command: Sequence[str | Path], log: Path, env: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a process until the block ends, without waiting until it is ready."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PATH": f"{os.environ['PATH']}:/usr/sbin:/sbin", **(env or {})},
            process_group=0,
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        # Some servers, such as thumbor, leave their workers behind.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def _connect(address: int | Path) -> None:
    """Connect, and hang up."""
    if isinstance(address, int):
        socket.create_connection((HOST, address), timeout=1).close()
        return
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(address))


def _wait_until_listening(process: subprocess.Popen[bytes], address: int | Path, log: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        with contextlib.suppress(OSError):
            _connect(address)
            return
        time.sleep(0.01)
    raise RuntimeError(
        f"{process.args} does not listen on {address} (exit status {process.poll()}):\n"
        f"{log.read_text(errors='replace')}"
    )
