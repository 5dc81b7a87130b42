"""HEIC, decoded by the plug-in `heic`."""

import io
import os
import random

import numpy as np
import pi_heif
import pillow_heif
import pytest
from PIL import Image, ImageOps
from xaccel import Limits, placeholder, probe, thumbnail, thumbnail_many
from xaccel._core import StreamedSource
from xaccel.decoders import heic as decoder
from xaccel.exceptions import (
    CorruptImage,
    ImageTooLarge,
    RenderTimeout,
    SpecError,
    ThumbnailError,
    UnsupportedImage,
)

from tests.support.heic import deep_heic, heic, heic_with_preview, turned_heic
from tests.support.thumbnail_images import difference, opened, photo, wide_rgb_profile

DAMAGED = int(os.environ.get("XACCEL_DAMAGED_FILES", "300"))
"""The number of damaged variants of each file."""


@pytest.fixture(scope="module")
def picture():
    return photo(320, 200)


@pytest.fixture(scope="module")
def content(picture):
    return heic(picture)


def shown(source, *size, **options):
    return opened(thumbnail(source, *size, format="png", **options))


def reference(content, size):
    """Return the picture as pillow-heif decodes it, in another size."""
    picture = pillow_heif.open_heif(content).to_pillow()
    return picture.convert("RGBA").resize(size, Image.Resampling.LANCZOS)


def test_every_source_has_the_same_thumbnail(content, tmp_path):
    path = tmp_path / "a.heic"
    path.write_bytes(content)
    expected = thumbnail(content, 100, format="png").data
    assert opened(thumbnail(content, 100, format="png")).size == (100, 63)
    assert thumbnail(path, 100, format="png").data == expected
    assert thumbnail(io.BytesIO(content), 100, format="png").data == expected
    with path.open("rb") as file:
        assert thumbnail(file, 100, format="png").data == expected
    streamed = StreamedSource(0)
    streamed.feed(content)
    assert thumbnail(streamed, 100, format="png").data == expected
    several = thumbnail_many([content, path, b"nothing"], 100, format="png", threads=2)
    assert [made.data for made in several[:2]] == [expected, expected]
    assert isinstance(several[2], UnsupportedImage)


@pytest.mark.parametrize("size", [(100, 63), (320, 200), (37, 23)])
@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L"])
def test_pixels(mode, size):
    content = heic(photo(320, 200, mode))
    made = shown(content, *size, fit="fill")
    assert made.size == size
    assert difference(made, reference(content, size)) < 1.5


def test_ten_bits(picture):
    made = shown(deep_heic(picture), 160)
    assert difference(made, picture.resize((160, 100), Image.Resampling.LANCZOS)) < 3


def test_ten_bits_of_gray():
    deep = (np.asarray(photo(64, 48, "L")).astype("<u2") * 257).tobytes()
    out = io.BytesIO()
    pillow_heif.from_bytes("I;16", (64, 48), deep).save(out, quality=90)
    assert difference(shown(out.getvalue(), 64), photo(64, 48, "L")) < 3


def test_premultiplied_colours():
    straight = photo(64, 48, "RGBA")
    out = io.BytesIO()
    pixels = straight.convert("RGBa").tobytes()
    pillow_heif.from_bytes("RGBa", (64, 48), pixels).save(out, quality=-1)
    assert pi_heif.open_heif(out.getvalue()).premultiplied_alpha
    assert difference(shown(out.getvalue(), 64), straight) < 3


def test_kept_format(content):
    assert thumbnail(content, 50).format == "jpeg"
    assert thumbnail(heic(photo(64, 48, "RGBA")), 50).format == "png"


TURNS = {1: Image.Transpose.ROTATE_90, 2: Image.Transpose.ROTATE_180, 3: Image.Transpose.ROTATE_270}
MIRRORS = {None: None, 0: Image.Transpose.FLIP_TOP_BOTTOM, 1: Image.Transpose.FLIP_LEFT_RIGHT}


