"""Thumbnails of images in a bucket, from a real S3 server."""

import io
import logging
import os
from pathlib import Path

import pytest
from PIL import Image, ImageChops
from xaccel import ConfigError, probe, thumbnail
from xaccel.config import Config
from xaccel.exceptions import FileNotFound, ImageTooLarge, SourceUnavailable, StorageUnavailable
from xaccel.thumbnails.endpoint import Thumbnails
from xaccel.thumbnails.helpers import TemplateHelpers
from xaccel.thumbnails.sources.s3 import FIRST_RANGE, S3Source

from tests.support.servers.process import HOST, free_port
from tests.support.servers.proxy import Relay
from tests.support.thumbnail_endpoint import get
from tests.support.thumbnail_images import is_the_same

PHOTOS = "s3://photos/sub/"
SUBJECTS = Path(__file__).parents[1] / "subjects"
KEY = ["a key of more than 16 bytes"]


@pytest.fixture(scope="module")
def bucket(s3, jpeg):
    s3.create("photos")
    s3.put(f"{PHOTOS}cat.jpg", jpeg)
    return s3


@pytest.fixture
def relay(bucket):
    """It counts the requests and the bytes on their way to the server."""
    with Relay(bucket.port) as relay:
        yield relay


def settings(s3, relay=None, **options):
    endpoint = s3.endpoint if relay is None else f"http://{HOST}:{relay.port}"
    return {
        "S3": {**s3.settings, "endpoint": endpoint},
        "THUMBNAIL_SOURCE": PHOTOS,
        "SECRET_KEYS": KEY,
        **options,
    }


def source(s3, relay=None, **options):
    limits = {"max_bytes": 50_000_000, "timeout": 20, **options}
    return S3Source(PHOTOS, settings(s3, relay)["S3"], **limits)


@pytest.fixture
def answer(bucket, relay, tmp_path):
    config = Config.from_mapping(settings(bucket, relay, THUMBNAIL_CACHE=tmp_path))
    endpoint, helpers = Thumbnails(config), TemplateHelpers(config)
    return lambda *args, **options: get(endpoint, helpers.thumbnail_url(*args, **options))


@pytest.mark.parametrize("name", ["cat.jpg", "sub/föö bär.jpg", "a+b & (c) 100%?#.jpg", "~x'.jpg"])
def test_gets(bucket, jpeg, name):
    etag = bucket.put(PHOTOS + name, jpeg)
    images = source(bucket)
    with images.get(name) as original:
        assert is_the_same(original.image, jpeg)
        assert (original.state, original.stream) == (etag, None)
        assert original.modified > 1_700_000_000
    assert images.state(name) == images.version(name) == etag


def test_a_thumbnail_is_rendered_once(answer, relay, jpeg):
    assert answer("cat.jpg", 100).data == thumbnail(jpeg, 100).data
    asked = relay.requests
    assert [line.split()[0] for line in asked] == ["GET", "HEAD"]
    assert relay.connections == 1
    assert answer("cat.jpg", 100).data == thumbnail(jpeg, 100).data
    assert relay.requests == asked


def test_a_replaced_image_is_not_published(bucket, relay, tmp_path, jpeg, monkeypatch):
    config = Config.from_mapping(settings(bucket, relay, THUMBNAIL_CACHE=tmp_path))
    endpoint, helpers = Thumbnails(config), TemplateHelpers(config)
    bucket.put(f"{PHOTOS}changing.jpg", jpeg)
    renderer = endpoint._delivery.renderer
    render = renderer.render
    most = 2

    def replace_meanwhile(*arguments):
        renders.append(None)
        if len(renders) <= most:
            bucket.put(f"{PHOTOS}changing.jpg", jpeg[:-2] + len(renders) * b"\0" + b"\xff\xd9")
        return render(*arguments)

    monkeypatch.setattr(renderer, "render", replace_meanwhile)
    renders = []
    assert get(endpoint, helpers.thumbnail_url("changing.jpg", 50)).status == 200
    assert len(renders) == 2
    assert not list(tmp_path.glob("t/**/changing.jpg"))
    renders, most = [], 1
    assert get(endpoint, helpers.thumbnail_url("changing.jpg", 50)).status == 200
    assert len(renders) == 2
    assert list(tmp_path.glob("t/**/changing.jpg"))


