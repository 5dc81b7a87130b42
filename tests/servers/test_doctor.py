"""Deployments that are broken on purpose: `xaccel doctor` finds each, with the right fix."""

import contextlib
import json
import re
import shutil
import sys
import tempfile
import time
import tracemalloc
from http.client import HTTPMessage
from pathlib import Path
from types import SimpleNamespace

import pytest
from PIL import Image
from xaccel import Config
from xaccel.cli.main import main
from xaccel.delivery.files import Delivery
from xaccel.doctor.checks import CHECKS
from xaccel.doctor.client import Reply, Site as Client
from xaccel.doctor.connection import check_clock
from xaccel.servers.deployment import Deployment
from xaccel.servers.nginx import configuration as nginx, thumbnails as nginx_thumbnails

from tests.support.servers.process import HOST, free_port, running
from tests.support.servers.site import running_server

SETTINGS = {
    "SERVER": "nginx",
    "SIGNATURE": "secure-link-md5",
    "SECRET_KEYS": ["the secret of a deployment"],
    "PRIVATE_URL": "/p/",
}


class Site:
    """An app behind an nginx whose configuration can be broken before it starts."""

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
            assert number, f"{pattern!r} is not in the configuration"
        (directory / "nginx.conf").write_text(text)
        shutil.copy(nginx_thumbnails.SCRIPT, directory)
        secret = nginx.secrets(config, deployment)
        if secret is not None:
            secret = secret.replace(*(secrets or ("", "")))
            (directory / nginx.secrets_file(deployment)).write_text(secret)
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
            "tests.support.servers.doctor_app:app()",
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
    for result in found:
        # The cause and the consequence, and the fix, in one sentence each.
        assert re.fullmatch(r"[^.].*\. [A-Z].*\.", result["text"]), result
        for text, sentences in ((result["text"], 2), (result["remedy"], 1)):
            assert len(re.findall(r"\.(?= [A-Z]|$)", text)) == sentences, result
    return results, {result["check"]: f"{result['text']} {result['remedy']}" for result in found}


def test_a_generated_deployment_has_no_findings(site, capsys):
    with site.running() as url:
        results, found = doctor(capsys, url, "--config", site.settings_file())
        assert found == {}
        checks = {result["check"] for result in results if result["status"] == "ok"}
        assert checks >= {
            *("app", "header", "internal", "file", "ranges", "head", "304", "keep-alive"),
            *("clock", "uploads", "cache", "thumbnails", "signature", "hits", "accept"),
        }
        assert left(site) == []
        assert main(["doctor", url]) == 0
    assert "skipped" in capsys.readouterr().out


def test_each_source_is_checked(site, capsys):
    logos = site.directory / "logos"
    logos.mkdir()
    site.settings["THUMBNAIL_SOURCES"] = {"logos": str(logos), "far": "https://logos.example/"}
    # The app has not been restarted since the setting.
    with site.running(app={"THUMBNAIL_SOURCES": {}}) as url:
        results, found = doctor(capsys, url, "--config", site.settings_file())
    assert list(found) == ["thumbnails"]
    assert "404" in found["thumbnails"]
    assert "XACCEL['THUMBNAIL_SOURCES']['logos']" in found["thumbnails"]
    assert [*logos.iterdir()] == left(site) == []
    shutil.rmtree(site.directory / "nginx")
    with site.running() as url:
        results, found = doctor(capsys, url, "--config", site.settings_file())
    assert found == {}
    checks = [result["check"] for result in results if result["status"] == "ok"]
    assert checks.count("thumbnails") == 2
    assert checks.count("signature") == 1
    assert [*logos.iterdir()] == left(site) == []


def left(site):
    """What the doctor has left behind: files in the cache, or any that were not there."""
    cached = [path for path in (site.directory / "cache").rglob("*") if path.is_file()]
    others = (*site.files.iterdir(), *site.photos.iterdir())
    known = {"film.mp4", "cat.jpg", "a-broken.jpg", "notes.txt"}
    unknown = [path for path in others if path.name not in known]
    return [path for path in cached if path.parent.name not in {".lock", ".tmp"}] + unknown


