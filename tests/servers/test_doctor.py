"""Deployments that are deliberately broken: each is found out, with the right remedy."""

import contextlib
import json
import re
import shutil
import sys
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from PIL import Image
from xaccel import Config
from xaccel.cli.main import main
from xaccel.doctor.checks import _CHECKS
from xaccel.servers.deployment import Deployment
from xaccel.servers.nginx import configuration as nginx, thumbnails as nginx_thumbnails

from tests.servers.process import HOST, free_port, running
from tests.servers.site import running_server

SETTINGS = {
    "SERVER": "nginx",
    "SIGNATURE": "secure-link-md5",
    "SECRET_KEYS": ["the secret of a deployment"],
    "PRIVATE_URL": "/p/",
}


class Site:
    """An app and an nginx whose configuration can be spoilt before it starts."""

    def __init__(self, directory):
        self.directory = directory
        self.files, self.photos = directory / "files", directory / "photos"
        self.files.mkdir()
        self.photos.mkdir()
        (self.files / "film.mp4").write_bytes(b"film" * 1000)
        Image.new("RGB", (64, 64), "red").save(self.photos / "cat.jpg")
        self.settings = {
            **SETTINGS,
            "ROOTS": {str(self.files): "/_private/files/"},
            "THUMBNAIL_SOURCE": str(self.photos),
            "THUMBNAIL_CACHE": str(directory / "cache"),
        }

    @contextlib.contextmanager
    def running(self, *, spoil=None, app=None, secrets=None, gunicorn=True, verify=None):
        app_port, port = free_port(), free_port()
        settings = {**self.settings, **(app or {})}
        config = Config.from_mapping(self.settings)
        addresses = {"listen": f"{HOST}:{port}", "upstream": f"{HOST}:{app_port}"}
        deployment = Deployment(**addresses, resizer=f"{HOST}:{free_port()}", verify=verify)
        directory = self.directory / "nginx"
        (directory / "tmp").mkdir(parents=True)
        text = nginx.full(config, deployment, directory)
        if spoil is not None:
            pattern, replacement = spoil
            text, number = re.subn(pattern, replacement, text)
            assert number, "there is nothing to spoil"
        (directory / "nginx.conf").write_text(text)
        shutil.copy(nginx_thumbnails.SCRIPT, directory)
        secret = nginx.secrets(config, deployment)
        if secret is not None:
            secret = secret.replace(*(secrets or ("", "")))
            (directory / "xaccel-secrets.conf").write_text(secret)
        server = ("nginx", "-e", directory / "e.log", "-c", directory / "nginx.conf")
        with contextlib.ExitStack() as stack:
            if gunicorn:
                stack.enter_context(self.running_app(app_port, settings))
            log = self.directory / "server.log"
            stack.enter_context(running((*server, "-g", "daemon off;"), port, log))
            yield f"http://{HOST}:{port}/"

    def running_app(self, port, settings):
        command = (
            *(sys.executable, "-m", "gunicorn", "--bind", f"{HOST}:{port}", "--threads=2"),
            *("--no-control-socket", "--worker-tmp-dir", str(self.directory)),
            "tests.servers.doctor_app:app()",
        )
        env = {"XACCEL_TEST_SETTINGS": json.dumps(settings)}
        return running(command, port, self.directory / "app.log", env)

    def settings_file(self, **more):
        path = self.directory / "settings.toml"
        lines = {**self.settings, **more}
        path.write_text("\n".join(f"{key} = {_toml(value)}" for key, value in lines.items()))
        return str(path)


def _toml(value):
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(k)} = {_toml(v)}" for k, v in value.items()) + "}"
    return json.dumps(value)


@pytest.fixture
def site(tmp_path):
    return Site(tmp_path)


def doctor(capsys, *arguments):
    status = main(["doctor", *arguments, "--json"])
    results = json.loads(capsys.readouterr().out)
    found = [result for result in results if result["status"] == "finding"]
    assert status == (1 if found else 0)
    assert all(result["remedy"] for result in found)
    return results, {result["check"]: f"{result['text']} {result['remedy']}" for result in found}


