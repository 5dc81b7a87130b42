"""Test wheels in `dist/` as users install them: in fresh Debian systems, with old and new packages.

    scripts/matrix.py [debian] [packages] [--suite SUITE …]

`debian` makes a minimal Debian system for each suite (debootstrap, as root), installs the wheel
there as a user would, and measures the time until the Flask example of the README has sent a
thumbnail. Then it runs the quick tests on the suite's Python. `packages` runs the tests of each
framework and extra with its lowest supported version and with the newest one.

The systems stay in `target/debian/` and are reused; `rm -r target/debian` removes them.
"""

from __future__ import annotations

import argparse
import re
import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import debian_system

ROOT = Path(__file__).parent.parent
ENVIRONMENTS = ROOT / "target" / "environments"
SUITES = ("bookworm", "trixie", "sid")
SECONDS_TO_THUMBNAIL = 60

# What a reader of the README does, from the first command to the first thumbnail.
FIRST_STEPS = """
set -eu
cd /root
rm -rf shop && mkdir shop && cd shop
python3 -m venv .venv
.venv/bin/pip install --quiet --find-links /wheels 'xaccel[flask]'
cp /app.py app.py
.venv/bin/flask --app app run --port 5010 >flask.log 2>&1 &
flask=$!
trap 'kill $flask || true' EXIT
url=$(.venv/bin/python -c '
from app import app
with app.test_request_context():
    print(app.jinja_env.globals["thumbnail_url"]("cat.jpg", 300, 200, fit="cover"))')
curl --silent --show-error --fail --retry 30 --retry-connrefused --retry-delay 1 \\
    --output thumbnail.jpg "http://127.0.0.1:5010$url"
.venv/bin/python -c '
import xaccel
info = xaccel.probe("thumbnail.jpg")
assert (info.width, info.height, info.format) == (300, 200, "jpeg"), info'
"""

QUICK_TESTS = """
set -eu
cd /source
scripts/install-packages test
python3 -m venv /environment
/environment/bin/pip install --quiet --upgrade 'pip>=25.1'
/environment/bin/pip install --quiet --force-reinstall --no-deps /wheels/xaccel-*.whl
/environment/bin/pip install --quiet --group demo --group test
/environment/bin/python -m pytest -q -p no:cacheprovider --numprocesses 2 \\
    -m 'not server and not e2e and not slow' --ignore tests/servers --ignore tests/e2e
"""


@dataclass(frozen=True)
class Versions:
    """Packages to install, and the tests that need them."""

    requirements: tuple[str, ...]
    tests: tuple[str, ...]


DJANGO_TESTS = (
    "test_django.py",
    "test_django_checks.py",
    "test_django_fields.py",
    "test_django_files.py",
    "test_thumbnails_django.py",
)
PACKAGE_VERSIONS = {
    "Flask 2.3": Versions(("flask==2.3.*", "werkzeug==2.3.*"), ("test_flask.py",)),
    "Flask, newest": Versions(("flask",), ("test_flask.py",)),
    "Django 4.2": Versions(("django==4.2.*",), DJANGO_TESTS),
    "Django 5.2": Versions(("django==5.2.*",), DJANGO_TESTS),
    # The newest FastAPI needs Starlette 1, whose test client uses another package than httpx.
    "Starlette 0.41": Versions(
        ("starlette==0.41.*", "fastapi==0.115.*", "httpx"), ("test_asgi.py", "test_trio.py")
    ),
    "botocore 1.40": Versions(("botocore==1.40.*", "boto3==1.40.*"), ("test_s3_settings.py",)),
    "pi-heif 1.0": Versions(("pi-heif==1.0.*",), ("test_decoders_heic.py",)),
    "pypdfium2 5.0": Versions(("pypdfium2==5.0.*",), ("test_decoders_pdf.py",)),
    "av 17.1": Versions(("av==17.1.*",), ("test_decoders_video.py",)),
    "prometheus-client 0.20": Versions(("prometheus-client==0.20.*",), ("test_metrics.py",)),
    "OpenTelemetry 1.20": Versions(
        ("opentelemetry-api==1.20.*", "opentelemetry-sdk==1.20.*"), ("test_metrics.py",)
    ),
    "celery 5.4": Versions(
        ("celery[redis]==5.4.*", "kombu[redis]==5.4.*"), ("servers/test_celery.py",)
    ),
    "tqdm 4.66": Versions(("tqdm==4.66.*",), ("test_backfill.py",)),
    "cryptography 44": Versions(("cryptography==44.*",), ("test_signing_cdn.py",)),
}


