"""`xaccel config systemd|docker|kubernetes`: the real tools accept the files."""

import contextlib
import http.client
import json
import os
import re
import resource
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

from tests.support.servers import systemd
from tests.support.servers.process import free_port, running, started
from tests.support.servers.s3 import WEED, S3Server

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


SERVICE = """
import os
from pathlib import Path
import flask
from xaccel.flask import XAccel, thumbnail_url

PATHS = ["/", "/etc", "/srv", "/srv/shop", "/srv/shop/photos", "/srv/shop/cache"]

app = flask.Flask(__name__)
app.config["XACCEL"] = {
    "THUMBNAIL_SOURCE": "/srv/shop/photos",
    "THUMBNAIL_CACHE": "/srv/shop/cache",
    "THUMBNAIL_SANDBOX": True,
    "SECRET_KEYS": ["a key of more than 16 bytes"],
}
XAccel(app)

@app.get("/")
def index():
    return {
        "url": thumbnail_url("cat.jpg", 40),
        "status": Path("/proc/self/status").read_text(),
        "files": os.sysconf("SC_OPEN_MAX"),
        "writable": [path for path in PATHS if os.access(path, os.W_OK)],
    }
"""


@pytest.mark.skipif(
    not (os.geteuid() == 0 and systemd.is_possible()), reason="this needs root and namespaces"
)
def test_the_units_start_the_app(project, tmp_path, jpeg):
    """The service runs as its user, in its limits, and decodes images in the sandbox."""
    port = free_port()
    (project / "shop.py").write_text(SERVICE)
    (project / "photos").mkdir()
    (project / "photos" / "cat.jpg").write_bytes(jpeg)
    (project / "cache").mkdir()
    os.chown(project / "cache", systemd.UID, systemd.GID)
    out = tmp_path / "units"
    write(out, "--upstream", f"127.0.0.1:{port}", "--directory", "/srv/shop")
    addition = out / "shop-sweep.service.d" / "test.conf"
    addition.parent.mkdir()
    # On a busy machine, a process of the lowest priority may have to wait for minutes.
    addition.write_text(
        "[Service]\nNice=0\n"
        "ExecStopPost=/bin/sh -c 'echo $SERVICE_RESULT > /srv/shop/cache/swept'\n"
    )
    wanted = ("shop.socket", "shop.service", "shop-sweep.service")
    with systemd.booted(project, out, wanted, tmp_path / "systemd.log") as process:
        page = json.loads(body_of(process, port, "/"))
        image = body_of(process, port, page["url"])
        swept = project / "cache" / "swept"
        wait(process, lambda: swept.exists() and swept.read_text())
    assert image.startswith(b"\xff\xd8")
    status = dict(line.split(":\t", 1) for line in page["status"].splitlines() if ":\t" in line)
    assert set(status["Uid"].split()) == {str(systemd.UID)}
    assert int(status["CapBnd"], 16) == int(status["CapEff"], 16) == 0
    assert (status["NoNewPrivs"], status["Seccomp"], status["Umask"]) == ("1", "2", "0027")
    # Even root can have a lower limit in a container.
    assert page["files"] == min(65536, resource.getrlimit(resource.RLIMIT_NOFILE)[1])
    assert page["writable"] == ["/srv/shop/cache"]
    assert swept.read_text() == "success\n"


def wait(process, condition):
    """Wait for a condition, as long as a process runs."""
    deadline = time.monotonic() + 60
    while not (value := condition()):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return value


