"""From the device's frames to band-passed, spike-free sound at 2 kHz: resample, hum, filter,
spikes.

Its output is what everything else hears: cycles, quality, windows, training. The sound before the
filter is kept beside it, sample for sample, for the quality index.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dsp.filter import BandPass
from dsp.flattops import FlatTops
from dsp.hum import HumRemoval
from dsp.resample import Resampler, mix_down
from dsp.spikes import SpikeRemoval
from dsp.stage import FloatArray


class Chain:
    """Frames float32 [n, channels] in, float64 [m] at 2 kHz out.

    Attributes
    ----------
    raw
        Mono sound at 2 kHz before the filter, of the same samples that the last call returned.
    flat_tops
        What the frames say of clipping, before they are resampled.
    delay
        Samples at 2 kHz that the chain holds back at the most, its start (2 s) excepted.
    least_delay
        Samples that it always holds back.

    Raises
    ------
    ValueError
        If the rate or the channel is out of range.
    """

    def __init__(self, rate_hz: int, channels: int = 1, channel: int | None = None) -> None:
        self._channel = channel
        self._resampler = Resampler(rate_hz, channels, channel)
        self.flat_tops = FlatTops(rate_hz)
        self._hum = HumRemoval()
        self._filter = BandPass()
        self._spikes = SpikeRemoval()
        self.delay = sum(
            stage.delay for stage in (self._resampler, self._hum, self._filter, self._spikes)
        )
        self.least_delay = self._resampler.least_delay + self._filter.delay
        self.raw: FloatArray = np.zeros(0)
        self._raw_held: FloatArray = np.zeros(0)

    def push(self, frames: NDArray[np.float32]) -> FloatArray:
        """Consume frames; return the filtered sound that is now certain."""
        sound = mix_down(frames, self._channel)
        self.flat_tops.push(sound)
        raw = self._hum.push(self._resampler.push(sound))
        return self._release(raw, self._spikes.push(self._filter.push(raw)))

    def flush(self) -> FloatArray:
        """Return everything still held."""
        self.flat_tops.flush()
        raw = np.concatenate([self._hum.push(self._resampler.flush()), self._hum.flush()])
        filtered = np.concatenate([self._filter.push(raw), self._filter.flush()])
        out = np.concatenate([self._spikes.push(filtered), self._spikes.flush()])
        return self._release(raw, out)

    def hum_hz(self, start: int, end: int) -> int:
        """Mains frequency whose hum was taken out of [start, end), 0 if none was."""
        return self._hum.over(start, end)

    def reset(self, index: int) -> None:
        """Start afresh; the next output sample has the absolute index ``index``."""
        for stage in (self._resampler, self._hum, self._filter, self._spikes, self.flat_tops):
            stage.reset(index)
        self.raw = np.zeros(0)
        self._raw_held = np.zeros(0)

    def _release(self, raw: FloatArray, out: FloatArray) -> FloatArray:
        held = np.concatenate([self._raw_held, raw])
        self.raw = held[: out.size]
        self._raw_held = held[out.size :]
        return out


def process(sound: NDArray[np.float32], rate_hz: int) -> FloatArray:
    """The chain over a whole recording.

    Parameters
    ----------
    sound
        float32 [n] or [n, channels], full scale ±1.
    rate_hz
        Its rate.

    Returns
    -------
    float64 [ceil(n · 2000 / rate)]

    Examples
    --------
    One second of stereo at 44.1 kHz becomes one second of mono at 2 kHz:

    >>> process(np.zeros((44_100, 2), np.float32), 44_100).shape
    (2000,)
    """
    frames = sound if sound.ndim == 2 else sound[:, None]
    chain = Chain(rate_hz, frames.shape[1])
    return np.concatenate([chain.push(frames), chain.flush()])
