"""Worker processes for recordings, for ``replay`` and ``archive`` alike.

A worker ignores Ctrl-C (it reaches every process of a terminal; the parent says when to stop) and
does not outlive its parent. A process pool is broken as a whole when one of its processes dies:
it is thrown away, and what was under way is tried again. Items that were under way twice when
that happened are tried one at a time, so that the one that kills its process is found.
"""

from __future__ import annotations

import multiprocessing as mp
import os
import signal
import threading
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing.synchronize import Event
from typing import Generic, TypeVar

from monitor.system.memory import settle

AHEAD = 3
"""Items per process that are under way or wait in it."""

SUSPECT = 2
"""After so many deaths with an item under way, it is tried alone."""

Item = TypeVar("Item")
Result = TypeVar("Result")

_stop: Event | None = None


def stopped() -> bool:
    """Whether the parent wants this worker to stop what it is doing."""
    return _stop is not None and _stop.is_set()


def cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@dataclass(frozen=True)
class Workers(Generic[Item, Result]):
    """Runs ``work`` on items in processes.

    Attributes
    ----------
    work
        A function at the top level of a module; asks `stopped` in between.
    died
        Makes the result of an item whose process died each time, or raises.
    jobs
        Processes.
    retry
        Whether an item whose process died is tried again before ``died`` is asked.
    """

    work: Callable[[Item], Result]
    died: Callable[[Item], Result]
    jobs: int
    retry: bool = True

    def run(self, items: Sequence[Item]) -> Iterator[tuple[int, Result]]:
        """Yield (number of the item, result) as each is done.

        Raises
        ------
        Exception
            Whatever ``work`` or ``died`` raises; the other workers are stopped.
        """
        rest = deque(range(len(items)))
        deaths: Counter[int] = Counter()
        suspects: deque[int] = deque()
        while rest or suspects:
            if rest:
                lost = yield from self._pool(items, rest, self.jobs)
                for number in lost:
                    if not self.retry:
                        yield number, self.died(items[number])
                        continue
                    deaths[number] += 1
                    (suspects if deaths[number] >= SUSPECT else rest).appendleft(number)
            else:
                number = suspects.popleft()
                if (yield from self._pool(items, deque([number]), 1)):
                    yield number, self.died(items[number])

    def in_order(self, items: Sequence[Item]) -> Iterator[Result]:
        """Yield the results in the order of the items."""
        early: dict[int, Result] = {}
        following = 0
        for number, result in self.run(items):
            early[number] = result
            while following in early:
                yield early.pop(following)
                following += 1

    def _pool(
        self, items: Sequence[Item], rest: deque[int], jobs: int
    ) -> Generator[tuple[int, Result], None, list[int]]:
        """Work with one pool until all is done or it breaks; return what was under way."""
        context = mp.get_context("spawn")  # a forked torch may hang
        stop = context.Event()
        pool = ProcessPoolExecutor(
            jobs, mp_context=context, initializer=_begin_worker, initargs=(stop,)
        )
        under_way: dict[Future[Result], int] = {}
        try:
            while rest or under_way:
                try:
                    while rest and len(under_way) < jobs * AHEAD:
                        under_way[pool.submit(self.work, items[rest[0]])] = rest[0]
                        rest.popleft()
                    done, _ = wait(under_way, return_when=FIRST_COMPLETED)
                except BrokenProcessPool:
                    if not under_way:  # its processes die before they begin
                        return [rest.popleft()]
                    done = set(under_way)
                lost = []
                for future in done:
                    number = under_way.pop(future)
                    try:
                        result = future.result()
                    except BrokenProcessPool:
                        lost.append(number)
                    else:
                        yield number, result
                if lost:
                    for future, number in under_way.items():
                        if future.exception() is None:
                            yield number, future.result()
                        else:
                            lost.append(number)
                    return lost
            return []
        finally:
            stop.set()
            pool.shutdown(wait=True, cancel_futures=True)


def _begin_worker(stop: Event) -> None:
    global _stop  # noqa: PLW0603 - one process, one parent
    _stop = stop
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    settle()
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = mp.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
