"""Servers in threads of the test process."""

import contextlib
import socketserver
import threading
from collections.abc import Iterator
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from tests.support.servers.process import HOST


class _QuietHandler(WSGIRequestHandler):
    def log_message(self, *_):
        pass


class _ThreadingWSGIServer(socketserver.ThreadingMixIn, WSGIServer):
    daemon_threads = True


@contextlib.contextmanager
def serving(server: socketserver.BaseServer) -> Iterator[int]:
    """Serve requests until the block ends, and yield the port."""
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def serving_app(app) -> contextlib.AbstractContextManager[int]:
    """Serve a WSGI app until the block ends, and yield the port."""
    return serving(make_server(HOST, 0, app, _ThreadingWSGIServer, _QuietHandler))
