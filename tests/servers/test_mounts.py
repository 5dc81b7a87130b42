"""An app below `/shop`, behind a real server that `xaccel config --mount /shop` configured."""

import contextlib
import http.client
import io
import json
import sys
from urllib.parse import unquote

import pytest
from PIL import Image
from xaccel.cli.main import main
from xaccel.config import Config
from xaccel.thumbnails.helpers import TemplateHelpers

from tests.support.servers.process import HOST, PATIENCE, free_port, running
from tests.support.servers.site import FRONTS, started

KEYS = ["a new key of more than 16 bytes", "an old key of more than 16 bytes"]
MD5 = {"SIGNATURE": "secure-link-md5"}
PRESETS = {"THUMBNAIL_ONLY_PRESETS": True, "THUMBNAIL_PRESETS": {"small": "50x-"}}
IMAGE_FILTER = {**MD5, "THUMBNAIL_ENGINE": "image-filter"}


class Site:
    """A running site."""

    def __init__(self, directory, port, settings):
        self.directory, self.port = directory, port
        self.url = TemplateHelpers(Config.from_mapping(settings)).thumbnail_url

    def get(self, target, **headers):
        connection = http.client.HTTPConnection(HOST, self.port, timeout=PATIENCE)
        with contextlib.closing(connection):
            connection.request("GET", target, headers=headers)
            response = connection.getresponse()
            response.body = response.read()
            return response

    @property
    def asked(self):
        """The paths of the app's requests."""
        return (self.directory / "app.lines").read_text().splitlines()


@contextlib.contextmanager
def site(server, directory, jpeg, mount, *options, **more):
    """The app below a path, and a server with the configuration that the command line wrote."""
    directory.chmod(0o755)
    files, photos, avatars = (directory / name for name in ("files", "photos", "avatars"))
    for made in (files, photos, avatars):
        made.mkdir()
    Image.new("RGB", (60, 90)).save(avatars / "100% (1)é.jpg")
    (files / "notes.txt").write_text("private")
    (photos / "100% (1)é.jpg").write_bytes(jpeg)
    (directory / "app.lines").touch()
    settings = {
        "SERVER": server,
        "ROOTS": {str(files): "/_private/files/"},
        "PRIVATE_URL": "/p/",
        "THUMBNAIL_SOURCE": str(photos),
        "THUMBNAIL_SOURCES": {"avatars": str(avatars)},
        "THUMBNAIL_CACHE": str(directory / "cache"),
        "SECRET_KEYS": KEYS,
        **more,
    }
    app_port, port, out = free_port(), free_port(), directory / "out"
    (directory / "settings.toml").write_text("\n".join(toml(settings)))
    written = main(
        [
            *("config", server, "--config", str(directory / "settings.toml"), "--mount", mount),
            *("--full", "--out", str(out), "--name", "shop"),
            *("--listen", f"{HOST}:{port}", "--upstream", f"{HOST}:{app_port}", *options),
        ]
    )
    assert written == 0
    main_file = next(out / name for name in FULL_FILES if (out / name).exists())
    for made in (out, out / "tmp"):
        made.chmod(0o755)
    command = [
        *(sys.executable, "-m", "gunicorn", "--bind", f"{HOST}:{app_port}", "--threads=4"),
        *("--no-control-socket", "--worker-tmp-dir", str(directory)),
        "tests.support.servers.mounted_app:app()",
    ]
    env = {
        "XACCEL_TEST_SETTINGS": json.dumps(settings),
        "XACCEL_TEST_LOG": str(directory / "app.lines"),
        "SCRIPT_NAME": mount,
    }
    with (
        running(command, app_port, directory / "app.log", env),
        started(server, main_file, port),
    ):
        yield Site(directory, port, settings)


FULL_FILES = ("nginx.conf", "httpd.conf", "lighttpd.conf", "Caddyfile")


def toml(settings):
    for key, value in settings.items():
        if isinstance(value, dict):
            pairs = ", ".join(f'"{name}" = "{item}"' for name, item in value.items())
            yield f"{key} = {{ {pairs} }}"
        else:
            yield f"{key} = {json.dumps(value)}"


