"""Behind nginx, only requests for new or private images reach Python."""

from __future__ import annotations

import re
from html import unescape
from urllib.parse import quote

from tests.support.example_gallery import FILM


def test_cached_thumbnails_and_static_files_outlive_the_app(nginx_site):
    site = nginx_site
    pages = unescape(site.fetch("/").text + site.fetch("/photo/1").text)
    thumbnails = set(re.findall(r'src="(/t/[^"]+)"', pages))
    static = set(re.findall(r'"(/static/[^"]+)"', pages))
    assert len(thumbnails) == 9 + 1 + 9
    assert len(static) == 2
    before = {url: site.fetch(url) for url in thumbnails | static}
    assert {reply.status for reply in before.values()} == {200}
    fresh = site.thumbnail("bridge.jpg", spec="321x123")

    site.stop_app()

    for url, first in before.items():
        again = site.fetch(url)
        assert (again.status, again.body) == (200, first.body), url
        assert again.headers["Content-Type"] == first.headers["Content-Type"]
    assert site.fetch(fresh).status == 502
    assert site.fetch("/").status == 502
    assert site.fetch("/files/" + quote(FILM)).status == 502


def test_a_cached_thumbnail_still_wants_its_key(nginx_site):
    site = nginx_site
    url = site.thumbnail("fig.png", spec="100x100")
    assert site.fetch(url).status == 200
    site.stop_app()
    assert site.fetch(url).status == 200
    path, _, key = url.partition("?key=")
    other = "B" if key[0] == "A" else "A"
    assert site.fetch(path).status == 403
    assert site.fetch(f"{path}?key={other}{key[1:]}").status == 403


def test_nothing_is_made_twice(nginx_site):
    site = nginx_site
    url = site.thumbnail("Otoño en Aitzgorri.jpg", spec="100x100")
    first = site.fetch(url)
    files = site.cached_files()
    assert len(files) == 1
    made = {path: (site.cache / path).stat().st_mtime_ns for path in files}
    assert site.fetch(url).body == first.body
    assert {path: (site.cache / path).stat().st_mtime_ns for path in site.cached_files()} == made
