"""The threads of async apps."""

import asyncio
import contextvars
import threading

import pytest
from xaccel._async import Threads

THREADS = Threads("test-async", 1)
"""A single thread, so that a second call has to wait."""


def test_a_call_in_a_thread():
    name = contextvars.ContextVar("name")

    async def main():
        name.set("caller")
        return await THREADS.run(
            lambda *args, **keywords: (
                args,
                keywords,
                name.get(),
                threading.current_thread().name.startswith("test-async"),
            ),
            1,
            key=2,
        )

    assert asyncio.run(main()) == ((1,), {"key": 2}, "caller", True)


@pytest.mark.parametrize("error", [ValueError, SystemExit])
def test_an_error_arrives(error):
    def fail():
        raise error("of the thread")

    async def main():
        with pytest.raises(error, match="of the thread"):
            await THREADS.run(fail)

    asyncio.run(main())


class Held:
    """A call that lasts until it is released."""

    def __init__(self):
        self.began, self.released = threading.Event(), threading.Event()

    def __call__(self):
        self.began.set()
        assert self.released.wait(30)


def test_a_cancelled_call_does_not_begin():
    held, begun = Held(), []

    async def main():
        first = asyncio.ensure_future(THREADS.run(held))
        second = asyncio.ensure_future(THREADS.run(begun.append, "second"))
        await asyncio.to_thread(held.began.wait)
        second.cancel()
        await asyncio.gather(second, return_exceptions=True)
        held.released.set()
        await first
        await THREADS.run(begun.append, "third")

    asyncio.run(main())
    assert begun == ["third"]


def test_the_result_of_a_cancelled_call_is_dropped():
    held, problems = Held(), []

    async def main():
        asyncio.get_running_loop().set_exception_handler(lambda _, found: problems.append(found))
        call = asyncio.ensure_future(THREADS.run(held))
        await asyncio.to_thread(held.began.wait)
        call.cancel()
        await asyncio.gather(call, return_exceptions=True)
        held.released.set()
        await THREADS.run(int)

    asyncio.run(main())
    assert problems == []


def test_a_call_that_outlasts_its_loop():
    held = Held()

    async def main():
        call = asyncio.ensure_future(THREADS.run(held))
        await asyncio.to_thread(held.began.wait)
        call.cancel()

    asyncio.run(main())
    held.released.set()
    assert asyncio.run(THREADS.run(int)) == 0
