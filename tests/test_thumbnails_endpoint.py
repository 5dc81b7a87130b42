"""The endpoint, without a framework: what it answers, keeps and forgets."""

import io
import itertools
import logging
import os
import re
import resource
import shutil
import struct
import threading
import zlib
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

import pytest
from PIL import Image, JpegImagePlugin
from xaccel import ConfigError, Signer, SpecError
from xaccel.config import Config
from xaccel.delivery.files import Delivery
from xaccel.thumbnails.endpoint import Thumbnails
from xaccel.thumbnails.helpers import TemplateHelpers
from xaccel.thumbnails.private import PrivateThumbnails
from xaccel.thumbnails.turns import pauses

from tests.support.thumbnail_endpoint import get, read, request

KEY = "a key of more than 16 bytes"


class Service:
    """The endpoint and the template helpers with the same settings."""

    def __init__(self, settings):
        self.config = Config.from_mapping(settings)
        self.thumbnails = Thumbnails(self.config)
        self.url = TemplateHelpers(self.config).thumbnail_url

    def get(self, url, method="GET", **headers):
        return get(self.thumbnails, url, method, **headers)


@pytest.fixture
def make(photos, tmp_path):
    def make(*, cached=True, **settings):
        cache = {"THUMBNAIL_CACHE": tmp_path / "cache"} if cached else {}
        return Service({"THUMBNAIL_SOURCE": photos, "SECRET_KEYS": [KEY], **cache, **settings})

    return make


@pytest.fixture
def renders(caplog):
    """Counts the thumbnails that were made."""
    caplog.set_level(logging.DEBUG, "xaccel.thumbnails")
    return lambda: sum(record.getMessage().startswith("made ") for record in caplog.records)


def opened(answer):
    return Image.open(io.BytesIO(answer.data))


def cached(tmp_path):
    directory = tmp_path / "cache"
    return sorted(
        str(path.relative_to(directory))
        for path in directory.rglob("*")
        if path.is_file() and path.relative_to(directory).parts[0] != ".lock"
    )


def test_the_settings_of_the_encoder_reach_the_thumbnail(make):
    service = make(THUMBNAIL_PROGRESSIVE=True, THUMBNAIL_SUBSAMPLING="444")
    picture = opened(service.get(service.url("cat.jpg", 50)))
    assert picture.info["progressive"]
    assert JpegImagePlugin.get_sampling(picture) == 0
    url = service.url("cat.jpg", 50, progressive=False, subsampling="422")
    assert url.startswith("/t/50x-,baseline,ss-422/")
    picture = opened(service.get(url))
    assert "progressive" not in picture.info
    assert JpegImagePlugin.get_sampling(picture) == 1
    fast, slow = (
        make(cached=False, THUMBNAIL_AVIF_SPEED=speed).get(
            service.url("cat.jpg", 50, format="avif")
        )
        for speed in (9, 6)
    )
    assert fast.data != slow.data


class TestConditionalRequests:
    @pytest.mark.parametrize("is_cached", [True, False])
    def test_end_early(self, make, photos, is_cached):
        service = make(cached=is_cached)
        os.utime(photos / "cat.jpg", (1_000_000_000, 1_000_000_000))
        url = service.url("cat.jpg", 50)
        first = service.get(url)
        assert first.status == 200
        assert first.headers["Last-Modified"] == "Sun, 09 Sep 2001 01:46:40 GMT"
        for condition in (
            {"if_none_match": first.headers["ETag"]},
            {"if_modified_since": first.headers["Last-Modified"]},
        ):
            again = service.get(url, **condition)
            assert (again.status, again.data) == (304, b"")
            assert again.headers["ETag"] == first.headers["ETag"]
            assert again.headers["Cache-Control"] == first.headers["Cache-Control"]
        assert service.get(url, if_none_match='"other"').status == 200
        assert service.get(url, if_match='"other"').status == 412

    def test_without_a_cache_make_nothing(self, make, renders):
        service = make(cached=False)
        url = service.url("cat.jpg", 50)
        etag = service.get(url).headers["ETag"]
        assert renders() == 1
        assert service.get(url, if_none_match=etag).status == 304
        assert renders() == 1
        assert service.get(service.url("cat.jpg", 51), if_none_match=etag).status == 200

    def test_without_a_cache_notice_a_new_picture(self, make, photos):
        service = make(cached=False)
        url = service.url("cat.jpg", 50)
        etag = service.get(url).headers["ETag"]
        shutil.copy(photos / "alpha.png", photos / "cat.jpg")
        assert service.get(url, if_none_match=etag).status == 200

    def test_hold_on_after_a_thumbnail_was_swept_and_made_again(self, make, tmp_path):
        service = make()
        url = service.url("cat.jpg", 50)
        etag = service.get(url).headers["ETag"]
        shutil.rmtree(tmp_path / "cache")
        assert service.get(url).headers["ETag"] == etag

    @pytest.mark.parametrize("is_cached", [True, False])
    def test_head(self, make, is_cached):
        service = make(cached=is_cached)
        url = service.url("cat.jpg", 50)
        head, whole = service.get(url, "HEAD"), service.get(url)
        assert head.data == b""
        assert head.headers == whole.headers


