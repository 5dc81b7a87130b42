"""A TCP relay in front of a real server, which counts the traffic, and can cut or replace it."""

import contextlib
import re
import socket
import threading
from typing import Self

from tests.support.servers.process import HOST


class Relay:
    """Forwards HTTP/1.1 connections to a port on this machine."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._listener = socket.create_server((HOST, 0))
        self.port = self._listener.getsockname()[1]
        self.requests: list[str] = []
        """The request lines so far."""
        self.received = 0
        """The number of bytes received from the server so far."""
        self.connections = 0
        self._refusals = 0
        self._passes = threading.Event()
        self._passes.set()
        self._replacement = b""
        self._replacements = 0
        self._sockets: list[socket.socket] = []
        self._threads: list[threading.Thread] = []

    def refuse(self, times: int) -> None:
        """Close the open connections and the next ones."""
        self._refusals = times
        self._hang_up()

    def stop(self, kind: str) -> None:
        """Stop forwarding, like a server that `refuses` connections or a server that `hangs`."""
        if kind == "refuses":
            self.refuse(10**9)
        else:
            self._passes.clear()

    def resume(self) -> None:
        """Forward everything again."""
        self._refusals = 0
        self._passes.set()

    def answer_instead(self, response: bytes, *, times: int) -> None:
        """Answer the next requests in place of the server. An empty response means silence."""
        self._replacement = response
        self._replacements = times

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self._passes.set()
        # A blocked `accept()` returns only after a shutdown.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._hang_up()
        for thread in self._threads:
            thread.join()

    def _hang_up(self) -> None:
        for sock in self._sockets:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def _start(self, target, *arguments) -> None:
        thread = threading.Thread(target=target, args=arguments)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                if self._refusals:
                    self._refusals -= 1
                    client.close()
                    continue
                self.connections += 1
                self._sockets.append(client)
                self._start(self._serve, client)

    def _serve(self, client: socket.socket) -> None:
        with client, socket.create_connection((HOST, self._target)) as server:
            self._sockets.append(server)
            back = threading.Thread(target=self._back, args=(server, client))
            back.start()
            with contextlib.suppress(OSError):
                while piece := client.recv(65536):
                    # A client sends one request after another. A body follows in separate pieces.
                    line = re.match(rb"[A-Z]+ /\S* HTTP/1\.1\r\n", piece)
                    if line is not None:
                        self.requests.append(line[0].decode().strip())
                    if line is not None and self._replacements:
                        self._replacements -= 1
                        _read_to_end(client, piece)
                        client.sendall(self._replacement)
                    else:
                        server.sendall(piece)
            with contextlib.suppress(OSError):
                server.shutdown(socket.SHUT_RDWR)
            back.join()

    def _back(self, server: socket.socket, client: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := server.recv(65536):
                self._passes.wait()
                self.received += len(data)
                client.sendall(data)
        with contextlib.suppress(OSError):
            client.shutdown(socket.SHUT_RDWR)


def _read_to_end(client: socket.socket, start: bytes) -> None:
    """Read the rest of a request. Otherwise, its body would look like the next request."""
    while b"\r\n\r\n" not in start and (piece := client.recv(65536)):
        start += piece
    head, _, body = start.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
    missing = int(length[1]) - len(body) if length else 0
    while missing > 0 and (piece := client.recv(missing)):
        missing -= len(piece)
