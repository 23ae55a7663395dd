"""What a screen is told of a live session: alarm lines, waves, trend, the whole state.

`alarm_lines` makes lines of an alarm board; `AlarmLog` keeps every occurrence; `ScreenHistory`
keeps the last seconds for a screen that has just attached.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from math import isnan

import msgspec
import numpy as np
from numpy.typing import NDArray

from dsp.stage import RATE_HZ
from monitor import events as ev
from monitor.analysis.alarms import Board
from monitor.link.messages import AlarmLine, Wave

PENDING = -1000
"""Occurrence numbers from here down belong to alarms that are not raised (their delay runs)."""

LOG_KEPT = 500
WAVES_KEPT = 60
BEATS_KEPT = 200
TREND_FINE = 600
"""Trend points a second apart that are kept."""

TREND_COARSE = 8640
"""Trend points ten seconds apart that are kept (a day)."""

PAIR = 8
"""Samples of one minimum-maximum pair of a wave."""


TrendPoint = tuple[int, float | None, float | None]
"""(index, rate, p)."""


class SavedBoard(msgspec.Struct, frozen=True):
    """What the store keeps of a session's alarms."""

    board: Board
    log: list[AlarmLine]


_decode = msgspec.json.Decoder(SavedBoard).decode


def load_board(saved: str | None) -> SavedBoard | None:
    """Read what `AlarmLog.save` wrote; None if there is nothing, or nothing this version knows."""
    if saved is None:
        return None
    try:
        return _decode(saved)
    except msgspec.DecodeError:
        return None


def alarm_lines(board: Board, pending_acks: Iterable[str] = ()) -> list[AlarmLine]:
    """Lines of all alarms that are not inactive, highest priority first."""
    asked = set(pending_acks)
    lines = []
    for number, alarm in enumerate(board.shown):
        raised = alarm.state in ("active", "acknowledged", "latched")
        lines.append(
            AlarmLine(
                occurrence=alarm.occurrence if raised else PENDING - number,
                kind=alarm.kind,
                priority=alarm.priority,
                state=alarm.state,
                condition=alarm.condition,
                raised=alarm.raised if raised and alarm.raised is not None else -1,
                evidence=alarm.evidence,
                acknowledged=alarm.acknowledged if raised else None,
                acknowledge_pending=raised and (alarm.kind in asked or "" in asked),
                cleared=None,
                count=alarm.count,
                earlier_session=None,
            )
        )
    return lines


class AlarmLog:
    """Every occurrence of one session, and the open ones of earlier sessions."""

    def __init__(self, log: Iterable[AlarmLine] = (), earlier: Iterable[AlarmLine] = ()) -> None:
        self._lines = {line.occurrence: line for line in log}
        self.earlier = list(earlier)

    def update(self, board: Board) -> None:
        """Take the state after transitions."""
        for line in alarm_lines(board):
            if line.occurrence > 0:
                self._lines[line.occurrence] = line
        for alarm in board.alarms.values():
            known = self._lines.get(alarm.occurrence)
            if alarm.cleared is not None and known is not None and known.cleared is None:
                self._lines[alarm.occurrence] = msgspec.structs.replace(
                    known,
                    state="inactive",
                    condition=alarm.condition,
                    acknowledged=alarm.acknowledged,
                    cleared=alarm.cleared,
                    count=alarm.count,
                )
        while len(self._lines) > LOG_KEPT:
            del self._lines[min(self._lines)]

    def all(self) -> list[AlarmLine]:
        """Newest first, then those of earlier sessions."""
        return [self._lines[k] for k in sorted(self._lines, reverse=True)] + self.earlier

    def save(self, board: Board) -> bytes:
        """Bytes for the store."""
        log = [self._lines[k] for k in sorted(self._lines)]
        return msgspec.json.encode(SavedBoard(board, log))


def open_lines(saved: SavedBoard, session: str) -> list[AlarmLine]:
    """Alarms of a session that is over which nobody acknowledged."""
    return [
        msgspec.structs.replace(line, earlier_session=session)
        for line in alarm_lines(saved.board)
        if line.state in ("active", "latched") and line.acknowledged is None
    ]


class ScreenHistory:
    """The last seconds and the trend of one session."""

    def __init__(self) -> None:
        self.waves: deque[Wave] = deque(maxlen=WAVES_KEPT)
        self.beats: deque[ev.Beat] = deque(maxlen=BEATS_KEPT)
        self.level_db: float | None = None
        self.clipped = 0
        self._fine = _Points(TREND_FINE)
        self._coarse = _Points(TREND_COARSE)

    @property
    def trend(self) -> list[TrendPoint]:
        """(index, rate, p), coarse then fine."""
        fine = self._fine.all()
        first = fine[0][0] if fine else 0
        return [point for point in self._coarse.all() if point[0] < first] + fine

    def picture(self, session: str, picture: ev.Picture) -> Wave:
        """Take the sound of a step; return its wave."""
        level = picture.level_db
        self.level_db = None if np.isnan(level) else level
        self.clipped = picture.clipped
        wave = Wave(
            session=session,
            start=picture.start,
            pairs=_pairs(picture.samples),
            samples=_int16(picture.samples),
        )
        self.waves.append(wave)
        return wave

    def point(self, index: int, rate: float | None, p: float | None) -> None:
        """One second of trend."""
        self._fine.add(index, rate, p)
        if (index // RATE_HZ) % 10 == 0:
            self._coarse.add(index, rate, p)


class _Points:
    """The last ``size`` points of a trend in arrays: memory is the same after a day as before."""

    def __init__(self, size: int) -> None:
        self._index = np.full(size, -1, np.int64)
        self._values = np.full((size, 2), np.nan)
        self._count = 0

    def add(self, index: int, rate: float | None, p: float | None) -> None:
        """One more; the oldest goes."""
        at = self._count % len(self._index)
        self._index[at] = index
        self._values[at] = np.nan if rate is None else rate, np.nan if p is None else p
        self._count += 1

    def all(self) -> list[TrendPoint]:
        """Oldest first."""
        size = min(self._count, len(self._index))
        order = np.arange(self._count - size, self._count) % len(self._index)
        return [
            (index, None if isnan(rate) else rate, None if isnan(p) else p)
            for index, (rate, p) in zip(
                self._index[order].tolist(), self._values[order].tolist(), strict=True
            )
        ]


def _pairs(samples: NDArray[np.float32]) -> bytes:
    if not len(samples):
        return b""
    rest = -len(samples) % PAIR
    padded = np.concatenate([samples, np.repeat(samples[-1:], rest)]).reshape(-1, PAIR)
    pairs = np.stack([padded.min(axis=1), padded.max(axis=1)], axis=1)
    return _int16(pairs)


def _int16(samples: NDArray[np.float32]) -> bytes:
    return bytes(np.clip(np.round(samples * 32767), -32768, 32767).astype("<i2").tobytes())
