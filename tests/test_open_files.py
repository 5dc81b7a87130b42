# ruff: noqa: PTH123, SIM115 - the files are the subject
"""Files that the app has opened: offloaded by the middleware, or sent by `send_private_file()`."""

import gzip
import io
import os
import tempfile

import flask
import pytest
from django.core.files.base import ContentFile, File
from django.core.files.storage import FileSystemStorage
from django.http import FileResponse, HttpResponse
from django.test import RequestFactory, override_settings
from xaccel import Config, asgi, wsgi
from xaccel.delivery.open_files import has_plain_content, path_of, plain_file
from xaccel.django.middleware import SendfileMiddleware
from xaccel.flask import XAccel, send_private_file

from tests.support import django_site  # noqa: F401
from tests.support.clients import call_asgi, call_wsgi

CARD = b"4111-1111-1111-1111 SECRET" * 100


class Redacted(io.FileIO):
    """An app's own reader: it hides what visitors must not see."""

    def read(self, size=-1):
        return b"****" if super().read(size) else b""

    def readall(self):
        return b"****" * bool(super().readall())

    def readinto(self, buffer):
        raise AssertionError("the bytes of the file were read")


class RedactedFile(File):
    """The same for Django."""

    def read(self, size=-1):
        return b"****" if self.file.read(size) else b""


@pytest.fixture
def root(tmp_path):
    (tmp_path / "card.txt").write_bytes(CARD)
    with gzip.open(tmp_path / "log.gz", "wb") as file:
        file.write(b"hello " * 100)
    return tmp_path


def config(root, server="nginx"):
    return Config.from_mapping({"SERVER": server, "ROOTS": {root: "/_p/"}})


def patched(path):
    file = open(path, "rb")
    file.read = lambda size=-1: b""
    return file


@pytest.mark.parametrize(
    "make",
    [
        lambda path: open(path, "rb"),
        lambda path: open(path, "rb", buffering=0),
        lambda path: open(path, "rb+"),
        lambda path: open(os.fsencode(path), "rb"),
        lambda path: open(os.path.relpath(path), "rb"),
        lambda path: File(open(path, "rb")),
        lambda path: File(File(open(path, "rb"))),
        lambda path: FileSystemStorage(path.parent).open(path.name),
    ],
)
def test_plain_files_are_found_by_their_path(root, make):
    with make(root / "card.txt") as file:
        assert path_of(file) == str(root / "card.txt")
        assert has_plain_content(file)
        file.read(1)
        assert path_of(file) is None


@pytest.mark.parametrize(
    "make",
    [
        Redacted,
        lambda path: io.BufferedReader(Redacted(path)),
        lambda path: RedactedFile(open(path, "rb")),
        lambda path: File(Redacted(path)),
        lambda path: gzip.open(path, "rb"),
        lambda path: io.BufferedReader(gzip.open(path, "rb")),
        patched,
        lambda path: File(patched(path)),
        open,
        lambda path: open(os.pipe()[0], "rb"),
    ],
)
def test_readers_that_may_change_the_bytes_are_not_plain(root, make):
    file = make(root / "card.txt")
    assert plain_file(file) is None
    assert path_of(file) is None
    assert not has_plain_content(file)
    file.close()


def test_a_descriptor_without_a_name(root):
    with (root / "card.txt").open("rb") as file, os.fdopen(os.dup(file.fileno()), "rb") as numbered:
        assert path_of(numbered) is None
    assert path_of(file) is None


@pytest.mark.parametrize("server", ["direct", "nginx", "apache", "lighttpd", "caddy"])
@pytest.mark.parametrize("asked", [{}, {"Range": "bytes=0-1"}, {"If-Match": "*"}])
def test_flask_sends_what_the_apps_reader_gives(root, server, asked):
    app = flask.Flask(__name__)
    app.config["XACCEL"] = {"SERVER": server, "ROOTS": {root: "/_p/"}}
    XAccel(app, sendfile=True)
    readers = {"gz": lambda: gzip.open(root / "log.gz"), "red": lambda: Redacted(root / "card.txt")}

    @app.get("/<name>")
    def view(name):
        return flask.send_file(readers[name](), mimetype="text/plain")

    for name, expected in (("gz", b"hello " * 100), ("red", b"****")):
        response = app.test_client().get(f"/{name}", headers=asked, buffered=True)
        assert (response.status_code, response.data) == (200, expected)
        assert not {"X-Accel-Redirect", "X-Sendfile"} & set(response.headers)


