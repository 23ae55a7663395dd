"""One heart beat of the phantom as sound: S1, S2, S3, S4, snaps, valve clicks and murmurs.

In: a `Timing` (onsets in seconds) and the phantom's description; out: short pieces of sound on
the grid of any sampling rate. Every piece is a sum of damped or windowed sinusoids evaluated in
continuous time, so that the same heart sounds the same at every rate.

Sources: durations of S1, S2 and systole against cycle length were measured on the annotated
recordings of the PhysioNet/CinC Challenge 2016 (mean S1 130 ms, S2 105 ms, S1 to S2 322 ms at a
cycle of 840 ms, growing with the square root of the cycle), close to Schmidt et al. 2010,
table 1; valve components and their spectra after Tran et al. 1995 and Durand & Pibarot 1995.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from dsp.stage import FloatArray

S1_PEAK = 0.25
"""Peak of an average S1 at gain 0 dB, full scale 1."""

SYSTOLE_S = 0.322
CYCLE_S = 0.840
SYSTOLE_EXPONENT = 0.52
"""S1 to S2 is SYSTOLE_S at a cycle of CYCLE_S and grows with its power SYSTOLE_EXPONENT."""

GRADE_DB = {1: -26.0, 2: -20.0, 3: -14.0, 4: -8.0, 5: -3.0, 6: 0.0}
"""Peak of a murmur against the peak of S1 for Levine's grades."""

RISE_S = 0.007
"""Time constant of the onset of a valve component."""

TONES = 56
"""Sinusoids that make the noise of one murmur."""


@dataclass(frozen=True, slots=True)
class Murmur:
    """One murmur, present in every beat.

    Attributes
    ----------
    phase
        systolic or diastolic.
    timing
        Which part of the phase: holo (all of it), early, mid or late.
    shape
        Course of the loudness: plateau, diamond (crescendo-decrescendo), crescendo, decrescendo.
    band_hz
        Lower and upper edge of its noise.
    grade
        Levine's grade 1 to 6, that is loudness against S1 (`GRADE_DB`).
    """

    phase: Literal["systolic", "diastolic"] = "systolic"
    timing: Literal["holo", "early", "mid", "late"] = "holo"
    shape: Literal["plateau", "diamond", "crescendo", "decrescendo"] = "diamond"
    band_hz: tuple[float, float] = (100.0, 350.0)
    grade: int = 3


@dataclass(frozen=True, slots=True)
class Tone:
    """A heart sound that is a plain tone under a Hann window.

    At 100 Hz and more and 20 to 40 ms it is the click of a mechanical valve; lower and longer, the
    sound of a teaching recording.

    Attributes
    ----------
    hz, length_s
        Frequency (with its 1.7-fold at half the amplitude) and length of the window.
    gap_s
        A second click, a little softer, begins so long after the first; 0 for a single one.
    """

    hz: float
    length_s: float
    gap_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Sounds:
    """What the valves of one heart sound like.

    Attributes
    ----------
    s1_hz, s2_hz
        Middle frequency of the two sounds.
    s2_db
        Loudness of S2 against S1.
    s3_db, s4_db
        Loudness of the third and fourth sound against S1, None where there is none.
    variation
        Relative standard deviation, beat to beat, of the loudness of each component.
    s1_tone, s2_tone
        The sound is a tone or a click instead.
    split_s
        Mean delay of the pulmonary component of S2, None for the usual one.
    snap_db, snap_s
        Loudness of an opening snap against S1 (None: there is none) and its delay after S2.
    """

    s1_hz: float = 52.0
    s2_hz: float = 68.0
    s2_db: float = -3.5
    s3_db: float | None = None
    s4_db: float | None = None
    variation: float = 0.08
    s1_tone: Tone | None = None
    s2_tone: Tone | None = None
    split_s: float | None = None
    snap_db: float | None = None
    snap_s: float = 0.08


