"""What a source of original images is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, Self

from xaccel._core import StreamedSource
from xaccel.exceptions import ImageTooLarge

_CHUNK = 64 * 1024


class Arriving:
    """An image that arrives piece by piece, of which the start may be enough.

    Args:
        read: Waits for the next bytes, at most as many as it is told; none at the end.
        close: Frees what it is read from.
        name: What errors call it.
        max_bytes: The most bytes of an image.
    """

    def __init__(
        self,
        read: Callable[[int], bytes],
        close: Callable[[], None],
        *,
        name: str,
        max_bytes: int,
    ) -> None:
        self._read = read
        self.name = name
        """What errors call it."""
        self._max_bytes = max_bytes
        self._incoming = StreamedSource()
        self.close = close
        """Frees what it is read from."""

    def original(self, modified: int | None = None) -> Original:
        """The image, as soon as there is enough of it for a small thumbnail."""
        try:
            while piece := self._read(_CHUNK):
                if self._take(piece):
                    # Often that was nearly all.
                    piece = self._read(_CHUNK)
                    self._take(piece)
                    break
        except BaseException:
            self.close()
            raise
        if piece:
            return Original(self._incoming.content(), modified, arriving=self)
        self.close()
        return Original(self._incoming.content(), modified)

    def rest(self) -> bytes:
        """All of the image."""
        while piece := self._read(_CHUNK):
            self._take(piece)
        return self._incoming.content()

    def _take(self, piece: bytes) -> bool:
        is_enough = self._incoming.feed(piece)
        if len(self._incoming) > self._max_bytes:
            raise ImageTooLarge(f"{self.name} has more than {self._max_bytes} bytes")
        return is_enough


@dataclass(frozen=True, slots=True)
class Original:
    """An original image, ready to be rendered; a context manager that frees what it is read from.

    `image` is its path or its bytes. `modified` is in seconds since 1970, and `state` is a text
    that changes whenever the image does; both are `None` when the source does not know.
    """

    image: str | bytes
    modified: int | None = None
    state: str | None = None
    arriving: Arriving | None = None
    """What reads on, if `image` is but the start of a JPEG."""

    def whole(self) -> str | bytes:
        """The path of the image, or all of its bytes."""
        return self.image if self.arriving is None else self.arriving.rest()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.arriving is not None:
            self.arriving.close()


class Source(Protocol):
    """Anything that has original images by name."""

    def get(self, name: str) -> Original:
        """Find an original by its name, the path below the thumbnail's spec in the URL.

        Raises:
            xaccel.exceptions.FileNotFound: There is no such original.
            xaccel.exceptions.ImageTooLarge: It has too many bytes to be fetched.
            xaccel.exceptions.SourceUnavailable: It is not to be had at the moment.
        """

    def state(self, name: str) -> str | None:
        """The `state` of an original, if it can be had without asking another machine.

        Raises:
            xaccel.exceptions.FileNotFound: There is no such original.
        """


def is_plain(name: str) -> bool:
    """Whether a name has one spelling only: no empty part, no `.`, no `..`, no NUL."""
    return {"", ".", ".."}.isdisjoint(name.split("/")) and "\0" not in name
