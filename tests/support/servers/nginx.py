"""A real nginx for a test, with its own configuration, directory and port.

with nginx(tmp_path, "server { listen $ADDRESS; location / { return 204; } }") as server:
    server.get("/").status
"""

import contextlib
import os
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import NamedTuple

from tests.support.servers.process import HOST, PATIENCE, free_port, running

MODULES = Path("/usr/lib/nginx/modules")


class Reply(NamedTuple):
    """A response."""

    status: int
    body: bytes


class Nginx:
    """A running nginx, and one keep-alive connection to it."""

    def __init__(self, directory: Path, port: int, pid: int) -> None:
        self.directory = directory
        self.port = port
        self.pid = pid
        self._connection = HTTPConnection(HOST, port, timeout=PATIENCE)

    def get(self, target: str) -> Reply:
        """Request a target exactly as it is spelled."""
        self._connection.request("GET", target)
        response = self._connection.getresponse()
        return Reply(response.status, response.read())

    def close(self) -> None:
        self._connection.close()

    @property
    def error_log(self) -> str:
        return (self.directory / "error.log").read_text(errors="replace")


@contextlib.contextmanager
def nginx(directory: Path, http: str, *, modules: tuple[str, ...] = ()) -> Iterator[Nginx]:
    """Run nginx until the block ends.

    Args:
        directory: An empty directory for its configuration, logs and temporary files.
        http: The content of the `http` block; `$ADDRESS` stands for the address to listen on.
        modules: Dynamic modules to load, such as "ngx_http_js_module".
    """
    port = free_port()
    config = directory / "nginx.conf"
    config.write_text(
        "\n".join(
            [
                *(f"load_module {MODULES}/{module}.so;" for module in modules),
                # If root starts nginx, its worker could otherwise not enter root's directories.
                *(["user root;"] if os.geteuid() == 0 else []),
                "daemon off;",
                "worker_processes 1;",
                f"pid {directory}/nginx.pid;",
                f"error_log {directory}/error.log;",
                "events {}",
                "http {",
                f"access_log {directory}/access.log;",
                "keepalive_requests 1000000;",
                *(
                    f"{kind}_temp_path {directory}/{kind};"
                    for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
                ),
                http.replace("$ADDRESS", f"{HOST}:{port}"),
                "}\n",
            ]
        )
    )
    command = ("nginx", "-p", directory, "-e", directory / "error.log", "-c", config)
    with running(command, port, directory / "output.log") as pid:
        server = Nginx(directory, port, pid)
        with contextlib.closing(server):
            yield server
