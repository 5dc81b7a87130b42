"""Fixtures for the whole suite."""

import io

import pytest
from PIL import Image


@pytest.fixture(scope="session")
def jpeg() -> bytes:
    """A small JPEG with structure in it."""
    image = Image.radial_gradient("L").resize((640, 480))
    output = io.BytesIO()
    Image.merge("RGB", (image, image.rotate(90), image.rotate(180))).save(output, "JPEG")
    return output.getvalue()


@pytest.fixture(scope="session", autouse=True)
def _no_sweep_by_chance():
    """One in so many thumbnails would have another thread in the directories of its test."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("xaccel.thumbnails.delivery._SWEEP_ODDS", 2**60)
        yield


@pytest.fixture
def photos(tmp_path, jpeg):
    """A directory of originals, good and bad."""
    directory = tmp_path / "photos"
    (directory / "sub").mkdir(parents=True)
    for name in ("cat.jpg", "sub/föö bär.jpg", "100% (1).jpg"):
        (directory / name).write_bytes(jpeg)
    (directory / "text.jpg").write_text("no image at all")
    (directory / "truncated.jpg").write_bytes(jpeg[:300])
    (directory / "link.jpg").symlink_to("/etc/hostname")
    Image.new("RGBA", (300, 300), (255, 0, 0, 128)).save(directory / "alpha.png")
    return directory
