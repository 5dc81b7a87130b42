"""Bounds the memory of originals that come from elsewhere: they are in memory until rendered."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from dataclasses import replace

from xaccel.thumbnails.sources.base import Original, Source
from xaccel.thumbnails.turns import queue_is_full


class FetchQueue:
    """The memory of a process for originals, and the queue for it.

    A fetch begins when there is memory for the largest original. Once its size is known, the rest
    is free for others.

    Args:
        fetches: How many originals are fetched at once, at most.
        max_bytes: The most bytes of an original.
        length: How many requests may wait.
    """

    def __init__(self, *, fetches: int, max_bytes: int, length: int) -> None:
        self._max_bytes = max_bytes
        self._free = fetches * max_bytes
        self._length = length
        self._waiting = 0
        self._changed = threading.Condition()

    def reserve(self) -> Reservation:
        """Wait for the memory of the largest original.

        Raises:
            Overloaded: Too many wait already.
        """
        with self._changed:
            if not self._is_enough():
                if self._waiting >= self._length:
                    raise queue_is_full()
                self._waiting += 1
                try:
                    self._changed.wait_for(self._is_enough)
                finally:
                    self._waiting -= 1
            self._free -= self._max_bytes
        return Reservation(self._max_bytes, self._give_back)

    def _is_enough(self) -> bool:
        return self._free >= self._max_bytes

    def _give_back(self, size: int) -> None:
        with self._changed:
            self._free += size
            self._changed.notify_all()


class Reservation:
    """Memory that one original may take."""

    def __init__(self, size: int, give_back: Callable[[int], None]) -> None:
        self._size = size
        self._give_back = give_back

    def shrink(self, size: int) -> None:
        """Give back all but this many bytes."""
        surplus = self._size - min(size, self._size)
        self._size -= surplus
        if surplus:
            self._give_back(surplus)

    def release(self) -> None:
        """Give back what is left."""
        self.shrink(0)


class BoundedSource:
    """A source whose originals come from elsewhere, with bounded memory.

    Args:
        source: The source itself.
        fetches: See `FetchQueue`.
        max_bytes: See `FetchQueue`.
        queue: How many requests may wait for the memory.
    """

    def __init__(self, source: Source, *, fetches: int, max_bytes: int, queue: int) -> None:
        self._source = source
        self._bounds = (fetches, max_bytes, queue)

    @property
    def queue(self) -> FetchQueue:
        """The queue of this process for the memory."""
        fetches, max_bytes, length = self._bounds
        key = (os.getpid(), *self._bounds)
        return _queues.get(key) or _queues.setdefault(
            key, FetchQueue(fetches=fetches, max_bytes=max_bytes, length=length)
        )

    def get(self, name: str) -> Original:
        """See `Source.get`. The memory is free again when the original is closed.

        Raises:
            Overloaded: Too many wait for the memory already.
        """
        reservation = self.queue.reserve()
        try:
            original = self._source.get(name)
        except BaseException:
            reservation.release()
            raise
        if original.stream is None and isinstance(original.image, bytes):
            reservation.shrink(len(original.image))
        return replace(original, release=reservation.release)

    def state(self, name: str) -> str | None:
        """See `Source.state`."""
        return self._source.state(name)

    def version(self, name: str) -> str | None:
        """See `Source.version`."""
        return self._source.version(name)


_queues: dict[tuple[int, int, int, int], FetchQueue] = {}
"""Those of this process and of its parents, which have fetches of their own."""
