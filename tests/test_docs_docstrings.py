"""The code in docstrings, which the site of the docs shows."""

# First, since the views need the settings.
from tests.support import django_site  # isort: skip

import doctest
import io
import re
from types import SimpleNamespace
from wsgiref.util import FileWrapper

import flask
import jinja2
import pytest
from django.core.exceptions import PermissionDenied
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.test import Client, RequestFactory, override_settings
from fastapi import FastAPI, HTTPException, Request, Response
from starlette.responses import FileResponse, PlainTextResponse
from starlette.testclient import TestClient
from xaccel import Config, asgi, jinja, signing, starlette, wsgi
from xaccel.django import PrivateFileView
from xaccel.flask import XAccel, send_private_file, thumbnail_url
from xaccel.testing import assert_offloaded, override_thumbnails
from xaccel.thumbnails.helpers import TemplateHelpers

from tests.support.clients import call_asgi, call_wsgi
from tests.support.doc_pages import execute, runs

KEYS = ["a key of more than 16 bytes"]


@pytest.fixture
def root(tmp_path):
    (tmp_path / "film.mp4").write_bytes(b"film")
    return tmp_path


def code_of(found, root):
    """Return the only snippet, with a root in place of the ellipsis."""
    (snippet,) = found
    return snippet.text.replace("{…}", repr({str(root): "/_private/"})), snippet.page


def forbids(environ, start_response):
    start_response("403 Forbidden", [("Content-Type", "text/plain")])
    return [b"Forbidden"]


@runs("python/xaccel/wsgi.py#module")
@pytest.mark.parametrize("allowed", [True, False])
def test_a_wsgi_app(found, root, allowed):
    names = {"XAccel": wsgi.XAccel, "Config": Config, "forbidden": forbids}
    app = execute(*code_of(found, root), allowed=lambda _: allowed, **names)["app"]
    status, headers, _ = call_wsgi(app)
    assert status == (200 if allowed else 403)
    assert headers.get("X-Accel-Redirect") == ("/_private/film.mp4" if allowed else None)


@runs("python/xaccel/asgi.py#module")
@pytest.mark.parametrize("allowed", [True, False])
def test_an_asgi_app(found, root, allowed):
    forbidden = PlainTextResponse("Forbidden", 403)
    names = {"XAccel": asgi.XAccel, "Config": Config, "forbidden": forbidden}
    app = execute(*code_of(found, root), allowed=lambda _: allowed, **names)["app"]
    status, headers, _ = call_asgi(app)
    assert status == (200 if allowed else 403)
    assert headers.get("x-accel-redirect") == ("/_private/film.mp4" if allowed else None)


@runs("python/xaccel/starlette.py#module")
@pytest.mark.parametrize("allowed", [True, False])
def test_a_fastapi_app(found, root, allowed):
    app = FastAPI()
    names = {"XAccel": starlette.XAccel, "Config": Config, "HTTPException": HTTPException}
    names |= {"Request": Request, "Response": Response, "app": app}
    execute(*code_of(found, root), allowed=lambda _: allowed, **names)
    response = TestClient(app).get("/video/film.mp4")
    assert response.status_code == (200 if allowed else 403)
    assert response.headers.get("X-Accel-Redirect") == ("/_private/film.mp4" if allowed else None)


@runs("python/xaccel/wsgi.py#Sendfile")
def test_the_middleware_for_wsgi(found, root):
    def sends(environ, start_response):
        start_response("200 OK", [("Content-Type", "video/mp4")])
        return environ["wsgi.file_wrapper"]((root / "film.mp4").open("rb"))

    names = {"Sendfile": wsgi.Sendfile, "Config": Config}
    app = execute(*code_of(found, root), app=sends, **names)["app"]
    _, headers, content = call_wsgi(app, **{"wsgi.file_wrapper": FileWrapper})
    assert (headers["X-Accel-Redirect"], content) == ("/_private/film.mp4", b"")


@runs("python/xaccel/asgi.py#Sendfile")
def test_the_middleware_for_asgi(found, root):
    names = {"Sendfile": asgi.Sendfile, "Config": Config}
    sends = FileResponse(root / "film.mp4")
    _, headers, content = call_asgi(execute(*code_of(found, root), app=sends, **names)["app"])
    assert (headers["x-accel-redirect"], content) == ("/_private/film.mp4", b"")


