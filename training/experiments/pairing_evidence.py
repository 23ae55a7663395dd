"""Evidence of which heart sound is S1 that the decoder does not decide by; see ``pairing.py``."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from dsp.cycles.beat import Beat
from dsp.stage import RATE_HZ
from training.segmentation.data import STATES, Truth

Float = NDArray[np.float64]
Int = NDArray[np.int64]
MIN_CYCLES = 4
JITTER_MS = 3.0
_STEP = 2
_BEFORE, _AFTER, _LAGS = 40, 120, 50
"""Of an aligned sound, in ms."""


def whole(beats: Sequence[Beat]) -> Int:
    """S1, S2 and next S1 of each beat that has them, int64 [n, 3]."""
    return np.array(
        [(b.s1, b.s2, b.end) for b in beats if None not in (b.s1, b.s2, b.end)], np.int64
    ).reshape(-1, 3)


def annotated_cycles(truth: Truth) -> Int:
    """The same of an annotation, the first border of each span left out."""
    rows = []
    for k in range(1, len(truth.states) - 4):
        if truth.states[k : k + 5] == (*STATES, STATES[0]):
            rows.append(truth.samples[[k, k + 2, k + 4]])
    return np.array(rows, np.int64).reshape(-1, 3)


def envelope(sound: Float) -> Float:
    """Amplitude of 25-200 Hz, smoothed over 20 ms, one value each ms."""
    sos = signal.butter(3, [25, 200], "bandpass", fs=RATE_HZ, output="sos")
    window = np.hanning(41) / np.hanning(41).sum()
    amplitude = np.abs(signal.hilbert(signal.sosfiltfilt(sos, sound)))
    return np.asarray(np.convolve(amplitude, window, "same")[::_STEP])


def aligned(envelope: Float, onsets: Int) -> Float:
    """Times in ms of like sounds near the onsets (ms): each where it fits their median best."""
    shifts = np.zeros(len(onsets), np.int64)
    size = _BEFORE + _AFTER
    wide = np.array([envelope[o - _BEFORE - _LAGS : o + _AFTER + _LAGS] for o in onsets])
    sums = np.cumsum(np.pad(wide, ((0, 0), (1, 0))), axis=1)
    squares = np.cumsum(np.pad(wide**2, ((0, 0), (1, 0))), axis=1)
    total, power = (s[:, size:] - s[:, :-size] for s in (sums, squares))
    norm = np.sqrt(np.maximum(power - total**2 / size, 1e-12))
    for _ in range(3):
        parts = np.array(
            [w[_LAGS + s : _LAGS + s + size] for w, s in zip(wide, shifts, strict=True)]
        )
        parts /= np.linalg.norm(parts, axis=1)[:, None] + 1e-12
        template = np.median(parts, axis=0)
        template -= template.mean()
        fits = np.array([np.correlate(w, template, "valid") for w in wide]) / norm
        shifts = np.argmax(fits, axis=1) - _LAGS
    return np.asarray(onsets + shifts, np.float64)


def steadiness(level: Float, cycles: Int) -> float:
    """Log variance of the second gap's changes over that of the first's; nan with few cycles."""
    marks = cycles // _STEP
    edge = _BEFORE + _AFTER + 2 * _LAGS
    marks = marks[(marks[:, 0] > edge) & (marks[:, 2] < len(level) - edge)]
    if len(marks) < MIN_CYCLES:
        return float("nan")
    first, second = np.unique(marks[:, [0, 2]]), np.unique(marks[:, 1])
    s1 = dict(zip(first.tolist(), aligned(level, first), strict=True))
    s2 = dict(zip(second.tolist(), aligned(level, second), strict=True))
    gaps = np.array([(s2[m] - s1[a], s1[b] - s2[m]) for a, m, b in marks.tolist()])
    changes = np.diff(gaps, axis=0)
    spread = 1.483 * np.median(np.abs(changes - np.median(changes, axis=0)), axis=0)
    systole, diastole = (spread**2 + JITTER_MS**2).tolist()
    return float(np.log(diastole / systole))


def level_db(sound: Float, begins: Int, ends: Int) -> Float:
    """Level of each span, dB."""
    sums = np.concatenate([[0.0], np.cumsum(sound**2)])
    ends = np.minimum(ends, len(sound))
    return np.asarray(
        10 * np.log10((sums[ends] - sums[begins]) / np.maximum(ends - begins, 1) + 1e-12)
    )
