"""Runs a function on many items, in several processes."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Generic, TypeVar

ItemT = TypeVar("ItemT")
ResultT = TypeVar("ResultT")

_AHEAD = 2
"""The number of items assigned to a process at a time, so that the next one is already waiting."""

_context = multiprocessing.get_context("fork")


@dataclass
class _Worker(Generic[ItemT]):
    process: BaseProcess
    pipe: Connection
    items: list[ItemT] = field(default_factory=list)
    """The items that the process has received but not finished, in order."""


class Processes(Generic[ItemT, ResultT]):
    """Processes that run a function.

    They ignore Ctrl-C so that each can finish its item; they exit when this process does.

    Args:
        run: The function. It must not raise.
        number: The number of processes.
        on_death: Returns the result for an item if a process died while working on it.
    """

    def __init__(
        self,
        run: Callable[[ItemT], ResultT],
        number: int,
        *,
        on_death: Callable[[ItemT], ResultT],
    ) -> None:
        self._run = run
        self._on_death = on_death
        self._workers: list[_Worker[ItemT]] = []
        for _ in range(number):
            self._start()
        self.is_stopping = False
        """Set this to `True` to stop passing items to the processes."""

    def results(self, items: Iterable[ItemT]) -> Iterator[tuple[ItemT, ResultT]]:
        """Yield each item with its result, as soon as the result is ready."""
        coming = iter(items)
        self._feed(coming)
        while busy := {worker.pipe: worker for worker in self._workers if worker.items}:
            for pipe in wait(list(busy)):
                if not isinstance(pipe, Connection):
                    continue
                worker = busy[pipe]
                try:
                    result = pipe.recv()
                except (EOFError, OSError):
                    yield from self._replace(worker)
                else:
                    yield worker.items.pop(0), result
            self._feed(coming)

    def close(self) -> None:
        """End the processes. Each process finishes its current item first."""
        for worker in self._workers:
            worker.pipe.close()
        for worker in self._workers:
            worker.process.join()

    def _feed(self, coming: Iterator[ItemT]) -> None:
        for _ in range(_AHEAD):
            for worker in self._workers:
                if self.is_stopping:
                    return
                if len(worker.items) >= _AHEAD:
                    continue
                for item in coming:
                    self._pass(worker, item)
                    break
                else:
                    return

    def _pass(self, worker: _Worker[ItemT], item: ItemT) -> None:
        worker.items.append(item)
        try:
            worker.pipe.send(item)
        except OSError:
            return  # The process has died. `results` will notice this.

    def _replace(self, worker: _Worker[ItemT]) -> Iterator[tuple[ItemT, ResultT]]:
        """Replace a process that died while it was working on the first of its items."""
        self._workers.remove(worker)
        worker.pipe.close()
        worker.process.join()
        item, *others = worker.items
        successor = self._start()
        for other in others:
            self._pass(successor, other)
        yield item, self._on_death(item)

    def _start(self) -> _Worker[ItemT]:
        ours, theirs = _context.Pipe()
        pipes = [ours, *(worker.pipe for worker in self._workers)]
        process = _context.Process(
            target=_work, args=(self._run, theirs, pipes), name="xaccel-backfill", daemon=True
        )
        process.start()
        theirs.close()
        worker: _Worker[ItemT] = _Worker(process, ours)
        self._workers.append(worker)
        return worker


def _work(
    run: Callable[[ItemT], ResultT],
    pipe: Connection[ResultT, ItemT],
    inherited: Iterable[Connection],
) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    # A process can detect the end of its pipe only if no other process holds the other end open.
    for each in inherited:
        each.close()
    while True:
        try:
            item = pipe.recv()
        except EOFError:
            return
        result = run(item)
        try:
            pipe.send(result)
        except OSError:
            return