@pytest.mark.parametrize("has_settings", [True, False])
def test_no_file_is_read_whole(site, capsys, monkeypatch, has_settings):
    with (site.files / "film.mp4").open("wb") as film:
        film.truncate(3 << 30)
    link = Delivery(Config.from_mapping(site.settings)).private_url("film.mp4")
    arguments = ("--config", site.settings_file()) if has_settings else ()
    with site.running() as url:
        # Without a file of its own, the doctor takes the site's.
        forbid_writing(monkeypatch, site.files)
        tracemalloc.start()
        results, found = doctor(capsys, url.rstrip("/") + link, *arguments)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        monkeypatch.undo()
    assert found == {}
    statuses = {(result["check"], result["status"]) for result in results}
    assert {("head", "ok"), ("internal", "ok" if has_settings else "skipped")} <= statuses
    assert peak < 16 << 20


@pytest.mark.parametrize("is_writable", [True, False])
def test_private_files_never_come_from_a_thumbnails_url(site, capsys, monkeypatch, is_writable):
    site.settings |= HMAC
    original, bodies = Client.request, []

    def request(self, target, *arguments, **headers):
        reply = original(self, target, *arguments, **headers)
        bodies.extend([reply.body] if target.startswith("/t/") else [])
        return reply

    monkeypatch.setattr(Client, "request", request)
    with site.running() as url:
        if not is_writable:
            forbid_writing(monkeypatch, site.files, site.photos, site.directory)
        results, found = doctor(capsys, url, "--config", site.settings_file())
        monkeypatch.undo()
    assert found == {}
    status = {result["check"]: result["status"] for result in results}
    assert status["hits"] == ("ok" if is_writable else "skipped")
    assert status["thumbnails"] == status["file"] == "ok"
    assert ("internal", "ok") in {(result["check"], result["status"]) for result in results}
    assert bodies
    assert not [body for body in bodies if body.startswith(b"film")]
    assert left(site) == []


@pytest.mark.parametrize("has_other", [True, False])
def test_a_corrupt_upload_is_not_a_finding(site, capsys, monkeypatch, has_other):
    (site.photos / "a-broken.jpg").write_bytes(b"not a picture")
    if not has_other:
        (site.photos / "cat.jpg").unlink()
    with site.running() as url:
        forbid_writing(monkeypatch, site.photos)
        results, found = doctor(capsys, url, "--config", site.settings_file())
        monkeypatch.undo()
    assert found == {}
    status = {result["check"]: result["status"] for result in results}
    assert status["thumbnails"] == ("ok" if has_other else "skipped")


def forbid_writing(monkeypatch, *directories):
    """As it is for a user other than root, whom no permission stops."""
    original = Path.write_bytes

    def write_bytes(path, content):
        if path.parent in directories:
            raise PermissionError
        return original(path, content)

    monkeypatch.setattr(Path, "write_bytes", write_bytes)


@pytest.mark.parametrize(
    "date", ["", "x", "Mon, 01 Jan 0001 00:00:00 -0000", "Fri, 31 Dec 9999 23:59:59 -2300"]
)
def test_a_date_that_no_clock_has(date):
    message = HTTPMessage()
    message["Date"] = date
    reply = Reply(200, message, b"", keeps_alive=True, requested=0, received=1)
    (result,) = check_clock(Client("http://example.org/"), reply)
    assert result.status in {"skipped", "finding"}


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
def test_hits_bypass_the_app_with_each_way_to_verify_urls(site, capsys, settings, verify):
    site.settings |= settings
    (site.directory / "cache").mkdir()
    with site.running(verify=verify) as url:
        results, found = doctor(capsys, url, "--config", site.settings_file())
    assert found == {}
    assert {result["check"]: result["status"] for result in results}["hits"] == "ok"
    if settings.get("THUMBNAIL_ENGINE") != "image-filter":  # which has a cache of nginx's own
        assert left(site) == []
    assert (site.files / "film.mp4").read_bytes() == b"film" * 1000


