"""Celery workers, prefork, with a real Redis: each is a machine with a cache of its own."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from celery import Celery
from xaccel import Config
from xaccel.celery import init_app
from xaccel.tasks import tasks_of

from tests.support import hostile_decoder
from tests.support.render_workers import busy_worker, descendants, parent, wait_until_gone
from tests.support.servers.process import HOST, PATIENCE, free_port, running
from tests.support.thumbnail_service import KEY

ROOT = Path(__file__).parents[2]


@contextlib.contextmanager
def running_redis(directory):
    """Run Redis on a port of its own; yield its URL."""
    port = free_port()
    command = (
        *("redis-server", "--port", str(port), "--bind", HOST, "--dir", directory),
        *("--save", "", "--appendonly", "no"),
    )
    with running(command, port, directory / "redis.log"):
        yield f"redis://{HOST}:{port}/0"


@pytest.fixture(scope="module")
def broker(tmp_path_factory):
    with running_redis(tmp_path_factory.mktemp("redis")) as url:
        yield url


@pytest.fixture(scope="module")
def photos(tmp_path_factory, jpeg):
    directory = tmp_path_factory.mktemp("photos")
    for number in range(20):
        (directory / f"{number}.jpg").write_bytes(jpeg)
    (directory / "broken.jpg").write_text("not an image")
    return directory


class Machine:
    """The settings and the cache of a machine."""

    def __init__(self, home, photos, broker, **settings):
        home.mkdir()
        self.home, self.cache, self.log = home, home / "cache", home / "renders.log"
        self.settings = {
            "THUMBNAIL_SOURCE": str(photos),
            "THUMBNAIL_CACHE": str(self.cache),
            "THUMBNAIL_PRESETS": {"small": "64x64,cover"},
            "SECRET_KEYS": [KEY],
            **settings,
        }
        self.config = Config.from_mapping(self.settings)
        self.env = {
            "XACCEL_TEST_SETTINGS": json.dumps(self.settings),
            "XACCEL_TEST_BROKER": broker,
            "XACCEL_TEST_LOG": str(self.log),
            "PYTHONPATH": str(ROOT),
        }

    def kept(self):
        """The thumbnails in the cache."""
        return {str(path.relative_to(self.cache)) for path in self.cache.glob("t/**/*.jpg*")}

    def renders(self):
        text = self.log.read_text() if self.log.exists() else ""
        return [line for line in text.splitlines() if line.startswith("made ")]


@contextlib.contextmanager
def running_worker(machine, app):
    """Run a worker with two processes, until the block ends."""
    name = f"{machine.home.name}@{HOST}"
    log = (machine.home / "worker.log").open("wb")
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "celery", "--app", "tests.support.celery_app", "worker"),
            *("--hostname", name, "--concurrency", "2", "--pool", "prefork"),
            *("--without-mingle", "--loglevel", "INFO"),
        ],
        cwd=machine.home,
        env={**os.environ, **machine.env},
        stdout=log,
        stderr=subprocess.STDOUT,
    )
    try:
        wait_until(lambda: app.control.ping([name], timeout=1))
        yield process.pid
    finally:
        process.terminate()
        process.wait(PATIENCE)
        log.close()


def wait_until(condition):
    deadline = time.monotonic() + PATIENCE
    while not (found := condition()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return found


@pytest.fixture(scope="module")
def web(tmp_path_factory, photos, broker):
    """The process of the tests, as a machine that only sends tasks."""
    machine = Machine(tmp_path_factory.mktemp("web") / "web", photos, broker)
    app = Celery("shop", broker=broker, backend=broker, set_as_current=False)
    init_app(app, machine.config)
    yield machine, app
    app.close()


@pytest.fixture(scope="module")
def machines(tmp_path_factory, photos, broker, web):
    home = tmp_path_factory.mktemp("machines")
    found = [Machine(home / name, photos, broker) for name in ("one", "two")]
    with contextlib.ExitStack() as stack:
        for machine in found:
            stack.enter_context(running_worker(machine, web[1]))
        yield found


def test_workers_render(web, machines):
    app = web[1]
    results = [
        app.tasks["xaccel.render"].delay(f"{number}.jpg", ["small", "80x-"]) for number in range(20)
    ]
    assert sum(result.get(timeout=PATIENCE) for result in results) == 40
    kept = [machine.kept() for machine in machines]
    assert len(kept[0] | kept[1]) == 40
    # Each machine keeps what it renders.
    for machine, files in zip(machines, kept, strict=True):
        assert len(machine.renders()) == len(files)


def test_a_broken_image_fails_with_its_error(web, machines):
    result = web[1].tasks["xaccel.render"].delay("broken.jpg", ["small"])
    with pytest.raises(Exception, match=r"broken\.jpg"):
        result.get(timeout=PATIENCE)


def test_a_purge_reaches_every_machine(web, machines):
    machine = web[0]
    everywhere = [machine, *machines]
    for each in everywhere:
        tasks_of(each.config).keep(next(tasks_of(each.config).thumbnails("7.jpg", "90x-")))
    assert all("t/90x-/7.jpg" in each.kept() for each in everywhere)
    tasks_of(machine.config).endpoint.purge("7.jpg")
    assert not any("/7.jpg" in name for name in machine.kept())
    wait_until(
        lambda: not any(name.endswith("/7.jpg") for each in machines for name in each.kept())
    )
    assert all(each.kept() for each in machines)


def test_the_task_purges_every_machine(web, machines):
    for each in machines:
        tasks_of(each.config).keep(next(tasks_of(each.config).thumbnails("8.jpg", "90x-")))
    web[1].tasks["xaccel.purge"].delay("8.jpg").get(timeout=PATIENCE)
    wait_until(
        lambda: not any(name.endswith("/8.jpg") for each in machines for name in each.kept())
    )


def test_the_command_enqueues(web, machines, photos, broker, tmp_path):
    machine = Machine(tmp_path / "shell", photos, broker)
    result = subprocess.run(
        [
            *(Path(sys.executable).with_name("xaccel"), "backfill", "--celery"),
            *("--app", "tests.support.celery_app:config", "33x-", "--version", "mtime"),
        ],
        cwd=ROOT,
        env={**os.environ, **machine.env},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.stdout == "enqueued 21 tasks\n", result.stderr
    assert result.returncode == 0
    start = "t/33x-,v-"
    wait_until(
        lambda: sum(name.startswith(start) for each in machines for name in each.kept()) == 20
    )
    url = tasks_of(web[0].config).urls.url("3.jpg", 33, version="mtime")
    path = url.partition("?")[0].removeprefix("/")
    assert any(path in each.kept() for each in machines)


def test_a_purge_works_without_the_broker(tmp_path, photos, caplog):
    with running_redis(tmp_path) as broker:
        pass
    machine = Machine(tmp_path / "alone", photos, broker)
    app = Celery("alone", broker=broker, set_as_current=False)
    init_app(app, machine.config)
    tasks = tasks_of(machine.config)
    tasks.keep(next(tasks.thumbnails("1.jpg", "90x-")))
    assert tasks.endpoint.purge("1.jpg") == 1
    assert "can't purge the thumbnails of '1.jpg' on other machines" in caplog.text


class Caged:
    """A worker with a sandbox, and a task that takes until `finish`."""

    def __init__(self, machine, app, pid, photo):
        self.machine, self.pid, self._photo = machine, pid, photo
        photo.write_bytes(hostile_decoder.image("wait"))
        self.result = app.send_task("xaccel.render", [photo.name, ["small"]])
        self.busy = busy_worker(pid)
        self.everyone = [pid, *descendants(pid)]

    def finish(self):
        with self._photo.open("r+b") as file:
            file.write(hostile_decoder.image("nothing"))


@pytest.fixture
def caged(tmp_path, jpeg):
    decoder, photos = tmp_path / "decoder", tmp_path / "photos"
    decoder.mkdir()
    photos.mkdir()
    hostile_decoder.install(decoder)
    (photos / "cat.jpg").write_bytes(jpeg)
    settings = {"THUMBNAIL_DECODERS": ["hostile"], "THUMBNAIL_TIMEOUT": 60}
    with contextlib.ExitStack() as stack:
        stack.callback(sys.path.remove, str(decoder))
        broker = stack.enter_context(running_redis(tmp_path))
        machine = Machine(tmp_path / "caged", photos, broker, THUMBNAIL_SANDBOX=True, **settings)
        machine.env["PYTHONPATH"] += f":{decoder}"
        app = Celery("caged", broker=broker, backend=broker, set_as_current=False)
        stack.callback(app.close)
        pid = stack.enter_context(running_worker(machine, app))
        caged = Caged(machine, app, pid, photos / "slow.jpg")
        stack.callback(caged.finish)
        yield caged


def test_a_render_under_way_is_finished_after_sigterm(caged):
    os.kill(caged.pid, signal.SIGTERM)
    wait_until(lambda: "Warm shutdown" in (caged.machine.home / "worker.log").read_text())
    caged.finish()
    wait_until_gone(caged.everyone)
    assert caged.result.get(timeout=PATIENCE) == 1


def test_no_render_worker_outlives_a_process_that_is_killed(caged):
    launcher = parent(caged.busy)
    os.kill(parent(launcher), signal.SIGKILL)
    wait_until_gone([launcher, caged.busy])


def test_no_render_worker_outlives_a_celery_worker_that_is_killed(caged):
    os.kill(caged.pid, signal.SIGKILL)
    caged.finish()
    wait_until_gone(caged.everyone)
