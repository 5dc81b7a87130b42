"""Thumbnails of JPEG XL images: `photo(48, 30)`, encoded by cjxl 0.7."""

import random
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from xaccel import Limits, probe, thumbnail
from xaccel.exceptions import (
    CorruptImage,
    ImageTooLarge,
    RenderTimeout,
    ThumbnailError,
    UnsupportedImage,
)

from tests.support.thumbnail_images import difference, opened, photo

IMAGES = Path(__file__).parent / "images"


def content(name):
    return (IMAGES / f"{name}.jxl").read_bytes()


@pytest.mark.parametrize(
    ("name", "mode"),
    [("lossless", "RGB"), ("opacity", "RGBA"), ("gray", "L"), ("gray-opacity", "LA")],
)
def test_lossless(name, mode):
    made = opened(thumbnail(content(name), 48, 30, format="png"))
    shown = "RGBA" if mode.endswith("A") else "RGB"
    expected = photo(48, 30, mode).convert(shown)
    assert np.array_equal(np.asarray(made.convert(shown)), np.asarray(expected))


@pytest.mark.parametrize("name", ["lossy", "recompressed", "animated"])
def test_lossy(name):
    made = opened(thumbnail(content(name), 48, 30, format="png"))
    assert difference(made.convert("RGB"), photo(48, 30)) < 1


def test_upright():
    info = probe(content("turned"))
    assert (info.width, info.height, info.orientation) == (30, 48, 6)
    made = opened(thumbnail(content("turned"), 30, 48, format="png")).convert("RGB")
    assert difference(made, photo(48, 30).transpose(Image.Transpose.ROTATE_270)) < 1.5


@pytest.mark.parametrize(
    ("name", "frames", "has_alpha", "output"),
    [
        ("lossy", 1, False, "jpeg"),
        ("opacity", 1, True, "png"),
        ("gray-opacity", 1, True, "png"),
        ("animated", 3, False, "jpeg"),
    ],
)
def test_header(name, frames, has_alpha, output):
    info = probe(content(name))
    assert (info.format, info.frames, info.has_alpha) == ("jxl", frames, has_alpha)
    assert thumbnail(content(name), 20).format == output


def test_animation():
    made = opened(thumbnail(content("animated"), 24, format="webp"))
    assert made.n_frames == 3
    few = thumbnail(content("animated"), 24, format="webp", limits=Limits(max_frames=2))
    assert opened(few).n_frames == 2


def test_hdr():
    # The middle of the picture remains visible: neither black nor clipped.
    made = opened(thumbnail(content("hdr"), 48, 30, format="png")).convert("RGB")
    assert difference(made, photo(48, 30)) < 40
    with pytest.raises(UnsupportedImage, match="gray JPEG XL in HDR"):
        probe(content("gray-hdr"))


def test_limits():
    source = content("lossless")
    # Three bytes of each pixel are returned, and the decoder needs six.
    needed = 48 * 30 * 9
    thumbnail(source, 20, limits=Limits(max_memory=needed))
    with pytest.raises(ImageTooLarge):
        thumbnail(source, 20, limits=Limits(max_memory=needed - 1))
    with pytest.raises(RenderTimeout):
        thumbnail(source, 20, limits=Limits(timeout=0))


@pytest.mark.parametrize("count", [12, pytest.param(200, marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", ["lossless", "lossy", "recompressed", "animated", "opacity"])
def test_damage(name, count):
    source = content(name)
    chance = random.Random(name)
    for _ in range(count):
        damaged = bytearray(source)
        damaged[chance.randrange(2, len(source))] ^= 1 << chance.randrange(8)
        for file in (bytes(damaged), source[: chance.randrange(12, len(source))]):
            try:
                made = thumbnail(file, 20, format="png")
            except ThumbnailError as error:
                assert "panicked" not in str(error)  # noqa: PT017  a picture is fine too
            else:
                assert opened(made).width <= 20


def test_cut_off():
    with pytest.raises(CorruptImage, match="truncated"):
        thumbnail(content("lossless")[:40], 20)
    # The first frame is whole.
    source = content("animated")
    made = thumbnail(source[: len(source) - 40], 20, format="webp")
    assert not made.is_complete
