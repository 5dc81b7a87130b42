"""A caching, thumbnailing, reverse-proxying image server of nginx alone."""

import base64
import contextlib
import hashlib
import io
import socket
import sys
import time
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import quote

import pytest
from PIL import Image
from xaccel import Config, ConfigError, Signer
from xaccel.servers.deployment import Deployment
from xaccel.servers.nginx import configuration as nginx
from xaccel.thumbnails.helpers import TemplateHelpers

from tests.support.servers.dns import dns
from tests.support.servers.process import HOST, PATIENCE, free_port, running
from tests.support.servers.site import running_server

SECRET = "a secret $key; of {16} bytes"
OLDER = ["the $1 one; before", "the oldest of these {keys}"]
NAMES = ["cat.jpg", "100% (1)?#&+.jpg", "föö bär's.jpg", 'a$1"b.jpg', "sub/dir ectory/x.jpg"]

# It answers with files, counts, and says what it must not: where to redirect, what to cache.
ORIGIN = """
import os, sys, time
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

class Handler(SimpleHTTPRequestHandler):
    def do_GET(self):
        with open("requests", "a") as log:
            log.write(f"{self.path} {sorted(name.lower() for name in self.headers)}\\n")
        while self.path == "/bucket/slow.jpg" and not os.path.exists("go"):
            time.sleep(0.01)
        if os.path.exists("broken"):
            self.send_error(503)
        elif self.path == "/bucket/forbidden.jpg":
            self.send_error(403)
        elif self.path == "/bucket/moved.jpg":
            self.send_response(302)
            self.send_header("Location", "/bucket/cat.jpg")
            self.end_headers()
        else:
            super().do_GET()

    def end_headers(self):
        self.send_header("Cache-Control", "no-store")
        self.send_header("Set-Cookie", "tracking=1")
        self.send_header("Vary", "*")
        self.send_header("X-Accel-Redirect", "/empty.gif")
        self.send_header("x-amz-request-id", "1")
        super().end_headers()

ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


def blogs_thumbnail_url(filename, width, height="-"):
    """The signing function that goes with the set-up in the blog post that this engine is."""
    uri = f"/t/{width}x{height}/{filename}"
    md5_digest = hashlib.md5(f"{uri} {SECRET}".encode()).digest()
    key = base64.b64encode(md5_digest).decode()
    key = key.replace("+", "-").replace("/", "_").rstrip("=")
    return f"{quote(uri)}?key={key}"


class Site:
    def __init__(self, port, photos, config):
        self.port, self.photos, self.config = port, photos, config
        self.url = TemplateHelpers(config).thumbnail_url

    def get(self, target, method="GET"):
        connection = HTTPConnection(HOST, self.port, timeout=PATIENCE)
        with contextlib.closing(connection):
            headers = {"Cookie": "session=1", "Authorization": "Basic x"}
            connection.request(method, target, headers=headers)
            response = connection.getresponse()
            response.body = response.read()
            return response


@pytest.fixture(scope="module", params=["directory", "unix socket", "origin", "named origin"])
def site(request, tmp_path_factory):
    home = tmp_path_factory.mktemp("image-filter")
    photos = home / "origin" / "bucket" if "origin" in request.param else home / 'a $1 "b;{c}'
    for index, name in enumerate(NAMES):
        (photos / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (600 + index, 400), "red").save(photos / name)
    (photos / "text.jpg").write_text("no image")
    Image.effect_noise((1500, 1500), 99).save(photos / "large.bmp")
    (home / "outside.jpg").write_bytes((photos / "cat.jpg").read_bytes())
    (photos / "link.jpg").symlink_to(home / "outside.jpg")
    source, resizer = str(photos), f"{HOST}:{free_port()}"
    with contextlib.ExitStack() as stack:
        resolver = None
        if "origin" in request.param:
            port = free_port()
            script = home / "origin.py"
            script.write_text(ORIGIN)
            command = ("env", "-C", home / "origin", sys.executable, script, str(port))
            stack.enter_context(running(command, port, home / "origin.log"))
            source = f"http://{HOST}:{port}/bucket/"
            if request.param == "named origin":
                resolver, _ = stack.enter_context(dns({"photos.example": HOST}))
                source = f"http://photos.example:{port}/bucket/"
        elif request.param == "unix socket":
            resizer = f"unix:{stack.enter_context(short_directory())}/resizer.sock"
        avatars = home / "avatars"
        avatars.mkdir()
        Image.new("RGB", (600, 900)).save(avatars / "cat.jpg")
        config = Config.from_mapping(
            {
                "SERVER": "nginx",
                "SIGNATURE": "secure-link-md5",
                "SECRET_KEYS": [SECRET, *OLDER],
                "THUMBNAIL_ENGINE": "image-filter",
                "THUMBNAIL_SOURCE": source,
                "THUMBNAIL_SOURCES": {"avatars": str(avatars), "same": source},
                "THUMBNAIL_MAX_BYTES": 1024 * 1024,
                "THUMBNAIL_CACHE_MAX_SIZE": "20m",
                "THUMBNAIL_QUALITY": {"jpeg": 70},
            }
        )
        directory = home / "nginx"
        directory.mkdir()
        port = free_port()
        # There is no app: nothing of this needs one.
        stack.enter_context(
            running_server(
                *("nginx", config, directory, port, free_port()), resizer=resizer, resolver=resolver
            )
        )
        yield Site(port, photos, config)


@contextlib.contextmanager
def short_directory():
    """A directory whose path leaves room for a socket's name."""
    import tempfile

    with tempfile.TemporaryDirectory(prefix="xaccel-") as directory:
        yield directory


