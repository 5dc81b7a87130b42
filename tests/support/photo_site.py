"""The Django example behind nginx, below `/shop/`, as `make demo EXAMPLE=django` starts it."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.support.servers.process import PATIENCE, free_port

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class PhotoSite:
    """The running site."""

    url: str
    """The site's URL, such as `http://127.0.0.1:8000/shop/`."""
    password: str
    data: Path
    _requests: Path

    @property
    def requests(self) -> list[str]:
        """The paths of all requests that reached the app."""
        return re.findall(r'"(?:GET|HEAD|POST) (\S+)', self._requests.read_text())


@contextlib.contextmanager
def running(directory: Path) -> Iterator[PhotoSite]:
    """Start the demo with its data in a directory, and stop it at the end."""
    requests, data = directory / "requests.log", directory / "data"
    command = [sys.executable, ROOT / "scripts" / "demo.py", "--example=django", "--server=nginx"]
    with subprocess.Popen(
        [*command, f"--port={free_port()}", f"--data={data}"],
        env={**os.environ, "GUNICORN_CMD_ARGS": f"--access-logfile={requests}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as demo:
        try:
            yield PhotoSite(*_announced(demo), data, requests)
        finally:
            demo.terminate()
            demo.wait(PATIENCE)


def _announced(demo: subprocess.Popen[str]) -> tuple[str, str]:
    """Return the URL and the password that the demo prints once it is ready."""
    printed = ""
    assert demo.stdout is not None
    for line in demo.stdout:
        printed += line
        password = re.search("with the password (.+)", line)
        if password:
            url = re.search("The photo site is at (.+) \\(", printed)
            assert url, printed
            return url[1], password[1]
    raise AssertionError(f"the demo did not start:\n{printed}")
