"""Images that are damaged, or have not arrived as a whole.

One rule for every format: all pixels there is a whole picture, even without the end of the file;
some missing is a picture that says so; none is an error.
"""

import functools
import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image
from xaccel import thumbnail
from xaccel.exceptions import CorruptImage

from tests.support.thumbnail_files import avif_grid
from tests.support.thumbnail_images import difference, encoded, opened, photo, photo_file

PROGRESSIVE = {"quality": 90, "progressive": True}
INTERLACED = {"interlace": True}


def jpeg(**options):
    return photo_file("JPEG", 1000, 640, **options)


@functools.cache
def interlaced_png(size=(), level=-1):
    """Pillow does not write them."""
    pixels = np.asarray(photo(*size), dtype=np.uint8)
    passes = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2)]
    data = b""
    for row, column, down, across in [*passes, (1, 0, 2, 1)]:
        for line in pixels[row::down, column::across]:
            data += b"\0" + line.tobytes()

    def chunk(name, content):
        checksum = zlib.crc32(name + content)
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", checksum)

    height, width = pixels.shape[:2]
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 1)
    chunks = (
        chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(data, level)) + chunk(b"IEND", b"")
    )
    return b"\x89PNG\r\n\x1a\n" + chunks


SOURCES = {
    "jpeg": lambda: jpeg(quality=90),
    "jpeg with restarts": lambda: jpeg(quality=90, restart_marker_rows=1),
    "gray jpeg": lambda: photo_file("JPEG", 1000, 640, "L"),
    "cmyk jpeg": lambda: photo_file("JPEG", 1000, 640, "CMYK"),
    "png": lambda: photo_file("PNG"),
    "interlaced png": interlaced_png,
    "gif": lambda: photo_file("GIF"),
    "interlaced gif": lambda: photo_file("GIF", interlace=1),
    "webp": lambda: photo_file("WEBP"),
    "lossless webp": lambda: photo_file("WEBP", lossless=True),
    "webp with opacity": lambda: photo_file("WEBP", mode="RGBA"),
}
WIDTHS = [pytest.param(None, marks=pytest.mark.slow), 300, 60]
ENDS = {"jpeg": 2, "png": 12, "gif": 1, "webp": 0}

FIRST = {"webp": 0.5, "webp with opacity": 0.7}


@functools.cache
def whole_picture(name, width):
    """Return a thumbnail of the undamaged source."""
    return thumbnail(SOURCES[name](), width, format="png")


def kind(name):
    return next(kind for kind in ENDS if kind in name)


@pytest.mark.parametrize("name", SOURCES)
@pytest.mark.parametrize("width", WIDTHS)
def test_a_whole_source_is_complete(name, width):
    assert thumbnail(SOURCES[name](), width).is_complete


@pytest.mark.parametrize("name", SOURCES)
@pytest.mark.parametrize("width", WIDTHS)
def test_without_the_end_of_the_file_it_is_complete(name, width):
    source = SOURCES[name]()
    made = thumbnail(source[: len(source) - ENDS[kind(name)]], width, format="png")
    assert made.is_complete
    assert made.data == whole_picture(name, width).data


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize(
    ("name", "part"),
    # Lossy WebP begins with the modes of all blocks.
    [(name, part) for name in SOURCES for part in (0.3, 0.6, 0.95) if part > FIRST.get(name, 0)],
)
def test_with_a_part_missing_it_is_not_complete(name, part, width):
    source = SOURCES[name]()
    made = thumbnail(source[: int(len(source) * part)], width, format="png")
    assert not made.is_complete
    whole = opened(whole_picture(name, width))
    assert opened(made).size == whole.size
    # An interlaced picture is there from the top to the bottom, but coarse.
    share = (part - FIRST.get(name, 0)) * 0.8
    height = whole.height if name.startswith("interlaced") else int(whole.height * share)
    most = 12 if name.startswith("interlaced") else 2.5
    box = (0, 0, whole.width, height)
    assert difference(opened(made).crop(box), whole.crop(box)) < most


@pytest.mark.parametrize("name", SOURCES)
def test_without_any_pixel_it_is_corrupt(name):
    source = SOURCES[name]()
    start = source.find(
        {"jpeg": b"\xff\xda", "png": b"IDAT", "gif": b"\x2c\0\0\0\0", "webp": b"VP8"}[kind(name)]
    )
    with pytest.raises(CorruptImage):
        thumbnail(source[: start + 8], 64)


@pytest.mark.parametrize(("part", "width"), [(0.05, 800), (0.05, 100), (0.6, 800), (0.6, 1000)])
def test_a_progressive_jpeg_that_lacks_scans_is_not_complete(part, width):
    source = jpeg(**PROGRESSIVE)
    made = thumbnail(source[: int(len(source) * part)], width)
    assert not made.is_complete
    assert thumbnail(source, width).is_complete
    assert thumbnail(source[:-2], width).is_complete


