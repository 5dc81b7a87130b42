"""The bytes of files in comparison with their scores."""

import functools
import io
import statistics
from pathlib import Path

import pytest
from PIL import Image
from xaccel import thumbnail
from xaccel._core import score

PHOTOS = sorted((Path(__file__).parents[1] / "examples/flask_gallery/photos").glob("*.jpg"))


@functools.cache
def png(photo):
    return thumbnail(photo, 300, 300, format="png").data


def scored(photo, kind, **options):
    file = thumbnail(png(photo), format=kind, **options).data
    return score(png(photo), file), len(file)


def by_libjpeg(photo, quality, subsampling="4:2:0"):
    stream = io.BytesIO()
    with Image.open(io.BytesIO(png(photo))) as picture:
        options = {"quality": quality, "optimize": True, "subsampling": subsampling}
        picture.convert("RGB").save(stream, "JPEG", **options)
    return score(png(photo), stream.getvalue()), len(stream.getvalue())


def bytes_at(photo, wanted, **options):
    """Return the bytes of the JPEG with the lowest quality that reaches this score."""
    files = (scored(photo, "jpeg", quality=it, **options) for it in range(60, 101))
    return next(size for made, size in files if made >= wanted)


@pytest.mark.parametrize("subsampling", ["4:2:0", "4:2:2", "4:4:4"])
def test_jpegs_are_smaller_than_those_of_libjpeg_with_the_same_score(subsampling):
    ratios = []
    for photo in PHOTOS:
        wanted, size = by_libjpeg(photo, 80, subsampling)
        name = subsampling.replace(":", "")
        ratios.append(bytes_at(photo, wanted, subsampling=name) / size)
    assert statistics.mean(ratios) < 0.97, ratios


@pytest.mark.parametrize("quality", [80, 90])
def test_a_quality_has_the_score_of_libjpegs(quality):
    differences = [
        scored(photo, "jpeg", quality=quality)[0] - by_libjpeg(photo, quality)[0]
        for photo in PHOTOS
    ]
    assert abs(statistics.mean(differences)) < 1.5, differences


def test_the_default_qualities_have_the_same_score():
    means = [
        statistics.mean(scored(photo, kind)[0] for photo in PHOTOS)
        for kind in ("jpeg", "webp", "avif")
    ]
    assert max(means) - min(means) < 2, means
