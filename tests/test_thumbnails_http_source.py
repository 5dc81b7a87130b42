"""Images from another web server: what is fetched, and what is refused."""

import contextlib
import io
import socket
import ssl
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from PIL import Image
from xaccel import ConfigError, _http, thumbnail
from xaccel._addresses import is_public
from xaccel.config import Config
from xaccel.exceptions import FileNotFound, ImageTooLarge, SourceUnavailable
from xaccel.thumbnails.endpoint import Thumbnails
from xaccel.thumbnails.helpers import TemplateHelpers
from xaccel.thumbnails.sources.http import HttpSource

from tests.support.thumbnail_endpoint import get
from tests.support.thumbnail_images import encoded, is_the_same


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.server.asked.append(self.path)
        self.server.routes[self.path](self)

    def log_message(self, *arguments):
        pass

    def answer(self, status=200, body=b"", **headers):
        self.send_response(status)
        for name, value in {"Content-Length": len(body), **headers}.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def origin():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.routes, server.asked = {}, []
    server.url = f"http://127.0.0.1:{server.server_port}/photos/"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def source(origin, **options):
    defaults = {"max_bytes": 10_000_000, "timeout": 20, "allow_private": True}
    return HttpSource(origin.url, **{**defaults, **options})


def test_fetches(origin, jpeg):
    name = "sub/föö bär?&#%.jpg"
    path = "/photos/sub/f%C3%B6%C3%B6%20b%C3%A4r%3F%26%23%25.jpg"
    date = "Sun, 09 Sep 2001 01:46:40 GMT"
    origin.routes[path] = lambda handler: handler.answer(200, jpeg, Last_Modified=date)
    original = source(origin).get(name)
    assert is_the_same(original.image, jpeg)
    assert original.modified == 1_000_000_000


@pytest.fixture
def config(origin, tmp_path):
    return Config.from_mapping(
        {
            "THUMBNAIL_SOURCE": origin.url,
            "THUMBNAIL_SOURCE_PRIVATE": True,
            "THUMBNAIL_CACHE": tmp_path,
            "SECRET_KEYS": ["a key of more than 16 bytes"],
        }
    )


@pytest.fixture
def url(config):
    return TemplateHelpers(config).thumbnail_url


@pytest.fixture
def answer(config):
    thumbnails = Thumbnails(config)
    return lambda target: get(thumbnails, target)


def test_serves_thumbnails(origin, jpeg, answer, url):
    origin.routes["/photos/cat.jpg"] = lambda handler: handler.answer(200, jpeg)
    origin.routes["/photos/absent.jpg"] = lambda handler: handler.answer(404)
    origin.routes["/photos/error.jpg"] = lambda handler: handler.answer(500)
    for _ in range(2):
        made = answer(url("cat.jpg", 50))
        assert Image.open(io.BytesIO(made.data)).size == (50, 38)
    assert origin.asked == ["/photos/cat.jpg"]
    assert answer(url("absent.jpg", 50)).status == 404
    assert answer(url("error.jpg", 50)).status == 502
    assert url("cat.jpg", 50, version="mtime") == url("cat.jpg", 50)


@pytest.mark.parametrize("name", ["../a.jpg", "a/../b.jpg", "/a.jpg", "a//b.jpg", "", "."])
def test_stays_below_its_url(origin, name):
    with pytest.raises(FileNotFound):
        source(origin).get(name)
    assert origin.asked == []


def test_limits_the_size(origin):
    def endless(handler):
        handler.send_response(200)
        handler.send_header("Connection", "close")
        handler.end_headers()
        with contextlib.suppress(OSError):
            while True:
                handler.wfile.write(bytes(65536))

    origin.routes["/photos/said"] = lambda handler: handler.answer(200, bytes(2000))
    origin.routes["/photos/endless"] = endless
    for name in ("said", "endless"):
        with pytest.raises(ImageTooLarge):
            source(origin, max_bytes=1000).get(name)


