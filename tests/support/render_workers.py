"""The render workers of a process, found as its descendants."""

import contextlib
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


def descendants(pid):
    found = []
    with contextlib.suppress(OSError):
        for child in children(pid):
            found += [child, *descendants(child)]
    return found


def launchers(pid):
    return [child for child in children(pid) if is_of_sandbox(child)]


def workers(pid):
    """Return the IDs of the workers of a process."""
    found = [worker for launcher in launchers(pid) for worker in children(launcher)]
    return [worker for worker in found if is_alive(worker)]


def is_of_sandbox(pid):
    """Whether a process is a launcher or a render worker."""
    return b"xaccel.sandbox.launcher" in command(pid)


def is_worker(pid):
    """Whether a process is a render worker, which its launcher has forked."""
    return is_of_sandbox(pid) and is_of_sandbox(parent(pid))


def busy_worker(pid):
    """Wait for the render worker that computes, below any process, and return its process ID."""
    return wait_for(
        lambda: [each for each in descendants(pid) if is_worker(each) and ticks(each) > 30]
    )[0]


def command(pid):
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def _fields(pid):
    """Return what the kernel says about a process after its name; see proc_pid_stat(5)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ["Z"] + 20 * ["0"]


def is_alive(pid):
    return _fields(pid)[0] != "Z"


def parent(pid):
    return int(_fields(pid)[1])


def ticks(pid):
    """Return the processor time of a process, in ticks of the clock."""
    fields = _fields(pid)
    return int(fields[11]) + int(fields[12])


def wait_until_gone(pids):
    for pid in pids:
        wait_for(lambda pid=pid: not is_alive(pid))


def wait_for(condition):
    """Wait until a function returns something true, and return that."""
    deadline = time.monotonic() + PATIENCE
    while not (value := condition()):
        assert time.monotonic() < deadline
        time.sleep(0.005)
    return value
