"""Moves a decoded onset from the grid of 20 ms to the sample.

The decoder knows the frame in which a sound begins; here a small network looks at the loudness
around it, sample energies in bins of 4 ms from 60 ms before to 80 ms after, and tells where
within 20 ms the sound really begins. It learnt from phantoms, whose onsets are exact. Without
weights (the baseline) onsets stay on the grid.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

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
_LEAST = np.float32(1e-4)
"""Energy, against the loudest bin, under which it is not looked at (-40 dB)."""
_THIRD = np.float32(1 / 3)
INPUTS = BINS + 2
"""Of the network: the bins, whether the sound is S2, and a one."""


def loudness(sound: Float32) -> Float32:
    """Log energy of each bin against the loudest, float32 [..., BINS].

    Parameters
    ----------
    sound
        float32 [..., BINS * BIN], filtered sound around an onset.
    """
    bins = sound.reshape(*sound.shape[:-1], BINS, BIN)
    energy = np.add.reduce(bins * bins, axis=-1)
    loudest = np.maximum.reduce(energy, axis=-1)[..., None] + _FLOOR
    energy /= loudest
    energy += _LEAST
    level: Float32 = np.log(energy, out=energy)
    level *= _THIRD
    level += 1
    return level


def displacement(inputs: Float32, weights: Mapping[str, Float32]) -> Float32:
    """Samples from the beginning of the frame to the onset, float32 [...], of inputs [..., 37]."""
    hidden = inputs @ weights["onset.0"]
    np.maximum(hidden, 0, out=hidden)
    hidden = hidden @ weights["onset.1"]
    np.maximum(hidden, 0, out=hidden)
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
        self._buffer = np.zeros(4 * self._history, np.float32)
        self._first, self._end = index, 0
        self._moved: dict[tuple[int, bool], int] = {}

    def push(self, x: NDArray[np.floating]) -> None:
        """Remember the next samples."""
        if not self._weights:
            return
        if self._end + len(x) > len(self._buffer):
            drop = max(0, self._end - self._history)
            kept = self._buffer[drop : self._end]
            size = max(4 * self._history, len(kept) + len(x))
            self._buffer = np.concatenate([kept, np.zeros(size - len(kept), np.float32)])
            self._first, self._end = self._first + drop, len(kept)
        self._buffer[self._end : self._end + len(x)] = clean(x)
        self._end += len(x)

    def expect(self, sounds: Sequence[tuple[int, bool]]) -> None:
        """Look at once at all the sounds that `refine` will be asked for."""
        self._moved = self._look(sounds) if sounds else {}

    def refine(self, frame: int, second: bool) -> int:
        """Onset, in samples, of the sound decoded to begin with ``frame``."""
        moved = self._moved.get((frame, second))
        return self._look([(frame, second)])[frame, second] if moved is None else moved

    def _look(self, sounds: Sequence[tuple[int, bool]]) -> dict[tuple[int, bool], int]:
        """Onset of each sound; one product for each."""
        if not self._weights:
            return {(frame, second): frame * FRAME for frame, second in sounds}
        inputs = np.ones((len(sounds), 1, INPUTS), np.float32)
        inputs[:, 0, :BINS] = loudness(np.array([self._window(frame) for frame, _ in sounds]))
        inputs[:, 0, BINS] = [second for _, second in sounds]
        moves = displacement(inputs, self._weights)[:, 0].tolist()
        return {s: s[0] * FRAME + round(move) for s, move in zip(sounds, moves, strict=True)}

    def _window(self, frame: int) -> Float32:
        begin, count = frame * FRAME - BEFORE * BIN - self._first, BINS * BIN
        window = self._buffer[max(begin, 0) : min(max(begin + count, 0), self._end)]
        if len(window) < count:  # at the start or the end of the sound
            lead = min(max(-begin, 0), count)
            window = np.pad(window, (lead, count - lead - len(window)))
        return window
