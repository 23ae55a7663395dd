"""Noises around the phantom heart, as endless sources of fixed blocks.

Each source draws from a generator of its own and keeps its filter's state, so that a stream of
blocks is one continuous sound. Sources are called with one block length all their life.
Levels are linear RMS within 20-400 Hz, the band that is analysed, whatever the rate.
"""

from __future__ import annotations

from typing import Literal, Protocol

import numpy as np

from dsp.kernels import band_pass, response, second_order_sections, sections_of
from dsp.stage import FloatArray

NoiseKind = Literal["white", "pink", "speech", "rubbing", "hum"]

BAND_HZ = (20.0, 400.0)
SYLLABLES_HZ = 4.0
"""Rate of syllables in running speech (Houtgast & Steeneken 1985)."""

VOICE_HZ = 125.0


class NoiseSource(Protocol):
    """An endless noise of unit level."""

    def next(self, count: int) -> FloatArray:
        """The next ``count`` samples."""
        ...


def noise_source(kind: NoiseKind, rate_hz: int, rng: np.random.Generator) -> NoiseSource:
    """Source of one kind.

    Parameters
    ----------
    kind
        white; pink (1/f); speech (harmonics and breath under the long-term spectrum of speech
        and syllables); rubbing (bursts of low rumble and scratches); hum (50 Hz and harmonics).
    rate_hz
        Sampling rate.
    rng
        Owned by the source from now on.
    """
    if kind == "white":
        return _Filtered(None, rate_hz, rng)
    if kind == "pink":
        return _Filtered(_pink(rate_hz), rate_hz, rng)
    if kind == "speech":
        return _Speech(rate_hz, rng)
    if kind == "rubbing":
        return _Rubbing(rate_hz, rng)
    return _Hum(rate_hz)


def band_noise(
    low_hz: float, high_hz: float, rate_hz: int, rng: np.random.Generator
) -> NoiseSource:
    """Noise between two frequencies (breathing)."""
    return _Filtered(_band(low_hz, high_hz, rate_hz), rate_hz, rng)


def _band(low_hz: float, high_hz: float, rate_hz: int) -> FloatArray:
    return band_pass(low_hz, min(high_hz, 0.45 * rate_hz), rate_hz)


def _pink(rate_hz: int) -> FloatArray:
    """Poles and zeros that alternate by the octave: -3 dB per octave from 5 Hz to half the rate."""
    poles_hz = 5.0 * 4.0 ** np.arange(int(np.log(rate_hz / 2 / 5.0) / np.log(4.0)) + 1)
    poles_hz = poles_hz[poles_hz < 0.4 * rate_hz]
    poles = np.exp(-2.0 * np.pi * poles_hz / rate_hz)
    zeros = np.exp(-2.0 * np.pi * np.minimum(2.0 * poles_hz, 0.49 * rate_hz) / rate_hz)
    return sections_of(zeros[::-1], poles[::-1])


def _level_in_band(sos: FloatArray | None, rate_hz: int) -> float:
    """RMS within `BAND_HZ` of unit white noise through a filter."""
    hz = np.linspace(BAND_HZ[0], min(BAND_HZ[1], rate_hz / 2), 400)
    power = np.ones_like(hz) if sos is None else np.abs(response(sos, hz, rate_hz)) ** 2
    return float(np.sqrt(np.mean(power) * (hz[-1] - hz[0]) / (rate_hz / 2)))


class _Filtered:
    """White noise through a filter, scaled to unit level in the band."""

    def __init__(self, sos: FloatArray | None, rate_hz: int, rng: np.random.Generator) -> None:
        self._sos = sos
        self._rng = rng
        self._gain = 1.0 / _level_in_band(sos, rate_hz)
        self._state = None if sos is None else np.zeros((len(sos), 2))

    def next(self, count: int) -> FloatArray:
        white: FloatArray = self._rng.standard_normal(count)
        if self._sos is not None and self._state is not None:
            white, self._state = second_order_sections(self._sos, white, self._state)
        out: FloatArray = self._gain * white
        return out


