"""A call that may hang: run on a thread that can be left behind.

PortAudio's open, stop and close, and even the import of its binding, wait for ever while the
sound server is frozen. The caller looks whether the call is back and abandons it if it is not; a
result that comes later is handed to a function that undoes it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from monitor.system.worker_thread import WorkerThread

T = TypeVar("T")


class AbandonableCall(Generic[T]):
    """One call on a thread of its own.

    Parameters
    ----------
    undo
        Gets the result if the call comes back after it was abandoned.

    Raises
    ------
    RuntimeError, MemoryError
        If there is no thread for it.
    """

    def __init__(self, call: Callable[[], T], undo: Callable[[T], None], now_s: float) -> None:
        self.since_s = now_s
        self._call = call
        self._undo = undo
        self._lock = threading.Lock()
        self._done = threading.Event()
        self._abandoned = False
        self._result: T | None = None
        self._error: Exception | None = None
        WorkerThread(self._run)

    @property
    def done(self) -> bool:
        """Whether the call is back."""
        return self._done.is_set()

    def wait(self, seconds: float) -> bool:
        """Wait until the call is back, at most ``seconds``; tell whether it is."""
        return self._done.wait(seconds)

    def result(self) -> T:
        """What the call returned; raises what it raised."""
        if self._error is not None:
            raise self._error
        return self._result  # type: ignore[return-value]

    def abandon(self) -> None:
        """Nobody waits for it any more; undo it when it comes back."""
        with self._lock:
            self._abandoned = True
            late = self._done.is_set() and self._error is None
        if late:
            self._undo(self._result)  # type: ignore[arg-type]

    def _run(self) -> None:
        try:
            result = self._call()
        except Exception as error:  # noqa: BLE001 - handed to the caller of result()
            self._error = error
            self._done.set()
            return
        with self._lock:
            self._result = result
            self._done.set()
            late = self._abandoned
        if late:
            self._undo(result)
