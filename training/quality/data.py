"""Vectors and labels for the signal quality: from recordings, and from what is made of them.

Every vector comes out of `dsp.chain` and `dsp.quality`, as it does at a bedside. Sources:

- cinc2016: hand-annotated clean spans are good; noise spans and recordings of quality 0 noisy;
- pascal: artifact files have no heart; set_b is only looked at; yaseen2018 is good;
- fast: clean recordings played 1.3 to 2.4 times as fast (children), or 0.55 to 0.8 (good);
- mixed: clean recordings under noise 3 to 12 dB louder (noisy), or 14 to 24 dB softer (good);
- pause: pieces of diastole of one recording after another (a stopped heart: no heart);
- noise: noise alone (no heart; rubbing: noisy).

The noises are those of `dsp.phantom_noise`; phantom hearts are not trained on.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import soundfile as sf
from numpy.typing import NDArray

from dsp.chain import Chain
from dsp.phantom_noise import NoiseKind, noise_source
from dsp.quality import QualityIndex
from dsp.quality_features import COUNT
from dsp.quality_judge import QualityValue, Scores
from dsp.stage import RATE_HZ, STEP, FloatArray
from training.datasets import (
    DATABASES,
    UNLISTED_GROUP,
    Recording,
    States,
    load_cinc2016,
    load_pascal,
    load_states,
    load_yaseen2018,
)

GOOD, NOISY, NO_HEART, UNKNOWN = 0, 1, 2, -1
NOISES: tuple[NoiseKind, ...] = ("white", "pink", "speech", "rubbing", "hum")
NOISY_DB = (-12.0, -3.0)
CLEAN_DB = (14.0, 24.0)
SPEED = (1.3, 2.4)
SLOW = (0.55, 0.8)
MADE_EVERY = 6
"""One recording in so many gives sounds that are made of it."""


@dataclass(frozen=True, slots=True)
class Sample:
    """Vectors of one recording.

    Attributes
    ----------
    source
        cinc, yaseen, pascal, fast, mixed, pause or noise.
    database, name, group, quality
        Of the recording (quality -1 where unknown).
    vectors
        float32 [n, `dsp.quality_features.COUNT`], one a span.
    loud_db
        float32 [n]: `dsp.quality_features.loudest` of each span.
    labels
        int8 [n].
    kind
        Noise that was added, if any.
    """

    source: str
    database: str
    name: str
    group: str
    quality: int
    vectors: NDArray[np.float32]
    loud_db: NDArray[np.float32]
    labels: NDArray[np.int8]
    kind: str = ""


class _Collector:
    """Stands in the judge's place and keeps what it is shown."""

    def __init__(self) -> None:
        self.vectors: list[FloatArray] = []
        self.loud_db: list[float] = []

    def __call__(
        self, scores: Scores, loud_db: float, flat_tops: float = 0.0
    ) -> tuple[QualityValue, str]:
        self.vectors.append(scores.vector)
        self.loud_db.append(loud_db)
        return "good", ""

    def under_db(self, loud_db: float) -> float | None:
        return None