def check(site, mount, *, preset="", hits_by=None):
    """All URLs below the mount work, and none outside."""
    for path in (f"{mount}/", mount):
        page = site.get(path)
        if path == mount:
            assert page.status in {301, 308}
            assert (
                page.headers["Location"].removeprefix(f"http://{HOST}:{site.port}") == f"{mount}/"
            )
    urls = json.loads(site.get(f"{mount}/{preset}").body)
    link, thumbnail = urls["link"], urls["thumbnail"]
    assert link.startswith(f"{mount}/p/files/notes.txt?key=")
    assert thumbnail.startswith(f"{mount}/t/50x-/100%25%20%281%29%C3%A9.jpg")

    for url in (f"{mount}/film", link):
        reply = site.get(url, Range="bytes=1-3")
        assert (reply.status, reply.body) == (206, b"riv")
    named = site.url("~avatars/100% (1)é.jpg", 50, mount=mount)
    assert named.startswith(f"{mount}/t/50x-/~avatars/100%25%20%281%29%C3%A9.jpg")
    for url, heights in ((thumbnail, {37, 38}), (named, {75})):
        miss = site.get(url)
        asked = len(site.asked)
        hit = site.get(url)
        assert (miss.status, hit.status, hit.body) == (200, 200, miss.body)
        assert hit.headers["Content-Type"] == "image/jpeg"
        assert Image.open(io.BytesIO(hit.body)).height in heights
        assert (len(site.asked) == asked) == (hits_by == "server")

    assert site.get(f"{link}x").status == 403
    changed = site.get(f"{thumbnail}x").status
    assert changed == (404 if preset else 403)
    for url in (link, thumbnail):
        for other in ("", "/other"):
            assert site.get(url.replace(mount, other, 1)).status in {403, 404}


def cached(directory):
    return [
        str(file.relative_to(directory / "cache"))
        for file in (directory / "cache").glob("t/**/*")
        if file.is_file()
    ]


@pytest.mark.parametrize(
    ("more", "options"),
    [
        pytest.param({}, (), id="app"),
        pytest.param(MD5, (), id="secure-link"),
        pytest.param({}, ("--verify", "njs"), id="njs"),
        pytest.param(PRESETS, (), id="presets"),
    ],
)
def test_nginx(tmp_path, jpeg, more, options):
    preset = "?preset=small" if more is PRESETS else ""
    with site("nginx", tmp_path, jpeg, "/shop", *options, **more) as served:
        check(served, "/shop", preset=preset, hits_by="server")
        # Only the app knows the older key, so it is asked about the wrong signature.
        links = [path for path in served.asked if path.startswith("/p/")]
        assert len(links) == (1 if more is MD5 else 2)
    assert sorted(cached(tmp_path)) == ["t/50x-/100% (1)é.jpg", "t/50x-/~avatars/100% (1)é.jpg"]


def test_nginx_that_makes_the_thumbnails(tmp_path, jpeg):
    resizer = f"{HOST}:{free_port()}"
    with site("nginx", tmp_path, jpeg, "/shop", "--resizer", resizer, **IMAGE_FILTER) as served:
        check(served, "/shop", hits_by="server")
        assert not [path for path in served.asked if path.startswith("/t/")]


@pytest.mark.parametrize("server", FRONTS[2:])
def test_other_servers(server, home, tmp_path_factory, jpeg):
    directory = home / f"mounted-{server}"
    directory.mkdir()
    with site(server, directory, jpeg, "/shop") as served:
        check(served, "/shop")


@pytest.mark.parametrize("server", FRONTS[1:])
def test_a_path_with_awkward_characters(server, home, jpeg):
    directory = home / f"awkward-{server}"
    directory.mkdir()
    # Gunicorn takes no such path, so only the server itself answers.
    with site(server, directory, jpeg, "/a$1b (%)é.") as served:
        page = served.get("/a%241b%20%28%25%29%C3%A9.?a=%20b")
        assert page.status in {301, 308}
        path, _, query = page.headers["Location"].partition("?")
        path = unquote(path).removeprefix(f"http://{HOST}:{served.port}")
        # Caddy has no way to add only a query that is there.
        assert (path, query) == ("/a$1b (%)é./", "" if server == "caddy" else "a=%20b")
        assert served.get("/a%241b%20%28%25%29%C3%A9x/").status in {403, 404}
        assert not served.asked


def test_an_invalid_path(tmp_path, capsys):
    assert (
        main(["config", "nginx", "--config", str(settings_file(tmp_path)), "--mount", "shop"]) == 2
    )
    assert "--mount must be a path such as /shop" in capsys.readouterr().err


def settings_file(directory):
    path = directory / "settings.toml"
    path.write_text("")
    return path
