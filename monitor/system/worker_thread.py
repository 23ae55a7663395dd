"""A thread whose start cannot hang.

`threading.Thread.start` waits until the new thread runs. One that finds no memory for its first
steps ends without a word, and whoever started it waits for ever: the supervisor would, at the very
fault that it guards against.
"""

from __future__ import annotations

import _thread
import threading
from collections.abc import Callable

BEGIN_S = 1.0
"""A thread that does not run by then will not be waited for."""


class WorkerThread:
    """Runs a function on a thread of its own, which ends with the process.

    Parameters
    ----------
    run
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

    def __init__(self, run: Callable[[], None], limit_s: float = BEGIN_S) -> None:
        self._run: Callable[[], None] = run
        self._lock = threading.Lock()
        self._state = "new"
        self._begun, self._over = threading.Event(), threading.Event()
        _thread.start_new_thread(self._go, ())
        self._begun.wait(limit_s)
        with self._lock:
            if self._state == "new":
                self._state = "given up"
                raise RuntimeError("a new thread did not begin")

    def is_alive(self) -> bool:
        """Whether the function has not come back."""
        return not self._over.is_set()

    def join(self, limit_s: float) -> None:
        """Wait until the function is back, but not longer than this."""
        self._over.wait(limit_s)

    def _go(self) -> None:
        with self._lock:
            if self._state != "new":
                return
            self._state = "running"
        self._begun.set()
        try:
            self._run()
        finally:
            self._over.set()