def test_limits_the_time(origin):
    over = threading.Event()

    def drip(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", "1000000")
        handler.end_headers()
        with contextlib.suppress(OSError):
            while not over.wait(0.01):
                handler.wfile.write(b"x")

    def drip_headers(handler):
        with contextlib.suppress(OSError):
            handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Long: ")
            while not over.wait(0.01):
                handler.wfile.write(b"x")

    origin.routes["/photos/drip"] = drip
    origin.routes["/photos/drip-headers"] = drip_headers
    origin.routes["/photos/silent"] = lambda handler: over.wait(20)
    try:
        for name in ("drip", "drip-headers", "silent"):
            with pytest.raises(SourceUnavailable, match=r"time|long"):
                source(origin, timeout=0.3).get(name)
    finally:
        over.set()


def test_by_tls_the_certificate_is_checked_and_the_time_is_limited(origin, jpeg, tmp_path):
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
    origin.socket = context.wrap_socket(
        origin.socket, server_side=True, do_handshake_on_connect=False
    )
    origin.url = origin.url.replace("http:", "https:")
    over = threading.Event()

    def drip_headers(handler):
        with contextlib.suppress(OSError):
            while not over.wait(0.01):
                handler.wfile.write(b"H")

    origin.routes["/photos/drip"] = drip_headers
    origin.routes["/photos/cat.jpg"] = lambda handler: handler.answer(200, jpeg)
    with pytest.raises(SourceUnavailable, match="certificate"):
        source(origin).get("cat.jpg")
    trusting, hasty = source(origin), source(origin, timeout=0.5)
    for each in (trusting, hasty):
        each._client.tls.load_verify_locations(certificate)
    assert is_the_same(trusting.get("cat.jpg").image, jpeg)
    try:
        with pytest.raises(SourceUnavailable, match=r"time|long"):
            hasty.get("drip")
    finally:
        over.set()


def test_a_truncated_response_is_refused(origin):
    def half(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        handler.wfile.write(b"half")
        handler.close_connection = True

    origin.routes["/photos/half"] = half
    with pytest.raises(SourceUnavailable):
        source(origin).get("half")


def test_follows_a_few_redirects(origin, jpeg):
    for number in range(5):
        to = f"/photos/{number - 1}" if number else "cat.jpg"
        origin.routes[f"/photos/{number}"] = lambda handler, to=to: handler.answer(302, Location=to)
    origin.routes["/photos/cat.jpg"] = lambda handler: handler.answer(200, jpeg)
    assert is_the_same(source(origin).get("2").image, jpeg)
    with pytest.raises(SourceUnavailable, match="redirects"):
        source(origin).get("4")


@pytest.mark.parametrize(
    "location",
    [
        "file:///etc/passwd",
        "ftp://127.0.0.1/",
        "http://127.0.0.1:1/",
        "http://localhost/",
        "http://[::1]/",
        "http://169.254.169.254/latest/meta-data/",
        "http://0.0.0.0/",
    ],
)
def test_redirects_do_not_lead_to_other_private_files(origin, location):
    origin.routes["/photos/a"] = lambda handler: handler.answer(302, Location=location)
    with pytest.raises((SourceUnavailable, FileNotFound)):
        source(origin).get("a")
    assert origin.asked == ["/photos/a"]


def test_private_addresses_are_refused_unless_allowed(origin, jpeg):
    origin.routes["/photos/cat.jpg"] = lambda handler: handler.answer(200, jpeg)
    with pytest.raises(SourceUnavailable, match="THUMBNAIL_SOURCE_PRIVATE"):
        source(origin, allow_private=False).get("cat.jpg")
    assert origin.asked == []


def test_the_address_that_was_checked_is_the_one_that_is_used(origin, monkeypatch):
    """A name that answers differently the second time (DNS rebinding) gains nothing."""
    real, answers = socket.getaddrinfo, []

    def rebinding(host, port, *arguments, **options):
        address = "192.88.98.1" if not answers else "127.0.0.1"
        answers.append(address)
        return real(address, port, *arguments, **options)

    tried = []

    def connect(sock, address):
        tried.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(_http.socket, "getaddrinfo", rebinding)
    monkeypatch.setattr(_http.socket.socket, "connect", connect)
    rebound = HttpSource("http://rebinding.test/", max_bytes=9, timeout=5, allow_private=False)
    with pytest.raises(SourceUnavailable):
        rebound.get("a")
    assert tried == [("192.88.98.1", 80)]
    assert answers == ["192.88.98.1"]


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "0.0.0.0"),
        *("100.64.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "192.0.2.1", "198.18.0.1"),
        *("::", "::1", "fe80::1%eth0", "fc00::1", "ff02::1", "2001:db8::1", "::ffff:127.0.0.1"),
        *("::ffff:10.0.0.1", "2002:7f00:1::", "64:ff9b::7f00:1", "64:ff9b::a00:1"),
        *("fec0::1", "feff::1", "::8.8.8.8", "::127.0.0.1", "3fff::1", "3fff:fff::1", "5f00::1"),
        *("64:ff9b:1::8.8.8.8", "64:ff9b:2::1", "::ffff:0:8.8.8.8", "100::1", "100:0:0:1::1"),
        *("2001::1", "2001:2::1", "2001:10::1", "2001:20::1", "2001:1ff::1", "2001:1000::1"),
        *("3ffe::1", "2d00::1", "4000::1", "8000::1", "fd00:ec2::254", "fdff::1"),
        *("192.0.0.9", "192.31.196.1", "192.52.193.1", "192.88.99.1", "192.175.48.1"),
        *("198.19.255.255", "198.51.100.1", "203.0.113.1", "172.31.255.255", "100.127.255.255"),
    ],
)
def test_private_addresses(address):
    assert not is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        *("8.8.8.8", "172.15.255.255", "172.32.0.1", "100.63.255.255", "223.255.255.255"),
        *("2606:4700::1111", "2001:4860:4860::8888", "2a00:1450::1", "2c0f::1", "2001:200::1"),
        *("::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::1"),
    ],
)
def test_public_addresses(address):
    assert is_public(address)


