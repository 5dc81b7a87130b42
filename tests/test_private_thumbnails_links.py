"""Thumbnails of private files in roots with links, and with links that come at a bad moment."""

import io
import os

import pytest
from PIL import Image
from xaccel.config import Config
from xaccel.delivery.files import Delivery
from xaccel.thumbnails.private import PrivateThumbnails

from tests.support.thumbnail_endpoint import read, request
from tests.support.thumbnail_service import Submitted

INSIDE, OUTSIDE = (255, 0, 0), (0, 0, 255)


@pytest.fixture
def places(tmp_path):
    """A root, and a directory outside of it, each with a picture of the same name."""
    root, outside = tmp_path / "root", tmp_path / "outside"
    for directory, color in ((root / "photos", INSIDE), (outside, OUTSIDE)):
        directory.mkdir(parents=True)
        Image.new("RGB", (8, 8), color).save(directory / "cat.png")
    return root, outside


@pytest.fixture(params=["cached", "not cached"])
def make(request, places, tmp_path):
    def make(root=places[0], **settings):
        cache = {"THUMBNAIL_CACHE": tmp_path / "cache"} if request.param == "cached" else {}
        config = Config.from_mapping({"ROOTS": {root: "/_private/"}, **cache, **settings})
        files = Delivery(config)
        return PrivateThumbnails(config, files), files

    return make


def shown(thumbnails, path):
    """The color of the thumbnail, or the status of the response."""
    answer = read(thumbnails.answer(path, 4, None, request(), format="png"))
    if answer.status != 200:
        return answer.status
    with Image.open(io.BytesIO(answer.data)) as image:
        return image.convert("RGB").getpixel((0, 0))


def exchange(root, outside):
    """A link out of the root takes the place of the directory."""
    (root / "photos").rename(root.parent / "moved")
    (root / "photos").symlink_to(outside)


def after(function, action):
    """The function, followed by the action when it is called for the first time."""
    actions = [action]

    def both(*arguments, **options):
        result = function(*arguments, **options)
        if actions:
            actions.pop()()
        return result

    return both


def test_a_link_that_comes_after_the_check(make, places):
    thumbnails, files = make()
    files.locate = after(files.locate, lambda: exchange(*places))
    assert shown(thumbnails, "photos/cat.png") == 404
    assert shown(thumbnails, "photos/cat.png") == 404


def test_a_link_that_comes_after_the_file_is_open(make, places):
    thumbnails, _ = make()
    Submitted(thumbnails._delivery.renderer, lambda: exchange(*places))
    # With a cache, the state of the file is compared after the render.
    assert shown(thumbnails, "photos/cat.png") in {404, INSIDE}
    assert shown(thumbnails, "photos/cat.png") == 404


def test_another_file_that_comes_after_the_check(make, places):
    """The state of a file is part of the name of its thumbnail in the cache."""
    root, _ = places
    Image.new("RGB", (8, 8), (0, 255, 0)).save(root / "new.png")
    os.utime(root / "new.png", ns=(1, 1))
    thumbnails, files = make()
    file = root / "photos" / "cat.png"
    files.locate = after(files.locate, lambda: (root / "new.png").replace(file))
    first = shown(thumbnails, "photos/cat.png")
    assert first in {404, (0, 255, 0)}
    assert shown(thumbnails, "photos/cat.png") == (0, 255, 0)


@pytest.mark.parametrize("is_absolute", [True, False])
def test_links_that_stay_in_the_root(make, places, is_absolute):
    root, _ = places
    (root / "file.png").symlink_to(root / "photos/cat.png" if is_absolute else "photos/cat.png")
    (root / "directory").symlink_to(root / "photos" if is_absolute else "photos")
    thumbnails, _ = make()
    for path in ("file.png", "directory/cat.png", root / "file.png"):
        assert shown(thumbnails, path) == INSIDE


@pytest.mark.parametrize(("follows", "expected"), [(False, 404), (True, OUTSIDE)])
def test_links_that_leave_the_root(make, places, follows, expected):
    root, outside = places
    (root / "file.png").symlink_to(outside / "cat.png")
    (root / "directory").symlink_to("../outside")
    thumbnails, _ = make(FOLLOW_SYMLINKS=follows)
    for path in ("file.png", "directory/cat.png"):
        assert shown(thumbnails, path) == expected


def test_the_root_may_be_a_link(make, places, tmp_path):
    (tmp_path / "link").symlink_to(places[0])
    thumbnails, _ = make(tmp_path / "link")
    assert shown(thumbnails, "photos/cat.png") == INSIDE
    assert shown(thumbnails, tmp_path / "link/photos/cat.png") == INSIDE


def test_a_link_to_nothing_and_to_itself(make, places):
    root, _ = places
    (root / "nothing.png").symlink_to("absent.png")
    (root / "self.png").symlink_to("self.png")
    thumbnails, _ = make()
    for path in ("nothing.png", "self.png"):
        assert shown(thumbnails, path) == 404
