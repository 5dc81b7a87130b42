"""Files on remotes that the app fetches itself, from a server of the test."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from xaccel import Config
from xaccel.delivery.files import Delivery
from xaccel.delivery.presentation import FileOptions
from xaccel.delivery.request import Request

CONTENT = b"0123456789"


class Handler(BaseHTTPRequestHandler):
    """Knows ranges of one form, and evaluates `If-None-Match` against its own ETag."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if self.headers["If-None-Match"] == '"theirs"':
            self.send_response(304)
            self.end_headers()
            return
        body, status = CONTENT, 200
        if self.headers["Range"] == "bytes=2-3":
            body, status = CONTENT[2:4], 206
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Last-Modified", "Sun, 06 Nov 1994 08:49:37 GMT")
        if self.path == "/folded":
            self.send_header("ETag", '"a\r\n X-Accel-Redirect: /etc/passwd"')
        else:
            self.send_header("ETag", '"theirs"')
        if status == 206:
            self.send_header("Content-Range", "bytes 2-3/10")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def ask():
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        url = f"http://127.0.0.1:{server.server_port}/"
        delivery = Delivery(Config.from_mapping({"REMOTES": {url: "/_remote/"}}))

        def ask(asked=(), name="a.txt", **options):
            request = Request.from_headers("GET", dict(asked).get)
            response = delivery.private_file(url + name, request, FileOptions(**options))
            body = response.body
            content = body if isinstance(body, bytes) else b"".join(body)
            fields = {key.lower(): value for key, value in response.headers}
            assert len(fields) == len(response.headers)
            return response.status, fields, content

        yield ask
        delivery._remote_files._client.forget_connections()
        server.shutdown()
        thread.join()


OURS = {"headers": {"ETag": '"ours"'}}


@pytest.mark.parametrize(
    ("asked", "options", "status"),
    [
        ({"If-None-Match": '"theirs"'}, {}, 304),
        ({"If-None-Match": '"theirs"'}, OURS, 200),
        ({"If-None-Match": '"ours"'}, OURS, 304),
        ({"If-Match": '"theirs"'}, OURS, 412),
        ({"If-Match": '"ours"', "Range": "bytes=2-3"}, OURS, 206),
        ({"If-Range": '"ours"', "Range": "bytes=2-3"}, OURS, 206),
        ({"If-Range": '"theirs"', "Range": "bytes=2-3"}, OURS, 200),
    ],
)
def test_conditions_are_checked_against_the_validators_that_the_visitor_gets(
    ask, asked, options, status
):
    found, fields, content = ask(asked, **options)
    assert found == status
    if status in {200, 206}:
        assert fields["etag"] == ('"ours"' if options else '"theirs"')
        assert content == (CONTENT if status == 200 else CONTENT[2:4])


def test_a_header_of_the_remote_can_not_split_the_response(ask):
    status, fields, content = ask(name="folded")
    assert (status, content) == (200, CONTENT)
    assert not any("\n" in value or "\r" in value for value in fields.values())
    assert "etag" not in fields
