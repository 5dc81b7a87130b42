"""Private files: members only, whole and in parts, under their own names."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import pytest

from tests.support.example_gallery import EXAMPLE, FILM, INVITATION

PRIVATE = EXAMPLE / "private"


def target(name: str) -> str:
    return "/files/" + quote(name)


def log_in(context):
    page = context.new_page()
    page.goto("/login")
    page.fill("[name=name]", "demo")
    page.fill("[name=password]", "xaccel")
    page.click("main button")
    page.wait_for_url("**/members")
    return page


@pytest.mark.parametrize("name", [FILM, INVITATION])
@pytest.mark.parametrize("headers", [{}, {"Range": "bytes=0-99"}], ids=["whole", "range"])
def test_a_visitor_gets_403(site, name, headers):
    reply = site.fetch(target(name), headers=headers)
    assert reply.status == 403
    assert (PRIVATE / name).read_bytes()[:64] not in reply.body
    assert "x-accel-redirect" not in reply.headers


def test_a_visitor_in_a_browser_gets_403(site, new_context):
    page = new_context().new_page()
    page.goto("/")
    for name in (FILM, INVITATION):
        assert page.goto(target(name)).status == 403
    page.goto("/members")
    assert page.url.endswith("/login")


def test_logging_out_closes_the_door(site, new_context):
    page = log_in(new_context())
    assert page.request.get(target(INVITATION)).status == 200
    page.click("text=Log out")
    page.wait_for_url(site.url + "/")
    assert page.request.get(target(INVITATION)).status == 403


@pytest.mark.parametrize("path", ["/login", "/logout"])
def test_a_form_from_elsewhere_is_refused(site, path):
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    reply = site.fetch(path, method="POST", headers=form, body="name=demo&password=xaccel")
    assert reply.status == 400
    assert site.fetch(target(INVITATION), member=True).status == 200


def test_a_member_plays_the_film_and_seeks_in_it(site, new_context):
    context = new_context()
    answers = []
    context.on("response", lambda a: answers.append((a.url, a.status, a.headers)))
    page = log_in(context)
    page.wait_for_function("document.querySelector('video').readyState >= 1")
    assert page.evaluate("document.querySelector('video').duration") == pytest.approx(8, abs=0.1)
    page.evaluate("document.querySelector('video').currentTime = 6")
    page.wait_for_function("v = document.querySelector('video'), !v.seeking && v.readyState >= 2")
    assert page.evaluate("document.querySelector('video').currentTime") == pytest.approx(6)
    page.evaluate("v = document.querySelector('video'), v.muted = true, v.play()")
    page.wait_for_function("document.querySelector('video').currentTime > 6.2")
    assert page.evaluate("document.querySelector('video').error") is None

    films = [(status, headers) for url, status, headers in answers if url.endswith(".mp4")]
    assert {status for status, _ in films} == {206}
    size = (PRIVATE / FILM).stat().st_size
    headers = films[0][1]
    assert headers["content-range"] == f"bytes 0-{size - 1}/{size}"
    assert headers["content-type"] == "video/mp4"


@pytest.mark.parametrize(
    ("requested", "start", "stop"),
    [
        ("bytes=1000-1999", 1000, 2000),
        ("bytes=1300000-", 1_300_000, None),
        ("bytes=-500", -500, None),
    ],
)
def test_a_range_is_exactly_those_bytes(site, requested, start, stop):
    whole = (PRIVATE / FILM).read_bytes()
    reply = site.fetch(target(FILM), headers={"Range": requested}, member=True)
    assert reply.status == 206
    assert reply.body == whole[start:stop]
    first = start % len(whole)
    last = first + len(reply.body) - 1
    assert reply.headers["Content-Range"] == f"bytes {first}-{last}/{len(whole)}"


def test_a_range_beyond_the_end_is_416(site):
    reply = site.fetch(target(FILM), headers={"Range": "bytes=99999999-"}, member=True)
    assert reply.status == 416
    assert reply.headers["Content-Range"] == f"bytes */{(PRIVATE / FILM).stat().st_size}"


def test_a_second_look_is_304(site):
    first = site.fetch(target(FILM), member=True)
    assert first.body == (PRIVATE / FILM).read_bytes()
    again = site.fetch(target(FILM), headers={"If-None-Match": first.headers["ETag"]}, member=True)
    assert (again.status, again.body) == (304, b"")


def test_the_invitation_keeps_its_name_and_its_bytes(site, new_context):
    page = log_in(new_context(accept_downloads=True))
    with page.expect_download() as download:
        page.click("text=Download")
    assert download.value.suggested_filename == INVITATION
    assert Path(download.value.path()).read_bytes() == (PRIVATE / INVITATION).read_bytes()

    reply = site.fetch(target(INVITATION) + "?download=1", member=True)
    kind, *parameters = reply.headers["Content-Disposition"].split("; ")
    assert kind == "attachment"
    encoded = "UTF-8''Einladung%20%E2%80%93%20Gr%C3%B6%C3%9Fe%20&%20Licht.pdf"
    assert f"filename*={encoded}" in parameters
    assert reply.headers["Content-Type"] == "application/pdf"
    assert reply.headers["X-Content-Type-Options"] == "nosniff"
    assert reply.body == (PRIVATE / INVITATION).read_bytes()


def test_no_internal_header_reaches_the_visitor(site):
    for member in (False, True):
        for path in (target(FILM), target("missing.pdf"), site.thumbnail("bridge.jpg")):
            names = {name.lower() for name in site.fetch(path, member=member).headers}
            assert not [name for name in names if name.startswith(("x-accel", "x-sendfile"))]
