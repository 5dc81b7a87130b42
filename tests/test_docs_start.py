"""`docs/start/`, step by step: each page makes a site that a visitor can use."""

import re
from http.cookiejar import CookieJar
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, Request, build_opener

import pytest
from xaccel import probe

from tests.support.doc_pages import follow, run, serving, snippets
from tests.support.thumbnail_images import photo_file

pytestmark = [pytest.mark.slow, pytest.mark.server]

REPORT = b"Only for members\n"


@pytest.fixture
def site(request, tmp_path):
    """A site that follows a page, and a visitor with cookies."""
    page, photos = request.param
    found = snippets(f"start/{page}.md")
    directory = tmp_path / photos
    follow(found[:1], tmp_path)
    for name in ("a cat.jpg", "dog.jpg"):
        (directory / name).write_bytes(photo_file("JPEG"))
    printed = follow(found[1:], tmp_path)
    assert any(
        command.startswith(("xaccel config", "python manage.py xaccel")) for command in printed
    )
    assert any("proxy_pass" in file.read_text() for file in (tmp_path / "nginx").iterdir())
    with serving(found, tmp_path) as address:
        yield address, build_opener(HTTPCookieProcessor(CookieJar()))


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


@pytest.mark.parametrize(
    "site", [("flask", "photos"), ("starlette", "photos")], indirect=True, ids=str
)
def test_a_site_with_sign_in(site):
    address, visitor = site
    check_photos(address, visitor)
    report = f"{address}/documents/report.txt"
    assert status_of(visitor, report) == 403
    visitor.open(f"{address}/sign-in").close()
    assert visitor.open(report).read() == REPORT


@pytest.mark.parametrize("site", [("django", "media")], indirect=True)
def test_a_site_with_django(site, tmp_path):
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


@pytest.mark.parametrize("site", [("any-app", "photos")], indirect=True)
def test_an_app_without_a_framework(site):
    address, visitor = site
    check_photos(address, visitor)
    report = f"{address}/documents/report.txt"
    assert status_of(visitor, report) == 403
    member = Request(report, headers={"Authorization": "Bearer ann"})
    assert visitor.open(member).read() == REPORT
