"""How likely it is that a cycle is told swapped, at half the rate or at twice the rate.

One cycle rarely shows it; many do. What the posteriors say of each cycle (every state's mean
posterior in the stretch of every state, the share of systole, the length) is averaged over the
last cycles with a memory of about 25, and so is what alternates from cycle to cycle: a heart
whose sounds are both taken for S1 alternates. A small network fitted on held-out recordings and
phantoms (`training/segmentation/doubt.py`) makes probabilities of it. The memory survives a
short loss of the heart, not a gap.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from dsp.cycles.bands import FRAME, Float32
from dsp.stage import RATE_HZ

KEPT = np.float32(0.96)
"""Weight of the past at each new cycle."""
CYCLE_FEATURES = 22
FEATURES = 2 * CYCLE_FEATURES + 3
"""Averages, the present cycle, two alternations and how much was heard."""
OUTCOMES = 4
"""Right, swapped, halved, doubled."""


def cycle_features(means: NDArray[np.float64], frames: tuple[int, int, int]) -> Float32:
    """Numbers of one cycle, float32 [22].

    Parameters
    ----------
    means
        float64 [4, 5]: mean posterior of each class in the stretch of each state.
    frames
        Of S1, S2 and the next S1.
    """
    s1, s2, end = frames
    out = np.empty(CYCLE_FEATURES, np.float32)
    out[:20] = means.reshape(-1)
    out[20] = (s2 - s1) / (end - s1)
    out[21] = np.log((end - s1) * FRAME / RATE_HZ)
    return out


class Doubt:
    """Gathers evidence cycle by cycle.

    Parameters
    ----------
    weights
        Arrays ``doubt.0`` [48, h] and ``doubt.1`` [h + 1, 4]; empty where nothing was fitted.
    """

    def __init__(self, weights: Mapping[str, Float32]) -> None:
        self._weights = weights
        self.reset()

    def reset(self) -> None:
        """Forget everything."""
        self._sum = np.zeros(CYCLE_FEATURES, np.float32)
        self._alternating = np.zeros(2, np.float32)
        self._weight = np.float32(0.0)
        self._before = np.zeros(2, np.float32)
        self.features = np.zeros(FEATURES, np.float32)
        self._told = (0.0, 0.0, 0.0)

    def update(
        self, means: NDArray[np.float64], borders: list[int | None]
    ) -> tuple[float, float, float]:
        """Take the next cycle; probabilities that it is swapped, halved, doubled.

        A cycle that is cut brings no evidence: what was said last is said again.
        """
        s1, s2, end = borders[0], borders[2], borders[4]
        if s1 is None or s2 is None or end is None:
            return self._told
        now = cycle_features(means, (s1, s2, end))
        self._sum = KEPT * self._sum + now
        self._weight = KEPT * self._weight + np.float32(1)
        which = np.array([now[21], now[0] - now[2]], np.float32)
        self._alternating = -KEPT * self._alternating + (which - self._before)
        self._before = which
        out = self.features
        out[:CYCLE_FEATURES] = self._sum / self._weight
        out[CYCLE_FEATURES : 2 * CYCLE_FEATURES] = now
        out[-3:-1] = np.abs(self._alternating) / self._weight
        out[-1] = np.log(self._weight)
        if self._weights:
            p = probabilities(out[None], self._weights)[0]
            self._told = (float(p[1]), float(p[2]), float(p[3]))
        return self._told


def probabilities(features: Float32, weights: Mapping[str, Float32]) -> Float32:
    """Probability of each outcome, float32 [n, 4], of features [n, 47]."""
    ones = np.ones((len(features), 1), np.float32)
    hidden = np.tanh(np.concatenate([features, ones], axis=1) @ weights["doubt.0"])
    logits = np.concatenate([hidden, ones], axis=1) @ weights["doubt.1"]
    logits -= np.maximum.reduce(logits, axis=1)[:, None]
    p = np.exp(logits)
    out: Float32 = p / np.add.reduce(p, axis=1)[:, None]
    return out
