"""The Python snippets of `docs/scaling.md`."""

# First, since Django's tasks read the settings when they are imported.
from tests.support import django_site  # isort: skip # noqa: F401

from types import SimpleNamespace

import celery
import flask
import pytest
import xaccel.celery
from django.test import override_settings
from xaccel.flask import XAccel
from xaccel.tasks import config_of

from tests.support.doc_pages import execute, runs
from tests.support.thumbnail_images import photo_file


@pytest.fixture
def app(tmp_path):
    """A Flask app with an original."""
    (tmp_path / "photos" / "people").mkdir(parents=True)
    (tmp_path / "photos" / "people" / "ann.jpg").write_bytes(photo_file("JPEG"))
    app = flask.Flask(__name__)
    app.config["XACCEL"] = {
        "THUMBNAIL_SOURCE": str(tmp_path / "photos"),
        "THUMBNAIL_CACHE": str(tmp_path / "cache"),
        "THUMBNAIL_PRESETS": {"avatar": "96x96,cover"},
        "SECRET_KEYS": ["a key of more than 16 bytes"],
    }
    XAccel(app)
    return app


def kept(tmp_path):
    return [path.parts[-3] for path in (tmp_path / "cache").glob("t/**/*.jpg")]


@pytest.fixture
def project(app, tmp_path):
    """A Django project with the same settings."""
    with override_settings(XACCEL=app.config["XACCEL"], MEDIA_ROOT=str(tmp_path / "photos")):
        yield


@runs("docs/scaling.md#Background jobs")
def test_jobs(found, app, project, tmp_path):
    (code,) = found
    rendering, purging = code.text.split("# Elsewhere:\n")
    names = execute(rendering, code.page)
    specs = kept(tmp_path)
    assert {spec.partition(",v-")[0] for spec in specs} == {"96x96,cover", "300x200,cover"}
    assert all(",v-" in spec for spec in specs)
    execute(purging, code.page, purge=names["purge"], config=config_of(app))
    assert kept(tmp_path) == []


@runs("docs/scaling.md#Celery", "python/xaccel/celery.py#module")
def test_celery(found, app, project, tmp_path, monkeypatch):
    (code,) = found
    monkeypatch.setattr(xaccel.celery, "_found", {})
    head, django, flask_app = code.text.replace("\n\n", "\n").splitlines()
    for line, size in ((django, "50x-"), (flask_app, "60x-")):
        celery_app = celery.Celery("shop", set_as_current=False)
        celery_app.conf.task_always_eager = True
        execute(f"{head}\n{line}", code.page, celery_app=celery_app, app=app, flask_app=app)
        assert celery_app.tasks["xaccel.render"].delay("people/ann.jpg", [size]).get() == 1
        assert size in kept(tmp_path)
        assert celery_app.tasks["xaccel.purge"].delay("people/ann.jpg").get() == 1


@runs("docs/scaling.md#Django Tasks", "python/xaccel/django/tasks.py#module")
def test_django_tasks(found, project, tmp_path):
    (code,) = found
    photo = SimpleNamespace(image=SimpleNamespace(name="people/ann.jpg"))
    backend = {"default": {"BACKEND": "django_tasks.backends.immediate.ImmediateBackend"}}
    with override_settings(TASKS=backend):
        execute(code.text, code.page, photo=photo)
    specs = {"96x96,cover"} | ({"300x200,cover"} if "300x200,cover" in code.text else set())
    assert {spec.partition(",v-")[0] for spec in kept(tmp_path)} == specs
    assert all(",v-" in spec for spec in kept(tmp_path))
