"""Requests that the gallery must refuse, without showing anything."""

from __future__ import annotations

from urllib.parse import quote, unquote

import pytest

from tests.support.example_gallery import FILM


@pytest.fixture
def cache_unchanged(site):
    before = site.cached_files()
    yield
    assert site.cached_files() == before


@pytest.mark.usefixtures("cache_unchanged")
class TestThumbnails:
    def test_a_tampered_key_is_403(self, site):
        good = site.thumbnail("bridge.jpg", spec="123x45")
        path, _, key = good.partition("?key=")
        other = "B" if key[0] == "A" else "A"
        for bad in (f"{path}?key={other}{key[1:]}", f"{path}?key=", f"{path}?key={key}A", path):
            assert site.fetch(bad).status == 403, bad

    def test_a_key_is_good_for_its_own_url_only(self, site):
        good = site.thumbnail("bridge.jpg", spec="123x45")
        for change in (("123x45", "124x45"), ("bridge", "stream"), ("123x45", "123x45,cover")):
            assert site.fetch(good.replace(*change)).status == 403, change

    def test_a_missing_source_is_404(self, site):
        assert site.fetch(site.thumbnail("missing.jpg")).status == 404

    @pytest.mark.parametrize("name", ["notes.txt", "notes.jpg"])
    def test_a_text_file_is_415(self, site, name):
        assert site.fetch(site.thumbnail(name)).status == 415

    def test_the_head_of_a_jpeg_is_422(self, site):
        assert site.fetch(site.thumbnail("head.jpg")).status == 422

    def test_a_source_that_is_a_link_out_of_the_directory_is_404(self, site):
        assert site.fetch(site.thumbnail("link.jpg")).status == 404

    def test_a_source_that_is_a_directory_is_404(self, site):
        assert site.fetch(site.thumbnail("directory.jpg")).status == 404

    @pytest.mark.parametrize("spec", ["0x0", "99999x9", "300", "300X200", "0300x200", "300x200,"])
    def test_a_spec_that_is_not_one_is_404(self, site, spec):
        assert site.fetch(site.thumbnail("bridge.jpg", spec=spec)).status == 404


def test_half_a_jpeg_is_a_picture_or_422(site, new_context):
    url = site.thumbnail("half.jpg")
    reply = site.fetch(url)
    assert reply.status in {200, 422}
    if reply.status == 200:
        page = new_context().new_page()
        page.goto("/login")
        page.evaluate("url => (document.body.innerHTML = `<img src='${url}'>`)", url)
        width = page.evaluate(
            "document.images[0].decode().then(() => document.images[0].naturalWidth)"
        )
        assert width == 300
    else:
        assert not [path for path in site.cached_files() if path.name.startswith("half")]


TRAVERSALS = [
    "/p/../",
    "/p/%2e%2e/",
    "/p/%2e%2e%2fapp.py",
    "/files/",
    "/files/..",
    "/files/../",
    "/files/../app.py",
    "/files/%2e%2e/app.py",
    "/files/..%2fapp.py",
    "/files/%2e%2e%2fapp.py",
    "/files/%252e%252e%252fapp.py",
    "/files/directory/../../app.py",
    "/files/directory/..%2f..%2fapp.py",
    "/files/..%5capp.py",
    "/files/%2fetc%2fpasswd",
    "/files//etc/passwd",
    "/files/link.pdf",
    "/files/directory",
    "/files/directory/",
    "/files/missing.pdf",
    "/static/../app.py",
    "/static/%2e%2e/settings.py",
    "/static/..%2fsettings.py",
    "/_private/files/" + quote(FILM),
    "/_xaccel/thumbnails/t/72x72,cover/bridge.jpg",
]


@pytest.mark.parametrize("target", TRAVERSALS)
def test_nothing_outside_is_served_and_no_path_is_shown(site, target):
    reply = site.fetch(target, member=True)
    if reply.status in {301, 308}:
        # A doubled slash is merged before anything else looks at the path.
        assert "//" in unquote(target)
        reply = site.fetch(reply.headers["Location"].removeprefix(site.url), member=True)
    assert reply.status == 404
    for told in (str(site.directory), "app.py", "settings.py", "outside", "etc/passwd"):
        assert told not in reply.text


@pytest.mark.parametrize(
    "target", ["/t/../app.py", "/t/%2e%2e/app.py", "/t/300x200/..%2f..%2fapp.py", "/t/"]
)
def test_nothing_below_the_thumbnails_is_served_without_a_signature(site, target):
    reply = site.fetch(target)
    assert reply.status in {403, 404}
    assert "app.py" not in reply.text
    assert str(site.directory) not in reply.text
