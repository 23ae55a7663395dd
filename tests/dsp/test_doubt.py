"""Onsets between frames, and the doubt about what is told."""

import numpy as np
import pytest

from dsp.cycles.doubt import CYCLE_FEATURES, FEATURES, OUTCOMES, Doubt, probabilities
from dsp.cycles.onsets import BINS, INPUTS, REACH, OnsetRefiner, loudness

RNG = np.random.default_rng(0)
ONSETS = {
    "onset.0": RNG.standard_normal((INPUTS, 8)).astype(np.float32),
    "onset.1": RNG.standard_normal((8, 8)).astype(np.float32),
    "onset.2": RNG.standard_normal((8, 1)).astype(np.float32),
}
DOUBT = {
    "doubt.0": RNG.standard_normal((FEATURES + 1, 4)).astype(np.float32),
    "doubt.1": RNG.standard_normal((5, OUTCOMES)).astype(np.float32),
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


def test_outcomes_are_probabilities():
    p = probabilities(RNG.standard_normal((20, FEATURES)).astype(np.float32), DOUBT)
    assert p.shape == (20, OUTCOMES)
    np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-5)


def test_what_alternates_from_cycle_to_cycle_is_seen():
    def seen(lengths):
        doubt, at = Doubt({}), 0
        for length in lengths:
            doubt.update(np.full((4, 5), 0.2), [at, None, at + 10, None, at + length])
            at += length
        return float(doubt.features[-3])

    assert seen([30, 50] * 20) > 0.4
    assert seen([40, 40] * 20) < 0.05


def test_a_cut_cycle_brings_no_evidence_and_changes_nothing():
    doubt = Doubt(DOUBT)
    first = doubt.update(np.full((4, 5), 0.2), [0, 5, 15, 20, 40])
    assert doubt.update(np.full((4, 5), 0.9), [40, 45, None, None, None]) == first
    assert doubt.update(np.full((4, 5), 0.9), [None, None, 60, 65, 80]) == first


def test_the_features_of_a_cycle_name_its_systole_and_length():
    doubt = Doubt({})
    doubt.update(np.zeros((4, 5)), (100, None, 116, None, 150))
    assert doubt.features[CYCLE_FEATURES - 2 : CYCLE_FEATURES] == pytest.approx([0.32, 0.0])
