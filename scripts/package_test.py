"""Build the sdist, and build a wheel from the sdist.

The script also runs some of the sdist's tests against that wheel, and uses the wheel in an empty
virtual environment.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tarfile
import tempfile
import urllib.request
import venv
import zipfile
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).parent.parent
BIN = Path(sys.executable).parent

CHECK = """
import sys, xaccel
frameworks = {"flask", "django", "jinja2", "werkzeug"} & set(sys.modules)
assert not frameworks, f"importing xaccel imports {frameworks}"
signer = xaccel.Signer(["secret"], algorithm="secure-link-md5")
assert signer.sign("/t/300x200/photo.jpg").endswith("?key=qvHJx0qXanLY9m3LX49R3Q")
"""
C_LIBRARIES = ("libaom", "libjpeg-turbo", "libwebp", "mimalloc")
IN_SDIST = (
    ".cargo/config.toml",
    ".ci/run",
    ".github/workflows/tests.yml",
    ".stubtest-allowlist",
    ".typos.toml",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "Cargo.lock",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "Makefile",
    "SECURITY.md",
    "benches/signing.py",
    "clippy.toml",
    "deny.toml",
    "docs/images/gallery.jpg",
    "docs/settings.md",
    "examples/django_photos/manage.py",
    "examples/django_photos/photos/migrations/0001_initial.py",
    "examples/django_photos/photos/templates/photos/photo_list.html",
    "examples/flask_gallery/app.py",
    "fuzz/Cargo.toml",
    "fuzz/fuzz_targets/decode.rs",
    "python/xaccel/py.typed",
    "rustfmt.toml",
    "scripts/build_backend.py",
    "scripts/codecs.cmake",
    "scripts/package_test.py",
    "sboms/c-libraries.cdx.json",
    "tests/vectors/signing.json",
)
TESTS = ("cache", "cli", "django", "flask", "sandbox", "sign*", "spec", "thumbnail", "wsgi")
"""Tests that use each part of the native module, without a server."""
IN_WHEEL = (
    "xaccel/_core.abi3.so",
    "xaccel/_core.pyi",
    "xaccel/django/locale/de/LC_MESSAGES/django.mo",
    "xaccel/django/static/xaccel/image_widget.css",
    "xaccel/django/static/xaccel/image_widget.js",
    "xaccel/django/templatetags/xaccel.py",
    "xaccel/py.typed",
    "xaccel/flask.py",
    "xaccel/cli/gallery/gallery.css",
)


def main() -> None:
    """Run all checks. The first check that fails reports what is missing or broken."""
    with tempfile.TemporaryDirectory() as temporary:
        directory = Path(temporary)
        _run(BIN / "maturin", "sdist", "--out", directory)
        (sdist,) = directory.glob("xaccel-*.tar.gz")
        with tarfile.open(sdist) as archive:
            names = {name.partition("/")[2] for name in archive.getnames()}
            archive.extractall(directory, filter="data")
        _require(IN_SDIST, names, sdist)
        if (ROOT / ".git").exists():
            _require(_tracked(), names, sdist)

        source = sdist.with_name(sdist.name.removesuffix(".tar.gz"))
        _check_metadata(source / "PKG-INFO")
        _run(
            *(BIN / "python", "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"),
            *("--config-settings", "build-args=--quiet --locked --profile dev"),
            *("--wheel-dir", directory, source),
            env={
                **os.environ,
                "PATH": f"{BIN}:{os.environ['PATH']}",
                "CARGO_TARGET_DIR": str(ROOT / "target"),
            },
        )
        (wheel,) = directory.glob("xaccel-*.whl")
        with zipfile.ZipFile(wheel) as archive:
            _require(IN_WHEEL, set(archive.namelist()), wheel)
            (bill,) = [name for name in archive.namelist() if name.endswith("c-libraries.cdx.json")]
            components = json.loads(archive.read(bill))["components"]

        _run_tests(source, wheel, directory)

        environment = directory / "venv"
        venv.create(environment, with_pip=True)
        python = environment / "bin" / "python"
        _run(python, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", wheel)
        # With -I, neither the current directory nor PYTHONPATH can provide modules.
        _run(python, "-I", "-W", "ignore", "-c", CHECK, cwd=directory)
        _check_c_libraries({each["name"]: each["version"] for each in components}, python)
        _run(environment / "bin" / "xaccel", "--version", cwd=directory)
        _check_gallery(environment / "bin" / "xaccel", directory)
    print("The sdist builds a wheel that works.")


def _check_metadata(info: Path) -> None:
    """Check the metadata: links to the project, and working links in the description."""
    metadata, _, page = info.read_text().partition("\n\n")
    if "\nProject-URL: " not in metadata:
        sys.exit(f"{info.name} has no Project-URL")
    links = re.findall(r"\]\(([^)\s]+)", page)
    relative = [link for link in links if not link.startswith("https://")]
    if relative or not links:
        sys.exit(
            f"the README needs absolute links, but contains {', '.join(relative) or 'no links'}"
        )


def _check_c_libraries(listed: dict[str, str], python: Path) -> None:
    """Check the versions of the C libraries in the bill of materials (PEP 770)."""
    script = "import json; from xaccel._core import codecs; print(json.dumps(codecs()))"
    printed = subprocess.run([python, "-I", "-c", script], check=True, stdout=subprocess.PIPE)
    versions = {"mimalloc": _mimalloc_version(), **json.loads(printed.stdout)}
    linked = {name: versions[name] for name in C_LIBRARIES}
    if listed != linked:
        sys.exit(f"sboms/c-libraries.cdx.json lists {listed}, but the wheel contains {linked}")


def _mimalloc_version() -> str:
    """Return the version of the allocator, from the header in its crate."""
    command = ("cargo", "metadata", "--format-version=1", "--locked", "--features=python")
    printed = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout
    packages = json.loads(printed)["packages"]
    crate = next(each for each in packages if each["name"] == "libmimalloc-sys")
    headers = Path(crate["manifest_path"]).parent / "c_src" / "mimalloc"
    # Without the feature `v2`, the crate builds version 3.
    text = (headers / "v3" / "include" / "mimalloc.h").read_text()
    match = re.search("#define MI_MALLOC_VERSION +([0-9]+)([0-9]{2})([0-9]{2})\\b", text)
    if match is None:
        sys.exit("the header of mimalloc has no version")
    return ".".join(str(int(part)) for part in match.groups())


def _run_tests(source: Path, wheel: Path, directory: Path) -> None:
    """Run tests of the native module. `make test` runs the others with the same files."""
    installed = directory / "installed"
    pip = (sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps")
    _run(*pip, "--target", installed, wheel)
    files = [file for name in TESTS for file in source.glob(f"tests/test_{name}.py")]
    _run(
        *(sys.executable, "-m", "pytest", "-m", "not server and not slow", "-x", "-q"),
        *("-p", "no:cacheprovider", "--numprocesses", "2", "--hypothesis-profile", "quick"),
        *files,
        cwd=source,
        # This takes precedence over an editable installation of the repository.
        env={**os.environ, "PYTHONPATH": str(installed)},
    )


def _tracked() -> list[str]:
    """Return the files in the repository, without those that only Git reads."""
    # The user who runs the tests is not always the owner of the clone.
    command = ("git", "-c", "safe.directory=*", "ls-files", "-z")
    printed = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    names = printed.stdout.rstrip("\0").split("\0")
    return [name for name in names if not name.endswith(".gitignore")]


def _check_gallery(xaccel: Path, directory: Path) -> None:
    command = (xaccel, "serve", directory, "--port", "0")
    with subprocess.Popen(command, cwd=directory, stdout=subprocess.PIPE, text=True) as process:
        try:
            url = process.stdout.readline().split()[-1] if process.stdout is not None else ""
            with urllib.request.urlopen(url) as page:  # noqa: S310  ours
                if b"xaccel" not in page.read():
                    sys.exit(f"{url} does not show the gallery")
        finally:
            process.terminate()


def _require(wanted: Iterable[str], names: set[str], archive: Path) -> None:
    missing = [name for name in wanted if name not in names]
    if missing:
        sys.exit(f"{archive.name} lacks {', '.join(missing)}")


def _run(*command: str | Path, cwd: Path = ROOT, env: dict[str, str] | None = None) -> None:
    subprocess.run(command, cwd=cwd, env=env, check=True)


if __name__ == "__main__":
    main()
