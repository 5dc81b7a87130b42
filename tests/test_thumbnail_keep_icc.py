"""The option `keep_icc`. Oracles: littleCMS, through Pillow, and libvips."""

import io
import struct
import zlib

import numpy as np
import pytest
import pyvips
from PIL import Image, ImageCms
from xaccel import Watermark, thumbnail

from tests.support.thumbnail_images import (
    cmyk_profile,
    difference,
    display_p3_profile,
    encoded,
    gray_profile,
    opened,
    photo,
    wide_rgb_profile,
)

FORMATS = ["jpeg", "png", "webp", "avif"]
P3 = display_p3_profile()
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
PURE = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0)]


def source(kind="PNG", mode="RGB", icc=P3, **options):
    return encoded(photo(320, 240, mode), kind, icc_profile=icc, **options)


def lab(picture):
    """Return the L*a*b* values of a picture, according to its own profile."""
    icc = picture.info.get("icc_profile", SRGB)
    profile = ImageCms.ImageCmsProfile(io.BytesIO(icc))
    to = ImageCms.createProfile("LAB")
    made = ImageCms.profileToProfile(picture.convert("RGB"), profile, to, outputMode="LAB")
    light, a, b = (np.asarray(band).astype(float) for band in made.split())
    return np.stack([light * 100 / 255, a - 128, b - 128], axis=-1)


def delta_e(one, other):
    return np.sqrt(((lab(one) - lab(other)) ** 2).sum(axis=-1))


def is_default(content, **options):
    made = thumbnail(content, 80, keep_icc=True, **options)
    return made.data == thumbnail(content, 80, **options).data


@pytest.mark.parametrize("kind", FORMATS)
def test_the_pixels_and_the_profile_are_those_of_the_source(kind):
    options = {"format": kind, "quality": 95}
    made = opened(thumbnail(source(), 160, keep_icc=True, **options))
    plain = opened(thumbnail(source(icc=None), 160, **options))
    assert made.info["icc_profile"] == P3
    assert made.mode == plain.mode == "RGB"
    assert difference(made, plain) == 0
    assert "icc_profile" not in opened(thumbnail(source(), 160, **options)).info


@pytest.mark.parametrize("kind", FORMATS)
def test_other_libraries_find_the_profile(kind):
    made = thumbnail(source(), 160, keep_icc=True, format=kind)
    image = pyvips.Image.new_from_buffer(made.data, "")
    assert image.get("icc-profile-data") == P3


@pytest.mark.parametrize("kind", FORMATS)
def test_colours_within_srgb_look_the_same(kind):
    # Half the saturation keeps all colours within sRGB.
    picture = photo(320, 240)
    muted = Image.blend(picture.convert("L").convert("RGB"), picture, 0.5)
    content = encoded(muted, "PNG", icc_profile=P3)
    options = {"format": kind, "quality": 100}
    kept = opened(thumbnail(content, 160, keep_icc=True, **options))
    distance = delta_e(kept, opened(thumbnail(content, 160, **options)))
    assert distance.mean() < 1
    assert np.percentile(distance, 99) < 3


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("color", PURE)
def test_colours_outside_srgb_survive(kind, color):
    picture = Image.new("RGB", (64, 64), color)
    content = encoded(picture, "PNG", icc_profile=P3)
    original = Image.open(io.BytesIO(content)).resize((32, 32))
    options = {"format": kind, "quality": 98}
    kept = opened(thumbnail(content, 32, keep_icc=True, **options))
    assert delta_e(kept, original).max() < 2.5
    converted = opened(thumbnail(content, 32, **options))
    assert delta_e(converted, original).min() > 2.5


@pytest.mark.parametrize("kind", ["jpeg", "webp"])
@pytest.mark.parametrize("original", ["JPEG", "WEBP"])
def test_conversions_without_red_green_and_blue(original, kind):
    content, plain = (source(original, icc=icc, quality=95) for icc in (P3, None))
    made = opened(thumbnail(content, 160, keep_icc=True, format=kind))
    assert made.info["icc_profile"] == P3
    assert difference(made, opened(thumbnail(plain, 160, format=kind))) == 0


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF", "TIFF"])
def test_every_format_of_sources(kind):
    made = opened(thumbnail(source(kind), 80, keep_icc=True, format="png"))
    assert made.info["icc_profile"] == P3


