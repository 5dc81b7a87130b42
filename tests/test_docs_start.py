"""`docs/start/`, step by step: each page makes a site that a visitor can use."""

import re
import sys
from http.cookiejar import CookieJar
from types import SimpleNamespace
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, Request, build_opener
from wsgiref.util import FileWrapper

import pytest
from xaccel import Config, probe

from tests.support.clients import call_wsgi
from tests.support.doc_pages import commands, examine, execute, follow, run, runs, serving
from tests.support.thumbnail_images import photo_file

pytestmark = [pytest.mark.slow, pytest.mark.server]

REPORT = b"Only for members\n"


@pytest.fixture
def site(found, tmp_path):
    """A site that follows a page, and a visitor with cookies."""
    steps = [each for each in found if each.kind != "indented"]
    photos = "media" if found[0].page == "docs/start/django.md" else "photos"
    follow(steps[:1], tmp_path)
    for name in ("a cat.jpg", "dog.jpg"):
        (tmp_path / photos / name).write_bytes(photo_file("JPEG"))
    printed = follow(steps[1:], tmp_path)
    assert any(
        command.startswith(("xaccel config", "python manage.py xaccel")) for command in printed
    )
    assert any("proxy_pass" in file.read_text() for file in (tmp_path / "nginx").iterdir())
    with serving(steps, tmp_path) as address:
        yield address, build_opener(HTTPCookieProcessor(CookieJar()))
        check_site(found, address, tmp_path)


def check_site(found, address, directory):
    """Run the commands that ask the running site."""
    for snippet in found:
        if snippet.kind == "indented":
            (command,) = commands(snippet)
            if "doctor" in command:
                examine(command.replace("https://www.example.com", address), directory)
            else:
                assert REPORT.decode() in run(
                    command.replace("http://127.0.0.1:8000", address), directory
                )


def status_of(visitor, request):
    try:
        return visitor.open(request).status
    except HTTPError as error:
        return error.status


def check_photos(address, visitor):
    page = visitor.open(f"{address}/").read().decode()
    images = [url.replace("&amp;", "&") for url in re.findall(r'src="([^"]+)"', page)]
    assert len(images) == 2
    for url in images:
        with visitor.open(f"{address}{url}") as response:
            assert response.headers["Content-Type"] == "image/jpeg"
            image = probe(response.read())
        assert (image.width, image.height) == (300, 200)
    changed = images[0].replace("300x200", "301x200")
    assert status_of(visitor, f"{address}{changed}") == 403


@runs("docs/start/flask.md", "docs/start/starlette.md")
def test_a_site_with_sign_in(found, site):
    address, visitor = site
    check_photos(address, visitor)
    report = f"{address}/documents/report.txt"
    assert status_of(visitor, report) == 403
    visitor.open(f"{address}/sign-in").close()
    assert visitor.open(report).read() == REPORT


@runs("docs/start/django.md")
def test_a_site_with_django(found, site, tmp_path):
    address, visitor = site
    check_photos(address, visitor)
    with visitor.open(f"{address}/documents/report.txt") as response:
        login = response.url
        form = response.read().decode()
    assert login.startswith(f"{address}/admin/login/")

    run(
        "DJANGO_SUPERUSER_PASSWORD=pass python manage.py createsuperuser --noinput"
        " --username ann --email ann@example.com",
        tmp_path,
    )
    fields = {
        "username": "ann",
        "password": "pass",
        "next": "/documents/report.txt",
        "csrfmiddlewaretoken": re.search(r'csrfmiddlewaretoken" value="(\w+)"', form)[1],
    }
    with visitor.open(Request(login, urlencode(fields).encode())) as response:
        assert response.read() == REPORT


@runs("docs/start/any-app.md")
def test_an_app_without_a_framework(found, site, tmp_path, monkeypatch):
    address, visitor = site
    check_photos(address, visitor)
    report = f"{address}/documents/report.txt"
    assert status_of(visitor, report) == 403
    member = Request(report, headers={"Authorization": "Bearer ann"})
    assert visitor.open(member).read() == REPORT

    # The middleware wraps an app that sends its files itself.
    def sends_files(environ, start_response):
        start_response("200 OK", [("Content-Type", "text/plain")])
        return environ["wsgi.file_wrapper"]((tmp_path / "documents" / "report.txt").open("rb"))

    settings = {"SERVER": "nginx", "ROOTS": {tmp_path / "documents": "/_private/documents/"}}
    gallery = SimpleNamespace(app=sends_files, config=Config.from_mapping(settings))
    monkeypatch.setitem(sys.modules, "gallery", gallery)
    (offloaded,) = (each for each in found if each.text.startswith("# offloaded.py\n"))
    app = execute(offloaded.text, offloaded.page)["app"]
    status, headers, content = call_wsgi(app, **{"wsgi.file_wrapper": FileWrapper})
    assert (status, content) == (200, b"")
    assert headers["X-Accel-Redirect"] == "/_private/documents/report.txt"
