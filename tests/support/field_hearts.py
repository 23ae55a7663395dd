"""Hearts for the field tests, made from a seed, and what the monitor says of a sound.

The hearts are windowed sinusoids of chosen times, lengths and pitches, or a shipped recording
with something done to it. ``FIELD_SEEDS`` in the environment says how many of each kind are
tried; ``make field`` tries a hundred.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np
import soundfile as sf
from numpy.typing import NDArray
from scipy.signal import resample_poly

from monitor import events as ev
from monitor.analysis.pipeline import Pipeline
from monitor.assembly import open_models
from monitor.config.load import Settings

RATE = 2000
RECORDINGS = Path(__file__).parents[2] / "recordings"
PHYSIOLOGICAL = {
    "abnormal_sound", "tachycardia", "tachycardia_extreme", "bradycardia", "bradycardia_extreme",
    "irregular", "heart_lost", "pause",
}  # fmt: skip
Sound = NDArray[np.float64]


def seeds(few: int = 2, most: int = 100) -> range:
    """Seeds to try: ``few`` by default, as many as ``FIELD_SEEDS`` says, but ``most``."""
    return range(min(int(os.environ.get("FIELD_SEEDS", str(few))), most))


@cache
def _models():
    return open_models(Settings())


@dataclass
class Said:
    """What the monitor said of a sound."""

    events: list[ev.Event] = field(default_factory=list)

    def of(self, kind: type) -> list:
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def verdict(self) -> str:
        return self.of(ev.Verdict)[-1].value

    @property
    def rates(self) -> list[float]:
        return [line.rate for line in self.of(ev.Vitals) if line.rate is not None]

    @property
    def hearts(self) -> set[str]:
        return {line.value for line in self.of(ev.Heart)}

    def raised(self, *kinds: str) -> list[tuple[str, float]]:
        """(priority, seconds) at which alarms of these kinds became active."""
        return [
            (line.priority, line.index / RATE)
            for line in self.of(ev.Alarm)
            if line.state == "active" and line.kind in kinds
        ]


def hear(sound: Sound, settings: Settings | None = None) -> Said:
    """Play a sound at 2 kHz into the monitor with the shipped models."""
    models = _models()
    pipeline = Pipeline(settings or Settings(), models.engine, models.cycles, "field", RATE, 1)
    frames = np.clip(sound, -1, 1).astype(np.float32)[:, None]
    said = Said()
    for at in range(0, len(frames), 10 * RATE):
        said.events += pipeline.push(ev.Block(frames[at : at + 10 * RATE], RATE, at)).events
    said.events += pipeline.finish().events
    return said


@cache
def recording(name: str) -> Sound:
    """A shipped recording at 2 kHz, its peak at 0.5."""
    x, rate = sf.read(RECORDINGS / name)
    x = resample_poly(x, RATE, rate) if rate != RATE else x
    return x / np.abs(x).max() * 0.5


def thump(hz: float, length_s: float, phase: float) -> Sound:
    """One heart sound."""
    n = int(length_s * RATE)
    t = np.arange(n) / RATE
    first, second = np.sin(2 * np.pi * hz * t + phase), np.sin(2 * np.pi * 1.7 * hz * t + 1)
    return np.hanning(n) * (first + 0.5 * second)


def usual(cycle: float) -> float:
    """Systole of a cycle, in seconds."""
    return min(0.2 + 0.13 * min(cycle, 1.2), 0.52 * cycle)


def heart(
    cycles: Sequence[float],
    systole: float | Callable[[float], float] = usual,
    s1: tuple[float, float] = (45, 0.11),
    s2: tuple[float, float] = (60, 0.09),
    s2_loud: float = 0.8,
    seed: int = 0,
    noise: float = 0.008,
) -> Sound:
    """A heart of given cycle lengths in seconds; S1 and S2 as (Hz, seconds)."""
    rng = np.random.default_rng(seed)
    x = np.zeros(int((sum(cycles) + 2) * RATE))
    at = 0.3
    for cycle in cycles:
        gap = systole(cycle) if callable(systole) else systole
        loud = 1 + 0.08 * rng.standard_normal()
        sounds = ((at, s1, loud, 0.3), (at + gap, s2, s2_loud, 0.7))
        for onset, (hz, length), level, phase in sounds:
            part = level * thump(hz, length, phase)
            x[int(onset * RATE) : int(onset * RATE) + len(part)] += part
        at += cycle
    x = x[: int(at * RATE)]
    x += noise * rng.standard_normal(len(x))
    return x / np.abs(x).max() * 0.4


def stopped(at_s: float, tail_s: float = 20, floor: float = 8e-4, seed: int = 3) -> Sound:
    """A heart until ``at_s``, then a quiet contact."""
    quiet = floor * np.random.default_rng(seed).standard_normal(int(tail_s * RATE))
    return np.concatenate([recording("normal.wav")[: int(at_s * RATE)], quiet])


def knock(
    x: Sound, at_s: float, level: float = 0.35, length_s: float = 0.6, seed: int = 0
) -> Sound:
    """The same with a knock at ``at_s``."""
    n, i = int(length_s * RATE), int(at_s * RATE)
    x = x.copy()
    x[i : i + n] += level * np.random.default_rng(seed).standard_normal(n) * np.hanning(n)
    return x


def hum(
    size: int, hz: float, level_db: float, seed: int = 0, harmonics: Sequence[float] = (0.5, 0.3)
) -> Sound:
    """Mains hum, in dB under a peak of 0.5, its harmonics in shares of the fundamental."""
    rng = np.random.default_rng(seed)
    t = np.arange(size) / RATE
    parts = [
        level * np.sin(2 * np.pi * hz * (k + 1) * t + rng.uniform(0, 6))
        for k, level in enumerate((1.0, *harmonics))
    ]
    return 0.5 * 10 ** (level_db / 20) * np.sum(parts, axis=0)
