"""Limits on how many renders run at the same time on a machine, and how many requests wait.

If there is a cache, its lock files are used to count the renders of all processes. Without a cache,
or if its disk is full or read-only, each process counts only its own renders.

Requests wait with `time.sleep` and Python's locks instead of a kernel lock. Under gevent, one
thread serves many requests, so another request in the same thread could hold the kernel lock.
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
"""The minimum and maximum number of seconds between two attempts to take another process's lock."""


def pauses() -> Iterator[float]:
    """Yield increasing numbers of seconds to sleep between attempts to take a lock."""
    pause = _SHORTEST_PAUSE
    while True:
        yield pause
        pause = min(2 * pause, _LONGEST_PAUSE)


class ThreadLocks:
    """Numbered locks. At most one thread of this process holds each lock."""

    def __init__(self) -> None:
        self._locks: dict[tuple[int, int], threading.Lock] = {}

    def get(self, number: int) -> threading.Lock:
        """Return the lock with this number."""
        # The parent's lock may be held by a thread that does not exist in the forked child.
        return self._locks.setdefault((os.getpid(), number), threading.Lock())


class RenderQueue:
    """The queue for the right to render.

    Args:
        cache: The cache through which all processes of the machine share the queue. With `None`,
            this process has its own queue.
        workers: The maximum number of renders that run at the same time.
        length: The maximum number of requests that may wait.
    """

    def __init__(self, cache: Cache | None, *, workers: int, length: int) -> None:
        self._cache = cache
        self._workers = workers
        self._length = length
        self._head = ThreadLocks()

    def turn(self) -> AbstractContextManager[object]:
        """Wait for the right to render. It is released at the end of the `with` block.

        Raises:
            Overloaded: Too many requests are already waiting.
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
        # In a forked child, the parent's queue would count renders of threads that exist only in
        # the parent. The process ID in the key prevents this.
        key = (os.getpid(), self._workers, self._length)
        return _queues.get(key) or _queues.setdefault(
            key, _ProcessQueue(self._workers, self._length)
        )


class _ProcessQueue:
    """The queue shared by the threads of one process."""

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
"""The queues of this process and its parents. All apps and helpers of a process share one queue."""


def queue_is_full() -> Overloaded:
    """Return the error for a request that is rejected because the queue is full."""
    return Overloaded("more thumbnails are waiting than XACCEL['THUMBNAIL_QUEUE'] allows")