def size(response):
    assert response.status == 200, response.body
    return Image.open(io.BytesIO(response.body)).size


@pytest.mark.parametrize("name", NAMES)
def test_the_blogs_urls_and_ours_are_the_same_picture(site, name):
    ours, blogs = site.url(name, 150, 100), blogs_thumbnail_url(name, 150, 100)
    assert site.get(ours).body == site.get(blogs).body
    assert size(site.get(blogs)) in {(150, 100), (150, 99)}
    assert size(site.get(blogs_thumbnail_url(name, 60)))[0] == 60
    assert size(site.get(site.url(name, None, 50)))[1] == 50
    if name.isascii() and name == quote(name):
        assert ours == blogs


def test_each_source_has_its_own_pictures(site):
    assert size(site.get(site.url("~avatars/cat.jpg", 300))) == (300, 450)
    for name in NAMES:
        same = site.get(site.url(f"~same/{name}", 300))
        assert same.body == site.get(site.url(name, 300)).body
        assert size(same)[0] == 300
    signer = site.config.signer()
    for wrong in ("~avatars/absent.jpg", "~nobody/cat.jpg", "~avatars"):
        assert site.get(signer.sign(f"/t/300x-/{wrong}")).status == 404


def test_pictures_are_resized_once(site):
    url = site.url("cat.jpg", 222)
    first, second = site.get(url), site.get(url)
    third = site.get(site.url("cat.jpg", 222, expires=int(time.time()) + 1000))
    assert [reply.headers["X-Cache-Status"] for reply in (first, second, third)] == [
        *("MISS", "HIT", "HIT")
    ]
    assert first.headers.get_all("Cache-Control") == ["public, max-age=2592000"]
    assert third.headers.get_all("Cache-Control") == ["public, no-cache"]
    assert first.headers["Content-Type"] == "image/jpeg"
    for name in ("Set-Cookie", "Vary", "x-amz-request-id", "X-Accel-Redirect"):
        assert first.headers[name] is None
    assert site.get(url, "HEAD").headers["Content-Length"] == str(len(first.body))


def test_a_missing_picture_is_an_empty_one(site):
    names = ["absent.jpg", "text.jpg", "large.bmp", "sub"]
    names += ["forbidden.jpg", "moved.jpg"] if "http" in site.config.thumbnail_source else []
    names += ["link.jpg"] if "http" not in site.config.thumbnail_source else []
    for name in names:
        reply = site.get(site.url(name, 100))
        assert (reply.status, reply.headers["Content-Type"]) == (404, "image/gif"), name
        assert Image.open(io.BytesIO(reply.body)).size == (1, 1)
        assert "max-age" not in (reply.headers["Cache-Control"] or "")


