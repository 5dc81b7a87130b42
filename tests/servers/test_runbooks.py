"""The runbooks in `docs/operations.md`: each command runs, and visitors notice nothing."""

import contextlib
import http.client
import importlib.metadata
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
import venv
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import xaccel

from tests.support.doc_pages import runs
from tests.support.servers.process import HOST, PATIENCE, free_port
from tests.support.servers.site import children

pytestmark = pytest.mark.slow

COMMAND = re.compile(r"^(old|new|)\$ (.+)$", re.MULTILINE)
KEY = "the first key of the site, long enough"
VERSION = importlib.metadata.version("xaccel")


def steps(found):
    """Return the commands of each console block, as pairs of machine and command."""
    return [COMMAND.findall(each.text) for each in found if each.kind == "console"]


class Machine:
    """A directory with the app of the runbooks, and the ports that its commands use."""

    def __init__(self, directory, programs):
        self.directory = directory
        self.app_port, self.port = free_port(), free_port()
        path = f"{programs}{os.pathsep}{os.environ['PATH']}{os.pathsep}/usr/sbin"
        self._environment = {
            **os.environ,
            "PATH": path,
            "GUNICORN_CMD_ARGS": f"--no-control-socket --worker-tmp-dir {directory}",
        }
        self._environment.pop("PYTHONPATH", None)

    def make(self, found, jpeg, *, server="nginx", verify="njs"):
        for snippet in found:
            named = re.match(r"# (\S+)\n", snippet.text)
            if named is not None:
                (self.directory / named[1]).write_text(snippet.text)
        self._edit("shop.py", '"SERVER": "nginx"', f'"SERVER": "{server}"')
        if verify == "secure-link":
            self._edit("shop.py", '"ROOTS"', '"SIGNATURE": "secure-link-md5",\n    "ROOTS"')
        self._edit("configure", "--verify njs", f"--verify {verify}")
        (self.directory / "secret_keys").write_text(f"{KEY.replace(' ', '-')}\n")
        (self.directory / "secret_keys").chmod(0o600)
        for name in ("files", "photos", "cache"):
            (self.directory / name).mkdir()
        (self.directory / "files" / "report.pdf").write_bytes(b"%PDF-report")
        (self.directory / "photos" / "cat.jpg").write_bytes(jpeg)

    def _edit(self, name, old, new):
        file = self.directory / name
        text = file.read_text()
        assert old in text
        file.write_text(text.replace(old, new))

    def with_ports(self, text):
        return text.replace("127.0.0.1:8000", f"{HOST}:{self.app_port}").replace(
            "127.0.0.1:8080", f"{HOST}:{self.port}"
        )

    def run(self, commands):
        """Run commands as a person types them, and return what they print."""
        configure = self.directory / "configure"
        if configure.exists():
            configure.write_text(self.with_ports(configure.read_text()))
        printed = ""
        for _, command in commands:
            log = self.directory / "command.log"
            # A daemon keeps the output open, so a pipe would never end.
            with log.open("w") as output:
                done = subprocess.run(
                    ["/bin/sh", "-c", self.with_ports(command)],
                    cwd=self.directory,
                    env=self._environment,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    timeout=120,
                    check=False,
                )
            text = log.read_text()
            assert done.returncode == 0, f"{command}\n{text}"
            printed += text
        return printed

    def get(self, target, port=None):
        connection = http.client.HTTPConnection(HOST, port or self.port, timeout=PATIENCE)
        with contextlib.closing(connection):
            connection.request("GET", target)
            response = connection.getresponse()
            return response.status, response.read()

    def urls(self, port=None):
        """Return the URLs in the app's page: a thumbnail and a private file."""
        status, page = self.get("/", port)
        assert status == 200, page
        thumbnail, private = json.loads(page)
        return [thumbnail, private]

    def serves(self, urls, port=None):
        (image, thumbnail), (file, report) = (self.get(url, port) for url in urls)
        assert image == 200
        assert thumbnail.startswith(b"\xff\xd8")
        assert (file, report) == (200, b"%PDF-report")

    def run_and_restart(self, commands):
        """Run commands that restart the app, and wait until only new workers run."""
        pid = int((self.directory / "gunicorn.pid").read_text())
        before = {*children(pid)}
        self.run(commands)
        until(lambda: len(now := {*children(pid)}) == 2 and not now & before)
        # Gunicorn replaces the file while it restarts.
        until((self.directory / "gunicorn.pid").exists)

    def stop(self):
        for name in ("gunicorn.pid", "nginx/nginx.pid"):
            with contextlib.suppress(FileNotFoundError, ProcessLookupError, ValueError):
                stop(int((self.directory / name).read_text()))


