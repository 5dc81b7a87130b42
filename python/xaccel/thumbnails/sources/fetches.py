"""A limit on the memory for fetched originals, which stay in memory until they are rendered."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace

from xaccel._core import StreamedSource
from xaccel.thumbnails.sources.base import Original, Source
from xaccel.thumbnails.turns import queue_is_full


class FetchQueue:
    """The memory that a process may use for fetched originals, and the queue for this memory.

    A fetch starts when enough memory is free for an original of the maximum size. Once the actual
    size is known, the unused memory is released.

    Args:
        fetches: The maximum number of originals that are fetched at the same time.
        max_bytes: The maximum size of an original in bytes.
        length: The maximum number of requests that may wait.
    """

    def __init__(self, *, fetches: int, max_bytes: int, length: int) -> None:
        self._max_bytes = max_bytes
        self._free = fetches * max_bytes
        self._length = length
        self._waiting = 0
        self._changed = threading.Condition()

    def reserve(self) -> Reservation:
        """Wait until enough memory is free for an original of the maximum size.

        Raises:
            Overloaded: Too many requests are already waiting.
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
    """Memory that is reserved for one original."""

    def __init__(self, size: int, give_back: Callable[[int], None]) -> None:
        self._size = size
        self._give_back = give_back

    def shrink(self, size: int) -> None:
        """Release all but this many bytes."""
        surplus = self._size - min(size, self._size)
        self._size -= surplus
        if surplus:
            self._give_back(surplus)

    def release(self) -> None:
        """Release the remaining memory."""
        self.shrink(0)


class BoundedSource:
    """A source that fetches originals from elsewhere and uses a limited amount of memory.

    Args:
        source: The source to limit.
        fetches: See `FetchQueue`.
        max_bytes: See `FetchQueue`.
        queue: The maximum number of requests that may wait for memory.
    """

    def __init__(self, source: Source, *, fetches: int, max_bytes: int, queue: int) -> None:
        self._source = source
        self._bounds = (fetches, max_bytes, queue)

    @property
    def queue(self) -> FetchQueue:
        """This process's queue for memory."""
        fetches, max_bytes, length = self._bounds
        key = (os.getpid(), *self._bounds)
        return _queues.get(key) or _queues.setdefault(
            key, FetchQueue(fetches=fetches, max_bytes=max_bytes, length=length)
        )

    def get(self, name: str) -> Original:
        """See `Source.get`. The memory is released when the original is closed.

        Raises:
            Overloaded: Too many requests are already waiting for memory.
        """
        reservation = self.queue.reserve()
        try:
            original = self._source.get(name)
        except BaseException:
            reservation.release()
            raise
        if original.stream is None and isinstance(original.image, StreamedSource):
            reservation.shrink(len(original.image))
        return replace(original, release=reservation.release)

    def state(self, name: str) -> str | None:
        """See `Source.state`."""
        return self._source.state(name)

    def version(self, name: str) -> str | None:
        """See `Source.version`."""
        return self._source.version(name)

    def names(self, prefix: str) -> Iterator[str]:
        """See `Source.names`."""
        return self._source.names(prefix)


_queues: dict[tuple[int, int, int, int], FetchQueue] = {}
"""The queues of this process and of its parents. Each process counts only its own fetches."""
