"""A worker: enters its cage, then runs jobs until the app closes the connection."""

from __future__ import annotations

import contextlib
import math
import os
import resource
import socket
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from xaccel._core import PassedFile, enter_sandbox, harden_process
from xaccel.sandbox.messages import receive_job, send_error, send_ready, send_result
from xaccel.sandbox.protocol import CONNECTION, Cage, PassedJob

_MAX_FILES = 32
_LONGEST_LOG = 64 * 1024
"""The maximum number of bytes that a worker writes to its standard error stream."""


def serve(cage: Cage) -> None:
    """Run the jobs that arrive at `CONNECTION`."""
    # An unclosed socket would be asked for its name at the end, which the cage does not allow.
    with socket.socket(fileno=CONNECTION) as connection:
        # gevent makes both ends of a pair non-blocking.
        connection.settimeout(None)
        try:
            enter(cage)
        except (OSError, ValueError) as error:
            send_ready(connection, str(error))
            return
        send_ready(connection, None)
        while (received := receive_job(connection)) is not None:
            _answer(connection, *received)


def _answer(connection: socket.socket, passed: PassedJob, descriptor: int) -> None:
    try:
        limit_processor_time(passed.timeout)
        result = _run(passed, descriptor)
    except BaseException as error:  # noqa: BLE001
        send_error(connection, error)
    else:
        send_result(connection, result)
    finally:
        os.close(descriptor)


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


def limit_processor_time(seconds: float) -> None:
    """Let the kernel end this process if it uses more than this processor time from now on.

    The app ends it earlier. This limit holds if the app itself is stopped.
    """
    used = time.process_time()
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (math.ceil(used + max(0.0, seconds)) + 1, hard))


def _run(passed: PassedJob, descriptor: int) -> Any:
    image: object
    if passed.size is None:
        image = PassedFile(descriptor, passed.path)
    else:
        image = os.pread(descriptor, passed.size, 0)
    return replace(passed.job, image=image).run(passed.timeout)


def _limit(kind: int, value: int) -> None:
    """Lower a limit of this process. A lower one is kept."""
    _, hard = resource.getrlimit(kind)
    if hard != resource.RLIM_INFINITY:
        value = min(value, hard)
    resource.setrlimit(kind, (value, value))


def _address_space() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    return pages * resource.getpagesize()
