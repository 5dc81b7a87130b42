"""Originals that change while they are read."""

import io
import os

import pytest
from PIL import Image
from xaccel.config import Config
from xaccel.thumbnails.endpoint import Thumbnails
from xaccel.thumbnails.helpers import TemplateHelpers

from tests.support.thumbnail_endpoint import get


def written(path, color):
    """Replace an image by one of another colour, with another time."""
    new = path.with_name("new")
    Image.new("RGB", (60, 40), color).save(new, "JPEG")
    os.utime(new, ns=(1, 10**9 * len(color)))
    new.replace(path)


@pytest.fixture
def site(tmp_path):
    photos = tmp_path / "photos"
    photos.mkdir()
    config = Config.from_mapping(
        {
            "THUMBNAIL_SOURCE": photos,
            "THUMBNAIL_CACHE": tmp_path / "cache",
            "SECRET_KEYS": ["a key of more than 16 bytes"],
        }
    )
    written(photos / "a.jpg", "red")
    return Thumbnails(config), TemplateHelpers(config).thumbnail_url("a.jpg", 30), photos / "a.jpg"


def changing(thumbnails, monkeypatch, *changes):
    """Change the original after each render, as long as there are changes. Returns the renders."""
    renders, left = [], list(changes)
    real = thumbnails.delivery.renderer.render

    def render(original, *arguments):
        renders.append(original.state)
        try:
            return real(original, *arguments)
        finally:
            if left:
                left.pop(0)()

    monkeypatch.setattr(thumbnails.delivery.renderer, "render", render)
    return renders


def color(response):
    red, green, blue = Image.open(io.BytesIO(response.data)).convert("RGB").getpixel((9, 9))
    names = {
        (True, False, False): "red",
        (False, True, False): "lime",
        (False, False, True): "blue",
    }
    return names[red > 200, green > 200, blue > 200]


def test_an_original_that_is_replaced_is_read_again(site, monkeypatch):
    thumbnails, url, path = site
    renders = changing(thumbnails, monkeypatch, lambda: written(path, "blue"))
    assert [color(get(thumbnails, url)) for _ in range(2)] == ["blue", "blue"]
    assert len(renders) == 2


def test_a_broken_original_that_is_replaced_is_read_again(site, monkeypatch):
    thumbnails, url, path = site
    path.write_bytes(path.read_bytes()[:100])
    renders = changing(thumbnails, monkeypatch, lambda: written(path, "blue"))
    response = get(thumbnails, url)
    assert (response.status, color(response), len(renders)) == (200, "blue", 2)


def test_an_unfinished_original_that_arrives_is_read_again(site, monkeypatch):
    thumbnails, url, path = site
    Image.effect_noise((600, 400), 90).save(path, "JPEG")
    path.write_bytes(path.read_bytes()[:-2000])
    changing(thumbnails, monkeypatch, lambda: written(path, "blue"))
    response = get(thumbnails, url)
    assert color(response) == "blue"
    assert response.headers["Cache-Control"] == "public, max-age=2592000"


def test_an_original_that_keeps_changing_is_read_twice_and_not_kept(site, monkeypatch):
    thumbnails, url, path = site
    changes = [lambda: written(path, "blue"), lambda: written(path, "lime")]
    renders = changing(thumbnails, monkeypatch, *changes)
    assert color(get(thumbnails, url)) == "blue"
    assert len(renders) == 2
    assert color(get(thumbnails, url)) == "lime"
    assert len(renders) == 3
    assert color(get(thumbnails, url)) == "lime"
    assert len(renders) == 3


def test_a_broken_original_that_stays_broken_is_read_once(site, monkeypatch):
    thumbnails, url, path = site
    path.write_bytes(path.read_bytes()[:100])
    renders = changing(thumbnails, monkeypatch)
    assert [get(thumbnails, url).status for _ in range(2)] == [422, 422]
    assert len(renders) == 1
