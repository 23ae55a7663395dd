"""What the sound says of each frame, before durations are considered.

An emission takes filtered sound and returns log posteriors of S1, systole, S2, diastole and
"none", block by block. `NetworkEmission` is the learned one; `logistic.py` has the one of the
publications behind the same methods. The first 5 s after a start or a gap are held back, so that
the level they are measured against is known.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from dsp.cycles.bands import BLOCK, FEATURES, FRAME, SETTLE, Blocks, Float32, log_bands
from dsp.cycles.network import TemporalNetwork, Weights
from dsp.cycles.normalise import Normaliser

MOST = 20
"""Blocks that are evaluated at once at the most (10 s): more gain nothing and take memory."""
HOLD = 10_000
"""Samples (5 s) that may be held back after a start or a gap."""


class Emission(Protocol):
    """Log posteriors of consecutive blocks of 25 frames."""

    first: int
    """Frame at which sound begins."""
    frame: int
    """First frame of the next block of posteriors."""
    ahead: int
    """Frames of look-ahead: posteriors of a block come so many frames late."""
    hold_end: int
    """Frame up to which sound is held back after a start."""
    stop: int | None
    """Frame before which sound ends, once it is known."""

    def reset(self, index: int) -> None:
        """Start afresh at sample ``index``."""
        ...

    def push(self, x: NDArray[np.floating]) -> list[Float32]:
        """Return the log posteriors, float32 [25, 5], of each block that is now known."""
        ...

    def push_steps(self, sizes: Sequence[int], x: NDArray[np.floating]) -> list[list[Float32]]:
        """Return what `push` would have returned for each part of ``sizes`` samples."""
        ...

    def flush(self) -> list[Float32]:
        """Return those of the frames that are left; frames after the end are zero."""
        ...


class NetworkEmission:
    """Log bands → running normalisation → temporal network."""

    def __init__(self, weights: Weights) -> None:
        self._network = TemporalNetwork(weights)
        self._blocks = Blocks()
        self.reset(0)

    def reset(self, index: int) -> None:
        self._blocks.reset(index)
        self._normaliser = Normaliser()
        self._held: list[Float32] | None = []
        self.first = self._blocks.first_frame
        start = self._blocks.frame
        self._network.reset(start, self.first)
        self.frame = start - self._network.weights.ahead
        end = index + HOLD - SETTLE
        self.ahead = self._network.weights.ahead
        self._hold_blocks = (end // FRAME - start) // BLOCK
        self.hold_end = start + self._hold_blocks * BLOCK
        self.stop: int | None = None

    def push(self, x: NDArray[np.floating]) -> list[Float32]:
        return self.push_steps([len(x)], x)[0]

    def push_steps(self, sizes: Sequence[int], x: NDArray[np.floating]) -> list[list[Float32]]:
        done = [0, *map(self._blocks.complete, accumulate(sizes))]
        sounds = self._blocks.push(x)
        if not sounds:
            return [[] for _ in sizes]
        groups = (sounds[k : k + MOST] for k in range(0, len(sounds), MOST))
        features = (block for group in groups for block in log_bands(np.array(group)))
        ready = [
            [n for _ in range(before, after) for n in self._ready(next(features))]
            for before, after in pairwise(done)
        ]
        posteriors = iter(self._judge([block for part in ready for block in part]))
        return [[next(posteriors) for _ in part] for part in ready]

    def _ready(self, features: Float32) -> list[Float32]:
        """Take one block; return those, normalised, that can now be judged."""
        if self._held is None:
            return [self._normaliser.apply(features)]
        self._held.append(features)
        return self._release(None) if len(self._held) == self._hold_blocks else []

    def _judge(self, features: list[Float32]) -> list[Float32]:
        self.frame += BLOCK * len(features)
        groups = (features[k : k + MOST] for k in range(0, len(features), MOST))
        return [block for group in groups for block in self._network.push(np.array(group))]

    def _release(self, stop: int | None) -> list[Float32]:
        """Normalise what was held back; sound ends before frame ``stop``."""
        held, self._held = self._held or [], None
        if not held:
            return []
        start = self._network.frame
        lead = max(0, self.first - start)
        known = [held[0][lead:], *held[1:]]
        if stop is not None:
            known[-1] = known[-1][: len(known[-1]) - (start + len(held) * BLOCK - stop)]
        self._normaliser.start([k for k in known if len(k)])
        return [self._normaliser.apply(features, learn=False) for features in held]

    def flush(self) -> list[Float32]:
        stop = self.stop = self._blocks.end // FRAME
        rest = [log_bands(sound) for sound in self._blocks.flush()]
        self._network.end(stop)
        if self._held is not None:
            self._held += rest
            ready = self._release(stop)
        else:
            ready = [self._normaliser.apply(f, learn=False) for f in rest]
        left = -(-(stop - self.frame) // BLOCK) - len(ready)  # what is looked ahead to is silence
        silence = [np.zeros((BLOCK, FEATURES), np.float32)] * left
        return self._judge(ready + silence)
