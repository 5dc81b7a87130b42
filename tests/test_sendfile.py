"""The middleware around apps that do not know it."""

import asyncio
import io
import os
from pathlib import Path
from wsgiref.util import FileWrapper

import flask
import pytest
from starlette.applications import Starlette
from starlette.responses import FileResponse, StreamingResponse
from starlette.routing import Route
from starlette.testclient import TestClient
from xaccel import Config, asgi, wsgi
from xaccel.delivery import sendfile
from xaccel.exceptions import FileNotFound
from xaccel.flask import XAccel, send_private_file

from tests.support.clients import call_asgi, call_wsgi

CONTENT = bytes(range(256)) * 300
URL = "/_private/files/Gr%C3%BC%C3%9Fe%20100%25.mp4"


@pytest.fixture
def root(tmp_path):
    directory = tmp_path / "private"
    directory.mkdir()
    (directory / "Grüße 100%.mp4").write_bytes(CONTENT)
    (tmp_path / "private-not").mkdir()
    (tmp_path / "private-not/a.mp4").write_bytes(CONTENT)
    return directory


@pytest.fixture
def inside(root):
    return root / "Grüße 100%.mp4"


@pytest.fixture
def outside(root):
    return root.parent / "private-not/a.mp4"


def make_config(root, server="nginx", **changes):
    return Config.from_mapping({"SERVER": server, "ROOTS": {root: "/_private/files/"}, **changes})


def flask_app(root, server="nginx", **settings):
    app = flask.Flask(__name__)
    app.config["XACCEL"] = {"SERVER": server, "ROOTS": {root: "/_private/files/"}, **settings}
    XAccel(app, sendfile=True)

    @app.get("/send_file/<path:path>")
    def send_file(path):
        return flask.send_file(f"/{path}")

    @app.get("/send_from_directory/<path:path>")
    def send_from_directory(path):
        response = flask.send_from_directory(*os.path.split(f"/{path}"), as_attachment=True)
        response.set_cookie("seen", "1")
        return response

    @app.get("/bytes/<path:path>")
    def of_bytes(path):
        return flask.send_file(io.BytesIO(Path(f"/{path}").read_bytes()), download_name="a.mp4")

    @app.get("/private/<path:path>")
    def private(path):
        return send_private_file(f"/{path}")

    @app.get("/foreign")
    def foreign():
        return "text", {"X-Accel-Redirect": "/etc/passwd", "X-Accel-Buffering": "no"}

    return app


def starlette_app(root, server="nginx", **changes):
    async def file(request):
        return FileResponse("/" + request.path_params["path"])

    async def foreign(request):
        return StreamingResponse(
            iter(["te", "xt"]), headers={"X-Accel-Redirect": "/x", "X-Accel-Buffering": "no"}
        )

    app = Starlette(routes=[Route("/send_file/{path:path}", file), Route("/foreign", foreign)])
    return asgi.Sendfile(app, make_config(root, server, **changes))


class FlaskClient:
    def __init__(self, app):
        self.client = app.test_client()

    def request(self, method, path, headers=()):
        response = self.client.open(path, method=method, headers=dict(headers), buffered=True)
        return response.status_code, response.headers, response.data


class StarletteClient:
    def __init__(self, app):
        self.client = TestClient(app)

    def request(self, method, path, headers=()):
        response = self.client.request(method, path, headers=dict(headers))
        return response.status_code, response.headers, response.content


@pytest.fixture(params=["flask", "starlette"])
def make_client(request, root):
    if request.param == "flask":
        return lambda *server, **settings: FlaskClient(flask_app(root, *server, **settings))
    return lambda *server, **settings: StarletteClient(starlette_app(root, *server, **settings))


def test_a_file_under_a_root_is_offloaded(make_client, inside):
    status, headers, content = make_client().request("GET", f"/send_file{inside}")
    assert (status, content) == (200, b"")
    assert headers["X-Accel-Redirect"] == URL
    assert headers["Content-Type"] == "video/mp4"
    assert headers["Content-Length"] == "0"
    assert not {"ETag", "Last-Modified", "Accept-Ranges"} & set(headers)


