"""The generated configuration, in the real servers."""

import contextlib
import itertools
import os
import subprocess
import sys
from http.client import HTTPConnection
from urllib.parse import quote

import pytest
from xaccel import Config, ConfigError
from xaccel.delivery.files import Delivery
from xaccel.delivery.presentation import FileOptions
from xaccel.delivery.request import Request
from xaccel.servers import generators
from xaccel.servers.deployment import Deployment

from tests.support.servers.files import NAMES, content
from tests.support.servers.process import HOST, PATIENCE, free_port, running
from tests.support.servers.site import CHECKS, FRONTS, PREFIXES, running_server

SERVERS = FRONTS[1:]

UPSTREAM = """
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # One segment for each answer: a second one would wait for the acknowledgement of the first.
    wbufsize = -1

    def do_GET(self):
        status, headers, body = 200, {}, self.path
        if self.path.startswith("/echo/"):
            wanted = unquote(self.path.removeprefix("/echo/"), "latin-1")
            status, header, value = wanted.split("/", 2)
            headers, body = {header: value}, "echo"
        elif self.path == "/seen":
            names = ("Host", "X-Real-IP", "X-Forwarded-For", "X-Forwarded-Proto")
            body = "|".join(self.headers[name] or "" for name in names)
        self.send_response(int(status))
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode("latin-1"))

    do_HEAD = do_GET

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.do_GET()

ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


@pytest.fixture(scope="module")
def upstream(tmp_path_factory):
    """An app that describes the request, or answers with the header in the URL."""
    port = free_port()
    log = tmp_path_factory.mktemp("upstream") / "log"
    with running((sys.executable, "-c", UPSTREAM, str(port)), port, log):
        yield port


@pytest.fixture(params=SERVERS)
def server(request):
    return request.param


@pytest.fixture(scope="module")
def ask(home, files, upstream):
    """Ask one of the servers, which stands before `upstream` with static files and a domain."""
    static = home / 'sta"tic $x; {b}'
    static.mkdir()
    (static / "page.html").write_text("static")
    (static / "page.html").chmod(0o644)
    static.chmod(0o755)
    config = Config.from_mapping(
        {
            "ROOTS": {str(files.root): PREFIXES["main"]},
            "THUMBNAIL_SOURCE": str(home),
            "THUMBNAIL_CACHE": str(home / "cache"),
        }
    )
    ports = {}
    with contextlib.ExitStack() as stack:

        def ask(server, target, method="GET", *, host="a.example", body=None):
            if server not in ports:
                directory = home / f"configured-{server}"
                directory.mkdir()
                ports[server] = free_port()
                stack.enter_context(
                    running_server(
                        server,
                        config,
                        directory,
                        ports[server],
                        upstream,
                        domain="a.example b.example",
                        static={"/sta.tic/": str(static)},
                        client_max_body_size="10k",
                    )
                )
            connection = HTTPConnection(HOST, ports[server], timeout=PATIENCE)
            with contextlib.closing(connection):
                connection.request(method, target, body=body, headers={"Host": host})
                response = connection.getresponse()
                return response.status, response.headers, response.read()

        yield ask


@pytest.mark.parametrize("host", ["a.example", "b.example"])
def test_the_app_sees_what_the_visitor_sent(ask, server, host):
    status, _, body = ask(server, "/seen", host=host)
    assert status == 200
    # lighttpd can't write the address into a header of another name.
    real_ip = "" if server == "lighttpd" else HOST
    assert body.decode() == f"{host}|{real_ip}|{HOST}|http"
    for path in ("/a%2Fb%20c%25/%C3%A9?x=%2F&y", "/t/300x200,cover/a%2520b%3Fc.jpg?key=x"):
        assert ask(server, path)[2].decode() == path


def test_static_files(ask, server):
    status, headers, body = ask(server, "/sta.tic/page.html")
    assert (status, body) == (200, b"static")
    assert headers["Content-Type"].startswith("text/html")
    assert ask(server, "/sta.tic/absent")[0] == 404
    assert ask(server, "/staXtic/page.html")[2] == b"/staXtic/page.html"


def test_uploads_are_limited(ask, server):
    assert ask(server, "/x", "POST", body=bytes(10_000))[0] == 200
    # Caddy before 2.7 takes its own refusal for the app's failure.
    assert ask(server, "/x", "POST", body=bytes(11_000))[0] == (502 if server == "caddy" else 413)


def test_internal_prefixes_are_closed(ask, server, files):
    for prefix in (*PREFIXES.values(), "/_xaccel/thumbnails/"):
        quoted = prefix.replace(" ", "%20")
        for name in ("plain.txt", "", "../outside.txt", "..%2foutside.txt", "a/../plain.txt"):
            for target in (
                f"{quoted}{name}",
                f"{quoted[:-1]}../files/{name}",
                f"/{quoted}{name}",
                f"/x/..{quoted}{name}",
                f"{quoted.upper()}{name}",
                f"{quoted.replace('/_', '/%5F')}{name}",
            ):
                body = ask(server, target)[2]
                assert b"SIDE" not in body, target
                assert str(files.home).encode() not in body


@pytest.mark.parametrize("header", ["X-Sendfile", "X-Accel-Redirect", "X-LIGHTTPD-send-file"])
def test_nothing_outside_the_roots_is_sent_even_if_the_app_says_so(ask, server, header, files):
    root = str(files.root)
    for value, status in itertools.product(
        (
            str(files.home / "outside.txt"),
            f"{root}/../outside.txt",
            f"{root}-x/outside.txt",
            "/_private/files/../outside.txt",
            "/_private/files../outside.txt",
            "/_private/files/%2e%2e/outside.txt",
            "/_private/files/..%2foutside.txt",
            "/etc/hostname",
            "/_private/files/",
            "@named",
            "//_private/files/plain.txt",
        ),
        (200, 404),
    ):
        _, headers, body = ask(server, f"/echo/{status}/{header}/{quote(value)}")
        assert b"OUTSIDE" not in body, value
        assert b"root" not in body
        assert "_private" not in (headers["Location"] or "")


@pytest.mark.parametrize("status", [206, 304, 404, 500])
@pytest.mark.parametrize(
    ("server", "header"),
    [
        ("nginx", "X-Accel-Redirect"),
        ("apache", "X-Sendfile"),
        ("lighttpd", "X-Sendfile"),
        ("caddy", "X-Accel-Redirect"),
    ],
)
def test_a_header_is_not_shown_with_any_other_status(ask, server, header, status):
    _, headers, _ = ask(server, f"/echo/{status}/{header}/x")
    assert headers[header] is None


def test_links_are_refused_by_the_server_itself(ask, server, files):
    """A file may become a link after our check, before the server opens it."""
    value = {
        "nginx": "X-Accel-Redirect//_private/files/link",
        "lighttpd": f"X-Sendfile/{files.root}/link",
    }.get(server)
    if value is None:
        return  # Apache's module and Caddy's file server have no such setting.
    status, _, body = ask(server, f"/echo/200/{quote(value)}")
    assert status == 403
    assert b"OUTSIDE" not in body


AWKWARD = [
    "plain",
    "a b",
    "semi;colon",
    "quo\"te's",
    "do$llar ${x} {$x} $1",
    "br{a}ce {env.HOME}",
    "ha#sh comment",
    "Größe – 山 🐶",
    "per%cent %{x}e",
    "*?[a]~^|&<>!=,()@+",
    "`backtick`",
]


@pytest.mark.parametrize("name", AWKWARD)
def test_roots_of_every_name(server, name, tmp_path, monkeypatch):
    root = tmp_path / name
    root.mkdir()
    monkeypatch.setenv("x", "expanded")
    config = Config.from_mapping({"ROOTS": {root: "/_p/"}, "SERVER": server})
    module = generators.load(server)
    directory = tmp_path / "server"
    (directory / "tmp").mkdir(parents=True)
    deployment = Deployment(listen=f"{HOST}:8080", static={"/s/": str(root)})
    main_file = directory / module.FULL_FILE
    main_file.write_text(module.full(config, deployment, directory))
    result = subprocess.run(
        [*CHECKS[server], main_file], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr + main_file.read_text()


@pytest.mark.parametrize("character", ["\n", "\r", "\t", "\x7f"])
def test_roots_that_do_not_fit_into_a_configuration(server, character):
    config = Config.from_mapping({"SERVER": server, "ROOTS": {f"/srv/a{character}b": "/_p/"}})
    with pytest.raises(ConfigError, match="control character"):
        Delivery(config)


def test_lighttpd_takes_utf_8_only():
    config = Config.from_mapping({"SERVER": "lighttpd", "ROOTS": {"/srv/caf\udce9": "/_p/"}})
    with pytest.raises(ConfigError, match="UTF-8"):
        Delivery(config)


@pytest.mark.parametrize("prefix", ["/_{p}/", "/100%/", "/a?/", "/a*/"])
def test_caddy_takes_plain_prefixes_only(prefix):
    config = Config.from_mapping({"SERVER": "caddy", "ROOTS": {"/srv": prefix}})
    with pytest.raises(ConfigError, match="internal prefix"):
        Delivery(config)


@pytest.mark.parametrize("name", ["direct", "apache", "caddy"])
def test_a_rate_that_can_not_be_limited_is_an_error(name, files):
    config = Config.from_mapping({"SERVER": name, "ROOTS": {str(files.root): "/_p/"}})
    request = Request.from_headers("GET", lambda _: None)
    with pytest.raises(ConfigError, match="limit_rate=1"):
        Delivery(config).private_file("plain.txt", request, FileOptions(limit_rate=1))


@pytest.mark.parametrize("rate", [0, -1])
def test_a_rate_below_1_is_an_error(rate):
    """nginx takes 0, and values that it does not understand, as unlimited."""
    with pytest.raises(ConfigError, match=f"limit_rate={rate} must"):
        FileOptions(limit_rate=rate)


def test_a_file_that_only_the_app_can_send_is_sent_without_its_rate(files, caplog):
    config = Config.from_mapping({"SERVER": "lighttpd", "ROOTS": {str(files.root): "/_p/"}})
    request = Request.from_headers("GET", lambda _: None)
    name = os.fsdecode(NAMES["latin-1"])
    response = Delivery(config).private_file(name, request, FileOptions(limit_rate=1))
    assert response.body == content(NAMES["latin-1"])
    (record,) = caplog.records
    assert "without its limit_rate" in record.getMessage()


@pytest.mark.parametrize(("rate", "header"), [(1, "1"), (1024, "1"), (1025, "2"), (102_400, "100")])
def test_lighttpds_rate_is_in_kib_and_never_0(files, rate, header):
    config = Config.from_mapping({"SERVER": "lighttpd", "ROOTS": {str(files.root): "/_p/"}})
    request = Request.from_headers("GET", lambda _: None)
    response = Delivery(config).private_file("plain.txt", request, FileOptions(limit_rate=rate))
    assert dict(response.headers)["X-LIGHTTPD-KBytes-per-second"] == header


@pytest.mark.parametrize("server", SERVERS)
def test_unix_sockets(server, home, files):
    """The upstream's address takes its other form, too."""
    config = Config.from_mapping({"ROOTS": {str(files.root): "/_p/"}})
    socket = home / f"{server}.sock"
    text = generators.load(server).site(config, Deployment(upstream=f"unix:{socket}"))
    assert str(socket) in text


