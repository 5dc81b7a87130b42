"""`trim`: cuts off the border that has the colour of the upper left corner. Oracle: Pillow."""

import io

import numpy as np
import pytest
import pyvips
from hypothesis import given, settings, strategies as st
from PIL import Image, ImageChops, ImageOps, ImageSequence
from xaccel._core import Limits, Spec, render, thumbnail
from xaccel.exceptions import CorruptImage, ImageTooLarge, RenderTimeout

from tests.support.thumbnail_images import difference, encoded, opened, photo, wide_rgb_profile

KINDS = {
    "JPEG": {"quality": 95, "subsampling": 0},
    "PNG": {},
    "WEBP": {"quality": 95},
    "GIF": {},
    "TIFF": {},
    "BMP": {},
    "AVIF": {"quality": 95, "speed": 9},
}


def framed(border="white", size=(400, 300), box=(40, 60, 360, 220), mode="RGB"):
    """A photo in a frame."""
    picture = Image.new(mode, size, border)
    inner = photo(box[2] - box[0], box[3] - box[1], mode)
    # All of its pixels differ from the frame.
    inner = inner.point(lambda sample: 30 + sample * 3 // 4) if mode != "CMYK" else inner
    picture.paste(inner, box[:2])
    return picture


@pytest.mark.parametrize("kind", KINDS)
def test_every_format(kind):
    picture = framed()
    made = opened(thumbnail(encoded(picture, kind, **KINDS[kind]), trim=True, format="png"))
    assert all(abs(a - b) <= 4 for a, b in zip(made.size, (320, 160), strict=True)), made.size
    expected = picture.crop((40, 60, 360, 220)).resize(made.size)
    assert difference(made.convert("RGB"), expected) < 6


@pytest.mark.parametrize("interlace", [False, True])
@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "CMYK"])
def test_the_pixels_are_those_within_the_border(mode, interlace):
    border = {"L": 200, "CMYK": (0, 0, 0, 0)}.get(mode, "white")
    picture = framed(border, mode=mode)
    if mode == "CMYK":
        made = opened(thumbnail(encoded(picture, "TIFF"), trim=0, format="png"))
        assert made.size == (320, 160)
        return
    if interlace:
        image = pyvips.Image.new_from_memory(
            picture.tobytes(), picture.width, picture.height, len(picture.getbands()), "uchar"
        ).copy(interpretation="b-w" if mode == "L" else "srgb")
        source = image.write_to_buffer(".png", interlace=True)
    else:
        source = encoded(picture, "PNG")
    made = opened(thumbnail(source, trim=0, format="png"))
    assert made.size == (320, 160)
    assert difference(made, picture.crop((40, 60, 360, 220))) == 0


@pytest.mark.parametrize("tolerance", [0, 10, 60])
@pytest.mark.parametrize("noise", [0, 8, 40])
def test_the_tolerance(tolerance, noise):
    generator = np.random.default_rng(5)
    pixels = np.full((90, 120, 3), 200, dtype=np.int16)
    pixels += generator.integers(-noise, noise + 1, pixels.shape, dtype=np.int16)
    pixels[0, 0] = 200
    pixels[30:60, 40:100] = (90, 20, 10)
    made = thumbnail(
        encoded(Image.fromarray(pixels.astype(np.uint8)), "PNG"), trim=tolerance, format="png"
    )
    is_trimmed = noise <= tolerance
    assert ((made.width, made.height) == (60, 30)) == is_trimmed


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 24), st.integers(1, 24), st.data())
def test_is_what_pillow_finds(width, height, data):
    cells = data.draw(
        st.lists(st.sampled_from([0, 0, 0, 9]), min_size=width * height, max_size=width * height)
    )
    picture = Image.new("L", (width, height))
    picture.putdata([100 + cell for cell in cells])
    corner = Image.new("L", picture.size, picture.getpixel((0, 0)))
    box = ImageChops.difference(picture, corner).getbbox() or (0, 0, *picture.size)
    made = opened(thumbnail(encoded(picture, "PNG"), trim=5, format="png"))
    assert made.convert("L").tobytes() == picture.crop(box).tobytes()
    assert made.size == (box[2] - box[0], box[3] - box[1])


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_corner_is_that_of_the_upright_image(orientation):
    upright = Image.new("RGB", (90, 60), "white")
    upright.paste("black", (30, 20, 90, 60))
    inverse = {2: "FLIP_LEFT_RIGHT", 3: "ROTATE_180", 4: "FLIP_TOP_BOTTOM", 5: "TRANSPOSE"}
    inverse |= {6: "ROTATE_90", 7: "TRANSVERSE", 8: "ROTATE_270"}
    stored = upright
    if orientation in inverse:
        stored = upright.transpose(Image.Transpose[inverse[orientation]])
    exif = Image.Exif()
    exif[0x0112] = orientation
    made = opened(thumbnail(encoded(stored, "PNG", exif=exif), trim=True))
    assert made.size == (60, 40)
    assert made.convert("L").getextrema() == (0, 0)


