"""The threads of async apps. Each kind of work has its own, so that none waits for another.

asyncio's own threads are few, and it resolves host names in them, too.
"""

from __future__ import annotations

import asyncio
import contextvars
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import ParamSpec, TypeVar

from xaccel._core import available_parallelism
from xaccel.config import Config

P = ParamSpec("P")
T = TypeVar("T")

_FILES = 32


@dataclass(frozen=True, slots=True)
class Threads:
    """Threads for one kind of work, which start when they are needed."""

    name: str
    size: int

    async def run(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Call a function in one of these threads, as `asyncio.to_thread` does."""
        context = contextvars.copy_context()
        call: Callable[[], T] = partial(context.run, function, *args, **kwargs)
        executor = _executor(os.getpid(), self)
        return await asyncio.get_running_loop().run_in_executor(executor, call)

    @classmethod
    def for_thumbnails(cls, config: Config) -> Threads:
        """Return threads for all thumbnails that may wait, and for more that are finished."""
        workers = config.thumbnail_workers or available_parallelism()
        return cls("xaccel-thumbnails", config.thumbnail_queue + workers + _FILES)


FILES = Threads("xaccel-files", _FILES)
"""For finding and reading files."""


@lru_cache(maxsize=8)
def _executor(pid: int, threads: Threads) -> ThreadPoolExecutor:  # noqa: ARG001
    """Return the threads of this process. A forked process needs its own, hence `pid`."""
    return ThreadPoolExecutor(threads.size, threads.name)
