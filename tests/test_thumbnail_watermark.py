"""Watermarks. Oracle: Pillow."""

import io
import os
import pickle
import threading

import numpy as np
import pytest
from PIL import Image
from xaccel import Config, ConfigError, Limits, SpecError, Watermark, thumbnail
from xaccel._core import Spec, render
from xaccel.exceptions import ImageTooLarge
from xaccel.thumbnails.urls import ThumbnailUrls

from tests.support.thumbnail_images import difference, encoded, opened, photo

GRAVITIES = {
    "n": (0.5, 0),
    "ne": (1, 0),
    "e": (1, 0.5),
    "se": (1, 1),
    "s": (0.5, 1),
    "sw": (0, 1),
    "w": (0, 0.5),
    "nw": (0, 0),
    "c": (0.5, 0.5),
}


def logo(width=80, height=40):
    """Return a picture with all opacities from 0 to 255."""
    across = np.linspace(0, 255, width, dtype=np.uint8)
    pixels = np.zeros((height, width, 4), np.uint8)
    pixels[..., 0], pixels[..., 2] = 250, 40
    pixels[..., 1] = np.linspace(0, 200, height, dtype=np.uint8)[:, None]
    pixels[..., 3] = across
    return Image.fromarray(pixels, "RGBA")


def expected(picture, mark, *, gravity="se", offset=(0, 0), scale=0.25, opacity=1, tiled=False):
    """Lay a watermark over a picture with Pillow."""
    ratio = scale * min(picture.width / mark.width, picture.height / mark.height)
    size = tuple(max(1, round(side * ratio)) for side in mark.size)
    mark = mark.convert("RGBA").resize(size, Image.Resampling.LANCZOS)
    mark.putalpha(mark.getchannel("A").point(lambda alpha: round(alpha * opacity)))
    layer = Image.new("RGBA", picture.size)
    starts = []
    for side, length, place, distance in zip(
        picture.size, size, GRAVITIES[gravity], offset, strict=True
    ):
        free, gap = int((side - length) * place), round(side * distance)
        if tiled:
            starts.append([*range(free % (length + gap) - length - gap, side, length + gap)])
        else:
            starts.append([free - gap if place == 1 else free + gap])
    for left in starts[0]:
        for top in starts[1]:
            layer.paste(mark, (left, top))
    return Image.alpha_composite(picture.convert("RGBA"), layer)


def check(source, mark, most=1.5, **placement):
    watermark = Watermark(encoded(mark, "PNG"), **placement)
    made = opened(thumbnail(encoded(source, "PNG"), watermark=watermark))
    if made.mode == "P":
        made = made.convert("RGBA")
    right = expected(source, mark, **placement).convert(made.mode)
    assert made.size == right.size
    found, right = (np.asarray(each, float) for each in (made, right))
    if made.mode == "RGBA":
        # The colour of transparent pixels is not visible.
        for each in (found, right):
            each[..., :3] *= each[..., 3:] / 255
    assert np.abs(found - right).mean() < most / 4
    assert np.abs(found - right).max() < 14


@pytest.mark.parametrize("gravity", GRAVITIES)
@pytest.mark.parametrize("offset", [(0, 0), (0.05, 0.1), (-0.02, 0.5)])
def test_positions(gravity, offset):
    check(photo(203, 127), logo(), gravity=gravity, offset=offset)


@pytest.mark.parametrize("gravity", GRAVITIES)
@pytest.mark.parametrize("offset", [(0, 0), (0.1, 0.2)])
def test_copies(gravity, offset):
    check(photo(203, 127), logo(), gravity=gravity, offset=offset, scale=0.2, tiled=True)


@pytest.mark.parametrize("scale", [0.05, 0.5, 1])
@pytest.mark.parametrize("opacity", [0, 0.3, 1])
@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA"])
def test_sizes_and_opacities(scale, opacity, mode):
    source = photo(200, 120)
    if mode == "RGBA":
        source = source.convert("RGBA")
        source.putalpha(Image.linear_gradient("L").resize(source.size))
    check(source.convert(mode), logo(), scale=scale, opacity=opacity)


