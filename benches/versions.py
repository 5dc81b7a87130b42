"""Print the versions of all packages and programs that the benchmarks compare.

benches/versions.py
"""

from __future__ import annotations

import importlib.metadata
import platform
import re
import subprocess
from contextlib import suppress

PACKAGES = (
    "xaccel", "pillow", "pyvips", "thumbor", "libthumbor", "itsdangerous", "flask", "django",
    "jinja2", "gunicorn", "sorl-thumbnail", "easy-thumbnails", "boto3", "pi-heif", "pypdfium2",
    "pillow-jxl-plugin", "cairosvg",
)  # fmt: skip
PROGRAMS = {
    "nginx": ("/usr/sbin/nginx", "-v"),
    "wrk": ("wrk", "-v"),
    "oximg": ("oximg", "--version"),
    "rsvg-convert": ("rsvg-convert", "--version"),
    "redis-server": ("redis-server", "--version"),
}
NUMBER = re.compile(r"\d+(\.\d+)+")


def version(name: str) -> str:
    """Return the version of a package or program, or "not installed"."""
    with suppress(importlib.metadata.PackageNotFoundError):
        return importlib.metadata.version(name)
    with suppress(KeyError, OSError):
        done = subprocess.run(PROGRAMS[name], capture_output=True, text=True, check=False)
        if found := NUMBER.search(done.stdout + done.stderr):
            return found[0]
    return "not installed"


def libvips() -> str:
    """Return the version of the library that pyvips uses."""
    import pyvips

    return ".".join(str(pyvips.version(part)) for part in range(3))


def print_versions(*names: str) -> None:
    """Print the versions of Python, libvips, and these packages and programs."""
    found = ", ".join(f"{name} {version(name)}" for name in names)
    print(f"Python {platform.python_version()}, libvips {libvips()}, {found}")


if __name__ == "__main__":
    print_versions(*PACKAGES, *PROGRAMS)
