"""When the phantom's heart beats and breathes.

In: the description of the rhythm and a generator; out: `Timing` of one beat after the other.
Onsets lie on the 2 kHz grid, so that the truth is exact. Variability after Task Force of the
ESC/NASPE 1996 in kind (a respiratory part, a slow part, a beat-to-beat part), not in detail.
"""

from __future__ import annotations

import math

import numpy as np

from dsp.phantom_beat import Timing, durations
from dsp.phantom_description import Phantom
from dsp.stage import RATE_HZ, FloatArray

SLOW = 0.9
"""Memory of the slow part of the variability, per beat."""

ECTOPIC_CYCLE = 0.62
ECTOPIC_PAUSE = 1.36
"""Cycle before a premature beat and the compensatory pause after it, in normal cycles."""

SPLIT_S = 0.022
"""Mean splitting of S2 (A2-P2); it follows breathing (Harris & Sutton 1968: 10 to 40 ms)."""

SHORTEST_SOUND_S = 0.06
"""A click counts as a sound of at least this length in the truth: three frames of annotation."""

MIN_CYCLE_S = 0.24
MAX_CYCLE_S = 3.0


class Rhythm:
    """Beats one after another, endlessly.

    Parameters
    ----------
    phantom
        Its rhythm is used.
    rng
        Owned by the rhythm.
    """

    def __init__(self, phantom: Phantom, rng: np.random.Generator) -> None:
        self._phantom = phantom
        self._rng = rng
        self._breath_phase = float(rng.uniform(0.0, 2.0 * np.pi))
        self._slow = 0.0
        self._pause = False
        self._premature = False
        self._count = 0
        self._basic_s = 60.0 / self._rate(0.0)
        # A recording begins anywhere in a cycle.
        self._next_s = self._on_grid(-float(rng.uniform(0.0, 1.0)) * self._basic_s)

    def breath(self, t: FloatArray) -> FloatArray:
        """Filling of the lungs, -1 to 1, at times in s."""
        return np.sin(2.0 * np.pi * self._phantom.breaths_per_min / 60.0 * t + self._breath_phase)

    def until(self, end_s: float) -> list[Timing]:
        """The beats whose S1 lies before a time and was not yet handed out."""
        beats = []
        while self._next_s < end_s:
            beat = self._beat()
            if beat is not None:
                beats.append(beat)
        return beats

    def _beat(self) -> Timing | None:
        """The beat at the next onset; None where the heart is stopped."""
        s1 = self._next_s
        stop_end = self._stopped_until(s1)
        if stop_end is not None:
            self._next_s = stop_end
            return None
        cycle, gains = self._cycle(s1)
        self._next_s = self._on_grid(s1 + cycle)
        cycle = self._next_s - s1
        s1_s, to_s2, s2_s = self._durations()
        to_s2 *= 1.0 + 0.012 * self._rng.standard_normal()
        s1_s *= 1.0 + 0.03 * self._rng.standard_normal()
        s2_s *= 1.0 + 0.03 * self._rng.standard_normal()
        to_s2 = min(to_s2, 0.68 * cycle)
        s1_s = min(s1_s, 0.60 * to_s2)
        s2_s = min(s2_s, 0.65 * (cycle - to_s2))
        lungs = float(self.breath(np.array([s1]))[0])
        wide = self._phantom.sounds.split_s
        split = (SPLIT_S if wide is None else wide) * (1.0 + 0.6 * lungs) * min(1.0, s2_s / 0.105)
        s2 = self._on_grid(s1 + to_s2)
        return Timing(
            s1=s1,
            systole=self._on_grid(s1 + s1_s),
            s2=s2,
            diastole=self._on_grid(s2 + s2_s),
            end=self._next_s,
            split_s=split,
            s1_gain=gains[0],
            s2_gain=gains[1],
        )

    def _durations(self) -> tuple[float, float, float]:
        """Length of S1, S1 to S2, length of S2 at the present rate."""
        s1_s, to_s2, s2_s = durations(self._basic_s)
        share, sounds = self._phantom.systole_share, self._phantom.sounds
        if share is not None:
            to_s2 = share * self._basic_s
        if sounds.s1_tone is not None:
            s1_s = max(SHORTEST_SOUND_S, sounds.s1_tone.gap_s + sounds.s1_tone.length_s)
        if sounds.s2_tone is not None:
            s2_s = max(SHORTEST_SOUND_S, sounds.s2_tone.gap_s + sounds.s2_tone.length_s)
        elif sounds.split_s is not None:
            s2_s = max(s2_s, 1.6 * sounds.split_s + 0.05)
        return s1_s, to_s2, s2_s

    def _cycle(self, s1: float) -> tuple[float, tuple[float, float]]:
        """Length of the cycle that begins now, and the loudness of its two sounds."""
        phantom, rng = self._phantom, self._rng
        draws = rng.standard_normal(3)
        chance = rng.uniform()
        self._basic_s += 0.7 * (60.0 / self._rate(s1) - self._basic_s)
        self._slow = SLOW * self._slow + np.sqrt(1.0 - SLOW**2) * draws[0]
        wobble = phantom.variability * (0.8 * self._slow + 0.6 * draws[1])
        wobble += phantom.respiratory * float(self.breath(np.array([s1]))[0])
        cycle = 60.0 / self._rate(s1) * (1.0 + wobble)
        if phantom.pattern:
            cycle *= phantom.pattern[self._count % len(phantom.pattern)]
            self._count += 1
        if phantom.irregularity:
            cycle *= float(np.exp(np.clip(phantom.irregularity * draws[2], -0.45, 0.6)))
        gains = (1.0, 1.0)
        if self._premature:  # this beat came early: it is weak, and a pause follows
            gains = (1.15, 0.55)
            cycle *= ECTOPIC_PAUSE
            self._premature = False
        elif chance < phantom.ectopic:
            cycle *= ECTOPIC_CYCLE
            self._premature = True
        return float(np.clip(cycle, MIN_CYCLE_S, MAX_CYCLE_S)), gains

    def _rate(self, t: float) -> float:
        """Set heart rate per minute at a time in s."""
        phantom = self._phantom
        if not phantom.profile:
            return phantom.rate_per_min
        times, rates = zip(*phantom.profile, strict=True)
        return float(np.interp(self._local(t), times, rates))

    def _local(self, t: float) -> float:
        repeat_s = self._phantom.repeat_s
        return t if repeat_s is None or t < 0 else t % repeat_s

    def _stopped_until(self, t: float) -> float | None:
        """End of the stop that holds at a time, None where the heart beats."""
        local = self._local(t)
        for start, end in self._phantom.stops:
            if start <= local < end:
                return math.ceil((t + end - local) * RATE_HZ - 1e-6) / RATE_HZ
        return None

    @staticmethod
    def _on_grid(t: float) -> float:
        return round(t * RATE_HZ) / RATE_HZ