@pytest.mark.parametrize(
    "asked",
    [
        {"Range": "bytes=0-1"},
        {"Range": "bytes=0-1,5-6"},
        {"Range": "bytes=99999999-"},
        {"Range": "bytes=0-1", "If-Range": '"of the server"'},
        {"Range": "bytes=0-1", "If-Match": "the file's"},
        {"If-Unmodified-Since": "Fri, 31 Dec 9999 23:59:59 GMT"},
        {"If-None-Match": '"of the server"'},
    ],
)
def test_the_server_does_ranges_and_their_conditions(make_client, inside, asked):
    stat = inside.stat()
    etag = f'"{int(stat.st_mtime):x}-{stat.st_size:x}"'
    asked = {name: value.replace("the file's", etag) for name, value in asked.items()}
    status, headers, content = make_client().request("GET", f"/send_file{inside}", asked)
    assert (status, content) == (200, b"")
    assert headers["X-Accel-Redirect"] == URL


@pytest.mark.parametrize(
    "asked",
    [{"If-Match": '"other"'}, {"If-Unmodified-Since": "Sun, 06 Nov 1994 08:49:37 GMT"}],
)
def test_a_precondition_that_fails(make_client, inside, asked):
    status, headers, content = make_client().request("GET", f"/send_file{inside}", asked)
    assert (status, content) == (412, b"")
    assert "X-Accel-Redirect" not in headers


def test_a_file_outside_every_root_is_sent_by_the_app(make_client, outside):
    client, url = make_client(), f"/send_file{outside}"
    status, headers, content = client.request("GET", url)
    assert (status, content) == (200, CONTENT)
    assert "X-Accel-Redirect" not in headers
    assert headers["Content-Length"] == str(len(CONTENT))
    etag = headers["ETag"]
    status, headers, content = client.request("GET", url, {"Range": "bytes=5-9"})
    assert (status, content) == (206, CONTENT[5:10])
    assert headers["ETag"] == etag
    assert headers["Content-Range"] == f"bytes 5-9/{len(CONTENT)}"
    for condition, expected in ((etag, 206), ('"other"', 200)):
        asked = {"Range": "bytes=5-9", "If-Range": condition}
        assert client.request("GET", url, asked)[0] == expected
    assert client.request("GET", url, {"If-Match": '"other"'})[0] == 412
    asked = {"Range": f"bytes={len(CONTENT)}-"}
    status, headers, content = client.request("GET", url, asked)
    assert (status, headers["Content-Range"]) == (416, f"bytes */{len(CONTENT)}")
    assert client.request("HEAD", url)[::2] == (200, b"")


def test_a_link_out_of_the_root_is_sent_by_the_app(make_client, root, outside):
    (root / "link").symlink_to(outside)
    status, headers, content = make_client().request("GET", f"/send_file{root}/link")
    assert (status, content) == (200, CONTENT)
    assert "X-Accel-Redirect" not in headers
    client = make_client(FOLLOW_SYMLINKS=True)
    status, headers, content = client.request("GET", f"/send_file{root}/link")
    assert headers["X-Accel-Redirect"] == "/_private/files/link"


def test_direct_answers_as_a_server_would(make_client, inside):
    client, url = make_client("direct"), f"/send_file{inside}"
    status, headers, content = client.request("GET", url)
    stat = inside.stat()
    etag = f'"{int(stat.st_mtime):x}-{stat.st_size:x}"'
    assert (status, content) == (200, CONTENT)
    assert headers["ETag"] == etag
    assert headers["Content-Length"] == str(len(CONTENT))
    asked = {"Range": "bytes=5-9", "If-Range": etag}
    assert client.request("GET", url, asked)[::2] == (206, CONTENT[5:10])
    assert client.request("GET", url, {"If-None-Match": etag})[::2] == (304, b"")
    assert client.request("GET", url, {"If-Match": '"other"'})[0] == 412
    assert client.request("HEAD", url)[::2] == (200, b"")


def test_foreign_headers_are_removed(make_client):
    status, headers, content = make_client().request("GET", "/foreign")
    assert (status, content) == (200, b"text")
    assert "X-Accel-Redirect" not in headers
    assert headers["X-Accel-Buffering"] == "no"


def test_send_from_directory_keeps_its_headers(root, inside):
    client = FlaskClient(flask_app(root))
    _, headers, content = client.request("GET", f"/send_from_directory{inside}")
    assert content == b""
    assert headers["X-Accel-Redirect"] == URL
    assert headers["Content-Disposition"].startswith("attachment; ")
    assert headers["Set-Cookie"] == "seen=1; Path=/"


