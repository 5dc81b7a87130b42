"""Decodes pages of PDF documents with pypdfium2, which contains PDFium."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, BinaryIO

import pypdfium2  # type: ignore[import-untyped]

from xaccel._core import ImageInfo, Limits
from xaccel.decoders import Decoded
from xaccel.decoders._ours import is_pdf
from xaccel.decoders._pixels import without_gaps
from xaccel.exceptions import CorruptImage, SpecError, UnsupportedImage

RESOLUTION = 300
"""The resolution of a page at full size, in pixels per inch. Thumbnails are never larger, unless
enlarging is allowed."""

_UNITS_PER_INCH = 72
_MAX_SIDE = 10_000_000
_CHANNELS = 3
_PASSWORD_ERROR = 4
"""PDFium's error code `FPDF_ERR_PASSWORD`."""


def matches(head: bytes) -> bool:
    """See `Decoder.matches`."""
    return is_pdf(head)


def probe(file: BinaryIO, limits: Limits, page: int = 1) -> ImageInfo:  # noqa: ARG001
    """See `Decoder.probe`."""
    with _opened(file, page) as (document, opened):
        width, height = _full_size(opened)
        # A page is rendered at the size of the thumbnail, not at full size.
        return ImageInfo(width, height, "pdf", pages=len(document), decoded_size=_CHANNELS)


def decode(file: BinaryIO, size: tuple[int, int], page: int, limits: Limits) -> Decoded:
    """See `Decoder.decode`."""
    with _opened(file, page) as (_, opened):
        full_width, full_height = _full_size(opened)
        scale = min(1.0, max(size[0] / full_width, size[1] / full_height))
        scale *= RESOLUTION / _UNITS_PER_INCH
        width, height = opened.get_size()
        limits.check_decoded(int(width * scale) + 1, int(height * scale) + 1, _CHANNELS)
        bitmap = opened.render(scale=scale, rev_byteorder=True)
        buffer = without_gaps(bitmap.buffer, bitmap.stride, _CHANNELS * bitmap.width)
        return Decoded(buffer, bitmap.width, bitmap.height, "rgb")


def _full_size(page: Any) -> tuple[int, int]:
    """Return the width and height of a page at full size, in pixels."""
    width, height = (side * RESOLUTION / _UNITS_PER_INCH for side in page.get_size())
    if not 0 < width < _MAX_SIDE or not 0 < height < _MAX_SIDE:
        raise CorruptImage("it is a corrupt PDF document: the size of the page is invalid")
    return max(1, round(width)), max(1, round(height))


@contextmanager
def _opened(file: BinaryIO, page: int) -> Iterator[tuple[Any, Any]]:
    """Open a document and one of its pages. PDFium runs in one thread at a time."""
    with _turn(), _errors():
        document = pypdfium2.PdfDocument(file)
        try:
            pages = len(document)
            if not pages:
                raise CorruptImage("it is a corrupt PDF document: it does not have pages")
            if page > pages:
                raise SpecError(f"page {page} does not exist; the number of pages is {pages}")
            document.init_forms()
            yield document, document[page - 1]
        finally:
            document.close()


@contextmanager
def _errors() -> Iterator[None]:
    try:
        yield
    except pypdfium2.PdfiumError as error:
        if error.err_code == _PASSWORD_ERROR:
            raise UnsupportedImage("a PDF document with a password is not supported") from None
        raise CorruptImage(f"it is a corrupt PDF document: {error}") from None


def _turn() -> AbstractContextManager[object]:
    return _lock


def _new_lock() -> AbstractContextManager[object]:
    """Return a lock for native threads. gevent makes `threading.Lock` a lock for greenlets.

    xaccel renders in native threads, even under gevent.
    """
    monkey = sys.modules.get("gevent.monkey")
    if monkey is None:
        return threading.Lock()
    lock: AbstractContextManager[object] = monkey.get_original("threading", "Lock")()
    return lock


def _reset_lock() -> None:
    """Replace the lock, which may be held by a thread that does not exist in the forked process."""
    global _lock  # noqa: PLW0603
    _lock = _new_lock()


_lock = _new_lock()
os.register_at_fork(after_in_child=_reset_lock)
