"""While renders are slow, the app servers' workers answer other requests."""

import contextlib
import http.client
import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from xaccel.config import Config
from xaccel.thumbnails.helpers import TemplateHelpers

from tests.support.servers.process import HOST, PATIENCE, free_port, running

pytestmark = pytest.mark.server

APPS = "tests.support.servers.held_renders"
SERVERS = {
    "gevent": (
        *("gunicorn", "--worker-class=gevent", "--workers=1", "--no-control-socket"),
        *("--bind", f"{HOST}:PORT", f"{APPS}:wsgi_app()"),
    ),
    "uvicorn": (
        *("uvicorn", "--host", HOST, "--port", "PORT", "--lifespan", "off", "--factory"),
        f"{APPS}:asgi_app",
    ),
}


@pytest.fixture(params=["cached", "uncached"])
def settings(request, photos, tmp_path):
    cache = {"THUMBNAIL_CACHE": str(tmp_path / "cache")} if request.param == "cached" else {}
    return {
        "ROOTS": {str(photos): "/_private/"},
        "THUMBNAIL_SOURCE": str(photos),
        "THUMBNAIL_WORKERS": 2,
        "THUMBNAIL_QUEUE": 40,
        "THUMBNAIL_TIMEOUT": 60,
        # The renders are held in the app's process.
        "THUMBNAIL_SANDBOX": False,
        "SECRET_KEYS": ["a key of more than 16 bytes"],
        **cache,
    }


@pytest.fixture(params=SERVERS)
def ask(request, settings, tmp_path):
    port = free_port()
    command = [part.replace("PORT", str(port)) for part in SERVERS[request.param]]
    env = {"XACCEL_TEST_SETTINGS": json.dumps(settings), "XACCEL_TEST_DIRECTORY": str(tmp_path)}

    def ask(target):
        connection = http.client.HTTPConnection(HOST, port, timeout=PATIENCE)
        with contextlib.closing(connection):
            connection.request("GET", target)
            response = connection.getresponse()
            response.read()
            return response.status

    with running([sys.executable, "-m", *command], port, tmp_path / "app.log", env):
        ask.server = request.param
        yield ask
        (tmp_path / "go").touch()


def test_slow_renders_stop_neither_files_nor_errors_nor_the_queue(ask, settings, tmp_path):
    url = TemplateHelpers(Config.from_mapping(settings)).thumbnail_url
    urls = [url("cat.jpg", width) for width in range(50, 110)]
    if ask.server == "uvicorn":
        urls = [*urls[:30], *(f"/private/{width}" for width in range(50, 80))]
    with ThreadPoolExecutor(len(urls)) as pool:
        rendering = [pool.submit(ask, target) for target in urls]
        try:
            deadline = time.monotonic() + PATIENCE
            while len(list(tmp_path.glob("began-*"))) < 2:
                assert time.monotonic() < deadline
                time.sleep(0.01)
            assert ask("/file") == 200
            assert ask(urls[0].replace("key=", "key=x")) == 403
            # Two render and 40 wait. The queue refuses the rest, apart from a few that wait for
            # another thumbnail with the same lock.
            while not any(answer.done() for answer in rendering):
                assert time.monotonic() < deadline
                time.sleep(0.01)
            assert ask("/file") == 200
        finally:
            (tmp_path / "go").touch()
        statuses = [answer.result() for answer in rendering]
    assert set(statuses) == {200, 503}
    assert statuses.count(200) >= 42
    assert ask(urls[-1]) == 200
