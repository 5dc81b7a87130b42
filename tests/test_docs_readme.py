"""The snippets of the README, and those that other pages share with it."""

import importlib.metadata
import io
import os
import re
import signal
import subprocess
from types import ModuleType
from typing import Annotated
from urllib.request import urlopen

import flask
import pytest
from django.contrib.auth.decorators import login_required
from django.http import FileResponse
from django.template import engines
from django.test import Client, RequestFactory, override_settings
from django.urls import include, path
from fastapi import Depends, FastAPI
from PIL import Image
from starlette.responses import FileResponse as StarletteFileResponse
from starlette.testclient import TestClient
from xaccel import Config, asgi, probe
from xaccel.flask import XAccel
from xaccel.testing import assert_offloaded

from tests.support import django_site  # noqa: F401
from tests.support.clients import call_asgi
from tests.support.doc_pages import (
    ROOT,
    commands,
    environment,
    execute,
    page,
    runs,
    values,
)
from tests.support.gallery import PATIENCE
from tests.support.thumbnail_images import photo_file

FILM = b"film" * 100


@pytest.fixture
def srv(tmp_path):
    """The directories of the page's examples, with a film and two photographs."""
    for name in ("videos", "photos"):
        (tmp_path / "srv" / name).mkdir(parents=True)
    (tmp_path / "srv" / "videos" / "puppies.mp4").write_bytes(FILM)
    (tmp_path / "srv" / "photos" / "cat.jpg").write_bytes(photo_file("JPEG"))
    return tmp_path / "srv"


def check_install(snippet):
    """The command installs an extra of this package."""
    (extra,) = re.findall(r"^pip install 'xaccel\[(\w+)\]'$", snippet.text, re.MULTILINE)
    assert extra in importlib.metadata.metadata("xaccel").get_all("Provides-Extra")


def template(heading):
    """Return the template in the text of a section."""
    section = page("README.md").partition(f"## {heading}\n")[2].partition("\n## ")[0]
    return re.search(r"In a template: `(.*)`\.", section)[1]


def size(made):
    image = probe(made)
    return image.width, image.height


@runs("README.md#Flask")
def test_flask(found, srv):
    install, code = found
    check_install(install)
    text = code.text.replace("/srv/", f"{srv}/").replace('"…"', '"0123456789abcdef"')
    app = execute(text, code.page, __name__=__name__)["app"]
    client = app.test_client()
    assert client.get("/video/puppies.mp4").status_code == 403
    with client.session_transaction() as cookies:
        cookies["user"] = "ann"
    assert client.get("/video/puppies.mp4").data == FILM
    with app.test_request_context():
        html = flask.render_template_string(template("Flask"))
    url = re.fullmatch(r'<img src="(.*)" alt="A cat">', html)[1].replace("&amp;", "&")
    assert size(client.get(url).data) == (300, 200)


@runs("README.md#Django")
def test_django(found, srv):
    # The models need the settings of the tests.
    from django.contrib.auth.models import AnonymousUser, User

    install, code = found
    check_install(install)
    names = {
        "INSTALLED_APPS": [],
        "MEDIA_ROOT": str(srv / "photos"),
        "urlpatterns": [],
        "path": path,
        "include": include,
        "login_required": login_required,
    }
    text = code.text.replace("/srv/", f"{srv}/")
    parts = dict(re.findall(r"# (\w+)\.py\n(.*?)(?=^# |\Z)", text, re.MULTILINE | re.DOTALL))
    # A project imports the views into its URLs.
    for part in ("settings", "views"):
        exec(compile(parts[part], code.page, "exec"), names)
    assert names["INSTALLED_APPS"] == ["xaccel.django"]
    with override_settings(XACCEL=names["XACCEL"], MEDIA_ROOT=names["MEDIA_ROOT"]):
        exec(compile(parts["urls"], code.page, "exec"), names)
        urls = ModuleType("urls")
        urls.urlpatterns = names["urlpatterns"]
        request = RequestFactory().get("/video/puppies.mp4")
        request.user = AnonymousUser()
        assert names["video"](request, "puppies.mp4").status_code == 302
        request.user = User(username="ann")
        assert names["video"](request, "puppies.mp4").getvalue() == FILM
        html = engines["django"].from_string(template("Django"))
        shown = html.render({"photo": {"image": "cat.jpg"}})
        url = re.fullmatch(r'<img src="(.*)" alt="A cat">', shown)[1].replace("&amp;", "&")
        with override_settings(ROOT_URLCONF=urls):
            assert size(Client().get(url).getvalue()) == (300, 200)


@runs("README.md#Starlette, FastAPI and any other app")
def test_fastapi(found, srv):
    (code,) = found
    app = FastAPI()
    user = Annotated[str, Depends(lambda: "ann")]
    execute(code.text.replace("/srv/", f"{srv}/"), code.page, app=app, User=user)
    assert TestClient(app).get("/video/puppies.mp4").content == FILM


