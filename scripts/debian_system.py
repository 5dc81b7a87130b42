"""Minimal Debian systems in `target/debian/`, which are made once and then reused."""

from __future__ import annotations

import os
import shutil
import subprocess
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
    command = ("debootstrap", "--variant=minbase", f"--include={','.join(PACKAGES)}", suite, system)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    # Like debootstrap, apt accepts a mirror that is a snapshot.
    (system / "etc/apt/apt.conf.d/snapshot").write_text('Acquire::Check-Valid-Until "false";\n')
    use_network(system)
    run(system, f"set -eu\n{setup}").check_returncode()
    (system / "complete").touch()
    return system


def use_network(system: Path) -> None:
    """Give a system this machine's certificates and name servers."""
    if CERTIFICATES.exists():
        shutil.copy(CERTIFICATES, system / "etc/ssl/certs")
    shutil.copy("/etc/resolv.conf", system / "etc")


# The mounts are in a namespace, so they end with the script. A process that `chroot` started could
# not make a namespace for users, which some tests do.
ENTER = """
set -eu
system=$1 script=$2
shift 2
mount --bind "$system" "$system"
mount --rbind /proc "$system/proc"
mount --rbind /dev "$system/dev"
for directory in "$@"; do
    mkdir -p "$system/${directory#*:}"
    mount --bind "${directory%:*}" "$system/${directory#*:}"
done
cd "$system"
pivot_root . mnt
umount --lazy /mnt
exec sh -c "$script"
"""


def run(
    system: Path,
    script: str,
    *,
    directories: dict[Path, str] | None = None,
    capture: bool = False,
) -> subprocess.CompletedProcess[str]:
    """Run a shell script in a system, where some directories of this machine are mounted.

    The settings of pip, Cargo and TLS also apply there.
    """
    kept = {
        name: value
        for name, value in os.environ.items()
        if name.startswith(("PIP_", "SSL_", "CARGO_NET_")) and name != "PIP_FIND_LINKS"
    }
    mounted = (f"{origin}:{name}" for origin, name in (directories or {}).items())
    return subprocess.run(
        ["unshare", "--mount", "sh", "-c", ENTER, "sh", system, script, *mounted],
        env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LANG": "C.UTF-8", **kept},
        capture_output=capture,
        text=True,
        check=False,
    )
