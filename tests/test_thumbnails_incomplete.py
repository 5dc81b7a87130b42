"""Originals that lack pixels, as while they are being uploaded."""

import os
import time

import pytest
from xaccel.config import Config
from xaccel.delivery.files import Delivery
from xaccel.thumbnails.private import PrivateThumbnails

from tests.support.thumbnail_endpoint import read, request
from tests.support.thumbnail_service import Service, Submitted


@pytest.fixture
def make(photos, tmp_path, jpeg):
    (photos / "upload.jpg").write_bytes(jpeg[: len(jpeg) * 7 // 10])

    def make(*, cached=True, **settings):
        cache = {"THUMBNAIL_CACHE": tmp_path / "cache"} if cached else {}
        return Service({"THUMBNAIL_SOURCE": photos, **cache, **settings})

    return make


def files(tmp_path, below):
    return [path for path in (tmp_path / "cache" / below).rglob("*") if path.is_file()]


@pytest.mark.parametrize("is_cached", [True, False])
@pytest.mark.parametrize("version", [None, 1])
def test_are_shown_for_a_minute(make, tmp_path, is_cached, version):
    service = make(cached=is_cached)
    answer = service.get(service.url("upload.jpg", 50, version=version))
    assert answer.status == 200
    assert answer.headers["Cache-Control"] == "public, max-age=60"
    assert files(tmp_path, "t") == []


def test_are_rendered_once_a_minute_by_all_processes(make, tmp_path):
    one, other = make(), make()
    submitted = [Submitted(service.renderer) for service in (one, other)]
    url = one.url("upload.jpg", 50)
    for service in (one, other, one):
        answer = service.get(url)
        assert (answer.status, answer.headers["Cache-Control"]) == (200, "public, max-age=60")
    assert [len(each) for each in submitted] == [1, 0]
    (file,) = files(tmp_path, ".incomplete")
    os.utime(file, (time.time() - 61,) * 2)
    assert one.get(url).status == 200
    assert [len(each) for each in submitted] == [2, 0]


@pytest.mark.parametrize("is_cached", [True, False])
def test_are_complete_when_the_rest_has_arrived(make, photos, tmp_path, jpeg, is_cached):
    service = make(cached=is_cached)
    url = service.url("upload.jpg", 50)
    first = service.get(url)
    (photos / "upload.jpg").write_bytes(jpeg)
    validators = {"if_none_match": first.headers["ETag"]} if "ETag" in first.headers else {}
    answer = service.get(url, **validators)
    assert (answer.status, answer.headers["Cache-Control"]) == (200, "public, max-age=2592000")
    assert answer.data != first.data
    assert len(files(tmp_path, "t")) == is_cached


def test_stay_private(photos, make, tmp_path):
    make()
    config = Config.from_mapping(
        {"ROOTS": {photos: "/_private/"}, "THUMBNAIL_CACHE": tmp_path / "cache"}
    )
    private = PrivateThumbnails(config, Delivery(config))
    for max_age, expected in ((None, "private, no-cache"), (600, "private, max-age=60")):
        for _ in range(2):
            answer = read(private.answer("upload.jpg", 50, None, request(), max_age=max_age))
            assert (answer.status, answer.headers["Cache-Control"]) == (200, expected)
    assert files(tmp_path, ".private") == []