def test_a_progressive_jpeg_cut_between_two_scans_is_not_complete():
    source = jpeg(**PROGRESSIVE)
    last = source.rindex(b"\xff\xda")
    assert not thumbnail(source[:last]).is_complete


def test_the_start_that_a_small_thumbnail_needs_is_complete(tmp_path):
    """Of a progressive file, an eighth needs the first scans only: the rest changes nothing."""
    source = jpeg(**PROGRESSIVE)
    path = tmp_path / "photo.jpg"
    path.write_bytes(source)
    made = thumbnail(path, 60)
    assert made.is_complete
    assert made.data == thumbnail(source, 60).data


def test_bytes_before_a_marker_are_harmless():
    source = jpeg(quality=90)
    assert thumbnail(source[:-2] + b"\1\2\3" + source[-2:], 800).is_complete


def test_damage_in_the_middle_of_a_png_is_not_complete():
    source = bytearray(photo_file("PNG"))
    source[len(source) // 2] ^= 0xFF
    assert not thumbnail(bytes(source), 64).is_complete


def scans(source):
    """Return the start of each scan of a JPEG, and the end of its header."""
    starts = [at for at in range(len(source)) if source.startswith(b"\xff\xda", at)]
    return [(at, at + 2 + int.from_bytes(source[at + 2 : at + 4])) for at in starts]


@pytest.mark.parametrize("options", [{"quality": 90}, PROGRESSIVE])
@pytest.mark.parametrize("end", [b"", b"\xff", b"\xff\xd9"])
@pytest.mark.parametrize("width", [800, 60])
def test_a_jpeg_without_data_in_its_scan_is_corrupt(options, end, width):
    """libjpeg makes up the first block, whose colour all other blocks have."""
    source = jpeg(**options)
    _, start = scans(source)[0]
    with pytest.raises(CorruptImage, match="all of its pixels are missing"):
        thumbnail(source[:start] + end, width)


def test_a_jpeg_whose_pixels_are_all_gray_because_they_are_missing_is_corrupt():
    source = jpeg(quality=90)
    _, start = scans(source)[0]
    with pytest.raises(CorruptImage, match="all of its pixels are missing"):
        thumbnail(source[:start] + b"\0", 60)


def test_a_progressive_jpeg_that_lacks_a_scan_in_the_middle_is_not_complete():
    source = jpeg(**PROGRESSIVE)
    # The first scan of AC coefficients, with the Huffman table before it.
    (_, end), (start, _), *_ = scans(source)
    removed = source.index(b"\xff\xc4", end)
    following = source.index(b"\xff\xc4", start)
    assert removed < start < following
    assert not thumbnail(source[:removed] + source[following:], 800).is_complete


def test_wrong_coefficients_in_the_header_of_a_baseline_scan_are_harmless():
    """Baseline scans always have all coefficients."""
    source = bytearray(jpeg(quality=90))
    ((_, end),) = scans(bytes(source))
    source[end - 2] = 0
    made = thumbnail(bytes(source), 800, format="png")
    assert made.is_complete
    assert made.data == thumbnail(jpeg(quality=90), 800, format="png").data


@pytest.mark.parametrize("interlaced", [False, True])
def test_a_png_with_a_wrong_checksum_is_not_complete(interlaced):
    """All rows can be read, but some of their pixels have changed."""
    size = (100, 80)
    whole = encoded(photo(*size), "PNG", compress_level=0)
    source = interlaced_png(size, 0) if interlaced else whole
    assert source.count(b"IDAT") == 1
    assert thumbnail(source, 64).is_complete
    changed = bytearray(source)
    changed[len(source) // 2] ^= 0xFF
    assert not thumbnail(bytes(changed), 64).is_complete


def frames(form, **options):
    pictures = [Image.new("RGB", (60, 40), (index * 60, 9, 9)) for index in range(4)]
    target = io.BytesIO()
    pictures[0].save(target, form, save_all=True, append_images=pictures[1:], **options)
    return target.getvalue()


@pytest.mark.parametrize("form", ["GIF", "WEBP"])
def test_an_animation_keeps_the_frames_that_are_there(form):
    source = frames(form)
    assert thumbnail(source, 30).is_complete
    made = thumbnail(source[: len(source) * 3 // 4], 30)
    assert not made.is_complete
    assert 1 <= opened(made).n_frames < 4
    # A still thumbnail shows the first frame, which is there.
    assert thumbnail(source[: len(source) * 3 // 4], 30, format="png").is_complete


def test_a_gif_animation_without_the_end_of_the_file_is_complete():
    made = thumbnail(frames("GIF")[:-1], 30)
    assert made.is_complete
    assert opened(made).n_frames == 4


def test_a_webp_animation_without_its_metadata_is_complete():
    source = frames("WEBP", exif=b"Exif\0\0MM\0*\0\0\0\x08\0\0\0\0\0\0" + bytes(100))
    assert b"EXIF" in source
    assert thumbnail(source[:-50], 30).is_complete


@pytest.mark.parametrize("kind", ["BMP", "TIFF"])
def test_rows_that_are_there_are_shown(kind):
    options = {"compression": "tiff_lzw", "strip_size": 640 * 3 * 10} if kind == "TIFF" else {}
    source = photo_file(kind, **options)
    assert thumbnail(source, 300).is_complete
    cut = source[: len(source) // 2] if kind == "BMP" else without_strips(source)
    made = thumbnail(cut, 300, format="png")
    assert not made.is_complete
    whole = opened(thumbnail(source, 300, format="png"))
    # The rows of a BMP come from below.
    half = whole.height // 2
    box = (0, half + 3, 300, whole.height) if kind == "BMP" else (0, 0, 300, half - 3)
    assert difference(opened(made).crop(box), whole.crop(box)) < 1.5


def without_strips(source):
    """The second half of the strips lies beyond the end of the file."""
    at = struct.unpack_from("<I", source, 4)[0]
    changed = bytearray(source)
    for index in range(struct.unpack_from("<H", source, at)[0]):
        tag, _, count, value = struct.unpack_from("<HHII", source, at + 2 + 12 * index)
        if tag == 273:
            for strip in range(count // 2, count):
                struct.pack_into("<I", changed, value + 4 * strip, 0x7FFFFFFF)
    return bytes(changed)


def animated_png():
    pictures = [photo(120, 80).rotate(index) for index in range(6)]
    return encoded(pictures[0], "PNG", save_all=True, append_images=pictures[1:])


EVERY_KIND = {
    **SOURCES,
    "progressive jpeg": lambda: jpeg(**PROGRESSIVE),
    "animated png": animated_png,
    "animated gif": lambda: frames("GIF"),
    "animated webp": lambda: frames("WEBP"),
    "tiff": lambda: photo_file("TIFF", compression="tiff_lzw", strip_size=19_200),
    "tiff with a strip": lambda: photo_file("TIFF"),
    "bmp": lambda: photo_file("BMP"),
    "avif": lambda: photo_file("AVIF", speed=9),
    "avif of tiles": lambda: avif_grid(photo(192, 128), 2, 3, 64),
}
NOTHING = {
    # The directory of the strips is at the end, and one picture in AV1 is there or not.
    **dict.fromkeys(("tiff", "tiff with a strip", "avif"), (0.05, 0.6, 0.99)),
    **dict.fromkeys(("avif of tiles", "animated gif", "animated webp"), (0.05,)),
    **dict.fromkeys(("webp", "lossless webp", "webp with opacity"), (0.05,)),
}
"""The parts of a file in which no pixel is there."""
FORMAT = {"animated png": "webp"}
"""The formats of thumbnails that show the whole animation."""


@pytest.mark.parametrize("part", [0.05, 0.6, 0.99])
@pytest.mark.parametrize("name", EVERY_KIND)
def test_one_rule_for_every_format(name, part):
    source = EVERY_KIND[name]()
    whole = thumbnail(source, 300, format=FORMAT.get(name))
    assert whole.is_complete
    cut = source[: int(len(source) * part)]
    if part in NOTHING.get(name, ()):
        with pytest.raises(CorruptImage):
            thumbnail(cut, 300)
        return
    made = thumbnail(cut, 300, format=FORMAT.get(name))
    assert not made.is_complete
    assert (made.width, made.height) == (whole.width, whole.height)


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_the_tiles_that_are_there_are_shown(mode):
    source = avif_grid(photo(192, 128, mode), 2, 3, 64)
    whole = opened(thumbnail(source, format="png"))
    start = source.index(b"mdat") + 4
    tiles = source[start:]
    part = len(tiles) // 3
    overwritten = source[:start] + tiles[:part] + bytes(len(tiles) - part)
    for damaged in (source[: start + part], overwritten):
        if mode == "RGBA":
            # The opacity comes after all colours.
            with pytest.raises(CorruptImage):
                thumbnail(damaged, format="png")
            continue
        made = thumbnail(damaged, format="png")
        assert not made.is_complete
        box = (0, 0, 64, 64)
        assert difference(opened(made).crop(box), whole.crop(box)) == 0
        assert opened(made).crop((128, 64, 192, 128)).getcolors() == [(64 * 64, (128,) * 3)]


def test_a_tile_of_opacity_that_is_missing_is_transparent():
    source = avif_grid(photo(192, 128, "RGBA"), 2, 3, 64)
    made = thumbnail(source[:-8] + bytes(8), format="png")
    assert not made.is_complete
    assert opened(made).crop((128, 64, 192, 128)).getchannel("A").getextrema() == (0, 0)
