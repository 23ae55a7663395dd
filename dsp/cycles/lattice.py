"""Hidden semi-Markov decoding of heart cycles, block by block, with the heart rate hidden too.

A path is a chain of cycles S1 · systole · S2 · diastole, each of one class of rate
(`durations.py`), broken only by stretches without a heart. The best path that reaches an S1 at
frame t in class r has the score

    V[r, t] = max over d of  W[r, t - d] + log cycle_r(d)
    W[r, t] = V'[r, t] + g1[t] + max over m of  Q[t + m] + log systole_r(m)

where V' lets the class change, g1 is the best gain of an S1 sound of 2–9 frames over systole, and
Q that of an S2 sound over diastole plus the systole before it: the inner borders are maximised
ahead of the recursion, which then steps from S1 to S1 (Schmidt et al. 2010's recursion with three
of its four states folded in). Because no cycle is shorter than 13 frames, 12 or 13 frames are
computed at once, by few numpy calls over fixed views, frame after frame of all classes in memory.
Scores are relative to diastole throughout; only scores are kept, choices are found again where the
path is read back (`path.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from dsp.cycles.bands import BLOCK
from dsp.cycles.durations import NEVER, SOUND_FRAMES, Durations

Float = NDArray[np.float64]

HISTORY = 320
"""Frames that are remembered: the held-back start (250) and the longest cycle before a decision."""
FIRST_SPAN = 115
"""Frames after a start in which the first S1 may lie without a stretch of no heart before it."""
S2_AFTER = 5
"""Fewest frames from S1 to S2."""
SOUND1, SOUND2, SYSTOLE, LOST, A1, Q, ENTRY, NONE, FREE, BEGUN = range(10)
"""Rows of ``lines``: running gains of S1 over systole, S2 over diastole, systole over diastole and
no heart over diastole; the S1 term and the S2 term of a cycle; score of losing the heart, of being
without, of a first S1 without a cycle before it, and that of one that begins the stream."""
_HALF = 13
GAINS = np.array(
    [[1, 0, 0, 0], [-1, 0, 1, 0], [0, 1, 0, 0], [0, -1, -1, -1], [0, 0, 0, 1]], np.float32
)
"""From scores of the five states to the four running gains."""


@dataclass(frozen=True, slots=True)
class Penalties:
    """Log probabilities of what is no cycle."""

    lose: float = -9.0
    """Heart lost (a stretch of no heart, at least half a second, begins)."""
    find: float = -5.0
    """Heart found again."""
    silent_start: float = -4.0
    """The stream begins without a heart."""


def _frames_after(x: Float, frames: int) -> Float:
    """View [n, frames, classes] of x [n + frames − 1, classes]: n rows in a row from each on."""
    row, item = x.strides
    return as_strided(x, (len(x) - frames + 1, frames, x.shape[1]), (row, row, item))


@lru_cache(maxsize=12)
def _for_frames(durations: Durations, table: Literal["cycle", "systole"], frames: int) -> Float:
    """Table [n, frames, classes], alike for each frame: NumPy adds what lies in a row faster."""
    columns: Float = getattr(durations, table).T
    return np.repeat(columns[:, None, :], frames, axis=1)


@dataclass(frozen=True, slots=True)
class _Part:
    """Fixed views of the 12 or 13 frames that are computed at once."""

    start: int
    stop: int
    before: NDArray[np.intp]
    window: Float
    cycle: Float
    w: Float
    best: Float
    v: Float
    switched: Float
    old: NDArray[np.intp]
    switch: Float


class Lattice:
    """Forward scores and what is needed to trace the best path back.

    Positions in the buffers are frames less ``base``; ``head`` is the position up to which the
    recursion has come: sounds that begin before it are wholly known. ``lines`` is float64
    [10, history + 1]; ``v``, ``switched`` and ``w`` are float64 [history, classes].
    """

    def __init__(self, durations: Durations, penalties: Penalties, history: int = HISTORY) -> None:
        self.durations, self.penalties, self.history = durations, penalties, history
        self.head = history - SOUND_FRAMES
        self._new = slice(self.head - BLOCK, self.head)
        count = len(durations.rr)
        self.rows = np.arange(count)
        self.prior = -float(np.log(count))
        self.lines = np.zeros((10, history + 1))
        self._tables = np.zeros((3, history, count))
        self.v, self.switched, self.w = self._tables
        self._fix_views()
        self.reset(0, 0)

    def _fix_views(self) -> None:
        """Views and index arrays of where class r looks for its S1 and S2 at each new position."""
        d, line = self.durations, self.lines.strides[1]
        self._s1_at = np.arange(self._new.start, self.head)[:, None] - d.shortest
        ahead = np.arange(self._new.start, self.head + d.systole.shape[1] - 1)[:, None] - d.shortest
        self._s2_at = np.minimum(ahead, self.head - 1)  # later ones have no probability
        self._second = np.zeros(self._s2_at.shape)
        self._seconds = _frames_after(self._second, BLOCK)
        self._systole = _for_frames(d, "systole", BLOCK)
        self._best = np.zeros(self._s1_at.shape)
        shape = (SOUND_FRAMES - 1, 2, BLOCK)
        self._sounds = as_strided(
            self.lines[:, self._new.start + 2 :], shape, (line, self.lines.strides[0], line)
        )
        self._sound_density = np.stack([d.sound1, d.sound2], axis=1)[:, :, None]
        middle = self._new.start + _HALF
        self._parts = [self._part(self._new.start, middle), self._part(middle, self.head)]

    def _part(self, low: int, high: int) -> _Part:
        at = slice(low - self._new.start, high - self._new.start)
        cycle = _for_frames(self.durations, "cycle", high - low)[::-1]
        old = np.arange((high - low) * len(self.rows)).reshape(-1, len(self.rows)).T
        return _Part(
            low, high, self._s1_at[at] * len(self.rows) + self.rows,
            _frames_after(self.w[low - len(cycle) + 1 : high], high - low), cycle,
            self.w[low:high], self._best[at], self.v[low:high], self.switched[low:high],
            np.repeat(old[:, :, None], len(self.rows), axis=2),
            np.repeat(self.durations.switch[:, None, :], high - low, axis=1),
        )  # fmt: skip

    def reset(self, frame: int, first: int) -> None:
        """The next block of scores begins with ``frame``; sound begins with frame ``first``."""
        self.base = frame - self.history
        self.first = first
        self.lines[:] = 0
        self.lines[Q:] = NEVER
        self._tables[:] = NEVER
        self._best_entry = NEVER

    def push(self, gains: NDArray[np.floating]) -> None:
        """Advance by one block of gains [25, 4] (scores @ GAINS), zero outside the sound."""
        lines = self.lines
        lines[:, :-BLOCK] = lines[:, BLOCK:]
        self._tables[:, :-BLOCK] = self._tables[:, BLOCK:]
        self.base += BLOCK
        lines[:4, -BLOCK:] = gains.T
        np.cumsum(lines[:4, -BLOCK - 1 :], axis=1, out=lines[:4, -BLOCK - 1 :])
        sound = np.maximum.reduce(self._sounds + self._sound_density, axis=0)
        sound -= lines[:2, self._new]
        systole = lines[SYSTOLE, self._new]
        np.subtract(sound[0], systole, out=lines[A1, self._new])
        np.add(sound[1], systole, out=lines[Q, self._new])
        self._lose()
        lines[Q].take(self._s2_at, out=self._second, mode="clip")
        np.maximum.reduce(self._seconds + self._systole, axis=0, out=self._best)
        self._best += lines[A1].take(self._s1_at)
        flat = self.switched.reshape(-1)
        free = lines[FREE]
        for part in self._parts:
            np.add(flat.take(part.before), part.best, out=part.w)
            value = np.maximum.reduce(part.window + part.cycle, axis=0, out=part.v)
            here = slice(part.start, part.stop)
            np.maximum.reduce(value, axis=1, out=lines[ENTRY, here])
            np.maximum(value, free[here, None], out=value)
            np.maximum.reduce(value.take(part.old) + part.switch, axis=0, out=part.switched)
        lines[ENTRY, self._new] += self.penalties.lose - lines[LOST, self._new]
        if self.base + self._new.start <= self.first:
            self._silent_start()

    def _lose(self) -> None:
        """Scores of a stretch without a heart, lost at least half a second ago, and of its end."""
        lines = self.lines
        earlier = slice(self._new.start - BLOCK, self._new.start)
        best = np.maximum.accumulate(lines[ENTRY, earlier])
        np.maximum(best, self._best_entry, out=best)
        self._best_entry = float(best[-1])
        none = lines[NONE, self._new]
        np.add(best, lines[LOST, self._new], out=none)
        np.add(none, self.penalties.find + self.prior, out=lines[FREE, self._new])
        if self.base + self._new.start < self.first + FIRST_SPAN:
            self._begin()

    def _begin(self) -> None:
        """Score of the stream so far when its first S1 is at each new position."""
        lines = self.lines
        frames = np.arange(self.base + self._new.start, self.base + self._new.stop)
        lines[Q, self._new][frames < self.first] = NEVER
        origin = min(max(self.first - self.base, 0), self.head)
        line = np.full(self.head, NEVER)
        line[origin:] = lines[Q, origin : self.head] - lines[SYSTOLE, origin]
        with_s2 = np.maximum.accumulate(line)[self._new.start - S2_AFTER : self.head - S2_AFTER]
        begun = np.maximum(0.0, with_s2)
        begun[(frames < self.first) | (frames >= self.first + FIRST_SPAN)] = NEVER
        lines[BEGUN, self._new] = begun
        np.maximum(lines[FREE, self._new], begun + self.prior, out=lines[FREE, self._new])

    def _silent_start(self) -> None:
        """The stream may begin without a heart; nothing comes before it."""
        frames = np.arange(self.base + self._new.start, self.base + self._new.stop)
        self.lines[ENTRY, self._new][frames < self.first] = NEVER
        self.lines[ENTRY, self._new][frames == self.first] = self.penalties.silent_start
