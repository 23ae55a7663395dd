"""Clicks of valves, pauses, beats in pairs, equal sounds, and too few windows."""

from __future__ import annotations

import numpy as np
import pytest
from field_hearts import RATE, hear, heart, recording, seeds

from monitor import events as ev


def found(said, per_min, share=0.95):
    """Rates after the first ten lines; nearly all within 3/min, from the beginning to the end."""
    lines = said.of(ev.Vitals)[10:]
    right = [v for v in lines if v.rate is not None and abs(v.rate - per_min) <= 3]
    return len(right) >= share * len(lines)


def test_the_disclosed_clicks_are_a_heart():
    said = hear(heart([0.85] * 50, 0.32, (150, 0.03), (165, 0.03), 0.9, seed=8))
    assert found(said, 60 / 0.85)
    assert said.raised("heart_lost", "bradycardia", "bradycardia_extreme") == []


@pytest.mark.parametrize("seed", seeds(2, 20))
def test_clicks_of_valves_are_a_heart(seed):
    rng = np.random.default_rng([34, seed])
    cycle, hz = rng.uniform(0.65, 1.05), rng.uniform(120, 220)
    first, second = ((hz * ratio, rng.uniform(0.025, 0.04)) for ratio in (1.0, 1.1))
    systole = rng.uniform(0.34, 0.42) * cycle
    loud = rng.uniform(0.7, 1.0)
    said = hear(heart([cycle] * 45, systole, first, second, loud, seed=seed))
    assert found(said, 60 / cycle)
    assert said.raised("heart_lost", "tachycardia_extreme", "bradycardia_extreme") == []


def test_the_disclosed_pauses_are_lines_and_alarms():
    said = hear(heart(([0.8] * 12 + [5.0]) * 5, seed=5))
    pauses = said.of(ev.Pause)
    assert len(pauses) == 4  # the fifth is not over
    assert all(abs(p.length / RATE - 5.0) < 0.2 for p in pauses)
    assert [priority for priority, _ in said.raised("pause")] == ["medium"] * 4
    assert said.raised("heart_lost") == []


@pytest.mark.parametrize("seed", seeds(2, 20))
def test_a_pause_is_found_and_a_shorter_one_is_none(seed):
    rng = np.random.default_rng([31, seed])
    cycle, pause = rng.uniform(0.7, 1.0), rng.uniform(3.4, 5.2)
    cycles = [cycle] * 15 + [pause] + [cycle] * 12
    said = hear(heart(cycles, seed=seed, noise=10 ** rng.uniform(-2.5, -1.9)))
    assert [abs(p.length / RATE - pause) < 0.25 for p in said.of(ev.Pause)] == [True]
    assert len(said.raised("pause")) == 1
    shorter = [cycle] * 15 + [rng.uniform(1.7, 2.7)] + [cycle] * 12
    assert hear(heart(shorter, seed=seed)).of(ev.Pause) == []


def test_a_slow_heart_has_no_pauses():
    said = hear(heart([1.7] * 30, seed=2))
    assert said.of(ev.Pause) == []
    assert said.raised("heart_lost", "pause") == []


@pytest.mark.parametrize("seed", seeds(3, 30))
def test_a_very_slow_heart_is_alarmed_as_one(seed):
    """Four beats in eight seconds were asked for: complete block was a poor signal."""
    rng = np.random.default_rng([33, seed])
    slow = 60 / rng.uniform(30, 38)
    before = [0.75] * (24 * (seed % 2))  # from the beginning, or all at once
    cycles = [*before, *(slow * (1 + 0.012 * rng.standard_normal(25)))]
    said = hear(heart(cycles, noise=10 ** rng.uniform(-2.6, -2.2), seed=seed))
    ((priority, at_s),) = said.raised("bradycardia_extreme")
    assert priority == "high"
    assert at_s <= sum(before) + 25
    assert said.rates[-1] == pytest.approx(60 / slow, rel=0.04)
    assert said.raised("heart_lost", "pause") == []


@pytest.mark.parametrize("seed", seeds(2, 20))
def test_a_racing_heart_in_noise_or_beyond_full_scale_is_never_passed_over(seed):
    """It was shown with its rate and no alarm, or heard and without a word."""
    rng = np.random.default_rng([35, seed])
    cycle = 60 / rng.uniform(158, 180)
    sound = heart(cycle * (1 + 0.01 * rng.standard_normal(150)), seed=seed)
    noise = rng.standard_normal(sound.size) * 10 ** rng.uniform(-2.2, -1.6)
    said = hear(sound + noise)
    assert [priority for priority, _ in said.raised("tachycardia_extreme")] == ["high"]
    said = hear(sound * 2.5 * 10 ** rng.uniform(0.2, 0.5))
    assert said.raised("tachycardia_extreme", "poor_signal")


def test_the_disclosed_bigeminy_is_beats_per_time_and_irregular():
    said = hear(heart([0.5, 1.1] * 40, seed=5))
    assert float(np.median(said.rates)) == pytest.approx(75, abs=3)
    assert max(said.rates) < 85
    assert len(said.raised("irregular")) == 1


@pytest.mark.parametrize("seed", seeds(2, 20))
def test_beats_in_pairs_have_a_steady_rate(seed):
    rng = np.random.default_rng([32, seed])
    short, long = rng.uniform(0.5, 0.6), rng.uniform(0.95, 1.2)
    said = hear(heart([short, long] * 25, seed=seed))
    assert float(np.median(said.rates)) == pytest.approx(120 / (short + long), rel=0.06)


@pytest.mark.parametrize("seed", seeds(2, 20))
def test_equal_sounds_never_raise_a_high_alarm(seed):
    rng = np.random.default_rng([33, seed])
    cycle = 0.75 if seed == 0 else rng.uniform(0.7, 0.8)
    loud = 0.9 if seed == 0 else rng.uniform(0.85, 1.0)
    said = hear(heart([cycle] * 60, cycle / 2, (60, 0.11), (60, 0.09), loud, seed=6 + seed))
    assert all(priority != "high" for priority, _ in said.raised("tachycardia_extreme"))
    for line in said.of(ev.Vitals)[10:]:
        if line.rate is not None and abs(line.rate - 60 / cycle) > 8:
            assert line.other == pytest.approx(60 / cycle, abs=8)


def test_a_real_fast_heart_is_still_alarmed():
    said = hear(heart([0.37] * 90, seed=4))
    assert [priority for priority, _ in said.raised("tachycardia_extreme")][:1] == ["high"]


def test_three_seconds_are_no_verdict():
    said = hear(recording("systolic_murmur.flac")[:6100])
    assert said.verdict == "none"
    assert said.of(ev.Verdict)[-1].reason.startswith("listening")