def test_send_private_file_works_under_it(root, inside):
    client = FlaskClient(flask_app(root))
    assert client.request("GET", f"/private{inside}")[1]["X-Accel-Redirect"] == URL
    client = FlaskClient(flask_app(root, "direct"))
    asked = {"Range": "bytes=5-9"}
    assert client.request("GET", f"/private{inside}", asked)[::2] == (206, CONTENT[5:10])


def test_one_in_the_other(root, inside):
    app = flask_app(root)
    app.wsgi_app = wsgi.Sendfile(app.wsgi_app, make_config(root))
    assert FlaskClient(app).request("GET", f"/send_file{inside}")[1]["X-Accel-Redirect"] == URL
    app = asgi.Sendfile(starlette_app(root), make_config(root))
    client = StarletteClient(app)
    assert client.request("GET", f"/send_file{inside}")[1]["X-Accel-Redirect"] == URL


def test_head_of_flask_is_offloaded(root, inside):
    client = FlaskClient(flask_app(root))
    status, headers, _ = client.request("HEAD", f"/send_file{inside}")
    assert (status, headers["X-Accel-Redirect"]) == (200, URL)


def test_the_apps_own_headers_stay(root, outside):
    client, url = FlaskClient(flask_app(root)), f"/send_file{outside}"
    etag = client.request("GET", url)[1]["ETag"]
    assert client.request("GET", url, {"If-None-Match": etag})[::2] == (304, b"")


def test_bytes_in_memory_are_sent_by_the_app(root, inside):
    client, url = FlaskClient(flask_app(root)), f"/bytes{inside}"
    assert client.request("GET", url)[::2] == (200, CONTENT)
    assert client.request("GET", url, {"Range": "bytes=5-9"})[::2] == (206, CONTENT[5:10])


def wsgi_file_app(path, *, status="200 OK", headers=(), prepare=lambda file: None, name=None):
    """An app that answers with `path`, and the list of the files that it has opened."""
    opened = []

    def app(environ, start_response):
        file = path.open("rb")
        opened.append(file)
        prepare(file)
        start_response(status, [("Content-Type", "video/mp4"), *headers])
        return environ["wsgi.file_wrapper"](file)

    return app, opened


def test_the_file_of_the_app_is_closed(root, inside):
    app, opened = wsgi_file_app(inside)
    for server, content in (("nginx", b""), ("direct", CONTENT)):
        app_ = wsgi.Sendfile(app, make_config(root, server))
        assert call_wsgi(app_)[2] == content
        assert opened.pop().closed


@pytest.mark.parametrize(
    ("expected", "changes"),
    [
        (CONTENT, {"status": "404 Not Found"}),
        (CONTENT, {"status": "206 Partial Content"}),
        (CONTENT, {"headers": [("Content-Encoding", "gzip")]}),
        (CONTENT, {"headers": [("Content-Range", "bytes 0-1/2")]}),
        (CONTENT, {"headers": [("Content-Length", "5")]}),
        (CONTENT[5:], {"prepare": lambda file: file.seek(5)}),
        (CONTENT[5:], {"prepare": lambda file: file.read(5)}),
    ],
)
def test_a_partial_file_is_not_offloaded(root, inside, expected, changes):
    app, opened = wsgi_file_app(inside, **changes)
    app = wsgi.Sendfile(app, make_config(root))
    for asked in ({}, {"Range": "bytes=0-1"}):
        _, headers, content = call_wsgi(app, headers=asked)
        assert content == expected
        assert "X-Accel-Redirect" not in headers
        assert opened.pop().closed


def test_a_replaced_file_is_not_offloaded(root, inside):
    def prepare(file):
        new.replace(inside)

    new = root / "new"
    new.write_bytes(b"new")
    app, _ = wsgi_file_app(inside, prepare=prepare)
    _, headers, content = call_wsgi(wsgi.Sendfile(app, make_config(root)))
    assert content == CONTENT
    assert "X-Accel-Redirect" not in headers