def test_a_deployment_as_xaccel_writes_it_is_well(site, capsys):
    with site.running() as url:
        results, found = doctor(capsys, url, "--config", site.settings_file())
        assert found == {}
        checks = {result["check"] for result in results if result["status"] == "ok"}
        assert checks >= {
            *("app", "header", "internal", "file", "ranges", "head", "304", "keep-alive"),
            *("clock", "uploads", "cache", "thumbnails", "signature", "hits", "accept"),
        }
        assert not list((site.directory / "cache").rglob("*doctor*"))
        assert main(["doctor", url]) == 0
    assert "skipped" in capsys.readouterr().out


HMAC = {"SIGNATURE": "hmac-sha256"}
PRESETS = {"THUMBNAIL_ONLY_PRESETS": True, "THUMBNAIL_PRESETS": {"small": "32x32,cover,webp"}}


@pytest.mark.parametrize(
    ("settings", "verify"),
    [
        ({}, "app"),
        (HMAC, "app"),
        (HMAC, "njs"),
        (PRESETS, None),
        ({"THUMBNAIL_ENGINE": "image-filter"}, None),
    ],
)
def test_hits_come_without_the_app_however_urls_are_verified(site, capsys, settings, verify):
    site.settings |= settings
    (site.directory / "cache").mkdir()
    with site.running(verify=verify) as url:
        results, found = doctor(capsys, url, "--config", site.settings_file())
    assert found == {}
    assert {result["check"]: result["status"] for result in results}["hits"] == "ok"
    cached = [path.name for path in (site.directory / "cache").rglob("*")]
    assert not [name for name in cached if "doctor" in name or ",v-" in name]
    assert (site.files / "film.mp4").read_bytes() == b"film" * 1000


@pytest.mark.parametrize("server", ["apache", "lighttpd", "caddy"])
def test_other_servers_as_xaccel_writes_them_are_well(home, capsys, monkeypatch, server):
    if server == "caddy":  # It does not answer before the upload has come.
        monkeypatch.setattr("xaccel.doctor.checks._REFUSAL_TIMEOUT", 0.1)
    # Their workers may be somebody else.
    directory = Path(tempfile.mkdtemp(dir=home))
    directory.chmod(0o755)
    site = Site(directory)
    site.settings |= {"SERVER": server, **HMAC}
    app_port, port = free_port(), free_port()
    (directory / "server").mkdir()
    config = Config.from_mapping(site.settings)
    with (
        site.running_app(app_port, site.settings),
        running_server(server, config, directory / "server", port, app_port),
    ):
        settings = ("--config", site.settings_file())
        results, found = doctor(capsys, f"http://{HOST}:{port}/", *settings)
    assert found == {}
    checks = {result["check"] for result in results if result["status"] == "ok"}
    assert checks >= {
        *("app", "header", "internal", "file", "ranges", "head", "304", "keep-alive"),
        *("clock", "cache", "thumbnails", "signature", "accept"),
    }


