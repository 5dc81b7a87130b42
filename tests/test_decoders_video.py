"""Films, decoded by the plug-in `video`."""

import os
import random
from fractions import Fraction

import pytest
from PIL import Image
from xaccel import Limits, placeholder, probe, thumbnail
from xaccel.decoders import video as decoder
from xaccel.exceptions import (
    CorruptImage,
    ImageTooLarge,
    RenderTimeout,
    SpecError,
    ThumbnailError,
    UnsupportedImage,
)

from tests.support.films import film
from tests.support.thumbnail_images import difference, encoded, opened, photo

DAMAGED = int(os.environ.get("XACCEL_DAMAGED_FILES", "300"))
"""The number of damaged variants of each file."""

SIZE = (160, 96)
BLACK = Image.new("RGB", SIZE)


def shown(source, *size, **options):
    return opened(thumbnail(source, *size, format="png", **options)).convert("RGB")


@pytest.mark.parametrize(
    ("kind", "codec", "name"),
    [
        ("mp4", "libx264", "mp4"),
        ("mov", "libx264", "mp4"),
        ("mp4", "mpeg4", "mp4"),
        ("matroska", "libx264", "matroska"),
        ("webm", "libvpx-vp9", "matroska"),
    ],
)
def test_containers_and_codecs(kind, codec, name):
    picture = photo(*SIZE)
    source = film([picture] * 3, kind=kind, codec=codec)
    info = probe(source)
    assert (info.width, info.height, info.format, info.orientation) == (*SIZE, name, 1)
    assert difference(shown(source), picture) < 6
    small = picture.resize((80, 48), Image.Resampling.LANCZOS)
    assert difference(shown(source, 80), small) < 6


SHADES = [Image.new("RGB", SIZE, (20 + 5 * number, 60, 200 - 5 * number)) for number in range(30)]
"""A film of three seconds, in which every frame has a different colour."""


@pytest.mark.parametrize(
    ("kind", "codec", "options"),
    [
        ("mp4", "libx264", {}),
        ("mp4", "libx264", {"gop_size": 7, "max_b_frames": 2}),
        ("mov", "mpeg4", {"gop_size": 7, "bit_rate": 4_000_000}),
        ("matroska", "libx264", {"gop_size": 7}),
        ("webm", "libvpx-vp9", {"gop_size": 7}),
        # Browsers record films without an index.
        ("webm", "libvpx-vp9", {"gop_size": 7, "muxing": {"live": "1"}}),
    ],
)
def test_the_frame_at_a_time(kind, codec, options):
    source = film(SHADES, kind=kind, codec=codec, **options)
    for at in (0, 0.05, 0.1, 0.69, 0.7, 1.55, 2.2, 2.85, 2.9, 2.95, 3, 60, 86_400):
        found = shown(source, at=at)
        number = min(range(30), key=lambda number: difference(found, SHADES[number]))
        assert number == min(int(at * 10 + 0.001), 29), at
        assert difference(found, SHADES[number]) < 3


def test_a_time_may_show_a_black_frame():
    picture = photo(*SIZE)
    source = film([BLACK] * 5 + [picture] * 5)
    assert difference(shown(source), picture) < 6
    assert difference(shown(source, at=0), BLACK) < 3
    assert difference(shown(source, at=0.9), picture) < 6


def test_times_start_with_the_first_frame():
    source = film(SHADES, kind="matroska", first=100)
    assert difference(shown(source, at=1), SHADES[10]) < 3


def test_the_frames_between_a_keyframe_and_a_time_count_towards_the_time_limit():
    source = film(SHADES * 4, gop_size=1000)
    with pytest.raises(RenderTimeout):
        thumbnail(source, 60, at=11, limits=Limits(timeout=0.0001))


def test_films_do_not_have_numbered_frames():
    source = film([photo(*SIZE)] * 3)
    assert thumbnail(source, 60, frame=1).width == 60
    with pytest.raises(SpecError, match="frame 2 does not exist; the number of frames is 1"):
        thumbnail(source, 60, frame=2)


@pytest.mark.parametrize("name", ["JPEG", "GIF", "TIFF"])
def test_other_sources_ignore_the_time(name):
    source = encoded(photo(30, 20), name)
    assert thumbnail(source, 10, at=2.5).data == thumbnail(source, 10).data


