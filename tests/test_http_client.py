"""The HTTP client: connections that stay open, and what becomes of them."""

import contextlib
import os
import ssl
import subprocess
import sys
import threading
import time
import warnings
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from xaccel import _http


class Handler(BaseHTTPRequestHandler):
    """Notes each request with the port of the client, which tells its connection."""

    protocol_version = "HTTP/1.1"

    def handle_any(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        connection = self.client_address[1]
        is_reused = connection in {port for port, _, _ in self.server.seen}
        self.server.seen.append((connection, self.command, body))
        if self.server.hang_up and (is_reused or self.server.hang_up == "always"):
            self.close_connection = True
            return
        self.send_response(200)
        content = self.path.encode()
        if self.path == "/chunked":
            self.send_header("Transfer-Encoding", "chunked")
            content = b"5\r\nhello\r\n0\r\n\r\n"
        else:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
        # Without a word: the next request finds it closed.
        self.close_connection = self.path == "/closes"

    do_GET = do_PUT = do_POST = handle_any  # noqa: N815

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.seen, server.hang_up = [], None
    server.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def client(server):
    return _http.Client(private_origins=[_http.Origin.of(server.url)])


@pytest.fixture
def ask(client, server):
    def ask(path="/a", method="GET", **options):
        with client.request(method, server.url + path, timeout=20, **options) as response:
            return b"".join(iter(lambda: response.read(1000), b""))

    return ask


def connections(server):
    return [port for port, _, _ in server.seen]


@pytest.mark.parametrize("path", ["/a", "/chunked"])
def test_two_requests_take_one_connection(server, ask, path):
    expected = b"hello" if path == "/chunked" else b"/a"
    assert [ask(path), ask(path)] == [expected, expected]
    assert len(server.seen) == 2
    assert len(set(connections(server))) == 1


def test_two_requests_take_one_connection_with_tls(server, tmp_path):
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *("-nodes", "-keyout", key, "-out", certificate, "-days", "2"),
            *("-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"),
        ],
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(
        server.socket, server_side=True, do_handshake_on_connect=False
    )
    url = server.url.replace("http:", "https:")
    client = _http.Client(private_origins=[_http.Origin.of(url)])
    client.tls.load_verify_locations(certificate)
    for path in ("/a", "/b"):
        with client.request("GET", url + path, timeout=20) as response:
            assert response.read(100) == path.encode()
    assert len(server.seen) == 2
    assert len(set(connections(server))) == 1


def test_requests_at_the_same_time_take_one_each(server, client, ask):
    with client.request("GET", server.url, timeout=20):
        assert ask() == b"/a"
    assert len(set(connections(server))) == 2


def test_an_unread_body_ends_the_connection(server, client, ask):
    with client.request("GET", f"{server.url}/{'x' * 1000}", timeout=20) as response:
        response.read(10)
    assert ask() == b"/a"
    assert len(set(connections(server))) == 2


@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_a_connection_that_is_just_being_closed_is_replaced_once(server, ask, method):
    ask(method=method, body=b"1")
    server.hang_up = "reused"
    assert ask(method=method, body=b"2") == b"/a"
    assert [body for _, _, body in server.seen] == [b"1", b"2", b"2"]
    assert len(set(connections(server))) == 2
    server.hang_up = "always"
    with pytest.raises(_http.RequestFailed):
        ask(method=method, body=b"3")
    assert [body for _, _, body in server.seen[3:]] == [b"3", b"3"]


def test_a_connection_that_the_server_has_closed_is_not_used(server, client, ask):
    ask("/closes")
    (kept,) = client._idle
    deadline = time.monotonic() + 20
    while kept.is_open() and time.monotonic() < deadline:
        pass
    assert not kept.is_open()
    assert ask() == b"/a"
    assert len(server.seen) == 2


def test_what_must_not_be_sent_twice_has_a_connection_of_its_own(server, ask):
    ask()
    server.hang_up = "always"
    with pytest.raises(_http.RequestFailed):
        ask(method="POST", body=b"once")
    assert [method for _, method, _ in server.seen] == ["GET", "POST"]
    assert len(set(connections(server))) == 2


def test_idle_connections_are_few_and_not_old(server, client, ask, monkeypatch):
    with contextlib.ExitStack() as stack:
        for _ in range(_http.MAX_IDLE + 2):
            response = client.request("GET", server.url, timeout=20)
            response.read(100)
            stack.enter_context(response)
    assert len(client._idle) == _http.MAX_IDLE
    now = _http.time.monotonic() + _http.MAX_IDLE_SECONDS + 1
    monkeypatch.setattr(_http.time, "monotonic", lambda: now)
    before = set(connections(server))
    ask()
    assert connections(server)[-1] not in before
    assert len(client._idle) == 1


def test_a_body_may_be_limited(server, ask):
    assert ask("/12345", max_bytes=6) == b"/12345"
    for path, limit in (("/12345", 5), ("/chunked", 4)):
        with pytest.raises(_http.TooLarge):
            ask(path, max_bytes=limit)


FORK = """
import os, sys
from xaccel import _http
url = sys.argv[1]
client = _http.Client(private_origins=[_http.Origin.of(url)])
def ask():
    with client.request("GET", url + "/a", timeout=20) as response:
        assert response.read(100) == b"/a"
ask()
child = os.fork()
if child == 0:
    assert not client._idle
    ask()
    ask()
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
ask()
"""

GEVENT = """
from gevent import monkey
monkey.patch_all()
import gevent, sys
from xaccel import _http
url = sys.argv[1]
client = _http.Client(private_origins=[_http.Origin.of(url)])
def ask():
    with client.request("GET", url + "/a", timeout=20) as response:
        assert response.read(100) == b"/a"
for _ in range(3):
    for job in [gevent.spawn(ask) for _ in range(4)]:
        job.get()
"""


def run(script, server):
    command = [sys.executable, "-c", script, server.url]
    subprocess.run(command, check=True, timeout=60, env={**os.environ, "PYTHONWARNINGS": "error"})


def test_a_forked_child_opens_its_own(server):
    run(FORK, server)
    parent, first, second, again = connections(server)
    assert parent == again
    assert first == second != parent


def test_greenlets_share_a_client(server):
    run(GEVENT, server)
    assert len(server.seen) == 12
    assert len(set(connections(server))) <= 4


def test_threads_share_a_client(server, ask):
    answers = []

    def work():
        answers.extend(ask() for _ in range(20))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [b"/a"] * 80
    assert len(set(connections(server))) <= 4


@pytest.mark.parametrize(
    ("url", "authority"),
    [
        ("HTTP://Media.Example:80/x", "media.example"),
        ("https://h:8443/", "h:8443"),
        ("http://[::1]:8000/", "[::1]:8000"),
        ("https://bücher.example/", "xn--bcher-kva.example"),
    ],
)
def test_the_host_header(url, authority):
    assert _http.Origin.of(url).authority == authority


def finalize(sock):
    """Finalize a socket as the garbage collector does, and return the warnings."""
    with warnings.catch_warnings(record=True, action="always") as found:
        sock.__del__()
    return [warning.category for warning in found]


def test_an_idle_connection_that_is_collected_before_its_client_is_closed(client, ask):
    ask()
    (connection,) = client._idle
    assert finalize(connection.sock) == []
    assert connection.sock.fileno() == -1


@pytest.mark.parametrize("requests", [1, 2])
def test_a_response_that_nobody_closes_is_a_warning(client, ask, server, requests):
    for _ in range(requests - 1):
        ask()
    response = client.request("GET", f"{server.url}/a", timeout=20)
    assert finalize(response._sock) == [ResourceWarning]
    response.close()
