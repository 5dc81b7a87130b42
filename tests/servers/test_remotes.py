"""Files on another HTTP server, sent by the app itself and by a real nginx."""

import contextlib
import urllib.parse
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from xaccel import Config
from xaccel.servers.deployment import Deployment
from xaccel.servers.nginx import configuration as nginx
from xaccel.wsgi import XAccel

from tests.support.servers.nginx import nginx as run_nginx
from tests.support.servers.process import HOST, PATIENCE
from tests.support.servers.threaded import serving, serving_app

CONTENT = bytes(range(256)) * 1000
NAMES = ("a b.mp4", "100% ü – 猫.mp4", "a+b&c=d;e,f.mp4", "q'uo\"te$1{x}.mp4", "sub/~a@b:c!.mp4")
QUERY = "X-Amz-Signature=a%2Fb%20c+d==&x=%41&y"


class Origin(BaseHTTPRequestHandler):
    """It records requests in the server's `seen`."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.server.seen.append((self.command, self.path, dict(self.headers)))
        name = urllib.parse.unquote(self.path.partition("?")[0]).rpartition("/")[2]
        status = {"forbidden": 403, "broken": 500, "elsewhere": 302, "absent": 404}.get(name, 200)
        headers = {
            "Content-Type": "text/html",
            "Content-Disposition": "attachment; filename=evil.exe",
            "Set-Cookie": "evil=1",
            "Cache-Control": "public",
            "ETag": '"e"',
            "X-Accel-Redirect": "/_private/files/secret.txt",
            "X-Accel-Limit-Rate": "1",
            "Location": "/_private/files/secret.txt",
        }
        content = CONTENT if status == 200 else b"<Error>internal</Error>"
        if status == 200 and self.headers.get("If-None-Match") == '"e"':
            status, content = 304, b""
        elif status == 200 and self.headers.get("Range") == "bytes=5-9":
            status, content = 206, CONTENT[5:10]
            headers["Content-Range"] = f"bytes 5-9/{len(CONTENT)}"
        elif status == 200 and "Range" in self.headers:
            status, content = 416, b""
            headers["Content-Range"] = f"bytes */{len(CONTENT)}"
        self.send_response(status)
        for field, value in headers.items():
            self.send_header(field, value)
        if status != 304:
            self.send_header("Content-Length", str(len(content) + (name == "short")))
        self.end_headers()
        self.wfile.write(content)
        self.close_connection = name == "short"

    do_HEAD = do_GET  # noqa: N815
    do_POST = do_GET  # noqa: N815

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def origin():
    server = ThreadingHTTPServer((HOST, 0), Origin)
    server.seen = []
    with serving(server):
        yield server


@pytest.fixture(scope="module", params=["direct", "nginx"])
def ask(request, origin, tmp_path_factory):
    """Ask the app for a file of the origin; the URL is what the app passes on."""
    root = tmp_path_factory.mktemp("root")
    (root / "secret.txt").write_text("secret")
    base = f"http://{HOST}:{origin.server_address[1]}"
    config = Config.from_mapping(
        {
            "SERVER": request.param,
            "ROOTS": {root: "/_private/files/"},
            "REMOTES": {f"{base}/media/": "/_remote/media/", f"{base}/b c/": "/_remote/b c/"},
        }
    )
    xaccel = XAccel(config)

    def app(environ, start_response):
        url = urllib.parse.unquote(environ["QUERY_STRING"])
        file = xaccel.send_private_file(base + url, as_attachment=True, max_age=60)
        return file(environ, start_response)

    with contextlib.ExitStack() as stack:
        port = stack.enter_context(serving_app(app))
        if request.param == "nginx":
            deployment = Deployment(upstream=f"{HOST}:{port}", listen="ADDRESS")
            text = nginx.site(config, deployment).replace("ADDRESS", "$ADDRESS")
            port = stack.enter_context(run_nginx(tmp_path_factory.mktemp("nginx"), text)).port

        def ask(url, method="GET", **headers):
            connection = HTTPConnection(HOST, port, timeout=PATIENCE)
            with contextlib.closing(connection):
                fields = {name.replace("_", "-"): value for name, value in headers.items()}
                connection.request(method, "/?" + urllib.parse.quote(url), headers=fields)
                response = connection.getresponse()
                pairs = [(name.lower(), value) for name, value in response.getheaders()]
                fields = dict(pairs)
                assert len(fields) == len(pairs)
                assert not any(name.startswith(("x-accel", "location")) for name in fields)
                return response.status, fields, response.read()

        yield ask


@pytest.mark.parametrize("name", NAMES)
def test_the_path_and_the_query_arrive_as_they_were(ask, origin, name):
    for spelt in (name, urllib.parse.quote(name)):
        if "%" in name and spelt is name:
            continue  # A percent sign has to be encoded in a URL.
        origin.seen.clear()
        assert ask(f"/media/{spelt}?{QUERY}")[::2] == (200, CONTENT)
        ((_, target, _),) = origin.seen
        path, _, query = target.partition("?")
        assert urllib.parse.unquote(path) == f"/media/{name}"
        assert query == QUERY


def test_the_base_may_have_a_space(ask, origin):
    origin.seen.clear()
    assert ask("/b c/d.mp4")[0] == 200
    assert origin.seen[0][1] == "/b%20c/d.mp4"


def test_what_the_app_says_counts(ask):
    status, headers, content = ask("/media/film.mp4")
    assert (status, content) == (200, CONTENT)
    assert headers["content-type"] == "video/mp4"
    assert headers["content-disposition"] == 'attachment; filename="film.mp4"'
    assert headers["cache-control"] == "private, max-age=60"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["etag"] == '"e"'
    assert headers["content-length"] == str(len(CONTENT))
    assert "set-cookie" not in headers


def test_ranges_and_conditions(ask):
    status, headers, content = ask("/media/film.mp4", Range="bytes=5-9")
    assert (status, content) == (206, CONTENT[5:10])
    assert headers["content-range"] == f"bytes 5-9/{len(CONTENT)}"
    status, headers, content = ask("/media/film.mp4", Range="bytes=99999999-")
    assert status == 416
    assert headers["content-range"] == f"bytes */{len(CONTENT)}"
    status, headers, content = ask("/media/film.mp4", If_None_Match='"e"')
    assert (status, content) == (304, b"")


def test_request_headers_stay_with_the_app(ask, origin):
    origin.seen.clear()
    ask("/media/film.mp4", Cookie="session=1", Authorization="Basic x", X_Other="x", Referer="x")
    ((method, _, headers),) = origin.seen
    assert method == "GET"
    assert headers["Host"] == f"{HOST}:{origin.server_address[1]}"
    assert not {"Cookie", "Authorization", "X-Other", "Referer"} & set(headers)


@pytest.mark.parametrize("method", ["HEAD", "POST"])
def test_other_methods_become_get(ask, origin, method):
    origin.seen.clear()
    status, headers, content = ask("/media/film.mp4", method)
    assert status == 200
    assert content == (b"" if method == "HEAD" else CONTENT)
    assert headers["content-length"] == str(len(CONTENT))
    assert origin.seen[0][0] == "GET"


@pytest.mark.parametrize(
    ("name", "expected"), [("forbidden", 404), ("absent", 404), ("elsewhere", 404), ("broken", 502)]
)
def test_the_words_of_the_other_server_are_not_for_visitors(ask, name, expected):
    status, headers, content = ask(f"/media/{name}")
    assert status == expected
    assert b"internal" not in content
    assert "set-cookie" not in headers


def test_a_file_that_ends_early_is_not_a_whole_response(ask):
    with pytest.raises(Exception, match=r"IncompleteRead|Connection"):
        ask("/media/short")


@pytest.mark.parametrize(
    "url", ["/secret", "/media", "/media/", "/media-x/a", "/media/../secret", "/media/%2e%2e/x"]
)
def test_only_urls_of_a_remote(ask, origin, url):
    origin.seen.clear()
    assert ask(url)[0] == 404
    assert origin.seen == []


def test_a_server_that_is_down():
    config = Config.from_mapping({"REMOTES": {f"http://{HOST}:1/": "/_remote/"}})
    answer = XAccel(config).send_private_file(f"http://{HOST}:1/a.mp4")
    statuses = []
    environ = {"REQUEST_METHOD": "GET"}
    content = answer(environ, lambda status, headers: statuses.append(status))
    assert statuses == ["502 Bad Gateway"]
    assert list(content) == [b"Bad Gateway\n"]
