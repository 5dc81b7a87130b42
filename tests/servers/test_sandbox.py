"""The sandbox under the servers that fork, signal and kill the processes of an app."""

import contextlib
import http.client
import json
import os
import signal
import socket
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from xaccel.config import Config
from xaccel.thumbnails.helpers import TemplateHelpers

from tests.support import hostile_decoder
from tests.support.render_workers import (
    busy_worker,
    descendants,
    is_alive,
    is_of_sandbox,
    parent,
    wait_for,
    wait_until_gone,
)
from tests.support.servers.process import HOST, PATIENCE, free_port, running
from tests.support.thumbnail_service import KEY

pytestmark = pytest.mark.server

ROOT = Path(__file__).parents[2]
APPS = "tests.support.servers.sandbox_app"


def gunicorn(*options, app="app"):
    return (
        *(sys.executable, "-m", "gunicorn", "--workers=2", "--no-control-socket", *options),
        *("--bind", f"{HOST}:PORT", f"{APPS}:{app}"),
    )


def uvicorn(*options):
    return (
        *(sys.executable, "-m", "uvicorn", "--host", HOST, "--port", "PORT", "--lifespan", "off"),
        *(*options, f"{APPS}:asgi_app"),
    )


def uwsgi(program, *options, app="app"):
    return (
        *(*program, "--http-socket", f"{HOST}:PORT", "--master", "--processes", "2"),
        *("--need-app", "--no-orphans", "--module", f"{APPS}:{app}", *options),
        *("--hook-master-start", "unix_signal:15 gracefully_kill_them_all"),
    )


PYUWSGI = (sys.executable, "-c", "import pyuwsgi, sys; pyuwsgi.run(sys.argv[1:])")
DEBIAN = ("/usr/bin/uwsgi", "--plugin", "python3", "--virtualenv", sys.prefix)

COMMANDS = {
    "gunicorn, sync": gunicorn(),
    "gunicorn, sync, preload": gunicorn("--preload"),
    "gunicorn, sync, rendered before the fork": gunicorn("--preload", app="warm_app()"),
    "gunicorn, gthread": gunicorn("--threads=4"),
    "gunicorn, gthread, preload": gunicorn("--threads=4", "--preload"),
    "gunicorn, gevent": gunicorn("--worker-class=gevent"),
    "gunicorn, gevent, preload": gunicorn("--worker-class=gevent", "--preload"),
    "gunicorn, gevent, rendered before the fork": gunicorn(
        "--worker-class=gevent", "--preload", app="warm_app()"
    ),
    "uvicorn": uvicorn(),
    "uvicorn, workers": uvicorn("--workers", "2"),
    "pyuwsgi": uwsgi(PYUWSGI),
    "uwsgi": uwsgi(DEBIAN),
    "uwsgi, threads": uwsgi(DEBIAN, "--threads", "4"),
    "uwsgi, lazy": uwsgi(DEBIAN, "--lazy-apps"),
    "uwsgi, rendered before the fork": uwsgi(DEBIAN, app="warm_app()"),
}
FEW = (
    "gunicorn, gthread, preload",
    "gunicorn, gevent",
    "uvicorn, workers",
    "uwsgi, threads",
)
"""The commands that every test run covers; `make soak` runs all of them."""

GROUPS = ("gunicorn", "uvicorn")
"""The servers that drain if systemd signals all processes of the service."""


