"""A clip around each alarm: ten seconds before, twenty after, of the filtered sound.

20–400 Hz at 2 kHz (speech stays out), FLAC of 24 bits, one file for each alarm that was raised:
``clips/SESSION/INDEX-KIND.flac``, with the index of the alarm. It is written as soon as the alarm
is raised, with what came before, and again as more comes: a core that is killed leaves what it
had. What the disk refuses is tried again. Old ones go by age and by quota, never one whose alarm
nobody has acknowledged.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import soundfile as sf
from numpy.typing import NDArray

from monitor.clock import Clock
from monitor.errors import InputError, NoInputError
from monitor.events import RATE_HZ, Alarm, WaveformChunk, sound_of

PAST = 30 * RATE_HZ
"""What a person keeps of the sound that has just been heard."""

BEFORE = 10 * RATE_HZ
AFTER = 20 * RATE_HZ
SOON = 5 * RATE_HZ
"""After so much sound a clip is written a second time."""

QUOTA_BYTES = 500 * 2**20
DAY_S = 86_400.0
PART_S = 3600.0
"""A clip that nobody finished within an hour never will be."""

RETRY_S = 5.0
WAITING = 64
"""Clips that may wait for the disk (some 250 KB each); beyond, the oldest is given up and told."""

FOLDER = "clips"
KEPT = "kept"
"""In the place of an alarm's kind: what a person kept."""

START = "start "
"""Before the index of a clip's first sample, in the comment of its file."""
Parts = list[WaveformChunk]


@dataclass
class _Clip:
    name: str
    soon: int
    until: int
    parts: Parts = field(default_factory=list)


class Clips:
    """Clips of one session.

    Parameters
    ----------
    store, session
        Where they are kept, and whose they are.
    unacknowledged
        (session, index) of alarms that nobody has acknowledged; asked on the writer's thread.
    """

    def __init__(
        self,
        store: Path,
        session: str,
        clock: Clock,
        unacknowledged: Callable[[], set[tuple[str, int]]],
        quota_bytes: int = QUOTA_BYTES,
    ) -> None:
        self._root = store / FOLDER
        self._session, self._unacknowledged = session, unacknowledged
        self._clock, self._quota = clock, quota_bytes
        self._past: deque[WaveformChunk] = deque()
        self._running: list[_Clip] = []
        self._changed = threading.Condition()
        self._waiting: dict[str, Parts] = {}
        self._thread: threading.Thread | None = None
        self._over = False
        self._lost = 0
        self._refusal = ""
        self._since_s: float | None = None

    @property
    def trouble(self) -> str | None:
        """Why clips cannot be kept now; None if all is well."""
        with self._changed:
            if self._lost:
                return f"{self._lost} clips of alarms could not be kept: {self._refusal}"
            if self._refusal:
                return self._refusal
            if self._since_s is not None and self._clock.monotonic() - self._since_s > RETRY_S:
                return "the disk does not take the clip of an alarm"
        return None

    def alarm(self, event: Alarm) -> None:
        """An alarm made a transition; one that became active begins a clip."""
        if event.state == "active":
            name = _name(event.index, event.kind)
            past = [one for one in self._past if _end(one) > _end(self._past[-1]) - BEFORE]
            clip = _Clip(name, event.index + SOON, event.index + AFTER, past)
            self._running.append(clip)
            self._write(clip)

    def keep(self, index: int) -> None:
        """Keep what was heard in the last 30 s before ``index``."""
        self._write(_Clip(_name(index, KEPT), index, index, list(self._past)))

    def picture(self, picture: WaveformChunk) -> None:
        """The sound of one more step."""
        self._past.append(picture)
        end = _end(picture)
        while _end(self._past[0]) <= end - PAST:
            self._past.popleft()
        for clip in self._running:
            clip.parts.append(picture)
            if end >= clip.soon:
                clip.soon = clip.until + RATE_HZ
                self._write(clip)
        done = [clip for clip in self._running if end >= clip.until]
        self._running = [clip for clip in self._running if end < clip.until]
        for clip in done:
            self._write(clip)

    def close(self, limit_s: float = 3.0) -> None:
        """Write what there is of clips that run."""
        for clip in self._running:
            self._write(clip)
        self._running = []
        with self._changed:
            self._over = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join(limit_s)

    # ------------------------------------------------------------ a thread of its own

    def _write(self, clip: _Clip) -> None:
        """Hand over what there is of a clip; a longer one of the same name takes its place."""
        with self._changed:
            self._waiting[clip.name] = list(clip.parts)
            if len(self._waiting) > WAITING:
                del self._waiting[next(iter(self._waiting))]
                self._lost += 1
            if self._since_s is None:
                self._since_s = self._clock.monotonic()
            self._changed.notify()
        if self._thread is None:
            thread = threading.Thread(target=self._run, name="clips", daemon=True)
            try:
                thread.start()
            except (RuntimeError, MemoryError) as error:
                self._refusal = f"no clips are kept: {error}"
            else:
                self._thread = thread

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._waiting and not self._over:
                    self._changed.wait()
                if not self._waiting:
                    return
                name, parts = next(iter(self._waiting.items()))
                over = self._over
            refusal = self._save(name, parts)
            with self._changed:
                self._refusal = refusal
                if not refusal and self._waiting.get(name) == parts:
                    del self._waiting[name]
                self._since_s = self._clock.monotonic() if self._waiting else None
                if refusal and over:
                    return  # there is nobody left to try again
                if refusal:
                    self._changed.wait(RETRY_S)

    def _save(self, name: str, parts: Parts) -> str:
        """Write one clip; why it could not be, empty if it was."""
        folder = self._root / self._session
        part = folder / f"{name}.part"
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with sf.SoundFile(part, "w", RATE_HZ, 1, "PCM_24", format="FLAC") as file:
                if parts:  # an alarm may be raised before the first sound
                    file.comment = f"{START}{parts[0].start}"
                file.write(joined(parts))
            part.chmod(0o600)
            _sync(part)
            part.rename(folder / name)
            self._keep_quota()
        except (OSError, RuntimeError, MemoryError) as error:
            return getattr(error, "strerror", None) or str(error) or type(error).__name__
        return ""

    def _keep_quota(self) -> None:
        total = sum(path.stat().st_size for path in self._root.glob("*/*.flac"))
        if total <= self._quota:
            return
        try:
            keep = self._unacknowledged()
        except (NoInputError, sqlite3.Error):
            return  # nobody knows which of them matter: all stay
        keep |= {(self._session, index_of(Path(name))) for name in self._waiting}
        purge(self._root, float("inf"), self._quota, keep, self._clock.wall())


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@dataclass(frozen=True, slots=True)
class KeptClip:
    """A clip on the disk: the alarm it is of, and where in the session it begins.

    ``start`` is None of a file that does not say it: older ones, or one that is no clip of ours.
    """

    path: Path
    index: int
    kind: str
    start: int | None

    def read(self) -> NDArray[np.float32]:
        """Its sound, float32 [n] at 2 kHz.

        Raises
        ------
        InputError
            If it cannot be read.
        """
        try:
            sound, _ = sf.read(self.path, dtype="float32")
        except (OSError, sf.SoundFileError) as error:
            raise InputError(f"{self.path}: the clip cannot be read ({error})") from None
        return np.asarray(sound, np.float32)


