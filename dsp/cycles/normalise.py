"""Takes the level and colour of the device away from log band energies, causally.

Each feature loses its running mean. The first mean is that of the held-back start (up to 5 s);
afterwards every block moves it by one part in twenty (about 10 s). Frames of digital silence
(a lost contact) do not move it, so that the sound after them is not mistaken for a loud one.
"""

from __future__ import annotations

import numpy as np

from dsp.cycles.bands import BLOCK, FEATURES, SILENCE, Float32

RATE = np.float32(1 / 20)
SCALE = np.float32(0.5)
LIMIT = np.float32(4.0)
_AUDIBLE = SILENCE + 3.0
_PART = np.float32(1 / BLOCK)


def block_mean(features: Float32) -> tuple[Float32, bool]:
    """Mean over the frames that are not silent, float32 [16], and whether there was one."""
    if len(features) == BLOCK and float(features.min()) > _AUDIBLE:
        return np.add.reduce(features, axis=0) * _PART, True
    audible = features.max(axis=1) > _AUDIBLE
    if not audible.any():
        return np.full(FEATURES, SILENCE, np.float32), False
    return features[audible].mean(axis=0), True


class Normaliser:
    """Running mean of each feature; ``start`` first, then ``apply`` block by block."""

    def __init__(self) -> None:
        self._mean = np.zeros(FEATURES, np.float32)
        self._known = False

    def start(self, features: list[Float32]) -> None:
        """Set the mean from the held-back start: a list of arrays [n, 16]."""
        means = [mean for mean, heard in map(block_mean, features) if heard]
        self._known = bool(means)
        if means:
            self._mean = np.stack(means).mean(axis=0)
        else:
            self._mean = np.full(FEATURES, SILENCE, np.float32)

    def apply(self, features: Float32, *, learn: bool = True) -> Float32:
        """Return the block less the mean, scaled and limited; learn from it before."""
        if learn:
            mean, heard = block_mean(features)
            if heard:
                rate = RATE if self._known else np.float32(1.0)
                self._mean = self._mean + rate * (mean - self._mean)
                self._known = True
        scaled: Float32 = (features - self._mean) * SCALE
        np.minimum(scaled, LIMIT, out=scaled)
        np.maximum(scaled, -LIMIT, out=scaled)
        return scaled
