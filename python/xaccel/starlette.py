"""xaccel for Starlette and FastAPI: like `xaccel.asgi`, but with Starlette responses.

A view returns the response:

    xaccel = XAccel(Config.from_mapping({"SERVER": "nginx", "ROOTS": {…}}))

    @app.get("/video/{name}")
    async def video(name: str, request: Request) -> Response:
        if not allowed(request):
            raise HTTPException(403)
        return xaccel.send_private_file(name)
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeAlias

from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from xaccel._async import Threads
from xaccel._private_files import PrivateFiles, Responder
from xaccel.asgi import ASGIApp, answering
from xaccel.delivery.presentation import OF_SENDER
from xaccel.delivery.request import Address
from xaccel.servers.dialects import is_offload_header

__all__ = ["PrivateFileResponse", "XAccel"]

RawHeader: TypeAlias = tuple[bytes, bytes]


class XAccel(PrivateFiles["PrivateFileResponse"]):
    """Private files for a Starlette or FastAPI app. Each response is a Starlette response.

    Raises:
        ConfigError: A setting is invalid.
    """

    def _address(self, request: Any) -> Address:
        return Address.from_scope(getattr(request, "scope", request))

    def _app(self, responder: Responder) -> PrivateFileResponse:
        return PrivateFileResponse(answering(responder))

    def _thumbnail_app(self, responder: Responder) -> PrivateFileResponse:
        return PrivateFileResponse(answering(responder, Threads.for_thumbnails(self.config)))


class PrivateFileResponse(Response):
    """A response with a private file. You can add cookies and headers to it.

    A header that you set replaces xaccel's header of the same name, unless that header depends on
    which part of the file is sent. You can also pass this class as FastAPI's `response_class=`.

    Args:
        app: The ASGI app that responds to the request.
        status_code: The status in FastAPI's OpenAPI schema. The actual status depends on the
            request.
    """

    def __init__(self, app: ASGIApp, status_code: int = 200) -> None:
        super().__init__(status_code=status_code)
        del self.headers["content-length"]
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Respond to one request, then run the background tasks."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = _merged(message["headers"], self.raw_headers)
            await send(message)

        await self._app(scope, receive, send_with_headers)
        if self.background is not None:
            await self.background()


def _merged(ours: Iterable[RawHeader], added: Iterable[RawHeader]) -> list[RawHeader]:
    """Merge headers. A view's header replaces ours, unless ours depends on which part is sent."""
    ours = list(ours)
    kept = [
        (name, value)
        for name, value in added
        if name.decode("latin-1") not in OF_SENDER and not is_offload_header(name.decode("latin-1"))
    ]
    replaced = {name for name, _ in kept}
    return [*(pair for pair in ours if pair[0] not in replaced), *kept]
