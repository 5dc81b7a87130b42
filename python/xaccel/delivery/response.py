"""Responses, including error responses, for adapters to convert."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import BinaryIO, NamedTuple, Protocol, TypeAlias

from xaccel.delivery import rfc9110
from xaccel.exceptions import XaccelError

Headers: TypeAlias = tuple[tuple[str, str], ...]

CHUNK = 256 * 1024
"""The number of bytes read from a file at once. Under ASGI, each read runs in a thread."""

NOSNIFF = ("X-Content-Type-Options", "nosniff")
"""Prevents browsers from guessing the type of a file, which a visitor may have uploaded."""

ERROR_CACHE_CONTROL = "max-age=15"
"""Errors are cached only briefly, because the file may be added or replaced."""

KEPT_BY_304 = frozenset(
    {"cache-control", "content-location", "date", "etag", "expires", "last-modified", "vary"}
)


class FileBody:
    """Ranges of an open file, interleaved with fixed bytes and read in constant memory.

    Iterating closes the file, and so does `close()`. If the file has become shorter, iterating
    raises `OSError`, because a response that ends early must not look complete.
    """

    def __init__(
        self,
        file: BinaryIO,
        parts: Sequence[bytes | rfc9110.Range],
        *,
        path: str | None = None,
    ) -> None:
        self.file = file
        self.parts = parts
        self.path = path
        """The absolute path of the file, if the whole file may be read from that path instead."""
        # Django replaces the file's `close` with a function that calls `close()` on this object.
        self._close = file.close

    @property
    def length(self) -> int:
        """The number of bytes in all parts."""
        return sum(len(part) if isinstance(part, bytes) else part[1] for part in self.parts)

    def __iter__(self) -> Iterator[bytes]:
        with contextlib.closing(self):
            for part in self.parts:
                if isinstance(part, bytes):
                    yield part
                else:
                    yield from self._read(*part)

    def _read(self, start: int, remaining: int) -> Iterator[bytes]:
        self.file.seek(start)
        while remaining:
            chunk = self.file.read(min(CHUNK, remaining))
            if not chunk:
                raise OSError("the file became shorter while it was being sent")
            remaining -= len(chunk)
            yield chunk

    def close(self) -> None:
        """Close the file."""
        self._close()


class StreamBody:
    """The remaining data of an object with a `read()` method. Iterating closes the object."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def __iter__(self) -> Iterator[bytes]:
        with contextlib.closing(self):
            while chunk := self._file.read(CHUNK):
                yield chunk

    def close(self) -> None:
        """Close the object."""
        self._file.close()


class Body(Protocol):
    """A body that is sent in pieces. Iterating closes it, and so does `close()`."""

    def __iter__(self) -> Iterator[bytes]: ...

    def close(self) -> None:
        """Release the resources behind the body."""


class Response(NamedTuple):
    """A response with all its headers, for an adapter to convert."""

    status: int
    headers: Headers
    body: bytes | Body = b""

    @property
    def whole_file(self) -> BinaryIO | None:
        """The open file, if the body consists of all its remaining content."""
        if isinstance(self.body, FileBody) and self.status == 200:  # noqa: PLR2004
            return self.body.file
        return None

    @property
    def whole_path(self) -> str | None:
        """The absolute path of the file, if the body is a whole file."""
        if isinstance(self.body, FileBody) and self.status == 200:  # noqa: PLR2004
            return self.body.path
        return None


def error_response(error: XaccelError) -> Response:
    """Return the response for an error."""
    body = f"{error.public_message}\n".encode()
    headers = {
        "Content-Type": "text/plain; charset=utf-8",
        "Content-Length": str(len(body)),
        "Cache-Control": error_cache_control(error),
        "X-Content-Type-Options": "nosniff",
    }
    return Response(error.status_code, (*headers.items(), *retry_headers(error)), body)


def error_cache_control(error: XaccelError) -> str:
    """Return the `Cache-Control` header of the response for an error."""
    return ERROR_CACHE_CONTROL if error.retry_after is None else "no-store"


def retry_headers(error: XaccelError) -> Headers:
    """Return the header that says when to retry, if a retry may help."""
    return () if error.retry_after is None else (("Retry-After", str(error.retry_after)),)


def method_not_allowed() -> Response:
    """Return the response to methods other than GET and HEAD."""
    return Response(405, (("Allow", "GET, HEAD"), ("Content-Length", "0")))