@pytest.mark.parametrize("kind", ["png", "webp", "avif"])
@pytest.mark.parametrize("quality", [80, 100])
def test_transparent_pictures(kind, quality):
    options = {"format": kind, "quality": quality}
    made = opened(thumbnail(source(mode="RGBA"), 80, keep_icc=True, **options))
    plain = opened(thumbnail(source(mode="RGBA", icc=None), 80, **options))
    assert made.info["icc_profile"] == P3
    assert made.mode == "RGBA"
    assert difference(made, plain) == 0


def test_animations():
    frames = [photo(120, 90, "RGBA").rotate(40 * index) for index in range(3)]
    options = {"save_all": True, "append_images": frames[1:], "duration": 70, "loop": 2}
    content = encoded(frames[0], "WEBP", icc_profile=P3, lossless=True, **options)
    made = thumbnail(content, 60, keep_icc=True, format="webp")
    picture = opened(made)
    assert (picture.n_frames, picture.info["loop"]) == (3, 2)
    assert picture.info["icc_profile"] == P3
    plain = opened(thumbnail(encoded(frames[0], "WEBP", lossless=True, **options), 60))
    for index in range(3):
        picture.seek(index)
        plain.seek(index)
        assert difference(picture, plain) == 0
    image = pyvips.Image.new_from_buffer(made.data, "", n=-1)
    assert image.get("n-pages") == 3
    assert image.get("icc-profile-data") == P3


@pytest.mark.parametrize("kind", FORMATS)
def test_a_long_profile(kind):
    icc = display_p3_profile(200_000)
    made = thumbnail(source(icc=icc), 80, keep_icc=True, format=kind)
    assert opened(made).info["icc_profile"] == icc
    assert pyvips.Image.new_from_buffer(made.data, "").get("icc-profile-data") == icc


@pytest.mark.parametrize("kind", FORMATS)
def test_a_profile_of_more_than_a_mebibyte_is_not_kept(kind):
    assert is_default(source("JPEG", icc=display_p3_profile(1024 * 1024)), format=kind)


def test_bytes_after_the_profile_are_dropped():
    made = thumbnail(source(icc=P3 + b"\0\0secret"), 80, keep_icc=True)
    assert opened(made).info["icc_profile"] == P3


@pytest.mark.parametrize(
    "content",
    [
        source(icc=None),
        source(icc=SRGB),
        source("JPEG", icc=SRGB),
        source(icc=b"damaged"),
        source(icc=P3[:300]),
        source("JPEG", "L", icc=gray_profile()),
        source("JPEG", "L", icc=P3),
        source("PNG", "LA", icc=gray_profile()),
        source("JPEG", "CMYK", icc=cmyk_profile()),
        source("JPEG", "CMYK", icc=P3),
        source("TIFF", "LAB", icc=None),
    ],
    ids=range(11),
)
@pytest.mark.parametrize("kind", FORMATS)
def test_all_other_sources_are_converted_to_srgb(content, kind):
    assert is_default(content, format=kind)


def test_gif_and_shades_of_gray_are_in_srgb():
    assert is_default(source(), format="gif")
    assert is_default(source(icc=wide_rgb_profile()), format="jpeg", grayscale=True)


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_gray_pixels_stay_in_the_colour_space_of_the_profile(kind, mode):
    gray = photo(160, 120).convert("L").convert(mode)
    if mode == "RGBA":
        gray.putalpha(200)
    icc = wide_rgb_profile()
    options = {"keep_icc": True, "format": kind, "quality": 95}
    made = opened(thumbnail(encoded(gray, "PNG", icc_profile=icc), 80, **options))
    assert made.info["icc_profile"] == icc
    assert made.mode in {"RGB", "RGBA", "P"}


@pytest.mark.parametrize("icc", [P3, wide_rgb_profile()])
@pytest.mark.parametrize("kind", ["png", "webp", "jpeg"])
def test_the_background_is_given_in_srgb(icc, kind):
    options = {"fit": "pad", "background": "3070c0", "quality": 100, "keep_icc": True}
    made = opened(thumbnail(source(icc=icc), 100, 100, format=kind, **options))
    assert made.info["icc_profile"] == icc
    corner = made.crop((2, 2, 6, 6))
    expected = Image.new("RGB", (4, 4), "#3070c0")
    assert delta_e(corner, expected).max() < 2