def test_the_version_of_an_url(bucket, relay, jpeg):
    helpers = TemplateHelpers(Config.from_mapping(settings(bucket, relay)))
    bucket.put(f"{PHOTOS}versions.jpg", jpeg)
    first = helpers.thumbnail_url("versions.jpg", 50, version="mtime")
    assert ",v-" in first
    assert helpers.thumbnail_url("versions.jpg", 50, version="mtime") == first
    bucket.put(f"{PHOTOS}versions.jpg", jpeg + b"\0")
    assert helpers.thumbnail_url("versions.jpg", 50, version="mtime") != first
    assert ",v-" not in helpers.thumbnail_url("missing.jpg", 50, version="mtime")


def test_a_missing_image_is_a_404(answer, caplog):
    caplog.set_level(logging.INFO)
    assert answer("missing.jpg", 100).status == 404
    assert "NoSuchKey" in caplog.text


def test_a_missing_image_shows_the_fallback(bucket, tmp_path, jpeg):
    fallback = tmp_path / "fallback.jpg"
    fallback.write_bytes(jpeg)
    config = Config.from_mapping(settings(bucket, THUMBNAIL_FALLBACK=fallback))
    url = TemplateHelpers(config).thumbnail_url("missing.jpg", 64)
    shown = get(Thumbnails(config), url)
    assert (shown.status, probe(shown.data).width) == (404, 64)


@pytest.mark.parametrize("name", ["../other/cat.jpg", "a//b.jpg", "./cat.jpg", ""])
def test_names_stay_below_the_prefix(bucket, relay, name):
    with pytest.raises(FileNotFound):
        source(bucket, relay).get(name)
    assert relay.requests == []


def test_an_empty_object(bucket):
    bucket.put(f"{PHOTOS}empty.jpg", b"")
    with source(bucket).get("empty.jpg") as original:
        assert (len(original.image), original.stream) == (0, None)


def test_an_object_that_is_too_large_is_not_fetched(bucket, relay):
    bucket.put(f"{PHOTOS}large.bin", os.urandom(4_000_000))
    with pytest.raises(ImageTooLarge, match="3000000 bytes"):
        source(bucket, relay, max_bytes=3_000_000).get("large.bin")
    assert relay.received < 2 * FIRST_RANGE


@pytest.fixture(scope="module")
def images(bucket):
    noise = Image.effect_noise((2400, 1600), 12).convert("RGB")
    picture = ImageChops.add(Image.open(SUBJECTS / "coffee.jpg").resize(noise.size), noise, 1, -128)
    images = {}
    for name, options in {
        "progressive": {"progressive": True, "quality": 75},
        "fine": {"progressive": True, "quality": 90},
        "baseline": {"quality": 90},
    }.items():
        out = io.BytesIO()
        picture.save(out, "JPEG", **options)
        images[name] = out.getvalue()
        bucket.put(f"{PHOTOS}{name}.jpg", images[name])
    return images


class TestRanges:
    """Only what a thumbnail needs is fetched."""

    @pytest.fixture(autouse=True)
    def short_first_range(self, monkeypatch):
        """The first request fetches a small part of the image, as it does for a large photo."""
        monkeypatch.setattr("xaccel.thumbnails.sources.s3.FIRST_RANGE", 128 * 1024)

    def test_the_start_of_a_progressive_image(self, answer, relay, images):
        image = images["progressive"]
        assert answer("progressive.jpg", 100).data == thumbnail(image, 100).data
        assert [line.split()[0] for line in relay.requests] == ["GET", "GET", "HEAD"]
        assert relay.received < 0.5 * len(image)
        assert relay.connections == 1

    def test_more_of_one_that_needs_it(self, answer, relay, images):
        image = images["fine"]
        assert answer("fine.jpg", 100).data == thumbnail(image, 100).data
        assert [line.split()[0] for line in relay.requests] == ["GET", "GET", "GET", "HEAD"]
        assert 0.5 * len(image) < relay.received < 0.85 * len(image)
        assert relay.connections == 1

    def test_all_of_it_for_a_larger_thumbnail(self, answer, relay, images):
        image = images["progressive"]
        assert answer("progressive.jpg", 700).data == thumbnail(image, 700).data
        assert len(image) < relay.received < len(image) + 10_000

    def test_a_baseline_image_takes_two_requests(self, answer, relay, images):
        image = images["baseline"]
        assert answer("baseline.jpg", 100).data == thumbnail(image, 100).data
        assert [line.split()[0] for line in relay.requests] == ["GET", "GET", "HEAD"]
        assert len(image) < relay.received < len(image) + 10_000

    def test_an_image_that_changes_between_two_ranges(self, bucket, images):
        bucket.put(f"{PHOTOS}replaced.jpg", images["progressive"])
        with source(bucket).get("replaced.jpg") as original:
            bucket.put(f"{PHOTOS}replaced.jpg", images["baseline"])
            with pytest.raises(StorageUnavailable, match="changed while"):
                original.whole()


