"""AVIF in and out. Oracle: libavif, through Pillow."""

import io
from pathlib import Path

import pytest
from PIL import Image, ImageDraw, ImageFont, ImageOps
from xaccel._core import Limits, probe, score, thumbnail
from xaccel.exceptions import CorruptImage, ImageTooLarge

from tests.support.films import avif_still
from tests.support.thumbnail_files import avif_grid
from tests.support.thumbnail_images import (
    difference,
    encoded,
    opened,
    photo,
    photo_file,
    wide_rgb_profile,
)


@pytest.mark.parametrize("subsampling", ["4:4:4", "4:2:2", "4:2:0"])
@pytest.mark.parametrize("limited", [False, True])
@pytest.mark.parametrize("width", [60, 200, 640])
def test_the_same_picture_as_libavif(subsampling, limited, width):
    source = encoded(
        photo(),
        "AVIF",
        quality=90,
        speed=9,
        subsampling=subsampling,
        range="limited" if limited else "full",
    )
    original = Image.open(io.BytesIO(source)).convert("RGB")
    made = opened(thumbnail(source, width, format="png"))
    assert difference(made, original.resize(made.size, Image.Resampling.LANCZOS)) < 1.5


@pytest.mark.parametrize("bits", [8, 10])
@pytest.mark.parametrize("matrix", [1, 5, 6, 9])
@pytest.mark.parametrize("full_range", [False, True])
@pytest.mark.parametrize("kind", ["png", "jpeg", "webp"])
def test_bit_depths_and_matrices(bits, matrix, full_range, kind):
    source = avif_still(photo(), bits=bits, matrix=matrix, full_range=full_range)
    options = {} if kind == "png" else {"quality": 98}
    made = opened(thumbnail(source, format=kind, **options)).convert("RGB")
    limit = {"png": 0.4, "jpeg": 0.75, "webp": 0.75}[kind] + (0.6 if bits == 8 else 0)
    assert difference(made, photo()) < limit


def test_gray():
    source = encoded(photo(mode="L").convert("RGB"), "AVIF", quality=90, subsampling="4:0:0")
    made = opened(thumbnail(source, format="png"))
    assert difference(made, Image.open(io.BytesIO(source))) < 1.5


def test_alpha():
    source = photo_file("AVIF", mode="RGBA", quality=90, speed=9)
    info = probe(source)
    assert (info.format, info.width, info.height, info.has_alpha) == ("avif", 640, 400, True)
    made = opened(thumbnail(source, 320, format="png"))
    expected = Image.open(io.BytesIO(source)).convert("RGBA").convert("RGBa")
    expected = expected.resize((320, 200), Image.Resampling.LANCZOS).convert("RGBA")
    assert difference(made, expected) < 1.5


