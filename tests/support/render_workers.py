"""The render workers of a process, found as its descendants."""

import time
from pathlib import Path

PATIENCE = 30


def children(pid):
    found = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        try:
            found += map(int, (task / "children").read_text().split())
        except OSError:
            continue
    return found


def launchers(pid):
    return [child for child in children(pid) if b"xaccel.sandbox" in command(child)]


def workers(pid):
    """Return the IDs of the workers of a process."""
    found = [worker for launcher in launchers(pid) for worker in children(launcher)]
    return [worker for worker in found if is_alive(worker)]


def command(pid):
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def is_alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def ticks(pid):
    """Return the processor time of a process, in ticks of the clock."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0
    return int(fields[11]) + int(fields[12])


def wait_for(condition):
    """Wait until a function returns something true, and return that."""
    deadline = time.monotonic() + PATIENCE
    while not (value := condition()):
        assert time.monotonic() < deadline
        time.sleep(0.005)
    return value