class TestFailures:
    """They are errors for people, in the log, and never a traceback."""

    def test_a_server_that_is_down(self, bucket, tmp_path, caplog):
        options = settings(bucket, THUMBNAIL_CACHE=tmp_path)
        options["S3"]["endpoint"] = f"http://{HOST}:{free_port()}"
        config = Config.from_mapping(options)
        answer = get(Thumbnails(config), TemplateHelpers(config).thumbnail_url("cat.jpg", 9))
        assert (answer.status, answer.headers["Retry-After"]) == (503, "5")
        assert answer.headers["Cache-Control"] == "no-store"
        assert "does not respond" in caplog.text

    def test_a_server_that_recovers(self, bucket, relay, jpeg):
        relay.refuse(2)
        assert is_the_same(source(bucket, relay).get("cat.jpg").image, jpeg)
        relay.refuse(3)
        with pytest.raises(StorageUnavailable):
            source(bucket, relay).get("cat.jpg")

    def test_slow_down(self, bucket, relay, jpeg):
        relay.answer_instead(b"HTTP/1.1 503 Slow Down\r\nContent-Length: 0\r\n\r\n", times=2)
        assert is_the_same(source(bucket, relay).get("cat.jpg").image, jpeg)
        relay.answer_instead(b"HTTP/1.1 503 Slow Down\r\nContent-Length: 0\r\n\r\n", times=3)
        with pytest.raises(StorageUnavailable, match="503"):
            source(bucket, relay).get("cat.jpg")

    def test_redirects_are_refused(self, bucket, relay):
        relay.answer_instead(
            b"HTTP/1.1 307 Temporary Redirect\r\nLocation: http://169.254.169.254/\r\n"
            b"Content-Length: 0\r\n\r\n",
            times=1,
        )
        with pytest.raises(SourceUnavailable, match="a redirect"):
            source(bucket, relay).get("cat.jpg")
        assert len(relay.requests) == 1

    def test_a_time_limit(self, bucket, relay):
        relay.answer_instead(b"", times=9)
        with pytest.raises(StorageUnavailable, match=r"long|time"):
            source(bucket, relay, timeout=0.5).get("cat.jpg")

    def test_a_wrong_key(self, bucket):
        options = {**bucket.settings, "secret_key": "another secret"}
        images = S3Source(PHOTOS, options, max_bytes=9_000_000, timeout=20)
        with pytest.raises(SourceUnavailable, match="SignatureDoesNotMatch") as caught:
            images.get("cat.jpg")
        assert caught.value.status_code == 502
        assert "another secret" not in str(caught.value)

    def test_a_missing_bucket(self, bucket):
        images = S3Source("s3://absent/", bucket.settings, max_bytes=9, timeout=20)
        with pytest.raises((SourceUnavailable, FileNotFound), match="NoSuch"):
            images.get("cat.jpg")

    def test_a_bucket_without_keys(self, monkeypatch):
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
        with pytest.raises(ConfigError, match=r"xaccel\[s3\]"):
            S3Source("s3://absent/", {}, max_bytes=9, timeout=20)

    def test_a_url_without_a_bucket(self):
        with pytest.raises(ConfigError, match="s3://bucket/key"):
            S3Source("s3://_/", {}, max_bytes=9, timeout=20)
