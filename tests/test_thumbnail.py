"""Thumbnails as Python sees them, with Pillow as an independent oracle."""

import base64
import functools
import io
import re
import threading
import tomllib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps
from xaccel._core import ImageInfo, Limits, Spec, codecs, placeholder, probe, render, thumbnail
from xaccel.exceptions import (
    CorruptImage,
    FileNotFound,
    ImageTooLarge,
    RenderTimeout,
    SpecError,
    UnsupportedImage,
)

from tests.support.thumbnail_images import (
    difference,
    encoded,
    opened,
    peak_memory,
    photo,
    photo_file,
)


@functools.cache
def png_with_palette():
    return encoded(photo().quantize(64), "PNG")


SOURCES = {
    "jpeg": lambda: photo_file("JPEG", quality=95, subsampling=0),
    "progressive": lambda: photo_file("JPEG", quality=95, progressive=True),
    "gray": lambda: photo_file("JPEG", mode="L", quality=95),
    "png": lambda: photo_file("PNG"),
    "png-rgba": lambda: photo_file("PNG", mode="RGBA"),
    "png-gray": lambda: photo_file("PNG", mode="L"),
    "png-gray-alpha": lambda: photo_file("PNG", mode="LA"),
    "png-palette": png_with_palette,
    "webp": lambda: photo_file("WEBP", quality=95),
    "webp-lossless": lambda: photo_file("WEBP", mode="RGBA", lossless=True),
}