def body_of(process, port, path):
    """Wait until the app responds, and return the body."""

    client = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    with contextlib.closing(client):

        def is_connected():
            with contextlib.suppress(ConnectionRefusedError):
                client.connect()
                return True
            return False

        wait(process, is_connected)
        client.request("GET", path)
        response = client.getresponse()
        assert response.status == 200
        return response.read()


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


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ('"SERVER": "apache"', "must be 'nginx', not 'apache'"),
        ('"THUMBNAIL_ENGINE": "image-filter", "SIGNATURE": "secure-link-md5"', "image-filter"),
    ],
)
@pytest.mark.parametrize("kind", ["docker", "kubernetes"])
def test_settings_that_do_not_work_in_containers(project, tmp_path, capsys, kind, setting, message):
    file = project / "shop.py"
    text = file.read_text().replace("settings = {", f"settings = {{{setting}, ")
    file.write_text(text.partition("asgi =")[0])
    out = str(tmp_path / "out")
    assert main(["config", kind, "--app", "shop:app", "--out", out]) == 2
    assert message in capsys.readouterr().err


def container_commands(out, kind):
    """Return the words after the image's entrypoint for nginx."""
    if kind == "docker":
        return compose_command(out, "nginx")
    pod = yaml.safe_load((out / "deployment.yaml").read_text())["spec"]["template"]["spec"]
    return next(each["args"] for each in pod["containers"] if each["name"] == "nginx")


