"""A minimal client for a very large number of requests on a few keep-alive connections."""

import contextlib
import itertools
import re
import socket
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from tests.support.servers.process import HOST, PATIENCE

CONNECTIONS = 16
_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding: *chunked", re.IGNORECASE)
_CLOSE = re.compile(rb"\r\nconnection: *close", re.IGNORECASE)


class Reply(NamedTuple):
    """A response with its raw head."""

    status: int
    head: bytes
    body: bytes


def ask_all(port: int, targets: Iterable[str], *, at_once: int = CONNECTIONS) -> Iterator[Reply]:
    """Request targets exactly as they are spelled, and yield the replies in the same order.

    Each connection is used for one request at a time, because Gunicorn drops a second one.
    """
    remaining = iter(targets)
    with contextlib.ExitStack() as stack:
        connections = [_Connection(port) for _ in range(at_once)]
        for connection in connections:
            stack.callback(connection.close)
        while asked := list(itertools.islice(remaining, at_once)):
            for connection, target in zip(connections, asked, strict=False):
                connection.ask(target)
            for connection, _ in zip(connections, asked, strict=False):
                yield connection.reply()


class _Connection:
    def __init__(self, port: int) -> None:
        self._port = port
        self._socket: socket.socket | None = None
        self._request = self._received = b""
        self._is_used = False

    def ask(self, target: str) -> None:
        self._request = f"GET {target} HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode()
        if self._socket is None:
            self._connect()
        else:
            # If the server has hung up, reply() notices it.
            with contextlib.suppress(ConnectionError):
                self._socket.sendall(self._request)

    def reply(self) -> Reply:
        try:
            head = self._until(b"\r\n\r\n")
        except ConnectionError:
            # Servers close idle and heavily used connections (RFC 9112, 9.3).
            if not self._is_used or self._received:
                raise
            self._connect()
            head = self._until(b"\r\n\r\n")
        length = _LENGTH.search(head)
        if length is not None:
            body = self._exactly(int(length[1]))
        elif _CHUNKED.search(head):
            body = b"".join(iter(self._chunk, b""))
        else:
            raise ValueError(f"a reply without a length: {head!r}")
        self._is_used = True
        if _CLOSE.search(head):
            self.close()
        return Reply(int(head[9:12]), head, body)

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
        self._socket, self._received = None, b""

    def _connect(self) -> None:
        self.close()
        self._socket = socket.create_connection((HOST, self._port), timeout=PATIENCE)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._is_used = False
        self._socket.sendall(self._request)

    def _until(self, end: bytes) -> bytes:
        while (position := self._received.find(end)) < 0:
            self._receive()
        return self._exactly(position + len(end))

    def _exactly(self, size: int) -> bytes:
        while len(self._received) < size:
            self._receive()
        taken, self._received = self._received[:size], self._received[size:]
        return taken

    def _chunk(self) -> bytes:
        size = int(self._until(b"\r\n").partition(b";")[0], 16)
        return self._exactly(size + 2)[:-2]

    def _receive(self) -> None:
        if self._socket is None:
            raise ConnectionError("not connected")
        received = self._socket.recv(1 << 16)
        if not received:
            raise ConnectionError("the server hung up")
        self._received += received
