"""Hidden semi-Markov decoding of heart cycles, block by block, with the heart rate hidden too.

A path is a chain of cycles S1 · systole · S2 · diastole, each of one class of rate
(`durations.py`), broken only by stretches without a heart. The best path that reaches an S1 at
frame t in class r has the score

    V[r, t] = max over d of  W[r, t - d] + log cycle_r(d)
    W[r, t] = V'[r, t] + g1[t] + max over m of  Q[t + m] + log systole_r(m)

where V' lets the class change, g1 is the best gain of an S1 sound of 2–9 frames over systole, and
Q that of an S2 sound over diastole plus the systole before it: the inner boundaries are maximised
ahead of the recursion, which then steps from S1 to S1 (Schmidt et al. 2010's recursion with three
of its four states folded in). Because no cycle is shorter than 13 frames, 12 or 13 frames are
computed at once. Scores are relative to diastole throughout. Buffers have fixed length.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dsp.cycles.bands import BLOCK
from dsp.cycles.durations import NEVER, SHORTEST, SOUND_FRAMES, Durations

Float = NDArray[np.float64]

HISTORY = 320
"""Frames that are remembered: the held-back start (250) and the longest cycle before a decision."""
TAIL = SOUND_FRAMES
"""Frames between the newest score and the head of the recursion."""
FIRST_SPAN = 115
"""Frames after a start in which the first S1 may lie without a stretch of no heart before it."""
HEAD = HISTORY - TAIL
_NEW = slice(HEAD - BLOCK, HEAD)
_PARTS = (slice(HEAD - BLOCK, HEAD - BLOCK + 13), slice(HEAD - BLOCK + 13, HEAD))


@dataclass(frozen=True, slots=True)
class Penalties:
    """Log probabilities of what is no cycle."""

    lose: float = -9.0
    """Heart lost (a stretch of no heart begins)."""
    find: float = -5.0
    """Heart found again."""
    silent_start: float = -4.0
    """The stream begins without a heart."""


class Lattice:
    """Forward scores and what is needed to trace the best path back.

    Positions in the buffers are frames less ``base``; ``HEAD`` is the position up to which the
    recursion has come.
    """

    def __init__(self, durations: Durations, penalties: Penalties) -> None:
        self.durations, self.penalties = durations, penalties
        count = len(durations.rr)
        self.rows = np.arange(count)
        self.prior = -np.log(count)
        self._indices()
        self.reset(0, 0)

    def _indices(self) -> None:
        """Fixed index arrays: where class r looks for its S1 and S2 at each new position."""
        d = self.durations
        new = np.arange(_NEW.start, _NEW.stop)
        start = new[None, :] - d.shortest[:, None]
        s2_at = start[:, :, None] + np.arange(d.systole.shape[1])
        self._s2_at = np.minimum(s2_at, HEAD - 1)  # later ones have no probability
        self._s1_at = start
        self._v_at = [
            (self.rows[:, None] * HISTORY + start[:, p.start - _NEW.start : p.stop - _NEW.start])
            for p in _PARTS
        ]
        self._systole = d.systole[:, None, :]
        self._cycle = np.ascontiguousarray(d.cycle[:, None, ::-1])

    def reset(self, frame: int, first: int) -> None:
        """The next block of scores begins with ``frame``; sound begins with frame ``first``."""
        count = len(self.rows)
        self.base = frame - HISTORY
        self.first = first
        self.sound1, self.sound2, self.systole, self.none = (
            np.zeros(HISTORY + 1) for _ in range(4)
        )
        self.a1 = np.zeros(HISTORY)
        self.q = np.full(HISTORY, NEVER)
        self.s2_gain = np.full(HISTORY, NEVER)
        self.v = np.full((count, HISTORY), NEVER)
        self.switched = np.full((count, HISTORY), NEVER)
        self.w = np.full((count, HISTORY), NEVER)
        self.came = np.full((count, HISTORY), -1, np.int16)
        self.before = np.zeros((count, HISTORY), np.int8)
        self.entry = np.full(HISTORY, NEVER)
        self.lost = np.full(HISTORY, NEVER)
        self.begun = np.full(HISTORY, NEVER)
        self._best_entry = NEVER
        self._best_s2 = NEVER

    def _shift(self) -> None:
        n = BLOCK
        for line in (self.sound1, self.sound2, self.systole, self.none):
            line[:-n] = line[n:]
        for line in (self.a1, self.q, self.s2_gain, self.entry, self.lost, self.begun):
            line[:-n] = line[n:]
        for table in (self.v, self.switched, self.w, self.came, self.before):
            table[:, :-n] = table[:, n:]
        self.base += n

    def push(self, scores: NDArray[np.floating]) -> None:
        """Advance by one block of log likelihoods [25, 5] (S1, systole, S2, diastole, none)."""
        self._shift()
        self._accumulate(scores.astype(np.float64))
        self._gains()
        durations = self.durations
        inner = self.q.take(self._s2_at)
        inner += self._systole
        best = inner.max(axis=2)
        best += self.a1.take(self._s1_at)
        for part, v_at in zip(_PARTS, self._v_at, strict=True):
            size = part.stop - part.start
            offset = part.start - _NEW.start
            self.w[:, part] = self.switched.take(v_at) + best[:, offset : offset + size]
            reach = durations.cycle.shape[1]
            view = np.lib.stride_tricks.sliding_window_view(
                self.w[:, part.start - reach + 1 : part.stop], reach, axis=1
            )
            options = view + self._cycle
            choice = options.argmax(axis=2)
            value = np.take_along_axis(options, choice[:, :, None], axis=2)[:, :, 0]
            self._connect(part, value, choice, reach)

    def _accumulate(self, scores: Float) -> None:
        """Add the block to the running sums of what S1, S2, systole and none gain."""
        diastole = scores[:, 3]
        for line, gain in (
            (self.sound1, scores[:, 0] - scores[:, 1]),
            (self.sound2, scores[:, 2] - diastole),
            (self.systole, scores[:, 1] - diastole),
            (self.none, scores[:, 4] - diastole),
        ):
            if self.base + HISTORY - BLOCK < self.first:
                gain[: max(0, self.first - (self.base + HISTORY - BLOCK))] = 0
            line[-BLOCK:] = gain
            np.cumsum(line[-BLOCK - 1 :], out=line[-BLOCK - 1 :])

    def _gains(self) -> None:
        """Best gain of an S1 and an S2 sound that begins at each new position."""
        d, low, high = self.durations, _NEW.start, _NEW.stop
        for line, density, first in ((self.sound1, d.sound1, True), (self.sound2, d.sound2, False)):
            view = np.lib.stride_tricks.sliding_window_view(line[low + 2 : high + TAIL], TAIL - 1)
            gain = (view + density).max(axis=1) - line[low:high]
            if first:
                self.a1[_NEW] = gain - self.systole[low:high]
            else:
                self.s2_gain[_NEW] = gain
                self.q[_NEW] = gain + self.systole[low:high]
        early = self.first - self.base - low
        if early > 0:
            self.q[low : low + min(early, BLOCK)] = NEVER

    def _connect(self, part: slice, value: Float, choice: NDArray[np.intp], reach: int) -> None:
        """Join the cycles that end in ``part`` with starts and stretches without a heart."""
        frames = np.arange(self.base + part.start, self.base + part.stop)
        none = self.none[part]
        entry = value.max(axis=0) + (self.penalties.lose - none)
        entry[frames < self.first] = NEVER
        entry[frames == self.first] = self.penalties.silent_start - none[frames == self.first]
        self.entry[part] = entry
        best = np.maximum(np.maximum.accumulate(entry), self._best_entry)
        self._best_entry = float(best[-1])
        self.lost[part] = best + none
        free = self.lost[part] + self.penalties.find
        if frames[0] < self.first + FIRST_SPAN:
            self.begun[part] = self._first(part, frames)
            free = np.maximum(free, self.begun[part])
        else:
            self.begun[part] = NEVER
        free = free + self.prior
        self.came[:, part] = np.where(free > value, -1, reach - 1 - choice)
        v = np.maximum(value, free)
        self.v[:, part] = v
        options = v[:, None, :] + self.durations.switch[:, :, None]
        self.before[:, part] = options.argmax(axis=0)
        self.switched[:, part] = options.max(axis=0)

    def _first(self, part: slice, frames: NDArray[np.intp]) -> Float:
        """Score of the stream so far when its first S1 is at each position of ``part``."""
        options = self._s2_before(part)
        score = np.maximum(0.0, options)
        score[(frames < self.first) | (frames >= self.first + FIRST_SPAN)] = NEVER
        return score

    def _s2_before(self, part: slice) -> Float:
        """Best score of an S2 at least 5 frames before each position, systole before it."""
        origin = min(max(self.first - self.base, 0), part.stop)
        line = np.full(part.stop, NEVER)
        line[origin : part.stop] = (
            self.systole[origin : part.stop]
            - self.systole[origin]
            + self.s2_gain[origin : part.stop]
        )
        best = np.maximum.accumulate(line)
        return best[part.start - 5 : part.stop - 5]
