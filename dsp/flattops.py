"""Clipping at any level: flat tops in the frames as they came, step by step.

Sound that was clipped and then made softer stands at its highest values for several samples, and
leaves them in a slope. The rounded top of a wave does not: as far outside of a run of samples
near the top as the run is long on either side of its middle, it falls four times as far as within
the run. Measured before anything is resampled, which rounds flat tops.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from dsp.stage import RATE_HZ, STEP, FloatArray

WIDTH = 0.02
"""Of the highest value: what is nearer to it stands on its top."""

FALL = 6.0
"""Widths that sound falls beside a flat top, at the least; a wave falls 4."""

LOWEST = 64 / 32768
"""Below 64 steps of 16 bits the steps themselves look like flat tops."""

SAME_LEVEL = 0.9
"""Of the highest value around: tops from here on were cut by the same thing."""

Tops = tuple[tuple[float, float], tuple[float, float]]
"""Above and below zero: the highest level of a step, and the share of it on flat tops there."""

NONE: Tops = (0.0, 0.0), (0.0, 0.0)


class FlatTops:
    """Frames in; the flat tops of each step of 1 000 samples at 2 kHz, when asked.

    Parameters
    ----------
    rate_hz
        Of the frames.
    """

    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self._found: dict[int, Tops] = {}
        self.reset(0)

    def reset(self, index: int) -> None:
        """Start afresh; the next frame has the absolute index ``index`` at 2 kHz."""
        self._origin, self._frames = index, 0
        self._held: FloatArray = np.zeros(0)

    def push(self, sound: FloatArray) -> None:
        """Take the next frames, float64 [n], of the channel that is analysed."""
        held = np.concatenate([self._held, sound])
        first = self._frames  # of what is held, since the reset
        while True:
            step = self._step(first)
            end = -(-((step + 1) * STEP - self._origin) * self._rate_hz // RATE_HZ)
            if first + len(held) <= end:  # until a frame of the next step is there
                break
            self._keep(step, held[: end - first])
            held, first = held[end - first :], end
        self._held, self._frames = held, first

    def flush(self) -> None:
        """Measure the step that the end cut."""
        if self._held.size:
            self._keep(self._step(self._frames), self._held)
        self._frames += len(self._held)
        self._held = np.zeros(0)

    def take(self, start: int) -> Tops:
        """The flat tops of the step that holds ``start``; none where it was not heard.

        Steps are asked for in order: those before it are forgotten.
        """
        step = start // STEP
        while self._found and next(iter(self._found)) < step:
            del self._found[next(iter(self._found))]
        return self._found.pop(step, NONE)

    def _step(self, frame: int) -> int:
        return (self._origin + frame * RATE_HZ // self._rate_hz) // STEP

    def _keep(self, step: int, sound: FloatArray) -> None:
        self._found[step] = _top(sound), _top(-sound)


def _top(wave: FloatArray) -> tuple[float, float]:
    """Level of the highest values, and the share of samples on flat tops there."""
    top = float(wave.max())
    if not top >= LOWEST:  # nor what is no number
        return 0.0, 0.0
    near = np.flatnonzero(wave >= top * (1 - WIDTH))
    if near.size < 3:
        return top, 0.0
    flat = 0
    edges = np.flatnonzero(near[1:] - near[:-1] > 1) + 1
    for first, last in pairwise([0, *edges.tolist(), near.size]):  # a run of samples near the top
        size = last - first
        if size >= 3 and _falls(wave, near[first], near[last - 1], size // 2, top):
            flat += size
    return top, flat / wave.size


def _falls(wave: FloatArray, first: int, last: int, beside: int, top: float) -> bool:
    """Whether the wave is far under ``top`` so many samples before ``first`` and after ``last``."""
    if first < beside or last + beside >= wave.size:
        return False
    return bool(top - max(wave[first - beside], wave[last + beside]) > FALL * WIDTH * top)


def share(around: Sequence[Tops]) -> float:
    """Share of samples on flat tops over some steps: of those near the highest level of all."""
    total = 0.0
    for side in (0, 1):
        highest = max((tops[side][0] for tops in around), default=0.0)
        total += sum(tops[side][1] for tops in around if tops[side][0] >= SAME_LEVEL * highest)
    return total / len(around) if around else 0.0
