"""The quality that is chosen by the score or by the size of the file."""

import functools
import io
import itertools
from pathlib import Path

import pytest
from PIL import Image
from xaccel import SpecError, thumbnail
from xaccel._core import Spec, render, thumbnail_many

from tests.support.thumbnail_images import opened

SUBJECTS = Path(__file__).parent / "subjects"
PHOTOS = ["coffee.jpg", "cat.jpg", "parrot.jpg"]
WIDTH = 120
LOSSY = {"jpeg": 78, "webp": 80, "avif": 80}
"""The formats with a quality, and their default qualities."""
LOWEST = 10
"""The lowest quality for `max_bytes`."""
AUTO_LOWEST, AUTO_HIGHEST = 30, 94
"""The range for the quality `auto`."""


@functools.cache
def png(photo):
    """Return a photograph without loss, whose chroma is never decoded at half the resolution."""
    return thumbnail(SUBJECTS / photo, 2 * WIDTH, format="png").data


@functools.cache
def made(photo, kind, target=70, **options):
    return render(png(photo), Spec(WIDTH, **options), format=kind, quality_target=target)


def size(photo, kind, target=70, **options):
    return len(made(photo, kind, target, **options).data)


def quality_of(one, photo, kind, qualities):
    """Return the highest fixed quality with which a thumbnail is the same.

    AVIF has fewer quantizers than there are qualities.
    """
    same = (it for it in reversed(qualities) if made(photo, kind, quality=it).data == one.data)
    return next(same, None)


AUTO = range(AUTO_LOWEST, AUTO_HIGHEST + 1)


@pytest.mark.parametrize("kind", ["jpeg", "webp"])
@pytest.mark.parametrize("photo", PHOTOS)
def test_a_higher_target_takes_a_higher_quality(photo, kind):
    targets = (60, 70, 80)
    files = [made(photo, kind, target, quality="auto") for target in targets]
    qualities = [quality_of(file, photo, kind, AUTO) for file in files]
    assert None not in qualities
    assert all(one < other for one, other in itertools.pairwise(qualities)), qualities
    sizes = [len(file.data) for file in files]
    assert all(one < other for one, other in itertools.pairwise(sizes)), sizes


@pytest.mark.parametrize("kind", LOSSY)
def test_the_quality_stays_in_its_range(kind):
    for target, limit in ((1, AUTO_LOWEST), (100, AUTO_HIGHEST)):
        file = made("coffee.jpg", kind, target, quality="auto")
        assert file.data == made("coffee.jpg", kind, quality=limit).data


@pytest.mark.parametrize("kind", ["jpeg", "webp"])
def test_the_target_of_a_jpeg_source_is_reached_with_all_its_chroma(kind):
    source = SUBJECTS / "cat.jpg"
    sizes = [
        len(render(source, Spec(WIDTH, quality="auto"), format=kind, quality_target=target).data)
        for target in (50, 70, 85)
    ]
    assert sizes == sorted(set(sizes))


@pytest.mark.parametrize("kind", LOSSY)
def test_max_bytes_takes_the_best_quality_that_fits(kind):
    photo = "coffee.jpg"
    usual, least = size(photo, kind), size(photo, kind, quality=LOWEST)
    for part in (0.1, 0.5, 0.9):
        limit = round(least + (usual - least) * part)
        file = made(photo, kind, max_bytes=limit)
        assert len(file.data) <= limit
        quality = quality_of(file, photo, kind, range(LOWEST, LOSSY[kind]))
        assert size(photo, kind, quality=quality + 1) > limit
    assert made(photo, kind, max_bytes=usual).data == made(photo, kind).data


@pytest.mark.parametrize("kind", LOSSY)
def test_a_file_that_cannot_fit_has_the_lowest_quality(kind):
    file = made("cat.jpg", kind, max_bytes=1)
    assert file.data == made("cat.jpg", kind, quality=LOWEST).data
    low = made("cat.jpg", kind, quality=LOWEST - 5)
    assert made("cat.jpg", kind, quality=LOWEST - 5, max_bytes=1).data == low.data


@pytest.mark.parametrize("kind", LOSSY)
def test_auto_and_max_bytes_both_apply(kind):
    auto = made("cat.jpg", kind, quality="auto")
    size_of_auto = len(auto.data)
    assert made("cat.jpg", kind, quality="auto", max_bytes=size_of_auto).data == auto.data
    limit = (size_of_auto + size("cat.jpg", kind, quality=LOWEST)) // 2
    file = made("cat.jpg", kind, quality="auto", max_bytes=limit)
    assert len(file.data) <= limit
    quality = quality_of(file, "cat.jpg", kind, range(LOWEST, AUTO_HIGHEST))
    assert size("cat.jpg", kind, quality=quality + 1) > limit
    best = made("cat.jpg", kind, 100, quality="auto", max_bytes=limit)
    assert best.data == file.data


