"""Tiny files with great claims, and damaged ones: an error of ours, and never much memory."""

import random
import struct
import subprocess
import sys
import zlib

import pytest
from PIL import Image
from xaccel._core import Limits, placeholder, probe, thumbnail
from xaccel.exceptions import CorruptImage, ImageTooLarge, ThumbnailError

from tests.thumbnail_images import chunk, encoded, photo

KINDS = {
    "jpeg": ("JPEG", {}),
    "progressive": ("JPEG", {"progressive": True}),
    "png": ("PNG", {}),
    "webp": ("WEBP", {}),
    "lossless": ("WEBP", {"lossless": True}),
    "gif": ("GIF", {}),
    "bmp": ("BMP", {}),
    "tiff": ("TIFF", {"compression": "tiff_lzw"}),
    "avif": ("AVIF", {"speed": 9}),
}


def png(width, height, *chunks):
    header = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + b"".join(chunks)


def jpeg(width, height):
    content = bytearray(encoded(photo(16, 16), "JPEG"))
    frame = content.index(b"\xff\xc0")
    content[frame + 5 : frame + 9] = struct.pack(">HH", height, width)
    return bytes(content)


def gif(width, height, frames):
    screen = b"GIF89a" + struct.pack("<HHBBB", width, height, 0x80, 0, 0) + bytes(6)
    frame = b"," + struct.pack("<HHHHB", 0, 0, width, height, 0) + b"\x02\x02L\x01\0"
    return screen + frame * frames + b";"


def webp(width, height):
    sides = struct.pack("<I", width - 1)[:3] + struct.pack("<I", height - 1)[:3]
    body = b"WEBPVP8X" + struct.pack("<IB3x", 10, 0x10) + sides + b"VP8 " + bytes(4)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def avif(side):
    content = bytearray(encoded(photo(64, 64), "AVIF"))
    ispe = content.index(b"ispe")
    content[ispe + 8 : ispe + 16] = struct.pack(">II", side, side)
    return bytes(content)


BOMBS = {
    "png-large": lambda: png(65_535, 65_535, chunk(b"IDAT", zlib.compress(bytes(99)))),
    "png-largest": lambda: png(2**31 - 1, 2**31 - 1, chunk(b"IDAT", b"")),
    "png-profile": lambda: png(
        64,
        64,
        chunk(b"iCCP", b"x\0\0" + zlib.compress(bytes(200_000_000), 9)),
        chunk(b"IDAT", zlib.compress(bytes(9))),
    ),
    "png-text": lambda: png(
        64,
        64,
        chunk(b"zTXt", b"x\0\0" + zlib.compress(bytes(200_000_000), 9)),
        chunk(b"IDAT", zlib.compress(bytes(9))),
    ),
    "jpeg-large": lambda: jpeg(65_535, 65_535),
    "gif-large": lambda: gif(65_535, 65_535, 1),
    "gif-frames": lambda: gif(64, 64, 100_000),
    "webp-large": lambda: webp(16_384, 16_384),
    "bmp-large": lambda: (
        b"BM" + bytes(12) + struct.pack("<IiiHHIIiiII", 40, 65_535, 65_535, 1, 24, 0, 0, 0, 0, 0, 0)
    ),
}


@pytest.mark.parametrize("name", BOMBS)
def test_bombs_are_refused(name):
    with pytest.raises(ThumbnailError) as caught:
        thumbnail(BOMBS[name](), 64)
    assert isinstance(caught.value, ImageTooLarge | CorruptImage)
    if name.endswith("-large"):
        assert isinstance(caught.value, ImageTooLarge)


def test_bombs_cost_little_memory(tmp_path):
    """Measured in a process of its own, whose peak is all that the kernel tells."""
    for name, make in BOMBS.items():
        (tmp_path / name).write_bytes(make())
    script = """
import resource, sys
from pathlib import Path
from xaccel._core import thumbnail
from xaccel.exceptions import ThumbnailError

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

for path in sorted(Path(sys.argv[1]).iterdir()):
    content = path.read_bytes()
    before = peak()
    try:
        thumbnail(content, 64)
    except ThumbnailError:
        pass
    print(path.name, peak() - before)
"""
    done = subprocess.run(
        [sys.executable, "-c", script, tmp_path], capture_output=True, text=True, check=True
    )
    grown = {line.split()[0]: float(line.split()[1]) for line in done.stdout.splitlines()}
    assert grown.keys() == BOMBS.keys()
    assert max(grown.values()) < 50, grown


@pytest.mark.parametrize("kind", KINDS)
def test_damage_is_an_error_or_a_picture(kind):
    name, options = KINDS[kind]
    source = encoded(photo(96, 64), name, **options)
    dice = random.Random(kind)
    outcomes = set()
    for _ in range(150):
        damaged = bytearray(source)
        for _ in range(dice.randint(1, 8)):
            position = int(len(damaged) * dice.random() ** 2)
            action = dice.random()
            if action < 0.6:
                damaged[position] = dice.randrange(256)
            elif action < 0.8:
                damaged[position : position + dice.randint(1, 9)] = b""
            else:
                damaged[position:position] = dice.randbytes(dice.randint(1, 9))
        limits = Limits(max_pixels=4_000_000, max_frames=20)
        for call in (
            lambda data, limits: thumbnail(data, 32, 32, fit="cover", limits=limits),
            lambda data, limits: probe(data, limits=limits),
        ):
            try:
                call(bytes(damaged), limits)
                outcomes.add("picture")
            except ThumbnailError:
                outcomes.add("error")
    assert outcomes == {"picture", "error"}


def test_peak_memory_has_a_bound():
    """As documented: source, decoded pixels once or twice, and the thumbnail."""
    source = encoded(Image.new("RGB", (4000, 3000)), "PNG")
    script = """
import resource, sys
from xaccel._core import thumbnail
source = sys.stdin.buffer.read()
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
thumbnail(source, 300)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""
    done = subprocess.run(
        [sys.executable, "-c", script], input=source, capture_output=True, check=True
    )
    pixels = 4000 * 3000 * 3 / 1024
    assert int(done.stdout) < 1.3 * pixels + 16 * 1024


def test_placeholder_of_damage():
    with pytest.raises(CorruptImage):
        placeholder(encoded(photo(), "PNG")[:99])