@pytest.mark.parametrize(
    ("degrees", "turn"),
    [
        (90, Image.Transpose.ROTATE_90),
        (180, Image.Transpose.ROTATE_180),
        (270, Image.Transpose.ROTATE_270),
        (-90, Image.Transpose.ROTATE_270),
    ],
)
def test_rotation(degrees, turn):
    picture = photo(*SIZE)
    source, expected = film([picture], rotation=degrees), picture.transpose(turn)
    info = probe(source)
    assert (info.width, info.height) == expected.size
    assert difference(shown(source), expected) < 6


def test_pixels_that_are_not_square():
    source = film([photo(*SIZE)], sample_aspect_ratio=Fraction(3, 2))
    assert probe(source).width == 240
    assert shown(source).size == (240, 96)
    assert shown(film([photo(*SIZE)], sample_aspect_ratio=Fraction(3, 2), rotation=90)).size == (
        96,
        240,
    )


def test_the_poster_is_the_first_frame_that_is_not_black():
    dark = Image.blend(BLACK, photo(*SIZE), 0.08)
    source = film([BLACK] * 15 + [dark] * 5 + [photo(*SIZE)] + [Image.new("RGB", SIZE, "red")] * 9)
    assert difference(shown(source), photo(*SIZE)) < 6


def test_a_film_that_stays_black(monkeypatch):
    frames = [BLACK] * 40 + [Image.new("RGB", SIZE, "red")] * 10
    assert difference(shown(film(frames)), frames[-1]) < 6
    monkeypatch.setattr(decoder, "SECONDS", 2)
    assert difference(shown(film(frames)), BLACK) < 2


def test_only_the_start_is_decoded():
    picture = photo(*SIZE)
    source = film(
        [picture] + [Image.effect_noise(SIZE, 99).convert("RGB")] * 100,
        kind="webm",
        codec="libvpx-vp9",
    )
    # The rest of the file is missing.
    assert difference(shown(source[: len(source) // 2]), picture) < 6


def test_sources(tmp_path):
    source, path = film([photo(*SIZE)]), tmp_path / "a.mp4"
    path.write_bytes(source)
    expected = thumbnail(source, 50).data
    with path.open("rb") as file:
        assert [thumbnail(one, 50).data for one in (path, file)] == [expected] * 2
    assert placeholder(source).startswith("data:image/webp;base64,")
    with pytest.raises(SpecError, match="page 2 does not exist"):
        thumbnail(source, 50, page=2)


def test_limits():
    source = film([photo(*SIZE)])
    for limits in (Limits(max_pixels=160 * 96 - 1), Limits(max_memory=160 * 96 * 3 - 1)):
        with pytest.raises(ImageTooLarge):
            thumbnail(source, 50, limits=limits)
        with pytest.raises(ImageTooLarge):
            probe(source, limits=limits)
    with pytest.raises(RenderTimeout):
        thumbnail(source, 50, limits=Limits(timeout=0))


@pytest.mark.parametrize(("transfer", "name"), [(16, "HDR10"), (18, "HLG")])
def test_hdr(transfer, name):
    source = film([photo(*SIZE)], color_trc=transfer)
    for call in (thumbnail, probe):
        with pytest.raises(UnsupportedImage, match=rf"a film in HDR \({name}\) is not supported"):
            call(source)


def test_errors():
    head = b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom"
    with pytest.raises(CorruptImage, match="corrupt film"):
        thumbnail(head, 50)
    # A playlist would name other files.
    playlist = b"\0\0\0\x18ftypmp42\n#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n"
    with pytest.raises(ThumbnailError):
        thumbnail(playlist, 50)


@pytest.mark.parametrize("kind", ["mp4", "matroska"])
def test_a_title_that_is_not_utf_8(kind):
    picture = photo(*SIZE)
    source = film([picture], kind=kind, title="A cafe in Paris")
    assert source.count(b"A cafe in") == 1
    assert difference(shown(source.replace(b"A cafe in", b"A caf\xe9 in")), picture) < 6


SEEDS = {
    "mp4": lambda: film([photo(64, 48)] * 4),
    "mpeg4": lambda: film([photo(64, 48)] * 4, codec="mpeg4", kind="mov"),
    "webm": lambda: film([photo(64, 48)] * 4, codec="libvpx-vp9", kind="webm"),
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
        for _ in range(chance.randint(1, 8)):
            if len(broken) > 12:
                broken[chance.randrange(12, len(broken))] ^= 1 << chance.randrange(8)
        try:
            made = thumbnail(bytes(broken), 32, limits=Limits(max_memory=2**24, timeout=30))
        except ThumbnailError as error:
            outcomes.add(type(error))
        else:
            outcomes.add(type(made))
    assert len(outcomes) > 1
