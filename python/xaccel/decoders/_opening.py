"""Runs decoders for the engine, which calls `open_image` for files of unknown formats."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import BufferedReader
from typing import BinaryIO, TypeVar, cast

from xaccel._core import ImageInfo, Limits
from xaccel.decoders import Decoded, Decoder
from xaccel.decoders._enabled import SETTING, find
from xaccel.decoders._files import PositionedFile
from xaccel.decoders._ours import OURS
from xaccel.exceptions import (
    CorruptImage,
    RenderStopped,
    ThumbnailError,
    UnsupportedImage,
    XaccelError,
)

T = TypeVar("T")


def open_image(
    descriptor: int, head: bytes, label: str, limits: Limits, decoders: Sequence[str] | None
) -> OpenImage | None:
    """Find the decoder for an image. Returns `None` if the format is unknown.

    Args:
        descriptor: The file's descriptor. It is closed with the image, or at once if no image is
            returned.
        head: The first bytes of the file.
        label: The prefix of error messages, which names the file.
        limits: The limits of the call.
        decoders: The names of the enabled decoders; `None` means all of xaccel's own that are
            installed.

    Raises:
        ConfigError: A decoder is not installed, or can't be loaded.
        UnsupportedImage: The decoder for the format is not enabled.
    """
    file = PositionedFile(descriptor)
    try:
        found = find(head, None if decoders is None else tuple(decoders), SETTING)
    except BaseException:
        file.close()
        raise
    if found is not None:
        return OpenImage(file, *found, label, limits)
    file.close()
    for ours in OURS.values():
        if ours.matches(head):
            if ours.is_installed:
                raise UnsupportedImage(f"{label}{SETTING} does not have {ours.name!r}")
            raise UnsupportedImage(f"{label}{ours.advice}")
    return None


class OpenImage:
    """An image with its decoder.

    Args:
        file: The file.
        name: The name of the decoder.
        decoder: The decoder.
        label: The prefix of error messages, which names the file.
        limits: The limits of the call.
    """

    def __init__(
        self, file: PositionedFile, name: str, decoder: Decoder, label: str, limits: Limits
    ) -> None:
        self._file = file
        self._name = name
        self._decoder = decoder
        self._label = label
        self._limits = limits

    def probe(self, page: int) -> ImageInfo:
        """Return the properties of the image.

        Raises:
            ThumbnailError: The image can't be decoded.
        """
        with self._reading() as file:
            # A decoder for formats without pages need not accept this argument.
            pages = () if page == 1 else (page,)
            info: object = self._decoder.probe(file, self._limits, *pages)
        return self._checked(info, ImageInfo)

    def decode(self, size: tuple[int, int], page: int, at: float | None) -> Decoded:
        """Decode the image.

        Args:
            size: The minimum width and height of the upright image.
            page: The page number, starting at 1.
            at: The time of the frame, in seconds from the start of a film.

        Raises:
            ThumbnailError: The image can't be decoded.
        """
        with self._reading() as file:
            # A decoder for formats other than films need not accept this argument.
            times = () if at is None else (at,)
            decoded: object = self._decoder.decode(file, size, page, self._limits, *times)
        return self._checked(decoded, Decoded)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _checked(self, result: object, expected: type[T]) -> T:
        if not isinstance(result, expected):
            raise ThumbnailError(
                f"{self._label}the decoder {self._name!r} returned {type(result).__name__} "
                f"instead of {expected.__name__}"
            )
        return result

    @contextmanager
    def _reading(self) -> Iterator[BinaryIO]:
        """Provide the file, rewound to its start, and convert the decoder's errors."""
        self._file.seek(0)
        file = BufferedReader(self._file)
        try:
            yield cast("BinaryIO", file)
        except XaccelError as error:
            raise type(error)(f"{self._label}{error}") from None
        except MemoryError as error:
            message = f"{self._label}the decoder {self._name!r} needs too much memory"
            raise RenderStopped(message) from error
        except Exception as error:
            raise CorruptImage(
                f"{self._label}the decoder {self._name!r} failed: {type(error).__name__}: {error}"
            ) from error
        finally:
            file.detach()
