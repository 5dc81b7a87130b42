"""The interface for decoders of formats that xaccel does not read itself.

A decoder turns a file into pixels; xaccel then crops, resizes and encodes them as it does for any
other image. Packages register their decoders as entry points of the group `xaccel.decoders`, and
the setting `THUMBNAIL_DECODERS` enables them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import BinaryIO, Literal, Protocol, TypeAlias

from xaccel._core import ImageInfo, Limits

Layout: TypeAlias = Literal["gray", "gray-alpha", "rgb", "rgba"]
"""The samples of a pixel, 8 bits each. Colours are not premultiplied by the opacity."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """A decoded image, at full size or smaller. It can be pickled."""

    buffer: bytes
    """The pixels: rows from top to bottom, without gaps between them."""
    width: int
    """The width of the image in `buffer`, in pixels."""
    height: int
    """The height of the image in `buffer`, in pixels."""
    layout: Layout
    orientation: int = 1
    """The EXIF orientation (1 to 8) of the image in `buffer`. xaccel turns the image upright."""
    icc: bytes | None = None
    """The ICC profile of the samples, if there is one."""
    code_points: tuple[int, int] | None = None
    """The colour primaries and the transfer characteristics of the samples (ITU-T H.273), if there
    is no ICC profile. By default, the samples are in sRGB."""


class Decoder(Protocol):
    """A decoder. Its methods may be called from several threads at the same time.

    The methods raise an error from `xaccel.exceptions` if the file can't be decoded. xaccel reports
    any other exception as `CorruptImage`.
    """

    def matches(self, head: bytes) -> bool:
        """Whether this decoder reads files that begin with these bytes.

        Args:
            head: The first 4096 bytes of the file.
        """

    def probe(self, file: BinaryIO, limits: Limits, page: int = 1) -> ImageInfo:
        """Return the properties of the image, without decoding it.

        Args:
            file: A seekable file that has a descriptor and is positioned at its start.
            limits: The limits of the call.
            page: The page number, starting at 1. xaccel passes it only if an earlier call returned
                an `ImageInfo` with several pages.

        Raises:
            xaccel.exceptions.UnsupportedImage: The file uses a feature that is not supported.
            xaccel.exceptions.CorruptImage: The file can't be decoded.
        """

    def decode(
        self,
        file: BinaryIO,
        size: tuple[int, int],
        page: int,
        limits: Limits,
        at: float | None = None,
    ) -> Decoded:
        """Decode the image.

        Args:
            file: A seekable file that has a descriptor and is positioned at its start.
            size: The minimum width and height that the upright image must have for the thumbnail.
                Neither exceeds the size that `probe` returned. Any size between this one and the
                full size gives the right result; a smaller image takes less time.
            page: The page number, starting at 1.
            limits: The limits of the call. Check the size that the decoded image will have before
                you decode it; see `Limits.check_decoded`.
            at: The time of the frame, in seconds from the start of a film; with `None`, the decoder
                chooses a frame. After the end of the film, return the last frame. xaccel passes
                this argument only if `probe` returned an `ImageInfo` with `is_film`.

        Raises:
            xaccel.exceptions.ImageTooLarge: The decoded image exceeds a limit.
            xaccel.exceptions.UnsupportedImage: The file uses a feature that is not supported.
            xaccel.exceptions.CorruptImage: The file can't be decoded.
        """


__all__ = ["Decoded", "Decoder", "ImageInfo", "Layout", "Limits"]
