"""Alarm tones after IEC 60601-1-8:2006, tables 3 and 4: pulses, bursts, pauses; pure.

Pulses have a fundamental of 450 Hz or more (above the band that is analysed, so that an alarm
that reaches the stethoscope changes no result) and four harmonics below 4 kHz.

    priority   pulses in a burst         pulse     between pulses   between bursts
    high       5, a pause, 5             150 ms    100 ms           3 s
    medium     3                         200 ms    200 ms           8 s
    low        1                         200 ms    -                20 s
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.events import Priority

HARMONICS = (1.0, 0.6, 0.45, 0.35, 0.25)
"""Amplitudes of fundamental and harmonics: all within 15 dB of each other."""

RISE = 0.2
"""Rise and fall of a pulse, as a share of it."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """One burst and the pause after it, seconds.

    Attributes
    ----------
    onsets_s
        Starts of the pulses.
    notes_hz
        Their fundamentals.
    pulse_s
        Length of each.
    between_bursts_s
        End of the last pulse to the next burst.
    """

    onsets_s: tuple[float, ...]
    notes_hz: tuple[float, ...]
    pulse_s: float
    between_bursts_s: float

    @property
    def burst_s(self) -> float:
        """Length of the burst."""
        return self.onsets_s[-1] + self.pulse_s


def _high() -> Pattern:
    step, gap = 0.25, 0.35
    five = (0.0, step, 2 * step, 2 * step + gap + 0.15, 3 * step + gap + 0.15)
    second = five[-1] + 0.15 + 0.5
    onsets = five + tuple(second + onset for onset in five)
    return Pattern(onsets, (659.3,) * 10, 0.15, 3.0)


PATTERNS: dict[Priority, Pattern] = {
    "high": _high(),
    "medium": Pattern((0.0, 0.4, 0.8), (523.3,) * 3, 0.2, 8.0),
    "low": Pattern((0.0,), (466.2,), 0.2, 20.0),
}


def burst(priority: Priority, rate_hz: int, volume: float) -> NDArray[np.float32]:
    """One burst, float32 [n], full scale 1.

    Parameters
    ----------
    volume
        Peak, 0 to 1.
    """
    pattern = PATTERNS[priority]
    sound = np.zeros(round(pattern.burst_s * rate_hz) + 1)
    for onset_s, note_hz in zip(pattern.onsets_s, pattern.notes_hz, strict=True):
        start = round(onset_s * rate_hz)
        pulse = _pulse(note_hz, pattern.pulse_s, rate_hz)
        sound[start : start + len(pulse)] += pulse[: len(sound) - start]
    scaled: NDArray[np.float32] = (volume * sound / np.abs(sound).max()).astype(np.float32)
    return scaled


def _pulse(note_hz: float, length_s: float, rate_hz: int) -> NDArray[np.float64]:
    t = np.arange(round(length_s * rate_hz)) / rate_hz
    tone = np.zeros_like(t)
    for number, amplitude in enumerate(HARMONICS, 1):
        if number * note_hz < rate_hz / 2:
            tone += amplitude * np.sin(2 * np.pi * number * note_hz * t)
    rise_s = RISE * length_s
    edge = np.clip(np.minimum(t, length_s - t) / rise_s, 0.0, 1.0)
    shaped: NDArray[np.float64] = tone * 0.5 * (1 - np.cos(np.pi * edge))
    return shaped
