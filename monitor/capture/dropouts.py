"""Finds dropouts in recorded sound: stretches that no microphone gave.

A device or a radio link that loses a buffer leaves exact zeros, the last sample held, or the last
buffer once more. Real sound never stands still for 10 ms while it moves before and after, nor
repeats itself to the last bit. Each stretch found becomes a gap. Silence that a recording fades
into, steps of a coarse converter, and flat tops are left alone; what stands still for longer than
`LONGEST_S` is told as a flat signal instead.

What is found does not depend on how the sound was cut: a stretch is decided when all that its
judgement may use is there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SHORTEST_S, SHORTEST_FRAMES = 0.01, 24
LONGEST_S = 1.5
AROUND_S = 0.05
"""Sound on either side that is looked at."""

STEPS, NEAR = 4.0, 5
"""Steps of the converter that the nearest samples on either side must be off (their median):
sound of a few steps stands still by itself, and a coarse one that was resampled rings into it."""

ABRUPT = 0.1
"""Step at one edge at the least, over the typical difference of values half a millisecond apart:
sound was cut off, and did not fade."""

TOP = 0.99
"""Of the largest value around: a stretch that stands so high is a flat top."""

LAG_S = 0.15
"""Longest buffer that is looked for again; shorter than any heart's cycle."""

KEY = 8
ANCHORS_PER_S = 300
VALUES = 12
"""Different values that a repeated buffer has at the least, and a third of its samples."""

