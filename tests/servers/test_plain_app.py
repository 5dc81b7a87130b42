"""What a generated configuration does for any app behind it, with the real servers."""

import contextlib
import http.client
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from websockets.sync.client import connect
from xaccel import Config
from xaccel.delivery.files import Delivery

from tests.support.servers.process import HOST, PATIENCE, free_port, running
from tests.support.servers.site import FRONTS, running_server

SERVERS = FRONTS[1:]
WITH_POLICY = [server for server in SERVERS if server != "lighttpd"]
"""The servers that choose a header by the type of a response. Behind lighttpd, the app sends it."""
SANDBOX = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:"
SCRIPTABLE = ["text/html", "Text/HTML; charset=utf-8", "application/xhtml+xml", "image/svg+xml"]
SCRIPTABLE += ["text/xml", "application/xml;charset=x", "application/rss+xml", "text/xsl"]
HARMLESS = ["application/pdf", "image/png", "text/plain", "application/json", "text/htmlx"]
FILES = ("page.html", "image.svg", "feed.xml", "paper.pdf", "notes.txt")


class Origin(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Security-Policy", "default-src *")
        self.send_header("Content-Length", "6")
        self.end_headers()
        self.wfile.write(b"origin")

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def serving(server):
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(scope="module")
def origin():
    with serving(ThreadingHTTPServer((HOST, 0), Origin)) as port:
        yield port


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    port = free_port()
    log = tmp_path_factory.mktemp("app") / "log"
    command = (sys.executable, "-m", "uvicorn", "--host", HOST, "--port", str(port))
    options = ("--lifespan", "off", "--timeout-keep-alive", "60")
    with running((*command, *options, "tests.support.servers.plain_app:app"), port, log):
        yield port


@pytest.fixture(scope="module")
def root(home):
    directory = home / "plain-root"
    (directory / "directory").mkdir(parents=True)
    (directory / "directory" / "index.html").write_text("index")
    for name in FILES:
        (directory / name).write_text("private")
    return directory


class Front:
    """A running server before the app."""

    def __init__(self, server, config, port):
        self.server, self.config, self.port = server, config, port

    def connect(self):
        connection = http.client.HTTPConnection(HOST, self.port, timeout=PATIENCE)
        return contextlib.closing(connection)

    def get(self, target, **headers):
        with self.connect() as connection:
            fields = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request("GET", target, headers=fields)
            response = connection.getresponse()
            return response, response.read()

    def offload(self, path, headers=()):
        """Let the app offload the file at a path of the root, and send further headers."""
        root, prefix = next(iter(self.config.roots.items()))
        own = ("X-Accel-Redirect", f"{prefix}{path}")
        if self.server in {"apache", "lighttpd"}:
            own = ("X-Sendfile", f"{root}/{path}")
        return self.send([own, *headers])

    def send(self, headers):
        return self.get(f"/offload/{json.dumps(headers).encode().hex()}")


@pytest.fixture(scope="module")
def fronts(home, root, app, origin):
    """A function that returns a server, with or without ALLOW_SCRIPTS."""
    started = {}
    with contextlib.ExitStack() as stack:

        def front(server, *, allow_scripts=False):
            if (server, allow_scripts) not in started:
                settings = {"SERVER": server, "ROOTS": {root: "/_private/plain/"}}
                settings |= {"ALLOW_SCRIPTS": allow_scripts, "PRIVATE_URL": "/p;/"}
                if server == "nginx":
                    settings["REMOTES"] = {f"http://{HOST}:{origin}/": "/_remote/media/"}
                    settings["SIGNATURE"] = "secure-link-md5"
                    settings["SECRET_KEYS"] = ["0123456789abcdef"]
                config = Config.from_mapping(settings)
                directory = home / f"plain-{server}-{allow_scripts}"
                directory.mkdir()
                port = free_port()
                stack.enter_context(running_server(server, config, directory, port, app))
                started[server, allow_scripts] = Front(server, config, port)
            return started[server, allow_scripts]

        yield front


@pytest.fixture(params=SERVERS)
def front(request, fronts):
    return fronts(request.param)


def policy(reply):
    response, body = reply
    assert (response.status, body) == (200, b"private")
    return response.headers.get_all("Content-Security-Policy")


@pytest.mark.parametrize("front", WITH_POLICY, indirect=True)
@pytest.mark.parametrize("kind", SCRIPTABLE)
def test_files_that_browsers_execute_are_sandboxed(front, kind):
    assert policy(front.offload("notes.txt", [("Content-Type", kind)])) == [SANDBOX]


@pytest.mark.parametrize("kind", HARMLESS)
def test_other_files_are_not_sandboxed(front, kind):
    assert policy(front.offload("notes.txt", [("Content-Type", kind)])) is None


@pytest.mark.parametrize("front", WITH_POLICY, indirect=True)
@pytest.mark.parametrize("name", FILES)
def test_files_without_a_type_are_sandboxed_by_name(front, name):
    expected = None if name in {"paper.pdf", "notes.txt"} else [SANDBOX]
    assert policy(front.offload(name)) == expected


@pytest.mark.parametrize("own", ["default-src 'self'", ";"])
@pytest.mark.parametrize("kind", ["text/html", "text/plain"])
def test_the_apps_own_policy_stays(front, kind, own):
    """An app that trusts a file sends a policy without a directive, which allows everything."""
    headers = [("Content-Type", kind), ("Content-Security-Policy", own)]
    assert policy(front.offload("notes.txt", headers)) == [own]


@pytest.mark.parametrize("server", SERVERS)
def test_scripts_can_be_allowed(fronts, server):
    front = fronts(server, allow_scripts=True)
    assert policy(front.offload("page.html", [("Content-Type", "text/html")])) is None
    headers = [("Content-Type", "text/html"), ("Content-Security-Policy", "default-src 'self'")]
    assert policy(front.offload("page.html", headers)) == ["default-src 'self'"]


def test_the_apps_pages_are_not_sandboxed(front):
    response, _ = front.send([("Content-Type", "text/html")])
    assert response.headers["Content-Security-Policy"] is None


@pytest.mark.parametrize("allow_scripts", [False, True])
def test_signed_links_are_sandboxed(fronts, allow_scripts):
    front = fronts("nginx", allow_scripts=allow_scripts)
    for name in FILES:
        scriptable = name not in {"paper.pdf", "notes.txt"} and not allow_scripts
        link = Delivery(front.config).private_url(name)
        assert policy(front.get(link)) == ([SANDBOX] if scriptable else None)


@pytest.mark.parametrize("allow_scripts", [False, True])
def test_files_of_remotes_are_sandboxed(fronts, allow_scripts):
    """The remote's own policy is as good as the remote: it is not ours to trust."""
    front = fronts("nginx", allow_scripts=allow_scripts)
    own = ("X-Accel-Redirect", "/_remote/media/page.html")
    response, body = front.send([own, ("Content-Type", "text/html")])
    assert body == b"origin"
    found = response.headers.get_all("Content-Security-Policy")
    assert found == (None if allow_scripts else [SANDBOX])
    response, _ = front.send([own, ("Content-Security-Policy", "default-src 'self'")])
    assert response.headers.get_all("Content-Security-Policy") == ["default-src 'self'"]


def test_a_file_that_became_a_directory_shows_no_internal_url(front):
    for path in ("directory", "directory/"):
        response, body = front.offload(path)
        assert "_private" not in str(response.headers)
        assert b"_private" not in body
        assert response.status in {403, 404}, path


def test_visitors_do_not_choose_how_the_app_offloads(front):
    headers = {"X_Sendfile_Type": "X-Accel-Redirect", "X_Accel_Mapping": "/=/_private/plain/"}
    response, body = front.get("/seen", **headers)
    assert response.status == 200
    seen = {name for name, value in json.loads(body)}
    assert "host" in seen
    assert not seen & {"x-sendfile-type", "x-accel-mapping"}


SPELLINGS = (
    "/t/300x200,cover/a%2520b%3Fc.jpg?key=x",
    "/a%2Fb%20c%25/%C3%A9?x=%2F&y",
    "/t/c%61t.jpg",
    "/t/cat%2Cdog.jpg",
    "/t/./cat.jpg",
    "/t/x/../cat.jpg",
    "//t/cat.jpg",
    "//p%3B/cat.jpg",
    "/t//cat.jpg",
    "/t/%FF.jpg",
    "/t/%e5.jpg",
)


@pytest.mark.parametrize("target", SPELLINGS)
def test_the_app_sees_the_visitors_own_spelling(front, target):
    response, body = front.get(target)
    if front.server == "apache" and target.startswith("//"):
        # mod_proxy would change the spelling.
        assert response.status == 403
    else:
        assert body.decode() == target.partition("?")[0]


def test_web_sockets(front):
    with connect(f"ws://{HOST}:{front.port}/socket", open_timeout=PATIENCE) as socket:
        for text in ("first", "second"):
            socket.send(text)
            assert socket.recv(timeout=PATIENCE) == text


def test_other_protocols_are_not_passed_on(front):
    response, body = front.get("/seen", Connection="Upgrade", Upgrade="h2c")
    assert response.status == 200
    assert "upgrade" not in {name for name, _ in json.loads(body)}


def test_event_streams(front):
    """The second event comes only after the visitor has read the first."""
    with front.connect() as connection:
        connection.request("GET", "/events", headers={"Accept": "text/event-stream"})
        response = connection.getresponse()
        assert response.readline() == b"data: first\n"
        front.get("/go")
        assert response.read() == b"\ndata: second\n\n"


class OldApp(BaseHTTPRequestHandler):
    """Its responses end with the connection, as in HTTP/1.0."""

    go = threading.Event()

    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        if self.path == "/go":
            self.go.set()
            return
        self.wfile.write(b"data: first\n\n")
        if self.go.wait(PATIENCE):
            self.wfile.write(b"data: second\n\n")

    def log_message(self, *_):
        pass


@pytest.mark.parametrize("server", SERVERS)
def test_event_streams_of_an_app_with_http_1_0(server, home):
    OldApp.go.clear()
    directory, port = home / f"old-{server}", free_port()
    directory.mkdir()
    config = Config.from_mapping({"SERVER": server})
    with (
        serving(ThreadingHTTPServer((HOST, 0), OldApp)) as app_port,
        running_server(server, config, directory, port, app_port),
    ):
        front = Front(server, config, port)
        with front.connect() as connection:
            connection.request("GET", "/events", headers={"Accept": "text/event-stream"})
            response = connection.getresponse()
            assert response.readline() == b"data: first\n"
            front.get("/go")
            assert response.read() == b"\ndata: second\n\n"