def test_nginx_in_a_container_loads_its_modules(project, tmp_path):
    commands = {}
    for kind in ("docker", "kubernetes"):
        write(tmp_path / kind, "--verify", "njs", kind=kind)
        commands[kind] = container_commands(tmp_path / kind, kind)
        write(tmp_path / f"{kind}-app", kind=kind)
        plain = container_commands(tmp_path / f"{kind}-app", kind)
        assert plain == ["nginx", "-g", "daemon off;"]
    assert commands["docker"] == commands["kubernetes"]
    files = tmp_path / "docker" / "nginx"
    site = files / "xaccel-shop.conf"
    # In this test, the containers' names and directories lead to this machine.
    local = site.read_text().replace("/etc/nginx/conf.d", str(files)).replace("app:", "127.0.0.1:")
    site.write_text(local)
    whole = tmp_path / "nginx.conf"
    whole.write_text(f"pid {tmp_path}/pid; events {{}} http {{ access_log off; include {site}; }}")
    program, option, directives = commands["docker"]
    test = [program, "-t", "-e", "stderr", "-c", str(whole)]
    done = subprocess.run([*test, option, directives], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    done = subprocess.run(test, capture_output=True, text=True, check=False)
    assert 'unknown directive "js_import"' in done.stderr


def test_the_compose_file_says_who_reads_the_keys(project, tmp_path):
    write(tmp_path / "docker", "--verify", "njs", kind="docker")
    text = (tmp_path / "docker" / "compose.yaml").read_text()
    assert "# sudo chown 101 nginx/xaccel-shop-secrets.inc" in text
    write(tmp_path / "plain", kind="docker")
    assert "chown" not in (tmp_path / "plain" / "compose.yaml").read_text()


BACKED = """
from celery import Celery

settings |= {
    "S3": {"endpoint": "http://s3:8333"},
    "THUMBNAIL_STORE": "s3://thumbs/shop/",
    "REMOTES": {"s3://media/private/": "/_remote/media/"},
}
celery = Celery("shop", broker="redis://redis:6379/0")
"""


@pytest.fixture
def backed(project):
    """The project with a Celery app, and with buckets in a container."""
    file = project / "shop.py"
    text = file.read_text()
    file.write_text(text.replace("app = flask", f"{BACKED}\napp = flask"))
    return project


def test_the_compose_file_with_what_the_app_needs(backed, tmp_path):
    files = write(tmp_path / "docker", "--celery", "shop:celery", kind="docker")
    compose = yaml.safe_load(files["compose.yaml"].read_text())
    services = compose["services"]
    assert set(services) == {"app", "worker", "nginx", "redis", "s3"}
    for service in services.values():
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
    for name in ("app", "worker"):
        assert services[name]["depends_on"] == ["s3", "redis"]
        assert services[name]["volumes"] == services["app"]["volumes"]
        assert [file["path"] for file in services[name]["env_file"]] == ["app.env", "bucket.env"]
    assert [file["path"] for file in services["s3"]["env_file"]] == ["bucket.env"]
    assert set(compose["volumes"]) == {"cache", "redis", "s3"}
    assert "resolver 127.0.0.11" in files["nginx/xaccel-shop.conf"].read_text()


@pytest.mark.parametrize("endpoint", ["https://s3.example.com", "http://127.0.0.1:8333"])
def test_stores_elsewhere_are_not_in_the_compose_file(backed, tmp_path, endpoint):
    file = backed / "shop.py"
    text = file.read_text().replace("http://s3:8333", endpoint)
    file.write_text(text.replace("redis://redis:6379", "redis://cache.example.com"))
    files = write(tmp_path / "docker", "--celery", "shop:celery", kind="docker")
    compose = yaml.safe_load(files["compose.yaml"].read_text())
    assert set(compose["services"]) == {"app", "worker", "nginx"}


def test_names_of_containers_that_are_taken(backed, tmp_path, capsys):
    file = backed / "shop.py"
    file.write_text(file.read_text().replace("redis://redis", "redis://app"))
    out = str(tmp_path / "docker")
    arguments = ["config", "docker", "--app", "shop:app", "--out", out, "--celery", "shop:celery"]
    assert main(arguments) == 2
    assert "'app'" in capsys.readouterr().err


def compose_command(directory, service):
    compose = yaml.safe_load((directory / "compose.yaml").read_text())
    return compose["services"][service]["command"]


def test_the_worker_and_its_broker_start(backed, tmp_path):
    port = free_port()
    file = backed / "shop.py"
    file.write_text(file.read_text().replace("redis://redis:6379", f"redis://redis:{port}"))
    write(tmp_path / "docker", "--celery", "shop:celery", kind="docker")
    # In this test, the container's name leads to this machine.
    file.write_text(file.read_text().replace("redis://redis", "redis://127.0.0.1"))
    redis = compose_command(tmp_path / "docker", "redis")
    (tmp_path / "data").mkdir()
    redis = [str(tmp_path / "data") if word == "/data" else word for word in redis]
    worker = compose_command(tmp_path / "docker", "worker")
    worker[0] = str(PROGRAMS / Path(worker[0]).name)
    ping = [worker[0], "--app", "shop:celery", "inspect", "ping", "--timeout", "2"]
    with (
        running(redis, port, tmp_path / "redis.log"),
        started([*worker, "--pool", "solo"], tmp_path / "worker.log") as process,
    ):
        deadline = time.monotonic() + 60
        while subprocess.run(ping, capture_output=True, check=False, timeout=60).returncode != 0:
            assert process.poll() is None
            assert time.monotonic() < deadline
    assert (tmp_path / "data" / "appendonlydir").exists()


def test_the_store_starts_with_its_buckets(backed, tmp_path):
    port = free_port()
    file = backed / "shop.py"
    file.write_text(file.read_text().replace("http://s3:8333", f"http://s3:{port}"))
    write(tmp_path / "docker", kind="docker")
    data = tmp_path / "data"
    data.mkdir()
    command = [
        word.replace("/buckets", str(data)) for word in compose_command(tmp_path / "docker", "s3")
    ]
    # The other ports are fixed inside the container. Here they must be free.
    others = [f"-{name}.port={free_port()}" for name in ("master", "volume", "filer", "admin")]
    others += ["-s3.port.iceberg=0", "-ip=127.0.0.1"]
    server = S3Server(f"http://127.0.0.1:{port}", "a-key", "a-secret-key", "us-east-1")
    env = {"AWS_ACCESS_KEY_ID": server.access_key, "AWS_SECRET_ACCESS_KEY": server.secret_key}
    with running([WEED, *command, *others], port, tmp_path / "weed.log", env):
        for bucket in ("thumbs", "media"):
            until_stored(server, f"s3://{bucket}/a.jpg")


def until_stored(server, url):
    deadline = time.monotonic() + 60
    while True:
        try:
            server.put(url, b"content")
        except (OSError, RuntimeError):
            assert time.monotonic() < deadline
            time.sleep(0.1)
        else:
            assert server.get(url) == b"content"
            return


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