def test_a_transparent_border_of_any_colour():
    generator = np.random.default_rng(1)
    pixels = generator.integers(0, 256, (60, 80, 4), dtype=np.uint8)
    pixels[..., 3] = 0
    pixels[20:40, 30:70, 3] = 255
    made = opened(thumbnail(encoded(Image.fromarray(pixels, "RGBA"), "PNG"), trim=True))
    assert made.size == (40, 20)


def test_a_plain_image_stays_whole():
    plain = encoded(Image.new("RGB", (50, 40), "red"), "PNG")
    assert opened(thumbnail(plain, trim=True)).size == (50, 40)
    assert opened(thumbnail(plain, trim=255)).size == (50, 40)
    assert opened(thumbnail(encoded(Image.new("L", (1, 1)), "PNG"), trim=0)).size == (1, 1)


def test_comes_before_the_crop_the_box_and_the_rotation():
    source = encoded(framed(), "PNG")
    inner = encoded(framed().crop((40, 60, 360, 220)), "PNG")
    for options in (
        {"width": 100},
        {"width": 100, "height": 100, "fit": "cover", "gravity": "se"},
        {"width": 100, "height": 100, "fit": "cover", "gravity": "smart"},
        {"width": 90, "crop": (0.5, 0.25, 0.5, 0.5), "rotate": 90, "flip": "h"},
        {"width": 500, "height": 500, "fit": "pad", "background": "red"},
        {"width": 500, "upscale": True},
    ):
        expected = thumbnail(inner, **options)
        made = thumbnail(source, trim=0, **options)
        assert (made.width, made.height) == (expected.width, expected.height)
        assert made.data == expected.data, options


def content(picture, tolerance=10, corner=(0, 0)):
    """The box of all pixels that differ from the corner pixel, or the whole picture."""
    samples = np.asarray(picture).astype(int).reshape(picture.height, picture.width, -1)
    inside = (abs(samples - samples[corner]) > tolerance).any(axis=2)
    rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    if not rows.size:
        return (0, 0, picture.width, picture.height)
    return (int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)


@pytest.mark.parametrize("subsampling", ["4:4:4", "4:2:2", "4:2:0", "gray"])
def test_the_border_of_a_jpeg_is_that_of_the_decoded_picture(subsampling):
    random = np.random.default_rng(7)
    options = {} if subsampling == "gray" else {"subsampling": subsampling}
    mode = "L" if subsampling == "gray" else "RGB"
    colors = ["white", "black", "gray"] if mode == "L" else ["white", "#102030", "orange", "red"]
    trimmed = 0
    for number in range(24):
        width, height = (int(side) for side in random.integers(60, 500, 2))
        left, right = sorted(int(x) for x in random.integers(0, width, 2))
        top, bottom = sorted(int(y) for y in random.integers(0, height, 2))
        box = (left, top, right + 1, bottom + 1) if number % 4 else (0, 0, width, height)
        picture = framed(colors[number % len(colors)], (width, height), box, mode)
        orientation = number % 8 + 1
        exif = Image.Exif()
        exif[0x0112] = orientation
        quality = int(random.integers(60, 98))
        source = encoded(picture, "JPEG", quality=quality, exif=exif, **options)
        decoded = Image.open(io.BytesIO(source))
        corner = {1: (0, 0), 2: (0, -1), 3: (-1, -1), 4: (-1, 0), 5: (0, 0), 6: (-1, 0)}
        corner |= {7: (-1, -1), 8: (0, -1)}
        area = content(decoded, corner=corner[orientation])
        expected = ImageOps.exif_transpose(decoded).size
        inner = decoded.crop(area)
        inner.getexif()[0x0112] = orientation
        turned = ImageOps.exif_transpose(inner)
        made = opened(thumbnail(source, trim=True, format="png"))
        assert made.size == turned.size, (number, area)
        assert difference(made.convert(mode), turned.convert(mode)) == 0, (number, area)
        trimmed += made.size != expected
    assert trimmed > 12