@pytest.mark.parametrize("mirror", MIRRORS)
@pytest.mark.parametrize("quarters", range(4))
def test_rotation_and_mirror(picture, quarters, mirror):
    content = turned_heic(picture, quarters, mirror)
    expected = picture.transpose(TURNS[quarters]) if quarters else picture
    if mirror is not None:
        expected = expected.transpose(MIRRORS[mirror])
    assert difference(shown(content), expected) < 3
    info = probe(content)
    assert (info.width, info.height) == expected.size


def test_the_orientation_is_applied_once(picture):
    """Phones write the rotation twice: as a property of the image, and in EXIF."""
    exif = Image.Exif()
    exif[0x0112] = 6
    content = heic(picture, exif=exif.tobytes())
    assert b"irot" in content
    assert pi_heif.open_heif(content).info["exif"] is not None
    assert difference(shown(content), picture.transpose(Image.Transpose.ROTATE_270)) < 3


def test_profile(picture):
    profile = wide_rgb_profile()
    plain, wide = heic(picture), heic(picture, icc_profile=profile)
    assert probe(wide).icc
    assert not probe(plain).icc
    out = io.BytesIO()
    picture.save(out, "PNG", icc_profile=profile)
    expected = shown(out.getvalue(), 100)
    assert difference(shown(wide, 100), expected) < 3
    assert difference(shown(plain, 100), expected) > 5


def test_primaries(picture):
    """12: Display P3, whose colours are more saturated than those of sRGB."""
    content = heic(picture, color_primaries=12, transfer_characteristics=13)
    assert difference(shown(content, 100), shown(heic(picture), 100)) > 2


def test_probe(content):
    info = probe(content)
    assert (info.width, info.height, info.format) == (320, 200, "heic")
    assert (info.frames, info.pages, info.orientation) == (1, 1, 1)
    assert info.decoded_size == 320 * 200 * 3
    assert probe(heic(photo(64, 48, "RGBA"))).has_alpha
    assert probe(heic(photo(64, 48, "L"))).decoded_size == 64 * 48


def test_placeholders(content, picture):
    out = io.BytesIO()
    picture.save(out, "PNG")
    assert placeholder(content).startswith("data:image/webp;base64,")
    assert (
        placeholder(content, kind="blurhash")[:6]
        == placeholder(out.getvalue(), kind="blurhash")[:6]
    )


def test_options(content, picture):
    made = shown(content, 60, 60, fit="cover", grayscale=True, gravity="smart", radius=5)
    assert made.size == (60, 60)
    assert shown(content, trim=True).size == (320, 200)
    framed = ImageOps.expand(picture, 40, "white")
    trimmed = shown(heic(framed, chroma=444), trim=30)
    assert abs(trimmed.width - 320) <= 4
    assert abs(trimmed.height - 200) <= 4


def test_pages(content):
    assert shown(content, 50, page=1).size == (50, 31)
    with pytest.raises(SpecError, match="page 2 does not exist; the number of pages is 1"):
        thumbnail(content, 50, page=2)


def test_the_limits_are_checked_before_decoding(content, monkeypatch):
    def data(_):
        raise AssertionError("decoded")

    monkeypatch.setattr(pi_heif.HeifImage, "data", property(data))
    for limits in (Limits(max_memory=320 * 200 * 3 - 1), Limits(max_pixels=320 * 200 - 1)):
        with pytest.raises(ImageTooLarge):
            thumbnail(content, 50, limits=limits)
    with pytest.raises(ImageTooLarge, match="side of the thumbnail"):
        thumbnail(content, 50, limits=Limits(max_side=49))
    with pytest.raises(ImageTooLarge, match="bytes exceed"):
        thumbnail(content, 50, limits=Limits(max_bytes=len(content) - 1))


def test_the_time_limit(content):
    with pytest.raises(RenderTimeout):
        thumbnail(content, 50, limits=Limits(timeout=0))


def marked(picture, color):
    """Return a picture that differs from the one whose preview it is, to tell them apart."""
    return Image.blend(picture, Image.new("RGB", picture.size, color), 0.5)


