"""Puts settled borders together to beats, each with its confidence.

A beat is complete when the S1 after it is settled, or when the heart is lost or the sound ends;
what was cut is None. Onsets of S1 and S2 are moved from their frame to the sample
(`onsets.py`). The confidence is a logistic function of how well the log posteriors agree
with the path over the cycle, over its S1 and over its S2, fitted on held-out recordings.
"""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from dsp.cycles.bands import BLOCK, FRAME, Float32
from dsp.cycles.beat import Beat
from dsp.cycles.durations import LONGEST_S
from dsp.cycles.network import CLASSES
from dsp.cycles.onsets import OnsetRefiner
from dsp.cycles.path import NONE, S1, S2
from dsp.stage import RATE_HZ

MEMORY = 400
"""Frames of log posteriors that are remembered."""
_FLOOR = -7.0
NEAR = 6
"""Frames within which a second onset of the same sound is the same onset."""
EVIDENCE = 6
"""Numbers that the confidence is made from (a constant, then `evidence`)."""
END = 4
"""Place of the next S1 among the borders of a cycle."""
LONGEST = round(1.12 * LONGEST_S * RATE_HZ / FRAME)
"""Frames of the longest cycle."""
CUT = 60
"""Frames after its last border by which a longer beat is judged."""


class Assembler:
    """Collects borders; `add` returns beats through ``beats`` and onsets of S1 through ``s1``."""

    def __init__(self, calibration: NDArray[np.float64], refiner: OnsetRefiner) -> None:
        self._calibration = calibration
        self._refiner = refiner
        self.reset(0)

    def reset(self, frame: int) -> None:
        """Start afresh; the next posteriors begin with ``frame``."""
        self.frame = frame
        self._posteriors = np.full((MEMORY, CLASSES), _FLOOR, np.float32)
        self._open: list[int | None] = [None, None, None, None]
        self._samples: list[int | None] = [None, None, None, None]
        self._at, self._state = frame - MEMORY, NONE
        self._last = self._at * FRAME

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
        sample = frame * FRAME
        if state in (S1, S2):
            sample = self._refiner.refine(frame, state == S2)
        sample = self._last = max(sample, self._last + 1)
        if state == S1:
            self._close(frame, sample, beats)
            s1.append(sample)
        elif state == NONE or any(later is not None for later in self._open[state:]):
            self._close(None, None, beats)
        if state != NONE:
            self._open[state], self._samples[state] = frame, sample

    def expire(self, settled: int, beats: list[Beat]) -> None:
        """All borders up to ``settled`` are known: a beat longer than any was cut.

        The border at which the heart was lost is missing where the best path lost it only after
        that frame had been settled.
        """
        first = next((at for at in self._open if at is not None), settled)
        if settled - first > LONGEST:
            self._close(None, None, beats, self._at + CUT)

    def finish(self, beats: list[Beat]) -> None:
        """The sound has ended."""
        self._close(None, None, beats)

    def _close(
        self, end: int | None, end_sample: int | None, beats: list[Beat], stop: int | None = None
    ) -> None:
        borders = [*self._open, end]
        s1, systole, s2, diastole = self._samples
        self._open = [None, None, None, None]
        self._samples = [None, None, None, None]
        if borders[S1] is None and borders[S2] is None:
            return
        beats.append(Beat(s1, systole, s2, diastole, end_sample, self.judge(borders, stop)))

    def means(
        self, borders: list[int | None], stop: int | None = None
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Mean posterior of each class in each state's stretch, float64 [4, 5], and its frames.

        The last state of a cut beat is looked at up to the frame ``stop``, or as far as is known.
        """
        means, frames = np.zeros((4, CLASSES)), np.zeros(4)
        start = self.frame - MEMORY
        known = [(state, at) for state, at in enumerate(borders) if at is not None]
        if known[-1][0] < END:
            known.append((END, self.frame if stop is None else stop))
        edges = [min(max(at - start, 0), MEMORY) for _, at in known]
        if any(b <= a for a, b in pairwise(edges)):
            return means, frames
        posteriors = np.exp(self._posteriors[edges[0] : edges[-1]])
        sums = np.add.reduceat(posteriors, [e - edges[0] for e in edges[:-1]], axis=0)
        for (state, _), low, high, total in zip(known, edges, edges[1:], sums, strict=False):
            frames[state] = high - low
            means[state] = total
        means /= np.maximum(frames, 1)[:, None]
        return means, frames

    def evidence(
        self, borders: list[int | None], means: NDArray[np.float64], frames: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """What the posteriors say of a cycle, float64 [6].

        A constant; the mean posterior of the path's state over the cycle, over S1, over S2; the
        mean posterior of the other sound over both (a swap); whether the cycle is cut.
        """
        own = means.diagonal()
        whole = float(own @ frames) / max(float(np.add.reduce(frames)), 1.0)
        other = means[S1, S2] + means[S2, S1]
        return np.array([1.0, whole, own[S1], own[S2], other, float(None in borders)])

    def judge(self, borders: list[int | None], stop: int | None = None) -> float:
        """Probability that S1 and S2 are right."""
        z = float(self.evidence(borders, *self.means(borders, stop)) @ self._calibration)
        return 1 / (1 + math.exp(-min(max(z, -20.0), 20.0)))
