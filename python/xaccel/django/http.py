"""Converts Django requests for xaccel, and xaccel responses for Django."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, BinaryIO

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase

from xaccel.asgi import in_thread
from xaccel.delivery.request import Request
from xaccel.delivery.response import CHUNK, Response

__all__ = ["PartsResponse", "context", "facts", "to_django"]


def context(request: HttpRequest) -> dict[str, Any]:
    """Return the WSGI environment or the ASGI scope of a request."""
    found = getattr(request, "scope", None)
    if found is None:
        found = getattr(request, "environ", None)
    return request.META if found is None else found


def facts(request: HttpRequest) -> Request:
    """Return the parts of a request that responses depend on."""
    scope: dict[str, Any] | None = getattr(request, "scope", None)
    if scope is not None:
        return Request.from_scope(scope)
    # Django decodes the paths in the environment.
    return Request.from_environ(request.META, path=request.path)


class PartsResponse(StreamingHttpResponse):
    """A response with a file or parts of it, read in constant memory under both WSGI and ASGI.

    Like Django's own `FileResponse`, it passes a whole file to the WSGI server's
    `wsgi.file_wrapper`. Middleware can replace the content.
    """

    file_to_stream: BinaryIO | None = None
    block_size = CHUNK

    def __init__(self, response: Response) -> None:
        super().__init__(response.body, status=response.status)
        self.file_to_stream = response.whole_file

    def _set_streaming_content(self, value: Any) -> None:
        self.file_to_stream = None
        super()._set_streaming_content(value)  # type: ignore[misc]

    async def __aiter__(self) -> AsyncIterator[bytes]:
        if self.is_async:
            async for part in super().__aiter__():
                yield part
        else:
            async for part in in_thread(self.streaming_content):  # type: ignore[arg-type]
                yield part


def to_django(response: Response) -> HttpResponseBase:
    """Convert a response to Django's type."""
    result: HttpResponseBase
    if isinstance(response.body, bytes):
        result = HttpResponse(response.body, status=response.status)
    else:
        result = PartsResponse(response)
    # A response without content must not have Django's default content type.
    del result.headers["Content-Type"]
    for name, value in response.headers:
        result.headers[name] = value
    return result
