"""xaccel for Starlette and FastAPI: `xaccel.asgi` with responses of Starlette.

xaccel = XAccel(Config.from_mapping({"SERVER": "nginx", "ROOTS": {…}}))

@app.get("/video/{name}")
async def video(name: str) -> Response:
    if not allowed(...):
        raise HTTPException(403)
    return xaccel.send_private_file(name)
"""

from __future__ import annotations

from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from xaccel._private_files import PrivateFiles, Responder
from xaccel._threads import Threads
from xaccel.asgi import ASGIApp, answering

__all__ = ["PrivateFileResponse", "XAccel"]


class XAccel(PrivateFiles["PrivateFileResponse"]):
    """Private files for a Starlette or FastAPI app: each response is one of Starlette.

    Raises:
        ConfigError: A setting is invalid.
    """

    def _app(self, responder: Responder) -> PrivateFileResponse:
        return PrivateFileResponse(answering(responder))

    def _thumbnail_app(self, responder: Responder) -> PrivateFileResponse:
        return PrivateFileResponse(answering(responder, Threads.for_thumbnails(self.config)))


class PrivateFileResponse(Response):
    """The response with a private file. You may add cookies and headers to it."""

    def __init__(self, app: ASGIApp) -> None:
        super().__init__()
        del self.headers["content-length"]
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, then run the background tasks."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *self.raw_headers]
            await send(message)

        await self._app(scope, receive, send_with_headers)
        if self.background is not None:
            await self.background()