def test_max_bytes_applies_to_the_shortcut_for_jpeg_sources():
    source = SUBJECTS / "coffee.jpg"
    usual = len(thumbnail(source, WIDTH).data)
    file = thumbnail(source, WIDTH, max_bytes=usual * 2 // 3)
    assert usual // 3 < len(file.data) <= usual * 2 // 3
    assert any(file.data == thumbnail(source, WIDTH, quality=it).data for it in range(10, 85))


@pytest.mark.parametrize("kind", ["png", "gif"])
def test_formats_without_a_quality_ignore_both_options(kind):
    plain = made("cat.jpg", kind)
    assert made("cat.jpg", kind, quality="auto", max_bytes=100).data == plain.data


def test_transparent_pictures_have_a_score():
    with Image.open(SUBJECTS / "cat.jpg") as picture:
        picture.putalpha(Image.linear_gradient("L").resize(picture.size))
        out = io.BytesIO()
        picture.save(out, "PNG")
    sizes = []
    for target in (70, 80, 90):
        spec = Spec(WIDTH, quality="auto")
        file = render(out.getvalue(), spec, format="webp", quality_target=target)
        assert opened(file).mode == "RGBA"
        sizes.append(len(file.data))
    assert sizes == sorted(set(sizes))


def test_one_quality_applies_to_an_animation():
    with Image.open(io.BytesIO(png("cat.jpg"))) as picture:
        frames = [picture.rotate(angle) for angle in (0, 90, 180)]
    out = io.BytesIO()
    frames[0].save(out, "WEBP", save_all=True, append_images=frames[1:], lossless=True)

    def animated(**options):
        return render(out.getvalue(), Spec(120, **options), format="webp")

    file = animated(quality="auto")
    assert opened(file).n_frames == 3
    quality = next(it for it in AUTO if animated(quality=it).data == file.data)
    smaller = animated(quality="auto", max_bytes=len(file.data) * 2 // 3)
    assert opened(smaller).n_frames == 3
    assert len(smaller.data) <= len(file.data) * 2 // 3
    assert any(animated(quality=it).data == smaller.data for it in range(LOWEST, quality))


def test_thumbnail_aims_at_the_default_target():
    options = {"quality": "auto", "format": "webp"}
    file = thumbnail(png("cat.jpg"), WIDTH, **options)
    assert file.data == made("cat.jpg", "webp", 70, quality="auto").data
    assert [it.data for it in thumbnail_many([png("cat.jpg")], WIDTH, **options)] == [file.data]


@pytest.mark.parametrize("target", [50, 80])
def test_thumbnail_aims_at_another_target(target):
    options = {"quality": "auto", "format": "webp", "quality_target": target}
    file = thumbnail(png("cat.jpg"), WIDTH, **options)
    assert file.data == made("cat.jpg", "webp", target, quality="auto").data
    assert file.data != made("cat.jpg", "webp", 70, quality="auto").data
    assert [it.data for it in thumbnail_many([png("cat.jpg")], WIDTH, **options)] == [file.data]


def test_large_pictures_are_scored_by_a_sample():
    spec = Spec(900, 700, fit="fill", upscale=True, quality="auto")
    low, high = (
        render(png("cat.jpg"), spec, format="jpeg", quality_target=target) for target in (40, 80)
    )
    assert opened(low).size == opened(high).size == (900, 700)
    assert len(low.data) < len(high.data)


@pytest.mark.parametrize(
    ("text", "quality", "limit"),
    [
        ("240x-,q-auto", "auto", None),
        ("240x-,max-bytes-9000", None, 9000),
        ("240x-,q-auto,max-bytes-9000,webp", "auto", 9000),
        ("240x-,q-80,max-bytes-4294967295", 80, 2**32 - 1),
    ],
)
def test_the_text_of_a_spec(text, quality, limit):
    spec = Spec.parse(text)
    assert (spec.quality, spec.max_bytes) == (quality, limit)
    assert str(spec) == text
    assert Spec(240, quality=quality, max_bytes=limit, format=spec.format) == spec


@pytest.mark.parametrize(
    "option",
    ["q-Auto", "q-", "q-101", "q-auto-1", "max-bytes-0", "max-bytes-9k", "max-bytes-4294967296"],
)
def test_other_text_is_refused(option):
    with pytest.raises(SpecError, match=r"1 to 100, or auto|bytes from 1 to 4294967295"):
        Spec.parse(f"240x-,{option}")


@pytest.mark.parametrize("target", [0, 101, -1])
def test_a_target_out_of_range_is_refused(target):
    message = f"quality_target .*1 to 100, not {target}"
    with pytest.raises(ValueError, match=message):
        render(png("cat.jpg"), Spec(9), format="jpeg", quality_target=target)
    with pytest.raises(ValueError, match=message):
        thumbnail(png("cat.jpg"), 9, quality_target=target)
    with pytest.raises(ValueError, match=message):
        thumbnail_many([png("cat.jpg")], 9, quality_target=target)
