"""Images in a bucket in workers that were forked after a first fetch."""

import concurrent.futures
import contextlib
import json
import sys
from http.client import HTTPConnection
from pathlib import Path

import pytest
from xaccel import Config
from xaccel.thumbnails.helpers import TemplateHelpers

from tests.support.servers.process import HOST, PATIENCE, free_port, running

BIN = Path(sys.executable).parent
APP = "tests.support.servers.s3_app"
GUNICORN = ("gunicorn", "--preload", "-w", "2", "-b", "{address}", "-k")
COMMANDS = {
    "threads": (*GUNICORN, "gthread", "--threads", "4", f"{APP}:app"),
    "gevent": (*GUNICORN, "gevent", f"{APP}:app"),
    "asgi": ("uvicorn", "--workers", "2", "--host", HOST, "--port", "{port}", f"{APP}:asgi_app"),
}


@pytest.fixture(scope="module")
def bucket(s3, jpeg):
    s3.create("forks")
    s3.put("s3://forks/cat.jpg", jpeg)
    return s3


@pytest.mark.parametrize("kind", COMMANDS)
def test_workers_fetch_after_a_fork(kind, bucket, tmp_path):
    settings = {
        "S3": bucket.settings,
        "THUMBNAIL_SOURCE": "s3://forks/",
        "SECRET_KEYS": ["a key of more than 16 bytes"],
    }
    helpers = TemplateHelpers(Config.from_mapping(settings))
    port = free_port()

    def status(width):
        with contextlib.closing(HTTPConnection(HOST, port, timeout=PATIENCE)) as connection:
            connection.request("GET", helpers.thumbnail_url("cat.jpg", width))
            response = connection.getresponse()
            response.read()
            return response.status

    command = [word.format(address=f"{HOST}:{port}", port=port) for word in COMMANDS[kind]]
    root = Path(__file__).parents[2]
    env = {"XACCEL_TEST_SETTINGS": json.dumps(settings), "PYTHONPATH": str(root)}
    log = tmp_path / "server.log"
    with (
        running([BIN / command[0], *command[1:]], port, log, env),
        concurrent.futures.ThreadPoolExecutor(8) as pool,
    ):
        assert [*pool.map(status, range(20, 60))] == [200] * 40
    assert "Traceback" not in log.read_text()