def test_a_watermark_is_converted_from_srgb():
    mark = Watermark(encoded(Image.new("RGB", (9, 9), "#c03020"), "PNG"), scale=0.5, gravity="c")
    for icc in (wide_rgb_profile(), P3, None):
        made = opened(
            thumbnail(source(icc=icc), 80, 80, fit="cover", keep_icc=True, watermark=mark)
        )
        center = made.crop((38, 38, 42, 42))
        assert delta_e(center, Image.new("RGB", (4, 4), "#c03020")).max() < 2


def chunk(name, content):
    return (
        struct.pack(">I", len(content))
        + name
        + content
        + struct.pack(">I", zlib.crc32(name + content))
    )


def with_code_points(primaries, transfer):
    """Return a PNG with code points (ITU-T H.273) instead of a profile."""
    content = source(icc=None)
    return content[:33] + chunk(b"cICP", bytes([primaries, transfer, 0, 1])) + content[33:]


@pytest.mark.parametrize("kind", FORMATS)
def test_code_points_become_a_profile(kind):
    options = {"keep_icc": True, "format": kind, "quality": 95}
    made = opened(thumbnail(with_code_points(12, 13), 160, **options))
    profile = ImageCms.ImageCmsProfile(io.BytesIO(made.info["icc_profile"]))
    assert ImageCms.getProfileDescription(profile).strip() == "Display P3"
    assert len(made.info["icc_profile"]) < 1000
    expected = opened(thumbnail(source(), 160, **options))
    assert difference(made, expected) == 0
    assert delta_e(made, expected).max() < 1.5


def test_code_points_of_an_avif_become_a_profile():
    content = source("AVIF", icc=None, quality=95)
    assert content.count(b"colrnclx\0\1") == 1
    content = content.replace(b"colrnclx\0\1", b"colrnclx\0\x0c")
    options = {"keep_icc": True, "format": "png"}
    made = opened(thumbnail(content, 160, **options))
    assert difference(made, opened(thumbnail(source("AVIF", quality=95), 160, **options))) == 0
    profile = ImageCms.ImageCmsProfile(io.BytesIO(made.info["icc_profile"]))
    assert ImageCms.getProfileDescription(profile).strip() == "Display P3"


@pytest.mark.parametrize("points", [(1, 13), (9, 16), (9, 18), (12, 8)])
def test_other_code_points_are_converted_to_srgb(points):
    assert is_default(with_code_points(*points), format="png")


def test_rec_2020_is_kept():
    made = opened(thumbnail(with_code_points(9, 14), 80, keep_icc=True, format="png"))
    assert len(made.info["icc_profile"]) < 1000
    green = Image.new("RGB", (1, 1), (0, 255, 0))
    wide = green.copy()
    wide.info["icc_profile"] = made.info["icc_profile"]
    assert delta_e(wide, green).max() > 20


@pytest.mark.parametrize("kind", ["jpeg", "webp", "avif"])
def test_the_limit_of_bytes_includes_the_profile(kind):
    most = len(P3) + 1500
    made = thumbnail(source(), 160, keep_icc=True, format=kind, quality=90, max_bytes=most)
    assert len(made.data) <= most
    assert opened(made).info["icc_profile"] == P3


@pytest.mark.parametrize("kind", ["jpeg", "webp", "avif"])
def test_automatic_quality_scores_the_samples(kind):
    options = {"format": kind, "quality": "auto"}
    made = thumbnail(source(), 160, keep_icc=True, **options)
    plain = thumbnail(source(icc=None), 160, **options)
    assert opened(made).info["icc_profile"] == P3
    assert difference(opened(made), opened(plain)) == 0


def test_trim_keeps_the_profile():
    picture = Image.new("RGB", (200, 160), "white")
    picture.paste(photo(160, 120), (20, 20))
    made = opened(thumbnail(encoded(picture, "PNG", icc_profile=P3), 80, trim=True, keep_icc=True))
    assert made.info["icc_profile"] == P3
    assert made.size == (80, 60)
