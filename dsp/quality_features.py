"""What the quality index measures: of one span, and of some seconds of spans.

`measure` turns a span (0.5 s) into numbers that are kept, `features` turns those of the spans
around one into the vector that is judged. A heart shows as a rhythm, common to the bands of the
envelope, between 30 and 220 a minute. Ideas after Springer et al. 2016 (signal quality of mobile
phone recordings) and Tang et al. 2020 (quality of phonocardiograms): autocorrelation of the
envelope, its dynamics, the spectrum. Every number is relative: loudness alone tells nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dsp.stage import STEP, FloatArray

HOP = 40
"""Samples between two values of an envelope (20 ms)."""

FRAME = 2 * HOP
PER_SPAN = STEP // HOP

BANDS = np.array([1, 6, 17])
"""Bins of 25 Hz at which the envelopes' bands begin: 12-137 and 137-412 Hz."""

CURVES = len(BANDS)
"""Envelopes: two bands and their sum."""

SPECTRUM_HZ = np.array([2, 20, 40, 60, 90, 130, 200, 280, 400, 600, 900])
"""Edges of the bands of a span's spectrum of the raw sound."""

ROW = ("flatness", "tone", "crossings", "full_scale", *(f"band_{low}" for low in SPECTRUM_HZ[:-1]))
"""Columns of a span's row: spectral flatness 40-400 Hz (dB), highest line of 60-900 Hz over the
sum (dB), zero crossings and samples at full scale (shares), bands against 20-400 Hz (dB)."""

LOUD = len(ROW)
"""Column after them: level of 20-400 Hz, dB."""

FIRST_LAG, LAST_LAG = 13, 100
"""Lags of 20 ms searched for a rhythm: 0.26 s (230/min) to 2 s (30/min)."""

FULL_SCALE = 0.98
TINY = 1e-14

_WINDOW = np.hanning(FRAME + 1)[:-1]
_SPAN_WINDOW = np.hanning(STEP)
_EDGES = SPECTRUM_HZ // 2


@dataclass(frozen=True, slots=True)
class Measures:
    """What is kept of one span.

    Attributes
    ----------
    curves
        float64 [3, 25]: fourth root of the power of the two bands and of their sum, every 20 ms.
    level
        float64 [25]: power of the sum in dB.
    peak_to_peak
        Of the raw sound.
    row
        float64 [15]: the numbers named by `ROW`, and the level.
    """

    curves: FloatArray
    level: FloatArray
    peak_to_peak: float
    row: FloatArray


def measure(raw: FloatArray, filtered: FloatArray, before: FloatArray) -> Measures:
    """Measures of one span.

    Parameters
    ----------
    raw, filtered
        Its sound, [1000] or fewer (the first after a reset and the last are shorter).
    before
        The `HOP` filtered samples before it.
    """
    positive = filtered >= 0
    crossings = np.count_nonzero(positive[1:] != positive[:-1]) / raw.size
    highest, lowest = raw.max(), raw.min()
    full = 0.0
    if highest >= FULL_SCALE or lowest <= -FULL_SCALE:
        full = np.count_nonzero(np.abs(raw) >= FULL_SCALE) / raw.size
    rows = filtered.size // HOP
    padded = np.concatenate([before, filtered])
    frames: FloatArray = np.lib.stride_tricks.as_strided(
        padded, (rows, FRAME), (HOP * padded.itemsize, padded.itemsize)
    )
    bins = np.fft.rfft(frames * _WINDOW, axis=1)
    power = bins.real**2 + bins.imag**2
    envelope = np.empty((CURVES, rows))
    envelope[:-1] = np.add.reduceat(power[:, : BANDS[-1]], BANDS[:-1], axis=1).T
    np.add(envelope[0], envelope[1], out=envelope[2])
    envelope += TINY
    row = np.empty(LOUD + 1)
    row[:4] = (*_lines(raw, row[4:]), crossings, full)
    level = 10.0 * np.log10(envelope[-1])
    return Measures(np.sqrt(np.sqrt(envelope)), level, float(highest - lowest), row)