@pytest.mark.parametrize(
    "url",
    ["http://", "ftp://a.test/", "https://user:secret@a.test/", "https://a.test/?x", "x://a/"],
)
def test_invalid_urls(url):
    with pytest.raises(ConfigError, match="THUMBNAIL_SOURCE") as error:
        Config.from_mapping({"THUMBNAIL_SOURCE": url})
    assert "secret" not in str(error.value)


@pytest.fixture(scope="module")
def large():
    """A progressive JPEG, of which a small thumbnail needs only a small part."""
    noise = Image.effect_noise((1600, 1200), 60)
    picture = Image.merge("RGB", (noise, noise, noise))
    return encoded(picture, "JPEG", quality=95, progressive=True)


class TestProgressive:
    """A small thumbnail of a progressive JPEG needs only its start."""

    @pytest.fixture(autouse=True)
    def routes(self, origin, large):
        """The whole file, and one of which the last tenth never comes."""

        def hold_back(handler):
            handler.send_response(200)
            handler.send_header("Content-Length", str(len(large)))
            handler.end_headers()
            handler.wfile.write(large[: len(large) * 9 // 10])
            assert handler.connection.recv(1) == b"", "the client should hang up"
            handler.close_connection = True

        origin.routes["/photos/large.jpg"] = lambda handler: handler.answer(200, large)
        origin.routes["/photos/held.jpg"] = hold_back

    def test_a_small_thumbnail_takes_but_the_start(self, answer, url, large):
        assert answer(url("held.jpg", 100)).data == thumbnail(large, 100).data

    def test_a_larger_one_takes_it_all_in_one_fetch(self, origin, answer, url, large):
        assert answer(url("large.jpg", 700)).data == thumbnail(large, 700).data
        assert origin.asked == ["/photos/large.jpg"]

    def test_a_placeholder_takes_it_all(self, origin, large):
        with source(origin).get("large.jpg") as original:
            assert len(original.image) < len(large)
            assert is_the_same(original.whole(), large)

    def test_the_rest_has_its_own_time(self, origin, large, monkeypatch):
        with source(origin).get("large.jpg") as original:
            now = time.monotonic() + 100
            monkeypatch.setattr(_http.time, "monotonic", lambda: now)
            assert is_the_same(original.whole(), large)

    def test_a_truncated_image_is_an_error(self, origin, large):
        def cut(handler):
            handler.send_response(200)
            handler.send_header("Content-Length", str(len(large)))
            handler.end_headers()
            handler.wfile.write(large[:-100_000])
            handler.close_connection = True

        origin.routes["/photos/cut.jpg"] = cut
        with (
            source(origin).get("cut.jpg") as original,
            pytest.raises(SourceUnavailable, match="100000 bytes too early"),
        ):
            original.whole()

    def test_the_limit_holds_for_the_rest(self, origin, large):
        def unknown_length(handler):
            handler.send_response(200)
            handler.send_header("Connection", "close")
            handler.end_headers()
            with contextlib.suppress(OSError):
                handler.wfile.write(large)
            handler.close_connection = True

        origin.routes["/photos/long.jpg"] = unknown_length
        with (
            source(origin, max_bytes=len(large) - 1).get("long.jpg") as original,
            pytest.raises(ImageTooLarge),
        ):
            original.whole()


def test_is_imported_only_when_it_is_in_use(tmp_path):
    code = f"""
import sys
from xaccel.config import Config
from xaccel.thumbnails import sources
for source in ({str(tmp_path)!r}, "https://media.example.org/"):
    sources.get(Config(thumbnail_source=source))
    print("xaccel.thumbnails.sources.http" in sys.modules)
"""
    printed = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    ).stdout
    assert printed.split() == ["False", "True"]
