import io
import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import xaccel
from PIL import Image
from xaccel import Watermark, placeholder, thumbnail
from xaccel._core import sandbox_layers
from xaccel.cli.main import _parser, main

SECRET = "0123456789abcdef"

APP = """
from flask import Flask
from xaccel.flask import XAccel

def create_app():
    app = Flask(__name__)
    app.config["XACCEL"] = {
        "SERVER": "nginx",
        "ROOTS": {"/srv/private files": "/_private/files/"},
        "SIGNATURE": "secure-link-md5",
        "SECRET_KEYS": ["0123456789$abcdef"],
        "THUMBNAIL_SOURCE": "/srv/photos",
        "THUMBNAIL_CACHE": "/var/cache/thumbnails",
    }
    XAccel(app)
    return app

app = create_app()
bare = Flask(__name__)
"""


@pytest.fixture
def project(tmp_path, monkeypatch):
    (tmp_path / "project_app.py").write_text(APP)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield tmp_path
    sys.modules.pop("project_app", None)


@pytest.fixture
def keys(monkeypatch):
    monkeypatch.setenv("XACCEL_SECRET_KEYS", SECRET)


def run(capsys, *arguments):
    status = main([str(argument) for argument in arguments])
    out, err = capsys.readouterr()
    return status, out, err


def test_version_names_each_codec_library(capsys):
    with pytest.raises(SystemExit) as caught:
        main(["--version"])
    assert caught.value.code == 0
    out = capsys.readouterr().out
    assert out.startswith(f"xaccel {xaccel.__version__} (")
    for library in ("libjpeg-turbo 3.", "libwebp 1."):
        assert library in out
    assert out.endswith(f"; sandbox: {', '.join(sandbox_layers()) or 'none'})\n")


def test_sign_and_verify(capsys, keys):
    status, url, _ = run(capsys, "sign", "/p/a b.jpg", "--expires-in", 60)
    assert status == 0
    assert url.startswith("/p/a%20b.jpg?key=")
    assert run(capsys, "verify", url.strip()) == (0, "/p/a b.jpg\n", "")
    status, out, err = run(capsys, "verify", url.strip() + "x")
    assert (status, out) == (1, "")
    assert err.startswith("xaccel: ")
    assert SECRET not in err


def test_sign_matches_a_vector(capsys, monkeypatch, recwarn):
    monkeypatch.setenv("XACCEL_SECRET_KEYS", "secret")
    status, url, _ = run(capsys, "sign", "--algorithm", "secure-link-md5", "/t/300x200/photo.jpg")
    assert (status, url) == (0, "/t/300x200/photo.jpg?key=qvHJx0qXanLY9m3LX49R3Q\n")


def test_keys_from_a_file(capsys, tmp_path, monkeypatch):
    monkeypatch.delenv("XACCEL_SECRET_KEYS", raising=False)
    file = tmp_path / "keys"
    file.write_text(f"a newer key of 16+ bytes\n{SECRET}\n")
    _, url, _ = run(capsys, "sign", "--key-file", file, "/a")
    file.write_text(f"the newest of all of them\na newer key of 16+ bytes\n{SECRET}\n")
    assert run(capsys, "verify", "--key-file", file, url.strip())[0] == 0
    status, _, err = run(capsys, "sign", "/a")
    assert status == 2
    assert "XACCEL_SECRET_KEYS" in err
    status, _, err = run(capsys, "sign", "--key-file", tmp_path / "absent", "/a")
    assert status == 2
    assert "absent" in err


PHOTOS = Path(__file__).parents[1] / "examples" / "flask_gallery" / "photos"


def test_thumbnail_takes_its_format_from_the_file_name(capsys, tmp_path):
    for spec, name, kind in (
        ("60x40,cover", "a.webp", "WEBP"),
        ("60x40,cover", "a.jpg", "JPEG"),
        ("60x40,cover,png", "a.jpg", "PNG"),
    ):
        assert run(capsys, "thumbnail", spec, PHOTOS / "bridge.jpg", tmp_path / name)[0] == 0
        with Image.open(tmp_path / name) as image:
            assert (image.size, image.format) == ((60, 40), kind)


