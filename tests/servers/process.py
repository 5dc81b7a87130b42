"""A server process for a test: started on a port of its own, awaited, stopped by its pid."""

import contextlib
import os
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

HOST = "127.0.0.1"
PATIENCE = 30  # seconds until something that should happen counts as not happening


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as listener:
        listener.bind((HOST, 0))
        port: int = listener.getsockname()[1]
        return port


@contextlib.contextmanager
def running(
    command: Sequence[str | Path],
    address: int | Path,
    log: Path,
    env: Mapping[str, str] | None = None,
) -> Iterator[int]:
    """Run a server until the block ends; yields its pid once it accepts connections.

    `address` is its port or its Unix socket; `env` is added to this process's environment.
    """
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PATH": f"{os.environ['PATH']}:/usr/sbin:/sbin", **(env or {})},
        )
    try:
        _wait_until_listening(process, address, log)
        yield process.pid
    finally:
        process.terminate()
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


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
