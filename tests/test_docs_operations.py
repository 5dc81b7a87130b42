"""The snippets of `docs/operations.md` without commands, and of `docs/troubleshooting.md`."""

import logging
from types import SimpleNamespace

import flask
import pytest
import xaccel
import xaccel.health
from django.conf import settings as django_settings
from django.core.files.storage import default_storage
from django.test import Client, override_settings
from xaccel import Config
from xaccel.django import thumbnail_url
from xaccel.wsgi import Thumbnails, XAccel

from tests.support import django_site  # noqa: F401
from tests.support.clients import call_wsgi
from tests.support.doc_pages import execute, runs
from tests.support.thumbnail_images import photo_file

KEY = "a key of more than 16 bytes"


@runs("docs/operations.md#Health", "python/xaccel/health.py#module")
@pytest.mark.parametrize(("is_writable", "status"), [(True, 200), (False, 503)])
def test_an_endpoint_for_health(found, tmp_path, is_writable, status):
    (code,) = found
    (tmp_path / "a file").touch()
    cache = tmp_path / ("cache" if is_writable else "a file")
    settings = {"THUMBNAIL_SOURCE": tmp_path, "THUMBNAIL_CACHE": cache, "SECRET_KEYS": [KEY]}
    app = flask.Flask(__name__)
    execute(code.text, code.page, app=app, xaccel=xaccel, config=Config.from_mapping(settings))
    response = app.test_client().get("/health")
    assert response.status_code == status
    assert (response.json["status"] == "ok") == is_writable
    assert str(tmp_path) not in response.text


class Settings:
    """The fixture `settings` of pytest-django: what a test sets holds until it ends."""

    def __init__(self, stack):
        self.__dict__["stack"] = stack

    def __getattr__(self, name):
        return getattr(django_settings, name)

    def __setattr__(self, name, value):
        override = override_settings(**{name: value})
        override.enable()
        self.stack.append(override)


@runs("docs/operations.md#Metrics")
def test_gunicorn_forgets_what_a_dead_worker_was_doing(found, tmp_path, monkeypatch):
    (snippet,) = found
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    for number in (1, 2):
        (tmp_path / f"gauge_livesum_{number}.db").touch()
    hooks = execute(snippet.text, snippet.page)
    hooks["child_exit"](None, SimpleNamespace(pid=1))
    assert [path.name for path in tmp_path.iterdir()] == ["gauge_livesum_2.db"]


@runs("docs/operations.md#Tests of your app")
def test_a_fixture_for_the_tests_of_an_app(found, tmp_path):
    (code,) = found
    fixture = execute(code.text, code.page, pytest=SimpleNamespace(fixture=lambda made: made))
    stack = []
    with override_settings(XACCEL={"SECRET_KEYS": [KEY]}, ROOT_URLCONF="xaccel.django.urls"):
        try:
            fixture["thumbnails"](Settings(stack), tmp_path)
            (tmp_path / "media").mkdir()
            (tmp_path / "media" / "cat.jpg").write_bytes(photo_file("JPEG"))
            assert default_storage.path("cat.jpg") == str(tmp_path / "media" / "cat.jpg")
            assert Client().get(thumbnail_url("cat.jpg", 50)).status_code == 200
            assert [*(tmp_path / "cache").rglob("cat.jpg*")]
        finally:
            for override in reversed(stack):
                override.disable()


@runs("docs/troubleshooting.md#Troubleshooting", kinds=("python",))
def test_logging_in_development(found, capfd, monkeypatch):
    (code,) = found
    root = logging.getLogger()
    # `basicConfig()` leaves a root logger with handlers, such as pytest's, as it is.
    monkeypatch.setattr(root, "handlers", [])
    level = root.level
    try:
        execute(code.text, code.page)
        thumbnails = Thumbnails(
            Config.from_mapping({"THUMBNAIL_SOURCE": "/", "SECRET_KEYS": [KEY]})
        )
        assert call_wsgi(thumbnails, "/t/50x-/cat.jpg?key=wrong")[0] == 403
    finally:
        root.setLevel(level)
    assert "INFO:xaccel.thumbnails:" in capfd.readouterr().err


@runs("docs/servers.md#Files that browsers execute")
def test_the_header_of_files_that_browsers_execute(found, tmp_path):
    (header,) = found
    (tmp_path / "page.html").write_text("<p>text</p>")
    config = Config.from_mapping({"ROOTS": {str(tmp_path): "/_private/"}})
    _, headers, _ = call_wsgi(XAccel(config).send_private_file("page.html"))
    assert header.text == f"Content-Security-Policy: {headers['Content-Security-Policy']}\n"