@pytest.mark.parametrize("quarters", [0, 1])
@pytest.mark.parametrize(("width", "is_preview"), [(40, True), (80, True), (81, False)])
def test_a_preview_that_is_large_enough(picture, width, is_preview, quarters):
    preview = marked(picture.resize((80, 50), Image.Resampling.LANCZOS), "red")
    content = heic_with_preview(picture, preview, quarters=quarters)
    whole = heic_with_preview(picture, picture.resize((8, 5)), quarters=quarters)
    side = "width" if quarters == 0 else "height"
    made, expected = shown(content, **{side: width}), shown(whole, **{side: width})
    assert made.size == expected.size
    assert (difference(made, expected) > 20) == is_preview
    info = probe(content)
    assert (info.width, info.height) == ((320, 200) if quarters == 0 else (200, 320))


@pytest.mark.parametrize(
    ("size", "preview_quarters"),
    [((80, 80), 0), ((80, 50), 2), ((80, 50), 1)],
    ids=["other proportions", "upside down", "on its side"],
)
def test_a_preview_that_shows_something_else(picture, size, preview_quarters):
    preview = marked(picture.resize(size), "red")
    content = heic_with_preview(picture, preview, preview_quarters=preview_quarters)
    assert difference(shown(content, 40), shown(heic(picture), 40)) < 3


def test_the_preview_is_cheaper(picture):
    """The whole image exceeds the limit, but is not decoded."""
    content = heic_with_preview(picture, picture.resize((80, 50)))
    limits = Limits(max_pixels=320 * 200 - 1)
    assert shown(content, 40, limits=limits).size == (40, 25)
    with pytest.raises(ImageTooLarge):
        thumbnail(content, 100, limits=limits)


def test_a_damaged_preview(picture):
    content = heic_with_preview(picture, marked(picture.resize((80, 50)), "red"))
    at = content.rindex(b"mdat")
    broken = content[: at + 4] + bytes(100) + content[at + 104 :]
    with pytest.raises(ThumbnailError):
        thumbnail(broken)


SEEDS = {
    "rgb": lambda: heic(photo(64, 48)),
    "alpha": lambda: heic(photo(64, 48, "RGBA")),
    "profile": lambda: heic(photo(64, 48), icc_profile=wide_rgb_profile()),
    "deep": lambda: deep_heic(photo(64, 48)),
    "turned": lambda: turned_heic(photo(64, 48), 1, 0),
    "preview": lambda: heic_with_preview(photo(64, 48), photo(32, 24)),
}


@pytest.mark.parametrize("name", SEEDS)
def test_damaged_files(name):
    """Every damaged file results in a picture or an error of ours."""
    content, chance = SEEDS[name](), random.Random(name)
    outcomes = set()
    for number in range(DAMAGED // len(SEEDS)):
        broken = bytearray(content)
        if number % 3 == 0:
            broken = broken[: chance.randrange(len(broken))]
        else:
            # Most of the structure is at the start.
            end = len(broken) if number % 3 == 1 else min(600, len(broken))
            for _ in range(chance.randint(1, 8)):
                broken[chance.randrange(12, end)] ^= 1 << chance.randrange(8)
        try:
            made = thumbnail(bytes(broken), 32, limits=Limits(max_memory=2**24))
        except ThumbnailError as error:
            outcomes.add(type(error))
        else:
            outcomes.add(type(made))
    assert CorruptImage in outcomes


def test_brands():
    def head(*brands):
        return (
            (8 + 4 + 4 * len(brands)).to_bytes(4)
            + b"ftyp"
            + brands[0]
            + bytes(4)
            + b"".join(brands[1:])
        )

    assert decoder.matches(head(b"heic", b"mif1"))
    assert decoder.matches(head(b"mif1", b"heic"))
    assert not decoder.matches(head(b"mp42", b"isom"))
    assert not decoder.matches(b"")
    # pi-heif does not decode AVIF.
    assert not decoder.matches(head(b"mif1", b"avif", b"miaf"))
