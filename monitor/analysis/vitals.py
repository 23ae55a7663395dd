"""Rate, intervals and regularity from beats.

Beats come when they are certain, in order; quality says which stretches count. Only complete
cycles make rate and intervals, of good stretches, or of noise that the decoder is sure in. The
rate is the median of five cycles; over pauses and beats that come in pairs it is beats per time.
Nothing is shown while no heart is heard, and values that are too old vanish.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from itertools import pairwise

import msgspec
from msgspec.structs import replace

from dsp.cycles.beat import Beat
from dsp.quality import Span
from dsp.stage import RATE_HZ
from monitor.analysis.contrast import Contrast, other_rate
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

IN_NOISE: set[QualityValue] = {"good", "noisy"}

SURE_IN_NOISE = 0.9
"""Confidence from which a cycle in noise counts."""

LONGEST_PAUSE = 8 * RATE_HZ
"""Longest time without a beat that counts in a rate."""

UNEVEN = 0.2
"""Two cycles in a row that differ by more, as a share of the median, are uneven."""

UNEVEN_OF = 8
"""Cycles that are looked at; with this share of uneven ones the rate is beats per time."""

UNEVEN_SHARE = 0.35


class Vitals(msgspec.Struct, frozen=True, gc=False):
    """What is known at a step; None where it is not.

    Attributes
    ----------
    rate
        1/min, median of the last five cycles, or beats per time over uneven ones.
    spread
        Robust deviation of the cycle length from its neighbours over 30 s, as a share of its
        median.
    systole_ms, diastole_ms
        Onset of S1 to onset of S2, and on to the next S1; medians of the same cycles.
    age
        Samples since the end of the last cycle.
    other
        1/min: half or double of the rate, where the sounds cannot tell which is right.
    """

    rate: float | None = None
    spread: float | None = None
    systole_ms: float | None = None
    diastole_ms: float | None = None
    age: int | None = None
    other: float | None = None


class _Cycle(msgspec.Struct, frozen=True, gc=False):
    end: int
    length: int
    systole: int | None
    contrast: Contrast | None = None
    pause: bool = False


class VitalsTracker:
    """Keeps the last cycles and the quality of one stream.

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
        self._spans: deque[Span] = deque()
        self._spread_of: tuple[list[int], float | None] = [], None
        self._vitals_of: tuple[list[_Cycle], tuple[float, float], Vitals] = [], (0, 0), Vitals()
        self.judged_to = 0

    def quality(self, span: Span) -> None:
        """Take the quality of the next stretch."""
        self._spans.append(span)
        self.judged_to = span.end
        while self._spans and self._spans[0].end < span.end - 2 * SPREAD_SPAN:
            self._spans.popleft()

    def beat(self, beat: Beat, contrast: Contrast | None = None) -> None:
        """Take the next beat, and how its sounds stand out."""
        if beat.s1 is None or beat.end is None or beat.confidence < self._min_confidence:
            return
        values = self.over(beat.s1, beat.end)
        if values <= {"good"} or (values <= IN_NOISE and beat.confidence >= SURE_IN_NOISE):
            systole = None if beat.s2 is None else beat.s2 - beat.s1
            self._cycles.append(_Cycle(beat.end, beat.end - beat.s1, systole, contrast))

    def pause(self, start: int, length: int) -> None:
        """Take a time without a beat, from one S1 to the next."""
        if length > LONGEST_PAUSE:
            return  # the heart was lost: its rate is that of the beats since
        at = sum(cycle.end <= start + length for cycle in self._cycles)
        self._cycles.insert(at, _Cycle(start + length, length, None, pause=True))

    def over(self, start: int, end: int) -> set[QualityValue]:
        """Qualities known of the samples [start, end)."""
        values: set[QualityValue] = set()
        for span in reversed(self._spans):
            if span.end <= start:
                break
            if span.start < end:
                values.add(span.value)
        return values

    def vitals(
        self, index: int, heard: bool = True, rates: tuple[float, float] = (30, 220)
    ) -> Vitals:
        """What is known at the end of the step ``index``; nothing if no heart is heard.

        Parameters
        ----------
        rates
            Lowest and highest plausible rate, 1/min.
        """
        while self._cycles and self._cycles[0].end < index - SPREAD_SPAN - STALE:
            self._cycles.popleft()
        if not heard or not self._cycles or index - self._cycles[-1].end > STALE:
            return Vitals()
        within = [c for c in self._cycles if c.end - c.length * c.pause >= index - REACH]
        last = [c for c in within if not c.pause][-CYCLES:]
        if len(last) < LEAST:
            return Vitals()
        if not any(c.pause for c in within):
            within = within[-UNEVEN_OF:]  # without a pause no others are looked at
        if self._vitals_of[:2] != (within, rates):  # most steps bring no cycle
            self._vitals_of = within, rates, _vitals(within, last, rates)
        age = index - last[-1].end
        return replace(self._vitals_of[2], spread=self._spread(index), age=age)

    def _spread(self, index: int) -> float | None:
        """Robust deviation of each cycle from its neighbours: drift is no irregularity."""
        lengths = [c.length for c in self._cycles if c.end >= index - SPREAD_SPAN and not c.pause]
        if lengths != self._spread_of[0]:
            self._spread_of = lengths, _spread(lengths)
        return self._spread_of[1]


