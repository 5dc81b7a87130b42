"""A systemd of its own, in namespaces, which runs the units of a directory."""

import contextlib
import os
import subprocess
import sys
import time
from functools import cache
from pathlib import Path

from tests.support.servers.process import PATIENCE

ROOT = Path(__file__).parents[3]
UID, GID = 990, 33
USER = f"shop:x:{UID}:{GID}::/nonexistent:/usr/sbin/nologin\n"
TARGETS = ("sysinit", "basic", "sockets", "multi-user", "shutdown")
"""The targets of the machine that units refer to. Here, they start nothing."""

_NAMESPACES = """
echo $$ > "$CGROUP/cgroup.procs"
exec unshare --mount --pid --fork --kill-child --uts --ipc --cgroup --mount-proc sh -euc "$BOOT"
"""

_MOUNT = """
mount --make-rprivate /
mount -t cgroup2 cgroup2 /sys/fs/cgroup
"""

_BOOT = """
mount -t tmpfs -o mode=755 tmpfs /run
# The user of the service may lack the right to enter the directories of the interpreter.
for path in $PATHS; do
    parent=
    for name in $(dirname "$path" | tr / ' '); do
        parent=$parent/$name
        if [ "$(stat -c %a "$parent" | grep -c '[1357]$')" = 0 ]; then
            mkdir -p /run/kept
            mount --bind "$path" /run/kept
            mount -t tmpfs -o mode=755 tmpfs "$parent"
            mkdir -p "$path"
            mount --move /run/kept "$path"
            break
        fi
    done
done
mount -t tmpfs -o mode=755 tmpfs /srv
mkdir /srv/shop
mount --bind "$DIRECTORY" /srv/shop
mount --bind "$UNITS/passwd" /etc/passwd
export container=test SYSTEMD_UNIT_PATH="$UNITS"
exec /lib/systemd/systemd --system --show-status=no --unit=multi-user.target
"""


def _cgroup_root():
    """Return the directory of this process in the unified hierarchy."""
    mounts = [line.split() for line in Path("/proc/mounts").read_text().splitlines()]
    root = next(Path(mount[1]) for mount in mounts if mount[2] == "cgroup2")
    lines = Path("/proc/self/cgroup").read_text().splitlines()
    own = next(line.removeprefix("0::/") for line in lines if line.startswith("0::/"))
    return root / own


@contextlib.contextmanager
def _namespaces(boot, env, output):
    """Run a script as the first process of its own namespaces, and end all their processes."""
    cgroup = _cgroup_root() / f"xaccel-test-{os.getpid()}"
    cgroup.mkdir()
    env = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "CGROUP": str(cgroup), "BOOT": boot, **env}
    command = ["sh", "-euc", _NAMESPACES]
    process = subprocess.Popen(command, env=env, stdout=output, stderr=output)
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        _remove(cgroup)


def _remove(cgroup):
    """Remove a cgroup when its processes have ended."""
    deadline = time.monotonic() + PATIENCE
    while "populated 1" in (cgroup / "cgroup.events").read_text():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    for directory, _, _ in os.walk(cgroup, topdown=False):
        Path(directory).rmdir()


@cache
def is_possible():
    """Whether this process may make the namespaces."""
    try:
        with _namespaces(_MOUNT, {}, subprocess.DEVNULL) as process:
            return process.wait(PATIENCE) == 0
    except (OSError, StopIteration):
        return False


@contextlib.contextmanager
def booted(directory, units, wanted, log):
    """Run units. In them, `/srv/shop` is a directory, and the user `shop` exists."""
    for target in TARGETS:
        wants = f"Wants={' '.join(wanted)}\n" if target == "multi-user" else ""
        (units / f"{target}.target").write_text(f"[Unit]\nDefaultDependencies=no\n{wants}")
    (units / "passwd").write_text(Path("/etc/passwd").read_text() + USER)
    env = {
        "PATHS": f"{sys.base_prefix} {ROOT}",
        "DIRECTORY": str(directory),
        "UNITS": str(units),
    }
    with log.open("w") as output, _namespaces(_MOUNT + _BOOT, env, output) as process:
        yield process