class TestOldPictures:
    @pytest.mark.parametrize("is_cached", [True, False])
    @pytest.mark.parametrize("server", ["direct", "nginx"])
    def test_may_be_from_before_1970(self, make, photos, is_cached, server):
        os.utime(photos / "cat.jpg", (-100_000_000, -100_000_000))
        service = make(cached=is_cached, SERVER=server)
        url = service.url("cat.jpg", 50)
        answer = service.get(url)
        assert answer.status == 200
        if "X-Accel-Redirect" not in answer.headers:
            assert answer.headers["Last-Modified"] == "Mon, 31 Oct 1966 14:13:20 GMT"
            again = service.get(url, if_modified_since=answer.headers["Last-Modified"])
            assert again.status == 304


class TestCacheControl:
    def test_is_immutable_with_a_version(self, make):
        service = make()
        answer = service.get(service.url("cat.jpg", 50, version=1))
        assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"

    def test_ends_with_the_url(self, make):
        service = make()
        answer = service.get(service.url("cat.jpg", 50, version=1, expires_in=60))
        age = re.fullmatch(r"public, max-age=([0-9]+), immutable", answer.headers["Cache-Control"])
        assert 0 < int(age[1]) <= 90

    def test_does_not_depend_on_earlier_requests(self, make):
        service = make()
        lasting, ending = service.url("cat.jpg", 50), service.url("cat.jpg", 50, expires_in=60)
        for url, most in ((lasting, 2592000), (ending, 90), (lasting, 2592000), (ending, 90)):
            header = service.get(url).headers["Cache-Control"]
            age = int(re.fullmatch(r"public, max-age=([0-9]+)", header)[1])
            assert age == most if most > 90 else 0 < age <= most

    def test_only_auto_varies(self, make):
        service = make()
        assert "Vary" not in service.get(service.url("cat.jpg", 50)).headers
        auto = service.url("cat.jpg", 50, format="auto")
        for accept, kind in (("image/webp,*/*", "image/webp"), (None, "image/jpeg")):
            answer = service.get(auto, accept=accept)
            assert (answer.headers["Vary"], answer.headers["Content-Type"]) == ("Accept", kind)


class TestErrors:
    @pytest.mark.parametrize(
        ("name", "status"), [("absent.jpg", 404), ("text.jpg", 415), ("truncated.jpg", 422)]
    )
    def test_are_short_plain_and_name_the_source_in_the_log_only(
        self, make, tmp_path, caplog, name, status
    ):
        service = make()
        answer = service.get(service.url(name, 50))
        assert answer.status == status
        assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
        assert answer.headers["Cache-Control"] == "max-age=15"
        assert str(tmp_path).encode() not in answer.data
        assert len(answer.data) < 50
        (record,) = caplog.records
        assert name in record.getMessage()
        assert cached(tmp_path) == []

    def test_of_size(self, make):
        for limit in ({"THUMBNAIL_MAX_PIXELS": 100}, {"THUMBNAIL_MAX_MEMORY": 300}):
            service = make(**limit)
            assert service.get(service.url("cat.jpg", 50)).status == 413


class TestFallback:
    @pytest.mark.parametrize(
        ("name", "status"), [("absent.jpg", 404), ("text.jpg", 415), ("truncated.jpg", 422)]
    )
    def test_is_shown_with_the_status_of_the_error(self, make, photos, tmp_path, name, status):
        service = make(THUMBNAIL_FALLBACK=photos / "alpha.png")
        for _ in range(2):
            answer = service.get(service.url(name, 50, 40, fit="cover", format="webp"))
            assert answer.status == status
            assert answer.headers["Content-Type"] == "image/webp"
            assert answer.headers["Cache-Control"] == "max-age=15"
            assert opened(answer).size == (50, 40)
        assert cached(tmp_path) == []

    def test_is_not_for_bad_signatures(self, make, photos):
        service = make(THUMBNAIL_FALLBACK=photos / "alpha.png")
        answer = service.get(service.url("absent.jpg", 50).replace("absent", "other"))
        assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
        assert answer.status == 403

    def test_that_is_broken_does_no_harm(self, make, photos, caplog):
        service = make(THUMBNAIL_FALLBACK=photos / "text.jpg")
        assert service.get(service.url("absent.jpg", 50)).status == 404
        assert "THUMBNAIL_FALLBACK" in caplog.text

    def test_must_exist(self, make, tmp_path):
        with pytest.raises(ConfigError, match="THUMBNAIL_FALLBACK"):
            make(THUMBNAIL_FALLBACK=tmp_path / "absent.png")