@pytest.mark.parametrize("server", ["direct", "nginx"])
def test_a_file_that_is_removed_at_the_last_moment_is_sent_by_the_app(
    root, inside, monkeypatch, server
):
    def hand_over(location, *_):
        raise FileNotFound(f"{location.path} is gone")

    monkeypatch.setattr(sendfile, "hand_over", hand_over)
    app, opened = wsgi_file_app(inside)
    status, _, content = call_wsgi(wsgi.Sendfile(app, make_config(root, server)))
    assert (status, content) == (200, CONTENT)
    assert opened.pop().closed
    client = StarletteClient(starlette_app(root, server))
    assert client.request("GET", f"/send_file{inside}")[2] == CONTENT


def test_untouched_files_go_to_the_servers_own_wrapper(root, outside):
    app, opened = wsgi_file_app(outside)
    wrapped = []

    class Wrapper(FileWrapper):
        def __init__(self, file, size):
            super().__init__(file, size)
            wrapped.append(file)

    call_wsgi(wsgi.Sendfile(app, make_config(root)), **{"wsgi.file_wrapper": Wrapper})
    assert wrapped == opened


def test_an_app_that_starts_late_or_writes(root):
    def late(environ, start_response):
        start_response("200 OK", [("Content-Type", "text/plain"), ("X-Sendfile", "/etc/passwd")])
        yield b"text"

    def writes(environ, start_response):
        write = start_response("200 OK", [("Content-Type", "text/plain"), ("X-Sendfile", "/x")])
        write(b"te")
        write(b"x")
        return [b"t"]

    def fails(environ, start_response):
        start_response("200 OK", [("Content-Type", "text/plain")])
        try:
            1 / 0  # noqa: B018
        except ZeroDivisionError as error:
            info = (type(error), error, error.__traceback__)
            start_response("500 Oops", [("Content-Type", "text/plain")], info)
        return [b"text"]

    for app, status in ((late, 200), (writes, 200), (fails, 500)):
        plain = {"Content-Type": "text/plain"}
        assert call_wsgi(wsgi.Sendfile(app, make_config(root))) == (status, plain, b"text")


def test_post_is_offloaded_only_with_a_server(root, inside):
    app, _ = wsgi_file_app(inside)
    assert call_wsgi(wsgi.Sendfile(app, make_config(root)), method="POST")[2] == b""
    # Without a server, the app needs a file_wrapper from elsewhere.
    app_ = wsgi.Sendfile(app, make_config(root, "direct"))
    environ = {"wsgi.file_wrapper": FileWrapper}
    asked = {"Range": "bytes=0-1"}
    _, headers, content = call_wsgi(app_, method="POST", headers=asked, **environ)
    assert content == CONTENT
    assert "ETag" not in headers


def test_other_methods_keep_their_conditions(root):
    def app(environ, start_response):
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [environ.get("HTTP_IF_MATCH", "").encode()]

    app = wsgi.Sendfile(app, make_config(root))
    assert call_wsgi(app, method="PUT", headers={"If-Match": '"a"'})[2] == b'"a"'
    assert call_wsgi(app, method="GET", headers={"If-Match": '"a"'})[2] == b""


def test_overrides_for_one_request(root, inside, outside):
    app, _ = wsgi_file_app(inside)
    app = wsgi.Sendfile(app, make_config(root, "direct"))
    asked = {sendfile.TYPE: "x-accel-REDIRECT"}
    assert call_wsgi(app, **asked)[1]["X-Accel-Redirect"] == URL
    asked[sendfile.MAPPING] = f'"{root}/"="/_other/"'
    assert call_wsgi(app, **asked)[1]["X-Accel-Redirect"].startswith("/_other/Gr")
    app, _ = wsgi_file_app(inside)
    app = wsgi.Sendfile(app, make_config(root))
    environ = {sendfile.TYPE: "", "wsgi.file_wrapper": FileWrapper}
    assert call_wsgi(app, **environ)[2] == CONTENT


def test_the_app_overrides(root, inside):
    file_app, _ = wsgi_file_app(inside)

    def app(environ, start_response):
        environ[sendfile.TYPE] = ""
        return file_app(environ, start_response)

    assert call_wsgi(wsgi.Sendfile(app, make_config(root)))[2] == CONTENT


