"""What a screen is told of a live session: alarm lines, waves, trend, the whole state.

`AlarmLog` keeps every alarm that was raised and says what holds now; `ScreenHistory` keeps the last
seconds for a screen that has just attached.
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
from monitor.alarms.episodes import Episode, Episodes
from monitor.analysis.alarm_state import Alarm
from monitor.analysis.alarms import Board
from monitor.link.messages import AlarmLine, Wave

PENDING = -1000
"""Occurrence numbers from here down belong to alarms that are not raised (their delay runs)."""

LOG_KEPT = 500
WAVES_KEPT = 60
BEATS_KEPT = 200
GAPS_KEPT = 500
"""Gaps, and marks, that a screen is told of when it attaches."""

TREND_FINE = 600
"""Trend points a second apart that are kept."""

TREND_COARSE = 8640
"""Trend points ten seconds apart that are kept (a day)."""

PAIR = 8
"""Samples of one minimum-maximum pair of a wave."""


TrendPoint = tuple[int, float | None, float | None]
"""(index, rate, p)."""


class SavedBoard(msgspec.Struct, frozen=True):
    """What the store keeps of a session's alarms; their history is told by its transitions."""

    board: Board


_decode = msgspec.json.Decoder(SavedBoard).decode


def load_board(saved: str | None) -> SavedBoard | None:
    """Read what `save_board` wrote; None if there is nothing, or nothing this version knows."""
    if saved is None:
        return None
    try:
        return _decode(saved)
    except msgspec.DecodeError:
        return None


def save_board(board: Board) -> bytes:
    """Bytes for the store."""
    return msgspec.json.encode(SavedBoard(board))


class AlarmLog:
    """Every occurrence of one session, and the open ones of earlier sessions.

    Parameters
    ----------
    history
        Of a session that goes on.
    earlier
        Open alarms of sessions that are over.
    answerable
        Whether there is somebody who could acknowledge: in a replay there is not.
    """

    def __init__(
        self,
        history: Episodes | None = None,
        earlier: Iterable[AlarmLine] = (),
        *,
        answerable: bool = True,
    ) -> None:
        self._episodes = Episodes() if history is None else history
        self._answerable = answerable
        self.earlier = list(earlier)

    def __len__(self) -> int:
        return len(self._episodes)

    def update(self, events: Iterable[ev.Event], wall: float | None = None) -> None:
        """Take the transitions among ``events``, which happened at ``wall`` (s since 1970)."""
        for event in events:
            if isinstance(event, ev.Alarm):
                self._episodes.take(event, wall)

    def all(self) -> list[AlarmLine]:
        """The newest `LOG_KEPT`, newest first, then those of earlier sessions."""
        newest = self._episodes.all()[-LOG_KEPT:]
        return [self._line(one) for one in reversed(newest)] + self.earlier

    def present(self, board: Board, pending_acks: Iterable[str] = ()) -> list[AlarmLine]:
        """Lines of all alarms that are not inactive, highest priority first, with what holds now.

        What is only pending, or held, has a number from `PENDING` down.
        """
        asked = set(pending_acks)
        lines = []
        for number, alarm in enumerate(board.shown):
            known = self._episodes.open(alarm.kind)
            if known is not None and alarm.state in RAISED:
                pending = alarm.kind in asked or "" in asked
                line = msgspec.structs.replace(
                    self._line(known),
                    priority=alarm.priority,
                    condition=alarm.condition,
                    now=alarm.evidence,
                    acknowledge_pending=pending,
                )
            else:
                line = _unraised(alarm, PENDING - number)
            lines.append(line)
        return lines + self.earlier

    def open(self, kind: str) -> Episode | None:
        """The occurrence of a kind that is not over, None without one."""
        return self._episodes.open(kind)

    def _line(self, one: Episode) -> AlarmLine:
        return line_of(one, self._answerable)


RAISED = ("active", "acknowledged", "latched")


def _unraised(alarm: Alarm, number: int) -> AlarmLine:
    """A line for an alarm whose delay runs, or of whose raising no record is left."""
    raised = alarm.state in RAISED and alarm.raised is not None
    return AlarmLine(
        occurrence=number,
        kind=alarm.kind,
        priority=alarm.priority,
        state=alarm.state,
        condition=alarm.condition,
        raised=alarm.raised if raised and alarm.raised is not None else -1,
        evidence=alarm.evidence,
        acknowledged=alarm.acknowledged if raised else None,
        acknowledge_pending=False,
        cleared=None,
        count=alarm.count,
        earlier_session=None,
    )


def line_of(one: Episode, answerable: bool = True, session: str | None = None) -> AlarmLine:
    """An occurrence as screens are told of it; ``session`` is that of an earlier one."""
    return AlarmLine(
        occurrence=one.number,
        kind=one.kind,
        priority=one.priority,
        state=one.state,
        condition=one.condition_end is None,
        raised=one.start,
        evidence=one.evidence,
        acknowledged=one.acknowledged,
        acknowledge_pending=False,
        cleared=one.end,
        count=one.count,
        earlier_session=session,
        raised_wall=one.start_wall,
        acknowledged_wall=one.acknowledged_wall,
        gone=one.condition_end,
        gone_wall=one.condition_end_wall,
        ended=one.ended,
        answerable=answerable,
        since=one.since if one.count > 1 else -1,
        since_wall=one.since_wall if one.count > 1 else None,
    )


class ScreenHistory:
    """The last seconds and the trend of one session."""

    def __init__(self) -> None:
        self.waves: deque[Wave] = deque(maxlen=WAVES_KEPT)
        self.beats: deque[ev.Beat] = deque(maxlen=BEATS_KEPT)
        self.gaps: deque[ev.Gap] = deque(maxlen=GAPS_KEPT)
        self.marks: deque[ev.Mark] = deque(maxlen=GAPS_KEPT)
        self.before = (0, 0)
        """Gaps, and samples lost in them, that cores before this one booked."""
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

    def picture(self, session: str, picture: ev.WaveformChunk) -> Wave:
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

    def event(self, event: ev.Event) -> None:
        """Take a line that a screen which attaches later must know of."""
        if isinstance(event, ev.Beat):
            self.beats.append(event)
        elif isinstance(event, ev.Gap):
            self.gaps.append(event)
        elif isinstance(event, ev.Mark):
            self.marks.append(event)

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
