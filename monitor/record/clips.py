"""A clip around each alarm: ten seconds before, twenty after, of the filtered sound.

20–400 Hz at 2 kHz (speech stays out), FLAC of 24 bits, one file for each alarm that was raised:
``clips/SESSION/INDEX-KIND.flac``, with the index of the alarm. Old ones go by age and by quota,
never one whose alarm nobody has acknowledged.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import soundfile as sf
from numpy.typing import NDArray

from monitor.clock import Clock
from monitor.events import Alarm, Picture

RATE_HZ = 2000
BEFORE = 10 * RATE_HZ
AFTER = 20 * RATE_HZ
QUOTA_BYTES = 500 * 2**20
DAY_S = 86_400.0
FOLDER = "clips"


@dataclass
class _Clip:
    name: str
    until: int
    parts: list[Picture] = field(default_factory=list)


class Clips:
    """Clips of one session.

    Parameters
    ----------
    store, session
        Where they are kept, and whose they are.
    days
        Age after which a clip goes.
    unanswered
        (session, index) of alarms that nobody has acknowledged.
    """

    def __init__(
        self,
        store: Path,
        session: str,
        days: int,
        unanswered: Callable[[], set[tuple[str, int]]],
        clock: Clock,
        quota_bytes: int = QUOTA_BYTES,
    ) -> None:
        self._root = store / FOLDER
        self._session, self._days, self._unanswered = session, days, unanswered
        self._clock, self._quota = clock, quota_bytes
        self._past: deque[Picture] = deque()
        self._running: list[_Clip] = []
        self._writers: list[threading.Thread] = []
        self.trouble: str | None = None

    def alarm(self, event: Alarm) -> None:
        """An alarm made a transition; one that became active begins a clip."""
        if event.state == "active":
            name = _name(event.index, event.kind)
            self._running.append(_Clip(name, event.index + AFTER, list(self._past)))

    def picture(self, picture: Picture) -> None:
        """The sound of one more step."""
        self._past.append(picture)
        end = picture.start + len(picture.samples)
        while self._past and self._past[0].start + len(self._past[0].samples) < end - BEFORE:
            self._past.popleft()
        for clip in self._running:
            clip.parts.append(picture)
        done = [clip for clip in self._running if end >= clip.until]
        self._running = [clip for clip in self._running if end < clip.until]
        for clip in done:
            self._write(clip)

    def close(self, limit_s: float = 3.0) -> None:
        """Write what there is of clips that run."""
        for clip in self._running:
            self._write(clip)
        self._running = []
        for writer in self._writers:
            writer.join(limit_s)

    # ------------------------------------------------------------ threads of their own

    def _write(self, clip: _Clip) -> None:
        keep = self._unanswered() | {(self._session, int(clip.name.split("-")[0]))}
        now = self._clock.wall()
        self._writers = [thread for thread in self._writers if thread.is_alive()]
        thread = threading.Thread(target=self._save, args=(clip, keep, now), daemon=True)
        thread.start()
        self._writers.append(thread)

    def _save(self, clip: _Clip, keep: set[tuple[str, int]], now: float) -> None:
        folder = self._root / self._session
        part = folder / f"{clip.name}.part"
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            sf.write(part, joined(clip.parts), RATE_HZ, format="FLAC", subtype="PCM_24")
            part.chmod(0o600)
            part.rename(folder / clip.name)
            purge(self._root, self._days, self._quota, keep, now)
        except (OSError, RuntimeError) as error:
            self.trouble = str(error)
        else:
            self.trouble = None


def clip_path(store: Path, session: str, index: int, kind: str) -> Path:
    """Where the clip of an alarm is, or would be."""
    return store / FOLDER / session / _name(index, kind)


def _name(index: int, kind: str) -> str:
    return f"{index:012d}-{kind}.flac"


def joined(parts: list[Picture]) -> NDArray[np.float32]:
    """Steps put together; lost sound between them is silence (at most a clip's length)."""
    if not parts:
        return np.zeros(0, np.float32)
    start = parts[0].start
    end = parts[-1].start + len(parts[-1].samples)
    sound = np.zeros(min(end - start, BEFORE + 2 * AFTER), np.float32)
    for part in parts:
        at = part.start - start
        room = max(0, min(len(part.samples), len(sound) - at))
        sound[at : at + room] = part.samples[:room]
    return sound


def purge(
    root: Path, days: float, quota_bytes: int, keep: set[tuple[str, int]], now: float
) -> list[Path]:
    """Delete clips that are too old, then the oldest beyond the quota; return those deleted."""
    found = []
    for path in root.glob("*/*.flac"):
        status = path.stat()
        found.append((status.st_mtime, status.st_size, path))
    total = sum(size for _, size, _ in found)
    deleted = []
    for changed, size, path in sorted(found):
        if (path.parent.name, _index(path)) in keep:
            continue
        if now - changed > days * DAY_S or total > quota_bytes:
            os.unlink(path)
            deleted.append(path)
            total -= size
    return deleted


def _index(path: Path) -> int:
    number = path.name.split("-")[0]
    return int(number) if number.isdigit() else -1
