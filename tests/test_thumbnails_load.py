"""Many requests at once: what runs, what waits, and what those who wait hold."""

import contextlib
import os
import resource
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from PIL import Image
from xaccel._core import available_parallelism
from xaccel.config import Config
from xaccel.delivery.files import Delivery
from xaccel.exceptions import Overloaded
from xaccel.thumbnails.private import PrivateThumbnails
from xaccel.thumbnails.rendering import Renderer
from xaccel.thumbnails.sources.fetches import FetchQueue

from tests.support.thumbnail_endpoint import read, request
from tests.support.thumbnail_service import Service, Submitted, ended


def wait_until(condition):
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


ONE_COPY = """
import os
from xaccel._core import thumbnail
from xaccel.exceptions import CorruptImage
from xaccel.thumbnails.sources.base import StreamedOriginal
from tests.support.servers.site import peak_memory, reset_peak_memory

size, piece = 40_000_000, bytes(10_000)
pieces = iter([b"II*\\0", *[piece] * (size // len(piece))])
reset_peak_memory(os.getpid())
before = peak_memory(os.getpid())
stream = StreamedOriginal(
    lambda _: next(pieces, b""), lambda: None, name="a", max_bytes=50_000_000
)
with stream.original() as original:
    assert len(original.whole()) == 4 + size
    try:
        thumbnail(original.whole(), 50)
    except CorruptImage:
        print((peak_memory(os.getpid()) - before) / size)
"""


class TestPlaceholders:
    @pytest.mark.parametrize("is_cached", [True, False])
    def test_take_the_turns_of_thumbnails(self, photos, tmp_path, is_cached):
        cache = {"THUMBNAIL_CACHE": tmp_path / "cache"} if is_cached else {}
        service = Service({"THUMBNAIL_SOURCE": photos, "THUMBNAIL_WORKERS": 1, **cache})
        for number in range(8):
            Image.new("RGB", (60, 40), (number, 0, 0)).save(photos / f"{number}.png")
        busy, overlaps = threading.Lock(), []

        def begin():
            if not busy.acquire(blocking=False):
                overlaps.append(1)

        rendered = Submitted(service.renderer, begin, busy.release)
        made = Submitted(service.helpers.placeholder.__self__._renderer, begin, busy.release)
        with ThreadPoolExecutor(16) as pool:
            pictures = [pool.submit(service.helpers.placeholder, f"{n}.png") for n in range(8)]
            urls = [service.url("cat.jpg", width) for width in range(50, 58)]
            answers = [pool.submit(service.get, url) for url in urls]
            assert {future.result()[:15] for future in pictures} == {"data:image/webp"}
            assert {future.result().status for future in answers} == {200}
        assert (len(rendered), len(made), overlaps) == (8, 8, [])

    def test_are_refused_when_too_many_wait(self, photos):
        service = Service(
            {"THUMBNAIL_SOURCE": photos, "THUMBNAIL_WORKERS": 1, "THUMBNAIL_QUEUE": 1}
        )
        go, inside = threading.Event(), threading.Semaphore(0)

        def hold():
            inside.release()
            assert go.wait(30)

        Submitted(service.renderer, hold)
        with ThreadPoolExecutor(2) as pool:
            answers = [pool.submit(service.get, service.url("cat.jpg", 50))]
            assert inside.acquire(timeout=30)
            answers.append(pool.submit(service.get, service.url("cat.jpg", 51)))
            queue = service.renderer._queue._process_queue()
            wait_until(lambda: queue._tickets._value == 0)
            assert "gif" in service.helpers.placeholder("alpha.png")
            go.set()
            assert {answer.result().status for answer in answers} == {200}

    def test_are_made_once_for_all_processes(self, photos, tmp_path):
        settings = {"THUMBNAIL_SOURCE": photos, "THUMBNAIL_CACHE": tmp_path / "cache"}
        one, other = Service(settings), Service(settings)
        submitted = [Submitted(s.helpers.placeholder.__self__._renderer) for s in (one, other)]
        made = one.helpers.placeholder("cat.jpg")
        assert made.startswith("data:image/webp")
        assert other.helpers.placeholder("cat.jpg") == made
        assert [len(each) for each in submitted] == [1, 0]

    def test_of_several_threads_are_made_once(self, photos, tmp_path):
        service = Service({"THUMBNAIL_SOURCE": photos, "THUMBNAIL_CACHE": tmp_path / "cache"})
        submitted = Submitted(service.helpers.placeholder.__self__._renderer)
        with ThreadPoolExecutor(6) as pool:
            made = set(pool.map(service.helpers.placeholder, 6 * ["cat.jpg"]))
        assert len(made) == 1
        assert len(submitted) == 1