def test_unsigned_urls_are_refused(site):
    url = site.url("cat.jpg", 111)
    key = url.partition("?key=")[2]
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    other = alphabet[alphabet.index(key[-1]) ^ 1]
    for bad in (
        "/t/111x-/cat.jpg",
        f"/t/112x-/cat.jpg?key={key}",
        f"/t/111x-/../111x-/Cat.jpg?key={key}",
        f"{url}&expires=4102444800",
        f"{url}&x=1",
        f"{url}=",
        f"/t/111x-/cat.jpg?key={key[:-1]}{other}",
    ):
        assert site.get(bad).status == 403, bad
    later = int(time.time()) + 1000
    good = site.url("cat.jpg", 111, expires=later)
    assert site.get(good).status == 200
    assert site.get(good.replace(str(later), str(later + 1))).status == 403
    assert site.get(site.url("cat.jpg", 111, expires=1_000_000_000)).status == 410
    assert site.get("/empty.gif").status == 502  # the app's, which does not run


@pytest.mark.parametrize("key", OLDER)
def test_urls_signed_with_older_keys_are_valid_and_show_the_same_picture(site, key):
    signer = Signer([key], algorithm="secure-link-md5")
    later = int(time.time()) + 1000
    for name in NAMES:
        path = f"/t/97x-/{name}"
        new, old = site.get(site.url(name, 97)), site.get(signer.sign_path(path))
        assert size(old)[0] == 97
        assert old.body == new.body
        assert old.headers["X-Cache-Status"] == "HIT"
        assert old.headers.get_all("Cache-Control") == ["public, max-age=2592000"]
    expiring = signer.sign_path("/t/97x-/cat.jpg", expires=later)
    assert site.get(expiring).headers.get_all("Cache-Control") == ["public, no-cache"]
    assert site.get(expiring.replace(str(later), str(later + 1))).status == 403
    assert site.get(signer.sign_path("/t/97x-/cat.jpg", expires=1_000_000_000)).status == 410
    assert site.get(signer.sign_path("/t/97x-/absent.jpg")).status == 404
    assert site.get(signer.sign_path("/t/97x-/cat.jpg"), "POST").status in {403, 405}
    unknown = Signer(["some other key of theirs"], algorithm="secure-link-md5")
    assert site.get(unknown.sign_path("/t/97x-/cat.jpg")).status == 403


def test_one_request_of_many_for_the_same_image_waits_for_the_origin(site):
    if not site.config.thumbnail_source.startswith("http"):
        return  # Nobody can be slow there.
    home = site.photos.parent
    (site.photos / "slow.jpg").write_bytes((site.photos / "cat.jpg").read_bytes())
    (home / "go").unlink(missing_ok=True)
    fields = "Host: a.example\r\nConnection: close\r\n\r\n"
    request = f"GET {site.url('slow.jpg', 88)} HTTP/1.1\r\n{fields}".encode()
    with contextlib.ExitStack() as stack:
        visitors = []
        for _ in range(5):
            visitors.append(stack.enter_context(socket.create_connection((HOST, site.port))))
            visitors[-1].sendall(request)
        deadline = time.monotonic() + PATIENCE
        while not asked_for(home, "slow.jpg") and time.monotonic() < deadline:
            time.sleep(0.01)
        (home / "go").touch()
        replies = [visitor.makefile("rb").read() for visitor in visitors]
    assert {reply[:12] for reply in replies} == {b"HTTP/1.1 200"}
    assert asked_for(home, "slow.jpg") == 1


def asked_for(home, name):
    log = home / "requests"
    return log.read_text().count(f"/bucket/{name} ") if log.exists() else 0