class TestReplacedSource:
    def test_shows_at_once_with_a_version(self, make, photos):
        service = make()
        old = service.get(service.url("cat.jpg", 50, 50, version="mtime"))
        shutil.copy(photos / "alpha.png", photos / "cat.jpg")
        new = service.get(service.url("cat.jpg", 50, 50, version="mtime"))
        assert opened(old).size == (50, 38)
        assert opened(new).size == (50, 50)

    def test_shows_after_a_purge_without_one(self, make, photos, tmp_path):
        service = make()
        urls = [service.url("cat.jpg", 50), service.url("cat.jpg", 50, format="auto")]
        kept = service.url("sub/föö bär.jpg", 50)
        for url in [*urls, kept]:
            assert service.get(url).status == 200
        shutil.copy(photos / "alpha.png", photos / "cat.jpg")
        assert opened(service.get(urls[0])).size == (50, 38)
        assert service.thumbnails.purge("cat.jpg") == 2
        assert opened(service.get(urls[0])).size == (50, 50)
        assert cached(tmp_path) == ["t/50x-/cat.jpg", "t/50x-/sub/föö bär.jpg"]

    def test_in_the_midst_of_a_render_leaves_nothing_in_the_cache(
        self, make, photos, tmp_path, monkeypatch
    ):
        service = make()
        backend = service.thumbnails._delivery.renderer._backend
        submit = backend.submit

        def slow(job, deadline):
            made = submit(job, deadline)
            shutil.copy(photos / "alpha.png", photos / "cat.jpg")
            service.thumbnails.purge("cat.jpg")
            return made

        monkeypatch.setattr(backend, "submit", slow)
        url = service.url("cat.jpg", 50, 50)
        assert service.get(url).status == 200
        assert cached(tmp_path) == []


class TestOneRender:
    def test_for_many_threads(self, make, renders):
        service = make()
        url = service.url("cat.jpg", 50)
        with ThreadPoolExecutor(16) as pool:
            answers = list(pool.map(service.get, [url] * 64))
        assert {answer.status for answer in answers} == {200}
        assert len({answer.data for answer in answers}) == 1
        assert renders() == 1

    @pytest.mark.parametrize("is_cached", [True, False])
    def test_as_many_at_once_as_there_are_cpus(self, make, monkeypatch, is_cached):
        service = make(cached=is_cached)
        backend = service.thumbnails._delivery.renderer._backend
        submit, lock, now, most = backend.submit, threading.Lock(), [0], [0]

        def counted(job, deadline):
            with lock:
                now[0] += 1
                most[0] = max(most[0], now[0])
            made = submit(job, deadline)
            with lock:
                now[0] -= 1
            return made

        monkeypatch.setattr(backend, "submit", counted)
        urls = [service.url("cat.jpg", width) for width in range(50, 74)]
        with ThreadPoolExecutor(24) as pool:
            assert {answer.status for answer in pool.map(service.get, urls)} == {200}
        assert 1 <= most[0] <= len(os.sched_getaffinity(0))

    @pytest.mark.parametrize("is_cached", [True, False])
    def test_a_full_queue_answers_503(self, make, monkeypatch, is_cached):
        service = make(cached=is_cached, THUMBNAIL_QUEUE=1)
        backend = service.thumbnails._delivery.renderer._backend
        cpus = len(os.sched_getaffinity(0))
        submit, go, inside = backend.submit, threading.Event(), threading.Semaphore(0)

        def held(job, deadline):
            inside.release()
            assert go.wait(30)
            return submit(job, deadline)

        monkeypatch.setattr(backend, "submit", held)
        urls = [service.url("cat.jpg", width) for width in range(50, 56 + cpus)]
        with ThreadPoolExecutor(len(urls)) as pool:
            rendering = []
            for url in urls[:cpus]:
                rendering.append(pool.submit(service.get, url))
                assert inside.acquire(timeout=30)
            # One of the others may wait, whichever comes first.
            others = [pool.submit(service.get, url) for url in urls[cpus:]]
            refused = list(itertools.islice(as_completed(others, timeout=30), len(others) - 1))
            go.set()
        assert sorted(future.result().status for future in others) == [200] + 5 * [503]
        assert {future.result().status for future in rendering} == {200}
        for future in refused:
            assert future.result().headers["Retry-After"] == "2"
            assert future.result().headers["Cache-Control"] == "no-store"
        assert {service.get(url).status for url in urls} == {200}


