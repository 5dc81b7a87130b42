"""The versions of what a benchmark compares, so that its figures can be understood later."""

from __future__ import annotations

import importlib.metadata
import platform
import subprocess
from contextlib import suppress

PROGRAMS = {"nginx": ("/usr/sbin/nginx", "-v"), "wrk": ("wrk", "-v")}


def version(name: str) -> str:
    """Return the version of a package or program, or "not installed"."""
    if name == "libvips":
        import pyvips

        return ".".join(str(pyvips.version(part)) for part in range(3))
    with suppress(importlib.metadata.PackageNotFoundError):
        return importlib.metadata.version(name)
    with suppress(OSError):
        done = subprocess.run(PROGRAMS[name], capture_output=True, text=True, check=False)
        return (done.stderr or done.stdout).split()[2 if name == "nginx" else 1].rpartition("/")[2]
    return "not installed"


def print_versions(*peers: str) -> None:
    """Print the versions of Python, xaccel and its peers."""
    names = ("xaccel", *peers)
    found = ", ".join(f"{name} {version(name)}" for name in names)
    print(f"Python {platform.python_version()}, {found}")
