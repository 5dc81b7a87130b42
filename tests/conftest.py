"""Fixtures for the whole suite."""

import gc
import io
import os

import hypothesis
import pytest
from PIL import Image

# A busy machine is slow, which is not a fault. Examples are the same in every run, so that a
# commit passes or fails for everyone: `--hypothesis-profile random` looks for new ones.
hypothesis.settings.register_profile("xaccel", deadline=None, derandomize=True)
hypothesis.settings.register_profile("random", deadline=None, max_examples=2000)
hypothesis.settings.register_profile(
    "quick", hypothesis.settings.get_profile("xaccel"), max_examples=20
)
hypothesis.settings.load_profile("xaccel")

MARKERS = {"tests/servers/": "server", "tests/e2e/": "e2e"}
"""The marker of all tests in a directory."""


def pytest_collection():
    # Collection makes a lot of objects, which stay. To search them for garbage takes seconds.
    gc.disable()


def pytest_collection_modifyitems(items):
    for item in items:
        for directory, marker in MARKERS.items():
            if item.nodeid.startswith(directory):
                item.add_marker(marker)


def pytest_collection_finish():
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="session", autouse=True)
def no_system_certificates():
    """No test needs them, and a client that loads them takes longer than most tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SSL_CERT_FILE", os.devnull)
        yield


@pytest.fixture(scope="session")
def jpeg() -> bytes:
    """A small JPEG of gradients."""
    image = Image.radial_gradient("L").resize((640, 480))
    output = io.BytesIO()
    Image.merge("RGB", (image, image.rotate(90), image.rotate(180))).save(output, "JPEG")
    return output.getvalue()


@pytest.fixture
def photos(tmp_path, jpeg):
    """A directory of originals, valid and broken."""
    directory = tmp_path / "photos"
    (directory / "sub").mkdir(parents=True)
    for name in ("cat.jpg", "sub/föö bär.jpg", "100% (1).jpg"):
        (directory / name).write_bytes(jpeg)
    (directory / "text.jpg").write_text("not an image")
    (directory / "truncated.jpg").write_bytes(jpeg[:300])
    (directory / "link.jpg").symlink_to("/etc/hostname")
    Image.new("RGBA", (300, 300), (255, 0, 0, 128)).save(directory / "alpha.png")
    return directory
