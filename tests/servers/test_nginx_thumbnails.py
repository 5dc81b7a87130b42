"""A real nginx sends finished thumbnails, with each way to verify URLs."""

import contextlib
import io
import json
import os
import shutil
import signal
import sys
import time
from http.client import HTTPConnection
from pathlib import Path

import pytest
from PIL import Image
from xaccel import ConfigError, Signer
from xaccel._core import Spec
from xaccel.config import Config
from xaccel.servers.deployment import Deployment
from xaccel.servers.nginx import configuration as nginx
from xaccel.thumbnails.delivery import ThumbnailDelivery
from xaccel.thumbnails.endpoint import Thumbnails
from xaccel.thumbnails.helpers import TemplateHelpers

from tests.support.servers.process import HOST, PATIENCE, free_port, running
from tests.support.servers.site import running_server

KEYS = ["a new key of more than 16 bytes", "an old key of more than 16 bytes"]
WAYS = {
    "app": ({"SIGNATURE": "hmac-sha256"}, None),
    "secure-link": ({"SIGNATURE": "secure-link-md5"}, None),
    "njs": ({"SIGNATURE": "hmac-sha256"}, "njs"),
    "presets": (
        {
            "THUMBNAIL_ONLY_PRESETS": True,
            "THUMBNAIL_PRESETS": {"small": "50x-", "auto": "50x-,auto", "both": "50x50,cover"},
            "THUMBNAIL_FORMAT": "webp",
        },
        None,
    ),
}


class Site:
    """An app and an nginx in front of it."""

    def __init__(self, directory, settings, port, app_pid):
        self.directory, self.settings, self.port, self.app_pid = directory, settings, port, app_pid
        self.config = Config.from_mapping(settings)
        self.url = TemplateHelpers(self.config).thumbnail_url

    def get(self, target, method="GET", **headers):
        connection = HTTPConnection(HOST, self.port, timeout=PATIENCE)
        with contextlib.closing(connection):
            fields = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, target, headers=fields)
            response = connection.getresponse()
            response.body = response.read()
            return response

    def lines(self, start):
        log = self.directory / "app.lines"
        return [line for line in log.read_text().splitlines() if line.startswith(start)]

    @property
    def asked(self):
        return len(self.lines("asked"))


@contextlib.contextmanager
def site(directory, way, photos, **more):
    settings, verify = WAYS[way]
    settings = {
        "SERVER": "nginx",
        "THUMBNAIL_SOURCE": str(photos),
        "THUMBNAIL_CACHE": str(directory / "cache"),
        "SECRET_KEYS": KEYS,
        **settings,
        **more,
    }
    (directory / "cache").mkdir()
    (directory / "app.lines").touch()
    app_port, port = free_port(), free_port()
    command = [
        *(sys.executable, "-m", "gunicorn", "--bind", f"{HOST}:{app_port}", "--threads=4"),
        *("--no-control-socket", "--worker-tmp-dir", str(directory)),
        "tests.support.servers.thumbnail_app:app()",
    ]
    env = {
        "XACCEL_TEST_SETTINGS": json.dumps(settings),
        "XACCEL_TEST_LOG": str(directory / "app.lines"),
    }
    config = Config.from_mapping(settings)
    with (
        running(command, app_port, directory / "app.log", env) as app_pid,
        running_server("nginx", config, directory, port, app_port, verify=verify),
    ):
        yield Site(directory, settings, port, app_pid)


def pictures(directory, jpeg):
    directory.mkdir()
    for name in ("cat.jpg", "föö bär.jpg", "100% (1)?.jpg", "a$b.PNG"):
        (directory / name).write_bytes(jpeg)
    (directory / "text.jpg").write_text("no image")
    return directory


@pytest.fixture(scope="module", params=WAYS)
def served(request, tmp_path_factory, jpeg):
    directory = tmp_path_factory.mktemp(request.param)
    photos = pictures(directory / "photos", jpeg)
    avatars = pictures(directory / "avatars", jpeg)
    Image.new("RGB", (60, 90)).save(avatars / "cat.jpg")
    sources = {"avatars": str(avatars)}
    with site(directory, request.param, photos, THUMBNAIL_SOURCES=sources) as served:
        yield served


with_signatures = pytest.mark.parametrize("served", ["app", "secure-link", "njs"], indirect=True)


def test_hits_do_not_ask_the_app(served):
    names = ("cat.jpg", "föö bär.jpg", "100% (1)?.jpg", "a$b.PNG")
    for name in (*names, *(f"~avatars/{name}" for name in names)):
        url = served.url(name, 50)
        first = served.get(url)
        assert first.status == 200, name
        before = served.asked
        again = served.get(url)
        assert served.asked == before
        assert (again.status, again.body) == (200, first.body)
        height = 75 if name == "~avatars/cat.jpg" else 38
        assert Image.open(io.BytesIO(again.body)).size == (50, height)
        for header in ("Content-Type", "Cache-Control", "ETag", "Last-Modified", "Vary"):
            assert again.headers[header] == first.headers[header], header
        assert again.headers["X-Content-Type-Options"] == "nosniff"
        assert served.get(url, If_None_Match=again.headers["ETag"]).status == 304
        assert served.get(url, "HEAD").headers["Content-Length"] == str(len(first.body))


