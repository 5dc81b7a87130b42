"""A worker: enters its cage, then runs jobs until the app closes the connection."""

from __future__ import annotations

import contextlib
import resource
import socket
from pathlib import Path

from xaccel._core import answer_jobs, enter_sandbox, harden_process
from xaccel.sandbox.protocol import CONNECTION, READY, Cage, Setup

_MAX_FILES = 32
_LONGEST_LOG = 64 * 1024
"""The maximum number of bytes that a worker writes to its standard error stream."""


def serve(setup: Setup) -> None:
    """Run the jobs that arrive at `CONNECTION`.

    Raises:
        OSError: A layer of the cage is not available.
    """
    # When Python exits, it asks open sockets for their names, which the cage does not allow.
    with socket.socket(fileno=CONNECTION) as connection:
        # gevent makes both ends of a pair non-blocking.
        connection.settimeout(None)
        enter(setup.cage)
        connection.sendall(READY)
        answer_jobs(connection.fileno(), setup.fonts)


def enter(cage: Cage) -> None:
    """Enter the cage.

    Raises:
        OSError: A layer is not available.
    """
    # If the machine runs out of memory, the kernel ends this process rather than the app's. Files
    # in /proc are not writable once the process is hardened.
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")
    _limit(resource.RLIMIT_AS, _address_space() + cage.memory)
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_NOFILE, _MAX_FILES)
    _limit(resource.RLIMIT_FSIZE, _LONGEST_LOG)
    harden_process()
    for layer in cage.layers:
        enter_sandbox(layer)


def _limit(kind: int, value: int) -> None:
    """Lower a limit of this process, unless it is already lower."""
    _, hard = resource.getrlimit(kind)
    if hard != resource.RLIM_INFINITY:
        value = min(value, hard)
    resource.setrlimit(kind, (value, value))


def _address_space() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    return pages * resource.getpagesize()
