"""R waves of an electrocardiogram, as a reference beside the sound.

Source: Pan and Tompkins 1985 (band-pass, slope, moving window, adaptive threshold), with a filter
of linear phase so that the place of an R wave is its place in the signal.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dsp.stage import RATE_HZ, FloatArray

BAND_HZ = (5.0, 25.0)
TAPS_S = 0.4
WINDOW_S = 0.1
REFRACTORY_S = 0.25
SHARE = 0.3
"""Of the median height of the waves around it, from which a wave counts."""

PIECE_S, MARGIN_S = 20.0, 2.0
"""What is looked at at once, and how much more on either side."""

R_S1_MS = (-40.0, 220.0)
"""Where a first heart sound may lie after its R wave."""

CYCLES_MIN = 3

TEMPLATE_S = 0.06
WORKING_HZ = 500


class RPeaks:
    """R waves as a stream.

    Parameters
    ----------
    rate_hz
        Of the signal.
    """

    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self._every = max(1, round(rate_hz / WORKING_HZ))
        self._hz = rate_hz / self._every
        self._rest: FloatArray = np.zeros(0)
        self._signal: FloatArray = np.zeros(0)
        self._first = 0  # sample, at the working rate, of the first of them
        self._done = 0  # up to here R waves were looked for
        self.found: list[int] = []
        """Samples at 2 kHz since the begin."""

    def push(self, signal: FloatArray) -> None:
        """Take the next samples, of any level and polarity."""
        held = np.concatenate([self._rest, np.nan_to_num(signal, posinf=0.0, neginf=0.0)])
        whole = len(held) // self._every * self._every
        self._rest = held[whole:]
        fewer = held[:whole].reshape(-1, self._every).mean(axis=1)
        self._signal = np.concatenate([self._signal, fewer])
        piece, margin = round(PIECE_S * self._hz), round(MARGIN_S * self._hz)
        while self._first + len(self._signal) >= self._done + piece + margin:
            self._look(self._done + piece)
            drop = self._done - margin - self._first
            if drop > 0:
                self._signal, self._first = self._signal[drop:], self._first + drop

    def flush(self) -> list[int]:
        """Return all R waves."""
        self._look(self._first + len(self._signal))
        return self.found

    def _look(self, stop: int) -> None:
        """Find the R waves between what was done and ``stop``."""
        at = r_waves(self._signal, self._hz) + self._first
        for sample in at[(at >= self._done) & (at < stop)]:
            # the middle of the samples that were averaged
            index = round((sample + 0.5 - 0.5 / self._every) * RATE_HZ / self._hz)
            self.found.append(index)
        self._done = stop


def r_waves(signal: FloatArray, rate_hz: float) -> NDArray[np.intp]:
    """R waves of a piece, as samples of it."""
    from scipy.signal import fftconvolve, firwin  # a second, where there is an ECG

    count = round(TAPS_S * rate_hz) // 2 * 2 + 1
    if len(signal) < 2 * count:
        return np.zeros(0, np.intp)
    taps = firwin(count, BAND_HZ, pass_zero=False, fs=rate_hz)
    centred = signal - np.median(signal)
    band = fftconvolve(np.pad(centred, count // 2, mode="edge"), taps, mode="valid")
    width = max(1, round(WINDOW_S * rate_hz))
    power = np.convolve(np.gradient(band) ** 2, np.ones(width) / width, mode="same")
    apart = round(REFRACTORY_S * rate_hz)
    tops = _tops(power, apart)
    if not len(tops):
        return tops
    heights = power[tops]
    around = np.array([np.median(heights[max(0, k - 8) : k + 9]) for k in range(len(tops))])
    big = np.median(np.sort(heights)[len(heights) // 2 :])
    tops = tops[(heights >= SHARE * around) & (heights >= 0.1 * big)]
    half = max(1, round(TEMPLATE_S * rate_hz))
    return np.array([_peak(band, top, half) for top in tops], np.intp)


def _tops(curve: FloatArray, apart: int) -> NDArray[np.intp]:
    """Local maxima, the higher first, so far apart."""
    inner = np.flatnonzero((curve[1:-1] > curve[:-2]) & (curve[1:-1] >= curve[2:])) + 1
    inner = inner[curve[inner] > 0.02 * np.percentile(curve, 99)] if inner.size else inner
    kept: list[int] = []
    taken = np.zeros(len(curve), bool)
    for top in inner[np.argsort(-curve[inner])]:
        if not taken[top]:
            kept.append(int(top))
            taken[max(0, top - apart) : top + apart] = True
    return np.array(sorted(kept), np.intp)


def _peak(band: FloatArray, top: int, half: int) -> int:
    low = max(0, top - half)
    return low + int(np.argmax(np.abs(band[low : top + half])))


def likeness(signal: FloatArray, rate_hz: float) -> tuple[int, float]:
    """Number of R waves of a piece, and how alike they are (median correlation with their mean).

    An electrocardiogram has waves of one shape; heart sounds have not.
    """
    at = r_waves(signal, rate_hz)
    half = round(TEMPLATE_S * rate_hz)
    at = at[(at >= half) & (at < len(signal) - half)]
    if len(at) < 3:
        return len(at), 0.0
    parts = np.stack([signal[k - half : k + half] for k in at])
    parts = parts - parts.mean(axis=1, keepdims=True)
    mean = parts.mean(axis=0)
    norms = np.sqrt((parts**2).sum(axis=1) * (mean**2).sum()) + 1e-30
    return len(at), float(np.median((parts * mean).sum(axis=1) / norms))


@dataclass(frozen=True, slots=True)
class Reference:
    """What an electrocardiogram says beside the sound.

    Attributes
    ----------
    rate
        Of it, 1/min, by the median of its cycles; None under three.
    r_s1_ms
        Median time from an R wave to the first heart sound after it; None under three.
    waves
        R waves found.
    matched
        Share of them that a first heart sound follows.
    """

    rate: float | None
    r_s1_ms: float | None
    waves: int
    matched: float | None


def compare(waves: Sequence[int], onsets: Sequence[int]) -> Reference:
    """Lay the first heart sounds beside the R waves; both in samples at 2 kHz, in order."""
    r, s1 = np.asarray(waves, np.int64), np.asarray(sorted(onsets), np.int64)
    rate = None
    if len(r) > CYCLES_MIN:
        rate = round(60 * RATE_HZ / float(np.median(np.diff(r))), 1)
    if not len(r) or not len(s1):
        return Reference(rate, None, len(r), None)
    first = np.searchsorted(s1, r - round(R_S1_MS[0] * RATE_HZ / 1000))
    late = s1[np.minimum(first, len(s1) - 1)] - r
    there = (first < len(s1)) & (late <= R_S1_MS[1] * RATE_HZ / 1000)
    middle = float(np.median(late[there])) * 1000 / RATE_HZ if there.sum() >= CYCLES_MIN else None
    return Reference(
        rate, None if middle is None else round(middle, 1), len(r), round(float(there.mean()), 3)
    )
