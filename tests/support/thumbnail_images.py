"""Images for the thumbnail tests, all of them made in code, and functions to compare them."""

import functools
import io
import struct
from pathlib import Path

import numpy as np
from PIL import Image
from xaccel import thumbnail


def photo(width=640, height=400, mode="RGB"):
    """Return a smooth picture without symmetry."""
    return _photo(width, height, mode).copy()


@functools.cache
def photo_file(kind, width=640, height=400, mode="RGB", **options):
    """Return a `photo()` as a file of this kind, which all tests share."""
    return encoded(_photo(width, height, mode), kind, **options)


@functools.cache
def _photo(width, height, mode):
    y, x = np.mgrid[0:height, 0:width]
    waves = [
        128 + 100 * np.sin(x / 37 + y / 91),
        255 * x / width,
        128 + 90 * np.cos(y / 53 - x / 160),
    ]
    pixels = np.stack(waves, axis=-1).clip(0, 255).astype(np.uint8)
    picture = Image.fromarray(pixels)
    if mode.endswith("A"):
        picture.putalpha(Image.fromarray((255 * y / height).astype(np.uint8)))
    return picture.convert(mode)


def encoded(picture, kind, **options):
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


def opened(made):
    """Check a thumbnail's attributes, and return the thumbnail opened by Pillow."""
    picture = Image.open(io.BytesIO(made.data))
    assert picture.size == (made.width, made.height)
    assert picture.format.lower() == made.format
    assert made.media_type == f"image/{made.format}"
    return picture


def difference(one, other):
    """Return the mean absolute difference between two pictures' samples, weighted by opacity."""
    pixels = [
        np.asarray(picture.convert("RGBA").convert("RGBa"), dtype=np.int16)
        for picture in (one, other)
    ]
    return float(np.abs(pixels[0] - pixels[1]).mean())


def peak_memory():
    """Return the peak memory of this process since the peak was last reset, in kB."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0])


def _icc(space, tags):
    """Return a version 2 ICC profile with these tags (ICC.1:2001-04)."""
    offset = 128 + 4 + 12 * len(tags)
    table = struct.pack(">I", len(tags))
    body = b""
    for name, content in tags.items():
        table += struct.pack(">4sII", name, offset + len(body), len(content))
        body += content + bytes(-len(content) % 4)
    header = struct.pack(
        ">I4sI4s4s4s12s4s4sI4s4sQI3I",
        offset + len(body),
        b"lcms",
        0x02400000,
        b"prtr" if space == b"CMYK" else b"mntr",
        space,
        b"Lab " if space == b"CMYK" else b"XYZ ",
        struct.pack(">6H", 2024, 1, 1, 0, 0, 0),
        b"acsp",
        b"APPL",
        0,
        b"none",
        b"none",
        0,
        0,
        0xF6D6,
        0x10000,
        0xD32D,
    )
    return header.ljust(128, b"\0") + table + body


_NAMES = {
    b"desc": b"desc\0\0\0\0" + struct.pack(">I", 5) + b"test\0" + bytes(78),
    b"cprt": b"text\0\0\0\0none\0",
    b"wtpt": struct.pack(">4sI3I", b"XYZ ", 0, 0xF6D6, 0x10000, 0xD32D),
}


def _xyz(*values):
    return struct.pack(">4sI3i", b"XYZ ", 0, *(round(value * 65536) for value in values))


def _gamma(gamma):
    return struct.pack(">4sIIH", b"curv", 0, 1, round(gamma * 256))


def wide_rgb_profile():
    """Return a profile with a gamma of 1.8 and Adobe RGB's primaries, which are far from sRGB."""
    return _icc(
        b"RGB ",
        {
            **_NAMES,
            b"rXYZ": _xyz(0.60974, 0.31111, 0.01947),
            b"gXYZ": _xyz(0.20528, 0.62567, 0.06087),
            b"bXYZ": _xyz(0.14919, 0.06322, 0.74457),
            b"rTRC": _gamma(1.8),
            b"gTRC": _gamma(1.8),
            b"bTRC": _gamma(1.8),
        },
    )


def display_p3_profile(padding=0):
    """Return the profile of the colour space Display P3, with a private tag of this many bytes."""
    steps = np.arange(1024) / 1023
    linear = np.where(steps <= 0.04045, steps / 12.92, ((steps + 0.055) / 1.055) ** 2.4)
    curve = (
        struct.pack(">4sII", b"curv", 0, 1024) + (linear * 65535).round().astype(">u2").tobytes()
    )
    tags = {
        **_NAMES,
        b"rXYZ": _xyz(0.51512, 0.24120, -0.00105),
        b"gXYZ": _xyz(0.29198, 0.69225, 0.04189),
        b"bXYZ": _xyz(0.15710, 0.06657, 0.78407),
        **dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve),
    }
    if padding:
        tags[b"test"] = b"data" + bytes(4) + bytes(index * 7 % 251 for index in range(padding))
    return _icc(b"RGB ", tags)


def gray_profile():
    """Return a profile with a gamma of 1.4."""
    return _icc(b"GRAY", {**_NAMES, b"kTRC": _gamma(1.4)})


def cmyk_profile(points=9):
    """Return a profile with an 8-bit table, for inks purer than in the simple CMYK formula."""
    axis = np.linspace(0, 1, points)
    c, m, y, k = np.meshgrid(axis, axis, axis, axis, indexing="ij")
    light = 1 - k
    lab = np.stack(
        [
            255 * light * (1 - 0.35 * c - 0.3 * m - 0.05 * y),
            128 + 70 * light * (m - 0.7 * c),
            128 + 80 * light * (y - 0.6 * c - 0.1 * m),
        ],
        axis=-1,
    )
    table = lab.clip(0, 255).round().astype(np.uint8).tobytes()
    linear = bytes(range(256))
    matrix = struct.pack(">9i", 65536, 0, 0, 0, 65536, 0, 0, 0, 65536)
    lut = b"mft1\0\0\0\0" + bytes([4, 3, points, 0]) + matrix + linear * 4 + table + linear * 3
    return _icc(b"CMYK", {**_NAMES, b"A2B0": lut})


def is_the_same(image, content):
    """Whether a fetched image has this content."""
    same = thumbnail(image, format="png").data == thumbnail(content, format="png").data
    return same and len(image) == len(content)
