"""An app behind a server: its log, its static files, TLS."""

import contextlib
import gzip
import http.client
import re
import ssl
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from xaccel import Config, ConfigError
from xaccel.servers import caddy, generators
from xaccel.servers.deployment import Deployment

from tests.support.servers.nginx import nginx
from tests.support.servers.process import HOST, PATIENCE, free_port, running
from tests.support.servers.site import running_server

APP = """
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("X-User", "mallory" if self.path == "/media" else "christina")
        self.send_header("Content-Length", "0")
        if self.path == "/strict":
            self.send_header("Strict-Transport-Security", "max-age=1; preload")
        if self.path.startswith("/video/"):
            self.send_header("X-Accel-Redirect", "/_private/videos/puppies.mp4")
        elif self.path.startswith("/sendfile/"):
            self.send_header("X-Sendfile", self.path.removeprefix("/sendfile"))
        elif self.path.startswith("/remote/"):
            self.send_header("X-Accel-Redirect", "/_remote/media/media")
        self.send_header("Host-Seen", self.headers["Host"])
        self.send_header("Proto-Seen", self.headers["X-Forwarded-Proto"])
        self.end_headers()

ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    port = free_port()
    log = tmp_path_factory.mktemp("app") / "log"
    with running((sys.executable, "-c", APP, str(port)), port, log):
        yield port


@pytest.fixture(scope="module")
def videos(home):
    directory = home / "videos"
    directory.mkdir()
    directory.chmod(0o755)
    (directory / "puppies.mp4").write_bytes(b"puppies")
    (directory / "puppies.mp4").chmod(0o644)
    return directory


def get(connection, target, **headers):
    with contextlib.closing(connection):
        fields = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request("GET", target, headers=fields)
        response = connection.getresponse()
        return response, response.read()


def test_the_log_has_the_visitors_request_and_the_apps_user(app, tmp_path, videos):
    config = Config.from_mapping(
        {
            "ROOTS": {str(videos): "/_private/videos/"},
            # The app is its own media server here.
            "REMOTES": {f"http://{HOST}:{app}/": "/_remote/media/"},
        }
    )
    port = free_port()
    directory = tmp_path / "nginx"
    directory.mkdir()
    with running_server("nginx", config, directory, port, app, log_header="X-User"):
        for target, body in (("/video/1?x=y", b"puppies"), ("/remote/1", b""), ("/page", b"")):
            connection = http.client.HTTPConnection(HOST, port, timeout=PATIENCE)
            response, received = get(connection, target)
            assert received == body
            assert response.headers["X-User"] is None
    # Several workers log in any order.
    log = (directory / "access.log").read_text().splitlines()
    assert len(log) == 3
    for request in (
        '"GET /video/1?x=y HTTP/1.1" 200 7 ',
        '"GET /remote/1 HTTP/1.1" 200 0 ',
        '"GET /page HTTP/1.1" 200 0 ',
    ):
        (line,) = [line for line in log if request in line]
        assert '"christina"' in line


def test_a_site_logs_each_request_once(app, tmp_path):
    """The configuration that includes the site has a log already, as Debian's has."""
    json_log = tmp_path / "log.json"
    deployment = {"upstream": f"{HOST}:{app}", "log_header": "X-User", "json_log": str(json_log)}
    site = generators.load("nginx").site(Config(), Deployment(listen="1", **deployment))
    site = site.replace("/var/log/nginx/access.log", str(tmp_path / "access.log"))
    with nginx(tmp_path, site.replace("listen 1;", "listen $ADDRESS;")) as server:
        assert server.get("/page").status == 200
        # nginx logs a request after its response, and a connection's requests in their order.
        assert server.get("/page").status == 200
        server.close()
    for log in (tmp_path / "access.log", json_log):
        assert len(log.read_text().splitlines()) == 2
    assert '"christina"' in (tmp_path / "access.log").read_text()


@pytest.mark.parametrize(("timeout", "seconds"), [("10s", 60), ("2m", 170)])
def test_nginx_waits_for_the_longest_render(timeout, seconds):
    config = Config.from_mapping({"THUMBNAIL_TIMEOUT": timeout})
    site = generators.load("nginx").site
    machine = site(config, Deployment())
    balancer = site(config, Deployment(balance=("10.0.0.2:80",)))
    assert f"    proxy_read_timeout {seconds}s;" in machine.splitlines()
    assert f"    proxy_read_timeout {seconds + 10}s;" in balancer.splitlines()


def test_static_files_are_compressed_and_pages_are_not(app, tmp_path):
    (tmp_path / "a.css").write_text("a {}" * 1000)
    directory = tmp_path / "nginx"
    directory.mkdir()
    port = free_port()
    static = {"/static/": str(tmp_path)}
    with running_server("nginx", Config(), directory, port, app, static=static):
        connection = http.client.HTTPConnection(HOST, port, timeout=PATIENCE)
        response, body = get(connection, "/static/a.css", Accept_Encoding="gzip")
        assert gzip.decompress(body) == b"a {}" * 1000
        assert response.headers["Vary"] == "Accept-Encoding"
        connection = http.client.HTTPConnection(HOST, port, timeout=PATIENCE)
        response, _ = get(connection, "/page", Accept_Encoding="gzip")
        assert response.headers["Content-Encoding"] is None