def test_a_gray_watermark_keeps_a_gray_thumbnail():
    source = photo(200, 120).convert("L")
    mark = Watermark(encoded(Image.new("L", (40, 20), 255), "PNG"), opacity=0.5)
    made = opened(thumbnail(encoded(source, "PNG"), grayscale=True, watermark=mark))
    assert made.mode == "L"
    assert abs(made.getpixel((199, 119)) - (source.getpixel((199, 119)) + 255) / 2) <= 1


def test_small_pictures():
    check(photo(3, 5), logo(), scale=0.1)
    assert thumbnail(encoded(photo(1, 1), "PNG"), watermark=Watermark(encoded(logo(), "PNG"))).width


def test_every_density_looks_the_same():
    source, mark = (
        encoded(photo(1200, 800), "JPEG"),
        Watermark(encoded(logo(400, 200), "PNG"), scale=0.5),
    )
    once = opened(thumbnail(source, 150, watermark=mark, format="png"))
    twice = opened(thumbnail(source, 150, dpr=2, watermark=mark, format="png"))
    assert difference(once, twice.resize(once.size, Image.Resampling.LANCZOS)) < 3


def test_the_padding_is_part_of_the_thumbnail():
    mark = Watermark(encoded(Image.new("RGB", (10, 10), "red"), "PNG"), scale=0.1)
    made = opened(
        thumbnail(
            encoded(photo(200, 50), "JPEG"), 100, 100, fit="pad", watermark=mark, format="png"
        )
    ).convert("RGBA")
    assert made.getpixel((99, 99)) == (255, 0, 0, 255)
    assert made.getpixel((80, 99))[3] == 0


@pytest.mark.parametrize(("kind", "most"), [("jpeg", 2), ("webp", 2), ("avif", 2), ("gif", 8)])
def test_formats(kind, most):
    source = encoded(photo(640, 400), "JPEG")
    mark = Watermark(encoded(Image.new("RGB", (10, 10), "blue"), "PNG"))
    plain = opened(thumbnail(source, 200, format=kind)).convert("RGB")
    made = opened(thumbnail(source, 200, format=kind, watermark=mark)).convert("RGB")
    size = round(125 * 0.25)
    red, green, blue = np.asarray(made, float)[-size + 4 :, -size + 4 :].mean((0, 1))
    assert blue > 235
    assert max(red, green) < 20
    assert difference(made.crop((0, 0, 100, 125)), plain.crop((0, 0, 100, 125))) < most


def test_every_frame_has_it():
    out = io.BytesIO()
    frames = [Image.new("RGB", (60, 40), color) for color in ("red", "green", "blue")]
    frames[0].save(out, "GIF", save_all=True, append_images=frames[1:], duration=100)
    mark = Watermark(encoded(Image.new("RGB", (10, 10), "white"), "PNG"))
    made = opened(thumbnail(out.getvalue(), format="webp", quality=100, watermark=mark))
    assert made.n_frames == 3
    for number in range(3):
        made.seek(number)
        assert min(made.convert("RGB").getpixel((59, 39))) > 245


@pytest.mark.parametrize("kind", ["JPEG", "WEBP", "GIF", "BMP", "TIFF"])
def test_formats_of_watermarks(kind):
    mark = Watermark(encoded(Image.new("RGB", (64, 64), (0, 200, 0)), kind))
    made = opened(thumbnail(encoded(photo(200, 200), "PNG"), watermark=mark)).convert("RGB")
    assert difference(made.crop((152, 152, 200, 200)), Image.new("RGB", (48, 48), (0, 200, 0))) < 3


