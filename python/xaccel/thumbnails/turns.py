"""Whose turn it is to render: how many renders run at once on a machine, and how many wait.

With a cache its lock files count the renders of all processes. Without one, or when its disk is
full or read-only, each process counts its own.

Requests wait by `time.sleep` and Python's locks rather than by a lock of the kernel. Under gevent
one thread serves many requests, and the one that holds the lock may be another request of the
same thread.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from xaccel._core import Cache
from xaccel.exceptions import Overloaded

_SHORTEST_PAUSE, _LONGEST_PAUSE = 0.001, 0.016
"""Seconds between two looks at a lock that another process holds."""


def pauses() -> Iterator[float]:
    """Yield the seconds to sleep between looks at a lock: short at first, then ever longer."""
    pause = _SHORTEST_PAUSE
    while True:
        yield pause
        pause = min(2 * pause, _LONGEST_PAUSE)


class ThreadLocks:
    """Locks by number, each held by one thread of this process."""

    def __init__(self) -> None:
        self._locks: dict[tuple[int, int], threading.Lock] = {}

    def get(self, number: int) -> threading.Lock:
        """Return the lock of this number."""
        # A thread of the parent that a forked child does not have may hold the parent's lock.
        return self._locks.setdefault((os.getpid(), number), threading.Lock())


class RenderQueue:
    """The queue for the right to render.

    Args:
        cache: Where all processes of the machine queue. `None` = this process queues by itself.
        workers: How many renders run at once.
        length: How many may wait.
    """

    def __init__(self, cache: Cache | None, *, workers: int, length: int) -> None:
        self._cache = cache
        self._workers = workers
        self._length = length
        self._head = ThreadLocks()

    def turn(self) -> AbstractContextManager[object]:
        """Wait for the right to render, which ends with the `with` block.

        Raises:
            Overloaded: Too many wait already.
        """
        cache = self._cache
        if cache is None:
            return self._process_queue().turn()
        try:
            ticket = cache.try_enqueue(self._length)
            if ticket is None:
                raise queue_is_full()
            with ticket, self._head.get(0):
                pause = pauses()
                while (right := cache.try_admit(self._workers)) is None:
                    time.sleep(next(pause))
                return right
        except OSError:
            return self._process_queue().turn()

    def _process_queue(self) -> _ProcessQueue:
        # In a forked child the parent's queue would count renders of threads that only the parent
        # has, hence the process's number.
        key = (os.getpid(), self._workers, self._length)
        return _queues.get(key) or _queues.setdefault(
            key, _ProcessQueue(self._workers, self._length)
        )


class _ProcessQueue:
    """The queue among the threads of one process."""

    def __init__(self, workers: int, length: int) -> None:
        self._workers = threading.Semaphore(workers)
        self._tickets = threading.Semaphore(length)

    @contextmanager
    def turn(self) -> Iterator[None]:
        if not self._tickets.acquire(blocking=False):
            raise queue_is_full()
        try:
            self._workers.acquire()
        finally:
            self._tickets.release()
        try:
            yield
        finally:
            self._workers.release()


_queues: dict[tuple[int, int, int], _ProcessQueue] = {}
"""Those of this process and of its parents. All apps and helpers of a process share one."""


def queue_is_full() -> Overloaded:
    """Return the error of a request that may not wait."""
    return Overloaded("more thumbnails wait than XACCEL['THUMBNAIL_QUEUE'] allows")
