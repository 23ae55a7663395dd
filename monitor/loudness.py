"""How loud the parts of one heart cycle are: the one measure of tables, reports and the screen."""

from __future__ import annotations

import itertools
from math import log10
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

EDGE = 0.1
"""Share of systole and diastole at either end that may belong to a heart sound."""

QUIETEST = 1e-12
"""Floor of a mean square: digital silence has no level."""

BEYOND_DB = 2.0
"""From how far above diastole the last third of systole holds a murmur; chosen on half of CirCor's
persons (``training/experiments/loudness.py``)."""


class PartLevels(NamedTuple):
    """Mean squares of the parts of a cycle against that of S1, dB; or medians of them."""

    s2_db: float
    systole_db: float
    diastole_db: float
    early_db: float
    """Of the first third of systole."""
    mid_db: float
    late_db: float

    @property
    def place(self) -> str:
        """Where a murmur is loudest: ``early systole``, ``systole`` or ``diastole``; a guess."""
        if self.diastole_db > max(self.early_db, self.mid_db, self.late_db):
            return "diastole"
        return "systole" if self.late_db - self.diastole_db >= BEYOND_DB else "early systole"


def part_levels(
    sound: NDArray[np.floating], s1: int, systole: int, s2: int, diastole: int, end: int
) -> PartLevels:
    """Measure one cycle.

    Parameters
    ----------
    sound
        Samples from ``s1`` to ``end``, shape [end − s1].
    s1, systole, s2, diastole, end
        Onsets of its parts, samples.
    """
    within = _inside(systole, s2)
    x = sound.astype(np.float64)
    parts = ((s1, systole), (s2, diastole), within, _inside(diastole, end), *_thirds(*within))
    first, *others = (_level_db(x[begin - s1 : stop - s1]) for begin, stop in parts)
    return PartLevels(*(level - first for level in others))


def _inside(start: int, end: int) -> tuple[int, int]:
    edge = round(EDGE * (end - start))
    return start + edge, end - edge


def _thirds(start: int, end: int) -> list[tuple[int, int]]:
    borders = [start + (end - start) * k // 3 for k in range(4)]
    return list(itertools.pairwise(borders))


def _level_db(part: NDArray[np.float64]) -> float:
    """Mean square in dB."""
    return 10 * log10(max(float(part @ part) / max(1, part.size), QUIETEST))
