"""The HTTP server of `xaccel serve`: one process with threads, for development."""

from __future__ import annotations

import contextlib
import ipaddress
import socket
import socketserver
from collections.abc import Iterable
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from xaccel.exceptions import ConfigError

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


class _Server(socketserver.ThreadingMixIn, WSGIServer):
    daemon_threads = True
    request_queue_size = 128

    def server_bind(self) -> None:
        # http.server's own method looks up this machine's name in the DNS, which may be slow.
        socketserver.TCPServer.server_bind(self)
        host, port = self.server_address[:2]
        self.server_name, self.server_port = str(host), port
        self.setup_environ()


def listen(host: str, port: int) -> WSGIServer:
    """Return a server that is listening but does not have an app yet.

    Raises:
        ConfigError: The address can't be used.
    """
    try:
        family, *_, address = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)[0]
        server_class = type("Server", (_Server,), {"address_family": family})
        server: WSGIServer = server_class((address[0], port), WSGIRequestHandler)
    except (OSError, OverflowError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise ConfigError(f"can't listen on {host}, port {port}: {reason}") from None
    return server


class LocalOnly:
    """Refuses requests for other host names if the server listens on a loopback address.

    Otherwise, a website could make its own host name resolve to this address (DNS rebinding) and
    read all files.

    Args:
        app: The app.
        host: The address that the server listens on.
    """

    def __init__(self, app: WSGIApplication, host: str) -> None:
        self._app = app
        self._host = host if is_loopback(host) else None

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Respond to one request."""
        if self._host is None or self._is_local(environ.get("HTTP_HOST", "")):
            return self._app(environ, start_response)
        body = b"This gallery is for this machine only: use localhost.\n"
        headers = [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))]
        start_response("421 Misdirected Request", headers)
        return [body]

    def _is_local(self, authority: str) -> bool:
        with contextlib.suppress(ValueError):
            name = urlsplit(f"//{authority}").hostname or ""
            return name == self._host or is_loopback(name)
        return False


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a host name or address."""
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return host == "localhost" or host.endswith(".localhost")
