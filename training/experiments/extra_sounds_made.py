"""Extra heart sounds: where each is looked for, and hearts that are given some."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from dsp.cycles.beat import Beat
from dsp.phantom import Phantom
from dsp.stage import RATE_HZ
from training.segmentation import hearts

Float = NDArray[np.float64]
SHARE = 0.22
"""Probability of each kind in a heart."""


@dataclass(frozen=True, slots=True)
class Kind:
    """Where a sound is looked for.

    Attributes
    ----------
    reference
        S1 or S2: the onset from which time counts; "systole" counts from S1 in units of systole.
    window_s
        First and last time of the search.
    band_hz, smooth_s, valley_s
        Band, length of the envelope's smoothing, and how far from the peak a valley may lie.
    """

    reference: str
    window_s: tuple[float, float]
    band_hz: tuple[float, float]
    smooth_s: float
    valley_s: float


KINDS = {
    "s3": Kind("S2", (0.11, 0.21), (20.0, 80.0), 0.024, 0.07),
    "s4": Kind("S1", (-0.17, -0.05), (20.0, 70.0), 0.024, 0.07),
    "click": Kind("systole", (0.35, 0.85), (100.0, 400.0), 0.010, 0.04),
    "snap": Kind("S2", (0.04, 0.13), (100.0, 400.0), 0.010, 0.04),
}


@dataclass(frozen=True, slots=True)
class AddedTone:
    """What is put into the beats: length, frequency, place (as `Kind.window_s`), peak to S1's."""

    length_s: tuple[float, float]
    hz: tuple[float, float]
    place: tuple[float, float]
    level_db: tuple[float, float]


TONES = {
    "s3": AddedTone((0.06, 0.09), (25, 50), (0.12, 0.16), (-16, -4)),
    "s4": AddedTone((0.06, 0.09), (25, 50), (-0.15, -0.10), (-16, -6)),
    "click": AddedTone((0.012, 0.03), (120, 300), (0.4, 0.8), (-18, -3)),
    "snap": AddedTone((0.02, 0.03), (120, 300), (0.05, 0.12), (-14, -3)),
}


def added(sound: Float, beats: Sequence[Beat], has: Collection[str], rng: Generator) -> Float:
    """The sound with a soft tone of each kind in every beat, alike throughout, `LEVELS_DB` to S1.

    Times and levels vary a little from beat to beat, as phantoms' sounds do.
    """
    out = sound.copy()
    peaks = [np.abs(sound[b.s1 : b.s1 + 200]).max() for b in beats
             if b.s1 is not None and 0 <= b.s1 < len(sound)]  # fmt: skip
    loudest = float(np.median(peaks)) if peaks else 0.0
    for name in sorted(has):
        tone = TONES[name]
        length, hz = rng.uniform(*tone.length_s), rng.uniform(*tone.hz)
        place, level = rng.uniform(*tone.place), rng.uniform(*tone.level_db)
        t = np.arange(round(length * RATE_HZ)) / RATE_HZ
        wave = loudest * 10 ** (level / 20) * np.hanning(len(t)) * np.sin(2 * np.pi * hz * t)
        for beat in beats:
            if beat.s1 is None or beat.s2 is None:
                continue
            origin = beat.s2 if KINDS[name].reference == "S2" else beat.s1
            unit = beat.s2 - beat.s1 if KINDS[name].reference == "systole" else RATE_HZ
            at = max(0, origin + round(place * unit + 4 * rng.standard_normal()))
            part = out[at : at + len(t)]
            part += wave[: len(part)] * np.exp(0.15 * rng.standard_normal())
    return out


def some_kinds(rng: Generator) -> frozenset[str]:
    """Some of the kinds, none in a good third."""
    return frozenset(name for name in KINDS if rng.random() < SHARE)


def draw(rng: Generator) -> tuple[Phantom, frozenset[str]]:
    """A phantom of 2.5 to 40 s, and the extra sounds it is to have (its clicks are not yet in)."""
    heart = hearts.plain(rng, float(np.exp(rng.uniform(np.log(2.5), np.log(40.0)))))
    heart = replace(heart, rate_per_min=float(rng.uniform(45, 130)))
    has = some_kinds(rng)
    level = {name: float(rng.uniform(*TONES[name].level_db)) for name in KINDS}
    sounds = replace(
        heart.sounds,
        s3_db=level["s3"] if "s3" in has else None,
        s4_db=level["s4"] if "s4" in has else None,
        snap_db=level["snap"] if "snap" in has else None,
        snap_s=float(rng.uniform(*TONES["snap"].place)),
        split_s=float(rng.uniform(0.03, 0.06)) if rng.random() < 0.3 else None,
    )
    return replace(heart, sounds=sounds), has
