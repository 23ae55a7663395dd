"""What must not be waited for: small jobs on a thread of their own, and a log that cannot block.

`Background` runs jobs one after the other and drops what is too much. `log_stderr` points the
process's standard error at a file by way of a pipe: whoever writes to it (we, Python, the audio
library) never waits for the disk; when the disk hangs, what does not fit into the pipe is lost.
"""

from __future__ import annotations

import contextlib
import io
import logging
import os
import queue
import sys
from collections.abc import Callable
from pathlib import Path

from monitor.system.private_file import open_private, same_file
from monitor.system.worker_thread import WorkerThread

LOG_LIMIT = 2**20
"""A log longer than this is begun anew; the last one is kept beside it, bytes."""

PIPE_BYTES = 2**18


class Background:
    """Runs jobs in order on one thread.

    Parameters
    ----------
    limit
        Jobs that may wait; further ones are dropped and counted.
    """

    def __init__(self, limit: int = 100) -> None:
        self._jobs: queue.Queue[Callable[[], None] | None] = queue.Queue(limit)
        self._thread: WorkerThread | None = None
        self.dropped = 0

    def put(self, job: Callable[[], None]) -> bool:
        """Hand over a job; False if there is no room or no thread for it. Never waits.

        What a job raises is for the job to tell: `OSError` is taken as told.
        """
        try:
            if self._thread is None:
                self._thread = WorkerThread(self._run)
            self._jobs.put_nowait(job)
        except (queue.Full, RuntimeError, MemoryError):
            self.dropped += 1
            return False
        return True

    def close(self, limit_s: float) -> None:
        """Do what waits, but not longer than this."""
        if self._thread is None:
            return
        with contextlib.suppress(queue.Full):
            self._jobs.put_nowait(None)
            self._thread.join(limit_s)

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            with contextlib.suppress(OSError, MemoryError):
                job()


class _Unfailing(io.TextIOWrapper):
    """Standard error that loses what cannot be written, and never raises."""

    def write(self, text: str) -> int:
        """Write what there is room for."""
        with contextlib.suppress(OSError, ValueError):
            super().write(text)
        return len(text)

    def flush(self) -> None:
        """Send it on."""
        with contextlib.suppress(OSError, ValueError):
            super().flush()


def log_stderr(path: Path) -> int:
    """Let everything that is written to descriptor 2 end in the log ``path``; the old descriptor.

    Raises
    ------
    OSError
        If there is no descriptor or no thread for it; standard error is then as it was.
    """
    kept = os.dup(2)
    out, into = os.pipe()
    try:
        _enlarge(into)
        os.set_blocking(into, False)
        WorkerThread(lambda: _copy(out, path))
    except (OSError, RuntimeError, MemoryError) as error:
        for handle in (kept, out, into):
            os.close(handle)
        raise OSError(str(error)) from None
    os.dup2(into, 2)
    os.close(into)
    unfailing_stderr()
    return kept


def unfailing_stderr() -> None:
    """Let Python's own standard error never raise, whatever is behind it."""
    sys.stderr = _Unfailing(
        io.FileIO(2, "w", closefd=False), encoding="utf-8", errors="backslashreplace",
        line_buffering=True, write_through=True,
    )  # fmt: skip


def log_lines(process: str) -> None:
    """Write what `logging` is told to standard error, with the time and ``process``.

    No line ever holds the name of a session: that may be a person's.
    """
    logging.raiseExceptions = False  # a line that cannot be written stops nobody
    words = f"%(asctime)s {process}[%(process)d] %(levelname)s %(message)s"
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format=words, force=True)


def _enlarge(handle: int) -> None:
    if sys.platform == "linux":
        import fcntl

        with contextlib.suppress(OSError):
            fcntl.fcntl(handle, fcntl.F_SETPIPE_SZ, PIPE_BYTES)


def _copy(out: int, path: Path) -> None:
    """Append to the log until the other end is closed; what the disk refuses is lost."""
    lost, log = 0, _Log(path)
    while data := os.read(out, 65_536):
        try:
            if lost:
                data = f"({lost} bytes before this could not be written)\n".encode() + data
            log.append(data)
        except OSError:
            lost += len(data)
        else:
            lost = 0


class _Log:
    """A log that is kept open, so that it can be written when descriptors are out."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._handle: int | None = None
        with contextlib.suppress(OSError):
            self._handle = self._open()

    def append(self, data: bytes) -> None:
        """Write; a log over `LOG_LIMIT` is begun anew, one that was deleted made again."""
        if self._handle is not None and not same_file(self._path, self._handle):
            os.close(self._handle)
            self._handle = None
        if self._handle is None:
            self._handle = self._open()
        if os.fstat(self._handle).st_size > LOG_LIMIT:
            self._path.replace(self._path.with_name(self._path.name + ".1"))
            os.close(self._handle)
            self._handle = None
            self._handle = self._open()
        os.write(self._handle, data)

    def _open(self) -> int:
        return open_private(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
