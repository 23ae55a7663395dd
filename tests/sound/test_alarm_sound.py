"""Alarm tones keep to IEC 60601-1-8; the bell rings where no tone can be played."""

from __future__ import annotations

import threading
from itertools import pairwise

import numpy as np
import pytest
from clocks import VirtualClock

from monitor.events import Priority
from monitor.sound.output import BELL_S, HANG_S, AlarmSound
from monitor.sound.tones import PATTERNS, burst

RATE = 48000
PULSES = {"high": 10, "medium": 3, "low": 1}
PULSE_S = {"high": (0.075, 0.2), "medium": (0.125, 0.25), "low": (0.125, 0.25)}
BETWEEN_BURSTS_S = {"high": (2.5, 15.0), "medium": (2.5, 30.0), "low": (15.0, 60.0)}


@pytest.mark.parametrize("priority", list(PATTERNS))
def test_pulses_and_pauses_are_those_of_the_standard(priority: Priority) -> None:
    pattern = PATTERNS[priority]
    assert len(pattern.onsets_s) == PULSES[priority]
    low, high = PULSE_S[priority]
    assert low <= pattern.pulse_s <= high
    low, high = BETWEEN_BURSTS_S[priority]
    assert low <= pattern.between_bursts_s <= high


def test_the_high_pattern_is_three_and_two_twice() -> None:
    pattern = PATTERNS["high"]
    gaps = [b - a - pattern.pulse_s for a, b in pairwise(pattern.onsets_s)]
    spacing = gaps[0]
    assert 0.05 <= spacing <= 0.125
    assert gaps[1] == gaps[3] == pytest.approx(spacing)
    assert gaps[2] == pytest.approx(2 * spacing + pattern.pulse_s, abs=0.001)
    assert 0.35 <= gaps[4] <= 1.3


@pytest.mark.parametrize("priority", list(PATTERNS))
def test_tones_lie_above_the_analysed_band(priority: Priority) -> None:
    sound = burst(priority, RATE, 0.7)
    assert np.abs(sound).max() == pytest.approx(0.7, abs=1e-6)
    power = np.abs(np.fft.rfft(sound)) ** 2
    hertz = np.fft.rfftfreq(len(sound), 1 / RATE)
    assert power[hertz < 400].sum() < 0.01 * power.sum()
    assert all(450 <= note <= 1000 for note in PATTERNS[priority].notes_hz)


def test_four_harmonics_within_15_db_of_the_fundamental() -> None:
    sound = burst("medium", RATE, 0.7)
    note = PATTERNS["medium"].notes_hz[0]
    pulse = sound[: round(0.2 * RATE)]
    power = np.abs(np.fft.rfft(pulse, RATE)) ** 2
    peaks = [power[round(k * note) - 3 : round(k * note) + 4].max() for k in range(1, 6)]
    assert all(10 * np.log10(peaks[0] / peak) < 15 for peak in peaks)
    assert 4 * note < 4000


class PlayedTones:
    def __init__(self, fails: bool = False) -> None:
        self.clock = VirtualClock()
        self.tones: list[tuple[float, Priority]] = []
        self.bells: list[float] = []
        self.fails = fails
        self.played = threading.Semaphore(0)
        self.sound = AlarmSound(self.play, self.bell, self.clock)

    def play(self, priority: Priority, cut: threading.Event) -> None:
        self.played.release()
        if self.fails:
            raise OSError("no output")
        self.tones.append((self.clock.now, priority))

    def bell(self) -> None:
        self.bells.append(self.clock.now)

    def run(self, seconds: float) -> None:
        for _ in range(round(seconds * 10)):
            self.clock.now += 0.1
            self.sound.tick()
            if self.sound._busy is not None:
                self.sound._busy.join(10)


def test_bursts_repeat_at_the_pace_of_their_priority_until_it_is_over() -> None:
    heard = PlayedTones()
    heard.run(1)
    assert heard.tones == []
    heard.sound.set("medium")
    heard.run(30)
    starts = [at for at, _ in heard.tones]
    period = PATTERNS["medium"].burst_s + PATTERNS["medium"].between_bursts_s
    assert [b - a for a, b in pairwise(starts)] == pytest.approx([period] * 3, abs=0.11)
    heard.sound.set(None)
    heard.run(30)
    assert len(heard.tones) == len(starts)


def test_a_higher_priority_is_heard_at_once() -> None:
    heard = PlayedTones()
    heard.sound.set("low")
    heard.run(1)
    heard.sound.set("high")
    heard.run(0.2)
    assert [priority for _, priority in heard.tones] == ["low", "high"]


def test_the_bell_rings_where_no_tone_can_be_played_and_tones_are_tried_again() -> None:
    heard = PlayedTones(fails=True)
    heard.sound.set("high")
    heard.run(20)
    assert len(heard.bells) >= 20 / BELL_S["high"] - 2
    assert heard.sound.failure == "no output"
    heard.fails = False
    heard.run(40)
    assert heard.tones
    assert heard.sound.failure is None


def test_an_output_that_hangs_is_answered_by_the_bell() -> None:
    clock, bells, release = VirtualClock(), [], threading.Event()
    sound = AlarmSound(lambda *_: release.wait(20) and None, lambda: bells.append(clock.now), clock)
    sound.set("high")
    for _ in range(round((PATTERNS["high"].burst_s + HANG_S + 5) * 10)):
        clock.now += 0.1
        sound.tick()
    assert bells
    assert sound.failure == "the audio output hangs"
    assert not sound.close(0.01)
    release.set()
    assert sound.close(10)


def test_a_burst_is_cut_short_when_it_is_over_or_something_higher_comes() -> None:
    begun = threading.Event()
    cuts: list[bool] = []

    def play(priority: Priority, cut: threading.Event) -> None:
        begun.set()
        cuts.append(cut.wait(20))

    sound = AlarmSound(play, lambda: None, VirtualClock())
    sound.set("low")
    sound.tick()
    assert begun.wait(10)
    sound.set("high")
    assert sound.close(10)
    assert cuts == [True]
