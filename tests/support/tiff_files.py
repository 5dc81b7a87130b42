"""TIFF files of kinds that Pillow reads but does not write."""

import struct

import numpy as np
from PIL import Image
from xaccel._core import thumbnail

from tests.support.thumbnail_images import opened

WIDTH, HEIGHT = 21, 19


def ramp(planes: int = 1, dtype: type = np.uint8) -> np.ndarray:
    """Samples of which no two rows, columns or planes are alike: height, width, planes."""
    y, x, plane = np.mgrid[0:HEIGHT, 0:WIDTH, 0:planes]
    samples = (9 * x + 3 * y + 20 * plane) % 256
    return (samples * 257 if dtype == np.uint16 else samples).astype(dtype)


def tiff(
    tags: dict[int, tuple[int, list[int]]],
    strips: list[bytes],
    *,
    order: str = "<",
    tiles: bool = False,
    loops: bool = False,
) -> bytes:
    """A TIFF file. If it loops, the page that follows the first is the first one itself."""
    offsets, lengths = (324, 325) if tiles else (273, 279)
    data = b"".join(strips)
    starts = np.cumsum([8, *[len(strip) for strip in strips[:-1]]]).tolist()
    tags = {**tags, offsets: (4, starts), lengths: (4, [len(strip) for strip in strips])}
    at = 8 + len(data)
    at += at % 2
    entries, rest = b"", b""
    for tag, (kind, values) in sorted(tags.items()):
        packed = struct.pack(f"{order}{len(values)}{'H' if kind == 3 else 'I'}", *values)
        if len(packed) > 4:
            place = at + 2 + 12 * len(tags) + 4 + len(rest)
            rest += packed
            packed = struct.pack(f"{order}I", place)
        entries += struct.pack(f"{order}HHI", tag, kind, len(values)) + packed.ljust(4, b"\0")
    mark = b"II*\0" if order == "<" else b"MM\0*"
    directory = struct.pack(f"{order}H", len(tags)) + entries + struct.pack(f"{order}I", at * loops)
    return (mark + struct.pack(f"{order}I", at) + data).ljust(at, b"\0") + directory + rest


def tags(photometric: int, samples: int, bits: int, planar: int = 1, **more: list[int]):
    """The usual tags of an uncompressed page."""
    return {
        256: (4, [WIDTH]),
        257: (3, [HEIGHT]),
        258: (3, [bits] * samples),
        259: (3, [1]),
        262: (3, [photometric]),
        277: (3, [samples]),
        284: (3, [planar]),
        **{int(tag[1:]): (3, values) for tag, values in more.items()},
    }


def same(data: bytes, expected: Image.Image, most: int = 1) -> None:
    """The thumbnail in the picture's size is the picture."""
    made = opened(thumbnail(data, *expected.size, format="png")).convert(expected.mode)
    assert made.size == expected.size
    difference = np.abs(np.asarray(made).astype(int) - np.asarray(expected).astype(int))
    assert difference.max() <= most
