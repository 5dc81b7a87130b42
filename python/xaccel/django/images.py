"""Reads information about uploaded images, and checks that xaccel can make thumbnails of them.

This module does not need Pillow.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.exceptions import ValidationError
from django.core.files.base import File
from django.template.defaultfilters import filesizeformat
from django.utils.formats import number_format
from django.utils.translation import gettext_lazy as _

from xaccel._core import ImageInfo
from xaccel.django import conf
from xaccel.exceptions import ImageTooLarge, RenderTimeout, ThumbnailError, WorkerLost
from xaccel.thumbnails.direct import in_memory
from xaccel.thumbnails.rows import PlaceholderKind
from xaccel.thumbnails.sources.base import Image

EXTENSIONS = (
    *("jpg", "jpeg", "jpe", "jfif", "png", "apng", "webp", "avif", "jxl", "gif", "bmp"),
    *("tif", "tiff"),
)
"""The file extensions of the formats that xaccel can make thumbnails of."""

MEDIA_TYPES = tuple(
    f"image/{name}" for name in ("jpeg", "png", "apng", "webp", "avif", "jxl", "gif", "bmp", "tiff")
)
"""The media types of these formats."""

MESSAGES = {
    # Django's own message, which is translated into every language.
    "invalid_image": _(
        "Upload a valid image. The file you uploaded was either not an image or a corrupted image."
    ),
    "image_file_too_large": _(
        "This image is too large: the file has %(found)s, and at most %(limit)s are allowed."
    ),
    "image_too_large": _(
        "This image is too large: at most %(limit)s megapixels are allowed. Upload a smaller one."
    ),
    "image_not_checked": _("The image could not be checked. Try again."),
}
"""The error messages of forms, by code."""


def info(file: File[Any]) -> ImageInfo:
    """Return basic information about an image, read from its header.

    Raises:
        ThumbnailError: The file is not an image, or it exceeds a limit.
        WorkerLost: The process that reads the image in the sandbox was killed from outside.
        OSError: The file can't be read.
    """
    with _image(file) as image:
        return conf.direct_renderer().probe(image)


def placeholder_of(file: File[Any], kind: PlaceholderKind) -> str:
    """Return the placeholder of an image as text. Raises the same errors as `info`."""
    with _image(file) as image:
        return conf.direct_renderer().placeholder(image, kind)


def validated(file: File[Any]) -> ImageInfo:
    """Check an uploaded image, and return basic information about it.

    Raises:
        ValidationError: The file is not an image, it exceeds a limit, or it can't be checked at
            this time. The message is meant for visitors.
    """
    limits = conf.config().limits()
    if file.size > limits.max_bytes:
        shown = {"found": filesizeformat(file.size), "limit": filesizeformat(limits.max_bytes)}
        raise _error("image_file_too_large", shown)
    try:
        found = info(file)
    except (RenderTimeout, WorkerLost):
        raise _error("image_not_checked", {}) from None
    except ThumbnailError:
        raise _error("invalid_image", {}) from None
    pixels = found.width * found.height
    most = pixels * limits.max_memory // max(1, found.decoded_size)
    if limits.max_pixels is not None:
        most = min(most, limits.max_pixels)
    if pixels > most:
        raise _error("image_too_large", {"limit": number_format(f"{most / 1e6:.4g}")})
    return found


def _error(code: str, shown: dict[str, str]) -> ValidationError:
    return ValidationError(MESSAGES[code], code=code, params=shown)


@contextmanager
def _image(file: File[Any]) -> Iterator[Image]:
    """Yield the image in a file, and restore the file's state afterwards."""
    temporary = getattr(file, "temporary_file_path", None)
    if temporary is not None:
        yield temporary()
        return
    limit = conf.config().limits().max_bytes
    if file.size > limit:
        raise ImageTooLarge(f"{file.size} bytes exceed the limit of {limit}")
    was_closed = file.closed
    if was_closed:
        file.open("rb")
    position = file.tell()
    try:
        file.seek(0)
        yield in_memory(file.read())
    finally:
        if was_closed:
            file.close()
        else:
            file.seek(position)
