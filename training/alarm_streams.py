"""Long streams of one subject's own sound, with the troubles of an hour, for alarm figures.

A stream is a group's recordings of one label, one after another, again from the first until it is
long enough; it says how much of it was heard before. Trouble is drawn from a seed: breathing
(slow changes of level), rubbing and contact loss, so many a minute.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import soundfile
from numpy.typing import NDArray

from dsp.phantom_noise import noise_source
from training.datasets import Recording

RATE_HZ = 2000
SEAM_S = 0.05
SHORTEST_S = 60.0
LONGEST_S = 180.0
RUBBING_S = 3.0
LOSS_S = 4.0
LOSS_GAIN = 0.003
TROUBLE_EVERY_S = 60.0
"""One spell of rubbing and one of lost contact a minute, at drawn moments."""


@dataclass(frozen=True, slots=True)
class Stream:
    """One subject's stream.

    Attributes
    ----------
    group, database, label
        Of its recordings; label 1 is abnormal.
    sound
        float32 [n] at 2 kHz, peak at most 1.
    repeated
        Share of the stream that is sound heard before in it.
    """

    group: str
    database: str
    label: int
    sound: NDArray[np.float32]
    repeated: float

    @property
    def hours(self) -> float:
        """Length of the stream."""
        return self.sound.size / RATE_HZ / 3600


def subjects(recordings: Sequence[Recording]) -> dict[tuple[str, int], list[Recording]]:
    """Recordings by (group, label), noise-only ones left out."""
    found: dict[tuple[str, int], list[Recording]] = {}
    for recording in recordings:
        if recording.scored and recording.quality == 1:
            found.setdefault((recording.group, recording.label), []).append(recording)
    return found


def stream_of(
    recordings: Sequence[Recording], rng: np.random.Generator, *, trouble: bool = True
) -> Stream:
    """One subject's stream.

    Parameters
    ----------
    recordings
        Of one group and label, at 2 kHz.
    rng
        Draws when trouble comes.
    trouble
        Whether any is put in.
    """
    own = [_level(soundfile.read(r.path, dtype="float32")[0]) for r in recordings]
    length = sum(part.size for part in own)
    wanted = int(np.clip(length, SHORTEST_S * RATE_HZ, LONGEST_S * RATE_HZ))
    parts: list[NDArray[np.float32]] = []
    while sum(part.size for part in parts) < wanted:
        parts.extend(own)
    sound = np.concatenate(parts)[:wanted]
    if trouble:
        _trouble(sound, rng)
    return Stream(
        group=recordings[0].group,
        database=recordings[0].database,
        label=recordings[0].label,
        sound=sound,
        repeated=max(0.0, 1 - length / wanted),
    )


def _level(sound: NDArray[np.float32]) -> NDArray[np.float32]:
    """One loudness for all recordings of a stream, ends faded against clicks at the seams."""
    level = float(np.sqrt(np.mean(np.square(sound, dtype=np.float64))))
    out = (sound * (0.05 / level if level > 0 else 1.0)).astype(np.float32)
    seam = int(SEAM_S * RATE_HZ)
    ramp = np.linspace(0, 1, seam, dtype=np.float32)
    out[:seam] *= ramp
    out[-seam:] *= ramp[::-1]
    np.clip(out, -0.99, 0.99, out=out)
    return out


def _trouble(sound: NDArray[np.float32], rng: np.random.Generator) -> None:
    """Breathing, and once a minute rubbing and lost contact, in place."""
    t = np.arange(sound.size) / RATE_HZ
    sound *= (1 + 0.2 * np.sin(2 * np.pi * t / 4 + rng.uniform(0, 2 * np.pi))).astype(np.float32)
    step = int(TROUBLE_EVERY_S * RATE_HZ)
    for begin in range(0, sound.size - step + 1, step):
        rub, lost = rng.choice(int(TROUBLE_EVERY_S / 6), 2, replace=False) * 6 * RATE_HZ
        n = int(RUBBING_S * RATE_HZ)
        noise = noise_source("rubbing", RATE_HZ, rng).next(n)
        sound[begin + rub : begin + rub + n] += (0.1 * noise).astype(np.float32)
        sound[begin + lost : begin + lost + int(LOSS_S * RATE_HZ)] *= LOSS_GAIN
    np.clip(sound, -0.99, 0.99, out=sound)
