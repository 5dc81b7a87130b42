"""`xaccel serve`: a gallery over a directory of one's own pictures, for development."""

from __future__ import annotations

import argparse
import contextlib
import ipaddress
import re
import signal
import socket
import socketserver
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from xaccel.cli.gallery import Gallery
from xaccel.cli.help import add_command
from xaccel.config import Config
from xaccel.exceptions import ConfigError

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


def add(commands: Any) -> None:
    """Add the command to those that `add_subparsers()` gave."""
    parser = add_command(
        commands,
        "serve",
        summary="show a directory of pictures as a gallery, for development",
        description="Show a directory of your own pictures as a gallery in the browser: "
        "thumbnails, folders, files. It needs neither a web server nor a framework, and is for "
        "development only: one process, no TLS, no password. Ctrl-C ends it.",
        examples=[
            "xaccel serve ~/Pictures",
            "xaccel serve . --size 480x360 --cache /tmp/thumbnails",
        ],
    )
    parser.set_defaults(run=_run)
    parser.add_argument("directory", type=Path, metavar="DIR", help="the directory of pictures")
    parser.add_argument(
        "--host", default="127.0.0.1", help="the address to listen on (default: %(default)s)"
    )
    parser.add_argument(
        "--port",
        type=int,
        default=8000,
        help="the port to listen on; 0 takes a free one (default: %(default)s)",
    )
    parser.add_argument(
        "--size",
        default="320x240",
        metavar="WxH",
        help="the box into which each picture is fitted, in pixels (default: %(default)s)",
    )
    parser.add_argument(
        "--cache",
        type=Path,
        metavar="DIR",
        help="keep the thumbnails there for the next time (default: they go when it ends)",
    )


def _run(options: argparse.Namespace) -> None:
    directory = options.directory.expanduser().resolve()
    if not directory.is_dir():
        raise ConfigError(f"there is no directory {str(options.directory)!r}")
    size = _size(options.size)
    with contextlib.ExitStack() as stack:
        stack.enter_context(contextlib.suppress(KeyboardInterrupt))
        stack.enter_context(_terminable())
        cache = stack.enter_context(_cache(options.cache))
        app = _OnlyHere(Gallery(directory, cache, size), options.host)
        server = stack.enter_context(_listening(options.host, options.port))
        server.set_app(app)
        print(f"{directory} is at http://{_in_url(options.host)}:{server.server_port}/", flush=True)
        print("For development only: no TLS, no password. Ctrl-C ends it.", flush=True)
        if not _is_loopback(options.host):
            print("Everybody who can reach this address sees the directory.", flush=True)
        server.serve_forever()


def _size(text: str) -> tuple[int, int]:
    match = re.fullmatch("([1-9][0-9]{0,4})x([1-9][0-9]{0,4})", text)
    if match is None or max(int(match[1]), int(match[2])) * 3 > Config.thumbnail_max_side:
        most = Config.thumbnail_max_side // 3
        raise ConfigError(f"--size must be like 320x240, up to {most}x{most}, not {text!r}")
    return int(match[1]), int(match[2])


@contextlib.contextmanager
def _cache(directory: Path | None) -> Iterator[Path]:
    if directory is not None:
        yield directory.expanduser().absolute()
        return
    # A thumbnail may still be written while the directory is removed.
    with tempfile.TemporaryDirectory(prefix="xaccel-", ignore_cleanup_errors=True) as temporary:
        yield Path(temporary)


@contextlib.contextmanager
def _terminable() -> Iterator[None]:
    """End by SIGTERM as by Ctrl-C, so that nothing is left behind."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


class _Server(socketserver.ThreadingMixIn, WSGIServer):
    daemon_threads = True
    request_queue_size = 128

    def server_bind(self) -> None:
        # That of http.server asks the DNS for this machine's name, which may take long.
        socketserver.TCPServer.server_bind(self)
        host, port = self.server_address[:2]
        self.server_name, self.server_port = str(host), port
        self.setup_environ()


def _listening(host: str, port: int) -> WSGIServer:
    try:
        family, *_, address = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)[0]
        kind = type("Server", (_Server,), {"address_family": family})
        server: WSGIServer = kind((address[0], port), WSGIRequestHandler)
    except (OSError, OverflowError) as error:
        told = error.strerror if isinstance(error, OSError) else error
        raise ConfigError(f"can't listen on {host}, port {port}: {told}") from None
    return server


class _OnlyHere:
    """Refuses other sites' names where only this machine is served.

    A page on the web could otherwise have its own name resolved to this address, and read all.
    """

    def __init__(self, app: WSGIApplication, host: str) -> None:
        self._app = app
        self._host = host if _is_loopback(host) else None

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if self._host is None or self._is_here(environ.get("HTTP_HOST", "")):
            return self._app(environ, start_response)
        body = b"This gallery is for this machine only: ask for localhost.\n"
        headers = [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))]
        start_response("421 Misdirected Request", headers)
        return [body]

    def _is_here(self, authority: str) -> bool:
        with contextlib.suppress(ValueError):
            name = urlsplit(f"//{authority}").hostname or ""
            return name == self._host or _is_loopback(name)
        return False


def _is_loopback(host: str) -> bool:
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return host == "localhost" or host.endswith(".localhost")


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host