def test_overrides_in_a_scope(root, inside):
    app = starlette_app(root, "direct")
    url = f"/send_file{inside}"
    assert call_asgi(app, url)[2] == CONTENT
    asked = {sendfile.TYPE: "X-Accel-Redirect"}
    assert call_asgi(app, url, **asked)[1]["x-accel-redirect"] == URL
    asked[sendfile.MAPPING] = f"{root}=/_other/"
    assert call_asgi(app, url, **asked)[1]["x-accel-redirect"].startswith("/_other/Gr")
    assert call_asgi(starlette_app(root), url, **{sendfile.TYPE: ""})[2] == CONTENT


@pytest.mark.parametrize("kind", ["wsgi", "asgi"])
def test_trusted_request_headers(root, inside, kind):
    headers = {"X-Sendfile-Type": "X-Accel-Redirect", "X-Accel-Mapping": f"{root}/=/_other/"}
    config = make_config(root, "direct")
    if kind == "wsgi":
        app = wsgi.Sendfile(wsgi_file_app(inside)[0], config, trust_request_headers=True)
        answer = call_wsgi(app, headers=headers)
        assert answer[1]["X-Accel-Redirect"].startswith("/_other/Gr")
        return
    app = asgi.Sendfile(FileResponse(inside), config, trust_request_headers=True)
    answer = call_asgi(app, headers=headers)
    assert answer[1]["x-accel-redirect"].startswith("/_other/Gr")


@pytest.mark.parametrize("kind", ["wsgi", "asgi"])
@pytest.mark.parametrize(
    ("settings", "asked", "offloaded"),
    [
        # With SERVER, a visitor's type is ignored, and ROOTS win.
        ({"SERVER": "nginx"}, {"X-Sendfile-Type": "X-Sendfile"}, URL),
        ({"SERVER": "nginx"}, {"X-Sendfile-Type": ""}, URL),
        ({"SERVER": "nginx"}, {"X-Accel-Mapping": "{root}/=/_other/"}, URL),
        ({"SERVER": "apache"}, {"X-Accel-Mapping": "/=/_other/"}, "the path"),
        # Without ROOTS, the server's mapping has them.
        ({"SERVER": "nginx", "ROOTS": {}}, {"X-Accel-Mapping": "{root}/=/_other/"}, "/_other/"),
        ({"SERVER": "nginx", "ROOTS": {}}, {"X-Accel-Mapping": "/_other/={root}/"}, "/_other/"),
        ({"SERVER": "apache", "ROOTS": {}}, {"X-Accel-Mapping": "{root}/=/_other/"}, "the path"),
        ({"SERVER": "apache", "ROOTS": {}}, {"X-Accel-Mapping": "/other/=/_other/"}, None),
        # A server that sets only the mapping does not read X-Sendfile.
        ({}, {"X-Sendfile-Type": "X-Sendfile", "X-Accel-Mapping": "{root}/=/_other/"}, None),
        ({}, {"X-Accel-Mapping": "{root}/=/_other/"}, None),
        # A server that sets only the type; the mapping is a visitor's.
        ({}, {"X-Sendfile-Type": "X-Sendfile", "X-Accel-Mapping": "/=/_other/"}, None),
        ({}, {"X-Sendfile-Type": "X-Sendfile"}, "the path"),
    ],
)
def test_trusted_request_headers_fill_what_the_settings_leave_open(
    root, inside, kind, settings, asked, offloaded
):
    config = Config.from_mapping({"ROOTS": {root: "/_private/files/"}, **settings})
    asked = {name: value.replace("{root}", str(root)) for name, value in asked.items()}
    if kind == "wsgi":
        app = wsgi.Sendfile(wsgi_file_app(inside)[0], config, trust_request_headers=True)
        environ = {"wsgi.file_wrapper": FileWrapper}
        _, headers, content = call_wsgi(app, headers=asked, **environ)
    else:
        app = asgi.Sendfile(FileResponse(inside), config, trust_request_headers=True)
        _, headers, content = call_asgi(app, headers=asked)
    headers = {name.lower(): value for name, value in headers.items()}
    found = headers.get("x-accel-redirect") or headers.get("x-sendfile")
    if offloaded is None:
        assert (found, content) == (None, CONTENT)
        return
    assert content == b""
    if offloaded == "the path":
        # The helpers for the tests decode headers differently.
        assert found in {str(inside), os.fsencode(inside).decode("latin-1")}
    else:
        assert found.startswith(offloaded)


