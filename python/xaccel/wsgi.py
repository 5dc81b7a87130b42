"""xaccel for any WSGI app: private files, thumbnails, signed links, and the `Sendfile` middleware.

    xaccel = XAccel(Config.from_mapping({"SERVER": "nginx", "ROOTS": {…}}))

    def app(environ, start_response):
        if allowed(environ):
            return xaccel.send_private_file("film.mp4")(environ, start_response)
        return forbidden(environ, start_response)

`send_private_file()` returns a WSGI app. If your framework's views may return a WSGI app (as in
Werkzeug, Bottle, Pyramid …), return it from the view.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

from xaccel._private_files import PrivateFiles, Responder
from xaccel.config import Config
from xaccel.delivery import sendfile
from xaccel.delivery.files import Delivery
from xaccel.delivery.request import (
    REQUEST,
    Address,
    Request,
    environ_key,
    environ_mount,
    split_mount,
    wsgi_path,
)
from xaccel.delivery.response import CHUNK, FileBody, Headers, Response
from xaccel.thumbnails.endpoint import Thumbnails as ThumbnailEndpoint

if TYPE_CHECKING:
    from _typeshed import OptExcInfo
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

__all__ = ["PrivateLinks", "Sendfile", "Thumbnails", "XAccel"]

_STATUS_LINES = {status.value: f"{status.value} {status.phrase}" for status in HTTPStatus}


class XAccel(PrivateFiles["WSGIApplication"]):
    """Private files for a WSGI app. Each response is also a WSGI app.

    Raises:
        ConfigError: A setting is invalid.
    """

    def _address(self, request: Any) -> Address:
        return Address.from_environ(getattr(request, "environ", request))

    def _app(self, responder: Responder) -> WSGIApplication:
        def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
            return respond(responder(Request.from_environ(environ)), environ, start_response)

        return app


class _Endpoint(Protocol):
    def respond(self, path: str, query: str, request: Request, mount: str = "") -> Response: ...


class _EndpointApp:
    """An endpoint as a WSGI app, mounted at its prefix or at the root."""

    def __init__(self, endpoint: _Endpoint, prefix: str, config: Config) -> None:
        self._endpoint = endpoint
        self.config = config
        """The settings. `xaccel config --app` reads this attribute."""
        self._prefix = prefix

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Respond to one request."""
        found = environ_mount(environ) or self.config.mount
        whole = wsgi_path(environ)
        mount, path = split_mount(whole, found, self._prefix)
        query = environ.get("QUERY_STRING", "")
        request = Request.from_environ(environ, path=whole)
        response = self._endpoint.respond(path, query, request, mount)
        return respond(response, environ, start_response)


class PrivateLinks(_EndpointApp):
    """The endpoint for signed links, as a WSGI app. Mount it at `PRIVATE_URL` or at the root."""

    def __init__(self, config: Config) -> None:
        super().__init__(Delivery(config), config.private_url or "/", config)


class Thumbnails(_EndpointApp):
    """The endpoint for thumbnails, as a WSGI app. Mount it at `THUMBNAIL_URL` or at the root.

    Raises:
        ConfigError: `THUMBNAIL_SOURCE` or `SECRET_KEYS` is not set.
    """

    def __init__(self, config: Config) -> None:
        endpoint = ThumbnailEndpoint(config)
        super().__init__(endpoint, config.thumbnail_url, config)
        self.purge = endpoint.purge
        """Removes the thumbnails of a source; see `xaccel.thumbnails.endpoint.Thumbnails.purge`."""


def respond(
    response: Response, environ: WSGIEnvironment, start_response: StartResponse
) -> Iterable[bytes]:
    """Start a response, and return its body."""
    start_response(_STATUS_LINES[response.status], list(response.headers))
    return body_of(response, environ)


def body_of(response: Response, environ: WSGIEnvironment) -> Iterable[bytes]:
    """Return a body that a WSGI app can return. A whole file is wrapped in `wsgi.file_wrapper`."""
    if isinstance(response.body, bytes):
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [response.body]
    file_wrapper = environ.get("wsgi.file_wrapper")
    if file_wrapper is not None and response.whole_file is not None:
        wrapped: Iterable[bytes] = file_wrapper(response.whole_file, CHUNK)
        return wrapped
    return response.body


