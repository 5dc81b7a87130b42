"""`xaccel config systemd|docker|kubernetes`: the real tools accept the files."""

import contextlib
import http.client
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from xaccel.cli.main import main

pytestmark = pytest.mark.server

EXPOSURE = 2.0
PROGRAMS = Path(sys.executable).parent


@pytest.fixture
def project(tmp_path, monkeypatch):
    """The directory of a Flask app and of an ASGI app with thumbnails."""
    directory = tmp_path / "shop"
    directory.mkdir()
    (directory / "shop.py").write_text(
        f"""
import flask
from xaccel import Config
from xaccel.flask import XAccel
from xaccel.asgi import Thumbnails

settings = {{
    "THUMBNAIL_SOURCE": {str(directory)!r},
    "THUMBNAIL_CACHE": {str(tmp_path / "cache")!r},
    "SECRET_KEYS": ["a key of more than 16 bytes"],
}}
app = flask.Flask(__name__)
app.config["XACCEL"] = settings
XAccel(app)
asgi = Thumbnails(Config.from_mapping(settings))

@app.get("/")
def index():
    return "the app"
"""
    )
    monkeypatch.chdir(directory)
    monkeypatch.delitem(sys.modules, "shop", raising=False)
    yield directory
    sys.modules.pop("shop", None)


def write(out, *arguments, kind="systemd"):
    assert main(["config", kind, "--app", "shop:app", "--out", str(out), *arguments]) == 0
    return {str(path.relative_to(out)): path for path in out.rglob("*") if path.is_file()}


@pytest.mark.parametrize("upstream", ["unix:/run/shop.sock", "127.0.0.1:8000"])
@pytest.mark.parametrize("asgi", [False, True])
def test_systemd_accepts_the_units(project, tmp_path, upstream, asgi):
    arguments = ["--asgi", "shop:asgi"] if asgi else []
    units = write(tmp_path / "units", "--upstream", upstream, *arguments)
    assert set(units) == {
        "shop.service",
        "shop.socket",
        "shop-sweep.service",
        "shop-sweep.timer",
    }
    command = ["systemd-analyze", "verify", "--man=no", *units.values()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    ours = [line for line in done.stderr.splitlines() if "shop" in line]
    assert (done.returncode, ours) == (0, [])


@pytest.mark.parametrize("unit", ["shop.service", "shop-sweep.service"])
def test_the_services_are_hardened(project, tmp_path, unit):
    path = write(tmp_path / "units")[unit]
    command = ["systemd-analyze", "security", "--offline=true", "--no-pager", path]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=60, check=True, env={"LC_ALL": "C.UTF-8"}
    )
    level = re.search(r"Overall exposure level for [\w.-]+: ([0-9.]+)", done.stdout)
    assert level is not None, done.stdout
    assert float(level[1]) <= EXPOSURE


def exec_start(path):
    (command,) = re.findall("^ExecStart=(.+)$", path.read_text(), re.MULTILINE)
    return shlex.split(command)


def status_of(port, path):
    """Return the status of a response; `None` if nothing listens yet."""
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as client:
        try:
            client.request("GET", path)
        except ConnectionRefusedError:
            return None
        return client.getresponse().status


UNPRIVILEGED = (
    "setpriv",
    "--no-new-privs",
    *(("--bounding-set=-all", "--inh-caps=-all") if os.geteuid() == 0 else ()),
)


@pytest.mark.parametrize("asgi", [False, True])
def test_the_command_starts_the_app_on_the_socket(project, tmp_path, asgi):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    upstream = f"127.0.0.1:{port}"
    arguments = ["--asgi", "shop:asgi"] if asgi else []
    units = write(tmp_path / "units", "--upstream", upstream, *arguments)
    (listen,) = re.findall("^ListenStream=(.+)$", units["shop.socket"].read_text(), re.MULTILINE)
    command = exec_start(units["shop.service"])
    process = subprocess.Popen(
        ["systemd-socket-activate", "-l", listen, *UNPRIVILEGED, *command], cwd=project
    )
    try:
        deadline = time.monotonic() + 30
        while (status := status_of(port, "/t/50x50/cat.jpg" if asgi else "/")) is None:
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.01)
        assert status == (403 if asgi else 200)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def test_the_sweep_command(project, tmp_path):
    command = exec_start(write(tmp_path / "units")["shop-sweep.service"])
    done = subprocess.run(
        [*UNPRIVILEGED, *command],
        cwd=project,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("removed 0 thumbnails")


def test_names_that_a_unit_cannot_contain(project, tmp_path, capsys):
    out = str(tmp_path / "units")
    for arguments in (
        ["--directory", "/srv/my shop"],
        ["--programs", "/srv/%h"],
        ["--wsgi", "shop:app; rm -rf /"],
    ):
        assert main(["config", "systemd", "--app", "shop:app", "--out", out, *arguments]) == 2
        assert "must be" in capsys.readouterr().err
    assert not Path(out).exists()


@pytest.mark.parametrize("asgi", [False, True])
def test_hadolint_accepts_the_dockerfile(project, tmp_path, asgi):
    arguments = ["--asgi", "shop:asgi"] if asgi else []
    files = write(tmp_path / "docker", *arguments, kind="docker")
    command = [PROGRAMS / "hadolint", "--failure-threshold", "style", files["Dockerfile"]]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_the_compose_file(project, tmp_path):
    files = write(tmp_path / "docker", kind="docker")
    compose = yaml.safe_load(files["compose.yaml"].read_text())
    assert set(compose["services"]) == {"app", "nginx"}
    for service in compose["services"].values():
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
    cache = str(tmp_path / "cache")
    assert f"cache:{cache}" in compose["services"]["app"]["volumes"]
    assert f"cache:{cache}:ro" in compose["services"]["nginx"]["volumes"]
    assert "server app:8000" in files["nginx/xaccel-shop.conf"].read_text()


@pytest.mark.parametrize("signature", ["hmac-sha256", "secure-link-md5"])
def test_kubernetes_accepts_the_manifests(project, tmp_path, signature):
    text = (project / "shop.py").read_text()
    text = text.replace("settings = {", f'settings = {{"SIGNATURE": "{signature}", ')
    (project / "shop.py").write_text(text)
    files = write(tmp_path / "kubernetes", kind="kubernetes")
    expected = {"deployment.yaml", "nginx.yaml", "service.yaml"}
    assert set(files) == expected | ({"secret.yaml"} if "md5" in signature else set())
    command = [PROGRAMS / "kubernetes-validate", "--strict", "--no-warn", *files.values()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    deployment = yaml.safe_load(files["deployment.yaml"].read_text())
    pod = deployment["spec"]["template"]["spec"]
    volumes = {volume["name"] for volume in pod["volumes"]}
    for container in pod["containers"]:
        assert container["securityContext"]["readOnlyRootFilesystem"] is True
        assert {mount["name"] for mount in container["volumeMounts"]} <= volumes
    if "secret.yaml" in files:
        assert files["secret.yaml"].stat().st_mode & 0o777 == 0o600
