"""A Dask cluster: workers on any number of machines that see the folder under the same path.

Dask gives a task of a worker that died to another one. A scheduler that dies takes everything it
knew with it: we wait for one at the same address and hand in again what has not come back. A line
is taken once, however often it was computed.
"""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from typing import Any

import msgspec
from msgspec.structs import replace

from monitor.errors import ApexbeatError, UsageError
from monitor.replay.archive.judge import Task, judge_encoded, shown
from monitor.replay.rows import Row

BATCH = 4
"""Recordings of one task."""

AHEAD = 3
"""Tasks per thread of the cluster that are handed in."""

CONNECT_S = 10.0
PATIENCE_S = 120.0
"""How long we wait for a scheduler, or for its first worker, to be there again."""

POLL_S = 1.0
RETRY_S = 0.5
RESULT_S = 60.0
"""How long a worker may take to hand over a result that it has."""

_LOUD = ("distributed.client", "distributed.core", "distributed.comm.tcp", "distributed.batched")


def on_cluster(task: Task, address: str, said: Callable[[str], None]) -> Iterator[Row]:
    """Yield the line of each recording as it is done.

    Parameters
    ----------
    task
        All recordings.
    address
        Of the scheduler, such as ``tcp://10.0.0.1:8786``.
    said
        Called with a line when we wait for the cluster, and when it is there again.

    Raises
    ------
    UsageError
        If Dask is not installed, or there is no scheduler at that address.
    ApexbeatError
        If the cluster stays away for too long.
    ModelError
        If a worker has other models.
    """
    dask = _dask()
    for name in _LOUD:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    try:
        dask.Client(address, timeout=CONNECT_S, set_as_default=False).close()
    except (OSError, ValueError) as error:
        words = " ".join(str(error).split())[:200]
        raise UsageError(f"no scheduler at {address}: {words}") from None
    work = _Work(task, address, said)
    while work.open:
        yield from work.once()


def _dask() -> Any:
    """The library; it is not typed."""
    try:
        import distributed
    except ImportError:
        raise UsageError(
            "a cluster needs a library that is not installed", "pip install 'apexbeat[cluster]'"
        ) from None
    return distributed


class _Work:
    """What has not come back, over as many connections as it takes."""

    def __init__(self, task: Task, address: str, said: Callable[[str], None]) -> None:
        self._task, self._address, self._said = task, address, said
        self.open: dict[tuple[bytes, ...], None] = {
            tuple(task.names[at : at + BATCH]): None for at in range(0, len(task.names), BATCH)
        }
        self._lost_s: float | None = None

    def once(self) -> Iterator[Row]:
        """Hand in over one connection until all is done or it breaks."""
        client: Any = None
        try:
            client = _dask().Client(self._address, timeout=CONNECT_S)
            yield from self._collect(client)
        except OSError:  # TimeoutError and Dask's CommClosedError are such
            self._patience(f"the scheduler at {self._address} is away")
        finally:
            if client is not None:
                with contextlib.suppress(Exception):
                    client.close(timeout=2)

    def _collect(self, client: Any) -> Iterator[Row]:
        """See `once`; OSError when the scheduler is gone."""
        rest = list(self.open)
        under_way: dict[Any, tuple[bytes, ...]] = {}
        while rest or under_way:
            threads = sum(client.nthreads().values())
            self._seen(threads)
            while rest and len(under_way) < max(1, threads) * AHEAD:
                names = rest.pop(0)
                body = msgspec.json.encode(replace(self._task, names=list(names)))
                under_way[client.submit(judge_encoded, body, pure=False)] = names
            try:
                _dask().wait(list(under_way), timeout=POLL_S, return_when="FIRST_COMPLETED")
            except TimeoutError:
                continue
            except CancelledError as error:
                raise OSError(str(error)) from None
            for future in [f for f in under_way if f.status != "pending"]:
                yield from self._take(future, under_way.pop(future), rest)

    def _take(
        self, future: Any, names: tuple[bytes, ...], rest: list[tuple[bytes, ...]]
    ) -> list[Row]:
        if future.status == "cancelled":
            raise OSError("the scheduler forgot us")
        try:
            lines = msgspec.json.decode(future.result(timeout=RESULT_S), type=list[Row])
        except CancelledError as error:  # also of Dask's own kind
            raise OSError(str(error)) from None
        except _dask().KilledWorker:
            return self._suspect(names, rest)
        del self.open[names]
        return lines

    def _suspect(self, names: tuple[bytes, ...], rest: list[tuple[bytes, ...]]) -> list[Row]:
        """Several workers died over these: try them one by one, to find the one that kills."""
        del self.open[names]
        if len(names) == 1:
            name = shown(names[0])
            return [
                Row(name=name, file=name, error=f"{name}: its worker died, each time it was tried")
            ]
        self.open.update({(name,): None for name in names})
        rest += [(name,) for name in names]
        return []

    def _seen(self, threads: int) -> None:
        """The scheduler answered; has it workers?"""
        if threads:
            if self._lost_s is not None:
                self._said("the cluster works again")
            self._lost_s = None
        else:
            self._patience("the cluster has no worker")

    def _patience(self, trouble: str) -> None:
        now_s = time.monotonic()
        if self._lost_s is None:
            self._lost_s = now_s
            self._said(f"{trouble}, waiting for it")
        if now_s - self._lost_s > PATIENCE_S:
            raise ApexbeatError(
                f"{trouble} for {PATIENCE_S:.0f} s",
                "finished work is kept: restart it and use --resume",
            )
        time.sleep(RETRY_S)