def _lines(raw: FloatArray, bands: FloatArray) -> tuple[float, float]:
    """Flatness and tone of a span's spectrum; its bands and level are written to ``bands``."""
    window = _SPAN_WINDOW if raw.size == STEP else np.hanning(raw.size)
    lines = np.fft.rfft((raw - raw.sum() / raw.size) * window, STEP)
    power = lines.real**2 + lines.imag**2 + TINY
    sums = np.add.reduceat(power[: _EDGES[-1]], _EDGES[:-1])
    decibels = 10.0 * np.log10(sums)
    loud = 10.0 * np.log10(sums[1:8].sum())
    bands[:-1] = decibels - loud
    bands[-1] = loud
    decibels = 10.0 * np.log10(power[20:450])
    flatness = decibels[:180].sum() / 180 - 10.0 * np.log10(power[20:200].sum() / 180)
    tone = decibels[10:].max() - 10.0 * np.log10(power[30:450].sum())
    return float(flatness), float(tone)


def features(around: list[Measures], here: int) -> FloatArray:
    """The vector that is judged, for one span of a context.

    Parameters
    ----------
    around
        The spans of the context, in order. Under 1 s there is no rhythm to be measured: zeros.
    here
        Which of them is judged.

    Returns
    -------
    float64 [`COUNT`], in the order of `NAMES`.
    """
    curves = np.concatenate([measures.curves for measures in around], axis=1)
    level = np.concatenate([measures.level for measures in around])
    rows = np.array([measures.row for measures in around])
    loud = rows[:, LOUD]
    if level.size == 0:  # less than 20 ms heard
        level = loud
    order = np.sort(level)
    last = order.size - 1
    q10, q25, q50, q75, q90, q98 = order[(_SHARES * last).astype(np.intp)]
    centred = level - level.sum() / level.size
    square = centred * centred
    variance = square.sum() / level.size + 1e-6
    mine = around[here].level if around[here].level.size else level
    return np.array(
        [
            *_rhythm(curves),
            q98 - q50, q90 - q50, q75 - q50, q50 - q25, q50 - q10, order[-1] - q98,
            (square * centred).sum() / level.size / variance**1.5,
            (square * square).sum() / level.size / variance**2,
            mine.max() - q90, mine.sum() / mine.size - q50, mine.min() - q25,
            np.abs(loud[1:] - loud[:-1]).max() if len(rows) > 1 else 0.0,
            *(rows[:, :LOUD].sum(axis=0) / len(rows)),
        ]
    )  # fmt: skip


def loudness(ahead: list[Measures]) -> float:
    """How loud the loudest 80 ms of some spans are, dB: a heart sound, if there is one."""
    level = np.sort(np.concatenate([measures.level for measures in ahead]))
    return float(level[-min(4, level.size)]) if level.size else float(ahead[0].row[LOUD])


RHYTHM = (
    "rhythm", "rhythm_total", "rhythm_low", "rhythm_high", "prominence", "rate", "again",
    "smooth_20", "smooth_60",
)  # fmt: skip
DYNAMICS = (
    "q98", "q90", "q75", "q25", "q10", "top", "skew", "kurtosis", "own_max", "own_mean",
    "own_min", "step",
)  # fmt: skip
NAMES = (
    *RHYTHM,
    *DYNAMICS,
    *ROW,
)
"""What each number of `features` is."""

COUNT = len(NAMES)

_LAGS = np.arange(LAST_LAG + 1.0)
_SHARES = np.array((0.1, 0.25, 0.5, 0.75, 0.9, 0.98))


def _rhythm(curves: FloatArray) -> tuple[float, ...]:
    """How strongly the envelopes repeat themselves, and how smooth they are."""
    size = curves.shape[1]
    if size < 2 * PER_SPAN:
        return (0.0,) * len(RHYTHM)
    centred = curves - (curves.sum(axis=1) / size)[:, None]
    spectrum = np.fft.rfft(centred, 360 if size <= 250 else 512)
    raw = np.fft.irfft(spectrum.real**2 + spectrum.imag**2)[:, : LAST_LAG + 1]
    unbiased = raw * (size / np.maximum(size - _LAGS, 1.0)) / (raw[:, :1] + TINY)
    low, high, total = unbiased
    common = 0.5 * (low + high)
    last = min(LAST_LAG, int(0.6 * size))
    lag = FIRST_LAG + int(common[FIRST_LAG:last].argmax())
    peak = float(common[lag])
    return (
        peak,
        float(total[FIRST_LAG:last].max()),
        float(low[FIRST_LAG:last].max()),
        float(high[FIRST_LAG:last].max()),
        peak - float(common[5:lag].min()),
        float(np.log(lag)),
        float(common[2 * lag]) if 2 * lag <= last else peak,
        float(total[1]),
        float(total[3]),
    )