class Sendfile:
    """Middleware that makes the web server send the files in the responses of any WSGI app.

        app = Sendfile(app, Config.from_mapping({"SERVER": "nginx", "ROOTS": {…}}))

    `flask.send_file()`, Django's `FileResponse` and other code that uses `wsgi.file_wrapper` work
    without changes. If the file is outside all roots, or the body is not a whole file, the response
    is left unchanged. `X-Sendfile` and similar headers from the app are removed.

    The keys `xaccel.sendfile_type` and `xaccel.accel_mapping` of `environ` override the server and
    the roots for one request. Visitors cannot set these keys.

    Args:
        app: The app.
        config: The settings. With the server `direct`, the middleware evaluates ranges and
            preconditions as a web server would.
        trust_request_headers: Whether the request headers `X-Sendfile-Type` and
            `X-Accel-Mapping` select the server and the roots. Enable this only if your web server
            sets or removes both headers in every request; otherwise visitors can choose which files
            it sends. If the settings contain `SERVER`, the first header is ignored. If they also
            contain `ROOTS`, both headers are ignored.
    """

    def __init__(
        self, app: WSGIApplication, config: Config, *, trust_request_headers: bool = False
    ) -> None:
        self.config = config
        """The settings. `xaccel config --app` reads this attribute."""
        self._app = app
        self._offloader = sendfile.Offloader(config, trust_request_headers=trust_request_headers)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Respond to one request."""
        method = environ["REQUEST_METHOD"]
        request = Request.from_environ(environ)
        inner = {**environ, REQUEST: request}
        sender = self._sender(method, inner)
        start = _Start(start_response, request)
        if sender is None:
            start.forward()
            return self._app(inner, start)

        files: list[_File] = []

        def file_wrapper(file: BinaryIO, block_size: int = CHUNK) -> _File:
            files.append(_File(file, block_size))
            return files[-1]

        inner["wsgi.file_wrapper"] = file_wrapper
        if method in {"GET", "HEAD"}:
            for name in sendfile.HIDDEN:
                inner.pop(environ_key(name), None)
        overrides = _overrides(inner)
        body = self._app(inner, start)
        if _overrides(inner) != overrides:
            sender = self._sender(method, inner)
        file = _file_of(body, files if method == "HEAD" and start.has_length else [])
        response = None
        if sender is not None and file is not None and start.is_ok:
            response = self._offloader.respond(sender, request, start.headers, file.file)
        if file is None or response is None:
            start.forward()
            return body.native(environ) if isinstance(body, _File) else body
        if body is not file:
            _close(body)
        if not (isinstance(response.body, FileBody) and response.body.file is file.file):
            file.close()
        return respond(response, environ, start_response)

    def _sender(self, method: str, environ: WSGIEnvironment) -> sendfile.Sender | None:
        return self._offloader.sender(method, environ, lambda name: environ.get(environ_key(name)))


def _file_of(body: Iterable[bytes], dropped: list[_File]) -> _File | None:
    """Return the file that is the body, or that the app dropped from its response to HEAD."""
    if isinstance(body, _File):
        return body
    return dropped[0] if len(dropped) == 1 else None


def _close(body: Iterable[bytes]) -> None:
    """Close the body of an app, as a server does after the response (PEP 3333)."""
    if hasattr(body, "close"):
        body.close()


def _overrides(environ: WSGIEnvironment) -> tuple[Any, Any]:
    return environ.get(sendfile.TYPE), environ.get(sendfile.MAPPING)


class _File:
    """The `wsgi.file_wrapper` that the app sees. It stores the file of the app's response."""

    def __init__(self, file: BinaryIO, block_size: int) -> None:
        self.file = file
        self.block_size = block_size

    def __iter__(self) -> Iterator[bytes]:
        while chunk := self.file.read(self.block_size):
            yield chunk

    def native(self, environ: WSGIEnvironment) -> Iterable[bytes]:
        """Wrap the file in the server's own `wsgi.file_wrapper`, if it has one."""
        file_wrapper = environ.get("wsgi.file_wrapper")
        if file_wrapper is None:
            return self
        wrapped: Iterable[bytes] = file_wrapper(self.file, self.block_size)
        return wrapped

    def close(self) -> None:
        """Close the file, once."""
        if not getattr(self.file, "closed", False) and hasattr(self.file, "close"):
            self.file.close()


class _Start:
    """A `start_response` that takes effect only once it is clear who sends the body."""

    def __init__(self, start_response: StartResponse, request: Request) -> None:
        self._start_response = start_response
        self._request = request
        self._forwards = False
        self._pending: tuple[str, list[tuple[str, str]], OptExcInfo | None] | None = None

    def __call__(
        self,
        status: str,
        headers: list[tuple[str, str]],
        exc_info: OptExcInfo | None = None,
        /,
    ) -> Callable[[bytes], object]:
        if self._forwards:
            return self._forward(status, headers, exc_info)
        if self._pending is not None and exc_info is None:
            raise AssertionError("start_response() was called again, without exc_info")
        self._pending = (status, headers, exc_info)
        return self._write

    @property
    def is_ok(self) -> bool:
        """Whether the app's status is 200."""
        return self._pending is not None and self._pending[0][:3] == "200"

    @property
    def headers(self) -> Headers:
        """The headers of the app's response."""
        return () if self._pending is None else tuple(self._pending[1])

    @property
    def has_length(self) -> bool:
        """Whether the app's response has a length."""
        return any(name.lower() == "content-length" for name, _ in self.headers)

    def forward(self) -> Callable[[bytes], object] | None:
        """Forward the app's response now, or as soon as it starts."""
        self._forwards = True
        pending, self._pending = self._pending, None
        return None if pending is None else self._forward(*pending)

    def _forward(
        self, status: str, headers: list[tuple[str, str]], exc_info: OptExcInfo | None
    ) -> Callable[[bytes], object]:
        kept = list(sendfile.without_foreign(tuple(headers), self._request))
        if exc_info is None:
            return self._start_response(status, kept)
        return self._start_response(status, kept, exc_info)

    def _write(self, data: bytes) -> None:
        write = self.forward()
        if write is not None:
            self._server_write = write
        self._server_write(data)
