"""Onsets between frames."""

import numpy as np
import pytest

from dsp.cycles.onsets import BINS, INPUTS, REACH, OnsetRefiner, loudness

RNG = np.random.default_rng(0)
ONSETS = {
    "onset.0": RNG.standard_normal((INPUTS, 8)).astype(np.float32),
    "onset.1": RNG.standard_normal((8, 8)).astype(np.float32),
    "onset.2": RNG.standard_normal((8, 1)).astype(np.float32),
}


@pytest.mark.parametrize("piece", [1, 7, 1000, 50_000])
def test_an_onset_moves_the_same_however_the_sound_came(piece):
    sound = np.random.default_rng(1).standard_normal(60_000)
    refiner = OnsetRefiner(ONSETS, history=2_000)
    refiner.reset(100)
    told = []
    for begin in range(0, 6_000 if piece == 1 else 60_000, piece):
        refiner.push(sound[begin : begin + piece])
        if begin + piece >= 5_000 and not told:
            told = [refiner.refine(frame, second=bool(frame % 2)) for frame in range(90, 110)]
    whole = OnsetRefiner(ONSETS, history=2_000)
    whole.reset(100)
    whole.push(sound)
    assert told == [whole.refine(frame, second=bool(frame % 2)) for frame in range(90, 110)]
    assert all(
        abs(at - 40 * frame) <= REACH for at, frame in zip(told, range(90, 110), strict=True)
    )


def test_the_sound_that_is_remembered_does_not_grow():
    refiner = OnsetRefiner(ONSETS, history=2_000)
    for _ in range(200):
        refiner.push(np.zeros(1_000))
        assert len(refiner._buffer) <= 8_000


def test_without_weights_onsets_stay_on_the_grid():
    assert OnsetRefiner({}, history=10).refine(7, second=False) == 280


def test_loudness_does_not_depend_on_the_level():
    sound = RNG.standard_normal(BINS * 8).astype(np.float32)
    np.testing.assert_allclose(loudness(sound), loudness(1e-2 * sound), atol=1e-3)
