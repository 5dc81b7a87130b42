"""Files that need only their start, and files that need more."""

import io

import pytest
from PIL import Image, ImageFilter
from xaccel import thumbnail
from xaccel._core import placeholder, probe


@pytest.fixture(scope="module")
def progressive():
    picture = Image.effect_noise((2400, 1600), 80).filter(ImageFilter.GaussianBlur(1))
    out = io.BytesIO()
    picture.convert("RGB").save(out, "JPEG", quality=92, progressive=True)
    return out.getvalue()


@pytest.mark.slow
@pytest.mark.parametrize("width", [90, 140, 400, 1200, 2400])
def test_a_path_gives_what_the_bytes_give(tmp_path, progressive, width):
    path = tmp_path / "picture.jpg"
    path.write_bytes(progressive)
    for options in ({}, {"format": "png"}, {"linear": True}, {"gravity": "smart", "fit": "cover"}):
        expected = thumbnail(progressive, width, width, **options)
        assert thumbnail(path, width, width, **options).data == expected.data
    assert placeholder(path) == placeholder(progressive)
    assert probe(path).width == 2400


def test_the_end_is_not_looked_at_where_the_start_is_enough(tmp_path, progressive):
    path = tmp_path / "picture.jpg"
    path.write_bytes(progressive[: len(progressive) * 9 // 10] + bytes(len(progressive) // 10))
    assert thumbnail(path, 90, 90).data == thumbnail(progressive, 90, 90).data
