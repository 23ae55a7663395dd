"""Random chunkings: however the sound is cut, every event and picture is the same, bit for bit."""

from __future__ import annotations

import hashlib
from functools import cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from dsp.phantom import PRESETS, PhantomStream
from dsp.stage import RATE_HZ
from monitor import events as ev
from monitor.analysis.pipeline import Pipeline
from monitor.assembly import Models
from monitor.config.load import Settings
from monitor.record.eventfile import encode

RATES_HZ = (2000, 4000, 8000, 44_100)
SOUND_S = 7.3
GAP = 800
"""Samples at 2 kHz that are lost."""


@cache
def _sound(rate_hz: int, preset: str) -> NDArray[np.float32]:
    stream = PhantomStream(PRESETS[preset], rate_hz)
    return stream.read(round(SOUND_S * rate_hz)).astype(np.float32)[:, None]


def cuts(length: int, rng: np.random.Generator) -> list[int]:
    """Borders of blocks: few or many, even or clustered, blocks of one frame among them."""
    count = int(rng.choice([1, 2, 5, 30, 120]))
    if rng.random() < 0.3:
        size = max(1, length // count)
        borders = list(range(0, length, size))
    else:
        borders = sorted({0, *(int(c) for c in rng.integers(0, length, count))})
    if rng.random() < 0.3:
        at = int(rng.integers(0, max(1, length - 20)))
        borders = sorted({*borders, *range(at, min(length, at + 20))})
    return [*borders, length]


def digest(models: Models, rate_hz: int, preset: str, borders: list[int]) -> str:
    """Hash over all events and pictures; a gap of 0.4 s lies at three quarters."""
    sound = _sound(rate_hz, preset)
    pipeline = Pipeline(Settings(), models.engine, models.cycles, preset, rate_hz, 1)
    events = hashlib.sha256()
    pictures = hashlib.sha256()

    def take(output: ev.Output) -> None:
        for event in output.events:
            events.update(encode(event))
        for picture in output.pictures:
            pictures.update(picture.samples.tobytes())

    gap = 3 * len(sound) // 4
    for start, stop in pairwise(sorted({*borders, gap})):
        if start == gap:
            at = -(-gap * RATE_HZ // rate_hz)
            take(pipeline.push(ev.Lost(at, GAP, 40, "cut out")))
        take(pipeline.push(ev.Block(sound[start:stop], rate_hz, start)))
    take(pipeline.finish())
    return events.hexdigest() + pictures.hexdigest()


def differing(count: int, models: Models, seed: int = 0) -> list[str]:
    """Try ``count`` chunkings; return those whose result differs from that of one block."""
    presets = ("murmur", "noisy", "tachycardia")
    wrong = []
    for k in range(count):
        rng = np.random.default_rng([seed, k])
        rate_hz = RATES_HZ[k % len(RATES_HZ)]
        preset = presets[k // len(RATES_HZ) % len(presets)]
        if digest(models, rate_hz, preset, cuts(len(_sound(rate_hz, preset)), rng)) != _whole(
            models, rate_hz, preset
        ):
            wrong.append(f"chunking {seed}-{k} of {preset} at {rate_hz} Hz")
    return wrong


_known: dict[tuple[int, str], str] = {}


def _whole(models: Models, rate_hz: int, preset: str) -> str:
    key = rate_hz, preset
    if key not in _known:
        _known[key] = digest(models, rate_hz, preset, [0, len(_sound(rate_hz, preset))])
    return _known[key]
