"""The example gallery, running on Gunicorn by itself or behind nginx."""

from __future__ import annotations

import contextlib
import http.client
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.parse
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from xaccel import Signer

from tests.support.servers.process import HOST, PATIENCE, free_port

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "flask_gallery"
FILM = "Bergwanderung – 山歩き.mp4"
INVITATION = "Einladung – Größe & Licht.pdf"

Front = Literal["direct", "nginx"]


@dataclass(frozen=True)
class Reply:
    """A response."""

    status: int
    headers: http.client.HTTPMessage = field(repr=False)
    body: bytes = field(repr=False)

    @property
    def text(self) -> str:
        return self.body.decode()


@dataclass
class Site:
    """A running gallery; `directory` is its own copy of the example."""

    front: Front
    directory: Path
    address: tuple[str, int]
    app: subprocess.Popen[bytes]
    server: subprocess.Popen[bytes] | None = None
    _cookie: str | None = field(default=None, repr=False)

    @property
    def url(self) -> str:
        return f"http://{self.address[0]}:{self.address[1]}"

    @property
    def cache(self) -> Path:
        return self.directory / "data" / "thumbnails"

    def fetch(
        self,
        target: str,
        *,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        body: str | None = None,
        member: bool = False,
    ) -> Reply:
        """Request a target exactly as it is spelled, including its dots."""
        sent = dict(headers or {})
        if member:
            sent["Cookie"] = self.member_cookie()
        connection = http.client.HTTPConnection(*self.address, timeout=PATIENCE)
        with contextlib.closing(connection):
            connection.request(method, target, body=body, headers=sent)
            answer = connection.getresponse()
            return Reply(answer.status, answer.headers, answer.read())

    def member_cookie(self) -> str:
        """Log in once, as a browser does."""
        if self._cookie is None:
            form = self.fetch("/login")
            token = re.search(r'name="token" value="([^"]+)"', form.text)
            assert token, form.text
            entered = self.fetch(
                "/login",
                method="POST",
                headers={
                    "Content-Type": "application/x-www-form-urlencoded",
                    "Cookie": _session(form),
                },
                body=urllib.parse.urlencode(
                    {"token": token[1], "name": "demo", "password": "xaccel"}
                ),
            )
            assert entered.status == 302, entered
            self._cookie = _session(entered)
        return self._cookie

    def thumbnail(self, source: str, spec: str = "300x200") -> str:
        """Return the signed URL of a thumbnail. The source need not exist."""
        key = (self.directory / "data" / "url.key").read_text(encoding="utf-8")
        algorithm = "secure-link-md5" if self.front == "nginx" else "hmac-sha256"
        return Signer([key], algorithm=algorithm).sign(f"/t/{spec}/{source}")

    def cached_files(self) -> set[Path]:
        """Return the files in the cache except locks."""
        return {
            path.relative_to(self.cache)
            for path in self.cache.rglob("*")
            if path.is_file() and path.relative_to(self.cache).parts[0] != ".lock"
        }

    def stop_app(self) -> None:
        """Stop Gunicorn, but not the web server."""
        _stop(self.app)


@contextlib.contextmanager
def running(front: Front, directory: Path) -> Iterator[Site]:
    """Start a gallery in `directory`, and stop it at the end."""
    home = directory / "gallery"
    shutil.copytree(EXAMPLE, home, ignore=shutil.ignore_patterns("instance", "__pycache__", ".*"))
    _add_awkward_files(home, outside=directory)
    environment = {**os.environ, "XACCEL_SERVER": front, "GALLERY_DATA": str(home / "data")}
    with contextlib.ExitStack() as stack:
        app, address = _start_app(home, environment)
        stack.callback(_stop, app)
        site = Site(front, home, address, app)
        _wait_for(lambda: site.fetch("/").status == 200, app, home / "app.log")
        if front == "nginx":
            site.server, site.address = _start_nginx(home, environment, address)
            stack.callback(_stop, site.server)
            _wait_for(lambda: site.fetch("/").status == 200, site.server, home / "nginx.log")
        yield site


def _add_awkward_files(home: Path, *, outside: Path) -> None:
    photos, private = home / "photos", home / "private"
    (photos / "notes.txt").write_text("This is not a picture.\n")
    (photos / "notes.jpg").write_text("This is not a picture either.\n")
    whole = (photos / "bridge.jpg").read_bytes()
    (photos / "half.jpg").write_bytes(whole[: len(whole) // 2])
    (photos / "head.jpg").write_bytes(whole[: whole.index(b"\xff\xda")])
    (outside / "outside.pdf").write_text("not to be seen")
    shutil.copy(photos / "bridge.jpg", outside / "outside.jpg")
    (private / "link.pdf").symlink_to(outside / "outside.pdf")
    (photos / "link.jpg").symlink_to(outside / "outside.jpg")
    (private / "directory").mkdir()
    (photos / "directory.jpg").mkdir()


def _start_app(
    home: Path, environment: dict[str, str]
) -> tuple[subprocess.Popen[bytes], tuple[str, int]]:
    # Gunicorn inherits the listening socket, so that no other process can take the port.
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        (home / "app.log").open("wb") as log,
    ):
        command = [
            *(sys.executable, "-m", "gunicorn", "--no-control-socket", "--workers=2"),
            *(f"--bind=fd://{listener.fileno()}", "--threads=4", "app:app"),
        ]
        app = subprocess.Popen(
            command,
            cwd=home,
            env=environment,
            pass_fds=[listener.fileno()],
            stdout=log,
            stderr=log,
        )
        return app, listener.getsockname()


def _start_nginx(
    home: Path, environment: dict[str, str], upstream: tuple[str, int]
) -> tuple[subprocess.Popen[bytes], tuple[str, int]]:
    address = (HOST, free_port())
    xaccel = Path(sys.executable).with_name("xaccel")
    subprocess.run(
        [
            *(xaccel, "config", "nginx", "--app=app:app", "--full", f"--out={home / 'nginx'}"),
            *(f"--upstream={upstream[0]}:{upstream[1]}", f"--listen={address[0]}:{address[1]}"),
            f"--static=/static/={home / 'gallery' / 'static'}",
        ],
        cwd=home,
        env=environment,
        check=True,
    )
    nginx = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
    assert nginx, "nginx is not installed"
    with (home / "nginx.log").open("wb") as log:
        server = subprocess.Popen(
            [nginx, "-c", str(home / "nginx" / "nginx.conf"), "-g", "daemon off;"],
            stdout=log,
            stderr=log,
        )
    return server, address


def _wait_for(condition: Callable[[], bool], process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while True:
        with contextlib.suppress(ConnectionError):
            if condition():
                return
        assert process.poll() is None, f"ended at once:\n{log.read_text()}"
        assert time.monotonic() < deadline, f"not ready in time:\n{log.read_text()}"
        time.sleep(0.02)


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()
    process.wait(PATIENCE)


def _session(reply: Reply) -> str:
    cookie = reply.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    return cookie.partition(";")[0]
