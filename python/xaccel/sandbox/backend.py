"""The backend that runs renders in workers; see `xaccel.thumbnails.backends`."""

from __future__ import annotations

import logging
import os
import signal
import time
from typing import TypeVar

from xaccel._core import Limits, OpenedFile, StreamedSource, sandbox_layers
from xaccel._log import fields
from xaccel.exceptions import FileNotFound, RenderStopped, WorkerLost, XaccelError
from xaccel.sandbox.pool import PassedImage, Worker, pool
from xaccel.sandbox.protocol import Cage, InvalidReply, Setup
from xaccel.thumbnails.backends import Job
from xaccel.thumbnails.sources.base import Image

T = TypeVar("T")

_GRACE = 0.5
"""How many seconds after the deadline a worker can still report that it is late."""

_ATTEMPTS = 2
"""How many times a job is tried if its worker is killed from outside or can't read the image."""

_OPEN = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC

_FAULTS = {signal.SIGSEGV, signal.SIGBUS, signal.SIGILL, signal.SIGFPE, signal.SIGABRT}

_LIMITS: dict[int, tuple[str, str]] = {
    signal.SIGSYS: ("seccomp", "seccomp: a system call that is not allowed"),
    signal.SIGXCPU: ("time", "its limit of processor time"),
}

_logger = logging.getLogger("xaccel.sandbox")


def memory_for(limits: Limits) -> int:
    """Return the number of bytes that a worker may use for a job.

    Few jobs need even a quarter of this; see `Limits`. The limit applies to address space, which is
    larger than the memory in use.
    """
    return 12 * limits.max_memory + 2 * limits.max_bytes + 1024**3


class RenderProcesses:
    """The backend in caged workers.

    Args:
        limits: The limits of all jobs.
        decoders: The enabled decoders; see `Config.thumbnail_decoders`.
        fonts: The fonts for text in SVG images; see `Config.thumbnail_fonts`.
        layers: The layers of the kernel that cage a worker.
    """

    def __init__(
        self,
        limits: Limits,
        decoders: tuple[str, ...] | None,
        fonts: tuple[str, ...] | None = None,
        layers: tuple[str, ...] | None = None,
    ) -> None:
        layers = tuple(sandbox_layers()) if layers is None else layers
        self._setup = Setup(decoders, fonts, Cage(layers, memory_for(limits)))

    def submit(self, job: Job[T], deadline: float) -> T:
        """See `Backend.submit`."""
        image = _passed(job)
        try:
            lost: Exception = WorkerLost("the render workers were killed from outside")
            for _ in range(_ATTEMPTS):
                try:
                    outcome = self._outcome(job, image, max(0.0, deadline - time.monotonic()))
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
                    return outcome
            raise lost
        finally:
            os.close(image.descriptor)

    def _outcome(
        self, job: Job[T], image: PassedImage, timeout: float
    ) -> T | XaccelError | OSError | None:
        """Return the result of a job, or `None` if its worker was killed from outside."""
        workers = pool(self._setup)
        # The time that a new worker needs to start does not count.
        worker = workers.take()
        outcome = None
        try:
            outcome = worker.run(job, image, timeout, _GRACE)
        except TimeoutError:
            raise RenderStopped(
                f"the render worker was stopped by its time limit ({timeout:.1f} s)",
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


def _check(worker: Worker) -> None:
    """Find out why a worker ended. Returns normally if it was killed from outside.

    Raises:
        RenderStopped: A layer or a fault stopped it.
    """
    status = worker.status()
    words = worker.last_words()
    cause = _cause(status, words)
    if cause is not None:
        layer, text = cause
        said = f" ({words})" if words else ""
        raise RenderStopped(f"the render worker was stopped by {text}{said}", layer=layer)
    _logger.warning(
        "a render worker was killed from outside, for example by the OOM killer",
        extra=fields("worker_killed"),
    )


def _cause(status: int | None, words: str) -> tuple[str, str] | None:
    """Return the layer that stopped a worker, and a text for the log.

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


def _passed(job: Job[T]) -> PassedImage:
    """Return a job's image with a new descriptor."""
    image: Image = job.image
    if isinstance(image, StreamedSource):
        start = len(image) if job.is_partial else None
        return PassedImage(image.to_memory_file(), None, start)
    if isinstance(image, OpenedFile):
        return PassedImage(os.dup(image.fileno()), image.location.path, None)
    try:
        return PassedImage(os.open(image, _OPEN), image, None)
    except (FileNotFoundError, NotADirectoryError, ValueError) as error:
        raise FileNotFound(f"{image!r}: {error}") from None