def test_waiting_becomes_less_frequent():
    waits = list(itertools.islice(pauses(), 100))
    assert waits[0] <= 0.002
    assert waits == sorted(waits)
    assert waits[-1] == waits[50] >= 10 * waits[0]


@pytest.mark.parametrize(("max_size", "is_swept"), [("20k", True), ("200M", False)])
def test_the_cache_stays_within_its_largest_size(make, tmp_path, max_size, is_swept):
    service = make(THUMBNAIL_CACHE_MAX_SIZE=max_size)
    for width in range(50, 70):
        assert service.get(service.url("cat.jpg", width)).status == 200
        for thread in threading.enumerate():
            if thread.name == "xaccel-sweep":
                thread.join()
        # Each takes one block.
        assert 0 < len(cached(tmp_path)) <= (5 if is_swept else 20)
    assert (len(cached(tmp_path)) < 20) == is_swept


class TestBrokenCache:
    def test_empty_file_is_replaced(self, make, tmp_path):
        service = make()
        url = service.url("cat.jpg", 50)
        whole = service.get(url)
        file = tmp_path / "cache" / "t" / "50x-" / "cat.jpg"
        file.write_bytes(b"")
        assert service.get(url).data == whole.data
        assert file.read_bytes() == whole.data

    def test_deleted_directory(self, make, tmp_path):
        service = make()
        url = service.url("cat.jpg", 50)
        for _ in range(3):
            assert service.get(url).status == 200
            assert cached(tmp_path) == ["t/50x-/cat.jpg"]
            shutil.rmtree(tmp_path / "cache")

    def test_name_that_is_too_long_for_the_disk(self, make, photos, tmp_path, renders):
        service = make()
        name = f"{'a' * 250}.jpg"
        shutil.copy(photos / "cat.jpg", photos / name)
        for _ in range(2):
            assert service.get(service.url(name, 50, format="webp")).status == 200
        assert len(cached(tmp_path)) == 1
        assert renders() == 1

    def test_name_that_is_that_of_a_directory(self, make, photos, tmp_path, renders):
        service = make()
        shutil.copy(photos / "cat.jpg", photos / "x")
        assert service.get(service.url("x", 50)).status == 200
        (photos / "x").unlink()
        (photos / "x").mkdir()
        shutil.copy(photos / "cat.jpg", photos / "x" / "b.jpg")
        for _ in range(2):
            assert service.get(service.url("x/b.jpg", 50)).status == 200
        assert len(cached(tmp_path)) == 2
        assert renders() == 2

    def test_original_from_before_1970(self, make, photos, tmp_path):
        service = make()
        os.utime(photos / "cat.jpg", (-86_400, -86_400))
        assert service.get(service.url("cat.jpg", 50)).status == 200
        assert (tmp_path / "cache/t/50x-/cat.jpg").stat().st_mtime == -86_400

    @pytest.mark.parametrize("obstacle", [".lock", ".tmp", "t"])
    def test_something_in_the_way(self, make, tmp_path, obstacle):
        (tmp_path / "cache").mkdir()
        (tmp_path / "cache" / obstacle).write_text("a file where a directory should be")
        service = make()
        assert service.get(service.url("cat.jpg", 50)).status == 200

    def test_disk_that_fills_up_while_a_thumbnail_is_written(self, make, tmp_path, caplog):
        service = make()
        url = service.url("cat.jpg", 50)
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))
        try:
            answer = service.get(url)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert answer.status == 200
        assert opened(answer).size == (50, 38)
        assert "not cached" in caplog.text
        assert cached(tmp_path) == []
        assert service.get(url).data == answer.data
        assert cached(tmp_path) == ["t/50x-/cat.jpg"]

    def test_full_disk(self, make):
        full = Path("/dev/full")
        assert full.exists()
        service = make(THUMBNAIL_CACHE=full)
        assert service.get(service.url("cat.jpg", 50)).status == 200


