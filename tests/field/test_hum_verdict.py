"""Mains hum never changes a verdict or a rate: it is taken out, or the monitor cannot tell."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from field_hearts import RATE, hear, hum, recording, seeds

from monitor import events as ev

LEVELS_DB = range(-30, -9, 2)


@cache
def clean(name):
    said = hear(recording(name))
    return said.verdict, float(np.median(said.rates))


def same(said, name):
    verdict, rate = clean(name)
    if said.verdict == "none" and "uncertain" in said.hearts:
        return True
    close = abs(float(np.median(said.rates)) - rate) <= 1.5
    return said.verdict == verdict and close


def test_the_disclosed_hum_is_named_and_changes_nothing():
    x = recording("normal.wav")
    t = np.arange(x.size) / RATE
    said = hear(x + 0.2 * np.sin(2 * np.pi * 60 * t) + 0.1 * np.sin(2 * np.pi * 180 * t))
    assert same(said, "normal.wav")
    assert said.of(ev.Quality)[0].reason == "60 Hz hum removed"
    assert len(said.of(ev.Beat)) >= 70


@pytest.mark.parametrize("name", ["normal.wav", "systolic_murmur.flac"])
@pytest.mark.parametrize("hz", [50, 60])
@pytest.mark.parametrize("seed", seeds(1, 11))
def test_hum_changes_neither_verdict_nor_rate(name, hz, seed):
    level_db = LEVELS_DB[(5 * seed + 5) % len(LEVELS_DB)]
    rng = np.random.default_rng([21, hz, seed])
    x = recording(name)
    shares = rng.uniform(0, 0.6, 4)
    said = hear(x + hum(x.size, hz + rng.uniform(-0.08, 0.08), level_db, seed, shares))
    assert same(said, name)
    assert said.raised("heart_lost", "pause", "tachycardia_extreme", "bradycardia_extreme") == []