def test_a_purge_of_one_source_leaves_the_others(served):
    thumbnails = Thumbnails(served.config)
    urls = [served.url(name, 50) for name in ("föö bär.jpg", "~avatars/föö bär.jpg")]
    for url in urls:
        assert served.get(url).status == 200
    assert thumbnails.purge("~avatars/föö bär.jpg") > 0
    before = served.asked
    assert served.get(urls[0]).status == 200
    assert served.asked == before
    assert served.get(urls[1]).status == 200
    assert served.asked == before + 1


def test_auto_follows_accept(served):
    for name in ("cat.jpg", "föö bär.jpg", "100% (1)?.jpg", "~avatars/cat.jpg"):
        url = served.url(name, 50, format="auto")
        for turn in range(2):
            for accept, kind in (
                ("image/avif,image/webp,*/*", "webp"),
                ("image/png,*/*;q=0.5", "jpeg"),
            ):
                before = served.asked
                reply = served.get(url, Accept=accept)
                assert (served.asked > before) == (turn == 0), (name, accept)
                assert reply.headers["Content-Type"] == f"image/{kind}"
                assert reply.headers["Vary"] == "Accept"
                assert Image.open(io.BytesIO(reply.body)).format == kind.upper()


@with_signatures
def test_a_directory_is_not_a_thumbnail(served):
    source = Path(served.settings["THUMBNAIL_SOURCE"])
    (source / "sub").mkdir()
    shutil.copy(source / "cat.jpg", source / "sub")
    assert served.get(served.url("sub/cat.jpg", 80)).status == 200
    reply = served.get(served.url("sub", 80))
    assert reply.status == 404
    assert reply.headers["Content-Type"] == "text/plain; charset=utf-8"


def test_errors_are_those_of_the_app(served):
    for name, status in (("absent.jpg", 404), ("text.jpg", 415)):
        for _ in range(2):
            reply = served.get(served.url(name, 50))
            assert reply.status == status
            assert reply.headers["Content-Type"] == "text/plain; charset=utf-8"
            assert reply.headers["Cache-Control"] == "max-age=15"


@pytest.mark.parametrize("served", ["presets"], indirect=True)
def test_only_presets_are_served(served):
    for spec, media_type in (("50x50,cover", "image/jpeg"), ("50x50,cover,webp", "image/webp")):
        for _ in range(2):
            response = served.get(f"/t/{spec}/cat.jpg")
            assert (response.status, response.headers["Content-Type"]) == (200, media_type)
    assert served.get("/t/50x50,cover/cat.jpg?x").status == 404
    for target in ("/t/51x-/cat.jpg", "/t/50x-,v-AAAAAAAA/cat.jpg", "/t/"):
        before = served.asked
        assert served.get(target).status == 404
        assert served.asked == before


@with_signatures
def test_bad_urls(served):
    url = served.url("cat.jpg", 60)
    path, key = url.split("?key=")
    assert served.get(url).status == 200
    other = "B" if key[5] == "A" else "A"
    for bad in (
        path,
        f"{path}?key={key[:5]}{other}{key[6:]}",
        f"{url}&a=b",
        f"{url}&expires=4102444800",
        f"{path}?KEY={key}",
        f"{path}?key={key}=",
        f"{path}?key={key}&key={key}",
        url.replace("60x-", "61x-"),
        url.replace("cat", "dog"),
    ):
        reply = served.get(bad)
        assert reply.status == 403, bad
    # Signatures have bits to spare in their last character.
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    for last in alphabet:
        if last != key[-1]:
            assert served.get(f"{path}?key={key[:-1]}{last}").status == 403, last


@with_signatures
def test_expiry(served):
    signer = served.config.signer()
    now = int(time.time())
    assert served.get(signer.sign("/t/50x-/cat.jpg", expires=now - 1)).status == 410
    url = signer.sign("/t/50x-/cat.jpg", expires=now + 1000)
    for _ in range(2):
        reply = served.get(url)
        assert reply.status == 200
        policy = reply.headers["Cache-Control"]
        assert policy == "public, no-cache" or 900 <= int(policy.rpartition("=")[2]) <= 1000


@with_signatures
def test_older_keys(served):
    algorithm = served.config.signature
    url = Signer([KEYS[1]], algorithm=algorithm).sign("/t/70x-/cat.jpg")
    for _ in range(2):
        assert served.get(url).status == 200
    url = Signer(["a foreign key of 16 bytes"], algorithm=algorithm).sign("/t/70x-/cat.jpg")
    assert served.get(url).status == 403


