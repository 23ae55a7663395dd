"""Springer's envelopes and the logistic emission of the publications."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsp.cycles.decoder import CycleDecoder
from dsp.cycles.durations import DurationSettings, build
from dsp.cycles.model import CycleModel, Scoring
from dsp.envelope import ENVELOPES, FRAME, Envelopes

SOUND = np.random.default_rng(0).standard_normal(9_017)
RR_S = np.array([0.27, 0.6, 1.0, 2.0])
SYSTOLE_S = np.array([0.14, 0.26, 0.345, 0.405])


def stream(sound, cuts=(), index=0):
    stage = Envelopes()
    stage.reset(index)
    parts = [stage.push(part) for part in np.split(sound, sorted(cuts))]
    return np.concatenate([*parts, stage.flush()])


def logistic_model():
    weights = {
        "logistic.weight": np.array(
            [[2.3, -0.9, 0.9, -2.3], [-0.6, 0.1, 0.2, 0.3], [0.2, 0, 0.2, -0.4], [0.4, -1, 0, 0.6]],
            np.float32,
        ),
        "logistic.bias": np.array([-0.6, 0.1, -0.1, 0.6], np.float32),
    }
    return CycleModel(
        "logistic", weights, DurationSettings(RR_S, SYSTOLE_S), Scoring(scale=0.2, prior_share=1.0)
    )


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(0, len(SOUND)), max_size=20), st.integers(0, 5_000))
def test_envelopes_do_not_depend_on_how_the_sound_is_cut(cuts, index):
    np.testing.assert_array_equal(stream(SOUND, cuts, index), stream(SOUND, index=index))


def test_there_is_one_frame_for_each_whole_20_ms():
    assert stream(SOUND).shape == (len(SOUND) // FRAME, ENVELOPES)


def test_all_four_envelopes_peak_where_the_sound_is():
    sound = np.zeros(8_000)
    sound[4_000:4_040] = np.sin(2 * np.pi * 60 * np.arange(40) / 2_000)
    assert np.abs(stream(sound).argmax(axis=0) - 100).max() <= 1


def test_the_hilbert_envelope_of_a_sine_is_its_amplitude():
    sine = 0.3 * np.sin(2 * np.pi * 100 * np.arange(8_000) / 2_000)
    assert stream(sine)[20:-20, 1] == pytest.approx(0.3, rel=0.02)


@settings(max_examples=8, deadline=None)
@given(st.lists(st.integers(0, 16_000), max_size=10))
def test_beats_of_the_logistic_emission_do_not_depend_on_how_the_sound_is_cut(cuts):
    sound = np.random.default_rng(1).standard_normal(16_000)
    sound *= (
        0.02 + (np.arange(16_000) % 1_600 < 200) + 0.7 * (np.arange(16_000) % 1_600 // 200 == 3)
    )

    def decode(places):
        decoder = CycleDecoder(logistic_model())
        parts = [decoder.push(part) for part in np.split(sound, sorted(places))]
        return [b for d in [*parts, decoder.flush()] for b in d.beats]

    whole = decode([])
    assert decode(cuts) == whole
    assert len([b for b in whole if b.s1 is not None]) >= 8


def test_durations_are_probabilities_between_30_and_220_per_minute():
    durations = build(DurationSettings(RR_S, SYSTOLE_S))
    assert np.exp(durations.switch).sum(axis=1) == pytest.approx(1.0, abs=0.1)
    assert durations.rr.min() == pytest.approx(50 * 60 / 220, rel=0.05)
    assert durations.rr.max() == pytest.approx(50 * 2.0, rel=0.05)
    assert (np.diff(durations.cycle_survival, axis=1) <= 1e-9).all()
    latest = (durations.systole > -1e8).argmin(axis=1)
    assert (durations.shortest >= 13).all()
    assert latest.max() < durations.systole.shape[1]