@pytest.mark.parametrize("server", ["apache", "lighttpd", "caddy"])
def test_other_generated_servers_have_no_findings(home, capsys, monkeypatch, server):
    if server == "caddy":  # It answers only once it has received the upload.
        monkeypatch.setattr("xaccel.doctor.connection._REFUSAL_TIMEOUT", 0.1)
    # Their workers may run as another user.
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
    "nginx removes the header, but does not act on it": (
        {
            "spoil": (r"listen 127", "proxy_ignore_headers X-Accel-Redirect; listen 127"),
            "settings": HMAC,
        },
        ("file", "proxy_ignore_headers"),
    ),
    "the app sends the header of another server": (
        {"app": {"SERVER": "apache"}, "settings": HMAC},
        ("header", "X-Sendfile", "Set XACCEL['SERVER'] to 'nginx'"),
    ),
    "an internal prefix is open": ({"spoil": (r"internal;", "")}, ("internal", "`internal;`")),
    "nginx looks in another directory": (
        {"spoil": (r"alias .*?/files/;", "alias /nonexistent/;")},
        ("file", "XACCEL['ROOTS']"),
    ),
    "nginx has other keys": (
        {"secrets": ("the secret of", "an old secret of")},
        ("file", "--out DIR"),
    ),
    "nginx ignores ranges": ({"spoil": (r"listen 127", "max_ranges 0; listen 127")}, ("ranges",)),
    "nginx never answers 304": (
        {"spoil": (r"listen 127", "if_modified_since off; listen 127")},
        ("304", "if_modified_since off"),
    ),
    "nginx closes connections": (
        {"spoil": (r"listen 127", "keepalive_timeout 0; listen 127")},
        ("keep-alive", "keepalive_timeout"),
    ),
    "uploads have no limit": (
        {"spoil": (r"client_max_body_size \w+;", "client_max_body_size 0;")},
        ("uploads", "client_max_body_size"),
    ),
    "the app does not run": ({"gunicorn": False}, ("app", "--upstream")),
    "the app answers hits": (
        {"spoil": NO_HITS},
        ("hits", "`root`"),
    ),
    "the app answers hits, and nginx asks it once per URL": (
        {"spoil": NO_HITS, "settings": HMAC},
        ("hits", "`root`"),
    ),
    "the app answers hits, and njs verifies URLs": (
        {
            "spoil": NO_HITS,
            "settings": HMAC,
            "verify": "njs",
        },
        ("hits", "`root`"),
    ),
    "the app answers hits, with presets": (
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
        ("head", "Let the view answer HEAD"),
    ),
    "the app does not see Accept": (
        {
            "spoil": (r"map \$http_accept", "map $http_x_nothing"),
        },
        ("accept", "`Vary: Accept`"),
    ),
    "the app can't write to the cache": (
        {"doctor": {"THUMBNAIL_CACHE": "/proc/thumbnails"}},
        ("cache", "owned by the app's user"),
    ),
    "nginx accepts any signature": (
        {"spoil": (r"return 403;", "return 204;"), "settings": {"ROOTS": {}, "PRIVATE_URL": None}},
        ("signature",),
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_deployments(site, capsys, monkeypatch, name):
    if name == "uploads have no limit":  # The app never answers.
        monkeypatch.setattr("xaccel.doctor.connection._REFUSAL_TIMEOUT", 0.1)
    how, (check, *texts) = BROKEN[name]
    how = dict(how)
    site.settings.update(how.pop("settings", {}))
    site.settings = {key: value for key, value in site.settings.items() if value is not None}
    more = how.pop("doctor", {})
    with site.running(**how) as url:
        _, found = doctor(capsys, url, "--config", site.settings_file(**more))
    assert check in found, found
    for text in texts:
        assert text in found[check]


@pytest.mark.parametrize(("ahead", "direction"), [(3600, "behind"), (-60, "ahead")])
def test_clocks_that_differ(site, capsys, monkeypatch, ahead, direction):
    clock = SimpleNamespace(time=lambda: time.time() + ahead)
    monkeypatch.setattr("xaccel.doctor.client.time", clock)
    with site.running() as url:
        _, found = doctor(capsys, url)
    assert list(found) == ["clock"]
    assert direction in found["clock"]
    assert "NTP" in found["clock"]


def test_a_slow_check_is_not_clock_skew(site, capsys, monkeypatch):
    passed = 0

    def check_slowly(*_):
        nonlocal passed
        passed = 100
        return ()

    monkeypatch.setattr(
        "xaccel.doctor.client.time", SimpleNamespace(time=lambda: time.time() + passed)
    )
    monkeypatch.setattr("xaccel.doctor.checks.CHECKS", (check_slowly, *CHECKS))
    with site.running() as url:
        _, found = doctor(capsys, url)
    assert found == {}


def test_the_fix_is_printed(site, capsys):
    with site.running(spoil=("keepalive", "keepalive_timeout 0;#"), gunicorn=False) as url:
        assert main(["doctor", url]) == 1
    assert "Fix: Start the app" in capsys.readouterr().out


def test_no_server(capsys):
    assert main(["doctor", f"http://{HOST}:{free_port()}/"]) == 1
    assert "Start the web server" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments", [["ftp://example.org/"], ["x"], ["http://a/", "--header", "x"]]
)
def test_usage(capsys, arguments):
    assert main(["doctor", *arguments]) == 2
    assert capsys.readouterr().err.startswith("xaccel: ")
