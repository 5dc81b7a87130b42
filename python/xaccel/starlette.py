"""xaccel for Starlette and FastAPI: `xaccel.asgi`, with answers that are Starlette responses.

xaccel = XAccel(Config.from_mapping({"SERVER": "nginx", "ROOTS": {…}}))

@app.get("/video/{name}")
async def video(name: str) -> Response:
    if not allowed(...):
        raise HTTPException(403)
    return xaccel.send_private_file(name)
"""

from __future__ import annotations

import os
from typing import Unpack

from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from xaccel import asgi
from xaccel.asgi import ASGIApp
from xaccel.delivery import FileKeywords

__all__ = ["PrivateFileResponse", "XAccel"]


class XAccel(asgi.XAccel):
    """Private files for a Starlette or FastAPI app; see `xaccel.asgi.XAccel`."""

    def send_private_file(
        self,
        path: str | os.PathLike[str],
        *,
        root: str | os.PathLike[str] | None = None,
        **options: Unpack[FileKeywords],
    ) -> PrivateFileResponse:
        """As `xaccel.asgi.XAccel.send_private_file()`, as a response to return from a view."""
        return PrivateFileResponse(super().send_private_file(path, root=root, **options))


class PrivateFileResponse(Response):
    """The answer with a private file. Cookies and headers may be added to it."""

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
