"""Mains hum: found, subtracted, for every way of cutting, and never where there is none."""

from __future__ import annotations

import numpy as np
import pytest

from dsp.chain import Chain
from dsp.hum import HumRemoval
from dsp.phantom import Phantom, render

HEART = render(Phantom(duration_s=20.0, seed=3)).sound
HEART = HEART / np.abs(HEART).max() * 0.5
T = np.arange(HEART.size) / 2000


def hum(hz, level_db, harmonics=(1.0, 0.5, 0.3)):
    amplitude = 0.5 * 10 ** (level_db / 20)
    parts = [a * np.sin(2 * np.pi * hz * (k + 1) * T + k) for k, a in enumerate(harmonics)]
    return amplitude * np.sum(parts, axis=0)


def cleaned(x, size=20_000, index=0):
    stage = HumRemoval()
    stage.reset(index)
    parts = [stage.push(x[at : at + size]) for at in range(0, len(x), size)]
    return np.concatenate([*parts, stage.flush()]), stage


def test_sound_without_hum_passes_bit_for_bit():
    out, stage = cleaned(HEART)
    assert np.array_equal(out, HEART)
    assert stage.over(0, HEART.size) == 0


@pytest.mark.parametrize("hz", [50, 60, 49.93, 60.07])
@pytest.mark.parametrize("level_db", [-30, -20, -10])
def test_hum_is_found_and_taken_out(hz, level_db):
    added = hum(hz, level_db)
    out, stage = cleaned(HEART + added)
    rest = (out - HEART).reshape(-1, 2000).std(axis=1) / added.std()
    assert 20 * np.log10(np.median(rest)) < -20
    assert 20 * np.log10(rest.max()) < -14
    assert stage.over(0, HEART.size) == round(hz / 10) * 10


def test_harmonics_alone_are_hum_too():
    _, stage = cleaned(HEART + hum(60, -20, (0.0, 1.0, 0.0)))
    assert stage.over(0, HEART.size) == 60


@pytest.mark.parametrize("size", [1, 7, 499, 500, 501, 2000, 3999, 4001, 40_000])
def test_the_output_does_not_depend_on_the_cutting(size):
    x = (HEART + hum(50, -15))[: 8000 if size < 10 else None]
    assert np.array_equal(cleaned(x, size)[0], cleaned(x)[0])


def test_it_starts_anywhere_and_short_sound_passes():
    x = HEART + hum(50, -15)
    out, stage = cleaned(x, index=1_234_567)
    assert out.size == x.size
    assert stage.over(1_234_567, 1_240_000) == 50
    assert np.array_equal(cleaned(x[:3000])[0], x[:3000])
    assert cleaned(x[:0])[0].size == 0


def test_hum_that_comes_and_goes_is_followed():
    added = hum(50, -15)
    added[:12_000] = added[28_000:] = 0
    out, stage = cleaned(HEART + added)
    error = np.abs(out - HEART)
    assert not error[:12_000].any()
    assert error[22_000:28_000].std() < 0.15 * added.std()
    assert not error[32_000:].any()
    assert stage.over(0, 12_000) == 0
    assert stage.over(24_000, 26_000) == 50
    assert stage.over(34_000, 40_000) == 0


@pytest.mark.parametrize("hz", [47.0, 53.0, 70.0, 125.0])
def test_a_tone_that_is_no_mains_stays(hz):
    x = HEART + 0.05 * np.sin(2 * np.pi * hz * T)
    assert np.array_equal(cleaned(x)[0], x)


def test_noise_and_breath_stay():
    rng = np.random.default_rng(1)
    for x in (rng.standard_normal(40_000), np.cumsum(rng.standard_normal(40_000))):
        assert np.array_equal(cleaned(x)[0], x)


def test_the_chain_takes_it_out_of_both_its_outputs():
    frames = (HEART + hum(60, -15)).astype(np.float32)[:, None]
    chain = Chain(2000)
    filtered, raw = chain.push(frames), chain.raw
    clean = Chain(2000)
    expected = clean.push(HEART.astype(np.float32)[:, None])
    size = min(raw.size, clean.raw.size)
    assert (raw[:size] - clean.raw[:size]).std() < 0.1 * hum(60, -15).std()
    assert (filtered[:size] - expected[:size]).std() < 0.1 * hum(60, -15).std()
    assert chain.hum_hz(0, 20_000) == 60
    chain.reset(50_000)
    assert chain.hum_hz(50_000, 60_000) == 0
