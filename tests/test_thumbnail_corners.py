"""`radius`: rounded corners. Oracle: a rounded rectangle that Pillow draws eight times as large."""

import io

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from PIL import Image, ImageDraw, ImageSequence
from xaccel._core import Spec, render, thumbnail

from tests.support.thumbnail_images import encoded, opened, photo_file

SCALE = 8


def mask(size, radius):
    """The opacity of a rounded rectangle."""
    width, height = size
    radius = min(radius, min(size) / 2)
    large = Image.new("L", (width * SCALE, height * SCALE))
    box = (0, 0, width * SCALE - 1, height * SCALE - 1)
    ImageDraw.Draw(large).rounded_rectangle(box, radius * SCALE, fill=255)
    return np.asarray(large.resize(size, Image.Resampling.BOX), dtype=int)


def alpha(picture):
    return np.asarray(picture.convert("RGBA").getchannel("A"), dtype=int)


@pytest.mark.parametrize("radius", [1, 2, 5, 12, 40, 65535])
@pytest.mark.parametrize("size", [(120, 80), (80, 121), (50, 50), (31, 20)])
def test_the_opacity(size, radius):
    source = encoded(Image.new("RGB", size, "navy"), "PNG")
    made = opened(thumbnail(source, radius=radius, format="png"))
    assert np.abs(alpha(made) - mask(size, radius)).max() <= 32
    assert np.abs(alpha(made).mean() - mask(size, radius).mean()) < 3
    opaque = np.asarray(made.convert("RGBA"))[alpha(made) == 255]
    assert {tuple(pixel[:3]) for pixel in opaque} <= {(0, 0, 128)}


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 60), st.integers(1, 60), st.integers(1, 70))
def test_any_size(width, height, radius):
    source = encoded(Image.new("L", (width, height), 90), "PNG")
    found = alpha(opened(thumbnail(source, radius=radius, format="png")))
    assert (found == found[::-1]).all()
    assert (found == found[:, ::-1]).all()
    assert found[height // 2, width // 2] >= 200


@pytest.mark.parametrize("kind", ["png", "webp", "avif", "gif"])
def test_corners_are_transparent(kind):
    source = photo_file("JPEG", quality=95)
    made = opened(thumbnail(source, 120, 120, fit="cover", radius=60, format=kind))
    found = alpha(made)
    assert found[0, 0] == 0
    assert found[-1, -1] == 0
    assert found[60, 60] == 255
    assert abs(found.mean() / 255 - np.pi / 4) < 0.01


@pytest.mark.parametrize("source", ["JPEG", "WEBP"])
@pytest.mark.parametrize(("options", "color"), [({}, "white"), ({"background": "lime"}, "lime")])
def test_a_jpeg_has_corners_of_the_background(source, options, color):
    content = photo_file(source, quality=95)
    made = opened(thumbnail(content, 120, radius=30, format="jpeg", quality=95, **options))
    expected = Image.new("RGB", (1, 1), color).getpixel((0, 0))
    corners = [made.getpixel((x, y)) for x in (0, 119) for y in (0, 74)]
    for corner in corners:
        assert max(abs(a - b) for a, b in zip(corner, expected, strict=True)) < 12
    plain = opened(thumbnail(content, 120, format="jpeg", quality=95))
    middle = [np.asarray(each, dtype=int)[30:45, 10:110] for each in (made, plain)]
    assert np.abs(middle[0] - middle[1]).mean() < 3


def test_a_background_fills_the_corners_of_every_format():
    made = opened(thumbnail(photo_file("PNG"), 90, radius=20, background="red"))
    assert made.mode in {"RGB", "P"}
    assert made.convert("RGB").getpixel((0, 0)) == (255, 0, 0)


def test_the_picture_within_its_padding_is_rounded():
    source = encoded(Image.new("RGB", (100, 50), "navy"), "PNG")
    made = opened(thumbnail(source, 100, 100, fit="pad", radius=10, background="white"))
    picture = made.convert("RGB")
    assert picture.getpixel((0, 25)) == (255, 255, 255)
    assert picture.getpixel((50, 25)) == (0, 0, 128)
    clear = opened(thumbnail(source, 100, 100, fit="pad", radius=10, format="png"))
    assert alpha(clear)[25, 0] == 0
    assert alpha(clear)[25, 50] == 255


@pytest.mark.parametrize("dpr", [0.5, 1, 2, 3])
def test_grows_with_the_pixel_ratio(dpr):
    source = encoded(Image.new("RGB", (600, 600), "navy"), "PNG")
    made = opened(thumbnail(source, 100, 100, radius=20, dpr=dpr, format="png"))
    assert np.abs(alpha(made) - mask(made.size, 20 * dpr)).max() <= 32


def test_grows_only_as_far_as_the_pixels_of_the_source():
    source = encoded(Image.new("RGB", (150, 150), "navy"), "PNG")
    made = opened(thumbnail(source, 100, 100, radius=20, dpr=2, format="png"))
    assert made.size == (150, 150)
    assert np.abs(alpha(made) - mask(made.size, 30)).max() <= 32


def test_keeps_transparency():
    source = photo_file("PNG", mode="RGBA")
    before = alpha(opened(thumbnail(source, 100, format="png")))
    after = alpha(opened(thumbnail(source, 100, radius=20, format="png")))
    assert np.abs(after - before * mask((100, 63), 20) / 255).max() <= 33


@pytest.mark.parametrize("kind", ["gif", "webp"])
def test_every_frame_of_an_animation(kind):
    frames = [Image.new("RGB", (80, 60), color) for color in ("red", "green", "blue")]
    source = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=100)
    made = opened(thumbnail(source, radius=30, format=kind, quality=100))
    shown = [alpha(frame) for frame in ImageSequence.Iterator(made)]
    assert len(shown) == 3
    for found in shown:
        assert found[0, 0] == found[-1, -1] == 0
        assert found[30, 40] == 255


def test_the_render_of_an_endpoint():
    source = photo_file("JPEG")
    made = render(source, Spec.parse("60x60,cover,radius-30"), format="webp")
    assert alpha(Image.open(io.BytesIO(made.data)))[0, 0] == 0
