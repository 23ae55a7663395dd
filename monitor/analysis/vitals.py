"""Rate, intervals and regularity from beats; whether the heart is still there.

Beats come when they are certain, in order; quality says which stretches count. Only complete
cycles of good stretches make rate and intervals; every confident beat counts as a sign of life,
whatever the quality of its stretch. Values that are too old vanish (NaN is None here).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice

from dsp.cycles.beat import Beat
from dsp.quality import Span
from dsp.stage import RATE_HZ
from monitor.events import QualityValue

CYCLES = 5
"""Cycles whose median is the rate."""

LEAST = 3
"""Fewer cycles than this give no rate."""

STALE = 6 * RATE_HZ
"""Samples since the end of the last cycle after which rate and intervals vanish."""

REACH = 20 * RATE_HZ
"""Samples within which the cycles of a rate must end."""

SPREAD_SPAN = 30 * RATE_HZ
"""Samples over which the spread is taken."""

SPREAD_LEAST = 12
"""Fewer cycles than this give no spread."""

NEIGHBOURS = 2
"""Cycles on either side that a cycle is compared with."""

MAD_TO_DEVIATION = 1.4826
"""Median absolute deviation of a normal distribution to its standard deviation."""

BLIND: tuple[QualityValue, ...] = ("flat", "clipped", "noisy")
"""Qualities in which a heart cannot be heard, whether or not it beats."""


@dataclass(frozen=True, slots=True)
class Vitals:
    """What is known at a step; None where it is not.

    Attributes
    ----------
    rate
        1/min, median of the last five cycles.
    spread
        Robust deviation of the cycle length from its neighbours over 30 s, as a share of its
        median.
    systole_ms, diastole_ms
        Onset of S1 to onset of S2, and on to the next S1; medians of the same cycles.
    age
        Samples since the end of the last cycle.
    """

    rate: float | None = None
    spread: float | None = None
    systole_ms: float | None = None
    diastole_ms: float | None = None
    age: int | None = None


@dataclass(frozen=True, slots=True)
class Life:
    """Signs of life at a step.

    Attributes
    ----------
    beats
        Beats found so far.
    before
        Beats in the 30 s up to the last one, it included.
    since
        Samples of decided sound since the last onset found, None before the first. Sound in
        which the decoder may still find an onset, or has found one whose confidence is not
        known yet, is not counted: a heart that has just come back is no lost one.
    clear
        Whether everything heard since was neither flat, clipped nor noisy, without a gap.
    """

    beats: int = 0
    before: int = 0
    since: int | None = None
    clear: bool = False


@dataclass(frozen=True, slots=True)
class _Cycle:
    end: int
    length: int
    systole: int | None


class VitalsTracker:
    """Keeps the last cycles, onsets and quality of one stream.

    Parameters
    ----------
    min_confidence
        From which a beat counts.

    Attributes
    ----------
    judged_to
        Index up to which quality is known.
    """

    def __init__(self, min_confidence: float) -> None:
        self._min_confidence = min_confidence
        self._cycles: deque[_Cycle] = deque()
        self._onsets: deque[int] = deque()
        self._spans: deque[Span] = deque()
        self._beats = 0
        self._decided, self._judged = 0, -1
        self._open: list[int] = []
        self._spread_of: tuple[list[int], float | None] = [], None
        self._last: int | None = None
        self._broken = 0
        self.judged_to = 0

    def quality(self, span: Span) -> None:
        """Take the quality of the next stretch."""
        self._spans.append(span)
        self.judged_to = span.end
        while self._spans and self._spans[0].end < span.end - 2 * SPREAD_SPAN:
            self._spans.popleft()

    def gap(self, index: int) -> None:
        """Note that sound was lost up to ``index``: what comes now is not known to follow on."""
        self._broken = self._decided = index
        self._open = []

    def beat(self, beat: Beat) -> None:
        """Take the next beat."""
        onset = beat.s1 if beat.s1 is not None else beat.s2
        if onset is None:
            return
        self._judged = onset
        self._open = [s1 for s1 in self._open if s1 > onset]
        if beat.confidence < self._min_confidence:
            return
        end = onset if beat.end is None else beat.end
        self._beats += 1
        self._last = max(onset, beat.s2 or 0)
        self._onsets.append(onset)
        while self._onsets[0] < onset - SPREAD_SPAN:
            self._onsets.popleft()
        if beat.s1 is not None and beat.end is not None and self.over(onset, end) <= {"good"}:
            systole = None if beat.s2 is None else beat.s2 - beat.s1
            self._cycles.append(_Cycle(beat.end, beat.end - beat.s1, systole))

    def decided(self, index: int, onsets: Iterable[int]) -> None:
        """Note that all onsets up to ``index`` are known: those of beats, and these (of S1)."""
        self._decided = index
        self._open += [s1 for s1 in onsets if s1 > self._judged]

    def over(self, start: int, end: int) -> set[QualityValue]:
        """Qualities known of the samples [start, end)."""
        values: set[QualityValue] = set()
        for span in reversed(self._spans):
            if span.end <= start:
                break
            if span.start < end:
                values.add(span.value)
        return values

    def vitals(self, index: int) -> Vitals:
        """What is known at the end of the step ``index``."""
        while self._cycles and self._cycles[0].end < index - SPREAD_SPAN - STALE:
            self._cycles.popleft()
        if not self._cycles or index - self._cycles[-1].end > STALE:
            return Vitals()
        newest = islice(reversed(self._cycles), CYCLES)
        last = [c for c in newest if c.end >= index - REACH][::-1]
        if len(last) < LEAST:
            return Vitals()
        cycle = _median([c.length for c in last])
        systoles = [c.systole for c in last if c.systole is not None]
        diastoles = [c.length - c.systole for c in last if c.systole is not None]
        return Vitals(
            rate=60 * RATE_HZ / cycle,
            spread=self._spread(index),
            systole_ms=_median(systoles) * 1000 / RATE_HZ if systoles else None,
            diastole_ms=_median(diastoles) * 1000 / RATE_HZ if diastoles else None,
            age=index - last[-1].end,
        )

    def life(self, index: int) -> Life:
        """Signs of life at the end of the step ``index``."""
        if self._last is None:
            return Life()
        clear = self._broken <= self._last and self.over(self._last, index).isdisjoint(BLIND)
        decided = min([index, self._decided, *self._open])
        return Life(self._beats, len(self._onsets), max(0, decided - self._last), clear)

    def _spread(self, index: int) -> float | None:
        """Robust deviation of each cycle from its neighbours: drift is no irregularity."""
        lengths = [c.length for c in self._cycles if c.end >= index - SPREAD_SPAN]
        if lengths != self._spread_of[0]:  # most steps bring no cycle
            self._spread_of = lengths, _spread(lengths)
        return self._spread_of[1]


def _spread(lengths: list[int]) -> float | None:
    if len(lengths) < SPREAD_LEAST:
        return None
    inner = zip(lengths, lengths[1:], lengths[2:], lengths[3:], lengths[4:], strict=False)
    off = [  # of four, the median is the mean of what is neither the least nor the greatest
        abs(x - (a + b + d + e - min(a, b, d, e) - max(a, b, d, e)) / 2) for a, b, x, d, e in inner
    ]
    for n in (0, 1, len(lengths) - 2, len(lengths) - 1):
        neighbours = lengths[max(0, n - NEIGHBOURS) : n] + lengths[n + 1 : n + 1 + NEIGHBOURS]
        off.append(abs(lengths[n] - _median(neighbours)))
    return MAD_TO_DEVIATION * _median(off) / _median(lengths)


def _median(values: Sequence[float]) -> float:
    """`statistics.median` of at least one number, without its checks: it is called often."""
    order = sorted(values)
    middle = len(order) // 2
    return float(order[middle] if len(order) % 2 else (order[middle - 1] + order[middle]) / 2)
