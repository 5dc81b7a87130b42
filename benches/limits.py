"""The shortest possible time of a thumbnail: the parts of a render that can't be avoided."""

from __future__ import annotations

import io
import statistics
import time
from collections.abc import Callable

from PIL import Image
from xaccel import thumbnail

SMALLEST = 16


def seconds(work: Callable[[], object], rounds: int) -> float:
    """Return the median of the processor time of a call."""
    times = []
    for _ in range(rounds):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return statistics.median(times)


def reading(source: bytes, rounds: int) -> float:
    """Return the time to read a source: a thumbnail of a few pixels.

    For a JPEG, xaccel then finds each block and reads one of its coefficients. It decodes images in
    other formats completely.
    """
    return seconds(lambda: thumbnail(source, SMALLEST, SMALLEST, format="jpeg"), rounds)


def writing(file: bytes, kind: str, quality: int, rounds: int) -> float:
    """Return the time to encode the pixels of a thumbnail again, with the encoder alone.

    For WebP, this is libwebp with the method that xaccel and libvips use. For other formats, it is
    xaccel's encoder: the pixels are in a BMP file, and the time to read it does not count.
    """
    with Image.open(io.BytesIO(file)) as picture:
        pixels = picture.convert("RGB")
    out = io.BytesIO()
    if kind == "webp":
        return seconds(lambda: pixels.save(io.BytesIO(), "WEBP", quality=quality, method=4), rounds)
    pixels.save(out, "BMP")
    width, height = pixels.size
    source = out.getvalue()
    both = seconds(lambda: thumbnail(source, width, height, format=kind, quality=quality), rounds)
    return max(0, both - reading(source, rounds))
