"""The launcher: loads what workers need, forks the workers, and reports how they end.

The launcher has one thread, never sees an image, and reads only what the app sends. It ends with
the app.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import selectors
import signal
import socket
import sys
import traceback
from collections.abc import Callable

from xaccel.sandbox import worker
from xaccel.sandbox.protocol import CONNECTION, MAX_SETUP, READY, START, STATUS, Setup

_DESCRIPTORS = 3
"""The number of descriptors of a new worker; see `START`."""

_IGNORED = (
    *(signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGUSR1),
    *(signal.SIGUSR2, signal.SIGALRM, signal.SIGWINCH, signal.SIGTSTP),
)
"""Signals that all processes of a terminal or a service receive. They must not end the workers,
which the app uses until it ends."""

_LIBRARY_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def main() -> None:
    """Run the launcher until the app ends."""
    for number in _IGNORED:
        signal.signal(number, signal.SIG_IGN)
    parent = os.pidfd_open(os.getppid())
    os.closerange(CONNECTION + 1, parent)
    os.closerange(parent + 1, os.sysconf("SC_OPEN_MAX"))
    os.environ.clear()
    os.environ.update(dict.fromkeys(_LIBRARY_THREADS, "1"))
    control = socket.socket(fileno=CONNECTION)
    # gevent makes both ends of a pair non-blocking.
    control.settimeout(None)
    setup: Setup = pickle.loads(control.recv(MAX_SETUP))  # noqa: S301
    _load(setup.decoders, setup.fonts)
    control.send(READY)
    _Launcher(control, parent, setup).run()


def _load(decoders: tuple[str, ...] | None, fonts: tuple[str, ...] | None) -> None:
    """Load all modules and files that a job may need."""
    # The engine imports this module by name.
    import xaccel.decoders._opening  # noqa: F401, PLC0415
    from xaccel._core import load_fonts  # noqa: PLC0415
    from xaccel.decoders._enabled import load_all  # noqa: PLC0415

    load_all(decoders)
    load_fonts(fonts)


class _Launcher:
    """The loop of the launcher."""

    def __init__(self, control: socket.socket, parent: int, setup: Setup) -> None:
        self._control = control
        self._setup = setup
        self._is_running = True
        self._selector = selectors.DefaultSelector()
        self._watch(control, self._start)
        self._watch(parent, self._stop)

    def run(self) -> None:
        while self._is_running:
            for key, _ in self._selector.select():
                action: Callable[[], None] = key.data
                action()

    def _watch(self, file: int | socket.socket, action: Callable[[], None]) -> None:
        self._selector.register(file, selectors.EVENT_READ, action)

    def _stop(self) -> None:
        # The workers end with this process.
        self._is_running = False

    def _start(self) -> None:
        message, descriptors, _, _ = socket.recv_fds(self._control, len(START), _DESCRIPTORS)
        if not message:
            self._stop()
            return
        connection, report, log = descriptors
        pid = os.fork()
        if pid == 0:
            _become_worker(connection, log, self._setup)
        os.close(connection)
        os.close(log)
        _Child(self._selector, pid, socket.socket(fileno=report))


class _Child:
    """A running worker, as the launcher sees it."""

    def __init__(self, selector: selectors.BaseSelector, pid: int, report: socket.socket) -> None:
        self._selector = selector
        self._pid = pid
        self._handle = os.pidfd_open(pid)
        self._report = report
        self._has_ended = False
        selector.register(self._handle, selectors.EVENT_READ, self._reap)
        selector.register(report, selectors.EVENT_READ, self._kill)

    def _kill(self) -> None:
        # The app kills the worker by sending a message or by closing the connection. The worker may
        # have ended at the same time.
        if self._has_ended:
            return
        self._selector.unregister(self._report)
        os.kill(self._pid, signal.SIGKILL)

    def _reap(self) -> None:
        _, status = os.waitpid(self._pid, 0)
        self._has_ended = True
        self._selector.unregister(self._handle)
        os.close(self._handle)
        with contextlib.suppress(KeyError):
            self._selector.unregister(self._report)
        with self._report, contextlib.suppress(OSError):
            self._report.send(STATUS.pack(status))


def _become_worker(connection: int, log: int, setup: Setup) -> None:
    """Run a worker in this process, which the launcher has just forked. Does not return."""
    try:
        os.dup2(log, sys.stderr.fileno())
        os.dup2(connection, CONNECTION)
        os.closerange(CONNECTION + 1, os.sysconf("SC_OPEN_MAX"))
        worker.serve(setup)
        os._exit(0)
    except BaseException:  # noqa: BLE001
        with contextlib.suppress(BaseException):
            traceback.print_exc()
    finally:
        os._exit(1)
