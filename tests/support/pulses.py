"""Finds the pulses of an alarm in a recording of the output, and the pattern that they make."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.events import Priority
from monitor.sound.tones import PATTERNS

FRAME_S = 0.01
LEAST_S = 0.05
"""A shorter burst of sound is a click."""


@dataclass(frozen=True)
class Pulse:
    """Onset and length in seconds, fundamental in hertz."""

    onset_s: float
    length_s: float
    note_hz: float


def find(sound: NDArray[np.float64], rate_hz: int) -> list[Pulse]:
    """Pulses in mono sound."""
    step = round(FRAME_S * rate_hz)
    frames = sound[: len(sound) // step * step].reshape(-1, step)
    level = np.sqrt((frames**2).mean(axis=1))
    if not len(level) or not level.max() > 1e-3:
        return []
    loud = np.concatenate(([False], level > 0.3 * np.percentile(level[level > 1e-3], 90), [False]))
    edges = np.flatnonzero(np.diff(loud.astype(int)))
    found = []
    for start, stop in zip(edges[::2], edges[1::2], strict=True):
        if (stop - start) * FRAME_S < LEAST_S:
            continue
        part = sound[start * step : stop * step]
        power = np.abs(np.fft.rfft(part * np.hanning(len(part)), 2**17))
        hertz = np.fft.rfftfreq(2**17, 1 / rate_hz)
        inside = (hertz > 100) & (hertz < 1200)
        note = float(hertz[inside][np.argmax(power[inside])])
        found.append(Pulse(float(start) * FRAME_S, float(stop - start) * FRAME_S, note))
    return found


def bursts(pulses: list[Pulse], priority: Priority, within_s: float = 0.07) -> list[float]:
    """Onsets of every whole burst of a priority's pattern."""
    pattern = PATTERNS[priority]
    found = []
    for number, first in enumerate(pulses):
        part = pulses[number : number + len(pattern.onsets_s)]
        if len(part) == len(pattern.onsets_s) and all(
            abs(pulse.onset_s - first.onset_s - onset) < within_s
            and abs(pulse.note_hz - note) < 12
            and pulse.length_s < pattern.pulse_s + 0.06
            for pulse, onset, note in zip(part, pattern.onsets_s, pattern.notes_hz, strict=True)
        ):
            found.append(first.onset_s)
    return found