class App:
    """An app with a sandbox, and a client of it."""

    def __init__(self, directory, photos):
        self.decoder = directory / "decoder"
        self.decoder.mkdir()
        hostile_decoder.write(self.decoder)
        self.photos = photos
        self.slow = photos / "slow.jpg"
        self.settings = {
            "THUMBNAIL_SOURCE": str(photos),
            "THUMBNAIL_CACHE": str(directory / "cache"),
            "THUMBNAIL_DECODERS": ["hostile"],
            "THUMBNAIL_SANDBOX": True,
            "THUMBNAIL_TIMEOUT": 60,
            "THUMBNAIL_WORKERS": 4,
            "SECRET_KEYS": [KEY],
        }
        urls = {"THUMBNAIL_SOURCE": str(photos), "SECRET_KEYS": [KEY]}
        self.url = TemplateHelpers(Config.from_mapping(urls)).thumbnail_url
        self.env = {
            "XACCEL_TEST_SETTINGS": json.dumps(self.settings),
            "PYTHONPATH": f"{ROOT}:{self.decoder}:{os.environ.get('PYTHONPATH', '')}",
        }
        self.port = free_port()
        self.log = directory / "app.log"
        self.pid = None

    def get(self, name, width):
        with contextlib.closing(
            http.client.HTTPConnection(HOST, self.port, timeout=2 * PATIENCE)
        ) as connection:
            connection.request("GET", self.url(name, width))
            response = connection.getresponse()
            response.read()
            return response.status

    def begin(self):
        """Write an image that takes until `finish`."""
        self.slow.write_bytes(hostile_decoder.image("wait"))

    def finish(self):
        with self.slow.open("r+b") as file:
            file.write(hostile_decoder.image("nothing"))

    def refuses(self):
        """Whether the server no longer accepts connections."""
        try:
            socket.create_connection((HOST, self.port), timeout=1).close()
        except OSError:
            return True
        return False

    def everyone(self):
        return [self.pid, *descendants(self.pid)]

    def processes(self):
        """The processes of the app itself."""
        return [pid for pid in self.everyone() if is_alive(pid) and not is_of_sandbox(pid)]


@pytest.fixture(
    params=[pytest.param(name, marks=() if name in FEW else pytest.mark.long) for name in COMMANDS]
)
def server(request):
    return request.param


@pytest.fixture
def app(server, tmp_path, photos):
    app = App(tmp_path, photos)
    arguments = [part.replace("PORT", str(app.port)) for part in COMMANDS[server]]
    with running(arguments, app.port, app.log, app.env) as app.pid:
        yield app
        app.begin()
        app.finish()


@pytest.fixture
def threads():
    with ThreadPoolExecutor() as pool:
        yield pool


def test_a_render_under_way_is_answered_after_sigterm(app, server, threads):
    assert app.get("cat.jpg", 20) == 200
    app.begin()
    slow = threads.submit(app.get, "slow.jpg", 8)
    worker = busy_worker(app.pid)
    everyone, processes = app.everyone(), len(app.processes())
    if server.startswith(GROUPS):
        os.killpg(app.pid, signal.SIGTERM)
    else:
        os.kill(app.pid, signal.SIGTERM)
    wait_for(lambda: app.refuses() or len(app.processes()) < processes)
    assert is_alive(worker)
    app.finish()
    assert slow.result() == 200
    wait_until_gone(everyone)


def test_nothing_outlives_an_app_process_that_is_killed(app, server, threads):
    app.begin()
    slow = threads.submit(app.get, "slow.jpg", 8)
    caged = busy_worker(app.pid)
    launcher = parent(caged)
    os.kill(parent(launcher), signal.SIGKILL)
    wait_until_gone([launcher, caged])
    assert isinstance(slow.exception(), (http.client.HTTPException, OSError))
    if server != "uvicorn":
        wait_for(lambda: answers(app))


def answers(app):
    with contextlib.suppress(OSError, http.client.HTTPException):
        return app.get("cat.jpg", 20) == 200


def test_nothing_outlives_a_server_that_is_killed(app, server, threads):
    app.begin()
    slow = threads.submit(app.get, "slow.jpg", 8)
    busy_worker(app.pid)
    everyone = app.everyone()
    processes = app.processes()
    os.kill(app.pid, signal.SIGKILL)
    if server == "uvicorn, workers":
        # They continue to serve without the process that has started them.
        for pid in processes[1:]:
            os.kill(pid, signal.SIGKILL)
    app.finish()
    slow.exception()
    # A worker of Gunicorn that waits for a connection looks for its master after the next one.
    wait_for(app.refuses)
    wait_until_gone(everyone)
