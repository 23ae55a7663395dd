"""The four envelopes of Springer et al. 2016 (section II-C), 50 values a second, as a stream.

homomorphic   low-passed logarithm of the amplitude of the analytic signal
hilbert       that amplitude
wavelet       amplitude of the fourth detail of the reverse biorthogonal wavelet 3.9 (62–125 Hz;
              the publication takes the third at 1 kHz)
psd           mean power between 40 and 60 Hz in windows of 50 ms

What a stream changes: the Hilbert transform is a filter of 65 taps, zero-phase filters are
symmetric ones, and the scaling to zero mean and unit deviation over the recording is left to
who uses them. In: filtered sound at 2 kHz; out: float64 [n, 4] for whole frames of 20 ms.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dsp.kernels import fir
from dsp.stage import RATE_HZ

Float = NDArray[np.float64]

FRAME = 40
ENVELOPES = 4
HILBERT_TAPS = 65
PSD_WINDOW = 100
PSD_LINES_HZ = (40.0, 60.0)
SMOOTHING = (1.0, 2.0, 3.0, 2.0, 1.0)
"""Weights, frame by frame, of the symmetric low-pass of the homomorphic envelope (about 8 Hz)."""
_EPS = 1e-9
_SPLINE = np.array([0.125, 0.375, 0.375, 0.125]) * np.sqrt(2)
_HALF_HIGH = np.array(
    [
        -0.00067974437278369901, 0.0020392331183510968, 0.0050603192196119811,
        -0.020618912641105536, -0.014112787930175846, 0.09913478249423216,
        0.012300136269419315, -0.32019196836077857, 0.0020500227115698858, 0.94212570067820678,
    ]
)  # fmt: skip
"""First half of the symmetric low-pass dual to the spline (Cohen, Daubechies, Feauveau 1992)."""


def _hilbert() -> Float:
    """Odd FIR Hilbert transformer, Hamming window."""
    k = np.arange(HILBERT_TAPS) - HILBERT_TAPS // 2
    ideal = np.where(k % 2 == 1, 2 / (np.pi * np.where(k == 0, 1, k)), 0.0)
    taps: Float = ideal * np.hamming(HILBERT_TAPS)
    return taps


def _wavelet(level: int = 4) -> Float:
    """Equivalent filter of the detail of ``level`` (undecimated)."""
    low_dual = np.concatenate([_HALF_HIGH, _HALF_HIGH[::-1]])
    high = low_dual * (-1.0) ** np.arange(len(low_dual))
    taps = np.ones(1)
    for k in range(level):
        spread = np.zeros((len(_SPLINE if k < level - 1 else high) - 1) * 2**k + 1)
        spread[:: 2**k] = _SPLINE if k < level - 1 else high
        taps = np.convolve(taps, spread)
    return taps


_HILBERT = _hilbert()
_WAVELET = _wavelet()
_DELAYS = (HILBERT_TAPS // 2, len(_WAVELET) // 2, PSD_WINDOW // 2)
DELAY = -(-max(_DELAYS) // FRAME) + len(SMOOTHING) // 2
"""Frames that the filters hold back."""
PIECE = 1000
_CUT = 800
"""Filters run over pieces that end at indices of _CUT modulo PIECE: sums depend on shapes."""


class Envelopes:
    """Streaming envelopes; a frame is the mean over its 40 samples (the PSD: its window)."""

    delay = (DELAY + 1) * FRAME + PIECE

    def __init__(self) -> None:
        self.reset(0)

    def reset(self, index: int) -> None:
        """Start afresh at sample ``index``: the first frame is the first whole one."""
        self.first_frame = -(-index // FRAME)
        self._skip = self.first_frame * FRAME - index
        self._states = [np.zeros(len(taps) - 1) for taps in (_HILBERT, _WAVELET)]
        t = np.arange(PSD_WINDOW)
        wave = np.exp(-2j * np.pi * np.outer(PSD_LINES_HZ, t) / RATE_HZ)
        window = np.hanning(PSD_WINDOW)
        self._waves = wave * window / window.sum()
        self._lines = [np.zeros((2, PSD_WINDOW - 1)) for _ in PSD_LINES_HZ]
        self._past = np.zeros(max(_DELAYS))
        self._samples = np.zeros((4, 0))
        self._drop = np.array([_DELAYS[0], _DELAYS[0], _DELAYS[1], _DELAYS[2]]) + self._skip
        self._rows = [np.zeros(0) for _ in range(ENVELOPES)]
        self._started = False
        self._pending = np.zeros(0)
        self._wanted = PIECE - (index - _CUT) % PIECE

    def _amplitudes(self, x: Float) -> list[Float]:
        """Sample-wise amplitudes, each late by its own delay."""
        imag, self._states[0] = fir(_HILBERT, x, self._states[0])
        half = _DELAYS[0]
        line = np.concatenate([self._past, x])
        real = line[len(self._past) - half : len(line) - half]
        self._past = line[len(line) - len(self._past) :]
        amplitude = np.sqrt(real * real + imag * imag)
        detail, self._states[1] = fir(_WAVELET, x, self._states[1])
        power = np.zeros(len(x))
        for k, wave in enumerate(self._waves):
            for part, taps in enumerate((wave.real, wave.imag)):
                y, self._lines[k][part] = fir(taps, x, self._lines[k][part])
                power += y * y
        return [np.log(amplitude + _EPS), amplitude, np.abs(detail), power / len(self._waves)]

    def push(self, x: Float) -> Float:
        """Return the envelopes, float64 [n, 4], of the frames that are now known."""
        self._pending = np.concatenate([self._pending, np.asarray(x, np.float64)])
        out = [np.zeros((0, ENVELOPES))]
        while len(self._pending) >= self._wanted:
            piece, self._pending = np.split(self._pending, [self._wanted])
            self._wanted = PIECE
            out.append(self._piece(piece))
        return np.concatenate(out)

    def _piece(self, x: Float) -> Float:
        for k, values in enumerate(self._amplitudes(x)):
            drop = int(min(self._drop[k], len(values)))
            self._drop[k] -= drop
            self._rows[k] = np.concatenate([self._rows[k], values[drop:]])
        count = min(len(row) for row in self._rows) // FRAME
        frames = np.empty((count, ENVELOPES))
        for k, row in enumerate(self._rows):
            cut = row[: count * FRAME].reshape(count, FRAME)
            frames[:, k] = cut[:, FRAME // 2] if k == 3 else cut.mean(axis=1)
            self._rows[k] = row[count * FRAME :]
        return self._smooth(frames)

    def _smooth(self, frames: Float) -> Float:
        """Low-pass the logarithm of the amplitude over five frames, the first one repeated."""
        half = len(SMOOTHING) // 2
        if not self._started and len(frames):
            self._samples = np.repeat(frames[:1], half, axis=0).T
            self._started = True
        line = np.concatenate([self._samples.T, frames])
        count = max(0, len(line) - 2 * half)
        out = line[half : half + count].copy()
        total = np.zeros(count)
        for k, weight in enumerate(SMOOTHING):
            total += weight * line[k : k + count, 0]
        out[:, 0] = np.exp(total / sum(SMOOTHING))
        self._samples = line[count:].T
        return out

    def flush(self) -> Float:
        """Return the frames that are left (the sound goes on as zeros)."""
        half = len(SMOOTHING) // 2
        out = self._piece(np.concatenate([self._pending, np.zeros(max(_DELAYS))]))
        self._pending = self._pending[:0]
        tail = self._samples.T[-1:]
        return np.concatenate([out, self._smooth(np.repeat(tail, half, axis=0))])
