"""A real S3 server, SeaweedFS, for a test."""

import contextlib
import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import NamedTuple

from tests.support.servers.process import HOST, PATIENCE, free_port

WEED = Path(sys.executable).with_name("weed")
ACCESS_KEY = "AKIATESTTESTTEST"
SECRET_KEY = "a/secret+key=of/forty+characters/for-s3!"


class S3Server(NamedTuple):
    """A running server and its only account."""

    endpoint: str
    access_key: str
    secret_key: str
    region: str


def _port() -> int:
    """A free port whose gRPC port, 10 000 higher, is free as well."""
    while True:
        port = free_port()
        with contextlib.suppress(OSError, OverflowError), socket.socket() as grpc:
            grpc.bind((HOST, port + 10_000))
            return port


@contextlib.contextmanager
def s3_server(directory: Path) -> Iterator[S3Server]:
    """Run a server with its files in an empty directory until the block ends."""
    accounts = directory / "accounts.json"
    account = {
        "name": "test",
        "credentials": [{"accessKey": ACCESS_KEY, "secretKey": SECRET_KEY}],
        "actions": ["Admin", "Read", "Write", "List"],
    }
    accounts.write_text(json.dumps({"identities": [account]}))
    data = directory / "data"
    data.mkdir()
    ports = [_port() for _ in range(4)]
    s3, master, volume, filer = ports
    command = [
        WEED,
        "server",
        f"-dir={data}",
        f"-ip={HOST}",
        f"-ip.bind={HOST}",
        "-volume.max=8",
        "-master.volumeSizeLimitMB=64",
        f"-master.port={master}",
        f"-volume.port={volume}",
        f"-filer.port={filer}",
        "-s3",
        f"-s3.port={s3}",
        f"-s3.config={accounts}",
    ]
    log = directory / "weed.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=directory,
            env={"HOME": str(directory), "TMPDIR": str(directory)},
        )
    try:
        _wait_until_ready(process, s3, log)
        yield S3Server(f"http://{HOST}:{s3}", ACCESS_KEY, SECRET_KEY, "us-east-1")
    finally:
        _stop(process)
        _remove_sockets(ports)


def _wait_until_ready(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    """Wait until the server refuses a request without a signature, so that it has its accounts."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and process.poll() is None:
        connection = HTTPConnection(HOST, port, timeout=5)
        with contextlib.suppress(OSError), contextlib.closing(connection):
            connection.request("GET", "/")
            if connection.getresponse().status == 403:
                return
        time.sleep(0.05)
    raise RuntimeError(f"SeaweedFS is not ready:\n{log.read_text(errors='replace')[-4000:]}")


def _remove_sockets(ports: list[int]) -> None:
    """Remove the Unix sockets that it leaves in /tmp, whatever TMPDIR says."""
    for port in ports:
        for number in (port, port + 10_000):
            for path in Path("/tmp").glob(f"seaweedfs-*-{number}.sock"):
                path.unlink(missing_ok=True)


def _stop(process: subprocess.Popen[bytes]) -> None:
    """It may ignore SIGTERM, and nobody needs its files any more."""
    process.terminate()
    try:
        process.wait(2)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
