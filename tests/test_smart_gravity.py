"""`gravity="smart"` on photographs with a known subject, compared with a central crop."""

import io
import statistics
from functools import lru_cache

import pytest
from PIL import Image
from xaccel import thumbnail

from tests.support.subjects import PHOTOS, Composed, Subject, composed, locate, share
from tests.support.thumbnail_images import encoded

pytestmark = pytest.mark.slow

SHAPES = ((1, 1), (2, 3), (3, 2), (16, 9))


@lru_cache
def shares(subject: Subject | Composed, gravity: str) -> list[float]:
    source = encoded(subject.picture, "PNG")
    found = []
    for shape in SHAPES:
        width, height = shape[0] * 180 // max(shape), shape[1] * 180 // max(shape)
        made = thumbnail(source, width, height, fit="cover", gravity=gravity, format="png")
        place = locate(subject.picture, Image.open(io.BytesIO(made.data)))
        found.append(share(subject.picture.size, (width, height), place, subject.box))
    return found


@pytest.mark.parametrize("subject", PHOTOS, ids=lambda subject: subject.name)
def test_no_photograph_is_cropped_worse_than_around_the_middle(subject):
    smart, centered = (statistics.mean(shares(subject, gravity)) for gravity in ("smart", "c"))
    assert smart > centered - 0.03


def test_subjects_off_the_middle_are_found():
    cropped = [
        pair
        for subject in PHOTOS
        for pair in zip(shares(subject, "smart"), shares(subject, "c"), strict=True)
        if pair[1] < 0.9
    ]
    smart, centered = (statistics.mean(side) for side in zip(*cropped, strict=True))
    assert smart > centered + 0.1


def test_subjects_in_unusual_places_are_found():
    for subject in composed():
        smart, centered = shares(subject, "smart"), shares(subject, "c")
        assert statistics.mean(smart) > 0.9, subject.name
        assert all(one > other - 0.03 for one, other in zip(smart, centered, strict=True))