@pytest.mark.parametrize("name", SOURCES)
@pytest.mark.parametrize("width", [40, 160, 480])
def test_the_same_picture_as_pillow(name, width):
    source = SOURCES[name]()
    made = opened(thumbnail(source, width, format="png"))
    original = Image.open(io.BytesIO(source))
    original = original.convert("RGBA" if original.has_transparency_data else "RGB")
    assert made.size == (width, width * 5 // 8)
    assert difference(made, original.resize(made.size, Image.Resampling.LANCZOS)) < 1.5


@pytest.mark.parametrize("kind", ["jpeg", "png", "webp"])
@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L"])
def test_output_formats(kind, mode):
    picture = photo(mode=mode)
    made = opened(thumbnail(encoded(picture, "PNG"), 200, format=kind, quality=95))
    white = Image.new("RGBA", picture.size, "white")
    expected = Image.alpha_composite(white, picture.convert("RGBA")) if kind == "jpeg" else picture
    expected = expected.convert("RGBa" if expected.mode == "RGBA" else "RGB")
    expected = expected.resize(made.size, Image.Resampling.LANCZOS)
    expected = expected.convert("RGBA" if expected.mode == "RGBa" else "RGB")
    assert difference(made, expected) < 3


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_stands_upright(kind, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    source = encoded(photo(), kind, exif=exif, quality=95)
    upright = ImageOps.exif_transpose(Image.open(io.BytesIO(source)))
    info = probe(source)
    assert (info.width, info.height) == upright.size
    assert info.orientation == orientation
    made = opened(thumbnail(source, 200, 200, format="png"))
    assert "exif" not in made.info
    assert difference(made, upright.resize(made.size, Image.Resampling.LANCZOS)) < 1.5


@pytest.mark.parametrize(
    ("spec", "size"),
    [
        ("-x-", (640, 400)),
        ("200x200", (200, 125)),
        ("-x200", (320, 200)),
        ("2000x2000", (640, 400)),
        ("1280x-,upscale", (1280, 800)),
        ("200x200,cover", (200, 200)),
        ("1000x1000,cover", (400, 400)),
        ("1000x1000,cover,upscale", (1000, 1000)),
        ("200x200,fill", (200, 200)),
        ("200x200,pad", (200, 200)),
        ("200x-,dpr-2", (400, 250)),
        ("200x200,rot-90", (125, 200)),
    ],
)
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_sizes(kind, spec, size):
    made = render(photo_file(kind), Spec.parse(spec), format="jpeg")
    assert opened(made).size == size


@pytest.mark.parametrize(
    ("gravity", "box"),
    [
        (None, (120, 0, 520, 400)),
        ("w", (0, 0, 400, 400)),
        ("ne", (240, 0, 640, 400)),
        ((0.4, 0.9), (56, 0, 456, 400)),
        ((1, 1), (240, 0, 640, 400)),
    ],
)
def test_cover_keeps_what_gravity_says(gravity, box):
    made = thumbnail(photo_file("PNG"), 100, 100, fit="cover", gravity=gravity)
    expected = photo().resize((100, 100), Image.Resampling.LANCZOS, box=box)
    assert difference(opened(made), expected) < 1


def test_crop_comes_first():
    made = thumbnail(photo_file("PNG"), 100, crop=(0.25, 0.5, 0.5, 0.5))
    box = (160, 200, 480, 400)
    expected = photo().resize((100, 63), Image.Resampling.LANCZOS, box=box)
    assert difference(opened(made), expected) < 1


@pytest.mark.parametrize(
    ("options", "turn"),
    [
        ({"rotate": 90}, [Image.Transpose.ROTATE_270]),
        ({"rotate": 180}, [Image.Transpose.ROTATE_180]),
        ({"rotate": 270}, [Image.Transpose.ROTATE_90]),
        ({"flip": "h"}, [Image.Transpose.FLIP_LEFT_RIGHT]),
        ({"flip": "v"}, [Image.Transpose.FLIP_TOP_BOTTOM]),
        (
            {"rotate": 90, "flip": "h"},
            [Image.Transpose.ROTATE_270, Image.Transpose.FLIP_LEFT_RIGHT],
        ),
    ],
)
def test_turns(options, turn):
    expected = photo()
    for step in turn:
        expected = expected.transpose(step)
    made = opened(thumbnail(photo_file("PNG"), **options))
    assert difference(made, expected) == 0


def test_pad_fills_the_box():
    source = photo_file("PNG")
    clear = opened(thumbnail(source, 200, 200, fit="pad"))
    assert clear.mode == "RGBA"
    assert clear.getpixel((0, 0)) == (0, 0, 0, 0)
    red = opened(thumbnail(source, 200, 200, fit="pad", background="ff0000", gravity="n"))
    assert red.mode == "RGB"
    assert red.getpixel((0, 199)) == (255, 0, 0)
    expected = photo().resize((200, 125), Image.Resampling.LANCZOS)
    assert difference(red.crop((0, 0, 200, 125)), expected) < 1
    white = opened(thumbnail(source, 200, 200, fit="pad", format="jpeg", quality=100))
    assert white.getpixel((0, 0)) == (255, 255, 255)


def test_background_shows_through():
    clear = encoded(Image.new("RGBA", (64, 64)), "PNG")
    made = opened(thumbnail(clear, 32, background="0000ff")).convert("RGBA")
    assert made.getpixel((9, 9)) == (0, 0, 255, 255)


def test_transparent_pixels_lend_no_color():
    picture = Image.new("RGBA", (64, 64), (0, 255, 0, 0))
    picture.paste((255, 0, 0, 255), (0, 0, 32, 64))
    made = np.asarray(opened(thumbnail(encoded(picture, "PNG"), 9, 9)).convert("RGBA"))
    visible = made[made[..., 3] > 0]
    assert len(visible) > 0
    assert visible[:, 1].max() == 0


def test_quality_matters():
    source = photo_file("PNG")
    for kind in ("jpeg", "webp"):
        sizes = [len(thumbnail(source, 300, format=kind, quality=q).data) for q in (20, 90)]
        assert sizes[0] < sizes[1] / 1.5
        mapped = render(source, Spec(300), format=kind, quality={kind: 20})
        assert len(mapped.data) == sizes[0]


def test_kinds_of_sources(tmp_path):
    content = SOURCES["jpeg"]()
    path = tmp_path / "föö bär"
    path.write_bytes(content)
    made = thumbnail(content, 64).data
    assert thumbnail(path, 64).data == made
    assert thumbnail(str(path), 64).data == made
    assert thumbnail(io.BytesIO(content), 64).data == made
    with path.open("rb") as file:
        assert thumbnail(file, 64).data == made
    with pytest.raises(TypeError, match="bytes, a path or a binary file, not int"):
        thumbnail(7, 64)
    with pytest.raises(TypeError, match="binary mode"):
        thumbnail(io.StringIO("x"), 64)


def test_probe():
    info = probe(SOURCES["webp-lossless"]())
    assert isinstance(info, ImageInfo)
    assert (info.width, info.height, info.format) == (640, 400, "webp")
    assert (info.orientation, info.frames, info.has_alpha, info.icc) == (1, 1, True, False)


def test_missing_files(tmp_path):
    (tmp_path / "file").touch()
    missing = "there is no such file"
    for path, reason in (
        (tmp_path / "no.jpg", missing),
        (tmp_path / "no" / "no.jpg", missing),
        (tmp_path / "file" / "no.jpg", missing),
        (tmp_path, "it is not a regular file"),
    ):
        with pytest.raises(FileNotFound) as raised:
            thumbnail(path, 64)
        assert str(raised.value) == f'"{path}": {reason}'


def test_errors_name_the_file(tmp_path):
    path = tmp_path / "text.jpg"
    path.write_text("Hello")
    with pytest.raises(UnsupportedImage, match=r"text\.jpg.*not an image of a supported format"):
        thumbnail(path, 64)


@pytest.mark.parametrize(
    "source", [b"", b"x", b"<html><body/></html>", b"GIF8", b"BM", b"%!PS-Adobe-3.0"]
)
def test_not_an_image(source):
    with pytest.raises(UnsupportedImage):
        thumbnail(source, 64)


@pytest.mark.slow
@pytest.mark.parametrize("name", SOURCES)
@pytest.mark.parametrize("length", [12, 16, 40, 100])
def test_only_the_beginning(name, length):
    with pytest.raises(CorruptImage):
        thumbnail(SOURCES[name]()[:length], 64)


def test_a_jpeg_that_is_there_for_the_most_part():
    content = photo_file("JPEG", quality=95)
    made = opened(thumbnail(content[: len(content) * 3 // 4], 200, format="png"))
    expected = photo().resize(made.size, Image.Resampling.LANCZOS)
    upper = (0, 0, 200, 80)
    assert difference(made.crop(upper), expected.crop(upper)) < 1.5


STRIPES = ("#2040c0", "#e0a010", "#10a040")


def striped():
    """A picture of three colours, from the most frequent to the least frequent one."""
    picture = Image.new("RGB", (96, 40), STRIPES[0])
    picture.paste(STRIPES[1], (56, 0, 86, 40))
    picture.paste(STRIPES[2], (86, 0, 96, 40))
    return picture


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF"])
def test_main_colours(kind):
    source = encoded(striped(), kind, quality=95)
    colors = placeholder(source, kind="palette", colors=3)
    assert placeholder(source, kind="color") == placeholder(source, kind="palette")[0]
    for found, expected in zip(colors, STRIPES, strict=True):
        assert re.fullmatch("#[0-9a-f]{6}", found)
        pair = bytes.fromhex(found[1:]), bytes.fromhex(expected[1:])
        assert max(abs(one - other) for one, other in zip(*pair, strict=True)) < 24


def test_colours_of_a_photo():
    source = SOURCES["jpeg"]()
    for count in (2, 5, 16, 256):
        colors = placeholder(source, kind="palette", colors=count)
        assert 2 <= len(colors) <= count
        assert len(set(colors)) == len(colors)
    assert placeholder(source, kind="palette") == placeholder(source, kind="palette", colors=5)


def test_transparent_pixels_have_no_colour():
    picture = Image.new("RGBA", (60, 40), (0, 255, 0, 0))
    assert placeholder(encoded(picture, "PNG"), kind="palette") == ["#ffffff"]
    picture.paste((255, 0, 0, 255), (0, 0, 10, 10))
    assert placeholder(encoded(picture, "PNG"), kind="color") == "#ff0000"


def test_a_placeholder_of_another_kind_is_text():
    source = SOURCES["jpeg"]()
    assert len(base64.b64decode(placeholder(source, kind="thumbhash"))) < 30
    assert len(placeholder(source, kind="blurhash")) == 28
    with pytest.raises(ValueError, match=r"'thumbhash', 'blurhash', 'color', 'palette'.*'colour'"):
        placeholder(source, kind="colour")
    with pytest.raises(ValueError, match="only for the kind 'palette'"):
        placeholder(source, kind="color", colors=5)
    for count in (1, 257, -1, 2**70):
        with pytest.raises(ValueError, match=f"2 to 256, not {count}"):
            placeholder(source, kind="palette", colors=count)


def test_limits():
    source = SOURCES["jpeg"]()
    assert Limits() == Limits(max_memory=256 * 1024**2, max_pixels=None, max_side=8192)
    assert thumbnail(source, 64, limits=Limits(max_pixels=64_000)).width == 64
    for limits, message in [
        (Limits(max_pixels=63_999), "64000 pixels exceed the limit of 63999"),
        (Limits(max_memory=191_999), "192000 bytes of decoded pixels exceed the limit of 191999"),
        (Limits(max_bytes=len(source) - 1), "bytes exceed the limit"),
        (Limits(max_side=63), "side of the thumbnail"),
    ]:
        with pytest.raises(ImageTooLarge, match=message):
            thumbnail(source, 64, limits=limits)
    with pytest.raises(ImageTooLarge):
        thumbnail(io.BytesIO(source), 64, limits=Limits(max_bytes=100))
    for make in (thumbnail, placeholder):
        with pytest.raises(RenderTimeout, match="time limit"):
            make(source, limits=Limits(timeout=0))
    with pytest.raises(ValueError, match="timeout"):
        Limits(timeout=-1)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("size", "width", "is_progressive"),
    [
        ((8160, 6144), 300, False),
        ((8160, 6144), 8160, False),
        ((8160, 6144), 4096, True),
        ((16320, 12240), 1024, False),
        ((16384, 3800), 3840, False),
        ((20000, 4000), 2000, False),
        ((20000, 4000), 8000, True),
        ((12000, 9000), 5000, False),
        ((12000, 9000), 1600, True),
    ],
)
def test_photos_and_panoramas_of_phones(size, width, is_progressive):
    source = encoded(Image.new("L", size, 128), "JPEG", progressive=is_progressive)
    assert thumbnail(source, width).width == width


@pytest.fixture(scope="module")
def photo_of_108_megapixels():
    """In colour, as phones make them."""
    return encoded(Image.new("RGB", (12000, 9000), (90, 120, 30)), "JPEG")


@pytest.mark.slow
@pytest.mark.parametrize("width", [300, 1500, 3000])
def test_a_photo_of_108_megapixels_in_bounded_memory(photo_of_108_megapixels, width):
    Path("/proc/self/clear_refs").write_text("5")
    before = peak_memory()
    assert thumbnail(photo_of_108_megapixels, width).height == width * 3 // 4
    assert peak_memory() - before < 500_000


@pytest.mark.slow
def test_a_photo_of_108_megapixels_is_not_decoded_whole(photo_of_108_megapixels):
    with pytest.raises(ImageTooLarge, match="324000000 bytes of decoded pixels"):
        thumbnail(photo_of_108_megapixels, 8000)


def test_coefficients_are_limited():
    """libjpeg-turbo, which shows damaged files, keeps those of a file with several scans."""
    source = photo_file("JPEG", 800, 800, progressive=True, quality=95)
    cut = source[: len(source) // 2]
    limits = Limits(max_memory=800 * 800 * 3 - 1)
    assert thumbnail(source, 100, limits=limits).is_complete
    with pytest.raises(ImageTooLarge, match="1920000 bytes of coefficients"):
        thumbnail(cut, 100, limits=limits)
    assert thumbnail(cut, 100, limits=Limits(max_memory=800 * 800 * 3)).width == 100
    baseline = photo_file("JPEG", 800, 800, quality=95)
    assert thumbnail(baseline[: len(baseline) // 2], 100, limits=limits).width == 100


def test_jpeg_counts_as_it_is_decoded():
    source = photo_file("JPEG", 640, 400)
    limits = Limits(max_pixels=640 * 400 // 4)
    assert thumbnail(source, 80, limits=limits).width == 80
    assert placeholder(source, limits=limits)
    for options in ({"width": 640}, {"width": 80, "linear": True}):
        with pytest.raises(ImageTooLarge, match="pixels"):
            thumbnail(source, **options, limits=limits)
    with pytest.raises(ImageTooLarge, match="64000 pixels"):
        thumbnail(source, 8, limits=Limits(max_pixels=640 * 400 // 4 - 1))
    with pytest.raises(ImageTooLarge, match="256000 pixels"):
        thumbnail(photo_file("PNG", 640, 400), 8, limits=limits)


def test_wrong_options():
    with pytest.raises(SpecError):
        thumbnail(b"", 0)
    with pytest.raises(TypeError):
        thumbnail(b"", 9, wdith=9)
    with pytest.raises(ValueError, match="jpeg, png"):
        render(b"", Spec(), format="auto")


def test_many_threads_at_once():
    source = SOURCES["webp"]()
    expected = thumbnail(source, 100).data
    results = []
    threads = [
        threading.Thread(target=lambda: results.append(thumbnail(source, 100).data))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [expected] * 8


def test_codecs_are_named():
    found = codecs()
    assert {"libjpeg-turbo", "libwebp", "libaom"} <= found.keys()
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in found.values())


def test_codecs_of_rust_are_the_locked_ones():
    lock = tomllib.loads((Path(__file__).parents[1] / "Cargo.lock").read_text(encoding="utf-8"))
    locked = {package["name"]: package["version"] for package in lock["package"]}
    found = codecs()
    for name in ("png", "gif", "image", "tiff"):
        assert found[name] == locked[name]


class Raw(io.RawIOBase):
    """A stream such as a socket: each read gives a few bytes only."""

    def __init__(self, content):
        self.content = io.BytesIO(content)
        self.asked = 0

    def read(self, size=-1):
        piece = self.content.read(min(size, 1000))
        self.asked += len(piece)
        return piece


def test_a_stream_that_gives_a_few_bytes_at_a_time_is_read_to_its_end():
    source = SOURCES["png"]()
    assert len(source) > 5000
    assert thumbnail(Raw(source), 64).data == thumbnail(source, 64).data
    assert probe(Raw(source)).width == 640
    long = Raw(source)
    with pytest.raises(ImageTooLarge):
        thumbnail(long, 64, limits=Limits(max_bytes=2500))
    assert long.asked == 2501


@pytest.mark.parametrize("bad", ["text", None, 5])
def test_a_stream_that_gives_no_bytes_is_an_error(bad):
    class Bad:
        def read(self, size):
            return bad

    with pytest.raises(TypeError, match="binary mode"):
        thumbnail(Bad(), 64)