def stop(pid):
    os.kill(pid, signal.SIGTERM)
    until(lambda: not Path(f"/proc/{pid}").exists())


def until(condition):
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def answers(machine, port):
    def answers():
        with contextlib.suppress(OSError):
            return machine.get("/", port)[0] == 200
        return False

    return answers


@contextlib.contextmanager
def machines(home, names, programs=Path(sys.executable).parent):
    made = []
    for name in names:
        directory = home / name
        directory.mkdir()
        directory.chmod(0o755)
        made.append(Machine(directory, programs))
    try:
        yield made
    finally:
        for machine in made:
            machine.stop()


@pytest.fixture
def place(home, request):
    """A directory whose path is short, and which nginx's workers can enter."""
    directory = home / re.sub("[^a-z0-9]+", "-", request.node.name)
    directory.mkdir()
    directory.chmod(0o755)
    return directory


@contextlib.contextmanager
def visitors(machine):
    """A visitor loads the page and all that it links to, again and again; everything arrives."""
    over = threading.Event()

    def visit():
        # The last visit begins after the last step.
        is_last = False
        while not is_last:
            is_last = over.wait(0.05)
            machine.serves(machine.urls())

    with ThreadPoolExecutor(1) as threads:
        visiting = threads.submit(visit)
        try:
            yield
        finally:
            over.set()
        visiting.result()


@contextlib.contextmanager
def replaced(file):
    """A worker that starts during the step never finds half a file: it is replaced as a whole."""
    text = file.read_text()
    link = file.with_name("link")
    link.hardlink_to(file)
    yield
    assert link.read_text() == text
    assert file.read_text() != text
    link.unlink()


def start(machine, commands):
    machine.run(commands)
    until(answers(machine, machine.port))


@runs("docs/operations.md#Runbooks", "docs/operations.md#Changing a key", together=True)
@pytest.mark.parametrize("verify", ["app", "njs", "secure-link"])
def test_changing_a_key(found, place, jpeg, verify):
    begin, add, move, remove = steps(found)
    with machines(place, ["site"]) as (machine,):
        machine.make(found, jpeg, verify=verify)
        start(machine, begin)
        old = machine.urls()
        machine.serves(old)
        keys = machine.directory / "secret_keys"
        with visitors(machine):
            machine.run_and_restart(add)
            assert machine.urls() == old
            with replaced(keys):
                machine.run_and_restart(move)
            new = machine.urls()
            assert new != old
        assert keys.read_text().split()[1] == KEY.replace(" ", "-")
        machine.serves(old)
        machine.serves(new)
        with visitors(machine), replaced(keys):
            machine.run_and_restart(remove)
        until(lambda: [machine.get(url)[0] for url in old] == [403, 403])
        machine.serves(new)
        assert keys.stat().st_mode & 0o777 == 0o600
        for secrets in (machine.directory / "nginx").glob("*.inc"):
            assert secrets.stat().st_mode & 0o777 == 0o600


@runs("docs/operations.md#Runbooks", "docs/operations.md#From `direct` to nginx", together=True)
def test_from_direct_to_nginx(found, place, jpeg):
    begin, front, check, offload, doctor = steps(found)
    with machines(place, ["site"]) as (machine,):
        machine.make(found, jpeg, server="direct")
        machine.run(begin[:1])
        until(answers(machine, machine.app_port))
        urls = machine.urls(machine.app_port)
        machine.serves(urls, machine.app_port)
        machine.run(front)
        until(answers(machine, machine.port))
        assert json.loads(machine.run(check)) == urls
        with visitors(machine):
            machine.run_and_restart(offload)
        machine.serves(urls)
        # The app now leaves the file to nginx.
        assert machine.get(urls[1], machine.app_port) == (200, b"")
        assert "The server sends the file." in machine.run(doctor)