@pytest.mark.parametrize("first", ["secure-link-md5", "hmac-sha256"])
def test_with_two_signatures_the_app_verifies(tmp_path, first):
    """nginx knows one signature only, and would refuse the URLs of the other."""
    both = {first: None, "secure-link-md5": None, "hmac-sha256": None}
    settings = {
        "SERVER": "nginx",
        "SIGNATURE": [*both],
        "SECRET_KEYS": ["a key of 16 bytes or more"],
        "ROOTS": {"/srv/files": "/_private/files/"},
        "PRIVATE_URL": "/p/",
        "THUMBNAIL_SOURCE": "/srv/photos",
        "THUMBNAIL_CACHE": "/srv/cache",
    }
    nginx, deployment = generators.load("nginx"), Deployment()
    config = Config.from_mapping(settings)
    assert nginx.secrets(config, deployment) is None
    assert "secure_link" not in nginx.full(config, deployment, tmp_path)
    one = Config.from_mapping({**settings, "SIGNATURE": "secure-link-md5"})
    assert "secure_link_md5" in nginx.secrets(one, deployment)
    assert "secure_link" in nginx.full(one, deployment, tmp_path)


def test_the_largest_upload_is_checked_for_every_server():
    assert Deployment(client_max_body_size="10m").max_body_bytes == 10 << 20
    with pytest.raises(ConfigError, match="client_max_body_size must be a number"):
        Deployment(client_max_body_size="10x")
