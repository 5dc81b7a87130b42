"""The planar path for JPEG, lossy WebP and AVIF. Oracle: the path by red, green and blue."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms
from xaccel._core import thumbnail

from tests.support.thumbnail_images import (
    difference,
    encoded,
    opened,
    photo,
    photo_file,
    wide_rgb_profile,
)

IMAGES = Path(__file__).parent / "images"
SUBSAMPLINGS = {"4:4:4": 0, "4:2:2": 1, "4:2:0": 2}


def assert_as_good(source, width, kind="jpeg", **options):
    """Its loss is that of the file that Pillow makes of the same thumbnail as PNG, or less."""
    planar = opened(thumbnail(source, width, format=kind, quality=98, **options))
    ideal = opened(thumbnail(source, width, format="png", **options)).convert("RGB")
    subsampling = {"subsampling": 2} if kind == "jpeg" else {}
    other = Image.open(io.BytesIO(encoded(ideal, kind.upper(), quality=98, **subsampling)))
    assert planar.size == ideal.size
    assert difference(planar, ideal) < difference(other, ideal) + 0.1


@pytest.mark.parametrize("subsampling", SUBSAMPLINGS)
@pytest.mark.parametrize("size", [(640, 400), (641, 401), (639, 400), (640, 399)])
@pytest.mark.parametrize("width", [37, 40, 99, 200, 333, 640])
def test_sizes(subsampling, size, width):
    source = photo_file("JPEG", *size, quality=95, subsampling=SUBSAMPLINGS[subsampling])
    assert_as_good(source, width)


def luma(data):
    """Return the luma that the file contains. That of converted pixels would be clipped."""
    picture = Image.open(io.BytesIO(data))
    picture.draft("YCbCr", picture.size)
    return picture.getchannel("Y")


def test_luma_may_have_fewer_samples_than_chroma():
    """The picture is noise, so that any other part of it would look completely different."""
    source = (IMAGES / "chroma-above-luma.jpg").read_bytes()
    made = luma(thumbnail(source, 40, format="jpeg", quality=98).data)
    expected = luma(source).resize(made.size, Image.Resampling.LANCZOS)
    samples = (np.asarray(picture, float).ravel() for picture in (made, expected))
    assert np.corrcoef(*samples)[0, 1] > 0.95


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("width", [100, 101])
def test_turned(orientation, width):
    exif = Image.Exif()
    exif[0x0112] = orientation
    source = encoded(photo(), "JPEG", quality=95, exif=exif)
    assert_as_good(source, width)


@pytest.mark.parametrize("source", ["JPEG", "WEBP", "AVIF"])
@pytest.mark.parametrize("kind", ["jpeg", "webp"])
@pytest.mark.parametrize("size", [(640, 400), (641, 399)])
@pytest.mark.parametrize("width", [37, 200, 333])
def test_kinds(source, kind, size, width):
    assert_as_good(photo_file(source, *size, quality=95), width, kind)


@pytest.mark.parametrize("subsampling", SUBSAMPLINGS)
@pytest.mark.parametrize("values", ["full", "limited"])
@pytest.mark.parametrize("kind", ["jpeg", "webp"])
@pytest.mark.parametrize("width", [100, 333])
def test_avif(subsampling, values, kind, width):
    source = photo_file("AVIF", 641, 399, quality=90, subsampling=subsampling, range=values)
    assert_as_good(source, width, kind)


@pytest.mark.parametrize("source", ["WEBP", "AVIF"])
@pytest.mark.parametrize("orientation", [3, 5, 6])
@pytest.mark.parametrize("kind", ["jpeg", "webp"])
def test_turned_other_sources(source, orientation, kind):
    exif = Image.Exif()
    exif[0x0112] = orientation
    assert_as_good(encoded(photo(), source, quality=95, exif=exif), 100, kind)


@pytest.mark.parametrize("source", ["JPEG", "WEBP", "AVIF"])
@pytest.mark.parametrize("kind", ["jpeg", "webp"])
def test_black_and_white_stay_black_and_white(source, kind):
    """JPEG has black at 0, WebP at 16."""
    picture = Image.new("RGB", (64, 64), "black")
    picture.paste("white", (32, 0, 64, 64))
    made = opened(thumbnail(encoded(picture, source, quality=95), 32, format=kind, quality=95))
    assert max(made.getpixel((3, 16))) <= 1
    assert min(made.getpixel((28, 16))) >= 254


@pytest.mark.parametrize("options", [{"lossless": True}, {"quality": 90, "mode": "RGBA"}])
def test_webp_without_such_components(options):
    source = photo_file("WEBP", **options)
    ideal = opened(thumbnail(source, 100, format="png"))
    made = opened(thumbnail(source, 100, format="webp", quality=98))
    assert made.mode == ideal.mode
    assert difference(made.convert("RGB"), ideal.convert("RGB")) < 2.5


@pytest.mark.parametrize("kind", ["jpeg", "webp"])
@pytest.mark.parametrize("size", [(640, 400), (641, 399)])
@pytest.mark.parametrize(
    "options",
    [
        {"width": 100},
        {"width": 333},
        {"width": 400},
        {"width": 121, "height": 120, "fit": "cover", "gravity": "se"},
        {"width": 200, "height": 200, "fit": "pad", "background": "ffffff"},
        {"width": 150, "trim": 20},
    ],
    ids=lambda options: "-".join(map(str, options.values())),
)
def test_gray(kind, size, options):
    """Luma alone. Oracle: the same pixels as PNG, which are not resized as components."""
    exif = Image.Exif()
    exif[0x0112] = 6
    exif = exif.tobytes()
    source = photo_file("JPEG", *size, "L", quality=97, exif=exif)
    pixels = encoded(Image.open(io.BytesIO(source)), "PNG", exif=exif)
    made, expected = (
        opened(thumbnail(data, format=to, quality=98, **options))
        for data, to in ((source, kind), (pixels, "png"))
    )
    assert made.mode == ("L" if kind == "jpeg" else "RGB")
    assert difference(made.convert("RGB"), expected.convert("RGB")) < 1.2


@pytest.mark.parametrize("gravity", ["nw", "se", "0.3-0.8"])
def test_cropped(gravity):
    source = photo_file("JPEG", quality=95)
    assert_as_good(source, 121, height=120, fit="cover", gravity=gravity)


@pytest.mark.parametrize("width", [200, 320, 321])
def test_picture_ends_within_its_last_block(width):
    """The rest of that block, black here, is not seen."""
    stored = Image.new("RGB", (336, 336), "black")
    stored.paste("white", (0, 0, 321, 321))
    source = bytearray(encoded(stored, "JPEG", quality=98, subsampling=2))
    frame = source.index(b"\xff\xc0")
    source[frame + 5 : frame + 9] = (321).to_bytes(2) * 2
    picture = opened(thumbnail(bytes(source), width, format="jpeg", quality=95)).convert("L")
    assert picture.getextrema()[0] > 240


@pytest.mark.parametrize("kind", ["jpeg", "webp"])
def test_an_srgb_profile_changes_nothing(kind):
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    made = [
        thumbnail(photo_file(kind.upper(), quality=95, **options), 100, format=kind).data
        for options in ({}, {"icc_profile": srgb}, {"icc_profile": wide_rgb_profile()})
    ]
    assert made[0] == made[1]
    assert made[0] != made[2]
