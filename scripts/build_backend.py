"""The build backend: maturin, after a check of the tools that compile the codecs.

pip calls these functions (PEP 517). Without this check, a missing tool would stop the build only
after minutes, with an error message inside the output of a build script.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import Any

import maturin

# Source distributions by maturin do not keep the permission to execute it.
COMPILER = Path(__file__).with_name("cc-x86-64")

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


def _make_executable() -> None:
    if not os.access(COMPILER, os.X_OK):
        COMPILER.chmod(0o755)


def build_wheel(
    wheel_directory: str,
    config_settings: dict[str, Any] | None = None,
    metadata_directory: str | None = None,
) -> str:
    """Build a wheel."""
    _make_executable()
    return maturin.build_wheel(wheel_directory, config_settings, metadata_directory)


def build_editable(
    wheel_directory: str,
    config_settings: dict[str, Any] | None = None,
    metadata_directory: str | None = None,
) -> str:
    """Build a wheel for an editable installation."""
    _make_executable()
    return maturin.build_editable(wheel_directory, config_settings, metadata_directory)


get_requires_for_build_sdist = maturin.get_requires_for_build_sdist
build_sdist = maturin.build_sdist
prepare_metadata_for_build_wheel = maturin.prepare_metadata_for_build_wheel
prepare_metadata_for_build_editable = maturin.prepare_metadata_for_build_editable
