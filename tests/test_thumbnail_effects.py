"""Colours, squares, blur, detail, sharpen, linear light and smart gravity. Oracle: Pillow."""

import io
from itertools import pairwise

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter
from xaccel._core import thumbnail

from tests.support.thumbnail_images import difference, encoded, opened, photo, photo_file


def noisy(mode="RGB"):
    generator = np.random.default_rng(7)
    pixels = generator.integers(0, 256, (120, 160, len(mode)), dtype=np.uint8)
    return Image.fromarray(pixels, mode)


@pytest.mark.parametrize("sigma", [0.5, 1.5, 3, 6, 20])
@pytest.mark.parametrize("picture", [photo(320, 200), noisy()], ids=["photo", "noise"])
def test_blur_is_gaussian(sigma, picture):
    made = opened(thumbnail(encoded(picture, "PNG"), blur=sigma))
    # Away from the borders, where programs differ in what they take for the outside.
    margin = min(int(3 * sigma), 50)
    box = (margin, margin, picture.width - margin, picture.height - margin)
    expected = picture.filter(ImageFilter.GaussianBlur(sigma))
    assert difference(made.crop(box), expected.crop(box)) < 2


def test_blur_weighs_by_opacity():
    picture = Image.new("RGBA", (60, 60), (0, 255, 0, 0))
    picture.paste((255, 0, 0, 255), (0, 0, 30, 60))
    made = np.asarray(opened(thumbnail(encoded(picture, "PNG"), blur=4)).convert("RGBA"))
    visible = made[made[..., 3] > 8]
    assert visible[:, 1].max() <= 8


def test_sharpen_raises_contrast_at_edges():
    picture = Image.new("L", (60, 60), 80)
    picture.paste(160, (30, 0, 60, 60))
    made = np.asarray(opened(thumbnail(encoded(picture, "PNG"), sharpen=1)).convert("L"))
    assert made[30, 29] < 70
    assert made[30, 30] > 170
    assert made[30, 5] == 80


CSS = {
    "brightness": lambda colors, factor: colors * factor,
    "contrast": lambda colors, factor: (colors - 127.5) * factor + 127.5,
    "saturation": lambda colors, factor: (
        (gray := colors @ [[0.213], [0.715], [0.072]]) + (colors - gray) * factor
    ),
}
"""The filters of CSS (Filter Effects 1, section 6.1), on samples of sRGB, in their order."""


def filtered(colors, **factors):
    for name, function in CSS.items():
        if name in factors:
            colors = np.clip(function(colors, factors[name]), 0, 255)
    return colors


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA"])
@pytest.mark.parametrize(
    "factors",
    [
        *({name: factor} for name in CSS for factor in (0, 0.35, 1, 1.5, 10)),
        {"brightness": 1.3, "contrast": 0.8, "saturation": 2},
        {"brightness": 3, "saturation": 0.5},
    ],
    ids=str,
)
def test_colours_are_those_of_css(mode, factors):
    picture = noisy("RGBA").convert(mode)
    made = opened(thumbnail(encoded(picture, "PNG"), **factors)).convert("RGBA")
    found, source = np.asarray(made, float), np.asarray(picture.convert("RGBA"), float)
    assert (found[..., 3] == source[..., 3]).all()
    expected = filtered(source[..., :3], **factors)
    # The samples are rounded before the saturation changes.
    assert np.abs(found[..., :3] - expected).max() <= (1 if len(factors) == 1 else 2)


def test_the_background_keeps_its_colour():
    options = {"fit": "pad", "background": "red", "brightness": 0.5, "contrast": 0.5}
    made = opened(thumbnail(encoded(photo(), "PNG"), 100, 100, **options)).convert("RGB")
    assert made.getpixel((50, 2)) == (255, 0, 0)