def _vitals(within: list[_Cycle], last: list[_Cycle], rates: tuple[float, float]) -> Vitals:
    """What cycles and pauses tell, and the last cycles of them."""
    rate = 60 * RATE_HZ / _cycle(within)
    contrasts = [c.contrast for c in within[-UNEVEN_OF:] if c.contrast is not None]
    systoles = [c.systole for c in last if c.systole is not None]
    diastoles = [c.length - c.systole for c in last if c.systole is not None]
    return Vitals(
        rate=rate,
        systole_ms=_median(systoles) * 1000 / RATE_HZ if systoles else None,
        diastole_ms=_median(diastoles) * 1000 / RATE_HZ if diastoles else None,
        other=other_rate(rate, contrasts, rates),
    )


def _cycle(cycles: list[_Cycle]) -> float:
    """Length of a cycle: the median of five, or their mean where they are uneven."""
    if any(c.pause for c in cycles):
        return sum(c.length for c in cycles) / len(cycles)
    lengths = [c.length for c in cycles[-UNEVEN_OF:]]
    limit = UNEVEN * _median(lengths)
    uneven = [abs(a - b) > limit for a, b in pairwise(lengths)]
    # A rate that has only changed is not uneven: neighbours are alike before and after.
    if sum(uneven) >= UNEVEN_SHARE * len(uneven) and sum(uneven[1 - CYCLES :]) > 1:
        pairs = lengths[len(lengths) % 2 :]
        return sum(pairs) / len(pairs)
    return _median(lengths[-CYCLES:])


def _spread(lengths: list[int]) -> float | None:
    if len(lengths) < SPREAD_LEAST:
        return None
    off = []
    for a, b, x, c, d in zip(lengths, *(lengths[n:] for n in range(1, 5)), strict=False):
        _, low, high, _ = sorted((a, b, c, d))
        off.append(abs(x - (low + high) / 2))
    for n in (0, 1, len(lengths) - 2, len(lengths) - 1):
        neighbours = lengths[max(0, n - NEIGHBOURS) : n] + lengths[n + 1 : n + 1 + NEIGHBOURS]
        off.append(abs(lengths[n] - _median(neighbours)))
    return MAD_TO_DEVIATION * _median(off) / _median(lengths)


def _median(values: Sequence[float]) -> float:
    """`statistics.median` of at least one number, without its checks: it is called often."""
    order = sorted(values)
    middle = len(order) // 2
    return float(order[middle] if len(order) % 2 else (order[middle - 1] + order[middle]) / 2)
