"""What the frames themselves say before any filter: not numbers, clipped, level; per step.

Frames are mapped to the index at 2 kHz, so that what is said of a step does not depend on how
the sound was cut. Samples that are not finite are replaced by zero, and remembered: a window that
touches them is not used, and the pipeline raises a technical condition.
"""

from __future__ import annotations

from collections import defaultdict, deque

import numpy as np
from numpy.typing import NDArray

from dsp.stage import RATE_HZ, STEP

FULL_SCALE = 0.9999
"""From here on a sample counts as clipped."""

MARGIN = 200
"""Samples at 2 kHz around a bad one that the filters let it reach."""

KEEP = 60 * RATE_HZ
"""Samples for which bad ones are remembered."""

Float32Array = NDArray[np.float32]


class FrameSanitizer:
    """Cleans frames and keeps count by step.

    Parameters
    ----------
    rate_hz
        Rate of the frames.
    index
        Absolute index (2 kHz) of the first.
    """

    def __init__(self, rate_hz: int, index: int = 0) -> None:
        self._rate_hz = rate_hz
        self._bad_steps: dict[int, int] = defaultdict(int)
        self._clipped_steps: dict[int, int] = defaultdict(int)
        self._bad: deque[tuple[int, int]] = deque()
        self.reset(index)

    def reset(self, index: int) -> None:
        """Go on at ``index``; what is remembered of the past stays."""
        self._origin = index
        self._frames = 0

    @property
    def received(self) -> int:
        """Index at 2 kHz up to which frames came."""
        return self.after(0)

    def after(self, frames: int) -> int:
        """Index at 2 kHz up to which frames will have come with so many more."""
        return self._origin + -(-(self._frames + frames) * RATE_HZ // self._rate_hz)

    def clean(self, samples: Float32Array) -> Float32Array:
        """Return the frames with zero for what is not finite; count what is worth telling."""
        if samples.size and np.abs(samples).max() < FULL_SCALE:  # nor is any not a number
            self._frames += len(samples)
            return samples
        finite = np.isfinite(samples)
        if not finite.all():
            frames = np.flatnonzero(~finite.all(axis=1))
            indices, counts = np.unique(self._at(frames), return_counts=True)
            for index, count in zip(indices, counts, strict=True):
                self._bad_steps[int(index) // STEP] += int(count)
                self._remember(int(index))
            samples = np.where(finite, samples, np.float32(0))
        clipped = np.flatnonzero((np.abs(samples) >= FULL_SCALE).any(axis=1))
        if clipped.size:
            steps, counts = np.unique(self._at(clipped) // STEP, return_counts=True)
            for step, count in zip(steps, counts, strict=True):
                self._clipped_steps[int(step)] += int(count)
        self._frames += len(samples)
        return samples

    def take(self, start: int) -> tuple[int, int]:
        """Return how many frames of the step that holds ``start`` were bad, and clipped.

        They are counted once: a step that a gap cuts in two has the rest in its second part.
        """
        while self._bad and self._bad[0][1] < start - KEEP:
            self._bad.popleft()
        step = start // STEP
        return self._bad_steps.pop(step, 0), self._clipped_steps.pop(step, 0)

    def touched(self, start: int, end: int) -> bool:
        """Whether bad frames reach into [start, end)."""
        return any(a < end + MARGIN and b >= start - MARGIN for a, b in self._bad)

    def _at(self, frames: NDArray[np.intp]) -> NDArray[np.int64]:
        return self._origin + (frames.astype(np.int64) + self._frames) * RATE_HZ // self._rate_hz

    def _remember(self, index: int) -> None:
        if self._bad and index <= self._bad[-1][1] + 1:
            self._bad[-1] = (self._bad[-1][0], max(index, self._bad[-1][1]))
            return
        self._bad.append((index, index))
