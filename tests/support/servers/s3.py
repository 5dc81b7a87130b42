"""A real S3 server for a test: SeaweedFS."""

import contextlib
import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPMessage
from pathlib import Path
from typing import NamedTuple

from xaccel.signing import S3Signer

from tests.support.servers.process import HOST, PATIENCE, free_port

WEED = Path(sys.executable).with_name("weed")
ACCESS_KEY = "AKIATESTTESTTEST"
SECRET_KEY = "a/secret+key=of/forty+characters/for-s3!"


class BucketExists(Exception):
    pass


class S3Server(NamedTuple):
    """A running server and its only account."""

    endpoint: str
    access_key: str
    secret_key: str
    region: str

    @property
    def settings(self) -> dict[str, str]:
        """The setting `S3`."""
        return self._asdict()

    @property
    def port(self) -> int:
        return int(self.endpoint.rpartition(":")[2])

    def create(self, bucket: str) -> None:
        """Create a bucket, unless another module has already created it."""
        with contextlib.suppress(BucketExists):
            self._request("PUT", f"s3://{bucket}")

    def put(self, url: str, body: bytes, **headers: str) -> str:
        """Store an object at `s3://bucket/key`, and return its ETag."""
        return self._request("PUT", url, body, headers).headers["ETag"]

    def get(self, url: str) -> bytes | None:
        """Return the content of an object, or `None` if it does not exist."""
        response = self._request("GET", url)
        return response.body if response.status == 200 else None

    def delete(self, url: str) -> None:
        self._request("DELETE", url)

    def _request(self, method: str, url: str, body: bytes | None = None, headers=None) -> "Answer":
        signer = S3Signer(**self.settings)
        address, fields = signer.url(url), dict(headers or {})
        signed = signer.sign_request(method, address, fields, "UNSIGNED-PAYLOAD")
        target = address.removeprefix(self.endpoint)
        connection = HTTPConnection(HOST, self.port, timeout=PATIENCE)
        with contextlib.closing(connection):
            connection.request(method, target, body, {**fields, **signed})
            response = connection.getresponse()
            answer = Answer(response.status, response.headers, response.read())
        if b"<Code>BucketAlreadyOwnedByYou</Code>" in answer.body:
            raise BucketExists(url)
        if answer.status >= 400 and (method, answer.status) != ("GET", 404):
            raise RuntimeError(f"{method} {url}: {answer.status} {answer.body!r}")
        return answer


class Answer(NamedTuple):
    """A response from the server."""

    status: int
    headers: HTTPMessage
    body: bytes


def _port() -> int:
    """Return a free port. Its gRPC port, which is higher by 10 000, is also free."""
    while True:
        port = free_port()
        with contextlib.suppress(OSError, OverflowError), socket.socket() as grpc:
            grpc.bind((HOST, port + 10_000))
            return port


@contextlib.contextmanager
def s3_server(directory: Path) -> Iterator[S3Server]:
    """Run a server until the block ends, with its files in an empty directory."""
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
        # Each bucket uses several volumes.
        "-volume.max=100",
        "-master.volumeSizeLimitMB=64",
        f"-master.port={master}",
        f"-volume.port={volume}",
        f"-filer.port={filer}",
        "-s3",
        f"-s3.port={s3}",
        # These ports can't be set, so two servers would use the same ones.
        "-s3.port.iceberg=0",
        "-s3.port.lance=0",
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
    """Wait until the server refuses unsigned requests, because its accounts are then loaded."""
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
    """Remove the Unix sockets that the server leaves in /tmp, regardless of TMPDIR."""
    for port in ports:
        for number in (port, port + 10_000):
            for path in Path("/tmp").glob(f"seaweedfs-*-{number}.sock"):
                path.unlink(missing_ok=True)


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Stop the server, which may ignore SIGTERM. Its files are no longer needed."""
    process.terminate()
    try:
        process.wait(2)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