def test_colours_of_an_animation():
    frames = [noisy(), photo(160, 120)]
    source = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    made = opened(thumbnail(source, brightness=0, format="webp", quality=100))
    assert made.convert("RGB").getextrema() == ((0, 0),) * 3
    made = opened(thumbnail(source, pixelate=1000, saturation=0, format="webp", quality=100))
    assert made.n_frames == 2
    for index in range(2):
        made.seek(index)
        assert len(made.convert("RGB").getcolors()) == 1


def squares(array, edges_across, edges_down):
    found = array.astype(float)
    for top, bottom in pairwise(edges_down):
        for left, right in pairwise(edges_across):
            part = found[top:bottom, left:right]
            part[...] = part.mean(axis=(0, 1))
    return found


@pytest.mark.parametrize("mode", ["L", "RGB"])
@pytest.mark.parametrize("side", [2, 7, 50, 65535])
def test_squares_have_the_mean_of_their_pixels(mode, side):
    picture = noisy().convert(mode)
    made = np.asarray(opened(thumbnail(encoded(picture, "PNG"), pixelate=side)).convert(mode), int)
    across, down = ([*range(0, length, side), length] for length in picture.size)
    assert np.abs(made - squares(np.asarray(picture), across, down)).max() <= 1


@pytest.mark.parametrize("density", [0.5, 1.5, 2, 3])
def test_squares_look_the_same_at_every_density(density):
    content = encoded(photo(900, 600), "PNG")
    one = opened(thumbnail(content, 150, pixelate=12, format="png"))
    made = opened(thumbnail(content, 150, pixelate=12, dpr=density, format="png"))
    assert made.size == (150 * density, 100 * density)
    assert len(made.convert("RGB").getcolors(99_999)) <= 13 * 9
    assert difference(made.resize(one.size, Image.Resampling.BOX), one) < 4


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "CMYK"])
def test_grayscale_is_pillows(mode):
    picture = photo(mode=mode)
    kind = "TIFF" if mode == "CMYK" else "PNG"
    made = opened(thumbnail(encoded(picture, kind), grayscale=True, format="png"))
    if mode == "RGBA":
        assert made.mode == "LA"
        assert difference(made, picture.convert("LA")) < 0.5
        assert (np.asarray(made)[..., 1] == np.asarray(picture)[..., 3]).all()
    else:
        assert made.mode == "L"
        assert np.abs(np.asarray(made, int) - np.asarray(picture.convert("L"), int)).max() <= 1


@pytest.mark.parametrize("source", ["JPEG", "PNG", "WEBP", "GIF", "TIFF", "AVIF"])
@pytest.mark.parametrize("kind", ["jpeg", "png", "webp", "gif", "avif"])
def test_grayscale_of_every_format(source, kind):
    content = photo_file(source)
    made = opened(thumbnail(content, 160, grayscale=True, format=kind, quality=95))
    if kind in {"jpeg", "png"}:
        assert made.mode == "L"
    pixels = np.asarray(made.convert("RGB"), int)
    assert (pixels.max(axis=2) - pixels.min(axis=2)).max() <= (0 if kind in {"png", "gif"} else 4)
    expected = opened(thumbnail(content, 160, format="png")).convert("L")
    assert difference(made.convert("L"), expected) < (6 if kind == "gif" else 2)


def test_grayscale_of_a_transparent_jpeg_has_one_component():
    content = photo_file("PNG", mode="RGBA")
    assert opened(thumbnail(content, 99, grayscale=True, format="jpeg")).mode == "L"
    assert opened(thumbnail(content, 99, grayscale=True, radius=20, format="jpeg")).mode == "L"


def test_grayscale_keeps_the_colour_of_the_background():
    options = {"fit": "pad", "background": "red", "grayscale": True}
    made = opened(thumbnail(photo_file("PNG"), 100, 100, **options)).convert("RGB")
    assert made.getpixel((50, 2)) == (255, 0, 0)
    assert len(set(made.getpixel((50, 50)))) == 1


