"""Draws phantom hearts of the kinds at which decoders go wrong, with their truth.

`draw` makes the description of one heart of a kind from a generator; `training_hearts` and
`held_hearts` list hearts whose seeds never meet. Kinds: clicks of mechanical
valves, systole of any share of the cycle, split sounds, gallops, opening snaps, ectopic beats,
atrial fibrillation, pauses, bigeminy, teaching tones and plain hearts, at 30 to 220 per minute.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from dsp.chain import process
from dsp.phantom import Murmur, Noise, Phantom, Rendering, Sounds, Tone, render
from dsp.phantom_noise import NoiseKind
from dsp.stage import RATE_HZ

SLOWEST, FASTEST = 30.0, 220.0
"""Rates that are drawn, per minute."""
SHARES = (0.25, 0.55)
"""Shares of systole of the cycle that are drawn."""
LONGEST_SYSTOLE_S = 0.6
_TRAIN, _TEST = 1, 2


def _rate(rng: Generator, low: float = SLOWEST, high: float = FASTEST) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def _share(rng: Generator, rate: float) -> float:
    """Any share of systole that this rate leaves possible."""
    highest = min(SHARES[1], LONGEST_SYSTOLE_S * rate / 60)
    return float(rng.uniform(SHARES[0], max(highest, SHARES[0] + 0.02)))


def _click(rng: Generator) -> Tone:
    length = float(rng.uniform(0.02, 0.04))
    gap = float(rng.uniform(0.015, 0.05)) if rng.random() < 0.4 else 0.0
    return Tone(float(rng.uniform(100, 400)), length, gap)


def _murmurs(rng: Generator) -> tuple[Murmur, ...]:
    if rng.random() < 0.75:
        return ()
    low = float(rng.uniform(60, 200))
    return (
        Murmur(
            "systolic" if rng.random() < 0.7 else "diastolic",
            str(rng.choice(["holo", "early", "mid", "late"])),  # type: ignore[arg-type]
            str(rng.choice(["plateau", "diamond", "crescendo", "decrescendo"])),  # type: ignore[arg-type]
            (low, low + float(rng.uniform(60, 200))),
            int(rng.integers(1, 5)),
        ),
    )


def _noises(rng: Generator) -> tuple[Noise, ...]:
    kinds: tuple[NoiseKind, ...] = ("pink", "pink", "white", "speech", "rubbing")
    if rng.random() < 0.3:
        return ()
    return (Noise(kinds[int(rng.integers(len(kinds)))], float(rng.uniform(6, 30))),)


def plain(rng: Generator, duration_s: float) -> Phantom:
    """An ordinary heart of random rate, sounds, room and device."""
    return Phantom(
        duration_s=duration_s,
        rate_per_min=_rate(rng),
        variability=float(rng.uniform(0.0, 0.04)),
        respiratory=float(rng.uniform(0.0, 0.06)),
        sounds=Sounds(
            s1_hz=float(rng.uniform(38, 80)),
            s2_hz=float(rng.uniform(45, 100)),
            s2_db=float(np.clip(rng.normal(-3, 5), -14, 8)),
            variation=float(rng.uniform(0.0, 0.2)),
        ),
        murmurs=_murmurs(rng),
        breath_depth=float(rng.uniform(0.0, 0.3)),
        breath_snr_db=float(rng.uniform(14, 30)),
        noises=_noises(rng),
        floor_db=float(rng.uniform(-50, -24)),
        seed=int(rng.integers(2**31)),
    )


def _clicks(rng: Generator, heart: Phantom) -> Phantom:
    """Clicks of one mechanical valve or of two; sometimes a tissue sound stays."""
    which = rng.random()
    sounds = replace(
        heart.sounds,
        s1_tone=_click(rng) if which < 0.8 else None,
        s2_tone=_click(rng) if which > 0.3 else None,
        s2_db=float(rng.normal(-2, 3)),
    )
    if rng.random() < 0.3:  # both valves of the same make
        sounds = replace(sounds, s2_tone=sounds.s1_tone, s2_db=float(rng.normal(0, 1)))
    return replace(heart, sounds=sounds)


def _equal(rng: Generator, heart: Phantom) -> Phantom:
    """A systole of any share, often with two sounds that are much alike."""
    share = _share(rng, heart.rate_per_min)
    if rng.random() < 0.5:
        share = float(np.clip(rng.normal(0.49, 0.02), 0.45, 0.55))
        heart = replace(heart, rate_per_min=max(heart.rate_per_min, 60 * share / LONGEST_SYSTOLE_S))
    hz = float(rng.uniform(40, 90))
    alike = replace(
        heart.sounds, s1_hz=hz, s2_hz=hz * float(rng.uniform(0.9, 1.15)),
        s2_db=float(rng.normal(0, 1.5)),
    )  # fmt: skip
    sounds = alike if rng.random() < 0.5 else heart.sounds
    return replace(heart, systole_share=share, sounds=sounds)


def _tones(rng: Generator, heart: Phantom) -> Phantom:
    """A teaching sound: exactly periodic windowed tones."""
    hz = float(rng.uniform(40, 90))
    one = Tone(hz, float(rng.uniform(0.06, 0.13)))
    two = Tone(hz * float(rng.uniform(0.85, 1.4)), one.length_s * float(rng.uniform(0.6, 1.0)))
    heart = _equal(rng, heart) if rng.random() < 0.5 else heart
    sounds = replace(
        heart.sounds, s1_tone=one, s2_tone=two, s2_db=float(rng.normal(-1, 2)), variation=0.05
    )
    steady = rng.random() < 0.7
    return replace(
        heart, sounds=sounds, variability=0.0 if steady else heart.variability,
        respiratory=0.0 if steady else heart.respiratory, breath_depth=0.0, breath_snr_db=40.0,
    )  # fmt: skip


def _split(rng: Generator, heart: Phantom) -> Phantom:
    heart = replace(heart, rate_per_min=_rate(rng, 40, 150))
    return replace(heart, sounds=replace(heart.sounds, split_s=float(rng.uniform(0.03, 0.07))))


def _gallop(rng: Generator, heart: Phantom) -> Phantom:
    which = rng.random()
    s3 = float(rng.uniform(-16, -4)) if which < 0.7 else None
    s4 = float(rng.uniform(-16, -6)) if which > 0.4 else None
    heart = replace(heart, rate_per_min=_rate(rng, 45, 130))
    return replace(heart, sounds=replace(heart.sounds, s3_db=s3, s4_db=s4))


def _snap(rng: Generator, heart: Phantom) -> Phantom:
    sounds = replace(
        heart.sounds, snap_db=float(rng.uniform(-14, -3)), snap_s=float(rng.uniform(0.06, 0.12))
    )
    return replace(heart, rate_per_min=_rate(rng, 45, 130), sounds=sounds)


def _ectopic(rng: Generator, heart: Phantom) -> Phantom:
    rate = _rate(rng, 45, 130)
    return replace(heart, rate_per_min=rate, ectopic=float(rng.uniform(0.05, 0.3)))


def _fibrillation(rng: Generator, heart: Phantom) -> Phantom:
    rate = _rate(rng, 50, 170)
    return replace(heart, rate_per_min=rate, irregularity=float(rng.uniform(0.12, 0.28)))


def _pauses(rng: Generator, heart: Phantom) -> Phantom:
    stops, at = [], float(rng.uniform(4, 12))
    while at < heart.duration_s:
        long = float(rng.uniform(2.5, 8))
        stops.append((at, at + long))
        at += long + float(rng.uniform(4, 15))
    return replace(heart, rate_per_min=_rate(rng, 40, 150), stops=tuple(stops))


def _bigeminy(rng: Generator, heart: Phantom) -> Phantom:
    early = float(rng.uniform(0.55, 0.85))
    pattern = (early, 2 - early) if rng.random() < 0.7 else (1.0, early, 2 - early)
    return replace(heart, rate_per_min=_rate(rng, 45, 110), pattern=pattern, variability=0.01)


KINDS: dict[str, Callable[[Generator, Phantom], Phantom]] = {
    "plain": lambda rng, heart: heart,
    "clicks": _clicks,
    "equal": _equal,
    "tones": _tones,
    "split": _split,
    "gallop": _gallop,
    "snap": _snap,
    "ectopic": _ectopic,
    "fibrillation": _fibrillation,
    "pauses": _pauses,
    "bigeminy": _bigeminy,
}

MORE = {"clicks": 4, "equal": 4, "tones": 2}
"""Kinds of which there are more to learn from."""


def draw(kind: str, seeds: tuple[int, ...], duration_s: float) -> Phantom:
    """The heart of a kind that belongs to these seeds."""
    rng = np.random.default_rng(seeds)
    return KINDS[kind](rng, plain(rng, duration_s))


def training_hearts(each: int, duration_s: float = 30.0) -> list[tuple[str, Phantom]]:
    """``each`` hearts of every kind to learn from, more of the hardest."""
    return _hearts(_TRAIN, each, duration_s)


def _hearts(family: int, each: int, duration_s: float) -> list[tuple[str, Phantom]]:
    return [
        (kind, draw(kind, (family, place, k), duration_s))
        for place, kind in enumerate(KINDS)
        for k in range(each * MORE.get(kind, 1))
    ]


def held_hearts(each: int, duration_s: float) -> list[tuple[str, Phantom]]:
    """``each`` hearts of every kind that nothing is fitted or chosen on."""
    return [
        (kind, draw(kind, (_TEST, place, k), duration_s))
        for place, kind in enumerate(KINDS)
        for k in range(each)
    ]


def sibling(case: str, place: int) -> Phantom:
    """A heart like a reported one: clicks, equal halves of the cycle, pauses or bigeminy."""
    rng = np.random.default_rng((_TEST, sum(case.encode()), place))
    still = {"variability": 0.0, "respiratory": 0.0, "breath_depth": 0.0, "breath_snr_db": 40.0}
    heart = Phantom(seed=int(rng.integers(2**31)), floor_db=-38.0, **still)  # type: ignore[arg-type]
    length = float(rng.uniform(0.025, 0.04))
    hz = float(rng.uniform(45, 75))
    low = Tone(hz, float(rng.uniform(0.09, 0.12))), Tone(1.3 * hz, float(rng.uniform(0.07, 0.1)))
    if case == "clicks":
        hz = float(rng.uniform(120, 220))
        sounds = Sounds(s1_tone=Tone(hz, length), s2_tone=Tone(1.1 * hz, length), s2_db=-1.0)
        return replace(
            heart, duration_s=45.0, rate_per_min=float(rng.uniform(55, 90)), sounds=sounds
        )
    if case == "equal":
        alike = replace(low[1], hz=low[0].hz)
        return replace(
            heart, duration_s=45.0, rate_per_min=float(rng.uniform(65, 95)), systole_share=0.5,
            sounds=Sounds(s1_tone=low[0], s2_tone=alike, s2_db=-1.0),
        )  # fmt: skip
    heart = replace(heart, sounds=Sounds(s1_tone=low[0], s2_tone=low[1], s2_db=-2.0))
    if case == "pauses":
        stops = tuple((11.0 + 15.0 * k, 15.6 + 15.0 * k) for k in range(5))
        return replace(heart, duration_s=75.0, rate_per_min=float(rng.uniform(65, 85)), stops=stops)
    early = float(rng.uniform(0.6, 0.75))
    return replace(
        heart, duration_s=60.0, rate_per_min=float(rng.uniform(65, 85)), pattern=(early, 2 - early)
    )


def hear(heart: Phantom) -> tuple[Rendering, NDArray[np.float32]]:
    """The rendered heart, and its sound after the chain (2 kHz)."""
    rendering = render(heart)
    sound = process(rendering.sound.astype(np.float32), RATE_HZ)
    return rendering, sound.astype(np.float32)