@runs("python/xaccel/flask.py#XAccel")
def test_a_factory_of_flask_apps(found, root):
    class App(flask.Flask):
        """An app with settings."""

        def __init__(self, *arguments):
            super().__init__(*arguments)
            self.config["XACCEL"] = {"THUMBNAIL_SOURCE": str(root), "SECRET_KEYS": KEYS}

    names = execute(*code_of(found, root), XAccel=XAccel, Flask=App, __name__=__name__)
    for app in (names["create_app"](), names["create_app"]()):
        with app.test_request_context():
            assert thumbnail_url("cat.jpg", 50).startswith("/t/50x-/cat.jpg?key=")


@runs("python/xaccel/jinja.py#module")
def test_helpers_for_jinja(found, root):
    settings = {"THUMBNAIL_SOURCE": root, "ROOTS": {root: "/_private/"}, "SECRET_KEYS": KEYS}
    config = Config.from_mapping({**settings, "PRIVATE_URL": "/p/"})
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    names = {"install": jinja.install, "TemplateHelpers": TemplateHelpers, "config": config}
    names |= {"environment": environment, "xaccel": wsgi.XAccel(config)}
    execute(*code_of(found, root), **names)
    template = environment.from_string(
        "{{ thumbnail_url('cat.jpg', 50) }} {{ private_url('film.mp4') }}"
    )
    assert re.match(r"/t/50x-/cat\.jpg\?key=\S+ /p/_private/film\.mp4\?key=", template.render())


@runs("python/xaccel/testing.py#module")
def test_tests_of_an_app(found, root):
    app = flask.Flask(__name__)
    app.config["XACCEL"] = {
        "SERVER": "nginx",
        "ROOTS": {str(root): "/_private/"},
        "THUMBNAIL_SOURCE": str(root),
        "SECRET_KEYS": KEYS,
    }
    XAccel(app)
    app.add_url_rule("/video/1", view_func=lambda: send_private_file("1.mp4"), endpoint="video")
    (root / "1.mp4").write_bytes(b"film")
    client = app.test_client()
    statuses = []

    def create(image):
        with app.test_request_context():
            url = thumbnail_url(image, 50)
        statuses.append(client.get(url).status_code)

    text, page = code_of(found, root)
    names = execute(
        text.replace("/srv/videos", str(root)),
        page,
        assert_offloaded=assert_offloaded,
        override_thumbnails=override_thumbnails,
        Photo=SimpleNamespace(objects=SimpleNamespace(create=create)),
    )
    names["test_members_get_the_video"](client)
    create("a.jpg")
    names["test_the_page_shows_every_photo"](client)
    assert statuses == [404, 200]


@runs("python/xaccel/signing/__init__.py#module", each=True)
def test_signers(found):
    (snippet,) = found
    names = {name: getattr(signing, name) for name in signing.__all__}
    test = doctest.DocTestParser().get_doctest(snippet.text, names, snippet.place, None, 0)
    output = io.StringIO()
    results = doctest.DocTestRunner().run(test, out=output.write)
    assert results.attempted >= 2
    assert not results.failed, output.getvalue()


@runs("python/xaccel/django/storage.py#PrivateStorage")
def test_a_private_storage(found, root):
    text, page = code_of(found, root)
    names = execute(text.replace("/srv/invoices", str(root)), page)
    xaccel = {"ROOTS": {str(root): "/_private/"}, "PRIVATE_URL": "/p/", "SECRET_KEYS": KEYS}
    stores = {**django_site.STORAGES, **names["STORAGES"]}
    with override_settings(STORAGES=stores, XACCEL=xaccel, ROOT_URLCONF="xaccel.django.urls"):
        storage = storages["invoices"]
        url = storage.url(storage.save("7.pdf", ContentFile(b"%PDF")))
        assert "expires=" in url
        assert Client().get(url).getvalue() == b"%PDF"


@runs("python/xaccel/django/views.py#PrivateFileView")
@pytest.mark.parametrize("is_allowed", [True, False])
def test_a_view(found, root, is_allowed):
    (root / "7.pdf").write_bytes(b"%PDF")

    def get_object_or_404(model, pk):
        assert (model, pk) == ("orders", 7)
        return SimpleNamespace(invoice=str(root / "7.pdf"))

    names = {"PrivateFileView": PrivateFileView, "Order": "orders"}
    names["get_object_or_404"] = get_object_or_404
    view = execute(*code_of(found, root), **names)["Invoice"].as_view()
    request = RequestFactory().get("/")
    permissions = {"shop.view_invoice"} if is_allowed else set()
    request.user = SimpleNamespace(has_perm=permissions.__contains__)
    with override_settings(XACCEL={"ROOTS": {str(root): "/_private/"}}):
        if is_allowed:
            response = view(request, pk=7)
            assert response.getvalue() == b"%PDF"
            assert response.headers["Content-Disposition"].startswith("attachment")
        else:
            with pytest.raises(PermissionDenied):
                view(request, pk=7)
