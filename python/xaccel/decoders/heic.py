"""Decodes HEIC and HEIF with pi-heif, which contains libheif and libde265.

libheif applies the rotation and the mirroring that the file describes. As the standard requires
(ISO/IEC 23008-12), the orientation in the EXIF data has no effect.
"""

from __future__ import annotations

from typing import Any, BinaryIO

import pi_heif  # type: ignore[import-untyped]

from xaccel._core import ImageInfo, Limits
from xaccel.decoders import Decoded, Layout
from xaccel.decoders._heic_preview import with_preview
from xaccel.decoders._ours import is_heic
from xaccel.exceptions import CorruptImage, UnsupportedImage

_LAYOUTS: dict[str, Layout] = {"L": "gray", "LA": "gray-alpha", "RGB": "rgb", "RGBA": "rgba"}
_DEEP_GRAY = "I;16"
"""Gray samples of more than 8 bits, stored as 16-bit little-endian numbers."""


def matches(head: bytes) -> bool:
    """See `Decoder.matches`."""
    return is_heic(head)


def probe(file: BinaryIO, limits: Limits) -> ImageInfo:  # noqa: ARG001
    """See `Decoder.probe`."""
    image = _open(file.read())
    width, height = image.size
    return ImageInfo(
        width,
        height,
        "heic",
        has_alpha=image.has_alpha,
        icc="icc_profile" in image.info,
        decoded_size=width * height * _bytes_per_pixel(image),
    )


def decode(file: BinaryIO, size: tuple[int, int], page: int, limits: Limits) -> Decoded:  # noqa: ARG001
    """See `Decoder.decode`."""
    content = file.read()
    whole = _open(content)
    preview = with_preview(content, size)
    if preview is not None:
        small = _open(preview)
        if _is_copy(small, whole, size):
            return _decoded(small, whole.info, limits)
    return _decoded(whole, whole.info, limits)


def _open(content: bytes) -> Any:
    """Return the primary image of a file, without decoding it."""
    try:
        images = pi_heif.open_heif(content)
        image = images[images.primary_index]
    except (ValueError, EOFError, SyntaxError, RuntimeError, IndexError) as error:
        raise _failure(error) from None
    if min(image.size) < 1:
        raise CorruptImage("it is a corrupt heic image: one of its sides is zero")
    return image


def _is_copy(small: Any, whole: Any, size: tuple[int, int]) -> bool:
    """Whether a preview is large enough and shows the whole image."""
    (width, height), (full_width, full_height) = small.size, whole.size
    skew = abs(width * full_height - height * full_width)
    is_smaller = width < full_width and height < full_height
    is_sufficient = width >= size[0] and height >= size[1]
    has_proportions = skew <= max(full_width, full_height)
    return bool(is_smaller and is_sufficient and has_proportions and small.mode == whole.mode)


def _decoded(image: Any, info: dict[str, Any], limits: Limits) -> Decoded:
    width, height = image.size
    limits.check_decoded(width, height, _bytes_per_pixel(image))
    points = None
    if "nclx_profile" in info:
        color = info["nclx_profile"]
        points = int(color["color_primaries"]), int(color["transfer_characteristics"])
    try:
        buffer = bytes(image.data)
    except (ValueError, EOFError, SyntaxError, RuntimeError, OSError) as error:
        raise _failure(error) from None
    mode = image.mode
    if mode == _DEEP_GRAY:
        mode, buffer = "L", buffer[1::2]
    elif mode == "RGBa":
        mode, buffer = "RGBA", _unpremultiplied(buffer)
    if mode not in _LAYOUTS:
        raise UnsupportedImage(f"HEIC with pixels of the kind {mode} is not supported")
    # The size of the decoded image may differ from the size in the header.
    width, height = image.size
    icc = info.get("icc_profile")
    return Decoded(buffer, width, height, _LAYOUTS[mode], icc=icc, code_points=points)


def _bytes_per_pixel(image: Any) -> int:
    return {"L": 1, "LA": 2, _DEEP_GRAY: 2, "RGB": 3}.get(image.mode, 4)


def _unpremultiplied(buffer: bytes) -> bytes:
    """Return RGBA pixels after dividing their colours by the opacity."""
    straight = bytearray(buffer)
    alphas = buffer[3::4]
    for channel in range(3):
        straight[channel::4] = bytes(
            min(255, (255 * sample + alpha // 2) // alpha) if alpha else 0
            for sample, alpha in zip(buffer[channel::4], alphas, strict=True)
        )
    return bytes(straight)


def _failure(error: Exception) -> CorruptImage | UnsupportedImage:
    """Return the error for a message from libheif."""
    if str(error).startswith("Unsupported "):
        return UnsupportedImage(f"HEIC of this kind is not supported: {error}")
    return CorruptImage(f"it is a corrupt heic image: {error}")
