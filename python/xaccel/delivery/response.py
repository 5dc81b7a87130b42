"""A response for an adapter to translate, and the ones that say what is wrong."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO, Protocol, TypeAlias

from xaccel.delivery import rfc9110
from xaccel.exceptions import XaccelError

Headers: TypeAlias = tuple[tuple[str, str], ...]

CHUNK = 256 * 1024
"""How many bytes of a file are read at once: as many as make the way through a thread cheap."""

NOSNIFF = ("X-Content-Type-Options", "nosniff")
"""What is not of the type we say is not to be taken for another: a visitor may have sent it."""

ERROR_CACHE_CONTROL = "max-age=15"
"""For moments only: a missing file may come, a bad one be replaced."""

KEPT_BY_304 = frozenset(
    {"cache-control", "content-location", "date", "etag", "expires", "last-modified", "vary"}
)


class FileBody:
    """Parts of an open file, between constant bytes, read in constant memory.

    Iterate once, which closes the file, as does `close()`. A file that has become shorter than
    promised is an `OSError`, since a response that ends early must not look complete.
    """

    def __init__(self, file: BinaryIO, parts: Sequence[bytes | rfc9110.Range]) -> None:
        self.file = file
        self.parts = parts
        # Django replaces the file's own method with one that calls this one again.
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


class Body(Protocol):
    """What is sent piece by piece. Iterate once, which closes it, as does `close()`."""

    def __iter__(self) -> Iterator[bytes]: ...

    def close(self) -> None:
        """Free what it is read from."""


@dataclass(frozen=True, slots=True)
class Response:
    """A response for an adapter to translate. `headers` is complete: add nothing to it."""

    status: int
    headers: Headers
    body: bytes | Body = b""

    @property
    def whole_file(self) -> BinaryIO | None:
        """The open file, when all of it is the body; its `name` is its path."""
        if isinstance(self.body, FileBody) and self.status == 200:  # noqa: PLR2004
            return self.body.file
        return None


def error_response(error: XaccelError) -> Response:
    """The answer to a visitor when something is wrong with what was asked for.

    It is kept for moments only: a missing file may come, a bad one be replaced.
    """
    body = f"{error.public_message}\n".encode()
    headers = {
        "Content-Type": "text/plain; charset=utf-8",
        "Content-Length": str(len(body)),
        "Cache-Control": ERROR_CACHE_CONTROL,
        "X-Content-Type-Options": "nosniff",
    }
    if error.retry_after is not None:
        headers |= {"Cache-Control": "no-store", "Retry-After": str(error.retry_after)}
    return Response(error.status_code, tuple(headers.items()), body)


def method_not_allowed() -> Response:
    """The answer to a method that only reads are allowed instead of."""
    return Response(405, (("Allow", "GET, HEAD"), ("Content-Length", "0")))
