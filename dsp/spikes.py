"""Spike removal after Schmidt et al. 2010 (section 2.2), as a stream.

The publication looks for the 500 ms window whose maximum absolute amplitude (MAA) is over three
times the median MAA of the recording, and sets the half-wave around that maximum to zero, until
none is left. That is the same as zeroing every half-wave whose peak is over the threshold. Three
things differ, so that it can run on a stream and at any heart rate:

- the median is over the last 3.5 s (or the last 30 s, if that is higher: after a pause of the
  heart the first beats are no spikes), not over the whole recording;
- an MAA is that of 1.5 s, not of 0.5 s: below 60 beats a minute more than half of the windows of
  0.5 s hold no heart sound at all, and the publication's rule then takes S1 for a spike;
- after a start the first 2 s are held back and judged together.
"""

from __future__ import annotations

from collections import deque

import numpy as np
from numpy.typing import NDArray

from dsp.stage import FloatArray

FRAME = 1000
"""Samples of one window of the publication (0.5 s)."""
FRAMES_IN_MAA = 3
FACTOR = 3.0
"""Times the median MAA (Schmidt 2010)."""
SHORT_HISTORY = 7
LONG_HISTORY = 60
HELD_FRAMES = 4
LONGEST_HALF_WAVE = 100
"""Samples (10 Hz): what is longer is cut, so that silence is not held back."""


def _lower_median(values: list[float]) -> float:
    return sorted(values)[(len(values) - 1) // 2]


def _cut_long(edges: NDArray[np.intp]) -> NDArray[np.intp]:
    """Where half-waves between ``edges`` begin, each long one cut at `LONGEST_HALF_WAVE`."""
    starts, sizes = edges[:-1], edges[1:] - edges[:-1]
    if not (sizes > LONGEST_HALF_WAVE).any():
        return starts
    parts = -(-sizes // LONGEST_HALF_WAVE)
    first = np.repeat(np.cumsum(parts) - parts, parts)
    out: NDArray[np.intp] = (
        np.repeat(starts, parts) + (np.arange(first.size) - first) * LONGEST_HALF_WAVE
    )
    return out


class SpikeRemoval:
    """Band-passed 2 kHz in, the same with spikes set to zero out."""

    delay = LONGEST_HALF_WAVE

    def __init__(self) -> None:
        self.reset(0)

    def reset(self, index: int) -> None:
        """Start afresh; frames are counted from absolute index 0."""
        self._pending: FloatArray = np.zeros(0)  # begins at the start of a half-wave
        self._pending_index = index
        self._frame = index // FRAME  # the frame now being filled
        self._frame_max = 0.0
        self._frame_fill = index - self._frame * FRAME
        self._recent: deque[float] = deque(maxlen=FRAMES_IN_MAA)
        self._maas: deque[float] = deque(maxlen=LONG_HISTORY)
        self._first_frame = self._frame
        self._started = False
        self._thresholds: dict[int, float] = {}

    def push(self, x: FloatArray) -> FloatArray:
        """Consume float64 [n]; return what is certain, in order."""
        if x.size:
            self._measure(np.abs(x))
            self._pending = np.concatenate([self._pending, x])
        if not self._started:
            if self._frame - self._first_frame < HELD_FRAMES:
                return np.zeros(0)
            self._start()
        return self._remove(end=False)

    def flush(self) -> FloatArray:
        """Everything still held."""
        if not self._started:
            if self._frame_fill:
                self._close_frame()
            self._start()
        return self._remove(end=True)

    def _measure(self, magnitude: FloatArray) -> None:
        """Take the MAA of every frame that ``magnitude`` completes."""
        done = 0
        while done < magnitude.size:
            take = min(FRAME - self._frame_fill, magnitude.size - done)
            self._frame_max = max(self._frame_max, float(magnitude[done : done + take].max()))
            self._frame_fill += take
            done += take
            if self._frame_fill == FRAME:
                self._close_frame()

    def _close_frame(self) -> None:
        self._recent.append(self._frame_max)
        self._maas.append(max(self._recent))
        self._frame += 1
        self._frame_max = 0.0
        self._frame_fill = 0
        if self._frame - self._first_frame >= HELD_FRAMES:
            history = list(self._maas)
            typical = max(_lower_median(history[-SHORT_HISTORY:]), _lower_median(history))
            self._thresholds[self._frame] = FACTOR * typical if typical > 0 else np.inf

    def _start(self) -> None:
        """One threshold for the frames held back: the lesser of the full windows heard."""
        self._started = True
        held = list(self._maas)[FRAMES_IN_MAA - 1 : HELD_FRAMES] or list(self._maas)[-1:]
        typical = min(held) if held else 0.0
        first = FACTOR * typical if typical > 0 else np.inf
        for frame in range(self._first_frame, self._first_frame + HELD_FRAMES):
            self._thresholds[frame] = first

    def _remove(self, *, end: bool) -> FloatArray:
        x = self._pending
        if x.size == 0:
            return x
        positive = x >= 0
        change = np.flatnonzero(positive[1:] != positive[:-1]) + 1
        starts = _cut_long(np.concatenate([[0], change, [x.size]]))
        emit = x.size
        if not (end or x.size - starts[-1] == LONGEST_HALF_WAVE):  # the last may go on
            emit, starts = int(starts[-1]), starts[:-1]
        if emit == 0:
            return np.zeros(0)
        first = self._pending_index // FRAME
        last = int(self._pending_index + starts[-1]) // FRAME
        limits = np.array([self._thresholds[frame] for frame in range(first, last + 1)])
        out = x[:emit].copy()
        magnitude = np.abs(out)
        if magnitude.max() > limits.min():
            peaks = np.maximum.reduceat(magnitude, starts)
            spike = peaks > limits[(self._pending_index + starts) // FRAME - first]
            out[np.repeat(spike, np.diff(np.append(starts, emit)))] = 0.0
        self._pending = x[emit:]
        self._pending_index += emit
        for frame in [f for f in self._thresholds if f < last]:
            del self._thresholds[frame]
        return out
