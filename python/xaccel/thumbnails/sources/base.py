"""The interface of a source, and the types that it returns."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol, Self, TypeAlias

from xaccel._core import OpenedFile, StreamedSource
from xaccel.exceptions import ImageTooLarge

Image: TypeAlias = str | OpenedFile | StreamedSource
"""An image that can be rendered: its path, the opened file, or the bytes that have arrived so
far."""

_CHUNK = 64 * 1024


class Stream(Protocol):
    """The rest of an image whose start may be enough for a small thumbnail."""

    def rest(self) -> Image:
        """Wait for the rest, and return the whole image.

        Raises:
            xaccel.exceptions.ImageTooLarge: The image exceeds its maximum size.
            xaccel.exceptions.SourceUnavailable: The source does not respond as expected.
        """

    def close(self) -> None:
        """Close the file or connection that the image is read from."""


class StreamedOriginal:
    """An image that is read piece by piece. Its start may be enough for a small thumbnail.

    Args:
        read: Waits for the next bytes. Returns at most the given number of bytes, or `b""` at the
            end.
        close: Closes the file or connection that the image is read from.
        name: The name of the image in error messages.
        max_bytes: The maximum size of the image in bytes.
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
        """The name of the image in error messages."""
        self._max_bytes = max_bytes
        # The last piece may exceed the limit.
        self._incoming = StreamedSource(max_bytes + _CHUNK)
        self.close = close
        """Closes the file or connection that the image is read from."""

    def original(self, modified: int | None = None) -> Original:
        """Read enough of the image for a small thumbnail.

        Args:
            modified: When the image was last changed; see `Original`.

        Raises:
            xaccel.exceptions.ImageTooLarge: The image is larger than `max_bytes`.
        """
        try:
            while piece := self._read(_CHUNK):
                if self._take(piece):
                    # Read one more piece, which is often the last one.
                    piece = self._read(_CHUNK)
                    self._take(piece)
                    break
        except BaseException:
            self.close()
            raise
        if piece:
            return Original(self._incoming, modified, stream=self)
        self.close()
        return Original(self._incoming, modified)

    def rest(self) -> Image:
        """Read to the end, and return the whole image.

        Raises:
            xaccel.exceptions.ImageTooLarge: The image is larger than `max_bytes`.
        """
        while piece := self._read(_CHUNK):
            self._take(piece)
        return self._incoming

    def _take(self, piece: bytes) -> bool:
        is_enough = self._incoming.feed(piece)
        if len(self._incoming) > self._max_bytes:
            raise ImageTooLarge(f"{self.name} has more than {self._max_bytes} bytes")
        return is_enough


@dataclass(frozen=True, slots=True)
class Original:
    """An original image. As a context manager, it closes the file or connection of the image."""

    image: Image
    """The image itself, or the start of it; see `stream`."""
    modified: int | None = None
    """When the image was last changed, in seconds since 1970; `None` if this is unknown."""
    state: str | None = None
    """A string that changes whenever the image does; `None` if the source does not know its
    state."""
    stream: Stream | None = None
    """Reads the rest of the image, if `image` is only the start of a JPEG."""

    release: Callable[[], None] | None = None
    """Releases the memory that is reserved for the image."""

    def whole(self) -> Image:
        """Return the whole image."""
        return self.image if self.stream is None else self.stream.rest()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        try:
            if self.stream is not None:
                self.stream.close()
            if isinstance(self.image, OpenedFile):
                self.image.close()
        finally:
            if self.release is not None:
                self.release()


class Source(Protocol):
    """Finds original images by name."""

    def get(self, name: str) -> Original:
        """Return the original with this name: the part of the URL's path after the spec.

        Raises:
            xaccel.exceptions.FileNotFound: The original does not exist.
            xaccel.exceptions.ImageTooLarge: The original is larger than `THUMBNAIL_MAX_BYTES`.
            xaccel.exceptions.SourceUnavailable: The source does not respond as expected.
            xaccel.exceptions.Overloaded: Too many requests are already waiting to fetch an
                original.
        """

    def state(self, name: str) -> str | None:
        """Return the state of an original as in `Original.state`, or `None` if it is unknown.

        This method may send a request to another machine, so it is called only when necessary.

        Raises:
            xaccel.exceptions.FileNotFound: The original does not exist.
            xaccel.exceptions.SourceUnavailable: The source does not respond as expected.
        """

    def version(self, name: str) -> str | None:
        """Return a string that changes whenever an original does; `None` if there is no such value.

        Templates call this method for each URL that has `version="mtime"`.

        Raises:
            xaccel.exceptions.FileNotFound: The original does not exist.
            xaccel.exceptions.SourceUnavailable: The source does not respond as expected.
        """

    def names(self, prefix: str) -> Iterator[str]:
        """Yield the names that begin with a prefix, in no particular order.

        Raises:
            xaccel.exceptions.ConfigError: The source can't list its files.
            xaccel.exceptions.SourceUnavailable: The source does not respond as expected.
        """


def is_plain(name: str) -> bool:
    """Whether a name is unambiguous: it does not contain an empty part, `.`, `..` or NUL."""
    return {"", ".", ".."}.isdisjoint(name.split("/")) and "\0" not in name
