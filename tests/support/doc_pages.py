"""The pages of the docs, and their snippets, all of which the tests run."""

import ast
import contextlib
import functools
import os
import re
import shlex
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.support.servers.process import free_port, running

ROOT = Path(__file__).parents[2]
_FENCE = re.compile(r"( *)```(\w*)$")
_SECTION = re.compile(r"^(?:Args|Returns|Yields|Raises):$", re.MULTILINE)
_NAME = re.compile(r"(?:# |<!-- )(\S+?)(, at the end)?(?: -->)?\n")
_SERVER = re.compile(r"\b8000\b|gallery\.py$")
"""A command that starts a server."""
_INTERACTIVE = ("python -m pip install", "python manage.py createsuperuser")


class Snippet(NamedTuple):
    """A block of code in a page."""

    page: str
    heading: str
    """The heading of its section, without `#`."""
    line: int
    kind: str
    """The language of a fenced block, or "indented"."""
    text: str

    @property
    def place(self):
        return f"{self.page}:{self.line} ({self.heading})"


_PAGES = ("*.md", "docs/**/*.md", "examples/**/*.md", "crates/*/*.md", "python/**/*.py*")


def pages():
    """Return the names of all pages, relative to the repository.

    A module counts as a page, since the site of the docs shows its docstrings.
    """
    found = (path for pattern in _PAGES for path in ROOT.glob(pattern))
    return sorted(
        path.relative_to(ROOT).as_posix() for path in found if path.suffix in {".md", ".py", ".pyi"}
    )


def page(name):
    return (ROOT / name).read_text()


def snippets(place, kinds=None):
    """Return the snippets of a page, or of a section: `docs/s3.md` or `docs/s3.md#Keys`.

    The sections of a module are the names with a docstring. That of the module is "module".
    """
    name, _, section = place.partition("#")
    return [
        each
        for each in _parsed(name)
        if section in {"", each.heading} and (kinds is None or each.kind in kinds)
    ]


@functools.cache
def _parsed(name):
    if name.endswith(".md"):
        return [*_blocks(name, page(name), "")]
    return [
        each
        for heading, text in docstrings(name)
        for each in _blocks(name, _SECTION.split(text)[0], heading)
    ]


@functools.cache
def docstrings(name):
    """Return the docstrings of a module, each with the name of its class or function."""
    found = (
        (getattr(node, "name", "module"), ast.get_docstring(node))
        for node in ast.walk(ast.parse(page(name)))
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
    )
    return [(name, text) for name, text in found if text]


def _blocks(name, text, heading):
    lines = [*text.splitlines(), ""]
    previous, at = "", 0
    while at < len(lines):
        line, start = lines[at], at + 1
        fence = _FENCE.match(line)
        at += 1
        if fence is not None:
            at = lines.index(f"{fence[1]}```", at) + 1
            yield Snippet(name, heading, start, fence[2], _joined(lines[start : at - 1]))
        elif line.startswith("    ") and not previous:
            while at < len(lines) and (lines[at].startswith("    ") or not lines[at]):
                at += 1
            text = _joined(lines[start - 1 : at]).rstrip()
            yield Snippet(name, heading, start, "indented", f"{text}\n")
        elif line.startswith("#"):
            heading = line.lstrip("# ")
        previous = lines[at - 1]


def _joined(lines):
    return textwrap.dedent("".join(f"{line}\n" for line in lines))


def runs(*places, kinds=None, each=False, together=False):
    """Give a test the snippets of each place as the argument `found`, a list.

    The test must run all of them: `run_by_tests()` relies on it. By default, the test runs once for
    each place; with `each`, once for each snippet; with `together`, once for all.
    """
    found = {place: snippets(place, kinds) for place in places}
    assert all(found.values()), f"a place without snippets: {places}"
    every = [snippet for part in found.values() for snippet in part]
    if each:
        found = {snippet.place: [snippet] for snippet in every}
    if together:
        found = {places[-1]: every}
    return pytest.mark.parametrize("found", found.values(), ids=found)


def run_by_tests():
    """Return the snippets that tests run, with the names of these tests."""
    tests = {}
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        text = path.read_text()
        if "import doc_pages" in text or "doc_pages import" in text:
            for function in ast.parse(text).body:
                for place, kinds in _decorated(function):
                    for each in snippets(place, kinds):
                        tests.setdefault(each, []).append(f"{path.name}::{function.name}")
    return tests


def _decorated(node):
    """Return the places and the kinds in the decorator `runs()` of a test."""
    for decorator in getattr(node, "decorator_list", ()):
        match decorator:
            case ast.Call(func=ast.Name(id="runs"), args=places, keywords=options):
                assert node.name.startswith("test_"), node.name
                named = {option.arg: ast.literal_eval(option.value) for option in options}
                for each in places:
                    yield ast.literal_eval(each), named.get("kinds")


def execute(text, page, **names):
    """Run Python code of a page, and return its names."""
    exec(compile(text, page, "exec"), names)
    return names


def values(text, page, names):
    """Run Python code of a page, and return the value of each expression on its own line."""
    found = {}
    for node in ast.parse(text).body:
        if isinstance(node, ast.Expr):
            code = ast.unparse(node)
            found[code] = eval(code, names)
        else:
            exec(compile(ast.Module([node], []), page, "exec"), names)
    return found


def environment():
    # The commands of this environment, and nothing of the tests.
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    variables = {**os.environ, "PATH": path, "PYTHONWARNINGS": "error"}
    variables.pop("DJANGO_SETTINGS_MODULE", None)
    return variables


def run(command, directory, status=0):
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
    assert made.returncode == status, f"{command}\n{made.stdout}\n{made.stderr}"
    return made.stdout + made.stderr


def examine(command, directory):
    """Run a command with `xaccel doctor` for a site without a web server in front.

    It finds only what is due to that.
    """
    printed = run(command, directory, status=1)
    assert set(re.findall(r"^FINDING +(\S+):", printed, re.MULTILINE)) <= {"keep-alive", "uploads"}
    assert "ok       app: The site responds with 200." in printed
    assert "ok       thumbnails: The site renders thumbnails" in printed


def follow(found, directory):
    """Write the files of a page and run its console blocks, except servers.

    Returns what each command prints.
    """
    printed = {}
    for snippet in found:
        if snippet.kind == "console":
            for command in commands(snippet):
                if not command.startswith(_INTERACTIVE) and not _SERVER.search(command):
                    printed[command] = run(command, directory)
            continue
        name = _NAME.match(snippet.text)
        assert name is not None, f"a snippet does not name its file: {snippet.place}"
        file = directory / name[1]
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("a" if name[2] else "w") as output:
            output.write(f"\n{snippet.text}")
    return printed


def commands(snippet):
    """Return the commands of a snippet: the lines with a prompt, or all lines, less comments."""
    text = re.sub(r"\\\n *", "", snippet.text)
    if snippet.kind == "console":
        return re.findall(r"^\$ (.+)$", text, re.MULTILINE)
    return [re.sub(r" +# .*", "", line) for line in text.splitlines()]


@contextlib.contextmanager
def serving(found, directory):
    """Run the server that a page starts, on a free port, and yield its address."""
    (command,) = (
        command
        for snippet in found
        if snippet.kind == "console"
        for command in commands(snippet)
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
