"""An app behind a server: its log, its static files, TLS."""

import contextlib
import gzip
import http.client
import ssl
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from xaccel import Config, ConfigError
from xaccel.servers import apache, caddy, nginx
from xaccel.servers.deployment import Deployment

from tests.servers.process import HOST, PATIENCE, free_port, running
from tests.servers.site import running_server

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


@pytest.fixture
def videos(tmp_path):
    directory = tmp_path / "videos"
    directory.mkdir()
    (directory / "puppies.mp4").write_bytes(b"puppies")
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
    first, remote, second = (directory / "access.log").read_text().splitlines()
    assert '"GET /video/1?x=y HTTP/1.1" 200 7 ' in first
    assert '"GET /page HTTP/1.1" 200 0 ' in second
    assert '"GET /remote/1 HTTP/1.1" 200 0 ' in remote
    assert '"christina"' in remote
    assert '"christina"' in first
    assert '"christina"' in second


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


@pytest.mark.parametrize("server", ["nginx", "apache", "caddy"])
def test_tls(app, home, videos, server):
    config = Config.from_mapping({"ROOTS": {str(videos): "/_private/videos/"}})
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
    port = free_port()
    files = {"tls_certificate": str(certificate), "tls_key": str(key)}
    with running_server(server, config, directory, port, app, domain="localhost", **files):
        context = ssl.create_default_context(cafile=str(certificate))
        connection = http.client.HTTPSConnection(
            "localhost", port, timeout=PATIENCE, context=context
        )
        response, _ = get(connection, "/")
        assert response.headers["Proto-Seen"] == "https"
        assert response.headers["Host-Seen"] == f"localhost:{port}"
        for target, strict in (
            ("/", "max-age=31536000"),
            ("/video/1", "max-age=31536000"),
            ("/strict", "max-age=1; preload"),
        ):
            connection = http.client.HTTPSConnection("localhost", port, context=context)
            response, _ = get(connection, target)
            assert response.headers.get_all("Strict-Transport-Security") == [strict], target


def test_those_who_come_without_tls_are_sent_to_it():
    files = {"tls_certificate": "/cert.pem", "tls_key": "/key.pem"}
    deployment = Deployment(listen="192.0.2.1:443", domain="a.example b.example", **files)
    text = nginx.site(Config(), deployment)
    assert "listen 192.0.2.1:443 ssl;" in text
    assert "listen 192.0.2.1:80;" in text
    assert "return 301 https://$host$request_uri;" in text
    text = apache.full(Config(), deployment, Path("/nonexistent"))
    assert "Listen 192.0.2.1:80\nListen 192.0.2.1:443" in text
    assert '    Redirect permanent "/" "https://b.example/"' in text
    # Caddy does it by itself.
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
def test_what_can_not_be(wrong):
    with pytest.raises(ConfigError):
        Deployment(**wrong)