@pytest.mark.parametrize("kind", ["jpeg", "webp"])
def test_a_small_thumbnail_shows_the_same_part(kind):
    """Small thumbnails of JPEGs are made from a picture that was decoded at a smaller size."""
    picture = framed("white", (2000, 1504), (123, 77, 1811, 1333))
    source = encoded(picture, "JPEG", quality=95)
    area = content(Image.open(io.BytesIO(source)))
    expected = picture.crop(area)
    for width in (90, 200, 300, 420):
        for options in ({}, {"grayscale": True}, {"crop": (0.25, 0.5, 0.5, 0.5)}):
            made = opened(
                thumbnail(source, width, trim=True, format=kind, quality=95, **options)
            ).convert("RGB")
            part = expected
            if "crop" in options:
                across, down = part.width, part.height
                part = part.crop((round(across / 4), round(down / 2), round(across * 3 / 4), down))
            if "grayscale" in options:
                part = part.convert("L")
            assert difference(made, part.convert("RGB").resize(made.size, Image.LANCZOS)) < 3


@pytest.mark.parametrize("kind", ["jpeg", "png", "webp", "gif", "avif"])
def test_every_output(kind):
    made = opened(thumbnail(encoded(framed(), "JPEG", quality=95), 100, trim=20, format=kind))
    assert made.width == 100
    assert abs(made.height - 50) <= 2


@pytest.mark.parametrize("source_kind", ["GIF", "WEBP", "PNG"])
@pytest.mark.parametrize("kind", ["gif", "webp"])
def test_an_animation_loses_the_border_that_all_frames_have(source_kind, kind):
    frames = []
    for index in range(4):
        frame = Image.new("RGB", (100, 60), "white")
        frame.paste("navy", (20 + 10 * index, 10, 40 + 10 * index, 30 + 5 * index))
        frames.append(frame)
    options = {"lossless": True} if source_kind == "WEBP" else {}
    first, *rest = frames
    source = encoded(first, source_kind, save_all=True, append_images=rest, duration=90, **options)
    made = opened(thumbnail(source, trim=True, format=kind, quality=100))
    assert made.size == (50, 35)
    shown = [frame.convert("RGB") for frame in ImageSequence.Iterator(made)]
    assert len(shown) == 4
    for one, other in zip(shown, frames, strict=True):
        assert difference(one, other.crop((20, 10, 70, 45))) < 1
    still = opened(thumbnail(source, trim=True, format="png"))
    assert still.size == (20, 20)


def test_keeps_the_colour_profile():
    profile = wide_rgb_profile()
    source = encoded(framed(), "PNG", icc_profile=profile)
    inner = encoded(framed().crop((40, 60, 360, 220)), "PNG", icc_profile=profile)
    assert thumbnail(source, 80, trim=0).data == thumbnail(inner, 80).data


def test_linear_light():
    source = encoded(framed(), "PNG")
    inner = encoded(framed().crop((40, 60, 360, 220)), "PNG")
    assert thumbnail(source, 80, trim=0, linear=True).data == thumbnail(inner, 80, linear=True).data


def test_counts_all_pixels_of_a_jpeg():
    source = encoded(framed(size=(800, 600)), "JPEG", quality=95)
    limits = Limits(max_pixels=400 * 300)
    assert thumbnail(source, 50, limits=limits)
    with pytest.raises(ImageTooLarge, match="480000 pixels"):
        thumbnail(source, 50, trim=True, limits=limits)


def test_counts_all_pixels_of_an_animation():
    frames = [framed((index, 0, 0)) for index in range(4)]
    source = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    limits = Limits(max_pixels=3 * 400 * 300)
    assert thumbnail(source, 50, trim=True, format="png", limits=limits)
    with pytest.raises(ImageTooLarge):
        thumbnail(source, 50, trim=True, format="webp", limits=limits)


def test_checks_the_size_of_the_thumbnail():
    source = encoded(framed(size=(900, 300), box=(40, 60, 41, 260)), "PNG")
    with pytest.raises(ImageTooLarge, match="side of the thumbnail"):
        thumbnail(source, 400, trim=0, upscale=True, limits=Limits(max_side=1000))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF"])
def test_keeps_the_time_limit(kind):
    with pytest.raises(RenderTimeout):
        thumbnail(encoded(framed(), kind), 50, trim=True, limits=Limits(timeout=0))


def test_a_damaged_source():
    source = encoded(framed(), "PNG")
    made = thumbnail(source[: len(source) // 2], 50, trim=True)
    assert not made.is_complete
    with pytest.raises(CorruptImage):
        thumbnail(source[:60], 50, trim=True)


def test_the_start_of_a_jpeg_is_not_enough():
    source = encoded(framed(size=(1600, 1200)), "JPEG", progressive=True, quality=95)
    spec = Spec(50, trim=True)
    with pytest.raises(CorruptImage):
        render(source[: len(source) // 2], spec, format="jpeg", is_partial=True)
    made = render(source, spec, format="jpeg", is_partial=False)
    assert Image.open(io.BytesIO(made.data)).size == (50, 25)
