"""A phantom heart: heart sounds made from a description, with their exact truth.

In: a `Phantom` (frozen description, with its seed). Out: float64 sound at any rate and, at
2 kHz, every boundary of every beat and every disturbance. Used by the shipped recordings, by
`apexbeat live --phantom`, by tests and drills. The cycle decoder's emission also learns from
phantoms (`training/segmentation/hearts.py`); those it is tested on have other seeds.

    render(phantom, rate_hz)          sound of phantom.duration_s and its truth
    PhantomStream(phantom, rate_hz)   the same, endless, in blocks of any size, in flat memory

The stream works in inner blocks of one second counted from 0, whatever is asked for, so that
its sound does not depend on how it is read.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dsp.cycles.beat import Beat
from dsp.phantom_beat import Murmur, Piece, Sounds, Timing, Tone, render_beat
from dsp.phantom_description import HEART_RMS, Noise, Phantom
from dsp.phantom_noise import NoiseSource, band_noise, noise_source
from dsp.phantom_presets import PRESETS
from dsp.phantom_rhythm import Rhythm
from dsp.phantom_truth import Event, states_of
from dsp.stage import RATE_HZ, FloatArray

__all__ = [
    "PRESETS",
    "Event",
    "Murmur",
    "Noise",
    "Phantom",
    "PhantomStream",
    "Rendering",
    "Sounds",
    "Tone",
    "render",
]

KEPT = 4096
"""Beats and spikes that wait for `PhantomStream.take_truth` at the most."""

CONTACT_LOST_DB = -50.0
"""What is left of the chest when the chest piece is off it."""


@dataclass(frozen=True, slots=True)
class Rendering:
    """A rendered phantom.

    Attributes
    ----------
    sound
        float64 [n], full scale 1.
    rate_hz
        Its rate.
    beats
        Truth at 2 kHz; boundaries outside the sound are None.
    events
        Disturbances at 2 kHz: contact_loss, rubbing, speech, white, pink, hum, asystole, spike.
    states
        (index at 2 kHz, state) as the annotations of the Challenge 2016 have them.
    """

    sound: FloatArray
    rate_hz: int
    beats: list[Beat]
    events: list[Event]
    states: list[tuple[int, str]]


class PhantomStream:
    """The endless sound of a phantom.

    Parameters
    ----------
    phantom
        What to play.
    rate_hz
        Sampling rate, 1000 or more.

    Raises
    ------
    ValueError
        At a rate below 1000 Hz.
    """

    def __init__(self, phantom: Phantom, rate_hz: int = RATE_HZ) -> None:
        if rate_hz < 1000:
            raise ValueError(f"a phantom needs a rate of 1000 Hz or more, not {rate_hz}")
        self._phantom = phantom
        self._rate_hz = rate_hz
        seeds = np.random.SeedSequence(phantom.seed).spawn(5 + len(phantom.noises))
        rngs = [np.random.default_rng(seed) for seed in seeds]
        self._rhythm = Rhythm(phantom, rngs[0])
        self._beat_rng, self._spike_rng = rngs[1], rngs[2]
        self._floor = noise_source("white", rate_hz, rngs[3])
        self._breath = band_noise(120.0, 400.0, rate_hz, rngs[4])
        self._noises: list[tuple[Noise, NoiseSource]] = [
            (noise, noise_source(noise.kind, rate_hz, rng))
            for noise, rng in zip(phantom.noises, rngs[5:], strict=True)
        ]
        self._block = 0
        self._heart = _Overlap(rate_hz)
        self._clicks = _Overlap(rate_hz)
        self._ready: FloatArray = np.zeros(0)
        self._timings: list[Timing] = []
        self._spikes: list[float] = []

    def read(self, count: int) -> FloatArray:
        """The next ``count`` samples, float64, full scale 1."""
        parts = [self._ready]
        have = len(self._ready)
        while have < count:
            parts.append(self._next_block())
            have += self._rate_hz
        sound = np.concatenate(parts)
        self._ready = sound[count:]
        return sound[:count]

    def take_truth(self) -> tuple[list[Timing], list[float]]:
        """Beats (in s) and times of spikes made since the last call, and forget them."""
        timings, spikes = self._timings, self._spikes
        self._timings, self._spikes = [], []
        return timings, spikes

    def _next_block(self) -> FloatArray:
        """One inner block: a second of sound."""
        phantom, rate = self._phantom, self._rate_hz
        first = self._block * rate
        t = self._block + np.arange(rate) / rate
        self._block += 1
        for timing in self._rhythm.until(float(self._block)):
            self._timings.append(timing)
            for piece in render_beat(timing, phantom.sounds, phantom.murmurs, rate, self._beat_rng):
                self._heart.add(piece)
        lungs = self._rhythm.breath(t)
        heart = self._heart.take(first) * (1.0 - phantom.breath_depth * lungs)
        flow = np.abs(self._rhythm.breath(t + 15.0 / phantom.breaths_per_min))
        level = HEART_RMS * 10.0 ** (-phantom.breath_snr_db / 20.0) * 1.6
        chest = heart + level * flow**1.5 * self._breath.next(rate)
        now = t if phantom.repeat_s is None else np.mod(t, phantom.repeat_s)
        contact = _contact(phantom.contact_loss, now)
        sound = contact * chest
        sound += HEART_RMS * 10.0 ** (phantom.floor_db / 20.0) * self._floor.next(rate)
        for noise, source in self._noises:
            part = source.next(rate)
            inside = _fade(now, noise.start_s, noise.end_s)
            sound += HEART_RMS * 10.0 ** (-noise.snr_db / 20.0) * inside * part
        self._make_spikes()
        self._keep_truth_short()
        sound += self._clicks.take(first)
        out: FloatArray = np.clip(sound * _gain(phantom.gain_db, now), -1.0, 1.0)
        return out

    def _keep_truth_short(self) -> None:
        """Memory stays flat where nobody asks for the truth."""
        for truth in (self._timings, self._spikes):
            if len(truth) > KEPT:
                del truth[: KEPT // 2]

    def _make_spikes(self) -> None:
        """Clicks of this second, and the thumps of losing and finding the contact."""
        phantom, rng, begin = self._phantom, self._spike_rng, self._block - 1.0
        peak = 0.25 * 10.0 ** (phantom.spike_db / 20.0)
        for at in np.sort(rng.uniform(0.0, 1.0, rng.poisson(phantom.spikes_per_min / 60.0))):
            self._spikes.append(float(begin + at))
            self._clicks.add(self._click(begin + at, 400.0, 0.0012, peak))
        offset = 0.0
        if phantom.repeat_s is not None:
            offset = begin - begin % phantom.repeat_s
        for span in phantom.contact_loss:
            for edge in span:
                if begin <= edge + offset < begin + 1.0:
                    self._clicks.add(self._click(edge + offset, 35.0, 0.025, 0.5))

    def _click(self, at_s: float, hz: float, decay_s: float, peak: float) -> Piece:
        first = int(np.ceil(at_s * self._rate_hz))
        t = np.arange(first, first + int(8 * decay_s * self._rate_hz)) / self._rate_hz - at_s
        sign = 1.0 if self._spike_rng.uniform() < 0.5 else -1.0
        return Piece(first, sign * peak * np.cos(2.0 * np.pi * hz * t) * np.exp(-t / decay_s))


def render(phantom: Phantom, rate_hz: int = RATE_HZ) -> Rendering:
    """The first ``phantom.duration_s`` seconds, and what is true in them."""
    stream = PhantomStream(phantom, rate_hz)
    parts, timings, spikes = [], [], []
    left = round(phantom.duration_s * rate_hz)
    while left:
        parts.append(stream.read(min(left, 60 * rate_hz)))
        left -= len(parts[-1])
        made = stream.take_truth()
        timings += made[0]
        spikes += made[1]
    length = round(phantom.duration_s * RATE_HZ)
    beats, events, states = states_of(phantom, timings, spikes, length)
    sound = np.concatenate(parts) if parts else np.zeros(0)
    return Rendering(sound, rate_hz, beats, events, states)


class _Overlap:
    """Pieces added up; taken away in blocks of one second."""

    def __init__(self, block: int) -> None:
        self._sum = np.zeros(4 * block)
        self._block = block
        self._first = 0

    def add(self, piece: Piece) -> None:
        begin = piece.start - self._first
        sound = piece.sound
        if begin < 0:
            sound, begin = sound[-begin:], 0
        end = begin + len(sound)
        if end > len(self._sum):
            self._sum = np.concatenate([self._sum, np.zeros(end - len(self._sum))])
        self._sum[begin:end] += sound

    def take(self, first: int) -> FloatArray:
        """The block that begins at ``first``; later pieces must begin after it."""
        out = self._sum[: self._block].copy()
        rest = self._sum[self._block :]
        self._sum = np.concatenate([rest, np.zeros(max(0, 4 * self._block - len(rest)))])
        self._first = first + self._block
        return out


def _fade(now: FloatArray, start_s: float, end_s: float) -> FloatArray:
    """1 between two times with slopes of 20 ms inside, 0 elsewhere."""
    return np.clip(np.minimum(now - start_s, end_s - now) / 0.02, 0.0, 1.0)


def _contact(spans: tuple[tuple[float, float], ...], now: FloatArray) -> FloatArray:
    """How much of the chest is heard: 1, and CONTACT_LOST_DB without contact."""
    contact = np.ones_like(now)
    for start_s, end_s in spans:
        contact -= (1.0 - 10.0 ** (CONTACT_LOST_DB / 20.0)) * _fade(now, start_s, end_s)
    return contact


def _gain(steps: tuple[tuple[float, float], ...], now: FloatArray) -> FloatArray:
    """Linear gain over time."""
    if not steps:
        return np.ones_like(now)
    times = np.array([time for time, _ in steps])
    values = np.concatenate([[1.0], 10.0 ** (np.array([db for _, db in steps]) / 20.0)])
    out: FloatArray = values[np.searchsorted(times, now, side="right")]
    return out