def kept_clips(folder: Path) -> list[KeptClip]:
    """Clips of one session, by the index of their alarm; those that cannot be read are left out."""
    found = []
    for path in sorted(folder.glob("*.flac")):
        try:
            with sf.SoundFile(path) as file:
                words = file.comment
        except (OSError, sf.SoundFileError):
            continue
        number = words.removeprefix(START)
        start = int(number) if words.startswith(START) and number.isdecimal() else None
        kind = path.stem.partition("-")[2]
        found.append(KeptClip(path, index_of(path), kind, start))
    return found


def clip_path(store: Path, session: str, index: int, kind: str) -> Path:
    """Where the clip of an alarm is, or would be."""
    return store / FOLDER / session / _name(index, kind)


def _end(part: WaveformChunk) -> int:
    return part.start + len(part.samples)


def _name(index: int, kind: str) -> str:
    return f"{index:012d}-{kind}.flac"


def joined(parts: Parts) -> NDArray[np.float32]:
    """Steps put together; lost sound between them is silence (at most a clip's length)."""
    start = parts[0].start if parts else 0
    return np.nan_to_num(sound_of(parts, start, BEFORE + 2 * AFTER), copy=False)


def purge(
    root: Path, days: float, quota_bytes: int, keep: set[tuple[str, int]], now: float
) -> list[Path]:
    """Delete clips that are too old, then the oldest beyond the quota; return those deleted.

    What a person kept goes by age alone.
    """
    found = []
    for path in root.glob("*/*.flac"):
        status = path.stat()
        found.append((status.st_mtime, status.st_size, path))
    total = sum(size for _, size, _ in found)
    deleted = []
    for part in root.glob("*/*.part"):
        if now - part.stat().st_mtime > PART_S:
            part.unlink()
            deleted.append(part)
    for changed, size, path in sorted(found):
        if (path.parent.name, index_of(path)) in keep:
            continue
        over = total > quota_bytes and path.stem.partition("-")[2] != KEPT
        if over or now - changed > days * DAY_S:
            os.unlink(path)
            deleted.append(path)
            total -= size
    return deleted


def index_of(path: Path) -> int:
    """Index of the alarm of a clip; -1 if its name is none of ours."""
    number = path.name.split("-")[0]
    return int(number) if number.isdigit() else -1
