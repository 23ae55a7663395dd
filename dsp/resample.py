"""Any rate from 1 kHz to 192 kHz to 2 kHz mono, as a stream.

Polyphase FIR (Kaiser window, 80 dB) in one stage, or in two through 6 kHz where the input is at
12 kHz or more. The delay of the linear-phase filters is compensated: output sample k lies at
k / 2000 s after the first input sample. Frames [n, channels] go in, float64 [m] comes out.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from dsp.kernels import decimated, kaiser_length, kaiser_low_pass, resampled
from dsp.stage import RATE_HZ, FloatArray

MIN_RATE_HZ = 1000
MAX_RATE_HZ = 192_000
STOP_BAND_DB = 80.0
TWO_STAGES_FROM_HZ = 12_000
MIDDLE_RATE_HZ = 6000


def mix_down(frames: NDArray[np.float32] | FloatArray, channel: int | None = None) -> FloatArray:
    """One channel out of many: the mean of all (``channel`` None), or the one chosen.

    Parameters
    ----------
    frames
        Shape [n, channels] or [n].
    channel
        0-based; None for the mean.
    """
    if frames.ndim == 1:
        return frames.astype(np.float64)
    if channel is not None:
        return frames[:, channel].astype(np.float64)
    total = frames[:, 0].astype(np.float64)
    for k in range(1, frames.shape[1]):
        total += frames[:, k]
    if frames.shape[1] > 1:
        total /= frames.shape[1]
    return total


class _Polyphase:
    """x at ``rate`` to y at ``rate · up / down``; y[n] is centred on input position n·down/up."""

    def __init__(self, ratio: Fraction, rate_hz: float, pass_hz: float, stop_hz: float) -> None:
        self.up, self.down = ratio.numerator, ratio.denominator
        inner_hz = rate_hz * self.up
        count = kaiser_length(STOP_BAND_DB, (stop_hz - pass_hz) / (inner_hz / 2))
        # A half length that is a multiple of `down` makes output 0 fall on a computed sample.
        self.half = -(-(count // 2) // self.down) * self.down
        cut = (pass_hz + stop_hz) / inner_hz
        self.taps = self.up * kaiser_low_pass(self.half, cut, STOP_BAND_DB)
        self.reset()

    def reset(self) -> None:
        self.tail: FloatArray = np.zeros(0)
        self.tail_start = 0  # input index of tail[0], a multiple of `down`
        self.done = 0  # outputs given so far

    def push(self, x: FloatArray) -> FloatArray:
        self.tail = np.concatenate([self.tail, x])
        received = self.tail_start + self.tail.size
        ready = (received * self.up - 1 - self.half) // self.down + 1
        return self._give(max(ready, 0))

    def flush(self) -> FloatArray:
        received = self.tail_start + self.tail.size
        total = -(-received * self.up // self.down)
        self.tail = np.concatenate([self.tail, np.zeros(self.half // self.up + self.down)])
        return self._give(total)

    def _give(self, ready: int) -> FloatArray:
        if ready <= self.done:
            return np.zeros(0)
        if self.up == 1:
            y = decimated(self.taps, self.tail, self.down)
        else:
            y = resampled(self.taps, self.tail, self.up, self.down)
        first = (self.half - self.tail_start * self.up) // self.down
        out: FloatArray = y[first + self.done : first + ready]
        self.done = ready
        needed = -((self.half - ready * self.down) // self.up)  # first input still of use
        keep_from = max(needed, 0) // self.down * self.down
        if keep_from > self.tail_start:
            self.tail = self.tail[keep_from - self.tail_start :]
            self.tail_start = keep_from
        return out


class Resampler:
    """Sound at any rate to mono 2 kHz.

    Parameters
    ----------
    rate_hz
        Rate of the source, 1 000 to 192 000 Hz.
    channels
        Channels of the source.
    channel
        The channel to take, None for the mean of all.

    Raises
    ------
    ValueError
        If the rate or the channel is out of range.
    """

    def __init__(self, rate_hz: int, channels: int = 1, channel: int | None = None) -> None:
        if not MIN_RATE_HZ <= rate_hz <= MAX_RATE_HZ:
            raise ValueError(f"rate {rate_hz} Hz is outside {MIN_RATE_HZ}–{MAX_RATE_HZ} Hz")
        if channel is not None and not 0 <= channel < channels:
            raise ValueError(f"channel {channel} of {channels} does not exist")
        self.channel = channel
        self._stages = _stages(rate_hz)
        seconds = sum(s.half / s.up / rate for s, rate in self._stages)
        self.delay = int(np.ceil(seconds * RATE_HZ)) + 1
        self.least_delay = max(0, int(seconds * RATE_HZ) - len(self._stages))

    def push(self, frames: NDArray[np.float32] | FloatArray) -> FloatArray:
        """Frames [n, channels], or one channel [n], in; float64 [m] at 2 kHz out."""
        x = mix_down(frames, self.channel)
        for stage, _ in self._stages:
            x = stage.push(x)
        return x

    def flush(self) -> FloatArray:
        """The rest: ceil(n · 2000 / rate) samples in all, silence assumed after the end."""
        x: FloatArray = np.zeros(0)
        for stage, _ in self._stages:
            x = np.concatenate([stage.push(x), stage.flush()])
        return x

    def reset(self, index: int) -> None:
        """Start afresh (the phase of the output starts at the next frame)."""
        for stage, _ in self._stages:
            stage.reset()


def _stages(rate_hz: int) -> list[tuple[_Polyphase, float]]:
    if rate_hz == RATE_HZ:
        return []
    stages: list[tuple[_Polyphase, float]] = []
    rate = Fraction(rate_hz)
    if rate_hz >= TWO_STAGES_FROM_HZ:
        ratio = Fraction(MIDDLE_RATE_HZ) / rate
        stages.append((_Polyphase(ratio, float(rate), 800.0, 5000.0), float(rate)))
        rate = Fraction(MIDDLE_RATE_HZ)
    narrow = float(min(rate, Fraction(RATE_HZ)))
    ratio = Fraction(RATE_HZ) / rate
    stages.append((_Polyphase(ratio, float(rate), 0.4 * narrow, 0.5 * narrow), float(rate)))
    return stages
