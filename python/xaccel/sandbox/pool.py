"""The pool of workers in the app's process."""

from __future__ import annotations

import atexit
import fcntl
import os
import pickle
import signal
import socket
import struct
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar, cast

from xaccel._core import JobEncoder, ReplyReader
from xaccel._log import one_line
from xaccel.exceptions import WorkerLost, XaccelError
from xaccel.sandbox.interpreter import interpreter
from xaccel.sandbox.protocol import (
    CONNECTION,
    KILL,
    MAX_SETUP,
    READY,
    START,
    STATUS,
    InvalidReply,
    Setup,
)
from xaccel.thumbnails.backends import Job, gevent_hub

_START_TIMEOUT = 30
"""The number of seconds within which the launcher or a worker must start."""

_END_TIMEOUT = 5
"""The number of seconds within which the launcher must report the end of a worker."""

_PIECE = 64 * 1024
"""The number of bytes that are received at once. Most replies are shorter."""

_LAST_LINES = 2000
"""How many bytes of a worker's standard error stream are read when the worker ends."""

_BOOTSTRAP = (
    "import sys; sys.path[:0] = sys.argv[1:]; from xaccel.sandbox.launcher import main; main()"
)

_KEPT_VARIABLES = ("LD_LIBRARY_PATH",)
"""Variables without which the interpreter may fail to start. The launcher then removes them."""


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class PassedImage:
    """An image that a worker receives as a descriptor."""

    descriptor: int
    path: str | None
    """The path of the image in messages."""
    start: int | None
    """The number of bytes in the image, if it is only the start of a JPEG; otherwise `None`."""


class Worker:
    """A worker, as the app sees it.

    Args:
        connection: The connection for jobs.
        report: The connection to the launcher, which reports the end of the worker.
        log: The descriptor of the worker's standard error stream.
    """

    def __init__(self, connection: socket.socket, report: socket.socket, log: int) -> None:
        self.connection = connection
        self._report = report
        self._log = log
        self._encoder = JobEncoder()

    def is_idle(self) -> bool:
        """Whether the worker is alive and has not sent unsolicited data."""
        self.connection.settimeout(0)
        try:
            self.connection.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return True
        except OSError:
            return False
        return False

    def run(
        self, job: Job[T], image: PassedImage, timeout: float, grace: float
    ) -> T | XaccelError | OSError:
        """Run a job, and wait for its reply. Returns the result of the job, or its error.

        An `OSError` means that the image can't be read.

        Args:
            job: The job.
            image: The job's image.
            timeout: The number of seconds that the job may take.
            grace: The number of seconds by which the reply may be late.

        Raises:
            EOFError: The worker has ended.
            TimeoutError: The worker did not reply in time.
            OSError: The connection has failed.
            InvalidReply: The worker sent something other than an outcome of the job.
        """
        connection = self.connection
        deadline = time.monotonic() + timeout + grace
        connection.settimeout(timeout + grace)
        message = job.encode(self._encoder, image.path, image.start, timeout)
        sent = socket.send_fds(connection, [message], [image.descriptor])
        if sent < len(message):
            connection.sendall(message[sent:])
        reader = ReplyReader()
        while piece := connection.recv(_PIECE):
            outcome = reader.read(piece)
            if isinstance(outcome, (XaccelError, OSError)):
                return outcome
            if outcome is not None:
                if not job.accepts(outcome):
                    raise InvalidReply("it is not a result of this job")
                return cast("T", outcome)
            # The timeout of a socket applies to each piece.
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError
            connection.settimeout(left)
        raise EOFError

    def kill(self) -> None:
        """End the worker."""
        # If the launcher has ended, so has the worker.
        with suppress(OSError):
            self._report.send(KILL)

    def status(self) -> int | None:
        """Wait for the worker's exit status, or return `None` if it is unknown."""
        self._report.settimeout(_END_TIMEOUT)
        try:
            (status,) = STATUS.unpack(self._report.recv(STATUS.size))
        except (OSError, struct.error):
            # The launcher ended before it could report the status.
            return None
        return int(status)

    def last_words(self) -> str:
        """Return the last line that the worker wrote to its standard error stream."""
        size = os.fstat(self._log).st_size
        text = os.pread(self._log, _LAST_LINES, max(0, size - _LAST_LINES))
        lines = text.decode(errors="replace").strip().splitlines()
        return one_line(lines[-1]) if lines else ""

    def close(self) -> None:
        """Close the connections. The worker ends."""
        self.connection.close()
        self._report.close()
        if self._log >= 0:
            os.close(self._log)
            self._log = -1