Mono = NDArray[np.float32]
_FACTORS = np.array(
    [0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0x27D4EB2F165667C5,
     0x85EBCA77C2B2AE63, 0xD6E8FEB86659FD93, 0xA0761D6478BD642F, 0xE7037ED1A0B428DB],
    np.uint64,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Stretch:
    """Frames of sound, or of a dropout (then with words about it)."""

    frames: int
    words: str = ""


class DropoutFinder:
    """Cuts a stream of frames into sound and dropouts."""

    def __init__(self, rate_hz: int) -> None:
        self._rate_hz, self._apart = rate_hz, max(1, round(rate_hz / 2000))
        self._shortest = max(round(SHORTEST_S * rate_hz), SHORTEST_FRAMES)
        self._longest = round(LONGEST_S * rate_hz)
        self._around = round(AROUND_S * rate_hz)
        self._lag = round(LAG_S * rate_hz)
        self._past = self._lag + self._around
        self._ahead = self._longest + 2 * self._around + KEY
        self._mono: Mono = np.zeros(0, np.float32)
        self._begin = 0  # of what is undecided, within them

    def push(self, mono: Mono) -> Iterator[Stretch]:
        """Take frames (the channel that is analysed, or the mean); yield what is decided."""
        self._mono = np.concatenate([self._mono, mono])
        stop = len(self._mono) - self._ahead
        # decided in large pieces: a look at a little sound costs as much as one at much
        if stop - self._begin >= self._ahead:
            yield from self._decide(stop)
            drop = self._begin - self._past
            if drop > 0:
                self._mono, self._begin = self._mono[drop:], self._begin - drop

    def flush(self) -> Iterator[Stretch]:
        """Yield the rest."""
        yield from self._decide(len(self._mono))

    def _decide(self, stop: int) -> Iterator[Stretch]:
        x, begin = self._mono, self._begin
        found = sorted([*self._still(x), *self._again(x)])
        for first, last, words in found:
            if last <= begin or first >= stop:
                continue
            if first > begin:
                yield Stretch(first - begin)
            yield Stretch(last - max(first, begin), words)
            begin = last
        if begin < stop:
            yield Stretch(stop - begin)
            begin = stop
        self._begin = begin

    def _still(self, x: Mono) -> Iterator[tuple[int, int, str]]:
        """Stretches of one value between sound that moves."""
        same = x[1:] == x[:-1]
        edge = np.flatnonzero(same[1:] != same[:-1]) + 1
        if same.size and same[0]:
            edge = np.concatenate([[0], edge])
        if len(edge) % 2:
            edge = np.concatenate([edge, [same.size]])
        long = edge[1::2] - edge[::2] + 1 >= self._shortest
        runs = list(zip(edge[::2][long].tolist(), (edge[1::2][long] + 1).tolist(), strict=True))
        for number, (first, last) in enumerate(runs):
            if last - first > self._longest:
                continue
            before = x[max(first - self._around, runs[number - 1][1] if number else 0) : first]
            after_to = runs[number + 1][0] if number + 1 < len(runs) else len(x)
            after = x[last : min(last + self._around, after_to)]
            if self._cut(before, after, float(x[first])):
                yield first, last, "zeros" if x[first] == 0 else "one value held"

    def _cut(self, before: Mono, after: Mono, value: float) -> bool:
        """Whether sound was cut off and came back, with ``value`` between."""
        least = max(self._shortest // 2, 2 * self._apart)
        if len(before) < least or len(after) < least:
            return False
        both = np.concatenate([before, after])
        if value and abs(value) >= TOP * float(np.abs(both).max()):
            return False
        step = STEPS * min(_least(before), _least(after))
        near = (np.abs(part - value) for part in (before[-NEAR:], after[:NEAR]))
        if min(float(np.median(part)) for part in near) < step:
            return False
        moves = min(self._moves(before), self._moves(after))
        jump = max(abs(before[-1] - value), abs(after[0] - value))
        return bool(jump >= max(step, ABRUPT * moves))

    def _moves(self, part: Mono) -> float:
        """Typical difference of values half a millisecond apart."""
        return float(np.median(np.abs(part[self._apart :] - part[: -self._apart])))

    def _again(self, x: Mono) -> Iterator[tuple[int, int, str]]:
        """Stretches that repeat what came just before them, to the last bit."""
        if len(x) < 2 * self._shortest + KEY:
            return
        bits = x.view(np.uint32).astype(np.uint64)
        mixed = (bits[:-1] * _FACTORS[0] + bits[1:] * _FACTORS[1]) >> np.uint64(40)
        mixed = mixed[: len(x) - KEY].astype(np.uint32)
        every = np.uint32(max(1, self._rate_hz // ANCHORS_PER_S))
        at = np.flatnonzero(mixed // every * every == mixed)  # NumPy's % takes six times as long
        if len(at) < 2:
            return
        keys = bits[at] * _FACTORS[0]
        for k in range(1, KEY):
            keys += bits[at + k] * _FACTORS[k]
        order = np.argsort(keys, kind="stable")  # of equal keys the earlier place comes first
        same = keys[order[1:]] == keys[order[:-1]]
        lags = at[order[1:]] - at[order[:-1]]
        near = np.flatnonzero(same & (lags <= self._lag) & (lags >= self._shortest // 2))
        done = 0
        pairs = sorted((int(at[order[k + 1]]), int(lags[k])) for k in near)
        for place, lag in pairs:
            if place < done:
                continue
            first, last = self._extent(x, place, lag)
            fits = max(self._shortest, round(0.9 * lag)) <= last - first <= self._longest
            if fits and self._varied(x[first : first + min(lag, last - first)]):
                done = last
                yield first, last, "a buffer repeated"

    def _extent(self, x: Mono, place: int, lag: int) -> tuple[int, int]:
        """How far the sound around ``place`` equals that of ``lag`` frames before."""
        first = last = place
        for reach in (self._shortest, self._longest):  # most are short, and seen by a short look
            low, high = max(lag, place - reach), min(len(x), place + reach)
            differs = np.flatnonzero(x[low:high] != x[low - lag : high - lag]) + low
            k = int(np.searchsorted(differs, place))
            first = int(differs[k - 1]) + 1 if k else low
            last = int(differs[k]) if k < len(differs) else high
            if low < first and last < high:
                break
        return first, last

    def _varied(self, part: Mono) -> bool:
        moves = self._moves(part)
        values = max(VALUES, len(part) // 3)
        return moves >= STEPS * _least(part) and len(np.unique(part)) >= values


def _least(part: Mono) -> float:
    """Least difference between two neighbours that differ: the step of the converter."""
    steps = np.abs(part[1:] - part[:-1])
    return float(np.min(steps, where=steps > 0, initial=np.inf))