def test_threads_and_forks():
    source, mark = encoded(photo(640, 400), "JPEG"), Watermark(encoded(logo(), "PNG"))
    right = thumbnail(source, 100, watermark=mark).data
    found = []
    threads = [
        threading.Thread(target=lambda: found.append(thumbnail(source, 100, watermark=mark).data))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    child = os.fork()
    if child == 0:
        os._exit(thumbnail(source, 100, watermark=mark).data != right)
    for thread in threads:
        thread.join()
    assert os.waitpid(child, 0)[1] == 0
    assert found == [right] * 8


def test_copies_are_equal():
    mark = Watermark(encoded(logo(), "PNG"), gravity="n", offset=(0.1, 0), opacity=0.5)
    copy = pickle.loads(pickle.dumps(mark))
    assert (copy, hash(copy), repr(copy)) == (mark, hash(mark), repr(mark))
    assert mark != Watermark(encoded(logo(), "PNG"))


def test_limits():
    big = encoded(Image.new("1", (20_000, 20_000)), "PNG")
    with pytest.raises(ImageTooLarge):
        Watermark(big)
    mark = Watermark(encoded(photo(2000, 2000), "JPEG"))
    limits = Limits(max_memory=100_000)
    assert thumbnail(encoded(photo(100, 80), "JPEG"), watermark=mark, limits=limits).width == 100


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"gravity": "smart"}, "gravity must be n, ne, "),
        ({"offset": (2, 0)}, "offset must be two fractions"),
        ({"offset": (-0.1, 0), "tiled": True}, "offset must be two fractions"),
        ({"scale": 0}, "scale must be from 0.01 to 1, not 0"),
        ({"opacity": 1.1}, "opacity must be from 0 to 1, not 1.1"),
        ({"opacity": float("nan")}, "opacity must be from 0 to 1"),
        ({"opacity": "half"}, "['opacity'] must be a number from 0 to 1, not 'half'"),
        ({"opcity": 1}, "does not have the key 'opcity'; did you mean 'opacity'?"),
        ({"image": "logo.png"}, "['image'] must be the absolute path of an image"),
        ({"image": "/nowhere/logo.png"}, "['image']: "),
        ({"image": __file__}, "['image']: "),
    ],
)
def test_settings(options, message, tmp_path):
    path = tmp_path / "logo.png"
    path.write_bytes(encoded(logo(), "PNG"))
    given = {"logo": {"image": path, **options}}
    with pytest.raises(ConfigError) as error:
        Config.from_mapping({"THUMBNAIL_WATERMARKS": given})
    assert str(error.value).startswith("XACCEL['THUMBNAIL_WATERMARKS']['logo']")
    assert message in str(error.value)


def test_names(tmp_path):
    path = tmp_path / "logo.png"
    path.write_bytes(encoded(logo(), "PNG"))
    for name in ("", "a b", "a" * 33, 7):
        with pytest.raises(ConfigError, match="the name of a watermark"):
            Config.from_mapping({"THUMBNAIL_WATERMARKS": {name: {"image": path}}})
    settings = {
        "THUMBNAIL_WATERMARKS": {"Logo": {"image": path}},
        "THUMBNAIL_SOURCE": tmp_path,
        "SECRET_KEYS": ["0123456789abcdef"],
    }
    urls = ThumbnailUrls(Config.from_mapping(settings))
    assert urls.url("a.jpg", 300, watermark="Logo").startswith("/t/300x-,wm-Logo/a.jpg?")
    with pytest.raises(SpecError, match=r"'logo' is not in .*; did you mean 'Logo'"):
        urls.url("a.jpg", 300, watermark="logo")
    with pytest.raises(ConfigError, match=r"'thumb'.*the watermark 'x' is not in"):
        Config.from_mapping({**settings, "THUMBNAIL_PRESETS": {"thumb": "30x30,wm-x"}})


def test_without_a_watermark():
    with pytest.raises(SpecError, match="'logo'"):
        render(encoded(photo(9, 9), "JPEG"), Spec(5, watermark="logo"), format="png")
    with pytest.raises(TypeError, match="watermark must be a Watermark, not 'logo'"):
        thumbnail(encoded(photo(9, 9), "JPEG"), watermark="logo")