def main() -> None:
    """Run the tests, and print one line for each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", default=["debian", "packages"])
    parser.add_argument("--suite", action="append", choices=SUITES)
    options = parser.parse_args()
    wheels = [*(ROOT / "dist").glob("xaccel-*manylinux*x86_64.whl")]
    if len(wheels) != 1:
        sys.exit(f"dist/ must contain one wheel for manylinux on x86-64, not {len(wheels)}")
    failed = []
    if "debian" in options.parts:
        for suite in options.suite or SUITES:
            failed += [f"{suite}: {problem}" for problem in _debian(suite, wheels[0])]
    if "packages" in options.parts:
        failed += [name for name in PACKAGE_VERSIONS if not _packages(name, wheels[0])]
    if failed:
        sys.exit("failed: " + ", ".join(failed))


def _debian(suite: str, wheel: Path) -> Iterator[str]:
    """Test the wheel in a Debian system, and yield what fails."""
    system = debian_system.make(suite, suite)
    debian_system.use_network(system)
    shutil.rmtree(system / "wheels", ignore_errors=True)
    (system / "wheels").mkdir()
    shutil.copy(wheel, system / "wheels")
    (system / "srv/photos").mkdir(parents=True, exist_ok=True)
    shutil.copy(ROOT / "examples/flask_gallery/photos/puppies.jpg", system / "srv/photos/cat.jpg")
    (system / "srv/videos").mkdir(exist_ok=True)
    (system / "app.py").write_text(_flask_example())
    version = "python3 -c 'import sys; print(*sys.version_info[:2], sep=\".\")'"
    python = debian_system.run(system, version, capture=True).stdout.strip()
    start = time.monotonic()
    steps = debian_system.run(system, FIRST_STEPS, capture=True)
    seconds = time.monotonic() - start
    if steps.returncode:
        print(steps.stdout, steps.stderr, sep="\n")
        yield "first steps"
    else:
        print(f"{suite}, Python {python}: first thumbnail after {seconds:.0f} s", flush=True)
        if seconds > SECONDS_TO_THUMBNAIL:
            yield f"first thumbnail after {seconds:.0f} s"
    shutil.rmtree(system / "source", ignore_errors=True)
    shutil.copytree(ROOT, system / "source", ignore=_ignored)
    tests = debian_system.run(system, QUICK_TESTS, capture=True)
    print(f"{suite}, Python {python}: {_last_line(tests.stdout)}", flush=True)
    if tests.returncode:
        print(tests.stdout[-20_000:], tests.stderr[-5_000:], sep="\n")
        yield "quick tests"


def _ignored(directory: str, names: list[str]) -> set[str]:
    own = {"target", ".venv", ".git", "dist", ".demo"} if Path(directory) == ROOT else set()
    return (own | {"__pycache__"}) & set(names)


def _flask_example() -> str:
    section = (ROOT / "README.md").read_text().partition("## Flask\n")[2]
    match = re.search(r"```python\n(.*?)```", section, flags=re.DOTALL)
    if match is None:
        sys.exit("the README has no example for Flask")
    key = secrets.token_urlsafe()
    return match[1].replace('"…"', f'"{key}"')


def _packages(name: str, wheel: Path) -> bool:
    """Run the tests of some versions, which hide those of an environment for all tests."""
    versions = PACKAGE_VERSIONS[name]
    environment = ENVIRONMENTS / re.sub(r"[^\w.]+", "-", name)
    shared = _make_environment(ENVIRONMENTS / "shared", "--group", "demo", "--group", "test")
    (_make_environment(environment) / "shared.pth").write_text(f"{shared}\n")
    python = environment / "bin" / "python"
    install = (python, "-m", "pip", "install", "--quiet")
    try:
        _run(*install, "--force-reinstall", "--no-deps", wheel)
        _run(*install, *versions.requirements)
    except subprocess.CalledProcessError:
        print(f"{name}: not installed", flush=True)
        return False
    tests = subprocess.run(
        [
            *(python, "-m", "pytest", "-q", "-p", "no:cacheprovider"),
            *("--override-ini", "filterwarnings=default"),
            *(f"tests/{test}" for test in versions.tests),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    print(f"{name}: {_last_line(tests.stdout)}", flush=True)
    if tests.returncode:
        print(tests.stdout[-10_000:])
    return not tests.returncode


def _make_environment(environment: Path, *packages: str) -> Path:
    """Make an environment if there is none, and return the directory of its packages."""
    if not (environment / "complete").exists():
        _run(sys.executable, "-m", "venv", "--clear", environment)
        install = (environment / "bin" / "python", "-m", "pip", "install", "--quiet")
        _run(*install, "--upgrade", "pip>=25.1")
        if packages:
            _run(*install, *packages)
        (environment / "complete").touch()
    (directory,) = environment.glob("lib/python*/site-packages")
    return directory


def _last_line(text: str) -> str:
    return text.strip().rpartition("\n")[2]


def _run(*command: str | Path) -> None:
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    main()