def test_a_purge_reaches_nginx(served, tmp_path):
    url = served.url("cat.jpg", 50)
    old = served.get(url)
    source = Path(served.settings["THUMBNAIL_SOURCE"]) / "cat.jpg"
    kept = shutil.copy(source, tmp_path / "kept.jpg")
    Image.new("RGB", (60, 60), "red").save(source)
    assert served.get(url).body == old.body
    assert ThumbnailDelivery(served.config).cache.purge("/t/", "cat.jpg") >= 1
    new = served.get(url)
    shutil.copy(kept, source)
    ThumbnailDelivery(served.config).cache.purge("/t/", "cat.jpg")
    assert Image.open(io.BytesIO(new.body)).size == (50, 50)


@pytest.mark.parametrize("way", WAYS)
def test_hits_survive_the_app(tmp_path, jpeg, way):
    photos = pictures(tmp_path / "photos", jpeg)
    with site(tmp_path, way, photos) as served:
        url = served.url("cat.jpg", 50)
        assert served.get(url).status == 200
        os.kill(served.app_pid, signal.SIGSTOP)
        try:
            assert served.get(url).status == 200
        finally:
            os.kill(served.app_pid, signal.SIGCONT)


@pytest.mark.parametrize("formats", [[], ["webp"]])
def test_nginx_and_the_app_choose_the_same_format(tmp_path, formats):
    """Where the app would look for the file is where nginx finds it, in every case."""
    names = ("a.jpg", "a.JPEG", "a.png", "a.PNG", "a.gif", "a.webp", "a.avif", "a.tiff", "a.b", "a")
    accepts = (
        None,
        "",
        "*/*",
        "image/*",
        "image/webp",
        "image/avif",
        "image/avif,image/webp,image/apng,*/*;q=0.8",
        "text/html,image/webp;q=0.1",
        "image/webp;q=0",
        "IMAGE/WEBP",
        "image/webpx",
        "image/png,image/*;q=0.8,*/*;q=0.5",
    )
    specs = ("50x-", "50x-,auto", "50x-,q-5,auto,v-AAAAAAAA", "50x-,webp", "50x-,png,v-AAAAAAAA")
    presets = {str(number): spec for number, spec in enumerate(specs) if ",v-" not in spec}
    settings = {
        "SERVER": "nginx",
        "SECRET_KEYS": KEYS,
        "SIGNATURE": "secure-link-md5",
        "THUMBNAIL_SOURCE": str(tmp_path),
        "THUMBNAIL_CACHE": str(tmp_path / "cache"),
        "THUMBNAIL_FORMATS": formats,
        "THUMBNAIL_PRESETS": presets,
    }
    config = Config.from_mapping(settings)
    delivery, signer = ThumbnailDelivery(config), config.signer()
    endings = ("", ".jpeg", ".png", ".gif", ".webp", ".avif")
    for spec in specs:
        for name in names:
            for ending in endings:
                uri = f"/t/{spec}/{name}{ending}"
                if not Path(delivery.cache.path(uri)).exists():
                    delivery.cache.publish(uri, uri.encode())
    port = free_port()
    with running_server("nginx", config, tmp_path, port, 1):
        site = Site(tmp_path, settings, port, 0)
        for spec_text in specs:
            spec = Spec.parse(spec_text)
            for name in names:
                for accept in accepts:
                    chosen = delivery.negotiate(spec, name, accept)
                    uri = f"/t/{spec_text}/{name}"
                    expected = uri if spec.format is None else f"{uri}.{chosen}"
                    headers = {} if accept is None else {"Accept": accept}
                    reply = site.get(signer.sign(uri), **headers)
                    case = (spec_text, name, accept)
                    assert (reply.status, reply.body.decode()) == (200, expected), case
                    assert reply.headers["Vary"] == ("Accept" if spec.format == "auto" else None)
                    if spec.format is not None:
                        assert reply.headers["Content-Type"] == f"image/{chosen}", case


def test_the_way_must_fit_the_signature(tmp_path):
    for signature, verify in (("hmac-sha256", "secure-link"), ("secure-link-md5", "njs")):
        config = Config.from_mapping(
            {
                "SECRET_KEYS": KEYS,
                "SIGNATURE": signature,
                "THUMBNAIL_SOURCE": tmp_path,
                "THUMBNAIL_CACHE": tmp_path,
            }
        )
        with pytest.raises(ConfigError, match=f"--verify {verify}"):
            nginx.site(config, Deployment(verify=verify))


def test_no_secret_is_in_the_site_file(tmp_path):
    for settings, verify in WAYS.values():
        config = Config.from_mapping(
            {
                "SECRET_KEYS": KEYS,
                "THUMBNAIL_SOURCE": tmp_path,
                "THUMBNAIL_CACHE": tmp_path,
                **settings,
            }
        )
        deployment = Deployment(verify=verify)
        text = nginx.site(config, deployment)
        secrets = nginx.secrets(config, deployment)
        for key in KEYS:
            assert key not in text
            assert verify is None or key not in secrets
