"""How a thumbnail is written: JPEG's scans and colour, palettes of PNG and GIF. Oracle: Pillow."""

import numpy as np
import pytest
from PIL import Image, JpegImagePlugin
from xaccel._core import Spec, render, thumbnail, thumbnail_many

from tests.support.thumbnail_images import difference, encoded, opened, photo, photo_file

SAMPLINGS = {"444": 0, "422": 1, "420": 2}


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("subsampling", SAMPLINGS)
@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_jpeg(progressive, subsampling, kind):
    source = photo_file(kind)
    options = {"format": "jpeg", "progressive": progressive, "subsampling": subsampling}
    made = thumbnail(source, 320, **options)
    picture = opened(made)
    assert picture.info.get("progressive", 0) == progressive
    assert JpegImagePlugin.get_sampling(picture) == SAMPLINGS[subsampling]
    expected = photo().resize(picture.size, Image.Resampling.LANCZOS)
    assert difference(picture, expected) < 3
    assert [one.data for one in thumbnail_many([source], 320, **options)] == [made.data]


def test_jpeg_is_baseline_and_halves_color_by_default():
    picture = opened(thumbnail(photo_file("JPEG"), 320))
    assert "progressive" not in picture.info
    assert JpegImagePlugin.get_sampling(picture) == SAMPLINGS["420"]


@pytest.mark.parametrize("subsampling", ["444", "4:4:4", 444])
def test_subsampling_has_one_spelling_in_a_spec(subsampling):
    spec = Spec(300, subsampling=subsampling, progressive=True)
    assert str(spec) == "300x-,progressive,ss-444"
    assert (spec.subsampling, spec.progressive) == ("444", True)
    assert spec.replace(progressive=None, subsampling=None) == Spec(300)


@pytest.mark.parametrize("spec", ["64x64", "64x64,baseline,ss-420", "64x64,progressive,ss-444"])
@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("subsampling", SAMPLINGS)
def test_a_spec_overrules_the_settings_of_the_encoder(spec, progressive, subsampling):
    spec = Spec.parse(spec)
    made = render(
        photo_file("PNG"),
        spec,
        format="jpeg",
        progressive=progressive,
        subsampling=subsampling,
    )
    picture = opened(made)
    expected = progressive if spec.progressive is None else spec.progressive
    assert picture.info.get("progressive", 0) == expected
    assert JpegImagePlugin.get_sampling(picture) == SAMPLINGS[spec.subsampling or subsampling]


def test_render_refuses_another_subsampling():
    with pytest.raises(ValueError, match="subsampling must be 420, 422 or 444"):
        render(photo_file("PNG"), Spec(9), format="jpeg", subsampling="411")


@pytest.mark.parametrize("image_format", ["png", "webp", "gif"])
def test_other_formats_ignore_the_options_of_jpeg(image_format):
    source = photo_file("PNG", 160, 120)
    plain, other = (
        thumbnail(source, 80, format=image_format, **options).data
        for options in ({}, {"progressive": True, "subsampling": "444"})
    )
    assert plain == other


def test_full_color_is_kept_on_the_way():
    """Also at one eighth, where a decoder may leave out half of it."""
    columns = np.indices((480, 768))[1] // 8 % 2
    stripes = np.where(columns[..., None], (255, 0, 0), (0, 0, 255)).astype(np.uint8)
    source = encoded(Image.fromarray(stripes), "JPEG", quality=95, subsampling=0)
    small = Image.fromarray(stripes).resize((60, 38), Image.Resampling.LANCZOS)
    found = [
        difference(
            opened(thumbnail(source, 60, format="jpeg", quality=100, subsampling=name)), small
        )
        for name in ("444", "420")
    ]
    assert found[0] < found[1] / 2


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L"])
@pytest.mark.parametrize("colors", [2, 16, 256])
def test_palette_of_a_png(mode, colors):
    source = photo_file("PNG", 320, 200, mode)
    picture = opened(thumbnail(source, 160, format="png", colors=colors))
    assert picture.mode == "P"
    used = picture.convert("RGBA").getcolors(257)
    assert used is not None
    assert 2 <= len(used) <= colors
    if colors == 256:
        expected = photo(320, 200, mode).resize(picture.size, Image.Resampling.LANCZOS)
        assert difference(picture, expected) < 6


def test_a_palette_is_exact_where_it_can_be():
    source = encoded(photo(64, 64).quantize(12), "PNG")
    for colors in (None, 12, 256):
        assert difference(opened(thumbnail(source, colors=colors)), photo(64, 64).quantize(12)) == 0
    assert len(opened(thumbnail(source, colors=5)).getcolors()) <= 5


def test_a_png_of_many_colors_has_no_palette_unasked():
    assert opened(thumbnail(photo_file("PNG"), 160)).mode == "RGB"


@pytest.mark.parametrize("colors", [2, 16])
def test_palette_of_a_gif(colors):
    picture = opened(thumbnail(photo_file("PNG"), 160, format="gif", colors=colors))
    assert 2 <= len(picture.convert("RGB").getcolors(256)) <= colors


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"subsampling": "4:1:1"}, "the value of 'ss' must be 420, 422 or 444"),
        ({"colors": 1}, "colors must be 2 to 256, not 1"),
        ({"colors": 257}, "colors must be 2 to 256, not 257"),
    ],
)
def test_wrong_values(options, message):
    source = photo_file("PNG")
    with pytest.raises(ValueError, match=message):
        thumbnail(source, 64, **options)
    with pytest.raises(ValueError, match=message):
        thumbnail_many([source], 64, **options)


@pytest.mark.parametrize("mode", ["L", "LA", "P", "RGB"])
def test_a_jpeg_without_colour_has_one_component(mode):
    gray = photo().convert("L")
    source = encoded(gray.convert("RGB").quantize(16) if mode == "P" else gray.convert(mode), "PNG")
    assert opened(thumbnail(source, 60, format="jpeg")).mode == "L"
    assert opened(thumbnail(photo_file("PNG"), 60, format="jpeg")).mode == "RGB"
