"""How long cycles and systoles last: one table for each class of heart rate.

The decoder's hidden state holds the rate as one of a few classes (30–220/min, evenly spaced in
the logarithm), which persists from beat to beat; so durations follow the heart rate, and a jump, an
ectopic beat or a gap costs a known penalty instead of a lost lock. Within a class the cycle
length and the time from S1 to S2 are normal with a broad tail (Schmidt et al. 2010, sec. 2.4,
use one normal density around a rate estimated beforehand from the whole recording).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dsp.cycles.bands import FRAME
from dsp.stage import RATE_HZ

Float = NDArray[np.float64]

FRAMES_PER_S = RATE_HZ / FRAME
SHORTEST_S = 60 / 220
LONGEST_S = 2.0
SHORTEST = 13
"""Frames of the shortest cycle: 0.26 s, 230/min."""
SOUND_FRAMES = 9
"""Longest S1 or S2 sound in frames (0.18 s)."""
NEVER = -1e9
"""Log probability of what cannot be."""


@dataclass(frozen=True, slots=True)
class DurationSettings:
    """What is fitted or chosen about durations."""

    rr_s: Float
    """Cycle lengths of the table of systoles, s."""
    systole_s: Float
    """Mean S1–S2 interval at each, s."""
    classes: int = 8
    cycle_spread: float = 0.13
    """Standard deviation of the cycle within a class, relative."""
    systole_spread: float = 0.13
    """Standard deviation of the S1–S2 interval within a class, relative."""
    tail: float = 0.01
    """Share of the broad tail of both densities."""
    stay: float = 0.9
    near: float = 0.09
    """Probability of the same class at the next beat, and of a neighbour."""


@dataclass(frozen=True, slots=True, eq=False)
class Durations:
    """Tables of log probabilities.

    Attributes
    ----------
    rr : float [classes]
        Cycle length of each class, frames.
    shortest : int [classes]
        Shortest cycle of each class, frames.
    cycle : float [classes, J]
        Log probability that the cycle lasts ``shortest + j`` frames.
    cycle_survival : float [classes, D]
        Log probability that it lasts at least d frames.
    systole : float [classes, M]
        Log probability that S2 begins d frames after S1.
    systole_survival : float [classes, D]
        Log probability that S2 begins d frames after S1 or later.
    switch : float [classes, classes]
        Log probability of class j after class i.
    sound1, sound2 : float [SOUND_FRAMES - 1]
        Log probability that S1, S2 last 2, 3, ... frames.
    """

    rr: Float
    shortest: NDArray[np.intp]
    cycle: Float
    cycle_survival: Float
    systole: Float
    systole_survival: Float
    switch: Float
    sound1: Float
    sound2: Float

    @property
    def longest(self) -> int:
        """Frames of the longest cycle of any class."""
        return int(self.shortest.max() + self.cycle.shape[1] - 1)


def _density(frames: Float, mean: float, spread: float, tail: float, low: int, high: int) -> Float:
    """Log of a normal density with a flat share, zero outside ``low``..``high``."""
    normal = np.exp(-0.5 * ((frames - mean) / spread) ** 2) / (spread * np.sqrt(2 * np.pi))
    inside = (frames >= low) & (frames <= high)
    both = (1 - tail) * normal + tail / max(high - low + 1, 1)
    return np.where(inside, np.log(np.maximum(both, 1e-30)), NEVER)


def _survival(log_density: Float) -> Float:
    """Log probability of lasting at least each number of frames."""
    density = np.exp(log_density)
    rest = np.cumsum(density[:, ::-1], axis=1)[:, ::-1] / density.sum(axis=1, keepdims=True)
    return np.where(rest > 1e-12, np.log(np.maximum(rest, 1e-12)), NEVER)


def build(settings: DurationSettings) -> Durations:
    """Make the tables."""
    count = settings.classes
    rr_s = np.geomspace(SHORTEST_S * 1.03, LONGEST_S * 0.97, count)
    rr = rr_s * FRAMES_PER_S
    systole = np.interp(rr_s, settings.rr_s, settings.systole_s) * FRAMES_PER_S
    shortest = np.maximum(SHORTEST, np.floor(0.68 * rr)).astype(np.intp)
    widest = np.minimum(np.ceil(1.45 * rr), 1.12 * LONGEST_S * FRAMES_PER_S).astype(int)
    reach = int((widest - shortest).max()) + 1
    total = int(widest.max()) + 2
    frames = np.arange(total, dtype=float)
    cycle = np.stack(
        [
            _density(frames, rr[k], settings.cycle_spread * rr[k], settings.tail,
                     int(shortest[k]), int(widest[k]))
            for k in range(count)
        ]
    )  # fmt: skip
    latest = np.minimum(np.minimum(np.ceil(1.6 * systole), shortest - 3), 32).astype(int)
    to_s2 = np.stack(
        [
            _density(frames, systole[k], max(1.0, settings.systole_spread * systole[k]),
                     settings.tail, 5, int(latest[k]))
            for k in range(count)
        ]
    )  # fmt: skip
    table = np.full((count, reach), NEVER)
    for k in range(count):
        part = cycle[k, shortest[k] : shortest[k] + reach]
        table[k, : len(part)] = part
    apart = np.abs(np.subtract.outer(np.arange(count), np.arange(count)))
    far = max(1e-6, 1 - settings.stay - settings.near)
    switch = np.where(
        apart == 0, settings.stay, np.where(apart == 1, settings.near / 2, far / count)
    )
    sound = np.arange(2, SOUND_FRAMES + 1, dtype=float)
    systole_table = np.ascontiguousarray(to_s2[:, : int(latest.max()) + 1])
    return Durations(
        rr, shortest, table, _survival(cycle), systole_table, _survival(to_s2),
        np.log(switch), -0.5 * ((sound - 6.4) / 2.0) ** 2, -0.5 * ((sound - 5.1) / 2.0) ** 2,
    )  # fmt: skip