@pytest.mark.parametrize("orientation", range(1, 9))
def test_stands_upright(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    source = encoded(photo(320, 200), "AVIF", exif=exif, quality=90, speed=9)
    upright = ImageOps.exif_transpose(Image.open(io.BytesIO(source)))
    info = probe(source)
    assert ((info.width, info.height), info.orientation) == (upright.size, orientation)
    assert difference(opened(thumbnail(source, format="png")), upright.convert("RGB")) < 1.5


def test_color_profile():
    source = encoded(photo(), "AVIF", icc_profile=wide_rgb_profile(), quality=90, speed=9)
    assert probe(source).icc
    plain = photo_file("AVIF", quality=90, speed=9)
    made = [opened(thumbnail(content, 100, format="png")) for content in (source, plain)]
    assert difference(*made) > 8


BRIDGE = Path(__file__).parents[1] / "examples/flask_gallery/photos/bridge.jpg"


def test_a_slower_speed_writes_a_smaller_file_of_the_same_quality():
    original = thumbnail(BRIDGE, 320, format="png").data
    files = [thumbnail(BRIDGE, 320, format="avif", avif_speed=speed).data for speed in (9, 6)]
    fast, slow = (score(original, data) for data in files)
    assert slow > fast - 1
    assert len(files[1]) < 0.9 * len(files[0])
    assert thumbnail(BRIDGE, 320, format="avif").data == files[1], "6 is the default"


def test_text_takes_few_bytes():
    """libaom has tools for screen content. Without them, this file has eight times the bytes."""
    picture = Image.new("RGB", (640, 400), "white")
    draw, font = ImageDraw.Draw(picture), ImageFont.load_default(14)
    for y in range(4, 390, 20):
        draw.text((6, y), f"{y} Sphinx of black quartz, judge my vow. " * 3, "#036", font=font)
    source = encoded(picture, "PNG")
    made = thumbnail(source, format="avif", quality=75, avif_speed=7).data
    peer = encoded(picture, "AVIF", quality=75, speed=7, max_threads=1)
    assert score(source, made) > score(source, peer) - 2
    assert len(made) < len(peer)
    files = [thumbnail(source, format="avif", avif_speed=speed).data for speed in (4, 6)]
    assert files[0] == files[1], "slower speeds would take several seconds for a large picture"
    files = [thumbnail(source, format="avif", avif_speed=speed).data for speed in (None, 7)]
    assert files[0] == files[1], "the default speed would take twice as long"


@pytest.mark.parametrize("speed", [-1, 8, 10, 1 << 70])
def test_a_speed_out_of_range_is_an_error(speed):
    with pytest.raises(ValueError, match="avif_speed must be 0 to 7, or 9, not"):
        thumbnail(photo_file("BMP", 8, 8), format="avif", avif_speed=speed)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L"])
def test_writing(mode):
    picture = photo(320, 200, mode)
    made = thumbnail(encoded(picture, "PNG"), format="avif", quality=85)
    assert difference(opened(made), picture) < 4
    assert len(made.data) < 12_000


def test_cut_off():
    source = photo_file("AVIF", speed=9)
    for length in (20, 100, len(source) // 2):
        with pytest.raises(CorruptImage):
            thumbnail(source[:length], 64)


def test_limits():
    source = photo_file("AVIF", speed=9)
    with pytest.raises(ImageTooLarge, match="256000 pixels"):
        thumbnail(source, 64, limits=Limits(max_pixels=255_999))


@pytest.mark.parametrize("size", [(192, 128), (150, 110)])
@pytest.mark.parametrize(("mode", "alpha"), [("RGB", None), ("RGBA", "grid"), ("RGBA", "whole")])
def test_grid(size, mode, alpha):
    """Also one whose last tiles are seen in part only."""
    picture = photo(*size, mode)
    source = avif_grid(picture, 2, 3, 64, alpha=alpha)
    # libavif refuses a grid whose opacity is a single picture.
    oracle = avif_grid(picture, 2, 3, 64)
    info = probe(source)
    assert ((info.width, info.height), info.has_alpha) == (size, mode == "RGBA")
    for width in (size[0], size[0] // 3):
        made = opened(thumbnail(source, width, format="png"))
        expected = Image.open(io.BytesIO(oracle)).convert(f"{mode[:3]}a" if alpha else mode)
        expected = expected.resize(made.size, Image.Resampling.LANCZOS).convert(mode)
        assert difference(made, expected) < 1.5


def test_grid_without_its_tiles():
    source = avif_grid(photo(192, 128, "RGBA"), 2, 3, 64)
    for at, value in [(2, 200), (3, 200)]:
        descriptor = source.index(b"idat") + 4
        changed = source[: descriptor + at] + bytes([value]) + source[descriptor + at + 1 :]
        with pytest.raises(CorruptImage):
            thumbnail(changed, 64)


def test_opacity_is_of_the_whole_range_whatever_color_is():
    source = photo_file("AVIF", mode="RGBA", quality=90, speed=9, range="limited")
    made = opened(thumbnail(source, format="png")).getchannel("A")
    expected = Image.open(io.BytesIO(source)).getchannel("A")
    assert difference(made, expected) < 0.5