def test_a_condition_that_the_reader_of_an_app_has_not_seen(root):
    def app(environ, start_response):
        start_response("200 OK", [("Content-Type", "text/plain"), ("ETag", '"a"')])
        return environ["wsgi.file_wrapper"](gzip.open(root / "log.gz"))

    app = wsgi.Sendfile(app, config(root))
    assert call_wsgi(app, headers={"If-Match": '"a"'})[::2] == (200, b"hello " * 100)
    assert call_wsgi(app, headers={"If-Match": '"b"'}, validate=False)[::2] == (412, b"")


@pytest.mark.parametrize("server", ["direct", "nginx"])
def test_django_sends_what_the_apps_reader_gives(root, server):
    def answer(file):
        middleware = SendfileMiddleware(lambda _: FileResponse(file, filename="a.txt"))
        with override_settings(XACCEL={"SERVER": server, "ROOTS": {root: "/_p/"}}):
            response = middleware(RequestFactory().get("/"))
            content = response.getvalue()
            response.close()
        return content, response.headers.get("X-Accel-Redirect")

    assert answer(gzip.open(root / "log.gz")) == (b"hello " * 100, None)
    assert answer(RedactedFile(open(root / "card.txt", "rb"))) == (b"****", None)
    plain = answer(File(open(root / "card.txt", "rb")))
    assert plain == ((b"", "/_p/card.txt") if server == "nginx" else (CARD, None))


def test_a_temporary_file_is_not_offloaded_since_it_goes_when_it_is_closed(root):
    def app(environ, start_response):
        file = tempfile.NamedTemporaryFile(dir=root)
        file.write(CARD)
        file.seek(0)
        start_response("200 OK", [("Content-Type", "text/plain")])
        return environ["wsgi.file_wrapper"](file)

    app = wsgi.Sendfile(app, config(root))
    _, headers, content = call_wsgi(app)
    assert (content, "X-Accel-Redirect" in headers) == (CARD, False)
    assert call_wsgi(app, headers={"Range": "bytes=4-8"})[::2] == (206, CARD[4:9])


# send_private_file() with an open file


def opened(kind, tmp_path):
    if kind == "bytes":
        return io.BytesIO(CARD)
    if kind == "content":
        return ContentFile(CARD, "card.txt")
    if kind == "temporary":
        file = tempfile.NamedTemporaryFile(suffix=".txt")
    elif kind == "spooled":
        file = tempfile.SpooledTemporaryFile()
    else:
        file = (tmp_path / "elsewhere.txt").open("wb+")
    file.write(CARD)
    file.seek(0)
    return file


def flask_responses(tmp_path, server="nginx"):
    app = flask.Flask(__name__)
    app.config["XACCEL"] = {"SERVER": server, "ROOTS": {tmp_path / "root": "/_p/"}}
    XAccel(app)

    def ask(file, asked=(), method="GET", **options):
        with app.test_request_context(headers=dict(asked), method=method):
            response = app.make_response(send_private_file(file, **options))
            content = b"".join(response.response)
            response.close()
        return response.status_code, response.headers, content

    return ask