class TestPrivate:
    @pytest.fixture
    def thumbnail(self, photos, tmp_path):
        config = Config.from_mapping(
            {
                "ROOTS": {photos: "/_private/photos/"},
                "THUMBNAIL_CACHE": tmp_path / "cache",
                "THUMBNAIL_PRESETS": {"avatar": "96x96,cover"},
            }
        )
        private = PrivateThumbnails(config, Delivery(config))
        return lambda *arguments, accept=None, **options: read(
            private.answer(
                *arguments,
                **{"width": None, "height": None, **options}
                if len(arguments) == 1
                else {"height": None, **options},
                request=request(accept=accept),
            )
        )

    def test_is_made_once_and_kept_out_of_the_public(self, thumbnail, tmp_path, renders):
        for _ in range(2):
            answer = thumbnail("cat.jpg", 50, max_age=60)
            assert answer.status == 200
            assert answer.headers["Cache-Control"] == "private, max-age=60"
            assert opened(answer).size == (50, 38)
        assert renders() == 1
        (path,) = cached(tmp_path)
        assert re.fullmatch(r"\.private/50x-,v-[\w-]{8}/_private/photos/cat\.jpg", path)

    def test_takes_presets_and_options(self, thumbnail):
        assert opened(thumbnail("cat.jpg", "avatar")).size == (96, 96)
        answer = thumbnail("alpha.png", 40, accept="image/webp", format="auto")
        assert answer.headers["Content-Type"] == "image/webp"
        assert answer.headers["Vary"] == "Accept"
        assert answer.headers["Cache-Control"] == "private, no-cache"

    def test_is_that_of_the_present_file(self, thumbnail, photos):
        assert opened(thumbnail("cat.jpg", 50)).size == (50, 38)
        shutil.copy(photos / "alpha.png", photos / "cat.jpg")
        assert opened(thumbnail("cat.jpg", 50)).size == (50, 50)

    @pytest.mark.parametrize("size", [(0,), (-5,), (99999,), (2**40,), (50, 0), (50, -1)])
    def test_of_a_size_that_no_picture_has_is_a_bad_request(self, thumbnail, size):
        width, *rest = size
        answer = thumbnail("cat.jpg", width, **({"height": rest[0]} if rest else {}))
        assert answer.status == 400

    @pytest.mark.parametrize("options", [{"fit": "wrong"}, {"quality": 500}, {"wrong": 1}])
    def test_with_a_wrong_option_is_an_error(self, thumbnail, options):
        with pytest.raises(SpecError):
            thumbnail("cat.jpg", 50, **options)
        with pytest.raises(SpecError):
            thumbnail("cat.jpg", "unknown")

    @pytest.mark.parametrize("name", ["absent.jpg", "link.jpg", "../secret.jpg", "sub"])
    def test_confines(self, thumbnail, tmp_path, name):
        answer = thumbnail(name, 50)
        assert answer.status == 404
        assert str(tmp_path).encode() not in answer.data

    def test_name_that_is_not_utf_8(self, thumbnail, photos):
        shutil.copy(photos / "cat.jpg", os.fsencode(photos) + b"/\xff.jpg")
        assert thumbnail(os.fsdecode(b"\xff.jpg"), 50).status == 200


def test_signed_urls_reach_no_private_thumbnail(make, tmp_path):
    service = make()
    (tmp_path / "cache" / ".private").mkdir(parents=True)
    (tmp_path / "cache" / ".private" / "a.jpg").write_bytes(b"secret")
    signer = Signer(KEY)
    for path in ("/.private/a.jpg", "/t/1x1/.private/a.jpg"):
        assert service.get(signer.sign(path)).status == 404
    with pytest.raises(ConfigError, match="THUMBNAIL_URL"):
        make(THUMBNAIL_URL="/.private/")


@pytest.mark.parametrize("size", [(8160, 6144), (12000, 9000), (20000, 4000)])
def test_what_phones_make_is_rendered_without_any_setting(make, photos, size):
    Image.new("L", size, 128).save(photos / "phone.jpg")
    service = make()
    answer = service.get(service.url("phone.jpg", 1200))
    assert answer.status == 200
    assert opened(answer).width == 1200


def test_a_bomb_is_refused(make, photos):
    head = b"IHDR" + struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0)
    head = struct.pack(">I", 13) + head + zlib.crc32(head).to_bytes(4)
    (photos / "bomb.png").write_bytes(b"\x89PNG\r\n\x1a\n" + head + b"\0\0\0\4IDAT" + bytes(8))
    service = make()
    assert service.get(service.url("bomb.png", 50)).status == 413