@runs("README.md#Apps that already send files")
def test_the_middleware(found, srv):
    (code,) = found
    line = {re.search(r"# (\w+)", each)[1]: each for each in code.text.splitlines()}
    film = srv / "videos" / "puppies.mp4"
    settings = {"SERVER": "nginx", "ROOTS": {str(srv / "videos"): "/_private/videos/"}}

    app = flask.Flask(__name__)
    app.config["XACCEL"] = settings
    app.add_url_rule("/", view_func=lambda: flask.send_file(film), endpoint="film")
    execute(line["Flask"], code.page, app=app, XAccel=XAccel)
    assert_offloaded(app.test_client().get("/"), film)

    middleware, rest = execute(line["Django"], code.page)["MIDDLEWARE"]
    assert rest is ...
    urls = ModuleType("urls")
    urls.urlpatterns = [path("", lambda _: FileResponse(film.open("rb")))]
    with override_settings(MIDDLEWARE=[middleware], ROOT_URLCONF=urls, XACCEL=settings):
        assert_offloaded(Client().get("/"), film)

    names = {"xaccel": ModuleType("xaccel"), "config": Config.from_mapping(settings)}
    names["xaccel"].asgi = asgi
    app = execute(line["Starlette"], code.page, app=StarletteFileResponse(film), **names)["app"]
    status, headers, content = call_asgi(app)
    assert (status, content) == (200, b"")
    assert headers["x-accel-redirect"] == "/_private/videos/puppies.mp4"


@runs("README.md#Thumbnails without an app")
def test_thumbnails_without_an_app(found, tmp_path, monkeypatch):
    (code,) = found
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cat.jpg").write_bytes(photo_file("JPEG"))
    (tmp_path / "dog.png").write_bytes(photo_file("PNG"))
    names = {}
    attributes, header, preview, blurhash, color, palette, many = values(
        code.text, code.page, names
    ).values()
    content, *described = attributes
    assert described == ["image/webp", 300, 200]
    with Image.open(io.BytesIO(content)) as image:
        assert (image.format, image.size) == ("WEBP", (300, 200))
    assert (header.width, header.height, header.format) == (640, 400, "jpeg")
    assert preview.startswith("data:image/")
    assert re.fullmatch(r"[\w#$%*+,.:;=?@^{|}~\[\]-]{28}", blurhash)
    assert re.fullmatch("#[0-9a-f]{6}", color)
    assert len(palette) == 3
    assert all(re.fullmatch("#[0-9a-f]{6}", each) for each in palette)
    assert [(each.width, each.height) for each in many] == [(300, 188)] * 2


@pytest.mark.server
@pytest.mark.slow
@runs(
    "README.md#Try it",
    "docs/index.md#Start in five minutes",
    "docs/how-to/command-line.md#Look at your pictures",
)
def test_the_gallery_and_the_demos(found, tmp_path):
    serve, *make = found
    (command,) = commands(serve)
    (tmp_path / "Pictures").mkdir()
    (tmp_path / "Pictures" / "cat.jpg").write_bytes(photo_file("JPEG"))
    with subprocess.Popen(
        ["/bin/sh", "-c", f"exec {command} --port 0"],
        stdout=subprocess.PIPE,
        text=True,
        env={**environment(), "HOME": str(tmp_path)},
    ) as process:
        try:
            address = process.stdout.readline().split()[-1]
            with urlopen(address, timeout=PATIENCE) as response:
                assert b"cat.jpg" in response.read()
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(PATIENCE)
    for snippet in make:
        for command in commands(snippet):
            check_make(command)


@pytest.mark.slow  # a system that only runs the quick tests may lack make
@runs("CONTRIBUTING.md#Contributing")
def test_the_targets_of_make(found):
    (snippet,) = found
    for command in commands(snippet):
        check_make(command)


def check_make(command):
    """The target exists, with these values of its variables."""
    assert command.startswith("make ")
    variables = {**os.environ, "MAKEFLAGS": "", "PATH": environment()["PATH"]}
    shown = subprocess.run(
        [*command.split(), "--dry-run"],
        cwd=ROOT,
        env=variables,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for value in re.findall(r"[A-Z]+=(\w+)", command):
        assert value in shown


def test_extras_that_the_pages_install():
    provided = set(importlib.metadata.metadata("xaccel").get_all("Provides-Extra"))
    asked = {
        extra
        for name in ("README.md", *(str(path) for path in (ROOT / "docs").rglob("*.md")))
        for extra in re.findall(r"xaccel\[(\w+)\]", page(name))
    }
    assert len(asked) > 5
    assert asked <= provided