@pytest.mark.parametrize("kind", ["bytes", "content", "temporary", "spooled", "file"])
@pytest.mark.parametrize("server", ["direct", "nginx"])
def test_an_open_file_is_sent_by_the_app_with_ranges(tmp_path, kind, server):
    ask = flask_responses(tmp_path, server)
    status, headers, content = ask(opened(kind, tmp_path), mimetype="text/plain")
    assert (status, content) == (200, CARD)
    assert headers["Content-Length"] == str(len(CARD))
    assert headers["Content-Type"] == "text/plain; charset=utf-8"
    assert headers["Cache-Control"] == "private, no-cache"
    assert "X-Accel-Redirect" not in headers
    file = opened(kind, tmp_path)
    assert ask(file, {"Range": "bytes=5-8"})[::2] == (206, CARD[5:9])
    # Django's has nothing to close.
    assert file.closed or kind == "content"
    assert ask(opened(kind, tmp_path), method="HEAD")[::2] == (200, b"")
    status, headers, _ = ask(opened(kind, tmp_path), {"Range": "bytes=99999-"})
    assert (status, headers["Content-Range"]) == (416, f"bytes */{len(CARD)}")


def test_an_open_file_is_named_by_its_path_and_has_validators(tmp_path):
    ask = flask_responses(tmp_path)
    _, headers, _ = ask(opened("file", tmp_path), as_attachment=True)
    assert headers["Content-Disposition"] == 'attachment; filename="elsewhere.txt"'
    path = tmp_path / "elsewhere.txt"
    os.utime(path, (1, 1))
    etag = f'"1-{len(CARD):x}"'
    status, headers, content = ask(path.open("rb"), {"If-None-Match": etag})
    assert (status, headers["ETag"], content) == (304, etag, b"")


def test_an_open_file_is_sent_from_where_it_stands(tmp_path):
    ask = flask_responses(tmp_path)
    for asked, expected in (({}, CARD[7:]), ({"Range": "bytes=0-4"}, CARD[7:12])):
        for kind in ("bytes", "file"):
            file = opened(kind, tmp_path)
            file.seek(7)
            assert ask(file, asked)[2] == expected


def test_another_reader_is_sent_as_a_stream(root):
    ask = flask_responses(root / "other")
    for asked in ({}, {"Range": "bytes=0-1"}):
        status, headers, content = ask(gzip.open(root / "log.gz"), asked)
        assert (status, content) == (200, b"hello " * 100)
        assert "Content-Length" not in headers
    reader = Redacted(root / "card.txt")
    assert ask(reader)[2] == b"****"
    assert reader.closed
    head = Redacted(root / "card.txt")
    assert ask(head, method="HEAD")[::2] == (200, b"")
    assert head.closed
    headers = {"ETag": '"a"'}
    assert ask(gzip.open(root / "log.gz"), {"If-None-Match": '"a"'}, headers=headers)[0] == 304


def test_a_file_in_text_mode_is_an_error(root):
    with (root / "card.txt").open() as file, pytest.raises(TypeError, match="binary mode"):
        flask_responses(root)(file)


def test_every_adapter_takes_an_open_file(root):
    asked = {"Range": "bytes=4-8"}
    for server in ("direct", "nginx"):
        app = wsgi.XAccel(config(root, server)).send_private_file(io.BytesIO(CARD))
        assert call_wsgi(app, headers=asked)[::2] == (206, CARD[4:9])
        app = asgi.XAccel(config(root, server)).send_private_file(io.BytesIO(CARD))
        assert call_asgi(app, headers=asked)[::2] == (206, CARD[4:9])
    from xaccel.django import send_private_file as send_with_django

    with override_settings(XACCEL={"ROOTS": {str(root): "/_p/"}}):
        request = RequestFactory().get("/", headers=asked)
        response = send_with_django(request, io.BytesIO(CARD), download_name="a.txt")
    assert isinstance(response, HttpResponse) or response.streaming
    assert (response.status_code, response.getvalue()) == (206, CARD[4:9])
    assert response.headers["Content-Disposition"] == 'inline; filename="a.txt"'


def test_a_server_with_pathsend_gets_no_path_of_an_open_file(root):
    app = asgi.XAccel(config(root, "direct")).send_private_file((root / "card.txt").open("rb"))
    assert call_asgi(app, extensions=["http.response.pathsend"])[2] == CARD
    app = asgi.XAccel(config(root, "direct")).send_private_file(io.BytesIO(CARD))
    assert call_asgi(app, extensions=["http.response.pathsend"])[2] == CARD
