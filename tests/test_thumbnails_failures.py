"""Images that can't be rendered, or not in time: what is answered, and for how long."""

import shutil
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from xaccel.config import Config
from xaccel.delivery.files import Delivery
from xaccel.exceptions import CorruptImage, RenderTimeout
from xaccel.thumbnails.failures import Failures
from xaccel.thumbnails.private import PrivateThumbnails

from tests.support.thumbnail_endpoint import read, request
from tests.support.thumbnail_service import Service, Submitted, ended


@pytest.fixture
def make(photos, tmp_path):
    def make(*, cached=True, **settings):
        cache = {"THUMBNAIL_CACHE": tmp_path / "cache"} if cached else {}
        return Service({"THUMBNAIL_SOURCE": photos, **cache, **settings})

    return make


class TestTimeout:
    @pytest.mark.parametrize("is_cached", [True, False])
    def test_is_503_and_remembered(self, make, is_cached, tmp_path):
        service = make(cached=is_cached)
        service.renderer._timeout = 0
        submitted = Submitted(service.renderer)
        for width in (50, 50, 51):
            answer = service.get(service.url("cat.jpg", width))
            assert answer.status == 503
            assert answer.headers["Retry-After"] == "60"
            assert answer.headers["Cache-Control"] == "no-store"
        assert len(submitted) == 1

    def test_is_10_seconds_by_default(self):
        assert Config().thumbnail_timeout == 10
        assert Config(thumbnail_timeout="1m").thumbnail_timeout == 60

    @pytest.mark.parametrize("is_cached", [True, False])
    def test_does_not_count_the_wait(self, make, is_cached):
        service = make(cached=is_cached, THUMBNAIL_WORKERS=1)
        inside, go = threading.Semaphore(0), threading.Event()

        def hold():
            inside.release()
            assert go.wait(30)

        submitted = Submitted(service.renderer, hold)
        with ThreadPoolExecutor(2) as pool, ended(go):
            answers = [pool.submit(service.get, service.url("cat.jpg", 50))]
            assert inside.acquire(timeout=30)
            answers.append(pool.submit(service.get, service.url("cat.jpg", 51)))
            released = time.monotonic()
            go.set()
            assert {answer.result().status for answer in answers} == {200}
        assert submitted.deadlines[0] < released + 10 <= submitted.deadlines[1]

    def test_holds_for_placeholders(self, make, photos):
        service = make()
        renderer = service.helpers.placeholder.__self__._renderer
        renderer._timeout = 0
        assert "gif" in service.helpers.placeholder("cat.jpg")
        with pytest.raises(RenderTimeout):
            renderer.failures.check("cat.jpg", lambda: service.thumbnails._source.state("cat.jpg"))

    def test_holds_for_private_thumbnails(self, photos):
        config = Config.from_mapping({"ROOTS": {photos: "/_private/"}})
        private = PrivateThumbnails(config, Delivery(config))
        private._delivery.renderer._timeout = 0
        assert read(private.answer("cat.jpg", 50, None, request())).status == 503

    def test_shows_the_fallback(self, make, photos):
        service = make(THUMBNAIL_FALLBACK=photos / "alpha.png")
        service.renderer.failures.remember(
            "cat.jpg", service.thumbnails._source.state("cat.jpg"), RenderTimeout("slow")
        )
        answer = service.get(service.url("cat.jpg", 50))
        assert (answer.status, answer.headers["Retry-After"]) == (503, "60")
        assert answer.headers["Content-Type"] == "image/jpeg"
        assert answer.headers["Cache-Control"] == "no-store"


