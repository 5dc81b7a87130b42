"""Tiny files with huge claims, and damaged files: a proper error, and little memory."""

import functools
import json
import random
import struct
import subprocess
import sys
import zlib

import pytest
from PIL import Image
from xaccel._core import Limits, placeholder, probe, thumbnail
from xaccel.exceptions import CorruptImage, ImageTooLarge, ThumbnailError, UnsupportedImage

from tests.support.fuzz_seeds import SEEDS
from tests.support.thumbnail_files import (
    ALPHA,
    apng,
    avif_file,
    avif_grid,
    box,
    chunk,
    coded_items,
    full_box,
    reference,
)
from tests.support.thumbnail_images import encoded, opened, photo, photo_file


def png(width, height, *chunks):
    header = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + b"".join(chunks)


def jpeg(width, height, **options):
    content = bytearray(encoded(photo(16, 16), "JPEG", **options))
    frame = content.index(b"\xff\xc2" if options else b"\xff\xc0")
    content[frame + 5 : frame + 9] = struct.pack(">HH", height, width)
    return bytes(content)


EFFECTS = {"trim": 3, "contrast": 2, "saturation": 3, "pixelate": 2, "detail": True, "radius": 4}
"""The options that work on the pixels of a source or a thumbnail."""


def gif(width, height, frames):
    screen = b"GIF89a" + struct.pack("<HHBBB", width, height, 0x80, 0, 0) + bytes(6)
    frame = b"," + struct.pack("<HHHHB", 0, 0, width, height, 0) + b"\x02\x02L\x01\0"
    return screen + frame * frames + b";"


def riff(*chunks):
    body = b"WEBP" + b"".join(
        name + struct.pack("<I", len(content)) + content + bytes(len(content) % 2)
        for name, content in chunks
    )
    return b"RIFF" + struct.pack("<I", len(body)) + body


def webp_canvas(width, height, flags):
    sides = struct.pack("<I", width - 1)[:3] + struct.pack("<I", height - 1)[:3]
    return b"VP8X", struct.pack("<B3x", flags) + sides


def webp_frames(side, count):
    picture = encoded(Image.new("RGB", (1, 1)), "WEBP", lossless=True)[12:]
    frame = b"ANMF", bytes(6) + bytes(6) + bytes(4) + picture
    return riff(webp_canvas(side, side, 2), (b"ANIM", bytes(6)), *[frame] * count)


