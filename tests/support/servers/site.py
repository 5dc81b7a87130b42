"""A site: an app under Gunicorn or Uvicorn, alone or behind a real web server that xaccel
configured."""

import contextlib
import json
import os
import signal
import sys
import time
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from http.client import HTTPConnection, HTTPMessage
from pathlib import Path

from xaccel import Config
from xaccel.servers import generators
from xaccel.servers.deployment import Deployment

from tests.support.servers.files import Files
from tests.support.servers.process import HOST, PATIENCE, free_port, running

FRONTS = ("direct", "nginx", "apache", "lighttpd", "caddy")
CHECKS = {
    "nginx": ("nginx", "-t", "-q", "-c"),
    "apache": ("apache2", "-t", "-f"),
    "lighttpd": ("lighttpd", "-tt", "-f"),
    "caddy": ("caddy", "validate", "--adapter", "caddyfile", "--config"),
}
"""The commands that check a server's configuration."""
GATEWAYS = {
    "flask": "gunicorn",
    "django": "gunicorn",
    "bare": "gunicorn",
    "django-asgi": "uvicorn",
    "starlette": "uvicorn",
    "bare-asgi": "uvicorn",
}
"""The application server of each framework."""
FRAMEWORKS = tuple(GATEWAYS)
PREFIXES = {"main": "/_private/files/", "second": "/_private/se cond/"}

_OURS = ("x-accel", "x-sendfile", "x-lighttpd")


@dataclass(frozen=True)
class Reply:
    """A response."""

    status: int
    headers: HTTPMessage = field(repr=False)
    body: bytes = field(repr=False)

    @property
    def sender(self) -> str:
        """The sender of the file: "app" or "server"."""
        return (self.headers["Set-Cookie"] or "").partition("=")[2]


@dataclass
class Site:
    """A running site. It checks that replies do not reveal anything that visitors must not see."""

    front: str
    files: Files
    port: int
    app_port: int
    app_pid: int
    framework: str
    _connection: HTTPConnection | None = None
    _last_used: float = 0

    def ask(
        self,
        target: str,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        *,
        limit: int | None = None,
    ) -> Reply:
        """Request a target exactly as it is spelled, read up to `limit` bytes, and hang up."""
        connection = self._take_connection()
        body = b"posted" if method == "POST" else None
        connection.request(method, target, body=body, headers=dict(headers or {}))
        response = connection.getresponse()
        reply = Reply(response.status, response.headers, response.read(limit))
        if limit is None and not response.will_close:
            self._connection, self._last_used = connection, time.monotonic()
        else:
            connection.close()
        self._check(target, reply)
        return reply

    def file(
        self,
        name: bytes,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        *,
        options: str = "",
        view: str = "file",
        limit: int | None = None,
    ) -> Reply:
        """Request a file from a view, by its path relative to the root."""
        return self.ask(self._target(name, view) + options, method, headers, limit=limit)

    def download(self, name: bytes) -> tuple[int, bytes]:
        """Read a file of any length to the end, and return its length and its last bytes."""
        length, end = 0, b""
        buffer = memoryview(bytearray(1 << 20))
        with contextlib.closing(HTTPConnection(HOST, self.port, timeout=PATIENCE)) as connection:
            connection.request("GET", self._target(name))
            response = connection.getresponse()
            while size := response.readinto(buffer):
                length += size
                end = (end + bytes(buffer[max(0, size - 100) : size]))[-100:]
        return length, end

    def _target(self, name: bytes, view: str = "file") -> str:
        return f"/{self.framework}/{view}?name={zlib.compress(name).hex()}"

    def _check(self, target: str, reply: Reply) -> None:
        shown = "".join(f"{name}: {value}\n" for name, value in reply.headers.items())
        if reply.status not in {200, 206}:
            shown += reply.body.decode("latin-1")
        hidden = [*PREFIXES.values(), "/_private", str(self.files.home), "Traceback"]
        for secret in hidden:
            assert secret not in shown.replace(target, ""), (self.front, target, reply.status)
        ours = [name for name in reply.headers if name.lower().startswith(_OURS)]
        assert not ours, (self.front, target, reply.status, ours)
        for name in ("Content-Length", "Content-Type", "ETag", "Accept-Ranges", "Connection"):
            values = reply.headers.get_all(name, [])
            assert len(values) <= 1, (self.front, target, name, values)

    def _take_connection(self) -> HTTPConnection:
        connection, self._connection = self._connection, None
        # Apache and lighttpd hang up after five seconds without a request.
        if connection is not None and time.monotonic() < self._last_used + 2:
            return connection
        if connection is not None:
            connection.close()
        return HTTPConnection(HOST, self.port, timeout=PATIENCE)

    @property
    def worker(self) -> int:
        """The process ID of the worker that runs the app."""
        return (children(self.app_pid) or [self.app_pid])[0]

    def of(self, framework: str) -> "Site":
        """Return the same site with the views of another framework, under the same gateway."""
        return replace(self, framework=framework, _connection=None)

    def begin_to_stop(self) -> None:
        """Tell the app to stop without waiting for it, because some apps take a while."""
        os.kill(self.app_pid, signal.SIGTERM)

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()