def vectors(
    sound: NDArray[np.floating], rate_hz: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Vector and loudness of each span of a recording, the last, shorter one left out."""
    chain, index, collector = Chain(rate_hz), QualityIndex(), _Collector()
    index._judge = collector  # type: ignore[assignment]
    out = chain.push(np.asarray(sound, dtype=np.float32)[:, None])
    index.push(chain.raw, out)
    out = chain.flush()
    index.push(chain.raw, out)
    index.flush()
    whole = round(len(sound) * RATE_HZ / rate_hz) // STEP
    found = np.asarray(collector.vectors[:whole], dtype=np.float32).reshape(whole, COUNT)
    return found, np.asarray(collector.loud_db[:whole], dtype=np.float32)


def collect(data: Path, seed: int = 0) -> Iterator[Sample]:
    """All samples, recording by recording."""
    rng = np.random.default_rng(seed)
    recordings = [r for r in load_cinc2016(data / "cinc2016") if r.group != UNLISTED_GROUP]
    known = frozenset(r.name for r in load_cinc2016(data / "cinc2016"))
    states: dict[str, States] = {}
    for database in DATABASES:
        states |= load_states(data / "cinc2016", database, known)
    for place, recording in enumerate(recordings):
        sound = _read(recording)[0]
        yield _cinc(recording, sound, states.get(recording.name))
        if place % MADE_EVERY == 0 and recording.quality == 1 and recording.name in states:
            yield from _made(recording, sound, states[recording.name], rng)
    for recording in load_yaseen2018(data / "yaseen2018"):
        yield _whole(recording, "yaseen", GOOD)
    for recording in load_pascal(data / "pascal"):
        label = NO_HEART if recording.diagnosis == "artifact" else UNKNOWN
        yield _whole(recording, "pascal", label)
    for place in range(150):
        yield _noise_alone(place, rng)


def _read(recording: Recording) -> tuple[NDArray[np.float64], int]:
    sound, rate_hz = sf.read(recording.path)
    return sound, int(rate_hz)


def _sample(
    recording: Recording, source: str, sound: NDArray[np.floating], label: int, rate_hz: int
) -> Sample:
    found, loud_db = vectors(sound, rate_hz)
    return Sample(
        source, recording.database, recording.name, recording.group, recording.quality, found,
        loud_db, np.full(len(found), label, np.int8),
    )  # fmt: skip


def _whole(recording: Recording, source: str, label: int) -> Sample:
    sound, rate_hz = _read(recording)
    sound = sound if sound.ndim == 1 else sound[:, 0]
    return _sample(recording, source, sound, label, rate_hz)


def noise_mask(states: States, length: int) -> NDArray[np.bool_]:
    """Where the annotators heard no heart sound."""
    mask = np.zeros(length, dtype=bool)
    begin = None
    for sample, state in zip(states.sample, states.state, strict=True):
        if state == "noise-begin":
            begin = int(sample)
        elif state == "noise-end":
            mask[begin or 0 : int(sample)] = True
            begin = None
    if begin is not None:
        mask[begin:] = True
    return mask


def _cinc(recording: Recording, sound: FloatArray, states: States | None) -> Sample:
    sample = _sample(recording, "cinc", sound, UNKNOWN, RATE_HZ)
    count = len(sample.labels)
    if recording.quality == 0:
        sample.labels[:] = NOISY
    elif states is not None:
        share = noise_mask(states, len(sound))[: count * STEP].reshape(count, STEP).mean(axis=1)
        sample.labels[share == 0] = GOOD
        sample.labels[share >= 0.8] = NOISY
    return sample


def _made(
    recording: Recording, sound: FloatArray, states: States, rng: np.random.Generator
) -> Iterator[Sample]:
    """What is made of one clean recording."""
    if noise_mask(states, len(sound)).any():
        return
    faster = rng.uniform(*(SPEED if rng.uniform() < 0.75 else SLOW))
    yield _sample(recording, "fast", sound, GOOD, round(RATE_HZ * faster))
    sound = sound[: 30 * RATE_HZ]
    loud = rng.uniform() < 0.7
    snr_db = rng.uniform(*(NOISY_DB if loud else CLEAN_DB))
    kind = NOISES[int(rng.integers(len(NOISES)))]
    label = NOISY if loud else GOOD
    noisy = mix(sound, kind, snr_db, rng)
    yield replace(_sample(recording, "mixed", noisy, label, RATE_HZ), kind=kind)
    quiet = _diastoles(sound, states, rng)
    if quiet is not None and recording.label == 0:
        yield _sample(recording, "pause", quiet, NO_HEART, RATE_HZ)


def mix(sound: FloatArray, kind: NoiseKind, snr_db: float, rng: np.random.Generator) -> FloatArray:
    """Recording and noise at a ratio of their powers within 20-400 Hz."""
    heart = Chain(RATE_HZ).push(sound.astype(np.float32)[:, None])
    level = float(np.sqrt(np.mean(np.square(heart)))) if len(heart) else 0.0
    noise = noise_source(kind, RATE_HZ, rng)
    count = -(-len(sound) // RATE_HZ)
    added = np.concatenate([noise.next(RATE_HZ) for _ in range(count)])[: len(sound)]
    return np.asarray(sound + level * 10.0 ** (-snr_db / 20.0) * added)


def _diastoles(sound: FloatArray, states: States, rng: np.random.Generator) -> FloatArray | None:
    """Ten seconds or more of a recording's diastoles, in random order, cross-faded."""
    pieces = []
    for begin, end, state in zip(states.sample, states.sample[1:], states.state, strict=False):
        if state == "diastole" and end - begin > 500:
            pieces.append(sound[begin + 160 : end - 120])
    pieces = [piece for piece in pieces if len(piece) >= 200]
    if len(pieces) < 4:
        return None
    fade = 40
    ramp = np.linspace(0.0, np.pi / 2, fade)
    out = pieces[0].copy()
    while len(out) < 12 * RATE_HZ:
        piece = pieces[int(rng.integers(len(pieces)))]
        piece = piece[int(rng.integers(0, len(piece) // 3)) :]
        joined = out[-fade:] * np.cos(ramp) + piece[:fade] * np.sin(ramp)
        out = np.concatenate([out[:-fade], joined, piece[fade:]])
    return out


def _noise_alone(place: int, rng: np.random.Generator) -> Sample:
    kind = NOISES[place % len(NOISES)]
    source = noise_source(kind, RATE_HZ, np.random.default_rng(rng.integers(2**63)))
    floor = noise_source("white", RATE_HZ, np.random.default_rng(rng.integers(2**63)))
    level = 10.0 ** rng.uniform(-3.0, -0.7)
    share = 10.0 ** rng.uniform(-2.5, -0.5)
    sound = np.concatenate(
        [level * (source.next(RATE_HZ) + share * floor.next(RATE_HZ)) for _ in range(15)]
    )
    found, loud_db = vectors(sound, RATE_HZ)
    label = NOISY if kind == "rubbing" else NO_HEART
    name = f"{kind}-{place}"
    labels = np.full(len(found), label, np.int8)
    return Sample("noise", kind, name, name, -1, found, loud_db, labels, kind)