@pytest.mark.parametrize("failure", ["origin stopped", "origin broken", "resizer gone"])
def test_an_old_thumbnail_is_served_while_rendering_fails(failure, tmp_path, monkeypatch):
    full = nginx.full

    def with_little_validity(*arguments):
        text = full(*arguments)
        assert "proxy_cache_valid 200 30d;" in text
        return text.replace("proxy_cache_valid 200 30d;", "proxy_cache_valid 200 1s;")

    monkeypatch.setattr(nginx, "full", with_little_validity)
    (photos := tmp_path / "bucket").mkdir()
    Image.new("RGB", (600, 400), "red").save(photos / "cat.jpg")
    (tmp_path / "origin.py").write_text(ORIGIN)
    port, origin_port = free_port(), free_port()
    command = ("env", "-C", tmp_path, sys.executable, "origin.py", str(origin_port))
    (directory := tmp_path / "nginx").mkdir()
    with contextlib.ExitStack() as stack:
        origin = stack.enter_context(contextlib.ExitStack())
        origin.enter_context(running(command, origin_port, tmp_path / "log"))
        resizer = f"{stack.enter_context(short_directory())}/resizer.sock"
        config = Config.from_mapping(
            {
                "SIGNATURE": "secure-link-md5",
                "SECRET_KEYS": [SECRET],
                "THUMBNAIL_ENGINE": "image-filter",
                "THUMBNAIL_SOURCE": f"http://{HOST}:{origin_port}/bucket/",
            }
        )
        stack.enter_context(
            running_server("nginx", config, directory, port, free_port(), resizer=f"unix:{resizer}")
        )
        site = Site(port, photos, config)
        url = site.url("cat.jpg", 60)
        first = site.get(url)
        assert (size(first), first.headers["X-Cache-Status"]) == ((60, 40), "MISS")
        if failure == "origin stopped":
            origin.close()
        elif failure == "origin broken":
            (tmp_path / "broken").touch()
        else:
            Path(resizer).unlink()
        deadline = time.monotonic() + PATIENCE
        while (reply := site.get(url)).headers["X-Cache-Status"] == "HIT":
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert reply.headers["X-Cache-Status"] == "STALE"
        assert (reply.status, reply.body) == (200, first.body)
        assert reply.headers.get_all("Cache-Control") == ["public, max-age=2592000"]
        # Of what is not in the cache nobody has an old one.
        reply = site.get(site.url("cat.jpg", 61))
        assert reply.status == 502
        assert "max-age" not in (reply.headers["Cache-Control"] or "")
        if failure == "origin broken":
            Image.new("RGB", (600, 400), "blue").save(photos / "cat.jpg")
            (tmp_path / "broken").unlink()
            while (reply := site.get(url)).body == first.body:
                assert time.monotonic() < deadline
                time.sleep(0.05)
            assert size(reply) == (60, 40)


def test_posts_are_refused(site):
    assert site.get(site.url("cat.jpg", 77), "POST").status in {403, 405}


def test_the_origin_learns_nothing_of_the_visitor(site):
    log = site.photos.parent / "requests"
    if not site.config.thumbnail_source.startswith("http"):
        assert not log.exists()
        return
    site.get(site.url(NAMES[1], 99))
    *_, last = log.read_text().splitlines()
    path, _, headers = last.partition(" ")
    assert path == "/bucket/100%25%20(1)%3F%23&+.jpg"
    assert headers == "['connection', 'host']"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"THUMBNAIL_SOURCE": "s3://bucket/"}, "https://bucket.s3.amazonaws.com/"),
        ({"SIGNATURE": "hmac-sha256"}, "secure-link-md5"),
    ],
)
def test_options_that_nginx_does_not_support_are_refused(settings, message):
    config = Config.from_mapping(
        {
            "SIGNATURE": "secure-link-md5",
            "SECRET_KEYS": [SECRET],
            "THUMBNAIL_ENGINE": "image-filter",
            "THUMBNAIL_SOURCE": "/srv/photos",
            **settings,
        }
    )
    with pytest.raises(ConfigError, match=message):
        nginx.site(config, Deployment())


def test_an_origin_by_name_has_a_resolver_and_is_verified(tmp_path):
    config = Config.from_mapping(
        {
            "SIGNATURE": "secure-link-md5",
            "SECRET_KEYS": [SECRET],
            "THUMBNAIL_ENGINE": "image-filter",
            "THUMBNAIL_SOURCE": "https://bucket.s3.amazonaws.com/photos/",
            "THUMBNAIL_CACHE": str(tmp_path),
        }
    )
    text = nginx.site(config, Deployment(resolver="192.0.2.1 [2001:db8::1]"))
    assert "resolver 192.0.2.1 [2001:db8::1];" in text
    assert "proxy_ssl_verify on;" in text
    assert "proxy_ssl_server_name on;" in text
    assert f"proxy_cache_path {tmp_path}/image-filter " in text
    assert Path("/etc/resolv.conf").exists()
    assert "resolver " in nginx.site(config, Deployment())
