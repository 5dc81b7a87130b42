"""The backend that runs renders in workers; see `xaccel.thumbnails.backends`."""

from __future__ import annotations

import logging
import os
import signal
import time
from dataclasses import replace
from typing import Any, TypeVar, cast

from xaccel._core import Limits, OpenedFile, StreamedSource, sandbox_layers
from xaccel.exceptions import FileNotFound, RenderStopped, WorkerLost
from xaccel.sandbox import messages
from xaccel.sandbox.messages import InvalidReply, Reply
from xaccel.sandbox.pool import Worker, pool
from xaccel.sandbox.protocol import Cage, PassedJob, Setup
from xaccel.thumbnails.backends import Job
from xaccel.thumbnails.sources.base import Image

T = TypeVar("T")

_GRACE = 0.5
"""The number of seconds after the deadline in which a worker can report that it missed it."""

_ATTEMPTS = 2
"""How often a job is tried if its worker is killed from outside, or can't read the image."""

_OPEN = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC

_FAULTS = {signal.SIGSEGV, signal.SIGBUS, signal.SIGILL, signal.SIGFPE, signal.SIGABRT}

_LIMITS: dict[int, tuple[str, str]] = {
    signal.SIGSYS: ("seccomp", "seccomp: a system call that is not allowed"),
    signal.SIGXCPU: ("time", "its limit of processor time"),
}

_logger = logging.getLogger("xaccel.sandbox")


def memory_for(limits: Limits) -> int:
    """Return the number of bytes that a worker may use for a job.

    Few jobs use a quarter of it; see `Limits`. It is address space, which is more than memory.
    """
    return 12 * limits.max_memory + 2 * limits.max_bytes + 1024**3


class RenderProcesses:
    """The backend in caged workers.

    Args:
        limits: The limits of all jobs.
        decoders: The enabled decoders; see `Config.thumbnail_decoders`.
        layers: The layers of the kernel that cage a worker.
    """

    def __init__(
        self,
        limits: Limits,
        decoders: tuple[str, ...] | None,
        layers: tuple[str, ...] | None = None,
    ) -> None:
        layers = tuple(sandbox_layers()) if layers is None else layers
        self._setup = Setup(decoders, Cage(layers, memory_for(limits)))

    def submit(self, job: Job[T], deadline: float) -> T:
        """See `Backend.submit`."""
        descriptor, path, size = _passed(job)
        try:
            lost: Exception = WorkerLost("the render workers were killed from outside")
            for _ in range(_ATTEMPTS):
                timeout = max(0.0, deadline - time.monotonic())
                passed = PassedJob(replace(cast("Any", job), image=None), path, size, timeout)
                try:
                    outcome = self._outcome(job, passed, descriptor)
                except WorkerLost as error:
                    # The worker or the launcher may have been killed while it started.
                    lost = error
                    continue
                if isinstance(outcome, OSError):
                    # An earlier image may have used up the descriptors of the worker.
                    lost = outcome
                    continue
                if isinstance(outcome, Exception):
                    raise outcome
                if outcome is not None:
                    return cast("T", outcome)
            raise lost
        finally:
            os.close(descriptor)

    def _outcome(self, job: Job[T], passed: PassedJob, descriptor: int) -> object:
        """Return what a job results in, or `None` if its worker was killed from outside."""
        workers = pool(self._setup)
        worker = workers.take()
        # The time that a new worker needs to start does not count.
        deadline = time.monotonic() + passed.timeout + _GRACE
        outcome = None
        try:
            outcome = _outcome(job, worker.run(passed, descriptor, deadline))
        except TimeoutError:
            raise RenderStopped(
                f"the render worker was stopped by its time limit ({passed.timeout:.1f} s)",
                layer="time",
            ) from None
        except InvalidReply as error:
            raise RenderStopped(
                f"the render worker was stopped, because its reply is invalid: {error}",
                layer="reply",
            ) from None
        except (EOFError, OSError):
            _check(worker)
            return None
        else:
            return outcome
        finally:
            # After such an error, the worker may lack memory or descriptors for other images.
            if outcome is None or isinstance(outcome, (OSError, RenderStopped)):
                workers.discard(worker)
            else:
                workers.put_back(worker)


def _outcome(job: Job[T], reply: Reply) -> object:
    """Return the result or the error in a reply.

    Raises:
        InvalidReply: The reply does not contain an outcome of this job.
    """
    found = messages.outcome(reply)
    if not isinstance(found, Exception) and not job.accepts(found):
        raise InvalidReply("it is not a result of this job")
    return found


def _check(worker: Worker) -> None:
    """Find out why a worker has ended. Returns if it was killed from outside.

    Raises:
        RenderStopped: A layer or a fault has stopped it.
    """
    status = worker.status()
    words = worker.last_words()
    cause = _cause(status, words)
    if cause is not None:
        layer, text = cause
        said = f" ({words})" if words else ""
        raise RenderStopped(f"the render worker was stopped by {text}{said}", layer=layer)
    _logger.warning("a render worker was killed from outside, for example by the OOM killer")


def _cause(status: int | None, words: str) -> tuple[str, str] | None:
    """Return the layer that has stopped a worker, and a text for the log.

    Returns `None` if the worker was killed from outside.
    """
    if status is None:
        return None
    if not os.WIFSIGNALED(status):
        return "exit", f"an error: it exited with status {os.waitstatus_to_exitcode(status)}"
    number = os.WTERMSIG(status)
    if number == signal.SIGABRT and "memory" in words:
        return "memory", "its memory limit"
    if number in _FAULTS:
        return "fault", f"a fault: {signal.Signals(number).name}"
    return _LIMITS.get(number)


def _passed(job: Job[T]) -> tuple[int, str | None, int | None]:
    """Return a new descriptor of a job's image, its path, and the size of the bytes to read."""
    image: Image = job.image
    if isinstance(image, StreamedSource):
        return image.to_memory_file(), None, len(image) if job.is_partial else None
    if isinstance(image, OpenedFile):
        return os.dup(image.fileno()), image.location.path, None
    try:
        return os.open(image, _OPEN), image, None
    except (FileNotFoundError, NotADirectoryError, ValueError) as error:
        raise FileNotFound(f"{image!r}: {error}") from None
