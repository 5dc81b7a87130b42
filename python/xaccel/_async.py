"""Threads and background tasks under asyncio, and under trio by `anyio`, which Starlette brings."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from typing import ParamSpec, TypeVar

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


async def to_thread(
    function: Callable[Parameters, Result],
    *arguments: Parameters.args,
    **options: Parameters.kwargs,
) -> Result:
    """Call a function that may block in a thread."""
    call = partial(function, *arguments, **options)
    if _is_asyncio():
        return await asyncio.to_thread(call)
    import anyio.to_thread  # noqa: PLC0415 - only under trio

    return await anyio.to_thread.run_sync(call)


@contextlib.asynccontextmanager
async def waiting(wait: Callable[[], Awaitable[object]]) -> AsyncIterator[Callable[[], bool]]:
    """Wait in the background until the block ends. Yields whether the wait is over."""
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
        except Exception as error:  # noqa: BLE001 - raised below, since the group would wrap it
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