class _Hum:
    """Mains hum: 50 Hz and three harmonics."""

    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self._index = 0

    def next(self, count: int) -> FloatArray:
        t = (np.arange(self._index, self._index + count) % self._rate_hz) / self._rate_hz
        self._index += count
        out = np.zeros(count)
        for harmonic, weight in ((1, 1.0), (2, 0.4), (3, 0.5), (5, 0.2)):
            out += weight * np.sin(2.0 * np.pi * 50.0 * harmonic * t + harmonic)
        unit: FloatArray = out / np.sqrt(0.5 * (1.0 + 0.16 + 0.25 + 0.04))
        return unit


class _Slow:
    """Smooth random walk around zero with unit deviation: values every 1/rate, interpolated."""

    def __init__(self, knots_hz: float, rate_hz: int, rng: np.random.Generator) -> None:
        self._step = knots_hz / rate_hz
        self._rng = rng
        self._knots = list(rng.standard_normal(2))
        self._base = 0
        self._index = 0

    def next(self, count: int) -> FloatArray:
        at = (np.arange(self._index, self._index + count) * self._step) - self._base
        self._index += count
        while len(self._knots) < at[-1] + 2:
            self._knots.append(self._rng.standard_normal())
        out: FloatArray = np.interp(at, np.arange(len(self._knots)), self._knots)
        drop = int(at[-1])
        del self._knots[:drop]
        self._base += drop
        return out


class _Speech:
    """A voice beside the bed: a gliding pitch with harmonics, consonants, syllables, pauses."""

    def __init__(self, rate_hz: int, rng: np.random.Generator) -> None:
        self._rate_hz = rate_hz
        self._phase = 0.0
        pitch, syllable, phrase, consonant = (
            np.random.Generator(np.random.PCG64(seed)) for seed in rng.integers(0, 2**63, 4)
        )
        self._pitch = _Slow(3.0, rate_hz, pitch)
        self._syllable = _Slow(2.0 * SYLLABLES_HZ, rate_hz, syllable)
        self._phrase = _Slow(0.5, rate_hz, phrase)
        self._consonant = _Filtered(_band(150.0, 3000.0, rate_hz), rate_hz, consonant)

    def next(self, count: int) -> FloatArray:
        hz = VOICE_HZ * np.exp(0.12 * self._pitch.next(count))
        phase = self._phase + 2.0 * np.pi * np.cumsum(hz) / self._rate_hz
        self._phase = float(phase[-1] % (2.0 * np.pi))
        voice = np.zeros(count)
        for harmonic in range(1, 9):
            inside = harmonic * hz < 0.45 * self._rate_hz
            voice += inside * np.sin(harmonic * phase) / harmonic**0.5
        loud = np.clip(self._syllable.next(count) + 0.3, 0.0, 2.5)
        loud = loud * (self._phrase.next(count) > -0.9)
        return 1.30 * loud * voice + 0.3 * (2.0 - loud) * self._consonant.next(count)


class _Rubbing:
    """A chest piece that slides on skin or cloth: bursts of low noise with scratches in them."""

    def __init__(self, rate_hz: int, rng: np.random.Generator) -> None:
        low, high, burst, scratch = (
            np.random.Generator(np.random.PCG64(seed)) for seed in rng.integers(0, 2**63, 4)
        )
        self._low = _Filtered(_band(15.0, 150.0, rate_hz), rate_hz, low)
        self._high = _Filtered(_band(100.0, 800.0, rate_hz), rate_hz, high)
        self._burst = _Slow(5.0, rate_hz, burst)
        self._scratch = _Slow(30.0, rate_hz, scratch)

    def next(self, count: int) -> FloatArray:
        burst = np.exp(0.9 * self._burst.next(count)) * 0.63
        scratch = np.clip(self._scratch.next(count), 0.0, 3.0)
        return burst * (0.8 * self._low.next(count) + 0.5 * scratch * self._high.next(count))
