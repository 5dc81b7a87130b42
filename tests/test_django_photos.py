"""The Django example: its own tests, Django's checks, and its migrations."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parent.parent / "examples" / "django_photos"
PRODUCTION = {
    "DJANGO_ALLOWED_HOSTS": "www.example.com",
    "DJANGO_SECRET_KEY": "a key of the tests, of 50 characters or even more than that",
    "XACCEL_SECRET_KEY": "a key of 16 bytes or more",
}

pytestmark = pytest.mark.slow


def manage(data, *command):
    """Run a command of the project, with warnings as errors, and return what it prints."""
    environment = {**os.environ, **PRODUCTION, "PHOTOSITE_DATA": str(data)}
    environment.pop("DJANGO_SETTINGS_MODULE", None)
    done = subprocess.run(
        [sys.executable, "-W", "error", "manage.py", *command],
        cwd=EXAMPLE,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout + done.stderr


@pytest.mark.parametrize(
    ("settings", "silenced"), [("development", 0), ("production", 0), ("demo", 4)]
)
def test_the_checks_find_nothing(tmp_path, settings, silenced):
    deploy = [] if settings == "development" else ["--deploy"]
    printed = manage(tmp_path, "check", *deploy, f"--settings=photosite.settings.{settings}")
    assert f"no issues ({silenced} silenced)" in printed


def test_the_migrations_are_complete(tmp_path):
    assert "No changes detected" in manage(tmp_path, "makemigrations", "--check")


def test_its_own_tests_pass(tmp_path):
    # Among them: a page of 100 thumbnails needs one query and opens no file.
    assert "Ran 7 tests" in manage(tmp_path, "test")