def sequence_header(data, side):
    """That of a picture as large as this (AV1, 5.5.1), and what comes after the picture's own."""
    at = data.index(b"\x0a") + 2
    bits = f"{int.from_bytes(data[at : at + data[at - 1]]):0{8 * data[at - 1]}b}"
    # Profile, a still, a short header, the level; then how many bits the sides have.
    assert bits[3:5] == "11"
    sizes = [int(bits[10:14], 2) + 1, int(bits[14:18], 2) + 1]
    rest = bits[18 + sum(sizes) :]
    changed = bits[:10] + "1111" * 2 + f"{side - 1:016b}" * 2 + rest
    header = int(changed.ljust(-(-len(changed) // 8) * 8, "0"), 2)
    header = header.to_bytes(-(-len(changed) // 8))
    return b"\x0a" + bytes([len(header)]) + header, data[at + data[at - 1] :]


def avif(side):
    """A picture that says to be as large, in the first bits of AV1 and in the container."""
    items, configurations = coded_items(photo_file("AVIF", 64, 64, speed=9))
    larger = b"\x12\0" + b"".join(sequence_header(items[0], side))
    sides = full_box(b"ispe", struct.pack(">II", side, side))
    return avif_file([(1, b"av01", larger, [1, 2])], [sides, configurations[0]])


def avif_sample(*properties, associations=b"", references=()):
    """A small picture with much said about it."""
    items, configurations = coded_items(photo_file("AVIF", 64, 64, speed=9))
    sides = full_box(b"ispe", struct.pack(">II", 64, 64))
    known = [sides, configurations[0], *properties]
    items = [(1, b"av01", items[0], [1, 2])]
    return avif_file(items, known, *references, associations=associations)


def avif_movie(samples, runs=b"", chunks=b""):
    """A sequence of pictures of one size."""
    table = box(
        b"stbl",
        full_box(b"stsz", struct.pack(">II", 1, samples)),
        full_box(b"stsc", struct.pack(">I", len(runs) // 12), runs),
        full_box(b"stco", struct.pack(">I", len(chunks) // 4), chunks),
    )
    media = box(b"mdia", full_box(b"hdlr", bytes(4), b"pict", bytes(13)), box(b"minf", table))
    movie = box(b"moov", box(b"trak", media))
    return box(b"ftyp", b"avis", bytes(4), b"avisavif") + movie


def tiff(*entries, data=b""):
    """Tags of type LONG: number, count and value."""
    directory = b"".join(struct.pack("<HHII", tag, 4, *values) for tag, *values in entries)
    return b"II*\0\x08\0\0\0" + struct.pack("<H", len(entries)) + directory + bytes(4) + data


def tiff_picture(width, height, *more, rows=1, strips=1):
    return tiff(
        (256, 1, width),
        (257, 1, height),
        (258, 1, 8),
        (259, 1, 1),
        (262, 1, 1),
        (273, strips, 8),
        (277, 1, 1),
        (278, 1, rows),
        (279, strips, 99),
        *more,
    )


def bmp(width, height, size=40, bits=24, colors=0):
    fields = struct.pack("<IiiHHIIiiII", size, width, height, 1, bits, 0, 0, 0, 0, colors, 0)
    return b"BM" + bytes(12) + fields


IDAT = chunk(b"IDAT", zlib.compress(bytes(9)))


@functools.cache
def zeros():
    return zlib.compress(bytes(200_000_000), 9)


BOMBS = {
    "png-large": lambda: png(65_535, 65_535, chunk(b"IDAT", zlib.compress(bytes(99)))),
    "png-900-megapixels-large": lambda: png(30_000, 30_000, IDAT),
    "png-largest": lambda: png(2**31 - 1, 2**31 - 1, chunk(b"IDAT", b"")),
    "png-profile": lambda: png(64, 64, chunk(b"iCCP", b"x\0\0" + zeros()), IDAT),
    "png-text": lambda: png(64, 64, chunk(b"zTXt", b"x\0\0" + zeros()), IDAT),
    "png-itxt": lambda: png(64, 64, chunk(b"iTXt", b"x\0\1\0\0\0" + zeros()), IDAT),
    "png-chunks": lambda: png(64, 64, chunk(b"tEXt", b"x\0") * 50_000, IDAT),
    "jpeg-large": lambda: jpeg(65_535, 65_535),
    "jpeg-progressive-large": lambda: jpeg(65_535, 65_535, progressive=True),
    "gif-large": lambda: gif(65_535, 65_535, 1),
    "webp-large": lambda: riff(webp_canvas(16_384, 16_384, 0x10), (b"VP8 ", b"")),
    "webp-animation-large": lambda: webp_frames(16_384, 1),
    "avif-large": lambda: avif(17_000),
    "avif-grid-large": lambda: avif_grid(photo(64, 64), 1, 1, 64, claimed=(17_000, 17_000)),
    "avif-properties": lambda: avif_sample(*[box(b"free")] * 100_000),
    "avif-copies": lambda: avif_sample(
        box(b"colr", b"prof", bytes(1_000_000)),
        associations=struct.pack(">HB", 9, 255) + b"\3" * 255,
    ),
    "avif-references": lambda: avif_sample(
        references=[reference(b"auxl", 2, [1])] * 20_000,
    ),
    "avif-samples": lambda: avif_movie(2**26),
    "avif-chunks": lambda: avif_movie(
        9000, struct.pack(">IIIIII", 1, 0, 1, 2**31, 0, 1) * 9000, bytes(4 * 90_000)
    ),
    "avif-nested": lambda: box(b"ftyp", b"avif", bytes(4)) + box(b"meta", bytes(4)) * 100_000,
    "tiff-large": lambda: tiff_picture(65_535, 65_535, rows=65_535),
    "tiff-strips": lambda: tiff_picture(64, 64, strips=2**32 - 1),
    "tiff-tile": lambda: tiff_picture(64, 64, (322, 1, 2**31), (323, 1, 2**31), (324, 1, 8)),
    "tiff-profile": lambda: tiff_picture(64, 64, (34_675, 2**32 - 1, 8)),
    "bmp-large": lambda: bmp(65_535, 65_535),
    "bmp-sides": lambda: bmp(-(2**31), -(2**31)),
    "bmp-palette": lambda: bmp(64, 64, bits=8, colors=2**32 - 1),
}

LONG = {
    "apng-frames": lambda: apng(claimed=2**31 - 1),
    "gif-frames": lambda: gif(1, 1, 1_000_000),
    "webp-frames": lambda: webp_frames(64, 200_000),
}
"""Animations with more frames than anyone watches."""


@pytest.mark.parametrize("name", LONG)
def test_long_animations_show_their_first_frames(name):
    source = LONG[name]()
    for limit in 1, 3:
        made = thumbnail(source, 16, format="webp", limits=Limits(max_frames=limit))
        assert made.is_complete
        assert getattr(opened(made), "n_frames", 1) <= limit
    assert probe(source).frames >= 10_000


@pytest.mark.parametrize("name", BOMBS)
def test_bombs_are_refused(name):
    with pytest.raises(ThumbnailError) as caught:
        thumbnail(BOMBS[name](), 64, format="webp")
    assert isinstance(caught.value, ImageTooLarge | CorruptImage)
    if name.endswith("-large"):
        assert isinstance(caught.value, ImageTooLarge)


# `ru_maxrss` would begin at that of the process which started this one.
PEAK = """
def peak():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM:")) * 1024
"""


@pytest.mark.slow
def test_bombs_cost_little_memory(tmp_path):
    """Measured in a process of its own, whose peak is all that the kernel tells."""
    for name, make in (BOMBS | LONG).items():
        (tmp_path / name).write_bytes(make())
    script = f"""{PEAK}
import sys
from pathlib import Path
from contextlib import suppress
from xaccel._core import placeholder, probe, thumbnail
from xaccel.exceptions import ThumbnailError

for path in sorted(Path(sys.argv[1]).iterdir()):
    content = path.read_bytes()
    before = peak()
    for call in probe, placeholder, lambda source: thumbnail(source, 64, format="webp"):
        with suppress(ThumbnailError):
            call(content)
    print(path.name, (peak() - before) / 1024**2)
"""
    done = subprocess.run(
        [sys.executable, "-c", script, tmp_path], capture_output=True, text=True, check=True
    )
    grown = {line.split()[0]: float(line.split()[1]) for line in done.stdout.splitlines()}
    assert grown.keys() == (BOMBS | LONG).keys()
    assert max(grown.values()) < 50, grown


def damaged(source, dice):
    """The file with some bytes of it changed, taken out or put in, most of them early on."""
    content = bytearray(source)
    for _ in range(dice.randint(1, 6)):
        position = int(len(content) * dice.random() ** 2)
        action = dice.random()
        if action < 0.6:
            content[position] = dice.choice((0, 1, 127, 128, 255, dice.randrange(256)))
        elif action < 0.8:
            content[position : position + dice.randint(1, 9)] = b""
        else:
            content[position:position] = dice.randbytes(dice.randint(1, 9))
    return bytes(content)


def outcome(call, *args, **options):
    """The error, if there is one; any but these would be a fault of ours."""
    try:
        call(*args, **options)
    except (CorruptImage, ImageTooLarge, UnsupportedImage) as error:
        return str(error)
    return "picture"


@pytest.mark.parametrize("name", SEEDS)
def test_damage_is_an_error_or_a_picture(name):
    """A short run of what the fuzzers do for hours."""
    source = SEEDS[name]()
    limits = Limits(max_pixels=1_000_000, max_frames=20)
    assert outcome(thumbnail, source, 16, 16, limits=limits) == "picture"
    dice = random.Random(name)
    outcomes = []
    for _ in range(40):
        content = damaged(source, dice)
        outcomes += [
            outcome(thumbnail, content, 16, 16, fit="cover", format="webp", limits=limits),
            outcome(thumbnail, content, 9, 9, format="jpeg", limits=limits),
            outcome(thumbnail, content, 9, 9, format="gif", limits=limits, **EFFECTS),
            outcome(probe, content, limits=limits),
        ]
    assert not [text for text in outcomes if "panicked" in text]
    assert 0 < outcomes.count("picture") < len(outcomes)


def noise(width, height):
    """What compresses worst: every pixel of another colour and opacity."""
    return Image.frombytes("RGBA", (width, height), random.Random(1).randbytes(4 * width * height))


def turning(kind, **options):
    frames = [photo(700, 500, "RGBA").rotate(20 * index) for index in range(4)]
    return encoded(frames[0], kind, save_all=True, append_images=frames[1:], **options)


COSTLY = {
    "trimmed-avif": (
        lambda: photo_file("AVIF", 1600, 1000, "RGBA", speed=10),
        {"width": 64, "trim": 1, "linear": True},
    ),
    "trimmed-gif": (lambda: turning("GIF", disposal=3), {"format": "webp", "trim": 1}),
    "effects": (lambda: encoded(noise(900, 600), "PNG"), EFFECTS),
    "progressive": (lambda: photo_file("JPEG", 1600, 1000, progressive=True), {}),
    "linear-avif": (
        lambda: photo_file("AVIF", 1600, 1000, "RGBA", speed=10),
        {"width": 64, "linear": True},
    ),
    "linear-grid": (
        lambda: avif_grid(photo(1600, 1000, "RGBA"), 2, 2, 800),
        {"width": 64, "linear": True},
    ),
    "linear-gif": (
        lambda: encoded(photo(1600, 1000).quantize(64), "GIF"),
        {"width": 1590, "linear": True},
    ),
    "palette": (lambda: encoded(noise(1200, 800), "PNG"), {"format": "gif"}),
    "lossless": (lambda: encoded(noise(1200, 800), "PNG"), {"format": "webp", "quality": 100}),
    "avif": (lambda: encoded(noise(480, 320), "PNG"), {"format": "avif"}),
    "enlarged": (
        lambda: photo_file("PNG", 50, 30, "RGBA"),
        {"width": 1600, "upscale": True, "sharpen": 3},
    ),
    "animated-avif": (
        lambda: turning("AVIF", speed=10),
        {"width": 690, "format": "webp", "linear": True},
    ),
    "animated-gif": (lambda: turning("GIF", disposal=3), {"format": "webp"}),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", COSTLY)
def test_peak_memory_has_a_bound(name):
    """The one that is documented at `Limits`. Measured in a process of its own."""
    make, options = COSTLY[name]
    script = f"""{PEAK}
import json, sys
from xaccel._core import probe, thumbnail
source = sys.stdin.buffer.read()
options = json.loads(sys.argv[1])
before = peak()
made = thumbnail(source, **options)
grown = peak() - before
info = probe(source)
frames = info.frames if made.format in ("webp", "gif") else 1
bound = 2 * len(source) + 48 * info.width * info.height * frames
bound += 64 * made.width * made.height * frames + 16 * 1024 * 1024
print(grown, bound)
"""
    done = subprocess.run(
        [sys.executable, "-c", script, json.dumps(options)],
        input=make(),
        capture_output=True,
        check=True,
    )
    grown, bound = map(int, done.stdout.split())
    assert 0 < grown < bound


@pytest.mark.slow
def test_a_png_is_never_whole_in_memory():
    source = photo_file("PNG", 2000, 4000, "RGBA", compress_level=1)
    script = f"""{PEAK}
import sys
from xaccel._core import thumbnail
source = sys.stdin.buffer.read()
before = peak()
thumbnail(source, 400)
thumbnail(source, 400, 400, fit="cover", gravity="s", format="jpeg")
print(peak() - before)
"""
    done = subprocess.run(
        [sys.executable, "-c", script], input=source, capture_output=True, check=True
    )
    assert int(done.stdout) < 2000 * 4000 * 4 / 2


def test_placeholder_of_damage():
    with pytest.raises(CorruptImage):
        placeholder(photo_file("PNG")[:99])


def test_an_unknown_variant_is_unsupported_not_corrupt():
    source = photo_file("TIFF", 64, 64)
    uncompressed, webp = (struct.pack("<HHIH", 259, 3, 1, method) for method in (1, 50001))
    assert source.count(uncompressed) == 1
    with pytest.raises(UnsupportedImage, match="TIFF with these samples"):
        thumbnail(source.replace(uncompressed, webp), 32)
    rows = bytes(4 * 64 * 64)
    strange = bmp(64, 64) + rows
    strange = strange[:14] + struct.pack("<I", 72) + strange[18:]
    with pytest.raises(UnsupportedImage, match="BMP of this kind"):
        thumbnail(strange, 32)


def test_a_gif_whose_frame_is_larger_than_its_canvas():
    source = photo_file("GIF", 64, 64)
    made = thumbnail(source[:6] + struct.pack("<HH", 32, 16) + source[10:], format="png")
    assert (made.width, made.height) == (32, 16)


def with_bitstream(change):
    """A small picture whose bitstream is changed."""
    items, configurations = coded_items(photo_file("AVIF", 64, 64, speed=9))
    sides = full_box(b"ispe", struct.pack(">II", 64, 64))
    return avif_file([(1, b"av01", change(items[0]), [1, 2])], [sides, configurations[0]])


def test_metadata_of_av1_are_not_read():
    """Of a country's own kind (AV1, 5.8.2), without the country: rav1d ended the process."""
    source = with_bitstream(lambda data: b"\x2a\1\4" + data)
    assert thumbnail(source, 32).width == 32


def test_one_frame_of_an_av1_item_is_decoded():
    """An item has one shown frame; 28 kB of them took 15 s and 2 GB."""
    frames = Image.new("RGB", (64, 64), "red"), Image.new("RGB", (64, 64), "blue")
    first, second = (coded_items(encoded(frame, "AVIF", speed=9))[0][0] for frame in frames)
    once = thumbnail(with_bitstream(lambda _: first), 32, format="png")
    for other in (first * 100, second):
        assert thumbnail(with_bitstream(lambda _, o=other: first + o), 32, format="png").data == (
            once.data
        )


@pytest.mark.parametrize("opacity", [b"", b"\x2a\1\4"])
def test_a_bitstream_without_a_picture(opacity):
    items, configurations = coded_items(photo_file("AVIF", 64, 64, speed=9))
    sides = full_box(b"ispe", struct.pack(">II", 64, 64))
    source = avif_file(
        [(1, b"av01", items[0], [1, 2]), (2, b"av01", opacity, [1, 2, 3])],
        [sides, configurations[0], ALPHA],
        reference(b"auxl", 2, [1]),
    )
    with pytest.raises(CorruptImage, match="does not contain a picture"):
        thumbnail(source, 32)


@pytest.mark.parametrize("cut", [b"\x2a", b"\x2a\x80", b"\x2a\4\4", b"\x2a" + b"\xff" * 9, b"\x2e"])
def test_a_unit_of_av1_that_is_cut_off(cut):
    with pytest.raises(CorruptImage, match="cut off"):
        thumbnail(with_bitstream(lambda data: data + cut), 32)


def test_the_last_unit_of_av1_may_have_no_length():
    def change(data):
        header, frame = sequence_header(data, 64)
        assert frame[0] == 0x32
        length = next(at for at in range(1, 9) if frame[at] < 0x80)
        return header + b"\x30" + frame[length + 1 :]

    source = with_bitstream(change)
    expected = with_bitstream(lambda data: data)
    assert thumbnail(source, 32, format="png").data == thumbnail(expected, 32, format="png").data


@pytest.mark.parametrize("first", [False, True])
def test_pictures_larger_than_the_container_says(first):
    """Every sequence header counts; libaom has no limit of its own."""

    def change(data):
        header = sequence_header(data, 17_000)[0]
        return data.replace(b"\x12\0", b"\x12\0" + header) if first else data + header

    with pytest.raises(
        (CorruptImage, ImageTooLarge), match=r"larger than its header says|289000000"
    ):
        thumbnail(with_bitstream(change), 32)


def test_the_tiff_decoder_says_nothing_itself(capfd):
    # A very long text where the number of the compression belongs.
    number, text = struct.pack("<HHII", 259, 4, 1, 1), struct.pack("<HHII", 259, 2, 2**31, 8)
    with pytest.raises(CorruptImage):
        thumbnail(tiff_picture(64, 64).replace(number, text), 32)
    assert capfd.readouterr() == ("", "")


def test_the_av1_decoder_says_nothing_itself(capfd):
    source = photo_file("AVIF", 64, 64, speed=9)
    for length in range(len(source) // 2, len(source), 9):
        for end in (b"", bytes(len(source) - length), b"\xff" * (len(source) - length)):
            outcome(thumbnail, source[:length] + end, 32)
    assert capfd.readouterr() == ("", "")
