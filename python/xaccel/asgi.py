"""xaccel for any ASGI app: private files, thumbnails, signed links, and the `Sendfile` middleware.

    xaccel = XAccel(Config.from_mapping({"SERVER": "nginx", "ROOTS": {…}}))

    async def app(scope, receive, send):
        if allowed(scope):
            await xaccel.send_private_file("film.mp4")(scope, receive, send)
        else:
            await forbidden(scope, receive, send)

`send_private_file()` returns an ASGI app. A Starlette view can return this app as its response. In
FastAPI views, use `xaccel.starlette`. Nothing blocks the event loop: files are located and read in
threads, and thumbnails have their own threads. Under trio, this module needs `anyio`, which
Starlette installs.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, MutableMapping
from functools import partial
from http import HTTPStatus
from typing import Any, Protocol, TypeAlias

from xaccel._async import FILES, Threads, waiting
from xaccel._private_files import PrivateFiles, Responder
from xaccel.config import Config
from xaccel.delivery import sendfile
from xaccel.delivery.files import Delivery
from xaccel.delivery.request import REQUEST, Address, Request, split_mount
from xaccel.delivery.response import FileBody, Headers, Response
from xaccel.thumbnails.endpoint import Thumbnails as ThumbnailEndpoint

__all__ = ["PrivateLinks", "Sendfile", "Thumbnails", "XAccel"]

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
ASGIApp: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

_PATHSEND = "http.response.pathsend"
_HIDDEN = frozenset(name.lower().encode() for name in sendfile.HIDDEN)


class XAccel(PrivateFiles[ASGIApp]):
    """Private files for an ASGI app. Each response is also an ASGI app.

    Raises:
        ConfigError: A setting is invalid.
    """

    def _address(self, request: Any) -> Address:
        return Address.from_scope(getattr(request, "scope", request))

    def _app(self, responder: Responder) -> ASGIApp:
        return answering(responder)

    def _thumbnail_app(self, responder: Responder) -> ASGIApp:
        return answering(responder, Threads.for_thumbnails(self.config))


def answering(responder: Responder, threads: Threads = FILES) -> ASGIApp:
    """Return an app that calls a responder in a thread for every request."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        response = await threads.run(responder, Request.from_scope(scope))
        await respond(response, scope, receive, send)

    return app


class _Endpoint(Protocol):
    def respond(self, path: str, query: str, request: Request, mount: str = "") -> Response: ...


class _EndpointApp:
    """An endpoint as an ASGI app, mounted at its prefix or at the root."""

    def __init__(self, endpoint: _Endpoint, prefix: str, config: Config, threads: Threads) -> None:
        self._endpoint = endpoint
        self.config = config
        """The settings. `xaccel config --app` reads this attribute."""
        self._prefix = prefix
        self._threads = threads

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Respond to one request."""
        found = scope.get("root_path", "") or self.config.mount
        mount, path = split_mount(scope["path"], found, self._prefix)
        response = await self._threads.run(
            self._endpoint.respond,
            path,
            scope["query_string"].decode("latin-1"),
            Request.from_scope(scope),
            mount,
        )
        await respond(response, scope, receive, send)


class PrivateLinks(_EndpointApp):
    """The endpoint for signed links, as an ASGI app. Mount it at `PRIVATE_URL` or at the root."""

    def __init__(self, config: Config) -> None:
        super().__init__(Delivery(config), config.private_url or "/", config, FILES)


class Thumbnails(_EndpointApp):
    """The endpoint for thumbnails, as an ASGI app. Mount it at `THUMBNAIL_URL` or at the root.

    Raises:
        ConfigError: `THUMBNAIL_SOURCE` or `SECRET_KEYS` is not set.
    """

    def __init__(self, config: Config) -> None:
        endpoint = ThumbnailEndpoint(config)
        super().__init__(endpoint, config.thumbnail_url, config, Threads.for_thumbnails(config))
        self.purge = endpoint.purge
        """Removes the thumbnails of a source; see `xaccel.thumbnails.endpoint.Thumbnails.purge`."""


async def respond(response: Response, scope: Scope, receive: Receive, send: Send) -> None:
    """Send a response. If the server supports `pathsend`, it sends whole files itself."""
    try:
        await send(
            {
                "type": "http.response.start",
                "status": response.status,
                "headers": _encode(response.headers),
            }
        )
        if isinstance(response.body, bytes):
            body = b"" if scope["method"] == "HEAD" else response.body
            await send({"type": "http.response.body", "body": body})
            return
        path = response.whole_path
        if path is not None and _PATHSEND in (scope.get("extensions") or {}) and _is_text(path):
            await send({"type": _PATHSEND, "path": path})
            return
        await _stream(response.body, receive, send)
    finally:
        if not isinstance(response.body, bytes):
            response.body.close()


def _is_text(path: str) -> bool:
    """Whether a path is valid Unicode. Servers that are not written in Python may require this."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True


