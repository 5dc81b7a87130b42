"""The pages of the docs, whose snippets the tests run."""

import contextlib
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

from tests.support.servers.process import free_port, running

DOCS = Path(__file__).parent.parent.parent / "docs"
_SNIPPET = re.compile(r"^```([\w+]+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_NAME = re.compile(r"(?:# |<!-- )(\S+?)(, at the end)?(?: -->)?\n")
_SERVER = re.compile(r"\b8000\b|gallery\.py$")
"""A command that starts a server."""
_INTERACTIVE = ("python -m pip install", "python manage.py createsuperuser")


def page(name):
    return (DOCS / name).read_text()


def snippets(name):
    """Return the language and the text of each snippet of a page."""
    return _SNIPPET.findall(page(name))


def environment():
    # The commands of this environment, and nothing of the tests.
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    variables = {**os.environ, "PATH": path, "PYTHONWARNINGS": "error"}
    variables.pop("DJANGO_SETTINGS_MODULE", None)
    return variables


def run(command, directory):
    """Run a command of a page, and return what it prints."""
    made = subprocess.run(
        command,
        cwd=directory,
        env=environment(),
        shell=True,
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, f"{command}\n{made.stdout}\n{made.stderr}"
    return made.stdout + made.stderr


def follow(found, directory):
    """Write the files of a page and run its commands, except servers.

    Returns what each command prints.
    """
    printed = {}
    for kind, text in found:
        if kind == "console":
            for command in commands(text):
                if not command.startswith(_INTERACTIVE) and not _SERVER.search(command):
                    printed[command] = run(command, directory)
            continue
        name = _NAME.match(text)
        assert name is not None, f"a snippet does not name its file: {text}"
        file = directory / name[1]
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("a" if name[2] else "w") as output:
            output.write(f"\n{text}")
    return printed


def commands(text):
    return re.findall(r"^\$ (.+)$", text, re.MULTILINE)


@contextlib.contextmanager
def serving(found, directory):
    """Run the server that a page starts, on a free port, and yield its address."""
    (command,) = (
        command
        for kind, text in found
        if kind == "console"
        for command in commands(text)
        if _SERVER.search(command)
    )
    port = free_port()
    for file in directory.glob("*.py"):
        file.write_text(file.read_text().replace("8000", str(port)))
    program, *arguments = shlex.split(command.replace("8000", str(port)))
    assert program == "python"
    with contextlib.chdir(directory):
        server = running(
            [sys.executable, *arguments], port, directory / "log", {"PYTHONUNBUFFERED": "1"}
        )
        with server:
            yield f"http://127.0.0.1:{port}"
