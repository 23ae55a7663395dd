"""Long streams of one subject's own sound, with the troubles of an hour, for alarm figures.

A stream is a group's recordings of one label, one after another, again from the first until it is
long enough; it says how much of it was heard before. Trouble is drawn from a seed: breathing
(slow changes of level), rubbing and contact loss, so many a minute.

A lifted chest piece does not record silence: the sounds of the body are gone, its diaphragm is
rubbed as it leaves and as it is put back, and in between it hears the room. ``bare`` leaves the
sound as it was, 50 dB softer, without all that: a gain, which no chest piece does, but the harder
case for telling it from a heart that has stopped.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import soundfile
from numpy.typing import NDArray

from dsp.phantom_noise import NoiseKind, noise_source
from dsp.stage import RATE_HZ
from training.datasets import Recording

SEAM_S = 0.05
SHORTEST_S = 60.0
LONGEST_S = 180.0
RUBBING_S = 3.0
RUBBING = 0.1
"""RMS; the heart is at 0.05."""

LOSS_S = 4.0
LOSS_GAIN = 0.003
ROOM_DB = -25.0
"""What a lifted diaphragm hears of the room, against the heart."""

EDGE_S = 0.4
"""Handling at either end of a contact loss, at the level of rubbing."""

LEVEL = 0.05
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
    placed
        (name, index) of each recording as it comes, the last one cut by the end.
    troubled
        (start, end) of rubbing and contact losses, in order.
    """

    group: str
    database: str
    label: int
    sound: NDArray[np.float32]
    repeated: float
    placed: tuple[tuple[str, int], ...] = ()
    troubled: tuple[tuple[int, int], ...] = ()

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
    recordings: Sequence[Recording],
    rng: np.random.Generator,
    *,
    trouble: bool = True,
    minutes: float = 0.0,
    loss_s: float = LOSS_S,
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
    minutes
        Length of the stream; 0 takes the subject's own sound, at least one minute, at most three.
    loss_s
        Seconds of a contact loss.
    """
    own = [_level(soundfile.read(r.path, dtype="float32")[0]) for r in recordings]
    length = sum(part.size for part in own)
    wanted = int(np.clip(length, SHORTEST_S * RATE_HZ, LONGEST_S * RATE_HZ))
    if minutes:
        wanted = int(minutes * 60 * RATE_HZ)
    sound = np.concatenate(own * -(-wanted // length))[:wanted]
    starts = np.cumsum([0] + [part.size for part in own] * -(-wanted // length))
    placed = tuple(
        (recordings[k % len(own)].name, int(at)) for k, at in enumerate(starts) if at < wanted
    )
    troubled = _trouble(sound, rng, loss_s) if trouble else []
    return Stream(
        group=recordings[0].group,
        database=recordings[0].database,
        label=recordings[0].label,
        sound=sound,
        repeated=max(0.0, 1 - length / wanted),
        placed=placed,
        troubled=tuple(troubled),
    )


def _level(sound: NDArray[np.float32]) -> NDArray[np.float32]:
    """One loudness for all recordings of a stream, ends faded against clicks at the seams."""
    level = float(np.sqrt(np.mean(np.square(sound, dtype=np.float64))))
    out = (sound * (LEVEL / level if level > 0 else 1.0)).astype(np.float32)
    seam = int(SEAM_S * RATE_HZ)
    ramp = np.linspace(0, 1, seam, dtype=np.float32)
    out[:seam] *= ramp
    out[-seam:] *= ramp[::-1]
    np.clip(out, -0.99, 0.99, out=out)
    return out


def _trouble(
    sound: NDArray[np.float32], rng: np.random.Generator, loss_s: float
) -> list[tuple[int, int]]:
    """Breathing, and once a minute rubbing and lost contact, in place; return when."""
    t = np.arange(sound.size) / RATE_HZ
    sound *= (1 + 0.2 * np.sin(2 * np.pi * t / 4 + rng.uniform(0, 2 * np.pi))).astype(np.float32)
    step = int(TROUBLE_EVERY_S * RATE_HZ)
    slot_s = max(6.0, loss_s + 2)
    troubled = []
    for begin in range(0, sound.size - step + 1, step):
        slots = rng.choice(int(TROUBLE_EVERY_S / slot_s), 2, replace=False) * slot_s * RATE_HZ
        rub, lost = (begin + int(slot) for slot in slots)
        rubbed, over = rub + int(RUBBING_S * RATE_HZ), lost + int(loss_s * RATE_HZ)
        sound[rub:rubbed] += _noise("rubbing", RUBBING, rubbed - rub, rng)
        sound[lost:over] *= LOSS_GAIN
        room = LEVEL * 10 ** (ROOM_DB / 20)
        sound[lost:over] += _noise("pink", room, over - lost, rng)
        edge = int(EDGE_S * RATE_HZ)
        for at in (lost, over - edge):
            sound[at : at + edge] += _noise("rubbing", RUBBING, edge, rng)
        troubled += [(rub, rubbed), (lost, over)]
    np.clip(sound, -0.99, 0.99, out=sound)
    return sorted(troubled)


def _noise(
    kind: NoiseKind, level: float, count: int, rng: np.random.Generator
) -> NDArray[np.float32]:
    return (level * noise_source(kind, RATE_HZ, rng).next(count)).astype(np.float32)
