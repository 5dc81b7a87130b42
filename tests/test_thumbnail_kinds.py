"""Every kind of source: what its depth, palette, interlacing or container may be."""

import functools
import io
import struct

import numpy as np
import pytest
from PIL import Image
from xaccel._core import probe, thumbnail
from xaccel.exceptions import CorruptImage, UnsupportedImage

from tests.support.thumbnail_images import difference, encoded, opened, photo, photo_file


@functools.cache
def photo_with_palette(colors):
    return photo().quantize(colors)


@pytest.mark.parametrize(
    ("mode", "kind", "options"),
    [
        ("RGB", "BMP", {}),
        ("L", "BMP", {}),
        ("1", "BMP", {}),
        ("P", "BMP", {}),
        ("RGB", "TIFF", {}),
        ("RGB", "TIFF", {"compression": "tiff_lzw"}),
        ("RGB", "TIFF", {"compression": "tiff_adobe_deflate"}),
        ("RGB", "TIFF", {"compression": "packbits"}),
        ("RGBA", "TIFF", {}),
        ("L", "TIFF", {}),
        ("1", "PNG", {}),
        ("P", "PNG", {"bits": 2}),
        ("LA", "PNG", {}),
        ("P", "GIF", {}),
        ("P", "GIF", {"interlace": 1}),
        ("L", "GIF", {}),
    ],
)
def test_kinds(mode, kind, options):
    original = photo_with_palette(4) if mode == "P" else photo(mode=mode)
    source = encoded(original, kind, **options)
    info = probe(source)
    assert (info.format, info.width, info.height) == (kind.lower(), 640, 400)
    made = opened(thumbnail(source, format="png"))
    assert difference(made, original.convert("RGBA")) < 0.5


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_png_palette_depths(bits):
    original = photo_with_palette(2**bits)
    source = encoded(original, "PNG", bits=bits)
    assert source[24] == bits
    made = opened(thumbnail(source))
    assert made.mode == "P"
    assert difference(made, original) == 0


def test_png_transparent_color():
    original = photo_with_palette(16)
    source = encoded(original, "PNG", transparency=3)
    assert probe(source).has_alpha
    expected = Image.open(io.BytesIO(source)).convert("RGBA")
    assert difference(opened(thumbnail(source)), expected) == 0
    keyed = encoded(photo(), "PNG", transparency=photo().getpixel((5, 5)))
    made = opened(thumbnail(keyed)).convert("RGBA")
    assert made.getpixel((5, 5))[3] == 0
    assert made.getpixel((300, 200))[3] == 255


@pytest.mark.parametrize("mode", ["I;16", "RGB"])
def test_png_16_bits(mode):
    level = np.linspace(0, 65535, 256 * 64).reshape(64, 256).astype(np.uint16)
    if mode == "I;16":
        source = encoded(Image.fromarray(level), "PNG")
        assert source[24] == 16
        made = np.asarray(opened(thumbnail(source)))
        assert np.abs(made.astype(int) - (level >> 8)).max() <= 1
    else:
        source = png([8 * (3 * [i]) for i in range(8)], depth=16, color=2)
        made = np.asarray(opened(thumbnail(source)).convert("RGB"))
        assert made.shape == (8, 8, 3)
        assert np.array_equal(made[:, 0, 0], np.arange(8))


def png(rows, *, depth=8, color=2, interlace=0):
    """A PNG from rows of samples that are below 256."""
    import zlib

    def chunk(name, content):
        crc = struct.pack(">I", zlib.crc32(name + content))
        return struct.pack(">I", len(content)) + name + content + crc

    samples = {0: 1, 2: 3, 6: 4}[color]
    width = len(rows[0]) // samples
    unit = ">H" if depth == 16 else ">B"
    scale = 257 if depth == 16 else 1
    raw = b"".join(b"\0" + b"".join(struct.pack(unit, v * scale) for v in row) for row in rows)
    header = struct.pack(">IIBBBBB", width, len(rows), depth, color, 0, 0, interlace)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(raw))
        + chunk(b"IEND", b"")
    )


