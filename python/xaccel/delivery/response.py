"""Responses for adapters to translate, among them those of errors."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO, Protocol, TypeAlias

from xaccel.delivery import rfc9110
from xaccel.exceptions import XaccelError

Headers: TypeAlias = tuple[tuple[str, str], ...]

CHUNK = 256 * 1024
"""How many bytes of a file are read at once. Under ASGI, each read is a trip to a thread."""

NOSNIFF = ("X-Content-Type-Options", "nosniff")
"""Keeps browsers from guessing another type, since a visitor may have uploaded the file."""

ERROR_CACHE_CONTROL = "max-age=15"
"""Errors are cached for moments only: the file may be added or replaced."""

KEPT_BY_304 = frozenset(
    {"cache-control", "content-location", "date", "etag", "expires", "last-modified", "vary"}
)


class FileBody:
    """Ranges of an open file, and constant bytes between them, read in constant memory.

    Iterate once, which closes the file, as does `close()`. If the file has become shorter, that
    is an `OSError`: a response that ends early must not look complete.
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
        """The absolute path of the file, if the whole of it may be read from there instead."""
        # Django replaces the file's method by one that calls `close()` of this object.
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
    """All that an object's `read()` still gives. Iterate once, which closes the object."""

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
    """A body that is sent piece by piece. Iterate once, which closes it, as does `close()`."""

    def __iter__(self) -> Iterator[bytes]: ...

    def close(self) -> None:
        """Free what it is read from."""


@dataclass(frozen=True, slots=True)
class Response:
    """A response for an adapter to translate, with all its headers."""

    status: int
    headers: Headers
    body: bytes | Body = b""

    @property
    def whole_file(self) -> BinaryIO | None:
        """The open file, if the body is all that it still gives."""
        if isinstance(self.body, FileBody) and self.status == 200:  # noqa: PLR2004
            return self.body.file
        return None

    @property
    def whole_path(self) -> str | None:
        """The absolute path of the file that is the body."""
        if isinstance(self.body, FileBody) and self.status == 200:  # noqa: PLR2004
            return self.body.path
        return None


def error_response(error: XaccelError) -> Response:
    """The response to a request that can't be fulfilled."""
    body = f"{error.public_message}\n".encode()
    headers = {
        "Content-Type": "text/plain; charset=utf-8",
        "Content-Length": str(len(body)),
        "Cache-Control": error_cache_control(error),
        "X-Content-Type-Options": "nosniff",
    }
    return Response(error.status_code, (*headers.items(), *retry_headers(error)), body)


def error_cache_control(error: XaccelError) -> str:
    """The `Cache-Control` header of a response to a request that can't be fulfilled."""
    return ERROR_CACHE_CONTROL if error.retry_after is None else "no-store"


def retry_headers(error: XaccelError) -> Headers:
    """The header that says when to try again, if that may help."""
    return () if error.retry_after is None else (("Retry-After", str(error.retry_after)),)


def method_not_allowed() -> Response:
    """The response to any method but GET and HEAD."""
    return Response(405, (("Allow", "GET, HEAD"), ("Content-Length", "0")))
