"""What a thumbnail shows: the same at every density, with whole pixels, and never enlarged."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from PIL import Image
from xaccel import Spec, thumbnail

from tests.support.thumbnail_images import encoded, opened, photo_file

SIDES = st.integers(1, 400)


@settings(deadline=None)
@given(
    source=st.tuples(st.integers(20, 2000), st.integers(20, 2000)),
    box=st.tuples(st.integers(20, 2000), st.integers(20, 2000)),
    fit=st.sampled_from(["contain", "cover", "fill", "pad"]),
    dpr=st.sampled_from([1.5, 2, 3]),
    upscale=st.booleans(),
)
def test_the_proportions_are_those_at_one(source, box, fit, dpr, upscale):
    once = Spec(*box, fit=fit, upscale=upscale).output_size(*source)
    more = Spec(*box, fit=fit, upscale=upscale, dpr=dpr).output_size(*source)
    # The box at this density is rounded to whole pixels, and then so is the size.
    box_rounding = 1 + 0.5 / (dpr * min(box))
    for one, many in zip(once, more, strict=True):
        assert one - 1 <= many <= dpr * (one + 0.5) * box_rounding + 1
    # A side is off by less than a pixel.
    ratio = more[0] / once[0]
    assert abs(more[1] - once[1] * ratio) <= (1 + ratio) * (1 + once[1] / once[0])


@settings(deadline=None)
@given(
    source=st.tuples(SIDES, SIDES),
    box=st.tuples(SIDES | st.none(), SIDES | st.none()),
    fit=st.sampled_from(["contain", "cover", "fill"]),
    dpr=st.sampled_from([None, 2]),
)
def test_nothing_is_enlarged(source, box, fit, dpr):
    width, height = Spec(*box, fit=fit, dpr=dpr).output_size(*source)
    assert width <= source[0]
    assert height <= source[1]


@pytest.mark.parametrize(
    ("fit", "size"),
    [("contain", (300, 225)), ("cover", (225, 225)), ("fill", (225, 225)), ("pad", (500, 500))],
)
def test_a_source_smaller_than_the_box(fit, size):
    source = photo_file("PNG", 300, 225)
    made = thumbnail(source, 500, 500, fit=fit)
    assert (made.width, made.height) == size
    enlarged = thumbnail(source, 500, 500, fit=fit, upscale=True)
    assert max(enlarged.width, enlarged.height) == 500


@pytest.mark.parametrize("dpr", [1, 1.25, 2, 3])
@pytest.mark.parametrize("upscale", [False, True])
def test_padding_shows_the_same_at_every_density(dpr, upscale):
    source = encoded(Image.new("RGB", (400, 300), "red"), "PNG")
    options = {"fit": "pad", "background": "000000", "upscale": upscale, "format": "png"}
    made = opened(thumbnail(source, 300, 200, dpr=dpr, **options))
    share = np.asarray(made.convert("RGB"))[..., 0].astype(float).mean() / 255
    assert abs(share - 267 * 200 / (300 * 200)) < 0.005
    assert made.width / made.height == pytest.approx(1.5, abs=0.01)


@pytest.mark.parametrize("size", [(640, 400), (997, 613)])
@pytest.mark.parametrize("box", [(13, 7, 201, 99), (0, 0, 333, 77), (101, 203, 300, 150)])
def test_a_crop_of_whole_pixels_is_not_resampled(size, box):
    picture = Image.fromarray(
        np.random.default_rng(7).integers(0, 256, (*size[::-1], 3), dtype=np.uint8)
    )
    left, top, width, height = box
    crop = (left / size[0], top / size[1], width / size[0], height / size[1])
    made = opened(thumbnail(encoded(picture, "PNG"), crop=crop, format="png"))
    expected = picture.crop((left, top, left + width, top + height))
    assert made.size == expected.size
    assert np.array_equal(np.asarray(made), np.asarray(expected))
