"""The build backend: maturin, after a check of the tools that compile the codecs.

pip calls these functions (PEP 517). Without this check, a missing tool would stop the build only
after minutes, with an error message inside the output of a build script.
"""

from __future__ import annotations

import shutil
import sys
from typing import Any

import maturin

# A tool, and the Debian package that contains it.
TOOLS = {"cc": "gcc", "c++": "g++", "make": "make", "nasm": "nasm", "perl": "perl"}


def _check_tools() -> None:
    missing = [package for tool, package in TOOLS.items() if shutil.which(tool) is None]
    lines = []
    if missing:
        lines.append(f"On Debian or Ubuntu: apt-get install {' '.join(missing)}")
    if shutil.which("cargo") is None:
        lines.append("Rust 1.93 or later: install it from https://rustup.rs")
    if lines:
        sys.exit("\n  ".join(["xaccel: building from source needs more tools.", *lines]))


def get_requires_for_build_wheel(config_settings: dict[str, Any] | None = None) -> list[str]:
    """Check the tools, and ask for CMake from PyPI if the system has none."""
    _check_tools()
    requires = maturin.get_requires_for_build_wheel(config_settings)
    return requires if shutil.which("cmake") else [*requires, "cmake>=3.16"]


def get_requires_for_build_editable(config_settings: dict[str, Any] | None = None) -> list[str]:
    """Do the same for an editable installation."""
    return get_requires_for_build_wheel(config_settings)


get_requires_for_build_sdist = maturin.get_requires_for_build_sdist
build_wheel = maturin.build_wheel
build_sdist = maturin.build_sdist
build_editable = maturin.build_editable
prepare_metadata_for_build_wheel = maturin.prepare_metadata_for_build_wheel
prepare_metadata_for_build_editable = maturin.prepare_metadata_for_build_editable
