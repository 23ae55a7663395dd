"""A thread whose start cannot hang.

`threading.Thread.start` waits until the new thread runs. One that finds no memory for its first
steps ends without a word, and whoever started it waits for ever: the supervisor would, at the very
fault that it guards against.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

BEGIN_S = 1.0
"""A thread that does not run by then will not be waited for."""


class _Limited(threading.Event):
    """An event that nobody waits for longer than ``limit_s``."""

    def __init__(self, limit_s: float) -> None:
        super().__init__()
        self._limit_s = limit_s

    def wait(self, timeout: float | None = None) -> bool:
        """Wait, but not for ever."""
        return super().wait(self._limit_s if timeout is None else timeout)


class WorkerThread(threading.Thread):
    """Runs a function on a thread of its own, from now on; it ends with the process.

    Parameters
    ----------
    call
        The function; what it raises is for it to tell.
    limit_s
        How long to wait until it runs.

    Raises
    ------
    RuntimeError
        If there is no thread for it, or it did not begin in time: then it will not run at all.
    MemoryError
        If there is no memory to ask for one.
    """

    def __init__(self, call: Callable[[], None], limit_s: float = BEGIN_S) -> None:
        super().__init__(name="worker", daemon=True)
        self._call = call
        self._lock = threading.Lock()
        self._given_up = False
        begun = _Limited(limit_s)
        setattr(self, "_started", begun)  # noqa: B010 - what `start` waits for
        self.start()
        with self._lock:
            if not begun.is_set():
                self._given_up = True
                raise RuntimeError("a new thread did not begin")

    def run(self) -> None:
        """Call the function, unless nobody waits for it any more."""
        with self._lock:
            if self._given_up:
                return
        self._call()
