"""A DNS server (RFC 1035) for tests. It resolves a few names, and records the queries."""

import contextlib
import socketserver
import struct
import threading
from ipaddress import IPv4Address

from tests.support.servers.process import HOST

_HEADER = struct.Struct(">HHHHHH")
_A, _IN = 1, 1
_ANSWER, _NO_SUCH_NAME = 0x8180, 0x8183


class _Handler(socketserver.BaseRequestHandler):
    def handle(self):
        query, socket = self.request
        number, *_ = _HEADER.unpack_from(query)
        labels, position = [], _HEADER.size
        while length := query[position]:
            labels.append(query[position + 1 : position + 1 + length].decode())
            position += length + 1
        question = query[_HEADER.size : position + 5]
        (kind,) = struct.unpack_from(">H", query, position + 1)
        name = ".".join(labels).lower()
        self.server.asked.append(name)
        address = self.server.names.get(name)
        answers = b""
        if address is not None and kind == _A:
            # The name is a pointer to the question; the answer is valid for one second.
            answers = struct.pack(">HHHIH", 0xC00C, _A, _IN, 1, 4) + IPv4Address(address).packed
        status = _NO_SUCH_NAME if address is None else _ANSWER
        header = _HEADER.pack(number, status, 1, 1 if answers else 0, 0, 0)
        socket.sendto(header + question + answers, self.client_address)


@contextlib.contextmanager
def dns(names):
    """Answer queries until the block ends. Yield the address and the list of requested names."""
    with socketserver.UDPServer((HOST, 0), _Handler) as server:
        server.names, server.asked = names, []
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"{HOST}:{server.server_address[1]}", server.asked
        finally:
            server.shutdown()
            thread.join()