def test_png_interlaced():
    """One pixel is the same in both orders; Adam7 of 1x1 has a single pass."""
    assert opened(thumbnail(png([[9, 8, 7]], interlace=1))).convert("RGB").getpixel((0, 0)) == (
        9,
        8,
        7,
    )


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA"])
@pytest.mark.parametrize(
    "options",
    [
        {"width": 90},
        {"width": 300, "height": 90, "fit": "cover", "gravity": "s"},
        {"width": 200, "height": 90, "fit": "cover", "gravity": "smart"},
        {"crop": (0.21, 0.34, 0.5, 0.33)},
        {"width": 200, "crop": (0, 0.9, 1, 0.1), "upscale": True, "fit": "fill"},
        {"width": 90, "linear": True},
        {},
    ],
)
def test_png_in_strips(mode, options):
    """Decoding row by row gives the same picture as decoding as a whole."""
    original = photo(320, 2000, mode)
    rows, whole = (
        opened(thumbnail(encoded(original, kind), format="png", **options))
        for kind in ("PNG", "TIFF")
    )
    assert rows.mode == whole.mode
    pixels = [np.asarray(made, dtype=np.int16) for made in (rows, whole)]
    assert np.abs(pixels[0] - pixels[1]).max() <= 1


@pytest.mark.parametrize("subsampling", [0, 1, 2, "4:1:1"])
@pytest.mark.parametrize("progressive", [False, True])
def test_jpeg_subsampling(subsampling, progressive):
    source = photo_file("JPEG", quality=95, subsampling=subsampling, progressive=progressive)
    original = Image.open(io.BytesIO(source))
    for width in (37, 150, 640):
        made = opened(thumbnail(source, width, format="png"))
        expected = original.resize(made.size, Image.Resampling.LANCZOS)
        assert difference(made, expected) < 1.5


def test_jpeg_restart_markers_and_trailing_garbage():
    source = photo_file("JPEG", restart_marker_rows=1)
    plain = photo_file("JPEG")
    assert source.count(b"\xff\xd0") > plain.count(b"\xff\xd0")
    expected = opened(thumbnail(plain, 200))
    assert difference(opened(thumbnail(source, 200)), expected) == 0
    assert thumbnail(plain + b"garbage" * 99, 200).data == thumbnail(plain, 200).data


def test_jpeg_with_bytes_between_its_segments():
    plain = photo_file("JPEG")
    source = plain[:20] + b"\0\0\0" + plain[20:]
    made = opened(thumbnail(source, 200))
    assert difference(made, opened(thumbnail(plain, 200))) == 0


def test_jpeg_that_is_not_decoded():
    plain = bytearray(photo_file("JPEG"))
    frame = plain.index(b"\xff\xc0")
    for marker, message in [(0xC9, "arithmetic"), (0xC3, "lossless"), (0xC5, "hierarchical")]:
        plain[frame + 1] = marker
        with pytest.raises(UnsupportedImage, match=message):
            thumbnail(bytes(plain), 100)
    plain[frame + 1] = 0xC1
    plain[frame + 4] = 12
    with pytest.raises(UnsupportedImage, match="12-bit"):
        thumbnail(bytes(plain), 100)


def test_the_name_does_not_matter(tmp_path):
    path = tmp_path / "photo.png"
    path.write_bytes(photo_file("JPEG"))
    assert probe(path).format == "jpeg"
    assert thumbnail(path, 64).format == "jpeg"


@pytest.mark.parametrize(("kind", "kept"), [("BMP", "jpeg"), ("TIFF", "jpeg"), ("GIF", "gif")])
def test_the_kind_is_kept(kind, kept):
    assert thumbnail(photo_file(kind), 64).format == kept
    assert thumbnail(photo_file("TIFF", mode="RGBA"), 64).format == "png"


@pytest.mark.parametrize("kind", ["BMP", "TIFF", "GIF", "PNG", "WEBP"])
def test_cut_off(kind):
    with pytest.raises(CorruptImage):
        thumbnail(photo_file(kind)[:30], 64)


def test_webp_lossless_at_quality_100():
    made = opened(thumbnail(photo_file("PNG"), format="webp", quality=100))
    assert difference(made, photo()) == 0