@runs("docs/operations.md#Runbooks", "docs/operations.md#Moving to another machine", together=True)
def test_moving_to_another_machine(found, place, jpeg):
    first, pack, unpack, begin, backfill, end = steps(found)
    with machines(place, ["old", "new"]) as (old, new):
        old.make(found, jpeg)
        start(old, first)
        urls = old.urls()
        old.serves(urls)
        (thumbnail,) = (path for path in (old.directory / "cache").rglob("*.jpg") if path.is_file())
        for commands, machine in ((pack, old), (unpack, new), (begin, new)):
            assert {name for name, _ in commands} == {machine.directory.name}
        old.run(pack)
        shutil.move(old.directory / "site.tar", new.directory)
        new.run(unpack)
        # The ports in the script are those of the old machine here.
        script = new.directory / "configure"
        script.write_text(
            script.read_text()
            .replace(f":{old.app_port}", f":{new.app_port}")
            .replace(f":{old.port}", f":{new.port}")
        )
        new.run(begin)
        assert new.urls() == urls
        copied = new.directory / thumbnail.relative_to(old.directory)
        assert copied.stat().st_mtime_ns // 10**9 == thumbnail.stat().st_mtime_ns // 10**9
        new.serves(urls)
        old.serves(urls)
        new.run([("", "xaccel cache clear --app shop:app")])
        new.run(backfill)
        assert copied.exists()
        old.run(end)
        new.serves(urls)
        until(lambda: not (old.directory / "gunicorn.pid").exists())


def wheel(directory, version):
    """Pack this xaccel as a wheel with another version number."""
    package = Path(xaccel.__file__).parent
    information = importlib.metadata.distribution("xaccel")
    record = f"xaccel-{version}.dist-info"
    with zipfile.ZipFile(directory / f"xaccel-{version}-py3-none-any.whl", "w") as archive:
        names = [f"{record}/{name}" for name in ("METADATA", "WHEEL", "entry_points.txt")]
        for name in names:
            text = information.read_text(name.rpartition("/")[2])
            archive.writestr(name, re.sub("(?m)^Version: .*$", f"Version: {version}", text))
        for path in sorted(package.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                names.append(str(path.relative_to(package.parent)))
                archive.write(path, names[-1])
        names.append(f"{record}/RECORD")
        archive.writestr(names[-1], "".join(f"{name},,\n" for name in names))


@pytest.fixture
def environment(place, monkeypatch):
    """An environment of its own with an old version, whose pip finds a newer one."""
    wheels = place / "wheels"
    wheels.mkdir()
    old, new = (f"{VERSION}.post{number}" for number in (1, 2))
    wheel(wheels, old)
    directory = place / "venv"
    venv.create(directory, with_pip=True)
    (packages,) = directory.glob("lib/python*/site-packages")
    # The frameworks and Gunicorn are those of this environment.
    (packages / "tests.pth").write_text(str(Path(pytest.__file__).parents[1]))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheels))
    monkeypatch.setenv("PIP_DISABLE_PIP_VERSION_CHECK", "1")
    subprocess.run(
        [directory / "bin" / "python", "-m", "pip", "install", "-q", "--no-deps", f"xaccel=={old}"],
        check=True,
    )
    wheel(wheels, new)
    return directory / "bin", old, new


@runs("docs/operations.md#Runbooks", "docs/operations.md#Upgrading xaccel", together=True)
def test_upgrading(found, place, environment, jpeg):
    programs, old, new = environment
    begin, install, check, restart, doctor, clear, back = steps(found)
    version = [("", "python -m pip show xaccel")]
    with machines(place, ["site"], programs) as (machine,):
        machine.make(found, jpeg)
        assert f"Version: {old}\n" in machine.run(version)
        start(machine, begin)
        urls = machine.urls()
        machine.serves(urls)
        with visitors(machine):
            machine.run(install)
            assert f"Version: {new}\n" in machine.run(version)
            machine.run(check)
            machine.run_and_restart(restart)
        machine.run(doctor)
        assert [*(machine.directory / "cache").rglob("*.jpg")]
        machine.run(clear)
        assert not [*(machine.directory / "cache").rglob("*.jpg")]
        with visitors(machine):
            machine.run(back)
            assert f"Version: {old}\n" in machine.run(version)
            machine.run_and_restart(restart)
        assert machine.urls() == urls