class TestFetches:
    @pytest.fixture
    def origin(self, jpeg):
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                self.server.asked.append(self.path)
                self.send_response(200)
                self.send_header("Content-Length", str(len(jpeg)))
                self.end_headers()
                self.wfile.write(jpeg)

            def log_message(self, *_):
                pass

        with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
            server.asked = []
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
            thread.start()
            yield server
            server.shutdown()
            thread.join()

    def test_of_those_who_wait_have_a_bound(self, origin, jpeg, tmp_path):
        service = Service(
            {
                "THUMBNAIL_SOURCE": f"http://127.0.0.1:{origin.server_port}/",
                "THUMBNAIL_SOURCE_PRIVATE": True,
                "THUMBNAIL_CACHE": tmp_path,
                "THUMBNAIL_MAX_BYTES": len(jpeg) + 100,
                "THUMBNAIL_WORKERS": 1,
            }
        )
        inside, go = threading.Semaphore(0), threading.Event()

        def hold():
            inside.release()
            assert go.wait(30)

        Submitted(service.renderer, hold)
        queue = service.thumbnails._source.queue
        with ThreadPoolExecutor(12) as pool, ended(go):
            urls = [service.url(f"{number}.jpg", 50) for number in range(12)]
            answers = [pool.submit(service.get, url) for url in urls]
            assert inside.acquire(timeout=30)
            # One renders, two have fetched the next images, and the others hold nothing.
            wait_until(lambda: queue._waiting == 9 and len(origin.asked) >= 3)
            assert len(origin.asked) == 3
            go.set()
            assert {answer.result().status for answer in answers} == {200}
        assert len(origin.asked) == 12
        assert queue._free == 3 * (len(jpeg) + 100)

    def test_are_given_back_when_there_is_no_image(self, origin, tmp_path):
        service = Service(
            {
                "THUMBNAIL_SOURCE": f"http://127.0.0.1:{origin.server_port}/",
                "THUMBNAIL_SOURCE_PRIVATE": True,
                "THUMBNAIL_MAX_BYTES": 100,
            }
        )
        for number in range(20):
            assert service.get(service.url(f"{number}.jpg", 50)).status == 413
        queue = service.thumbnails._source.queue
        assert queue._free == 100 * (2 + available_parallelism())

    def test_that_are_too_large_are_not_repeated(self, origin):
        service = Service(
            {
                "THUMBNAIL_SOURCE": f"http://127.0.0.1:{origin.server_port}/",
                "THUMBNAIL_SOURCE_PRIVATE": True,
                "THUMBNAIL_MAX_BYTES": 100,
            }
        )
        for width in (50, 60):
            assert service.get(service.url("large.jpg", width)).status == 413
        assert len(origin.asked) == 1

    def test_take_the_memory_of_one_copy(self):
        """Until the render ends. A new process has no freed memory that could be used again."""
        command = [sys.executable, "-c", ONE_COPY]
        output = subprocess.run(command, check=True, capture_output=True, timeout=60).stdout
        assert 0.8 < float(output) < 1.3

    def test_wait_for_memory_in_a_queue_that_can_fill(self):
        queue = FetchQueue(fetches=2, max_bytes=10, length=1)
        first, second = queue.reserve(), queue.reserve()
        with ThreadPoolExecutor(1) as pool:
            third = pool.submit(queue.reserve)
            wait_until(lambda: queue._waiting == 1)
            with pytest.raises(Overloaded):
                queue.reserve()
            first.shrink(4)
            assert not third.done()
            second.shrink(4)
            third.result(timeout=30).release()
        for reservation in (first, first, second):
            reservation.release()
        assert queue._free == 20


class TestWorkers:
    @pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="needs Linux")
    def test_are_as_many_as_the_cpus_that_the_process_may_use(self):
        script = "from xaccel._core import available_parallelism as n; print(n())"
        command = ["taskset", "-c", str(min(os.sched_getaffinity(0))), sys.executable, "-c", script]
        assert subprocess.run(command, check=True, capture_output=True).stdout == b"1\n"

    def test_need_nothing_that_only_linux_has(self, monkeypatch):
        monkeypatch.delattr(os, "sched_getaffinity", raising=False)
        renderer = Renderer(Config(thumbnail_sandbox=False), None)
        assert renderer._queue._workers == renderer._backend._workers == available_parallelism()

    def test_can_be_set(self):
        renderer = Renderer(Config(thumbnail_workers=7, thumbnail_sandbox=False), None)
        assert renderer._queue._workers == renderer._backend._workers == 7

    def test_are_shared_by_everything_in_a_process(self, photos):
        settings = {"THUMBNAIL_SOURCE": photos, "THUMBNAIL_WORKERS": 5}
        one, other = Service(settings), Service(settings)
        queues = [each.renderer._queue._process_queue() for each in (one, other)]
        assert queues[0] is queues[1]


@contextlib.contextmanager
def no_more_files():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


class TestTooManyOpenFiles:
    """As for any other failure of the disk, nothing is wrong with the image."""

    @pytest.mark.parametrize("is_cached", [True, False])
    def test_are_503_and_pass(self, photos, tmp_path, is_cached):
        cache = {"THUMBNAIL_CACHE": tmp_path / "cache"} if is_cached else {}
        service = Service({"THUMBNAIL_SOURCE": photos, **cache})
        url = service.url("cat.jpg", 50)
        with no_more_files():
            answer = service.get(url)
        assert answer.status == 503
        assert answer.headers["Retry-After"] == "5"
        assert service.get(url).status == 200

    def test_are_503_for_private_thumbnails(self, photos):
        config = Config.from_mapping({"ROOTS": {photos: "/_private/"}})
        private = PrivateThumbnails(config, Delivery(config))
        with no_more_files():
            answer = read(private.answer("cat.jpg", 50, None, request()))
        assert answer.status == 503
        assert read(private.answer("cat.jpg", 50, None, request())).status == 200

    def test_leave_a_version_out(self, photos):
        service = Service({"THUMBNAIL_SOURCE": photos})
        with no_more_files():
            assert service.url("cat.jpg", 50, version="mtime") == service.url("cat.jpg", 50)

    def test_give_a_transparent_placeholder(self, photos):
        service = Service({"THUMBNAIL_SOURCE": photos})
        with no_more_files():
            assert "gif" in service.helpers.placeholder("cat.jpg")
        assert "webp" in service.helpers.placeholder("cat.jpg")