def test_grayscale_of_an_animation():
    frames = [noisy(), photo(160, 120)]
    source = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    made = opened(thumbnail(source, grayscale=True, format="webp", quality=100))
    assert made.n_frames == 2
    for index in range(2):
        made.seek(index)
        pixels = np.asarray(made.convert("RGB"), int)
        assert (pixels.max(axis=2) == pixels.min(axis=2)).all()


@pytest.mark.parametrize("mode", ["L", "RGB"])
@pytest.mark.parametrize("size", [(64, 48), (3, 3), (2, 5), (5, 1), (1, 1)])
def test_detail_is_pillows(mode, size):
    for picture in (noisy().resize(size), photo(*size)):
        source = picture.convert(mode)
        made = opened(thumbnail(encoded(source, "PNG"), detail=True)).convert(mode)
        expected = source.filter(ImageFilter.DETAIL) if min(size) >= 3 else source
        assert np.abs(np.asarray(made, int) - np.asarray(expected, int)).max() <= 1


def test_detail_weighs_by_opacity():
    picture = Image.new("RGBA", (60, 60), (0, 255, 0, 0))
    picture.paste((255, 0, 0, 255), (0, 0, 30, 60))
    made = np.asarray(opened(thumbnail(encoded(picture, "PNG"), detail=True)).convert("RGBA"))
    visible = made[made[..., 3] > 8]
    assert visible[:, 1].max() <= 8


@pytest.mark.parametrize("option", ["brightness", "contrast", "saturation"])
@pytest.mark.parametrize("source", ["JPEG", "WEBP"])
def test_colours_of_conversions_without_red_green_and_blue(option, source):
    content = encoded(photo(640, 400), source, quality=95)
    plain = opened(thumbnail(content, 160, format="jpeg", quality=98)).convert("RGB")
    made = opened(thumbnail(content, 160, format="jpeg", quality=98, **{option: 0.5}))
    expected = filtered(np.asarray(plain, float), **{option: 0.5}).round().astype(np.uint8)
    assert difference(made.convert("RGB"), Image.fromarray(expected)) < 2


@pytest.mark.parametrize("option", ["grayscale", "detail"])
@pytest.mark.parametrize("source", ["JPEG", "WEBP"])
@pytest.mark.parametrize("kind", ["jpeg", "webp"])
def test_effects_apply_to_conversions_without_red_green_and_blue(option, source, kind):
    content = photo_file(source, 640, 400, quality=95)
    plain = opened(thumbnail(content, 160, format=kind, quality=98)).convert("RGB")
    made = opened(thumbnail(content, 160, format=kind, quality=98, **{option: True}))
    expected = (
        plain.convert("L") if option == "grayscale" else plain.filter(ImageFilter.DETAIL)
    ).convert("RGB")
    assert difference(made.convert("RGB"), expected) < 2


def test_linear_light_keeps_the_brightness_of_fine_patterns():
    y, x = np.mgrid[0:200, 0:200]
    checks = Image.fromarray((255 * ((x + y) % 2)).astype(np.uint8))
    source = encoded(checks, "PNG")
    encoded_mean = np.asarray(opened(thumbnail(source, 50)).convert("L")).mean()
    linear_mean = np.asarray(opened(thumbnail(source, 50, linear=True)).convert("L")).mean()
    assert abs(encoded_mean - 127.5) < 2
    assert abs(linear_mean - 188) < 2