@pytest.fixture(scope="module")
def tls(home):
    """The files of a certificate."""
    directory = Path(tempfile.mkdtemp(dir=home))
    directory.chmod(0o755)
    certificate, key = directory / "cert.pem", directory / "key $.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *("-nodes", "-keyout", key, "-out", certificate, "-days", "2"),
            *("-subj", "/CN=a.example", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"),
        ],
        check=True,
        capture_output=True,
    )
    return {"tls_certificate": str(certificate), "tls_key": str(key)}


@pytest.mark.parametrize("server", ["nginx", "apache", "lighttpd", "caddy"])
def test_tls(app, home, videos, tls, server):
    config = Config.from_mapping({"ROOTS": {str(videos): "/_private/videos/"}})
    directory = Path(tempfile.mkdtemp(dir=home))
    port = free_port()
    with running_server(server, config, directory, port, app, domain="localhost", **tls):
        context = ssl.create_default_context(cafile=tls["tls_certificate"])
        connection = http.client.HTTPSConnection(
            "localhost", port, timeout=PATIENCE, context=context
        )
        response, _ = get(connection, "/")
        assert response.headers["Proto-Seen"] == "https"
        assert response.headers["Host-Seen"] == f"localhost:{port}"
        accel = server in {"nginx", "caddy"}
        video = "/video/1" if accel else f"/sendfile{videos}/puppies.mp4"
        for target, strict, body in (
            ("/", ["max-age=31536000"], b""),
            (video, ["max-age=31536000"], b"puppies"),
            ("/strict", ["max-age=1; preload"], b""),
        ):
            connection = http.client.HTTPSConnection("localhost", port, context=context)
            response, received = get(connection, target)
            assert received == body
            if target == "/strict" and server == "lighttpd":
                # It can't leave its own out; it is the first that counts.
                strict.append("max-age=31536000")
            assert response.headers.get_all("Strict-Transport-Security") == strict, target


@pytest.mark.parametrize(
    ("server", "kind"),
    [("nginx", "full"), ("apache", "full"), ("lighttpd", "full"), ("lighttpd", "site")],
)
def test_http_is_redirected_to_https(app, home, tls, server, kind, monkeypatch):
    """Caddy does it by itself."""
    ports = {"80": free_port(), "443": free_port()}
    module = generators.load(server)
    full = module.full

    def on_other_ports(config, deployment, directory):
        """The configuration, with ports that anyone may listen on."""
        text = full(config, deployment, directory)
        if kind == "site":
            # As on Debian: what includes the site listens on port 80.
            text = "\n".join(
                [
                    'server.modules = ( "mod_access", "mod_redirect" )',
                    'server.bind = "127.0.0.1"',
                    "server.port = 80",
                    'server.http-parseopts = ( "url-path-2f-decode" => "disable" )',
                    f'server.document-root = "{directory}/tmp"',
                    module.site(config, deployment),
                ]
            )
        for port, other in ports.items():
            text = re.sub(rf"({HOST}:|server\.port = ){port}\b", rf"\g<1>{other}", text)
        return text

    monkeypatch.setattr(module, "full", on_other_ports)
    directory = Path(tempfile.mkdtemp(dir=home))
    for domain in ("a.example b.example", None):
        if server == "apache" and domain is None:
            continue  # It would not know where to send them.
        deployment = {"listen": f"{HOST}:443", "domain": domain, **tls}
        (place := directory / str(domain)).mkdir()
        with running_server(server, Config(), place, ports["443"], app, **deployment):
            for target in ("/", "/a%2Fb%20c%C3%A9%3F%25?x=%2F%3F&y"):
                connection = http.client.HTTPConnection(HOST, ports["80"], timeout=PATIENCE)
                response, _ = get(connection, target, Host="b.example:80")
                assert response.status == 301
                assert response.headers["Location"] == f"https://b.example{target}"
                assert response.headers["Strict-Transport-Security"] is None
            context = ssl._create_unverified_context()
            connection = http.client.HTTPSConnection(
                HOST, ports["443"], timeout=PATIENCE, context=context
            )
            response, _ = get(connection, "/", Host="b.example")
            assert (response.status, response.headers["Proto-Seen"]) == (200, "https")


def test_caddy_redirects_http_to_https():
    files = {"tls_certificate": "/cert.pem", "tls_key": "/key.pem"}
    deployment = Deployment(listen="192.0.2.1:443", domain="a.example b.example", **files)
    # It is what Caddy does for every site whose address begins so.
    assert "https://a.example:443, https://b.example:443 {" in caddy.site(Config(), deployment)


def test_caddy_gets_the_certificate_of_a_name(tmp_path):
    text = caddy.full(Config(), Deployment(listen="443", domain="a.example"), tmp_path)
    assert "https://a.example:443 {" in text
    assert "auto_https off" not in text
    assert "tls " not in text
    with pytest.raises(ConfigError, match="--domain"):
        caddy.site(Config(), Deployment(listen="443"))


@pytest.mark.parametrize(
    "wrong",
    [{"tls_certificate": "/a"}, {"tls_key": "/a"}, {"log_header": "a b"}, {"resolver": "1; }"}],
)
def test_invalid_deployments(wrong):
    with pytest.raises(ConfigError):
        Deployment(**wrong)
