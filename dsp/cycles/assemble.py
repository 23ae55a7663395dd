"""Puts settled borders together to beats, each with its confidence.

A beat is complete when the S1 after it is settled, or when the heart is lost or the sound ends;
what was cut is None. The confidence is a logistic function of how well the log posteriors agree
with the path over the cycle, over its S1 and over its S2, fitted on held-out recordings.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dsp.cycles.bands import BLOCK, FRAME, Float32
from dsp.cycles.beat import Beat
from dsp.cycles.network import CLASSES
from dsp.cycles.path import DIASTOLE, NONE, S1, S2, SYSTOLE

MEMORY = 400
"""Frames of log posteriors that are remembered."""
_FLOOR = -7.0
NEAR = 6
"""Frames within which a second onset of the same sound is the same onset."""
EVIDENCE = 6
"""Numbers that the confidence is made from (a constant, then `evidence`)."""


class Assembler:
    """Collects borders; `add` returns beats through ``beats`` and onsets of S1 through ``s1``."""

    def __init__(self, calibration: NDArray[np.float64]) -> None:
        self._calibration = calibration
        self.reset(0)

    def reset(self, frame: int) -> None:
        """Start afresh; the next posteriors begin with ``frame``."""
        self.frame = frame
        self._posteriors = np.full((MEMORY, CLASSES), _FLOOR, np.float32)
        self._open: list[int | None] = [None, None, None, None]
        self._at, self._state = frame - MEMORY, NONE

    def remember(self, posterior: Float32) -> None:
        """Take one block of log posteriors [25, 5]."""
        self._posteriors[:-BLOCK] = self._posteriors[BLOCK:]
        np.maximum(posterior, _FLOOR, out=self._posteriors[-BLOCK:])
        self.frame += BLOCK

    def wants(self, frame: int, state: int, settled: int) -> bool:
        """Tell a new border from one that was settled before and has moved a little since.

        The best path may shift a border across the line up to which all is settled: forwards, it
        would be told twice; backwards, never.
        """
        if frame > settled:
            return not (state == self._state and frame - self._at <= NEAR)
        return state in (S1, S2) and state == (self._state + 1) % 4 and frame > self._at

    def add(self, frame: int, state: int, beats: list[Beat], s1: list[int]) -> None:
        """Take one settled border."""
        frame = max(frame, self._at + 1)
        self._at, self._state = frame, state
        if state == S1:
            self._close(frame, beats)
            self._open[S1] = frame
            s1.append(frame * FRAME)
        elif state == NONE:
            self._close(None, beats)
        else:
            if any(later is not None for later in self._open[state:]):
                self._close(None, beats)
            self._open[state] = frame

    def finish(self, beats: list[Beat]) -> None:
        """The sound has ended."""
        self._close(None, beats)

    def _close(self, end: int | None, beats: list[Beat]) -> None:
        borders = [*self._open, end]
        self._open = [None, None, None, None]
        if borders[S1] is None and borders[S2] is None:
            return
        at = [None if b is None else b * FRAME for b in borders]
        beats.append(Beat(at[0], at[1], at[2], at[3], at[4], self.confidence(borders)))

    def evidence(self, borders: list[int | None]) -> NDArray[np.float64]:
        """What the posteriors say of a cycle, float64 [6].

        A constant; the mean posterior of the path's state over the cycle, over S1, over S2; the
        mean posterior of the other sound over both (a swap); whether the cycle is cut.
        """
        ends = [*borders[1:], None]
        total, count, other = 0.0, 0, 0.0
        sounds = {S1: 0.0, S2: 0.0}
        for state in (S1, SYSTOLE, S2, DIASTOLE):
            start, end = borders[state], ends[state]
            if start is None:
                continue
            last = self.frame if end is None else end
            low, high = (min(max(f - self.frame + MEMORY, 0), MEMORY) for f in (start, last))
            if high <= low:
                continue
            part = np.add.reduce(np.exp(self._posteriors[low:high, :CLASSES]), axis=0)
            total, count = total + float(part[state]), count + high - low
            if state in sounds:
                sounds[state] = float(part[state]) / (high - low)
                other += float(part[S2 if state == S1 else S1]) / (high - low)
        whole = total / count if count else 0.0
        return np.array([1.0, whole, sounds[S1], sounds[S2], other, float(None in borders)])

    def confidence(self, borders: list[int | None]) -> float:
        """Probability that the S1 and S2 of a cycle are right."""
        z = float(self.evidence(borders) @ self._calibration)
        return float(1 / (1 + np.exp(-np.clip(z, -20, 20))))
