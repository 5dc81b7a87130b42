"""`docs/django.md`, step by step: a site is made of its snippets, and its own tests pass."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = Path(__file__).parent.parent / "docs" / "django.md"
SNIPPET = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NAME = re.compile(r"(?:# |<!-- )(\S+?)(, at the end)?(?: -->)?\n")

pytestmark = pytest.mark.slow


def run(command, directory):
    # The commands of this environment, and nothing of the tests.
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "PYTHONWARNINGS": "error"}
    environment.pop("DJANGO_SETTINGS_MODULE", None)
    made = subprocess.run(
        command,
        cwd=directory,
        env=environment,
        shell=True,
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, f"{command}\n{made.stdout}\n{made.stderr}"
    return made.stdout + made.stderr


def follow(snippets, directory):
    """Follow the page, and return what each command prints."""
    printed = {}
    for kind, text in snippets:
        if kind == "console":
            for command in re.findall(r"^\$ (.+)$", text, re.MULTILINE):
                if not command.startswith("python -m pip install"):
                    printed[command] = run(command, directory)
            continue
        name = NAME.match(text)
        assert name is not None, f"a snippet does not name its file: {text}"
        file = directory / name[1]
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("a" if name[2] else "w") as output:
            output.write(f"\n{text}")
    return printed


def test_the_page_makes_a_site_whose_tests_pass(tmp_path):
    snippets = SNIPPET.findall(PAGE.read_text())
    assert len(snippets) >= 15
    printed = follow(snippets, tmp_path)
    assert "no issues" in printed["python manage.py check"]
    assert "Ran 5 tests" in printed["python manage.py test"]
    assert "No changes detected" in run("python manage.py makemigrations --check", tmp_path)
    assert "x-accel" in "".join(file.read_text() for file in (tmp_path / "nginx").iterdir()).lower()
