"""The table of cases and the awkward names, through every server and framework."""

import functools
import hashlib
import re

import pytest

from tests.support.servers.cases import CASES, ETAG, SENT_BY_THE_APP, Answer, date
from tests.support.servers.files import MODIFIED, NAMES, content
from tests.support.servers.site import FRAMEWORKS

CONSTANT = {
    "Cache-Control": "private, no-cache",
    "X-Content-Type-Options": "nosniff",
    "Vary": "Cookie",
    "Content-Security-Policy": "default-src 'none'",
    "Last-Modified": date(),
}


def digest(body):
    return hashlib.sha256(body).hexdigest()


def parts_of(reply):
    """The ranges and the bytes of a multipart body."""
    boundary = re.fullmatch(
        r"multipart/byteranges; ?boundary=\"?([^\"]+)\"?", reply.headers["Content-Type"]
    )
    assert boundary, reply.headers["Content-Type"]
    delimiter = b"\r\n--" + boundary[1].encode()
    first, *middle, last = (b"\r\n" + reply.body.removeprefix(b"\r\n")).split(delimiter)
    assert not first.strip()
    assert last.strip() == b"--"
    for part in middle:
        head, _, data = part.partition(b"\r\n\r\n")
        lines = head.decode().lower().split("\r\n")
        assert "content-type: text/plain; charset=utf-8" in lines
        (told,) = [line for line in lines if line.startswith("content-range: ")]
        yield told.removeprefix("content-range: "), data


def check(case, answer: Answer, reply, whole, etag):
    head = case.method == "HEAD"
    headers = reply.headers
    assert reply.status == answer.status
    if answer.status in {200, 206}:
        for name, value in CONSTANT.items():
            assert headers.get_all(name) == [value]
        assert headers["ETag"] == etag
        if case.method != "POST":
            assert headers["Accept-Ranges"] == "bytes" or answer.status == 206
    if answer.status == 200:
        assert headers["Content-Type"] == "text/plain; charset=utf-8"
        assert headers["Content-Range"] is None
        # Apache leaves the length out of its answer to HEAD when it is 0.
        assert headers["Content-Length"] == str(len(whole)) or (head and not whole)
        assert digest(reply.body) == digest(b"" if head else whole)
    elif len(answer.ranges) == 1:
        ((first, last),) = answer.ranges
        assert headers["Content-Range"] == f"bytes {first}-{last}/{len(whole)}"
        assert headers["Content-Length"] == str(last + 1 - first)
        assert reply.body == (b"" if head else whole[first : last + 1])
    elif answer.ranges:
        assert headers["Content-Length"] == str(len(reply.body))
        assert list(parts_of(reply)) == [
            (f"bytes {first}-{last}/{len(whole)}", whole[first : last + 1])
            for first, last in answer.ranges
        ]
    elif answer.status == 304:
        assert headers["ETag"] == etag
        assert headers["Vary"] == "Cookie"
        assert reply.body == b""
    else:
        assert headers["Content-Range"] == answer.content_range
        assert b"INSIDE" not in reply.body


@pytest.fixture(scope="module")
def etag_of(site):
    """A function that gives the ETag of a file, which Caddy makes up by itself."""

    @functools.cache
    def etag_of(front, file):
        return site(front).file(file, "HEAD").headers["ETag"]

    return etag_of


@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_case(site, front, case, framework, etag_of):
    whole = b"" if case.file == b"empty.txt" else content(case.file)
    etag = etag_of(front, case.file) if front == "caddy" else f'"{MODIFIED:x}-{len(whole):x}"'
    headers = {name: value.replace(ETAG, etag) for name, value in case.headers.items()}
    reply = site(front, framework).file(case.file, case.method, headers)
    answer = case.differs[front][0] if front in case.differs else case.answer
    check(case, answer, reply, whole, etag)


@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize("name", NAMES)
def test_every_name_arrives(site, front, name, framework):
    path = NAMES[name]
    reply = site(front, framework).file(path)
    assert reply.status == 200
    assert digest(reply.body) == digest(content(path))
    assert reply.sender == ("app" if name in SENT_BY_THE_APP[front] else "server")
    ranged = site(front, framework).file(path, "GET", {"Range": "bytes=2-9"})
    assert (ranged.status, ranged.body) == (206, content(path)[2:10])


@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize(
    "name",
    [
        b"a\\b.txt",
        b"..\\outside.txt",
        b"absent",
        b"",
        b".",
        b"sub",
        b"sub/",
        b"fifo",
        b"link",
        b"link-dir/outside.txt",
        b"../outside.txt",
        b"sub/../plain.txt",
        b"/etc/hostname",
        b"plain.txt\0",
        b"plain.txt\0.jpg",
        b"x" * 256,
    ],
)
def test_a_forbidden_file_is_not_found(site, front, name, framework):
    for headers in ({}, {"Range": "bytes=0-9"}, {"If-None-Match": "*"}):
        reply = site(front, framework).file(name, "GET", headers)
        assert reply.status == 404
        assert b"SIDE" not in reply.body


def test_links_within_the_root_are_followed(site, front):
    reply = site(front).file(b"inside-link")
    assert (reply.status, reply.body) == (200, content(b"plain.txt"))


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_a_second_root(site, front, framework):
    name = str(site(front).files.second / "two words.txt").encode()
    reply = site(front, framework).file(name, options="&root=")
    assert (reply.status, reply.body) == (200, content(b"two words.txt"))


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_how_a_file_is_presented(site, front, framework):
    reply = site(front, framework).file(
        NAMES["emoji"],
        options="&as_attachment=1&download_name=Gr%C3%BC%C3%9Fe%20%22%3B%C2%A7.tar.gz&max_age=60",
    )
    assert reply.headers["Content-Disposition"] == (
        'attachment; filename="Gru_e _;_.tar.gz"; '
        "filename*=UTF-8''Gr%C3%BC%C3%9Fe%20%22%3B%C2%A7.tar.gz"
    )
    assert reply.headers["Content-Type"] == "application/octet-stream"
    assert reply.headers["Content-Encoding"] is None
    assert reply.headers["Cache-Control"] == "private, max-age=60"
    typed = site(front, framework).file(
        b"plain.txt", options="&mimetype=text/html%3B%20charset=iso-8859-2"
    )
    assert typed.headers["Content-Type"] == "text/html; charset=iso-8859-2"
