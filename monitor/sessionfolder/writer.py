"""Writes a session folder (see `monitor.sessionfolder.format`) on a thread of its own.

Nothing here makes the analysis wait: inputs are queued; a disk that refuses or hangs is told by
`trouble`. Sound that would overfill the queue ends the recording, never the monitoring.
"""

from __future__ import annotations

import os
import shutil
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import msgspec
import numpy as np

from monitor import events as ev
from monitor.clock import Clock, ClockAnchor
from monitor.errors import RecordError
from monitor.sessionfolder import format as ff
from monitor.sessionfolder.segments import SegmentWriter

FLUSH_S = 0.5
UNCONFIRMED_S = 3.0
LIMIT_S = 120.0
"""Seconds of sound that may wait for the disk."""

_encode = msgspec.json.Encoder().encode


class FolderWriter:
    """One session folder; its own thread makes it.

    Parameters
    ----------
    folder
        To be made; a number is added if there is one of that name.
    made
        Called on the writer's thread with the folder once it is there.

    Attributes
    ----------
    folder
        As it is named on the disk, once it is made.
    """

    def __init__(
        self,
        folder: Path,
        info: ff.FolderInfo,
        clock: Clock,
        made: Callable[[Path], None] = lambda _: None,
    ) -> None:
        self.folder = folder
        self._info, self._clock, self._told = info, clock, made
        self._rate_hz = info.rate_hz
        self._files: dict[str, int] = {}
        self._sound: SegmentWriter | None = None
        self._made = threading.Event()
        self._changed = threading.Condition()
        self._queue: deque[tuple[str, bytes | ev.Block]] = deque()
        self._waiting_frames = 0
        self._since_s: float | None = clock.monotonic()
        self._trouble: str | None = None
        self._over = self._broken = False
        self._run_frames = 0
        self._thread = threading.Thread(target=self._run, name="folder", daemon=True)
        try:
            self._thread.start()
        except (RuntimeError, MemoryError) as error:
            raise RecordError(f"{folder}: {error}") from None

    def wait_made(self, limit_s: float) -> None:
        """Wait until the folder is there.

        Raises
        ------
        RecordError
            If it cannot be made, or not in time.
        """
        end_s = self._clock.monotonic() + limit_s
        while not self._made.wait(0.02) and self._trouble is None:
            if self._clock.monotonic() > end_s:
                break
        if not self._made.is_set():
            self.close(0.0)
            raise RecordError(
                f"{self.folder}: {self._trouble or 'the disk does not answer'}",
                "choose another --store",
            )

    @property
    def made(self) -> bool:
        """Whether the folder is there."""
        return self._made.is_set()

    # ------------------------------------------------------------ the analysis thread

    def take(self, item: ev.Input) -> None:
        """Record one input."""
        if isinstance(item, ev.Block):
            self._waiting_frames += len(item.samples)
            if self._waiting_frames > LIMIT_S * self._rate_hz:
                self._broken = True
            self._put(ff.SOUND, item)
        else:
            self._put(ff.INPUTS, _encode(item) + b"\n")

    def events(self, events: tuple[ev.Event, ...]) -> None:
        """Record what the pipeline said."""
        self._put(ff.EVENTS, b"".join(_encode(event) + b"\n" for event in events))

    def anchor(self, row: ClockAnchor) -> None:
        """Record the clocks."""
        self._put(ff.ANCHORS, _encode(asdict(row)) + b"\n")

    def trouble(self) -> str | None:
        """Why the session cannot be recorded now; None if all is well."""
        if self._broken:
            return "the recording of the sound broke off: the disk was too slow"
        since_s = self._since_s
        if self._trouble is None and since_s is not None:
            waited_s = self._clock.monotonic() - since_s
            if waited_s > UNCONFIRMED_S:
                return f"the sound has not reached the disk for {waited_s:.0f} s"
        return self._trouble

    def close(self, limit_s: float = 5.0, complete: bool = True) -> None:
        """Write the rest."""
        self._put(ff.INPUTS, _encode(ff.End(complete)) + b"\n")
        with self._changed:
            self._over = True
            self._changed.notify()
        self._thread.join(limit_s)

    def _put(self, where: str, what: bytes | ev.Block) -> None:
        if self._broken:
            return
        with self._changed:
            self._queue.append((where, what))
            if self._since_s is None:
                self._since_s = self._clock.monotonic()

    # ------------------------------------------------------------ its own thread

    def _run(self) -> None:
        while True:
            with self._changed:
                if not self._over and (self._made.is_set() or self._trouble is not None):
                    self._changed.wait(FLUSH_S)
                over = self._over
            try:
                if not self._made.is_set():
                    self._make()
                self._drain()
                if over and self._sound is not None:
                    self._sound.close()
            except OSError as error:
                self._trouble = (error.strerror or str(error)).lower()
                self._since_s = self._clock.monotonic()
            else:
                self._trouble = self._since_s = None
            if over:
                break
        for handle in self._files.values():
            os.close(handle)

    def _make(self) -> None:
        """Make the folder and its files; what a failed try left is taken away."""
        folder, number = self.folder, 1
        while folder.exists():
            number += 1
            folder = self.folder.with_name(f"{self.folder.name}-{number}")
        try:
            folder.mkdir(mode=0o700, parents=True)
            _write_whole(folder / ff.INFO, _encode(self._info))
            for name in (ff.INPUTS, ff.EVENTS, ff.ANCHORS):
                flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
                self._files[name] = os.open(folder / name, flags, 0o600)
            self._sound = SegmentWriter(folder / ff.SOUND, self._info.rate_hz, self._info.channels)
        except OSError:
            for handle in self._files.values():
                os.close(handle)
            self._files.clear()
            shutil.rmtree(folder, ignore_errors=True)
            raise
        self.folder = folder
        self._made.set()
        self._told(folder)

    def _drain(self) -> None:
        """Write what waits; what the disk refused stays at the head of the queue."""
        while self._queue:
            where, what = self._queue[0]
            if isinstance(what, ev.Block):
                frames = np.round(what.samples * ff.FULL_SCALE).astype(np.int16)
                if what.flags:
                    self._count_run()
                assert self._sound is not None
                self._sound.write(frames)
                self._waiting_frames -= len(frames)
                self._run_frames += len(frames)
                if what.flags:
                    self._count_run(what.flags)
            else:
                if where == ff.INPUTS:
                    self._count_run()
                self._append(where, what)
            self._queue.popleft()
        self._count_run()

    def _count_run(self, flags: tuple[str, ...] = ()) -> None:
        if self._run_frames:
            line = _encode(ff.Sound(self._run_frames, list(flags))) + b"\n"
            self._append(ff.INPUTS, line)
            self._run_frames = 0

    def _append(self, where: str, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[os.write(self._files[where], view) :]


def _write_whole(path: Path, data: bytes) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
