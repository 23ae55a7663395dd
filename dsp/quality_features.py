"""What the quality index measures: of one span, and of some seconds of spans.

`measure` turns a span (0.5 s) into numbers that are kept, `features` turns those of the spans
around one into the vector that is judged. A heart shows as a rhythm, common to the bands of the
envelope, between 30 and 220 a minute. Ideas after Springer et al. 2016 (signal quality of mobile
phone recordings) and Tang et al. 2020 (quality of phonocardiograms): autocorrelation of the
envelope, its dynamics, the spectrum. Every number is relative: loudness alone tells nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

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


def _projection() -> tuple[FloatArray, FloatArray]:
    """Windowed waves of the bins [80, 32], and the sums over them that are envelopes [32, 3]."""
    bins = np.arange(BANDS[0], BANDS[-1])
    angle = 2 * np.pi * np.outer(np.arange(FRAME), bins) / FRAME
    window = np.hanning(FRAME + 1)[:-1, None]
    low = bins < BANDS[1]
    pool = np.stack([low, ~low, np.ones(bins.size)], axis=1)
    return np.hstack([np.cos(angle), np.sin(angle)]) * window, np.concatenate([pool, pool])


_WAVES, _POOL = _projection()
_SPAN_WINDOW = np.hanning(STEP)
_EDGES = SPECTRUM_HZ // 2
_sum, _max, _min = np.add.reduce, np.maximum.reduce, np.minimum.reduce


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


def measure(raw: FloatArray, filtered: FloatArray, before: FloatArray) -> list[Measures]:
    """Measures of spans that follow each other.

    Rows are computed each by itself, so that the numbers of a span do not depend on how many
    are measured at once.

    Parameters
    ----------
    raw, filtered
        Their sound, float64 [n, 1000]; a single span may be shorter (the first after a reset and
        the last are).
    before
        The `HOP` filtered samples before the first.
    """
    count, size = raw.shape
    positive = filtered >= 0
    peaks = list(zip(_max(raw, 1).tolist(), _min(raw, 1).tolist(), strict=True))
    envelope = _envelopes(np.concatenate([before, filtered.reshape(-1)]), count, size // HOP)
    table = _lines(raw)
    table[:, 2] = _sum(positive[:, 1:] != positive[:, :-1], 1) / size
    for k, (highest, lowest) in enumerate(peaks):
        if highest >= FULL_SCALE or lowest <= -FULL_SCALE:
            table[k, 3] = np.count_nonzero(np.abs(raw[k]) >= FULL_SCALE) / size
    level = 10.0 * np.log10(envelope[:, -1])
    curves = np.sqrt(np.sqrt(envelope))
    heights = (highest - lowest for highest, lowest in peaks)
    return list(map(Measures, curves, level, heights, table))


def _envelopes(sound: FloatArray, count: int, rows: int) -> FloatArray:
    """Power of the bands and of their sum, float64 [count, 3, rows], of frames `HOP` apart."""
    item = sound.itemsize
    strides = (rows * HOP * item, HOP * item, item)
    frames: FloatArray = np.ndarray((count, rows, FRAME), float, sound, strides=strides)
    waves = frames.copy() @ _WAVES
    waves *= waves
    power: FloatArray = np.add((waves @ _POOL).transpose(0, 2, 1), TINY, order="C")
    return power


def _lines(raw: FloatArray) -> FloatArray:
    """Rows of spans, dB, from their spectra; crossings and samples at full scale are zero."""
    size = raw.shape[1]
    window = _SPAN_WINDOW if size == STEP else np.hanning(size)
    lines = np.fft.rfft((raw - (_sum(raw, 1) / size)[:, None]) * window, STEP, axis=1)
    power = lines.real**2 + lines.imag**2 + TINY
    sums = np.add.reduceat(power[:, : _EDGES[-1]], _EDGES[:-1], axis=1)
    loud = _sum(sums[:, 1:8], 1)
    table = np.ones((len(raw), LOUD + 1))
    table[:, 0] = _sum(sums[:, 2:8], 1) / 180
    table[:, 1] = _max(power[:, 30:450], 1) / _sum(sums[:, 3:], 1)
    table[:, 4:-1] = sums / loud[:, None]
    table[:, -1] = loud
    table = 10.0 * np.log10(table)
    table[:, 0] = 10.0 * _sum(np.log10(power[:, 20:200]), 1) / 180 - table[:, 0]
    return table


@dataclass(frozen=True, slots=True)
class Contexts:
    """Spans to be judged, each amid those around it; all contexts are of one size.

    Attributes
    ----------
    curves, level
        Of the whole contexts, float64 [m, 3, size] and [m, size].
    rows
        float64 [m, spans, 15].
    own
        Levels of the judged spans alone, float64 [m, 25] or fewer; of several in one context, the
        rest has m = 1.
    """

    curves: FloatArray
    level: FloatArray
    rows: FloatArray
    own: FloatArray


def context(around: list[Measures], here: int) -> Contexts:
    """The one context of span ``here`` of ``around``, of any sizes."""
    curves = np.concatenate([measures.curves for measures in around], axis=1)
    level = np.concatenate([measures.level for measures in around])
    rows = np.array([measures.row for measures in around])
    own = around[here].level if around[here].level.size else level
    return Contexts(curves[None], level[None], rows[None], own[None])


def beginning(line: list[Measures], count: int) -> Contexts:
    """The one context of the first ``count`` spans of ``line``, all of them whole."""
    own = np.array([measures.level for measures in line[:count]])
    return replace(context(line, 0), own=own)


def contexts(line: list[Measures], before: int, after: int) -> Contexts:
    """The contexts of all spans of ``line`` that have so many whole spans on either side."""
    spans = before + 1 + after
    count = len(line) - spans + 1
    curves = np.concatenate([measures.curves for measures in line], axis=1)
    level = np.concatenate([measures.level for measures in line])
    rows = np.array([measures.row for measures in line])
    size = spans * PER_SPAN
    item = level.itemsize
    view = np.lib.stride_tricks.as_strided
    return Contexts(
        view(curves, (count, CURVES, size), (PER_SPAN * item, curves.strides[0], item)),
        view(level, (count, size), (PER_SPAN * item, item)),
        view(rows, (count, spans, LOUD + 1), (rows.strides[0], rows.strides[0], item)),
        level.reshape(-1, PER_SPAN)[before : before + count],
    )


def features(around: Contexts) -> FloatArray:
    """The vectors that are judged, for one span of each context.

    Under 1 s there is no rhythm to be measured: zeros.

    Returns
    -------
    float64 [m, `COUNT`], in the order of `NAMES`; each row depends on its context alone.
    """
    curves, level, rows, own = around.curves, around.level, around.rows, around.own
    loud = rows[:, :, LOUD]
    if level.shape[1] == 0:  # less than 20 ms heard
        level = own = loud
    size = level.shape[1]
    out = np.empty((len(own), COUNT))
    order = np.sort(level, axis=1)
    quantiles = order.take(_places(size), axis=1).T
    q25, q50, q90 = quantiles[1], quantiles[2], quantiles[4]
    centred = level - (_sum(level, 1) / size)[:, None]
    square = centred * centred
    variance = _sum(square, 1) / size + 1e-6
    _rhythm(curves, out)
    dynamics = out[:, len(RHYTHM) :].T
    dynamics[:6] = quantiles.take(_HIGHER, axis=0) - quantiles.take(_LOWER, axis=0)
    dynamics[6] = _sum(square * centred, 1) / size / (variance * np.sqrt(variance))
    dynamics[7] = _sum(square * square, 1) / size / (variance * variance)
    dynamics[8] = _max(own, 1) - q90
    dynamics[9] = _sum(own, 1) / own.shape[1] - q50
    dynamics[10] = _min(own, 1) - q25
    steps = np.abs(loud[:, 1:] - loud[:, :-1])
    dynamics[11] = _max(steps, 1) if steps.shape[1] else 0.0
    out[:, -LOUD:] = _sum(rows[:, :, :LOUD], 1) / rows.shape[1]
    return out


def loudest(line: Sequence[Measures]) -> float:
    """How loud the loudest 80 ms of some spans are, dB: a heart sound, if there is one."""
    level = np.concatenate([measures.level for measures in line])
    return float(np.sort(level)[-min(4, level.size)] if level.size else line[0].row[LOUD])


def attack(around: Contexts) -> FloatArray:
    """How suddenly the lower band rises: one of the steepest of its steps of 20 ms, over its range.

    A valve closes at once, whatever murmurs after it; breath and voice swell.
    """
    low = around.curves[:, 0]
    size = low.shape[1]
    if size < 2:
        return np.zeros(len(low))
    order, steps = np.sort(low, axis=1), np.sort(low[:, 1:] - low[:, :-1], axis=1)
    floor, top = order[:, int(0.10 * (size - 1))], order[:, int(0.95 * (size - 1))]
    steepest: FloatArray = steps[:, int(0.98 * (size - 2))] / (top - floor + TINY)
    return steepest


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
_SHARES = np.array((0.1, 0.25, 0.5, 0.75, 0.9, 0.98, 1.0))
_HIGHER, _LOWER = np.array([[5, 4, 3, 2, 2, 6], [2, 2, 2, 1, 0, 5]])
"""Of the levels at these shares: those whose differences are the first of `DYNAMICS`."""


@lru_cache(maxsize=16)
def _places(size: int) -> NDArray[np.intp]:
    """Where the levels at `_SHARES` stand among so many."""
    return (_SHARES * (size - 1)).astype(np.intp)


@lru_cache(maxsize=16)
def _overlap(size: int) -> FloatArray:
    """What a correlation lacks at each lag because less of so many values overlaps."""
    out: FloatArray = size / np.maximum(size - _LAGS, 1.0)
    return out


def _rhythm(curves: FloatArray, out: FloatArray) -> None:
    """Write how strongly the envelopes repeat themselves, and how smooth they are."""
    size = curves.shape[2]
    if size < 2 * PER_SPAN:
        out[:, : len(RHYTHM)] = 0.0
        return
    centred = curves - (_sum(curves, 2) / size)[:, :, None]
    spectrum = np.fft.rfft(centred, 360 if size <= 250 else 512, axis=2)
    raw = np.fft.irfft(spectrum.real**2 + spectrum.imag**2, axis=2)[:, :, : LAST_LAG + 1]
    alike = raw * _overlap(size) / (raw[:, :, :1] + TINY)
    common = 0.5 * (alike[:, 0] + alike[:, 1])
    last = min(LAST_LAG, int(0.6 * size))
    here = np.arange(len(common))
    lag = FIRST_LAG + common[:, FIRST_LAG:last].argmax(axis=1)
    peak = common[here, lag]
    deepest = np.minimum.accumulate(common[:, 5:last], axis=1)[here, lag - 6]
    again = np.where(2 * lag <= last, common[here, np.minimum(2 * lag, last)], peak)
    highest = _max(alike[:, :, FIRST_LAG:last], 2)
    out[:, 0] = peak
    out[:, 1] = highest[:, 2]
    out[:, 2:4] = highest[:, :2]
    out[:, 4] = peak - deepest
    out[:, 5] = np.log(lag)
    out[:, 6] = again
    out[:, 7:9] = alike[:, 2, 1:4:2]
