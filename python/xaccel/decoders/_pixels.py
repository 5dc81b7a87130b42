"""Helpers for the pixels of decoded images."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


def without_gaps(buffer: ReadableBuffer, stride: int, length: int) -> bytes:
    """Return rows of pixels without the gaps between them.

    Args:
        buffer: The rows.
        stride: The number of bytes from the start of one row to the start of the next.
        length: The number of bytes in a row, without the gap.
    """
    rows = memoryview(buffer).cast("B")
    if stride == length:
        return bytes(rows)
    return b"".join(rows[start : start + length] for start in range(0, len(rows), stride))
