"""Minimal Debian systems in `target/debian/`, which are made once and then reused."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parent.parent
SYSTEMS = ROOT / "target" / "debian"
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
PACKAGES = ("python3", "python3-venv", "ca-certificates", "curl", "git")


def make(suite: str, name: str, setup: str = "") -> Path:
    """Return the directory of a system. If it is missing, make it, and run a shell script in it."""
    system = SYSTEMS / name
    if (system / "complete").exists():
        return system
    shutil.rmtree(system, ignore_errors=True)
    system.mkdir(parents=True)
    _run("debootstrap", "--variant=minbase", f"--include={','.join(PACKAGES)}", suite, system)
    use_network(system)
    with mounted(system):
        run(system, f"set -eu\n{setup}").check_returncode()
    (system / "complete").touch()
    return system


def use_network(system: Path) -> None:
    """Give a system this machine's certificates and name servers."""
    if CERTIFICATES.exists():
        shutil.copy(CERTIFICATES, system / "etc/ssl/certs")
    shutil.copy("/etc/resolv.conf", system / "etc")


@contextmanager
def mounted(system: Path, directories: dict[Path, str] | None = None) -> Iterator[None]:
    """Mount what processes in the system expect, and some directories of this machine."""
    mounts = {Path("/proc"): "proc", Path("/dev"): "dev", Path("/dev/shm"): "dev/shm"}  # noqa: S108
    done: list[Path] = []
    try:
        for origin, name in {**mounts, **(directories or {})}.items():
            place = system / name
            place.mkdir(exist_ok=True)
            _run("mount", "--bind", origin, place)
            done.append(place)
        yield
    finally:
        for place in reversed(done):
            _run("umount", "--lazy", place)


def run(system: Path, script: str, *, capture: bool = False) -> subprocess.CompletedProcess[str]:
    """Run a shell script in a system. The settings of pip, Cargo and TLS also apply there."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name.startswith(("PIP_", "SSL_", "CARGO_NET_")) and name != "PIP_FIND_LINKS"
    }
    return subprocess.run(
        ["chroot", system, "sh", "-c", script],
        env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LANG": "C.UTF-8", **kept},
        capture_output=capture,
        text=True,
        check=False,
    )


def _run(*command: str | Path) -> None:
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
