"""One averaged beat: the mean loudness over the cycle, and how loud its four parts are."""

from __future__ import annotations

from array import array
from statistics import median

import numpy as np

from dsp.stage import RATE_HZ, FloatArray
from monitor.events import Beat, WaveformChunk
from monitor.loudness import PartLevels, part_levels

BINS = 96
"""Parts of a cycle."""

KEEP = 12 * RATE_HZ
"""Samples of the past that a late beat may still reach back to."""


class AveragedBeat:
    """Collects filtered sound and complete, confident beats.

    Parameters
    ----------
    min_confidence
        From which a beat counts.
    """

    def __init__(self, min_confidence: float) -> None:
        self._min_confidence = min_confidence
        self._sum = np.zeros(BINS)
        self._systoles: list[float] = []
        self._levels = [array("f") for _ in PartLevels._fields]
        self._past = np.zeros(0, dtype=np.float32)
        self._first = 0

    @property
    def beats(self) -> int:
        """Beats in the average."""
        return len(self._systoles)

    def picture(self, picture: WaveformChunk) -> None:
        """Take the sound of the next step; after a gap it begins anew."""
        if picture.start != self._first + len(self._past):
            self._past, self._first = np.zeros(0, dtype=np.float32), picture.start
        self._past = np.concatenate((self._past, picture.samples))[-KEEP:]
        self._first = picture.start + len(picture.samples) - len(self._past)

    def beat(self, beat: Beat) -> None:
        """Take a beat whose sound has come."""
        if beat.s1 is None or beat.s2 is None or beat.end is None:
            return
        sound = self._past[max(0, beat.s1 - self._first) : max(0, beat.end - self._first)]
        if beat.confidence < self._min_confidence or len(sound) != beat.end - beat.s1:
            return
        edges = np.arange(BINS) * len(sound) // BINS
        if len(sound) >= BINS:
            self._sum += np.add.reduceat(np.abs(sound), edges) * BINS / len(sound)
            self._systoles.append((beat.s2 - beat.s1) / len(sound))
        if beat.systole is not None and beat.diastole is not None:
            onsets = (beat.s1, beat.systole, beat.s2, beat.diastole, beat.end)
            for values, level in zip(self._levels, part_levels(sound, *onsets), strict=True):
                values.append(level)

    def loudness(self) -> PartLevels | None:
        """Medians over the beats, to 0.1 dB; None without a whole beat."""
        if not self._levels[0]:
            return None
        return PartLevels(*(round(median(values), 1) for values in self._levels))

    def result(self) -> tuple[FloatArray, float] | None:
        """Mean loudness, float64 [96], loudest 1, and where S2 is (0..1); None without beats."""
        if not self._systoles or not self._sum.max() > 0:
            return None
        return self._sum / self._sum.max(), median(self._systoles)
