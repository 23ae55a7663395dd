"""How likely it is that a cycle is told swapped, at half the rate or at twice the rate.

One cycle rarely shows it; many do. What the posteriors say of each cycle (every state's mean
posterior in the stretch of every state, the share of systole, the length) is averaged over the
last cycles with a memory of about 25, and so is what alternates from cycle to cycle: a heart
whose sounds are both taken for S1 alternates. A small network fitted on held-out recordings and
phantoms (`training/segmentation/doubt.py`) makes probabilities of it. The memory survives a
short loss of the heart, not a gap.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from dsp.cycles.bands import FRAME, Float32
from dsp.stage import RATE_HZ

KEPT = 0.96
"""Weight of the past at each new cycle."""
CYCLE_FEATURES = 22
"""Mean posteriors [4, 5], the share of systole, the logarithm of the length in s."""
FEATURES = 2 * CYCLE_FEATURES + 3
OUTCOMES = 4
"""Right, swapped, halved, doubled."""


class Doubt:
    """Gathers evidence cycle by cycle.

    Parameters
    ----------
    weights
        Arrays ``doubt.0`` [48, h] and ``doubt.1`` [h + 1, 4]; empty where nothing was fitted.

    Attributes
    ----------
    features
        float32 [47] of the last cycle: averages, the cycle itself, what alternates (length, and
        how much more its S1 is like S1 than its S2), and the logarithm of how much was heard.
    """

    def __init__(self, weights: Mapping[str, Float32]) -> None:
        self._weights = weights
        self.reset()

    def reset(self) -> None:
        """Forget everything."""
        self._sum = np.zeros(CYCLE_FEATURES, np.float32)
        self._now = np.zeros(CYCLE_FEATURES, np.float32)
        self._weight = self._longer = self._likelier = 0.0
        self._before = (0.0, 0.0)
        self.features = np.zeros(FEATURES, np.float32)
        self._told = (0.0, 0.0, 0.0)

    def update(
        self, means: NDArray[np.float64], borders: Sequence[int | None]
    ) -> tuple[float, float, float]:
        """Take the next cycle; probabilities that it is swapped, halved, doubled.

        A cycle that is cut brings no evidence: what was said last is said again.

        Parameters
        ----------
        means
            float64 [4, 5]: mean posterior of each class in the stretch of each state.
        borders
            Frames of S1, systole, S2, diastole and the next S1.
        """
        s1, s2, end = borders[0], borders[2], borders[4]
        if s1 is None or s2 is None or end is None:
            return self._told
        now, out = self._now, self.features
        now[:20] = means.reshape(-1)
        now[20] = (s2 - s1) / (end - s1)
        length = now[21] = math.log((end - s1) * FRAME / RATE_HZ)
        like_s1 = float(means[0, 0] - means[0, 2])
        self._sum *= np.float32(KEPT)
        self._sum += now
        self._weight = KEPT * self._weight + 1.0
        self._longer = (length - self._before[0]) - KEPT * self._longer
        self._likelier = (like_s1 - self._before[1]) - KEPT * self._likelier
        self._before = (length, like_s1)
        np.divide(self._sum, np.float32(self._weight), out=out[:CYCLE_FEATURES])
        out[CYCLE_FEATURES : 2 * CYCLE_FEATURES] = now
        out[-3] = abs(self._longer) / self._weight
        out[-2] = abs(self._likelier) / self._weight
        out[-1] = math.log(self._weight)
        if self._weights:
            _, *told = probabilities(out[None], self._weights)[0].tolist()
            self._told = (told[0], told[1], told[2])
        return self._told


def probabilities(features: Float32, weights: Mapping[str, Float32]) -> Float32:
    """Probability of each outcome, float32 [n, 4], of features [n, 47]."""
    first, last = weights["doubt.0"], weights["doubt.1"]
    hidden = features @ first[:-1]
    hidden += first[-1]
    np.tanh(hidden, out=hidden)
    logits = hidden @ last[:-1]
    logits += last[-1]
    logits -= np.maximum.reduce(logits, axis=1)[:, None]
    p: Float32 = np.exp(logits, out=logits)
    p /= np.add.reduce(p, axis=1)[:, None]
    return p
