"""What was found in a file, by moment: the memory that a play-head moves over.

One thread adds, another looks up; a moment never changes once it is there. An hour of sound is
about 25 MB.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from dataclasses import dataclass

import msgspec

from dsp.cycles.matching import Onset, match
from dsp.stage import RATE_HZ
from monitor import events as ev
from monitor.link.messages import AlarmLine, Compared, Play, Snapshot, Status, Wave
from monitor.replay.annotation import Annotation
from monitor.view.state import BEATS_KEPT, GAPS_KEPT, PAIR, WAVES_KEPT

UNCERTAIN = 3 * RATE_HZ
"""Samples before the end of what is analysed in which beats may still be missing."""


@dataclass(frozen=True, slots=True)
class ReplaySnapshot:
    """The state after a stretch of sound, and what became known in it.

    Attributes
    ----------
    status
        As a live session would tell it; ``status.index`` is the moment.
    alarms
        Every occurrence so far.
    lines, first
        Events that became certain, and the number of the first of them.
    waves
        The sound of the stretch.
    """

    status: Status
    alarms: list[AlarmLine]
    lines: tuple[ev.Event, ...] = ()
    first: int = 0
    waves: tuple[Wave, ...] = ()


class ReplayTimeline:
    """All moments so far, in order.

    Parameters
    ----------
    first
        The state before the first sample.

    Attributes
    ----------
    trouble
        Why the analysis ended early, empty if it did not.
    done
        Whether no moment will follow.
    """

    def __init__(self, first: ReplaySnapshot) -> None:
        self._moments = [first]
        self._at = [first.status.index]
        self._waves: list[Wave] = []
        self._beats: list[tuple[int, ev.Beat]] = []
        self._trend: list[tuple[int, float | None, float | None]] = []
        self._gaps: list[ev.Gap] = []
        self.raised: list[tuple[int, ev.Priority]] = []
        self.trouble = ""
        self.done = False
        self.settings: dict[str, str | int | float | bool | None] = {}
        self.annotation: Annotation | None = None

    @property
    def end(self) -> int:
        """Absolute index (2 kHz) analysed so far."""
        return self._at[-1]

    def __len__(self) -> int:
        return len(self._at)

    def __getitem__(self, number: int) -> ReplaySnapshot:
        return self._moments[number]

    def add(self, moment: ReplaySnapshot) -> None:
        """Take the next moment."""
        self._waves += moment.waves
        for line in moment.lines:
            if isinstance(line, ev.Beat):
                insort(self._beats, (line.onset, line), key=lambda pair: pair[0])
            elif isinstance(line, ev.Session):
                self.settings = dict(line.settings)
            elif isinstance(line, ev.Gap):
                self._gaps.append(line)
            elif isinstance(line, ev.Vitals):
                self._trend.append((line.index, line.rate, moment.status.p))
            elif isinstance(line, ev.Alarm) and line.state == "active":
                self.raised.append((line.index, line.priority))
        self._moments.append(moment)
        self._at.append(moment.status.index)  # last: whoever reads the index finds the rest

    def number(self, index: int) -> int:
        """The last moment that is not after ``index``."""
        return max(0, bisect_right(self._at, index) - 1)

    def snapshot(self, index: int, play: Play) -> Snapshot:
        """Everything a screen is told of ``index``.

        The sound ends there exactly, and every beat that begins before it is given, also one that
        live would have been known a little later.
        """
        moment = self._moments[self.number(index)]
        beats = self._beats[: bisect_right(self._beats, index, key=lambda pair: pair[0])]
        trend = self._trend[: bisect_right(self._trend, index, key=lambda point: point[0])]
        return Snapshot(
            status=shown(moment, index, play),
            alarms=moment.alarms,
            waves=self._sound(index),
            beats=[beat for _, beat in beats[-BEATS_KEPT:]],
            trend=trend,
            settings=self.settings,
            annotated=list(self.annotation.onsets) if self.annotation is not None else [],
            gaps=[gap for gap in self._gaps if gap.index <= index][-GAPS_KEPT:],
        )

    def beats(self, after: int, until: int) -> list[ev.Beat]:
        """Those that begin in (after, until]."""
        first = bisect_right(self._beats, after, key=lambda pair: pair[0])
        last = bisect_right(self._beats, until, key=lambda pair: pair[0])
        return [beat for _, beat in self._beats[first:last]]

    def _against(self, index: int) -> tuple[list[Onset], list[Onset], list[Onset]]:
        """What is the same, missed and extra before ``index``; nothing without an annotation."""
        if self.annotation is None:
            return [], [], []
        if not self.done:  # a beat becomes certain later than it sounds
            index = min(index, self.end - UNCERTAIN)
        found = sorted(
            (at, sound)
            for _, beat in self._beats
            for at, sound in ((beat.s1, 1), (beat.s2, 2))
            if at is not None and at < index
        )
        return match(found, [onset for onset in self.annotation.onsets if onset[0] < index])

    def compared(self, index: int) -> Compared | None:
        """What was found before ``index`` against the annotation."""
        if self.annotation is None:
            return None
        same, missed, extra = map(len, self._against(index))
        return Compared(name=self.annotation.name, same=same, missed=missed, extra=extra)

    def difference(self, index: int, step: int) -> int | None:
        """The next place (``step`` 1) where annotation and analysis differ, or the last one."""
        _, missed, extra = self._against(self.end)
        at = sorted({onset for onset, _ in missed + extra})
        number = bisect_right(at, index) if step > 0 else bisect_left(at, index) - 1
        return at[number] if 0 <= number < len(at) else None

    def alarm(self, index: int, step: int, slack: int = 0) -> int | None:
        """Where the next alarm was raised (``step`` 1) or the one before (-1).

        One that is less than ``slack`` samples back does not count as before: the play-head has
        only just left it.
        """
        at = [raised for raised, _ in self.raised]
        number = bisect_right(at, index) if step > 0 else bisect_left(at, index - slack) - 1
        return at[number] if 0 <= number < len(at) else None

    def cycle(self, index: int, count: int) -> int | None:
        """The onset of the cycle ``count`` after (or before) ``index``; None where none is."""
        onsets = [beat.s1 for _, beat in self._beats if beat.s1 is not None]
        if not onsets:
            return None
        here = bisect_right(onsets, index) - 1 if count > 0 else bisect_left(onsets, index)
        number = here + count
        return onsets[min(max(number, 0), len(onsets) - 1)]

    def _sound(self, index: int) -> list[Wave]:
        count = bisect_left(self._waves, index, key=lambda wave: wave.start)
        waves = self._waves[max(0, count - WAVES_KEPT) : count]
        if waves:
            last = waves[-1]
            pairs = max(0, index - last.start) // PAIR
            waves[-1] = msgspec.structs.replace(
                last, pairs=last.pairs[: pairs * 4], samples=last.samples[: pairs * PAIR * 2]
            )
        return waves


def shown(moment: ReplaySnapshot, index: int, play: Play) -> Status:
    """The status of ``moment`` as told while the play-head stands at ``index``."""
    return msgspec.structs.replace(moment.status, clock_s=index / RATE_HZ, play=play)
