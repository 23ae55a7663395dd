"""The stretches of sound that a model judges: 2.5 s from each S1.

In comes the chain's sound and the S1 onsets as they are decided, out come windows as soon as
their last sample is there. ``full`` windows hold the 5 000 samples that follow the S1; ``cycle``
windows are the publication's literal form: from the S1 to the next, cut at 5 000 samples,
normalised over the real samples and padded with zeros (the number of zeros tells the rate).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from dsp.stage import RATE_HZ, FloatArray

WINDOW = 5000
"""Samples in a window (2.5 s at 2 kHz)."""

KEEP = 12 * RATE_HZ
"""Samples of the past that a late S1 may still reach back to."""

Mode = Literal["full", "cycle"]
Float32Array = NDArray[np.float32]


class Windows:
    """Cut windows at S1 onsets.

    Parameters
    ----------
    mode
        ``full`` or ``cycle``, the model's contract says which.
    """

    def __init__(self, mode: Mode = "full") -> None:
        if mode not in ("full", "cycle"):
            raise ValueError(f"window mode {mode!r}: must be 'full' or 'cycle'")
        self.mode = mode
        self._buffer: FloatArray = np.zeros(2 * KEEP)
        self.reset(0)

    @property
    def delay(self) -> int:
        """Samples from an S1 to its window, at the most."""
        return WINDOW

    @property
    def index(self) -> int:
        """Absolute index of the next sample."""
        return self._first + self._end - self._begin

    def push(self, x: FloatArray, s1: Sequence[int] = ()) -> list[tuple[int, Float32Array]]:
        """Take sound and newly decided S1 onsets.

        Parameters
        ----------
        x
            float64 [m], the chain's sound at 2 kHz.
        s1
            Absolute onsets, ascending, each once.

        Returns
        -------
        list of (start, float32 [5000]), in order of their starts.
        """
        self._keep(x)
        self._waiting.extend(s1)
        done = []
        while (window := self._next()) is not None:
            done.append(window)
        self._forget()
        return done

    def sound(self, start: int, stop: int) -> FloatArray:
        """The sound from ``start`` to ``stop``, as far as the last `KEEP` samples hold it."""
        at = self._begin - self._first
        start, stop = max(start, self._first), min(stop, self.index)
        return self._buffer[at + start : at + max(start, stop)]

    def flush(self) -> list[int]:
        """Return the starts whose window the end of the sound cut off."""
        cut = list(self._waiting)
        self._waiting.clear()
        return cut

    def reset(self, index: int) -> None:
        """Start afresh; the next sample has the absolute index ``index``."""
        self._first = index
        self._begin = self._end = 0  # of the past, in the buffer
        self._waiting: deque[int] = deque()

    def _next(self) -> tuple[int, Float32Array] | None:
        if not self._waiting:
            return None
        start = self._waiting[0]
        stop = start + WINDOW
        if self.mode == "cycle" and len(self._waiting) > 1:
            stop = min(stop, self._waiting[1])
        if stop > self.index:
            return None
        self._waiting.popleft()
        if start < self._first:
            raise ValueError(f"S1 at {start} is older than the sound kept (from {self._first})")
        at = self._begin - self._first
        x = self._buffer[at + start : at + stop]
        return start, (_padded(x) if self.mode == "cycle" else x.astype(np.float32))

    def _keep(self, x: FloatArray) -> None:
        """Append sound; where there is no room, the past moves to the front."""
        if self._end + len(x) > len(self._buffer):
            past = self._buffer[self._begin : self._end]
            room = 2 * (len(past) + len(x))
            buffer = np.zeros(room) if room > len(self._buffer) else self._buffer
            buffer[: len(past)] = past.copy() if buffer is self._buffer else past
            self._buffer, self._begin, self._end = buffer, 0, len(past)
        self._buffer[self._end : self._end + len(x)] = x
        self._end += len(x)

    def _forget(self) -> None:
        first = self.index - KEEP
        if self._waiting:
            first = min(first, self._waiting[0])
        if first > self._first:
            self._begin += first - self._first
            self._first = first


def _padded(x: FloatArray) -> Float32Array:
    deviation = float(x.std())
    out = np.zeros(WINDOW, dtype=np.float32)
    if deviation > 0:
        out[: len(x)] = (x - x.mean()) / deviation
    return out