def test_a_server_with_pathsend_gets_files_that_are_not_offloaded(root, inside, outside):
    pathsend = {"extensions": ["http.response.pathsend"]}
    url = f"/send_file{outside}"
    assert call_asgi(starlette_app(root), url, **pathsend)[::2] == (200, str(outside))
    assert call_asgi(starlette_app(root), f"/send_file{inside}", **pathsend)[2] == b""


@pytest.mark.parametrize("extensions", [(), ("http.response.pathsend",)])
def test_a_path_without_a_length_or_with_another_status(inside, root, extensions):
    def app(status, headers):
        async def app(scope, receive, send):
            await send({"type": "http.response.start", "status": status, "headers": headers})
            await send({"type": "http.response.pathsend", "path": str(inside)})

        return asgi.Sendfile(app, make_config(root))

    expected = str(inside) if extensions else CONTENT
    length = [(b"content-length", str(len(CONTENT)).encode())]
    for app_ in (app(200, []), app(404, length)):
        assert call_asgi(app_, extensions=extensions)[2] == expected


def test_event_streams_start_at_once(root):
    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        assert len(sent) == 1
        await send({"type": "http.response.body", "body": b"data"})

    sent = []

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "method": "GET", "headers": []}
    asyncio.run(asgi.Sendfile(app, make_config(root))(scope, None, send))
    assert len(sent) == 2


def test_other_protocols_pass(root):
    async def app(scope, receive, send):
        passed.append(scope["type"])

    passed = []
    asyncio.run(asgi.Sendfile(app, make_config(root))({"type": "websocket"}, None, None))
    assert passed == ["websocket"]


def test_a_cache_inside_a_root_is_not_offloaded(root, inside):
    (root / "cache").mkdir()
    (root / "cache/cat.jpg").write_bytes(CONTENT)
    settings = {"THUMBNAIL_CACHE": root / "cache"}
    app, _ = wsgi_file_app(root / "cache/cat.jpg")
    _, headers, content = call_wsgi(wsgi.Sendfile(app, make_config(root, **settings)))
    assert (content, "X-Accel-Redirect" in headers) == (CONTENT, False)
    app, _ = wsgi_file_app(inside)
    assert call_wsgi(wsgi.Sendfile(app, make_config(root, **settings)))[2] == b""


def test_a_file_under_no_root_is_a_debug_line(root, outside, caplog):
    caplog.set_level("DEBUG", "xaccel.sendfile")
    call_wsgi(wsgi.Sendfile(wsgi_file_app(outside)[0], make_config(root)))
    (record,) = caplog.records
    assert record.levelname == "DEBUG"
    assert repr(str(outside)) in record.message


def test_the_body_that_the_app_returned_for_head_is_closed(root, inside, outside):
    closed = []

    class Body:
        def __iter__(self):
            return iter(())

        def close(self):
            closed.append(True)

    def app(path):
        def app(environ, start_response):
            length = str(path.stat().st_size)
            start_response("200 OK", [("Content-Type", "video/mp4"), ("Content-Length", length)])
            opened.append(path.open("rb"))
            environ["wsgi.file_wrapper"](opened[-1])
            return Body()

        return app

    opened = []
    for path, server in ((inside, "nginx"), (inside, "direct"), (outside, "nginx")):
        app_ = wsgi.Sendfile(app(path), make_config(root, server))
        assert call_wsgi(app_, method="HEAD")[2] == b""
        assert closed.pop()
        assert not closed
        opened.pop().close()


def test_ours_stays_next_to_a_foreign_header_of_its_name(root, inside):
    app = flask_app(root)

    @app.get("/both/<path:path>")
    def both(path):
        response = send_private_file(f"/{path}")
        response.headers.add("X-Accel-Redirect", "/etc/passwd")
        response.headers.add("x-sendfile", "/etc/passwd")
        response.headers.add("Set-Cookie", "a=1")
        response.headers.add("Set-Cookie", "b=2")
        return response

    response = app.test_client().get(f"/both{inside}")
    assert response.headers.getlist("X-Accel-Redirect") == [URL]
    assert "X-Sendfile" not in response.headers
    assert response.headers.getlist("Set-Cookie") == ["a=1", "b=2"]