class Pool:
    """The workers of this process, and their launcher.

    There is at most one worker for each concurrent job. A worker is started when it is first
    needed.

    Args:
        setup: What the launcher loads, and the cage of the workers.
        sockets: The module `socket`, or gevent's.
    """

    def __init__(self, setup: Setup, sockets: Any) -> None:
        self._setup = setup
        self._sockets = sockets
        self._lock = threading.Lock()
        self._launcher: _Launcher | None = None
        self._idle: deque[Worker] = deque()
        self._all: set[Worker] = set()

    def take(self) -> Worker:
        """Return an idle worker, or a new one.

        Raises:
            WorkerLost: The worker can't be started.
        """
        while True:
            try:
                worker = self._idle.pop()
            except IndexError:
                return self._new_worker()
            if worker.is_idle():
                return worker
            self.discard(worker)

    def put_back(self, worker: Worker) -> None:
        """Take back a worker that has sent its reply."""
        self._idle.append(worker)

    def discard(self, worker: Worker) -> None:
        """End a worker."""
        self._all.discard(worker)
        worker.kill()
        worker.close()

    def close(self) -> None:
        """End all workers and the launcher."""
        while self._all:
            self._all.pop().close()
        self._idle.clear()
        launcher, self._launcher = self._launcher, None
        if launcher is not None:
            launcher.close()

    def forget(self) -> None:
        """Close the descriptors in a child of the process that owns the workers."""
        for worker in self._all:
            worker.close()
        if self._launcher is not None:
            self._launcher.forget()

    def _new_worker(self) -> Worker:
        sockets = self._sockets
        connection, their_connection = sockets.socketpair()
        report, their_report = sockets.socketpair()
        log = os.memfd_create("xaccel-log")
        worker = Worker(connection, report, log)
        self._all.add(worker)
        problem = "it has ended"
        try:
            with _passing(their_connection), _passing(their_report):
                self._send((their_connection.fileno(), their_report.fileno(), log))
            connection.settimeout(_START_TIMEOUT)
            is_ready = connection.recv(len(READY)) == READY
        except OSError as error:
            is_ready, problem = False, f"{type(error).__name__}: {error}"
        except BaseException:
            self.discard(worker)
            raise
        if is_ready:
            return worker
        problem = worker.last_words() or problem
        self.discard(worker)
        raise WorkerLost(f"the render worker did not start: {problem}")

    def _send(self, descriptors: tuple[int, ...]) -> None:
        """Send the launcher the descriptors of a new worker."""
        with self._lock:
            if self._launcher is not None:
                try:
                    self._launcher.start_worker(descriptors)
                except OSError:
                    # The launcher was killed.
                    self._launcher.close()
                else:
                    return
            self._launcher = _Launcher(self._setup, self._sockets)
            self._launcher.start_worker(descriptors)


class _Launcher:
    """The launcher, as the app sees it."""

    def __init__(self, setup: Setup, sockets: Any) -> None:
        self._control, theirs = sockets.socketpair(type=socket.SOCK_SEQPACKET)
        with _passing(theirs):
            self._pid = _spawn(theirs.fileno())
        try:
            self._control.settimeout(_START_TIMEOUT)
            self._control.send(pickle.dumps(setup, pickle.HIGHEST_PROTOCOL))
            is_ready = self._control.recv(MAX_SETUP) == READY
        except BaseException:
            self.close()
            raise
        if not is_ready:
            self.close()
            raise WorkerLost("the launcher of the render workers did not start")

    def start_worker(self, descriptors: tuple[int, ...]) -> None:
        socket.send_fds(self._control, [START], descriptors)

    def forget(self) -> None:
        self._control.close()

    def close(self) -> None:
        """End the launcher, and wait until it has ended."""
        self._control.close()
        # The server may wait for all children itself.
        with suppress(OSError):
            os.waitid(os.P_PID, self._pid, os.WEXITED)


def _spawn(control: int) -> int:
    """Start the launcher with one end of a connection, and return its process ID."""
    executable = interpreter()
    if executable is None:
        raise WorkerLost("the Python interpreter for the render workers was not found")
    paths = [os.path.abspath(path) for path in sys.path]  # noqa: PTH100
    flags = ["-I", *(["-B"] if sys.dont_write_bytecode else [])]
    # If this descriptor kept its number, it would be closed in the launcher.
    end = socket.socket(fileno=fcntl.fcntl(control, fcntl.F_DUPFD_CLOEXEC, CONNECTION + 1))
    with _passing(end):
        return os.posix_spawn(
            executable,
            [executable, *flags, "-c", _BOOTSTRAP, *paths],
            {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ},
            file_actions=[
                (os.POSIX_SPAWN_DUP2, end.fileno(), CONNECTION),
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
            ],
            setsigmask=[],
            setsigdef=signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP},
        )


_Key: TypeAlias = tuple[int, object, Setup]

_pools: dict[_Key, Pool] = {}
"""The pools of this process. All apps and helpers with the same settings share a pool."""


def pool(setup: Setup) -> Pool:
    """Return this process's pool. Under gevent, each hub has its own."""
    hub = gevent_hub()
    key = (os.getpid(), hub, setup)
    found = _pools.get(key)
    if found is None:
        sockets = socket if hub is None else sys.modules["gevent.socket"]
        found = _pools.setdefault(key, Pool(setup, sockets))
    return found


def close_pools() -> None:
    """End all workers of this process."""
    for key in list(_pools):
        _pools.pop(key).close()


_ends: set[socket.socket] = set()
"""The ends of connections that other processes are about to receive."""


@contextmanager
def _passing(end: socket.socket) -> Iterator[None]:
    """Let the block pass one end of a connection to another process, then close this end.

    If this process forks in the meantime, the child closes its copy too. Otherwise, this process
    would not notice when the other process ends.
    """
    _ends.add(end)
    try:
        yield
    finally:
        end.close()
        _ends.discard(end)


def _forget_pools() -> None:
    """Leave the parent's workers to the parent."""
    while _ends:
        _ends.pop().close()
    while _pools:
        _, parents = _pools.popitem()
        parents.forget()


atexit.register(close_pools)
os.register_at_fork(after_in_child=_forget_pools)
