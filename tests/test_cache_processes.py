"""The cache among the processes of a real application server: stampedes, and kill -9.

`XACCEL_KILL_SECONDS=60 pytest --log-cli-level=INFO tests/test_cache_processes.py -k killed` kills
for a minute and says what came of it; otherwise a few kills are enough.
"""

import contextlib
import io
import json
import logging
import os
import re
import signal
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import pytest
from PIL import Image
from xaccel._core import Cache
from xaccel.config import Config
from xaccel.thumbnails.helpers import TemplateHelpers

from tests.support.servers.process import HOST, PATIENCE, free_port, running

WORKERS = 4
KEY = "a key of more than 16 bytes"
SIDE = 1500

logger = logging.getLogger(__name__)

pytestmark = pytest.mark.server


class App:
    """A Gunicorn with the thumbnail endpoint."""

    def __init__(self, directory, settings, port, pid):
        self.directory, self.port, self.pid = directory, port, pid
        self.cache = directory / "cache"
        self.url = TemplateHelpers(Config.from_mapping(settings)).thumbnail_url

    def get(self, target):
        connection = HTTPConnection(HOST, self.port, timeout=PATIENCE)
        with contextlib.closing(connection):
            connection.request("GET", target)
            response = connection.getresponse()
            return response.status, response.read()

    @property
    def renders(self):
        lines = (self.directory / "app.lines").read_text().splitlines()
        return sum(line.startswith("made ") for line in lines)

    @property
    def workers(self):
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text()
        return [int(pid) for pid in children.split()]

    def memory(self):
        """Bytes that the workers use at their most, each."""
        peaks = []
        for pid in self.workers:
            status = Path(f"/proc/{pid}/status").read_text()
            (peak,) = (line for line in status.splitlines() if line.startswith("VmHWM"))
            peaks.append(int(peak.split()[1]) * 1024)
        return peaks


THREADS = (WORKERS, "--threads=64")
# All requests in one thread, which must not wait for one of them.
GEVENT = (1, "--worker-class=gevent")


@pytest.fixture
def app(tmp_path, request):
    photos = tmp_path / "photos"
    photos.mkdir()
    Image.effect_noise((SIDE, SIDE), 50).convert("RGB").save(photos / "noise.jpg")
    (tmp_path / "app.lines").touch()
    settings = {
        "THUMBNAIL_SOURCE": str(photos),
        "THUMBNAIL_CACHE": str(tmp_path / "cache"),
        "SECRET_KEYS": [KEY],
    }
    port = free_port()
    workers, worker = getattr(request, "param", THREADS)
    command = [
        *(sys.executable, "-m", "gunicorn", "--bind", f"{HOST}:{port}"),
        *(worker, f"--workers={workers}", "--no-control-socket", "--worker-tmp-dir", str(tmp_path)),
        "tests.support.servers.thumbnail_app:app()",
    ]
    env = {
        "XACCEL_TEST_SETTINGS": json.dumps(settings),
        "XACCEL_TEST_LOG": str(tmp_path / "app.lines"),
    }
    with running(command, port, tmp_path / "app.log", env) as pid:
        app = App(tmp_path, settings, port, pid)
        deadline = time.monotonic() + PATIENCE
        while len(app.workers) < workers:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        yield app


def is_whole(data):
    """Whether an image can be decoded to its end."""
    try:
        Image.open(io.BytesIO(data)).load()
    except OSError:
        return False
    return True


@pytest.mark.parametrize("app", [THREADS, GEVENT], indirect=True, ids=["threads", "gevent"])
def test_200_requests_for_one_thumbnail_make_it_once(app):
    url = app.url("noise.jpg", 300)
    with ThreadPoolExecutor(200) as pool:
        answers = list(pool.map(app.get, [url] * 200))
    assert {status for status, _ in answers} == {200}
    assert len({data for _, data in answers}) == 1
    assert is_whole(answers[0][1])
    assert app.renders == 1