@dataclass(frozen=True, slots=True)
class Timing:
    """Boundaries of one beat in seconds since the phantom's begin.

    Attributes
    ----------
    s1, systole, s2, diastole, end
        As in `dsp.cycles.beat.Beat`; ``end`` is the next S1.
    split_s
        Delay of the pulmonary behind the aortic component of S2.
    s1_gain, s2_gain
        Loudness of this beat's sounds, linear (breathing, ectopic beats).
    """

    s1: float
    systole: float
    s2: float
    diastole: float
    end: float
    split_s: float
    s1_gain: float
    s2_gain: float


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of sound; its first sample has the index ``start`` at the rate asked for."""

    start: int
    sound: FloatArray


def durations(cycle_s: float) -> tuple[float, float, float]:
    """Length of S1, S1 to S2, and length of S2, in seconds, at a cycle length.

    Holds for 30 to 220 beats/min: the sounds shorten where a fast heart leaves them no room.
    """
    to_s2 = SYSTOLE_S * (cycle_s / CYCLE_S) ** SYSTOLE_EXPONENT
    to_s2 = min(to_s2, 0.45, 0.66 * cycle_s)
    s1 = min(0.104 + 0.030 * cycle_s, 0.54 * to_s2)
    s2 = min(0.105, 0.60 * (cycle_s - to_s2))
    return s1, to_s2, s2


def render_beat(
    timing: Timing,
    sounds: Sounds,
    murmurs: tuple[Murmur, ...],
    rate_hz: int,
    rng: np.random.Generator,
) -> list[Piece]:
    """All sounds of one beat.

    Parameters
    ----------
    timing, sounds, murmurs
        What is to be heard.
    rate_hz
        Sampling rate of the pieces.
    rng
        Source of the variation; the number of draws does not depend on the rate.

    Returns
    -------
    list of Piece
        Float64 sound, to be added up.
    """
    s1_s, s2_s = timing.systole - timing.s1, timing.diastole - timing.s2

    def db(value: float) -> float:
        return float(10.0 ** (value / 20.0))

    def vary() -> float:
        return float(np.exp(sounds.variation * rng.standard_normal()))

    loud1 = S1_PEAK * timing.s1_gain
    loud2 = S1_PEAK * db(sounds.s2_db) * timing.s2_gain
    squeeze1, squeeze2 = s1_s / 0.13, s2_s / 0.105
    make = _Maker(rate_hz, rng)
    pieces = []
    if sounds.s1_tone is not None:
        pieces += make.tones(sounds.s1_tone, timing.s1, loud1 * vary())
    else:
        pieces += [
            make.valve(timing.s1 + 0.006, s1_s - 0.006, 0.75 * sounds.s1_hz, 0.040 * squeeze1,
                       0.55 * loud1 * vary()),
            make.valve(timing.s1 + 0.016 * squeeze1, s1_s - 0.016 * squeeze1, 1.15 * sounds.s1_hz,
                       0.026 * squeeze1, 0.80 * loud1 * vary()),
            make.valve(timing.s1 + 0.042 * squeeze1, s1_s - 0.042 * squeeze1, 1.65 * sounds.s1_hz,
                       0.020 * squeeze1, 0.45 * loud1 * vary()),
        ]  # fmt: skip
    if sounds.s2_tone is not None:
        pieces += make.tones(sounds.s2_tone, timing.s2, loud2 * vary())
    else:
        pieces += [
            make.valve(timing.s2 + 0.004, s2_s - 0.004, 0.80 * sounds.s2_hz, 0.026 * squeeze2,
                       0.60 * loud2 * vary()),
            make.valve(timing.s2 + 0.008, s2_s - 0.008, 1.30 * sounds.s2_hz, 0.018 * squeeze2,
                       0.75 * loud2 * vary()),
            make.valve(timing.s2 + 0.008 + timing.split_s, s2_s - 0.008 - timing.split_s,
                       1.05 * sounds.s2_hz, 0.016 * squeeze2, 0.40 * loud2 * vary()),
        ]  # fmt: skip
    if sounds.snap_db is not None:
        at = timing.s2 + sounds.snap_s
        loud = S1_PEAK * db(sounds.snap_db) * vary()
        pieces += make.tones(Tone(2.4 * sounds.s2_hz, 0.03), at, loud)
    if sounds.s3_db is not None:
        pieces.append(
            make.valve(timing.s2 + 0.145, 0.09, 32.0, 0.030, S1_PEAK * db(sounds.s3_db) * vary())
        )
    if sounds.s4_db is not None:
        pieces.append(
            make.valve(timing.end - 0.11, 0.09, 28.0, 0.026, S1_PEAK * db(sounds.s4_db) * vary())
        )
    for murmur in murmurs:
        begin, end = _extent(murmur, timing)
        pieces.append(make.murmur(murmur, begin, end, vary()))
    return [piece for piece in pieces if len(piece.sound)]


def _extent(murmur: Murmur, timing: Timing) -> tuple[float, float]:
    """Begin and end of a murmur in seconds."""
    if murmur.phase == "systolic":
        begin = timing.s1 + 0.55 * (timing.systole - timing.s1)
        end = timing.s2 + 0.004
    else:
        begin = timing.s2 + 0.45 * (timing.diastole - timing.s2)
        end = timing.end - 0.005
    length = end - begin
    if murmur.timing == "early":
        return begin, begin + min(0.5 * length, 0.25)
    if murmur.timing == "mid":
        return begin + 0.2 * length, end - 0.2 * length
    if murmur.timing == "late":
        return end - min(0.5 * length, 0.25), end
    return begin, end


class _Maker:
    """Makes pieces at one rate from one generator."""

    def __init__(self, rate_hz: int, rng: np.random.Generator) -> None:
        self._rate_hz = rate_hz
        self._rng = rng

    def _grid(self, begin_s: float, length_s: float) -> tuple[int, FloatArray]:
        """First index at or after the begin, and the times since the begin of the samples."""
        first = int(np.ceil(begin_s * self._rate_hz - 1e-9))
        last = int(np.ceil((begin_s + max(length_s, 0.0)) * self._rate_hz - 1e-9))
        times = np.arange(first, last, dtype=np.float64) / self._rate_hz - begin_s
        return first, times

    def valve(
        self, begin_s: float, length_s: float, hz: float, decay_s: float, peak: float
    ) -> Piece:
        """One damped component: three neighbouring modes under a fast rise and slow decay."""
        detune = 1.0 + 0.03 * self._rng.standard_normal(3)
        phases = 0.4 * self._rng.standard_normal(3)
        first, t = self._grid(begin_s, length_s)
        shape = (1.0 - np.exp(-t / RISE_S)) ** 2 * np.exp(-t / decay_s)
        tail = np.clip((length_s - t) / 0.015, 0.0, 1.0)  # silent exactly at the end
        wave = np.zeros_like(t)
        for ratio, weight, wrong, phase in zip(
            (0.8, 1.0, 1.45), (0.55, 1.0, 0.4), detune, phases, strict=True
        ):
            wave += weight * np.sin(2.0 * np.pi * hz * ratio * wrong * t + phase)
        return Piece(first, peak * wave * shape * tail)

    def tones(self, tone: Tone, begin_s: float, peak: float) -> list[Piece]:
        """One or two windowed tones."""
        parts = [(begin_s, peak)]
        if tone.gap_s:
            parts.append((begin_s + tone.gap_s, 0.8 * peak))
        phases = self._rng.uniform(0.0, 2.0 * np.pi, 2)
        made = []
        for at, loud in parts:
            first, t = self._grid(at, tone.length_s)
            window = 0.5 - 0.5 * np.cos(2.0 * np.pi * t / tone.length_s)
            wave = np.sin(2.0 * np.pi * tone.hz * t + phases[0])
            wave = wave + 0.5 * np.sin(2.0 * np.pi * 1.7 * tone.hz * t + phases[1])
            made.append(Piece(first, loud / 1.4 * window * wave))
        return made

    def murmur(self, murmur: Murmur, begin_s: float, end_s: float, vary: float) -> Piece:
        """Noise in the murmur's band under its envelope."""
        hz = self._rng.uniform(*murmur.band_hz, TONES)
        phases = self._rng.uniform(0.0, 2.0 * np.pi, TONES)
        first, t = self._grid(begin_s, end_s - begin_s)
        weight = (np.mean(murmur.band_hz) / hz) ** 0.5  # turbulence falls with frequency
        weight = weight * (hz < 0.48 * self._rate_hz)
        tones = np.sin(2.0 * np.pi * hz[:, None] * t + phases[:, None])
        wave = (weight[:, None] * tones).sum(axis=0)  # no BLAS: the same on every machine
        position = np.clip(t / max(end_s - begin_s, 1e-6), 0.0, 1.0)
        if murmur.shape == "diamond":
            shape = np.sin(np.pi * position) ** 1.3
        elif murmur.shape == "crescendo":
            shape = 0.15 + 0.85 * position**1.5
        elif murmur.shape == "decrescendo":
            shape = np.exp(-2.6 * position)
        else:
            shape = np.ones_like(t)
        edge = np.clip(np.minimum(t, end_s - begin_s - t) / 0.012, 0.0, 1.0)
        peak = S1_PEAK * 10.0 ** (GRADE_DB[murmur.grade] / 20.0) * vary
        # A noise of TONES sinusoids has the deviation sqrt(TONES/2); its peaks reach 2.5 of it.
        return Piece(first, peak / (2.5 * np.sqrt(TONES / 2)) * wave * shape * edge)