def test_thumbnail_with_a_watermark(capsys, tmp_path):
    mark, out = tmp_path / "mark.png", tmp_path / "a.png"
    Image.new("RGB", (20, 20), "red").save(mark)
    for spec in ("80x40,cover", "80x40,cover,wm-logo"):
        status, *_ = run(capsys, "thumbnail", "--watermark", mark, spec, PHOTOS / "bridge.jpg", out)
        assert status == 0
        expected = thumbnail(
            PHOTOS / "bridge.jpg", 80, 40, fit="cover", format="png", watermark=Watermark(mark)
        )
        assert out.read_bytes() == expected.data
        with Image.open(out) as image:
            # A quarter of the height, in the bottom right corner.
            assert image.getpixel((75, 35)) == (255, 0, 0)
            assert image.getpixel((65, 35)) != (255, 0, 0)


@pytest.mark.parametrize(("mark", "status"), [("absent.png", 2), ("broken.png", 1), (None, 2)])
def test_thumbnail_with_a_wrong_watermark(capsys, tmp_path, monkeypatch, mark, status):
    monkeypatch.chdir(tmp_path)
    Path("broken.png").write_text("no picture")
    arguments = ["--watermark", mark] if mark else []
    result = run(capsys, "thumbnail", *arguments, "60x40,wm-logo", PHOTOS / "bridge.jpg", "a.jpg")
    assert result[0] == status
    assert (mark or "'logo'") in result[2]
    assert not Path("a.jpg").exists()


def test_thumbnail_to_the_standard_output(capfdbinary):
    assert main(["thumbnail", "60x40,cover", str(PHOTOS / "bridge.jpg"), "-"]) == 0
    image = Image.open(io.BytesIO(capfdbinary.readouterr().out))
    assert (image.size, image.format) == ((60, 40), "JPEG")


@pytest.mark.parametrize(
    ("spec", "source", "out", "status"),
    [
        ("60x40", "broken.jpg", "a.jpg", 1),
        ("60x40", "absent.jpg", "a.jpg", 2),
        ("60x40,nonsense", "broken.jpg", "a.jpg", 2),
        ("60x40,auto", "broken.jpg", "a.jpg", 2),
        ("60x40", PHOTOS / "fig.png", "absent/a.jpg", 2),
    ],
)
def test_thumbnail_with_wrong_arguments(capsys, tmp_path, monkeypatch, spec, source, out, status):
    monkeypatch.chdir(tmp_path)
    Path("broken.jpg").write_text("no picture")
    assert run(capsys, "thumbnail", spec, source, out)[0] == status
    assert not Path("a.jpg").exists()


def test_probe(capsys, tmp_path):
    broken = tmp_path / "broken.jpg"
    broken.write_text("no picture")
    photos = [PHOTOS / "puppies.jpg", PHOTOS / "fig.png"]
    status, out, _ = run(capsys, "probe", *photos)
    assert status == 0
    assert out.startswith(f"{photos[0]}: 2048x3088, jpeg, orientation ")
    assert f"{photos[1]}: 1600x1222, png, alpha" in out
    status, out, _ = run(capsys, "probe", "--json", broken, photos[0], tmp_path / "absent")
    assert status == 1
    first, second, third = json.loads(out)
    assert "not an image" in first["error"]
    assert (second["width"], second["height"]) == (2048, 3088)
    assert third["error"] == f'"{tmp_path / "absent"}": there is no such file'


def test_probe_prints_placeholders(capsys, tmp_path):
    photo = PHOTOS / "puppies.jpg"
    kinds = ["thumbhash", "blurhash", "color", "palette"]
    wanted = [word for kind in kinds for word in ("--placeholder", kind)]
    status, out, _ = run(capsys, "probe", "--json", "--colors", "3", *wanted, photo)
    assert status == 0
    (facts,) = json.loads(out)
    assert {kind: facts[kind] for kind in kinds[:3]} == {
        kind: placeholder(photo, kind=kind) for kind in kinds[:3]
    }
    assert facts["palette"] == placeholder(photo, kind="palette", colors=3)
    status, out, _ = run(capsys, "probe", "--placeholder", "color", photo)
    assert f", color {facts['color']}" in out
    status, out, _ = run(capsys, "probe", "--placeholder", "palette", photo)
    assert f", palette {' '.join(placeholder(photo, kind='palette'))}" in out
    assert run(capsys, "probe", "--colors", "1", photo)[0] == 2
    broken = tmp_path / "broken.png"
    broken.write_bytes((PHOTOS / "fig.png").read_bytes()[:60])
    assert run(capsys, "probe", "--placeholder", "color", broken)[0] == 1


