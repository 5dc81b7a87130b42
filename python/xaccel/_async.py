"""Threads and background tasks for async apps, under asyncio or (with `anyio`) under trio.

Starlette installs `anyio`. Each kind of work has its own threads, so that one kind does not have to
wait for another. This module does not use asyncio's default thread pool, because the pool is small
and asyncio also uses it to resolve host names.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from xaccel._core import available_parallelism
from xaccel.config import Config

if TYPE_CHECKING:
    import anyio
    from anyio.lowlevel import RunVar

P = ParamSpec("P")
T = TypeVar("T")

_FILES = 32


@dataclass(frozen=True, slots=True)
class Threads:
    """Threads for one kind of work, started on demand."""

    name: str
    size: int

    async def run(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Call a function in one of these threads, as `asyncio.to_thread` does."""
        context = contextvars.copy_context()
        call: Callable[[], T] = partial(context.run, function, *args, **kwargs)
        if _is_asyncio():
            # This does what `run_in_executor()` does, but at two thirds of the cost, because the
            # future of the executor is not chained to another one.
            loop = asyncio.get_running_loop()
            future: asyncio.Future[T] = loop.create_future()
            _executor(os.getpid(), self).submit(_work, loop, future, call)
            return await future
        import anyio.to_thread  # noqa: PLC0415 - only under trio

        return await anyio.to_thread.run_sync(call, limiter=_limiter(self))

    @classmethod
    def for_thumbnails(cls, config: Config) -> Threads:
        """Return enough threads for all renders that may be waiting, plus some to send files."""
        workers = config.thumbnail_workers or available_parallelism()
        return cls("xaccel-thumbnails", config.thumbnail_queue + workers + _FILES)


FILES = Threads("xaccel-files", _FILES)
"""The threads that find and read files."""


def _work(
    loop: asyncio.AbstractEventLoop, future: asyncio.Future[T], call: Callable[[], T]
) -> None:
    """Call a function in a thread, and set the result of a future of this loop."""
    if future.cancelled():
        return
    try:
        result = call()
    except BaseException as error:  # noqa: BLE001 - raised where the future is awaited
        _settle_soon(loop, future, future.set_exception, error)
    else:
        _settle_soon(loop, future, future.set_result, result)


def _settle_soon(
    loop: asyncio.AbstractEventLoop,
    future: asyncio.Future[Any],
    settle: Callable[[Any], None],
    value: object,
) -> None:
    # Nobody waits any more if the loop has ended in the meantime.
    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(_settle, future, settle, value)


def _settle(future: asyncio.Future[Any], settle: Callable[[Any], None], value: object) -> None:
    if not future.cancelled():
        settle(value)


@lru_cache(maxsize=8)
def _executor(pid: int, threads: Threads) -> ThreadPoolExecutor:  # noqa: ARG001
    """Return the thread pool of the process `pid`. A forked process needs its own."""
    return ThreadPoolExecutor(threads.size, threads.name)


def _limiter(threads: Threads) -> anyio.CapacityLimiter:
    """Return the limiter for these threads in the current trio loop."""
    import anyio  # noqa: PLC0415 - only under trio

    variable = _run_variable(threads)
    try:
        return variable.get()
    except LookupError:
        limiter = anyio.CapacityLimiter(threads.size)
        variable.set(limiter)
        return limiter


@lru_cache(maxsize=8)
def _run_variable(threads: Threads) -> RunVar[anyio.CapacityLimiter]:
    """Return a variable that has a separate value in each trio loop."""
    from anyio.lowlevel import RunVar  # noqa: PLC0415 - only under trio

    return RunVar(threads.name)


@contextlib.asynccontextmanager
async def waiting(wait: Callable[[], Awaitable[object]]) -> AsyncIterator[Callable[[], bool]]:
    """Await `wait()` in the background. Yields a function that returns whether it has finished."""
    if _is_asyncio():
        task = asyncio.ensure_future(wait())
        try:
            yield task.done
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        return
    import anyio  # noqa: PLC0415 - only under trio

    is_over = False

    async def run() -> None:
        nonlocal is_over
        with contextlib.suppress(Exception):
            await wait()
        is_over = True

    problem: Exception | None = None
    async with anyio.create_task_group() as group:
        group.start_soon(run)
        try:
            yield lambda: is_over
        except Exception as error:  # noqa: BLE001 - raised below, because the group would wrap it
            problem = error
        group.cancel_scope.cancel()
    if problem is not None:
        raise problem


def _is_asyncio() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
