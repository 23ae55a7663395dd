"""Moves a decoded onset from the grid of 20 ms to the sample.

The decoder knows the frame in which a sound begins; here a small network looks at the loudness
around it, sample energies in bins of 4 ms from 60 ms before to 80 ms after, and tells where
within 20 ms the sound really begins. It learnt from phantoms, whose onsets are exact. Without
weights (the baseline) onsets stay on the grid.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from dsp.cycles.bands import FRAME, Float32, clean

BIN = 8
"""Samples of a bin (4 ms)."""
BEFORE, AFTER = 15, 20
"""Bins before and after the beginning of the decoded frame."""
BINS = BEFORE + AFTER
REACH = FRAME - 1
"""Samples by which an onset is moved at the most: its decision stays within the lag."""
_FLOOR = np.float32(1e-12)
_LOWEST = np.float32(-9.0)
INPUTS = BINS + 2
"""Of the network: the bins, whether the sound is S2, and a one."""


def loudness(sound: NDArray[np.floating]) -> Float32:
    """Log energy of each bin against the loudest, float32 [..., BINS].

    Parameters
    ----------
    sound
        float [..., BINS * BIN], filtered sound around an onset.
    """
    bins = sound.astype(np.float32).reshape(*sound.shape[:-1], BINS, BIN)
    energy = np.add.reduce(bins * bins, axis=-1)
    energy += _FLOOR + np.float32(1e-4) * np.maximum.reduce(energy, axis=-1)[..., None]
    level = np.log(energy)
    level -= np.maximum.reduce(level, axis=-1)[..., None]
    scaled: Float32 = np.maximum(level, _LOWEST) / 3 + 1
    return scaled


def displacement(inputs: Float32, weights: Mapping[str, Float32]) -> Float32:
    """Samples from the beginning of the frame to the onset, float32 [...], of inputs [..., 37]."""
    hidden = np.maximum(inputs @ weights["onset.0"], 0)
    hidden = np.maximum(hidden @ weights["onset.1"], 0)
    out: Float32 = np.tanh(hidden @ weights["onset.2"])[..., 0] * np.float32(REACH)
    return out


class OnsetRefiner:
    """Keeps the last sound and moves onsets within it.

    Parameters
    ----------
    weights
        Arrays ``onset.0`` [37, h], ``onset.1`` [h, h], ``onset.2`` [h, 1]; empty to move nothing.
    history
        Samples that are remembered before what was pushed last.
    """

    def __init__(self, weights: Mapping[str, Float32], history: int) -> None:
        self._weights = weights
        self._history = history
        self.reset(0)

    def reset(self, index: int) -> None:
        """Start afresh at sample ``index``."""
        self._sound = np.zeros(0, np.float32)
        self._first = index

    def push(self, x: NDArray[np.floating]) -> None:
        """Remember the next samples."""
        if not self._weights:
            return
        spare = len(self._sound) - 2 * self._history
        if spare > 0:
            self._first += spare + self._history
            self._sound = self._sound[spare + self._history :]
        self._sound = np.concatenate([self._sound, clean(x)])

    def refine(self, frame: int, second: bool) -> int:
        """Onset, in samples, of the sound decoded to begin with ``frame``."""
        at = frame * FRAME
        if not self._weights:
            return at
        begin = at - BEFORE * BIN - self._first
        inputs = np.ones((1, INPUTS), np.float32)
        window = np.zeros(BINS * BIN, np.float32)
        low, high = max(begin, 0), min(begin + len(window), len(self._sound))
        if high > low:
            window[low - begin : high - begin] = self._sound[low:high]
        inputs[0, :BINS] = loudness(window)
        inputs[0, BINS] = second
        return at + round(float(displacement(inputs, self._weights)[0]))
