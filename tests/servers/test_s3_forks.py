"""Images in a bucket in workers that were forked after a first fetch."""

import concurrent.futures
import contextlib
import json
import sys
import time
from http.client import HTTPConnection
from pathlib import Path

import pytest
from xaccel import Config
from xaccel.thumbnails.helpers import TemplateHelpers

from tests.support.servers import s3_celery
from tests.support.servers.process import HOST, PATIENCE, free_port, running, started

BIN = Path(sys.executable).parent
ROOT = Path(__file__).parents[2]
APP = "tests.support.servers.s3_app"
GUNICORN = ("gunicorn", "--preload", "-w", "2", "-b", "{address}", "-k")
COMMANDS = {
    "threads": (*GUNICORN, "gthread", "--threads", "4", f"{APP}:app"),
    "gevent": (*GUNICORN, "gevent", f"{APP}:app"),
    "asgi": ("uvicorn", "--workers", "2", "--host", HOST, "--port", "{port}", f"{APP}:asgi_app"),
}


@pytest.fixture(scope="module")
def settings(s3, jpeg):
    """The settings of an app whose images are in a bucket."""
    s3.create("forks")
    s3.put("s3://forks/cat.jpg", jpeg)
    return {
        "S3": s3.settings,
        "THUMBNAIL_SOURCE": "s3://forks/",
        "SECRET_KEYS": ["a key of more than 16 bytes"],
    }


@pytest.mark.parametrize("kind", COMMANDS)
def test_workers_fetch_after_a_fork(kind, settings, tmp_path):
    helpers = TemplateHelpers(Config.from_mapping(settings))
    port = free_port()

    def status(width):
        with contextlib.closing(HTTPConnection(HOST, port, timeout=PATIENCE)) as connection:
            connection.request("GET", helpers.thumbnail_url("cat.jpg", width))
            response = connection.getresponse()
            response.read()
            return response.status

    command = [word.format(address=f"{HOST}:{port}", port=port) for word in COMMANDS[kind]]
    env = {"XACCEL_TEST_SETTINGS": json.dumps(settings), "PYTHONPATH": str(ROOT)}
    log = tmp_path / "server.log"
    with (
        running([BIN / command[0], *command[1:]], port, log, env),
        concurrent.futures.ThreadPoolExecutor(8) as pool,
    ):
        assert [*pool.map(status, range(20, 60))] == [200] * 40
    assert "Traceback" not in log.read_text()


def test_celery_processes_fetch_after_a_fork(settings, tmp_path, monkeypatch):
    broker, results, log = tmp_path / "broker", tmp_path / "results", tmp_path / "worker.log"
    broker.mkdir()
    results.touch()
    env = {
        "XACCEL_TEST_SETTINGS": json.dumps(settings),
        "XACCEL_TEST_BROKER": str(broker),
        "XACCEL_TEST_RESULTS": str(results),
        "PYTHONPATH": str(ROOT),
    }
    monkeypatch.setenv("XACCEL_TEST_BROKER", str(broker))
    with s3_celery.make() as producer:
        for _ in range(40):
            producer.send_task("fetch", args=["cat.jpg"])
    command = [
        *(BIN / "celery", "-A", "tests.support.servers.s3_celery:app", "worker"),
        *("--pool", "prefork", "-c", "2", "--without-gossip", "--without-mingle"),
    ]
    with started(command, log, env) as worker:
        deadline = time.monotonic() + PATIENCE
        # A failed fetch writes no line.
        while len(pids := results.read_text().split()) < 40:
            assert worker.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)
    assert len(pids) == 40
    assert str(worker.pid) not in pids
    assert "Traceback" not in log.read_text()