@pytest.mark.parametrize("app", [GEVENT], indirect=True, ids=["gevent"])
def test_requests_of_one_thread_wait_for_their_turn_without_blocking_each_other(app):
    urls = [app.url("noise.jpg", width) for width in range(300, 360)]
    with ThreadPoolExecutor(60) as pool:
        assert {status for status, _ in pool.map(app.get, urls)} == {200}
    assert app.renders == 60


def test_200_different_thumbnails_take_the_memory_of_a_few(app):
    assert app.get(app.url("noise.jpg", 10))[0] == 200
    before = max(app.memory())
    urls = [app.url("noise.jpg", width) for width in range(300, 500)]
    with ThreadPoolExecutor(200) as pool:
        assert {status for status, _ in pool.map(app.get, urls)} == {200}
    assert app.renders == 201
    # What a render takes: its source, decoded, several times over; and 64 threads, their stacks.
    bound = len(os.sched_getaffinity(0)) * 4 * SIDE * SIDE * 3 + 64 * 2**20
    assert max(app.memory()) < before + bound


KILLS = 24


def kill_workers(app, seconds):
    """Kill a worker at each render that is seen, and empty the cache now and then.

    Returns how often that was: `KILLS` times, or as often as `seconds` allow.
    """
    killed, end = 0, time.monotonic() + seconds
    while time.monotonic() < end if seconds else killed < KILLS:
        made = app.renders
        deadline = time.monotonic() + PATIENCE
        while app.renders == made:
            assert time.monotonic() < deadline, "nothing is rendered any more"
            time.sleep(0.001)
        with contextlib.suppress(ProcessLookupError, IndexError):
            os.kill(app.workers[killed % WORKERS], signal.SIGKILL)
            killed += 1
        if killed % 8 == 7:
            Cache(app.cache).clear()
    return killed


def held_locks(directory):
    """The inodes of the files below a directory that some process has a lock on."""
    inodes = {path.stat().st_ino for path in directory.rglob("*") if path.is_file()}
    locked = re.findall(r":(\d+) \d+ (?:EOF|\d+)$", Path("/proc/locks").read_text(), re.MULTILINE)
    return inodes.intersection(map(int, locked))


def test_killed_workers_leave_nothing_broken_or_locked(app):
    urls = [app.url("noise.jpg", width) for width in range(300, 380)]
    answers, broken, stop = Counter(), [], threading.Event()

    def ask(number):
        turn = number
        while not stop.is_set():
            turn += 7
            try:
                status, data = app.get(urls[turn % len(urls)])
            except (OSError, HTTPException):
                answers["none, as the worker was killed"] += 1
                continue
            answers[status] += 1
            if status != 200 or not is_whole(data):
                broken.append((status, len(data)))

    with ThreadPoolExecutor(8) as pool:
        asking = [pool.submit(ask, number) for number in range(8)]
        try:
            killed = kill_workers(app, float(os.environ.get("XACCEL_KILL_SECONDS", "0")))
        finally:
            stop.set()
        for future in asking:
            future.result()
    left = list((app.cache / ".tmp").iterdir())
    logger.info("%d kills; answers: %s; broken: %s", killed, dict(answers), broken)
    logger.info("unfinished files left: %d", len(left))
    assert broken == []
    assert answers[200] > 0
    with ThreadPoolExecutor(8) as pool:
        assert {status for status, _ in pool.map(app.get, urls)} == {200}
    deadline = time.monotonic() + PATIENCE
    while held_locks(app.cache):  # a sweep, perhaps
        assert time.monotonic() < deadline, "something stays locked"
        time.sleep(0.01)
    files = [path for path in (app.cache / "t").rglob("*") if path.is_file()]
    assert len(files) == len(urls)
    assert all(is_whole(path.read_bytes()) for path in files)
    for path in (app.cache / ".tmp").iterdir():
        os.utime(path, (0, 0))
    assert Cache(app.cache).sweep(max_size=2**40, inactive=2**20) is not None
    assert list((app.cache / ".tmp").iterdir()) == []