NO_HITS = (r"[$]xaccel_path[$]xaccel_ending break", "/nothing break")
BROKEN = {
    "the header is removed, but not acted on": (
        {
            "spoil": (r"listen 127", "proxy_ignore_headers X-Accel-Redirect; listen 127"),
            "settings": HMAC,
        },
        ("file", "proxy_ignore_headers"),
    ),
    "the header is that of another server": (
        {"app": {"SERVER": "apache"}, "settings": HMAC},
        ("header", "X-Sendfile", "set XACCEL['SERVER'] to 'nginx'"),
    ),
    "an internal prefix is open": ({"spoil": (r"internal;", "")}, ("internal", "`internal;`")),
    "the server looks in another directory": (
        {"spoil": (r"alias .*?/files/;", "alias /nonexistent/;")},
        ("file", "XACCEL['ROOTS']"),
    ),
    "the server has other keys": (
        {"secrets": ("the secret of", "an old secret of")},
        ("file", "--out DIR"),
    ),
    "there are no ranges": ({"spoil": (r"listen 127", "max_ranges 0; listen 127")}, ("ranges",)),
    "there is no 304": (
        {"spoil": (r"listen 127", "if_modified_since off; listen 127")},
        ("304", "if_modified_since off"),
    ),
    "connections are closed": (
        {"spoil": (r"listen 127", "keepalive_timeout 0; listen 127")},
        ("keep-alive", "keepalive_timeout"),
    ),
    "uploads have no limit": (
        {"spoil": (r"client_max_body_size \w+;", "client_max_body_size 0;")},
        ("uploads", "client_max_body_size"),
    ),
    "the app does not run": ({"gunicorn": False}, ("app", "--upstream")),
    "hits come by way of the app": (
        {"spoil": NO_HITS},
        ("hits", "`root`"),
    ),
    "hits come by way of the app, which nginx is to ask once": (
        {"spoil": NO_HITS, "settings": HMAC},
        ("hits", "`root`"),
    ),
    "hits come by way of the app, where nginx has a verifier": (
        {
            "spoil": NO_HITS,
            "settings": HMAC,
            "verify": "njs",
        },
        ("hits", "`root`"),
    ),
    "hits come by way of the app, with presets": (
        {"spoil": NO_HITS, "settings": PRESETS},
        ("hits", "`root`"),
    ),
    "nginx can't read the cache": (
        {
            "spoil": (
                rf'{NO_HITS[0]}|alias [^;]*/cache/"?;',
                lambda match: "deny all;" if "alias" in match[0] else NO_HITS[1],
            ),
        },
        ("thumbnails", "let the server's user read THUMBNAIL_CACHE"),
    ),
    "HEAD is refused": (
        {
            "spoil": (
                r"listen 127",
                "if ($request_method = HEAD) { return 405; } listen 127",
            )
        },
        ("head", "let the view answer HEAD"),
    ),
    "nobody sees what browsers take": (
        {
            "spoil": (r"map \$http_accept", "map $http_x_nothing"),
        },
        ("accept", "`Vary: Accept`"),
    ),
    "the cache can't be written": (
        {"doctor": {"THUMBNAIL_CACHE": "/proc/thumbnails"}},
        ("cache", "owned by the app's user"),
    ),
    "anybody can have thumbnails made": (
        {"spoil": (r"return 403;", "return 204;"), "settings": {"ROOTS": {}, "PRIVATE_URL": None}},
        ("signature",),
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_deployments(site, capsys, monkeypatch, name):
    if name == "uploads have no limit":  # Nobody answers.
        monkeypatch.setattr("xaccel.doctor.checks._REFUSAL_TIMEOUT", 0.1)
    how, (check, *told) = BROKEN[name]
    how = dict(how)
    site.settings.update(how.pop("settings", {}))
    site.settings = {key: value for key, value in site.settings.items() if value is not None}
    more = how.pop("doctor", {})
    with site.running(**how) as url:
        _, found = doctor(capsys, url, "--config", site.settings_file(**more))
    assert check in found, found
    for text in told:
        assert text in found[check]


@pytest.mark.parametrize(("ahead", "told"), [(3600, "behind"), (-60, "ahead")])
def test_clocks_that_differ(site, capsys, monkeypatch, ahead, told):
    clock = SimpleNamespace(time=lambda: time.time() + ahead)
    monkeypatch.setattr("xaccel.doctor.checks.time", clock)
    with site.running() as url:
        _, found = doctor(capsys, url)
    assert list(found) == ["clock"]
    assert told in found["clock"]
    assert "NTP" in found["clock"]


def test_what_takes_long_is_not_the_clocks_fault(site, capsys, monkeypatch):
    passed = 0

    def check_slowly(*_):
        nonlocal passed
        passed = 100
        return ()

    monkeypatch.setattr(
        "xaccel.doctor.checks.time", SimpleNamespace(time=lambda: time.time() + passed)
    )
    monkeypatch.setattr("xaccel.doctor.checks._CHECKS", (check_slowly, *_CHECKS))
    with site.running() as url:
        _, found = doctor(capsys, url)
    assert found == {}


def test_the_remedy_is_told(site, capsys):
    with site.running(spoil=("keepalive", "keepalive_timeout 0;#"), gunicorn=False) as url:
        assert main(["doctor", url]) == 1
    assert "To mend it: start the app" in capsys.readouterr().out


def test_nobody_answers(capsys):
    assert main(["doctor", f"http://{HOST}:{free_port()}/"]) == 1
    assert "start the web server" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments", [["ftp://example.org/"], ["x"], ["http://a/", "--header", "x"]]
)
def test_usage(capsys, arguments):
    assert main(["doctor", *arguments]) == 2
    assert capsys.readouterr().err.startswith("xaccel: ")
