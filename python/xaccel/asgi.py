"""xaccel for any ASGI app: private files, thumbnails, signed links, and the `Sendfile` middleware.

    xaccel = XAccel(Config.from_mapping({"SERVER": "nginx", "ROOTS": {…}}))

    async def app(scope, receive, send):
        if not allowed(scope):
            ...
        await xaccel.send_private_file("film.mp4")(scope, receive, send)

What `send_private_file()` returns is an ASGI app itself, which Starlette's views may return;
`xaccel.starlette` has one that FastAPI's may return, too. Nothing blocks the event loop: files
are looked for and read in threads of asyncio's executor.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, MutableMapping
from typing import Any, Protocol, TypeAlias, Unpack

from xaccel import thumbnails
from xaccel.config import Config
from xaccel.delivery import Delivery, FileBody, FileKeywords, FileOptions, Request, Response

__all__ = ["PrivateLinks", "Thumbnails", "XAccel"]

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
ASGIApp: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]


class XAccel:
    """Private files for an ASGI app.

    Raises:
        ConfigError: A setting is impossible.
    """

    def __init__(self, config: Config) -> None:
        self.delivery = Delivery(config)

    def send_private_file(
        self,
        path: str | os.PathLike[str],
        *,
        root: str | os.PathLike[str] | None = None,
        **options: Unpack[FileKeywords],
    ) -> ASGIApp:
        """Answer with a file under one of `ROOTS`; the web server sends it, if there is one.

        Call it after the permission check. The visitor gets ranges, conditional requests and
        HEAD either way. What may not be sent is a 404 that does not show the path.

        Args:
            path: The file, absolute, or relative to `root`.
            root: The directory of a relative path; not needed when there is one root only.
            options: `mimetype`, `as_attachment`, `download_name`, `max_age`, `headers` and
                `limit_rate`: the names of `FileOptions`.

        Returns:
            The answer, as an ASGI app to call with the request's `scope`.
        """
        file_options = FileOptions(**options)

        async def answer(scope: Scope, receive: Receive, send: Send) -> None:
            request = Request.from_scope(scope)
            response = await asyncio.to_thread(
                self.delivery.answer, path, request, file_options, root=root
            )
            await respond(response, scope, receive, send)

        return answer


class _Endpoint(Protocol):
    def respond(self, path: str, query: str, request: Request) -> Response: ...


class PrivateLinks:
    """The answers to signed links, as an ASGI app: mount it at `PRIVATE_URL`, or at the root."""

    def __init__(self, config: Config) -> None:
        self._delivery = Delivery(config)
        self.url = self._delivery.private_url
        """Writes the links, see `Delivery.private_url`."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        await _answer(self._delivery, scope, receive, send)


class Thumbnails:
    """The thumbnails as an ASGI app: mount it at `THUMBNAIL_URL`, or at the root.

    Raises:
        ConfigError: There is no `THUMBNAIL_SOURCE`, or no signing key.
    """

    def __init__(self, config: Config) -> None:
        self._thumbnails = thumbnails.Thumbnails(config)
        self.url = self._thumbnails.url
        """Writes the URLs, see `xaccel.thumbnails.Thumbnails.url`."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        await _answer(self._thumbnails, scope, receive, send)


async def _answer(endpoint: _Endpoint, scope: Scope, receive: Receive, send: Send) -> None:
    response = await asyncio.to_thread(
        endpoint.respond,
        scope["path"],
        scope["query_string"].decode("latin-1"),
        Request.from_scope(scope),
    )
    await respond(response, scope, receive, send)


async def respond(response: Response, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with a response; the server itself sends a whole file, if it can (`pathsend`)."""
    await send(
        {
            "type": "http.response.start",
            "status": response.status,
            "headers": [
                (name.lower().encode("latin-1"), value.encode("latin-1"))
                for name, value in response.headers
            ],
        }
    )
    if not isinstance(response.body, FileBody):
        body = b"" if scope["method"] == "HEAD" else response.body
        await send({"type": "http.response.body", "body": body})
        return
    file = response.whole_file
    if file is not None and sends_paths(scope) and _is_text(file.name):
        file.close()
        await send({"type": "http.response.pathsend", "path": file.name})
        return
    try:
        await _stream(response.body, receive, send)
    finally:
        response.body.close()


def sends_paths(scope: Scope) -> bool:
    """Whether the server can send a file by its path."""
    return "http.response.pathsend" in (scope.get("extensions") or {})


def _is_text(path: str) -> bool:
    """Whether a path is valid Unicode, as a server that is not written in Python may expect."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True


async def _stream(body: FileBody, receive: Receive, send: Send) -> None:
    """Send a body in constant memory, until the visitor has gone."""
    gone = asyncio.ensure_future(_disconnect(receive))
    try:
        async for chunk in in_thread(body):
            if gone.done():
                return
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body"})
    finally:
        gone.cancel()
        await asyncio.gather(gone, return_exceptions=True)


async def _disconnect(receive: Receive) -> None:
    # What is left of the request's own body comes first.
    while (await receive())["type"] != "http.disconnect":
        pass


async def in_thread(chunks: Iterable[bytes]) -> AsyncIterator[bytes]:
    """Iterate in threads, so that what is slow does not block the event loop."""
    iterator = iter(chunks)
    while (chunk := await asyncio.to_thread(next, iterator, None)) is not None:
        yield chunk