async def _stream(body: Iterable[bytes], receive: Receive, send: Send) -> None:
    """Send a body in constant memory, and stop if the visitor disconnects."""
    async with (
        waiting(partial(_disconnect, receive)) as has_gone,
        contextlib.aclosing(in_thread(body)) as chunks,
    ):
        async for chunk in chunks:
            if has_gone():
                return
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body"})


async def _disconnect(receive: Receive) -> None:
    # Receive the rest of the request's body first.
    while (await receive())["type"] != "http.disconnect":
        pass


async def in_thread(chunks: Iterable[bytes]) -> AsyncGenerator[bytes]:
    """Iterate in threads so that slow reads do not block the event loop."""
    iterator = iter(chunks)
    while (chunk := await FILES.run(next, iterator, None)) is not None:
        yield chunk


class Sendfile:
    """Middleware that makes the web server send the files in the responses of any ASGI app.

        app = Sendfile(app, Config.from_mapping({"SERVER": "nginx", "ROOTS": {…}}))

    Starlette's `FileResponse` (since Starlette 0.47) and other code that uses the extension
    `http.response.pathsend` work without changes. If the file is outside all roots, or the body is
    not a whole file, the response is left unchanged. `X-Sendfile` and similar headers from the app
    are removed.

    Django does not use this extension. For Django, use `xaccel.django.middleware`.

    The keys `xaccel.sendfile_type` and `xaccel.accel_mapping` of `scope` override the server and
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
        self, app: ASGIApp, config: Config, *, trust_request_headers: bool = False
    ) -> None:
        self.config = config
        """The settings. `xaccel config --app` reads this attribute."""
        self._app = app
        self._offloader = sendfile.Offloader(config, trust_request_headers=trust_request_headers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Respond to one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request.from_scope(scope)
        inner = {**scope, REQUEST: request}
        sender = self._sender(inner)
        if sender is not None:
            inner["extensions"] = {**(scope.get("extensions") or {}), _PATHSEND: {}}
            if scope["method"] in {"GET", "HEAD"}:
                inner["headers"] = [pair for pair in scope["headers"] if pair[0] not in _HIDDEN]
        overrides = _overrides(inner)
        pending: Message | None = None

        async def forward(message: Message) -> None:
            nonlocal pending
            if message["type"] == "http.response.start":
                headers = _decode(message.get("headers", ()))
                message = {
                    **message,
                    "headers": _encode(sendfile.without_foreign(headers, request)),
                }
                # A response without a length may be an event stream, which must not be delayed.
                if (
                    sender is not None
                    and message["status"] == HTTPStatus.OK
                    and _has_length(headers)
                ):
                    pending = message
                    return
            elif message["type"] == _PATHSEND:
                start, pending = pending, None
                if start is None:
                    await _send_path(message["path"], scope, receive, send)
                    return
                current = sender if _overrides(inner) == overrides else self._sender(inner)
                response = await FILES.run(
                    self._offloader.respond_with_path,
                    current,
                    request,
                    _decode(start["headers"]),
                    message["path"],
                )
                await respond(response, scope, receive, send)
                return
            elif pending is not None:
                start, pending = pending, None
                await send(start)
            await send(message)

        await self._app(inner, receive, forward)

    def _sender(self, scope: Scope) -> sendfile.Sender | None:
        def header(name: str) -> str | None:
            wanted = name.lower().encode()
            values = [value for key, value in scope["headers"] if key.lower() == wanted]
            return values[-1].decode("latin-1") if values else None

        return self._offloader.sender(scope["method"], scope, header)


async def _send_path(path: str, scope: Scope, receive: Receive, send: Send) -> None:
    """Send a whole file after the response has started."""
    if _PATHSEND in (scope.get("extensions") or {}):
        await send({"type": _PATHSEND, "path": path})
        return
    file = await FILES.run(open, path, "rb")
    with contextlib.closing(FileBody(file, [(0, os.fstat(file.fileno()).st_size)])) as body:
        await _stream(body, receive, send)


def _overrides(scope: Scope) -> tuple[Any, Any]:
    return scope.get(sendfile.TYPE), scope.get(sendfile.MAPPING)


def _has_length(headers: Headers) -> bool:
    return any(name.lower() == "content-length" for name, _ in headers)


def _encode(headers: Headers) -> list[tuple[bytes, bytes]]:
    return [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]


def _decode(headers: Iterable[tuple[bytes, bytes]]) -> Headers:
    return tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in headers)