def settings(front: str, files: Files, **more: object) -> dict[str, object]:
    """Return the app's settings."""
    roots = {str(files.root): PREFIXES["main"], str(files.second): PREFIXES["second"]}
    return {"SERVER": front, "ROOTS": roots, **more}


@contextlib.contextmanager
def running_site(
    front: str, files: Files, directory: Path, framework: str = "bare", **more: object
) -> Iterator[Site]:
    """Run a site until the block ends.

    `directory` is an empty directory for the servers, and `more` contains additional settings of
    the app.
    """
    with contextlib.ExitStack() as stack:
        port = app_port = free_port()
        configured = settings(front, files, **more)
        app = {"XACCEL": configured, "MAIN_ROOT": str(files.root)}
        command = [sys.executable, "-m", *_gateway(GATEWAYS[framework], app_port, directory)]
        env = {"XACCEL_TEST_SETTINGS": json.dumps(app)}
        app_pid = stack.enter_context(running(command, app_port, directory / "app.log", env))
        if front != "direct":
            port = free_port()
            config = Config.from_mapping(configured)
            stack.enter_context(running_server(front, config, directory, port, app_port))
        site = Site(front, files, port, app_port, app_pid, framework)
        stack.callback(site.close)
        yield site


def _gateway(name: str, port: int, directory: Path) -> tuple[str, ...]:
    if name == "uvicorn":
        return (
            *("uvicorn", "--host", HOST, "--port", str(port), "--timeout-keep-alive", "60"),
            *("--lifespan", "off", "--no-access-log"),
            *("--factory", "tests.support.servers.asgi_apps:dispatcher"),
        )
    return (
        *("gunicorn", "--bind", f"{HOST}:{port}", "--threads", "4", "--keep-alive", "60"),
        *("--no-control-socket", "--worker-tmp-dir", str(directory)),
        "tests.support.servers.wsgi_apps:dispatcher()",
    )


@contextlib.contextmanager
def running_server(
    front: str,
    config: Config,
    directory: Path,
    port: int,
    app_port: int,
    **deployment: object,
) -> Iterator[int]:
    """Run a web server with the configuration that xaccel generates."""
    server = generators.load(front)
    (directory / "tmp").mkdir()
    # The workers of Apache and lighttpd may run as another user.
    for path in (directory, directory / "tmp"):
        path.chmod(0o755)
    addresses = {"upstream": f"{HOST}:{app_port}", "listen": f"{HOST}:{port}"}
    deployed = Deployment(**{**addresses, **deployment})
    main_file = directory / server.FULL_FILE
    main_file.write_text(server.full(config, deployed, directory))
    secrets = server.secrets(config, deployed)
    if secrets is not None:
        (directory / server.secrets_file(deployed)).write_text(secrets)
    for name, text in server.further_files(deployed).items():
        (directory / name).write_text(text)
    with started(front, main_file, port) as pid:
        yield pid


@contextlib.contextmanager
def started(
    front: str, main_file: Path, port: int, env: Mapping[str, str] | None = None
) -> Iterator[int]:
    """Run a web server with the configuration in a file; `env` is added to its environment."""
    directory = main_file.parent
    command = {
        "nginx": ("nginx", "-e", directory / "error.log", "-c", main_file, "-g", "daemon off;"),
        "apache": ("apache2", "-DFOREGROUND", "-f", main_file),
        "lighttpd": ("lighttpd", "-D", "-f", main_file),
        "caddy": ("caddy", "run", "--config", main_file, "--adapter", "caddyfile"),
    }[front]
    # Caddy keeps a copy of its configuration in these directories.
    caddy = {name: str(directory) for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME")}
    with running(command, port, directory / "server.log", {**caddy, **(env or {})}) as pid:
        yield pid


def children(pid: int) -> list[int]:
    """Return the child processes of a process."""
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(child) for child in text.split()]


def peak_memory(pid: int) -> int:
    """Return the peak memory of a process since the last `reset_peak_memory()`, in bytes."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError("no VmHWM")


def reset_peak_memory(pid: int) -> None:
    """Reset the peak memory of a process. For the meaning of the 5, see proc(5)."""
    os.write(descriptor := os.open(f"/proc/{pid}/clear_refs", os.O_WRONLY), b"5")
    os.close(descriptor)