@pytest.mark.parametrize("mode", ["L", "RGB"])
@pytest.mark.parametrize("progressive", [False, True], ids=["sequential", "progressive"])
@pytest.mark.parametrize("width", [33, 60, 100, 150, 300])
def test_linear_light_keeps_the_brightness_of_reduced_jpegs(width, progressive, mode):
    y, x = np.mgrid[0:800, 0:800]
    pattern = 40 + 175 * ((x + y) % 2 ^ (x // 400))
    pattern[:, 400:] += 40 * (y[:, 400:] // 2 % 2)
    picture = Image.fromarray(pattern.clip(0, 255).astype(np.uint8)).convert(mode)
    source = encoded(picture, "JPEG", quality=95, progressive=progressive)
    # The JPEG is decoded at 1/8, 1/4, 3/8, 1/2 and its full size.
    linear = opened(thumbnail(source, width, format="png", linear=True)).convert("RGB")
    # A PNG is resized at its full size.
    expected = opened(thumbnail(png_of(source), width, format="png", linear=True)).convert("RGB")
    assert difference(linear, expected) < 1.5
    usual = opened(thumbnail(source, width, format="png")).convert("RGB")
    assert difference(usual, expected) > 8


@pytest.mark.parametrize("progressive", [False, True], ids=["sequential", "progressive"])
@pytest.mark.parametrize("width", [33, 60, 100, 150])
def test_linear_light_keeps_the_brightness_of_fine_colors(width, progressive):
    y, x = np.mgrid[0:800, 0:800]
    pixels = np.full((800, 800, 3), (120, 128, 128), np.uint8)
    pixels[..., 2] += (40 * (1 - 2 * ((x + y) % 2))).astype(np.int8).view(np.uint8)
    picture = Image.fromarray(pixels, "YCbCr")
    source = encoded(picture, "JPEG", quality=95, subsampling=0, progressive=progressive)
    linear = opened(thumbnail(source, width, format="png", linear=True)).convert("RGB")
    expected = opened(thumbnail(png_of(source), width, format="png", linear=True)).convert("RGB")
    assert difference(linear, expected) < 1.5
    usual = opened(thumbnail(source, width, format="png")).convert("RGB")
    assert difference(usual, expected) > 4


def png_of(source):
    return encoded(Image.open(io.BytesIO(source)), "PNG")


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_linear_light_is_much_the_same_for_smooth_pictures(kind):
    source = photo_file(kind)
    usual = opened(thumbnail(source, 200, format="png"))
    linear = opened(thumbnail(source, 200, format="png", linear=True))
    assert 0 < difference(usual, linear) < 2


def portrait(center, size=(900, 400)):
    """A face-like thing before a wall with a little texture."""
    generator = np.random.default_rng(3)
    wall = 120 + generator.integers(-6, 7, (size[1], size[0], 1)).repeat(3, axis=2)
    picture = Image.fromarray(wall.astype(np.uint8))
    draw = ImageDraw.Draw(picture)
    x, y = center
    draw.ellipse((x - 60, y - 80, x + 60, y + 80), fill=(224, 172, 138))
    for eye in (-25, 25):
        draw.ellipse((x + eye - 8, y - 25, x + eye + 8, y - 9), fill=(40, 30, 30))
    return picture


@pytest.mark.parametrize("x", [90, 300, 620, 800])
@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_smart_gravity_finds_the_subject(x, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    turns = {1: 0, 3: 180, 6: 90, 8: 270}
    stored = portrait((x, 200)).rotate(turns[orientation], expand=True)
    source = encoded(stored, "JPEG", exif=exif, quality=95)
    made = opened(thumbnail(source, 200, 200, fit="cover", gravity="smart"))
    pixels = np.asarray(made.convert("RGB")).astype(int)
    is_skin = (abs(pixels - [224, 172, 138]).sum(axis=2) < 40).sum()
    whole = np.pi * 60 * 80 / 4
    assert is_skin > 0.8 * whole


def test_smart_gravity_is_deterministic():
    source = encoded(noisy(), "PNG")
    made = {thumbnail(source, 50, 20, fit="cover", gravity="smart").data for _ in range(5)}
    assert len(made) == 1


def test_smart_gravity_without_a_choice():
    source = photo_file("PNG")
    assert (
        thumbnail(source, 64, 40, fit="cover", gravity="smart").data
        == thumbnail(source, 64, 40).data
    )
    assert Image.open(io.BytesIO(thumbnail(source, 64, gravity="smart").data)).size == (64, 40)
