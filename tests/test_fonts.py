"""The fonts for text in SVG files."""

import shutil

import pytest
from xaccel import ConfigError, placeholder, probe, thumbnail
from xaccel._core import font_fingerprint
from xaccel.config import Config
from xaccel.doctor.fonts import examine_fonts

from tests.support.fonts import DIRECTORY, MONOSPACE, SANS
from tests.support.thumbnail_images import opened

TEXT = b"<svg xmlns='http://www.w3.org/2000/svg'%s><text y='20' font-size='20'>ill</text></svg>"
SIZED = TEXT % b" width='60' height='30'"


def inked(fonts, source=SIZED):
    """The number of pixels with ink, and the column of the last one."""
    picture = opened(thumbnail(source, 240, 120, fonts=fonts)).convert("RGBA").getchannel("A")
    box = picture.getbbox()
    return sum(picture.histogram()[128:]), box and box[2]


def test_fonts_in_files_and_directories(tmp_path):
    sans, monospace = inked([SANS]), inked([str(MONOSPACE)])
    assert sans[0] > 100
    # In a monospaced font, narrow letters are as wide as the others.
    assert monospace[1] > 1.4 * sans[1]
    (tmp_path / "below").mkdir()
    shutil.copy(MONOSPACE, tmp_path / "below")
    (tmp_path / "notes.txt").write_text("not a font")
    assert inked([tmp_path]) == monospace
    # The text does not name a font, so the first generic family with a font is used.
    assert inked([SANS, MONOSPACE]) == inked([MONOSPACE, SANS]) == sans
    assert inked([]) == inked([tmp_path / "missing", tmp_path / "notes.txt"]) == (0, None)


def test_an_image_without_a_size_is_as_large_as_its_text():
    sizeless = TEXT % b""
    widths = [probe(sizeless, fonts=[font]).width for font in (SANS, MONOSPACE)]
    assert widths[1] > 1.4 * widths[0]
    for font, width in zip((SANS, MONOSPACE), widths, strict=True):
        assert thumbnail(sizeless, fonts=[font]).width == width


def test_placeholders():
    assert placeholder(SIZED, fonts=[SANS]) != placeholder(SIZED, fonts=[])


def test_fingerprint(tmp_path):
    number, text = font_fingerprint([DIRECTORY])
    assert number == len(list(DIRECTORY.glob("*.ttf")))
    assert len(text) == 8
    for path in DIRECTORY.glob("*.ttf"):
        shutil.copy(path, tmp_path)
    # The same fonts in another place are the same fonts.
    assert font_fingerprint([tmp_path]) == (number, text)
    assert font_fingerprint([SANS]) not in {(1, text), font_fingerprint([MONOSPACE])}
    assert font_fingerprint([])[0] == 0


@pytest.mark.parametrize("value", [str(DIRECTORY), DIRECTORY, [str(DIRECTORY)], (DIRECTORY,)])
def test_setting(value):
    config = Config.from_mapping({"THUMBNAIL_FONTS": value})
    assert config.thumbnail_fonts == (str(DIRECTORY),)
    assert Config().thumbnail_fonts is None
    assert Config.from_mapping({"THUMBNAIL_FONTS": []}).thumbnail_fonts == ()


@pytest.mark.parametrize("value", ["fonts", 3, [3], ["/", "fonts"], {"/": 1}, b"/"])
def test_wrong_settings(value):
    with pytest.raises(
        ConfigError, match=r"^XACCEL\['THUMBNAIL_FONTS'\] must be the absolute path"
    ):
        Config.from_mapping({"THUMBNAIL_FONTS": value})


def test_missing_fonts(tmp_path):
    with pytest.raises(ConfigError, match=r"THUMBNAIL_FONTS'\]: .*missing' does not exist"):
        Config.from_mapping({"THUMBNAIL_FONTS": [str(DIRECTORY), str(tmp_path / "missing")]})


def test_doctor(tmp_path):
    def result(**settings):
        config = Config.from_mapping({"SECRET_KEYS": ["x" * 32], **settings})
        (found,) = examine_fonts(config)
        return found

    site = {"THUMBNAIL_SOURCE": str(tmp_path), "THUMBNAIL_CACHE": str(tmp_path / "cache")}
    number, fingerprint = font_fingerprint([SANS, MONOSPACE])
    found = result(**site, THUMBNAIL_FONTS=[str(SANS), str(MONOSPACE)])
    assert found.status == "ok"
    assert f"({number} fonts, fingerprint {fingerprint})" in found.text
    found = result(**site, THUMBNAIL_FONTS=[])
    assert found.status == "skipped"
    assert "does not have fonts" in found.text
    assert "does not render thumbnails" in result().text
