"""The processes of this machine. One that dies is replaced, and its recordings are judged again.

A process pool is broken as a whole when one of its processes dies: it is thrown away, and what
was under way is tried again. Recordings that were under way twice when that happened are tried
one at a time, so that the one that kills its process is found and listed as a failure.
"""

from __future__ import annotations

import multiprocessing as mp
import os
from collections import Counter, deque
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool

from msgspec.structs import replace

from monitor.replay.archive.judge import Task, judge, shown
from monitor.replay.archive.result import Line
from monitor.replay.workers import begin_worker

AHEAD = 3
"""Tasks per process that are under way or wait in it."""

SUSPECT = 2
"""So many deaths with a recording under way, and it is tried alone."""


def cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def on_this_machine(task: Task, jobs: int) -> Iterator[Line]:
    """Yield the line of each recording as it is done.

    Parameters
    ----------
    task
        All recordings.
    jobs
        Processes.

    Raises
    ------
    ModelError
        If the models are refused.
    """
    if jobs == 1:
        for name in task.names:
            yield from judge(replace(task, names=[name]))
        return
    rest = deque(task.names)
    deaths: Counter[bytes] = Counter()
    suspects: deque[bytes] = deque()
    while rest or suspects:
        if rest:
            lost = yield from _pool(task, rest, jobs)
            for name in lost:
                deaths[name] += 1
                (suspects if deaths[name] >= SUSPECT else rest).appendleft(name)
        else:
            name = suspects.popleft()
            if (yield from _pool(task, deque([name]), 1)):
                words = f"{shown(name)}: its process died, each time it was tried"
                yield Line(name=shown(name), error=words)


def _pool(task: Task, rest: deque[bytes], jobs: int) -> Generator[Line, None, list[bytes]]:
    """Judge with one pool until all is done or the pool breaks; return what was under way."""
    pool = ProcessPoolExecutor(jobs, mp_context=mp.get_context("spawn"), initializer=begin_worker)
    under_way: dict[Future[list[Line]], bytes] = {}
    lost: list[bytes] = []
    try:
        while rest or under_way:
            try:
                while rest and len(under_way) < jobs * AHEAD:
                    future = pool.submit(judge, replace(task, names=[rest[0]]))
                    under_way[future] = rest.popleft()
                done, _ = wait(under_way, return_when=FIRST_COMPLETED)
            except BrokenProcessPool:
                if not under_way:  # its processes die before they begin
                    return [rest.popleft()]
                done = set(under_way)
            for future in done:
                name = under_way.pop(future)
                try:
                    yield from future.result()
                except BrokenProcessPool:
                    lost.append(name)
            if lost:
                for future, name in under_way.items():
                    error = future.exception()
                    if error is None:
                        yield from future.result()
                    else:
                        lost.append(name)
                return lost
        return lost
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def batches(names: Sequence[bytes], size: int) -> list[list[bytes]]:
    """Cut names into lists of at most ``size``."""
    return [list(names[i : i + size]) for i in range(0, len(names), size)]