def test_a_path_that_can_not_be_signed(capsys, keys):
    for path in ("relative", "/a/../b", "/a//b"):
        status, out, err = run(capsys, "sign", path)
        assert (status, out) == (2, "")
        assert err.startswith("xaccel: ")


@pytest.mark.parametrize("name", ["app", "create_app"])
def test_config_prints_a_site_file(capsys, project, name):
    status, out, err = run(capsys, "config", "nginx", "--app", f"project_app:{name}")
    assert (status, err) == (0, "")
    assert 'alias "/srv/private files/";' in out
    assert "include xaccel-project-app-secrets.inc;" in out
    assert "0123456789" not in out


@pytest.mark.server
def test_config_writes_files_that_nginx_accepts(capsys, project):
    directory = project / "out $1 ü"
    status, out, _ = run(
        capsys,
        *("config", "nginx", "--app", "project_app:app", "--full", "--out", directory),
        *("--listen", "127.0.0.1:18080", "--static", f"/static/={project}"),
    )
    assert status == 0
    assert "nginx.conf" in out
    secrets = directory / "xaccel-project-app-secrets.inc"
    assert secrets.stat().st_mode & 0o777 == 0o600
    assert "0123456789${xaccel_dollar}abcdef" in secrets.read_text()
    checked = subprocess.run(
        ["nginx", "-t", "-c", directory / "nginx.conf"],
        env={**os.environ, "PATH": f"{os.environ['PATH']}:/usr/sbin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stderr
    assert "[warn]" not in checked.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--app", "absent:app"], "absent"),
        (["--app", "project_app:absent"], "absent"),
        (["--app", "project_app:bare"], "XAccel(app)"),
        (["--app", "project_app:app", "--full"], "--out"),
        (["--app", "project_app:app", "--static", "x"], "--static"),
        (["--app", "project_app:app", "--listen", "80; }"], "listen"),
    ],
)
def test_config_with_wrong_arguments(capsys, project, arguments, message):
    status, out, err = run(capsys, "config", "nginx", *arguments)
    assert (status, out) == (2, "")
    assert message in err


COMMANDS = [
    *([], ["config"], ["doctor"], ["serve"], ["sign"], ["verify"], ["cache"]),
    *(["thumbnail"], ["probe"]),
    *(["cache", name] for name in ("stats", "sweep", "purge", "clear")),
]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_help_has_examples_that_work(capsys, monkeypatch, command):
    monkeypatch.setenv("COLUMNS", "80")
    with pytest.raises(SystemExit) as caught:
        main([*command, "--help"])
    assert caught.value.code == 0
    text = capsys.readouterr().out
    _usage, _, text = text.partition("\n\n")
    assert max(map(len, text.splitlines())) <= 80
    assert "Exit status: 0 " in text
    examples = re.findall("^  (xaccel .*)", text, re.MULTILINE)
    assert examples
    for example in examples:
        program, *arguments = shlex.split(example.partition(" > ")[0])
        assert (program, arguments[: len(command)]) == ("xaccel", command)
        _parser().parse_args(arguments)


def test_tls(capsys, project):
    files = ("--tls-certificate", "cert.pem", "--tls-key", "key.pem", "--domain", "a.example")
    for server, line in (
        ("nginx", "listen 443 ssl;"),
        ("apache", f'SSLCertificateFile "{project}/cert.pem"'),
        ("caddy", f'tls "{project}/cert.pem" "{project}/key.pem"'),
        ("lighttpd", f'ssl.privkey = "{project}/key.pem"'),
    ):
        _, out, _ = run(capsys, "config", server, "--app", "project_app:app", *files)
        assert line in out, server


def test_importing_thumbnails_imports_no_settings():
    code = """
import sys
from xaccel import thumbnail, thumbnail_many
assert "xaccel.config" not in sys.modules
import xaccel
assert xaccel.Config is sys.modules["xaccel.config"].Config
try:
    xaccel.Confg
except AttributeError as error:
    print(error)
"""
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout
    assert output.decode().strip() == "module 'xaccel' has no attribute 'Confg'"


def test_importing_the_package_imports_no_framework():
    code = "import json, sys, xaccel, xaccel.cli.main; print(json.dumps(sorted(sys.modules)))"
    output = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, check=True, cwd=Path(__file__).parent
    ).stdout
    assert not {"flask", "werkzeug", "jinja2", "django", "starlette"} & set(json.loads(output))
