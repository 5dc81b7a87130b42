"""Everything becomes sRGB. Oracle: LittleCMS, through Pillow."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageCms
from xaccel._core import probe, thumbnail

from tests.support.thumbnail_images import (
    cmyk_profile,
    difference,
    encoded,
    gray_profile,
    opened,
    photo,
    photo_file,
    wide_rgb_profile,
)


def to_srgb(picture, profile, mode="RGB"):
    return ImageCms.profileToProfile(
        picture,
        ImageCms.ImageCmsProfile(io.BytesIO(profile)),
        ImageCms.createProfile("sRGB"),
        outputMode=mode,
    )


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_rgb_profile(kind):
    profile = wide_rgb_profile()
    options = {} if kind in {"PNG", "TIFF"} else {"quality": 98}
    source = photo_file(kind, icc_profile=profile, **options)
    assert probe(source).icc
    made = opened(thumbnail(source, 320, format="png"))
    assert "icc_profile" not in made.info
    small = photo().resize((320, 200), Image.Resampling.LANCZOS)
    expected = to_srgb(small, profile)
    assert difference(expected, small) > 8
    assert difference(made, expected) < 1.5


def test_alpha_passes_through():
    profile = wide_rgb_profile()
    source = photo_file("PNG", mode="RGBA", icc_profile=profile)
    made = opened(thumbnail(source, format="png"))
    assert np.array_equal(np.asarray(made)[..., 3], np.asarray(photo(mode="RGBA"))[..., 3])
    assert difference(made.convert("RGB"), to_srgb(photo(), profile)) < 1.5


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_gray_profile(kind):
    profile = gray_profile()
    gray = photo(mode="L")
    made = opened(thumbnail(encoded(gray, kind, icc_profile=profile), format="png"))
    assert made.mode == "L"
    expected = to_srgb(gray, profile).convert("L")
    assert difference(expected, gray) > 15
    assert difference(made, expected) < 1.5


def cmyk_photo():
    """All four inks, each its own picture."""
    red, green, blue = photo().split()
    black = photo(mode="L").point(lambda level: level // 3)
    return Image.merge("CMYK", (red, green, blue, black))


def test_cmyk_without_profile():
    source = encoded(cmyk_photo(), "JPEG", quality=98)
    made = opened(thumbnail(source, format="png"))
    assert difference(made, Image.open(io.BytesIO(source)).convert("RGB")) < 1


def test_cmyk_without_adobe_marker_is_not_inverted():
    source = encoded(cmyk_photo(), "JPEG", quality=98)
    marker = source.index(b"\xff\xeeb"[:2] + b"\x00\x0eAdobe")
    plain = source[:marker] + source[marker + 16 :]
    # libjpeg takes Pillow's inverted inks for what they say.
    inverted = Image.open(io.BytesIO(source))
    inverted = Image.fromarray(255 - np.asarray(inverted), "CMYK").convert("RGB")
    assert difference(opened(thumbnail(plain, format="png")), inverted) < 1


def test_cmyk_with_profile():
    profile = cmyk_profile()
    source = encoded(cmyk_photo(), "JPEG", quality=98, icc_profile=profile)
    made = opened(thumbnail(source, 320, format="png"))
    inks = Image.open(io.BytesIO(source)).resize((320, 200), Image.Resampling.LANCZOS)
    expected = to_srgb(inks, profile)
    assert difference(expected, inks.convert("RGB")) > 8
    assert difference(made, expected) < 2.5


def test_a_profile_for_other_samples_is_ignored():
    plain = thumbnail(photo_file("JPEG", mode="L"), 100).data
    for profile in (wide_rgb_profile(), b"not a profile", cmyk_profile()):
        source = photo_file("JPEG", mode="L", icc_profile=profile)
        assert thumbnail(source, 100).data == plain


def with_chunk(png, name, content):
    """A PNG with one more chunk, right after its header."""
    chunk = struct.pack(">I", len(content)) + name + content
    chunk += struct.pack(">I", zlib.crc32(name + content))
    return png[:33] + chunk + png[33:]


def test_png_gamma():
    plain = photo_file("PNG")
    source = with_chunk(plain, b"gAMA", struct.pack(">I", 100_000))
    made = np.asarray(opened(thumbnail(source)), dtype=float)
    light = np.asarray(photo(), dtype=float) / 255
    expected = np.where(light < 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    assert np.abs(made - 255 * expected).mean() < 1.5
    usual = with_chunk(plain, b"gAMA", struct.pack(">I", 45_455))
    assert thumbnail(usual).data == thumbnail(plain).data


def test_png_srgb_chunk_beats_gamma():
    plain = photo_file("PNG")
    source = with_chunk(with_chunk(plain, b"gAMA", struct.pack(">I", 100_000)), b"sRGB", b"\0")
    assert thumbnail(source).data == thumbnail(plain).data


def test_png_code_points():
    display_p3 = with_chunk(photo_file("PNG"), b"cICP", bytes([12, 13, 0, 1]))
    made = opened(thumbnail(display_p3))
    assert 1 < difference(made, photo()) < 30
    srgb = with_chunk(photo_file("PNG"), b"cICP", bytes([1, 13, 0, 1]))
    assert difference(opened(thumbnail(srgb)), photo()) == 0
