"""Sources that are read through a descriptor, so that a path that changes has no effect."""

import os

import pytest
from PIL import Image
from xaccel import Limits, PathMap, probe, thumbnail
from xaccel.exceptions import FileNotFound, ImageTooLarge
from xaccel.thumbnails.sources.directory import DirectorySource

from tests.support.thumbnail_images import photo_file


@pytest.fixture
def directory(tmp_path):
    Image.new("RGB", (40, 30), "red").save(tmp_path / "cat.png")
    return tmp_path


def replace(directory):
    """Another picture takes the place of the first."""
    Image.new("RGB", (7, 5), "blue").save(directory / "new.png")
    (directory / "new.png").replace(directory / "cat.png")


def test_an_opened_file_is_a_source(directory):
    with PathMap([(directory, "/files/")]).open(directory / "cat.png") as opened:
        replace(directory)
        assert thumbnail(opened).width == 40
        # Again, and from wherever the descriptor stands.
        os.lseek(opened.fileno(), 20, os.SEEK_SET)
        assert probe(opened).width == 40
        assert os.lseek(opened.fileno(), 0, os.SEEK_CUR) == 20
    with pytest.raises(ValueError, match="closed"):
        thumbnail(opened)


def test_errors_name_the_file(directory):
    with (
        PathMap([(directory, "/files/")]).open(directory / "cat.png") as opened,
        pytest.raises(ImageTooLarge, match=r"cat\.png"),
    ):
        thumbnail(opened, limits=Limits(max_bytes=10))


def test_a_directory_is_read_through_descriptors(directory):
    source = DirectorySource(directory)
    with source.get("cat.png") as original:
        before = source.state("cat.png")
        assert original.state == before
        replace(directory)
        assert thumbnail(original.image).width == 40
    assert source.state("cat.png") != before


def test_a_link_that_comes_later_leads_nowhere(directory, tmp_path_factory):
    secret = tmp_path_factory.mktemp("outside") / "secret.png"
    secret.write_bytes(photo_file("PNG", 9, 9))
    source = DirectorySource(directory)
    with source.get("cat.png") as original:
        (directory / "cat.png").unlink()
        (directory / "cat.png").symlink_to(secret)
        assert thumbnail(original.image).width == 40
    with pytest.raises(FileNotFound):
        source.get("cat.png")


def test_a_fifo_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(FileNotFound):
        thumbnail(tmp_path / "pipe.png")