class TestBrokenImage:
    @pytest.mark.parametrize("is_cached", [True, False])
    def test_is_rendered_once_whatever_the_thumbnail(self, make, is_cached):
        service = make(cached=is_cached)
        submitted = Submitted(service.renderer)
        for width in range(50, 60):
            assert service.get(service.url("truncated.jpg", width)).status == 422
            assert service.get(service.url("text.jpg", width)).status == 415
        assert len(submitted) == 2

    def test_is_remembered_by_all_processes(self, make):
        one, other = make(), make()
        submitted = Submitted(other.renderer)
        assert one.get(one.url("truncated.jpg", 50)).status == 422
        assert other.get(other.url("truncated.jpg", 51)).status == 422
        assert len(submitted) == 0

    def test_takes_one_turn_of_all_that_wait(self, make):
        service = make(THUMBNAIL_WORKERS=1)
        inside, go = threading.Semaphore(0), threading.Event()

        def hold():
            inside.release()
            assert go.wait(30)

        submitted = Submitted(service.renderer, hold)
        urls = [service.url("truncated.jpg", width) for width in range(50, 58)]
        with ThreadPoolExecutor(8) as pool, ended(go):
            answers = [pool.submit(service.get, url) for url in urls]
            assert inside.acquire(timeout=30)
            go.set()
            assert {answer.result().status for answer in answers} == {422}
        assert len(submitted) == 1

    @pytest.mark.parametrize("is_cached", [True, False])
    def test_is_tried_again_when_it_changed(self, make, photos, is_cached):
        service = make(cached=is_cached)
        url = service.url("truncated.jpg", 50)
        assert service.get(url).status == 422
        shutil.copy(photos / "cat.jpg", photos / "truncated.jpg")
        assert service.get(url).status == 200

    @pytest.mark.parametrize("is_cached", [True, False])
    def test_is_tried_again_after_a_minute(self, make, is_cached):
        service = make(cached=is_cached)
        submitted = Submitted(service.renderer)
        url = service.url("truncated.jpg", 50)
        for later, tries in ((0, 1), (59, 1), (61, 2)):
            service.renderer.failures._now = lambda later=later: time.time() + later
            assert service.get(url).status == 422
            assert len(submitted) == tries

    def test_is_tried_again_after_a_purge(self, make):
        service = make()
        submitted = Submitted(service.renderer)
        for _ in range(2):
            assert service.get(service.url("truncated.jpg", 50)).status == 422
            service.thumbnails.purge("truncated.jpg")
        assert len(submitted) == 2

    def test_as_the_fallback_is_rendered_once(self, make, photos):
        service = make(THUMBNAIL_FALLBACK=photos / "text.jpg")
        submitted = Submitted(service.renderer)
        for width in range(50, 55):
            assert service.get(service.url("absent.jpg", width)).status == 404
        assert len(submitted) == 1

    @pytest.mark.parametrize("is_cached", [True, False])
    def test_as_a_placeholder_is_decoded_once(self, make, is_cached):
        service = make(cached=is_cached)
        submitted = Submitted(service.helpers.placeholder.__self__._renderer)
        for _ in range(3):
            assert "gif" in service.helpers.placeholder("truncated.jpg")
        assert len(submitted) == 1

    def test_that_is_too_large_is_not_remembered(self, make):
        service = make(THUMBNAIL_MAX_SIDE=100)
        assert service.get(service.url("cat.jpg", 200)).status == 413
        assert service.get(service.url("cat.jpg", 50)).status == 200


class TestMemory:
    @pytest.mark.parametrize("directory", ["cache", None])
    def test_is_bounded(self, tmp_path, directory):
        failures = Failures(directory and str(tmp_path / directory))
        for number in range(3000):
            failures.remember(f"{number}.jpg", None, CorruptImage("broken"))
        files = list(tmp_path.rglob("failed-*"))
        assert 500 < len(files) + len(failures._texts) <= 1024
        with pytest.raises(CorruptImage, match="broken"):
            failures.check("2999.jpg", lambda: None)
        failures.check("2999.jpg", lambda: "another state")

    @pytest.mark.parametrize("text", ["", "x", "1\n", "\n\n\n", "nan\n\n\n", "\0" * 100])
    def test_survives_a_file_that_is_cut(self, tmp_path, text):
        failures = Failures(str(tmp_path))
        failures.remember("a.jpg", None, CorruptImage("broken"))
        (file,) = tmp_path.rglob("failed-*")
        file.write_text(text)
        failures.check("a.jpg", lambda: None)

    def test_works_where_the_cache_does_not(self, tmp_path):
        (tmp_path / "file").write_text("in the way")
        failures = Failures(str(tmp_path / "file"))
        failures.remember("a.jpg", None, CorruptImage("broken"))
        with pytest.raises(CorruptImage):
            failures.check("a.jpg", lambda: None)
