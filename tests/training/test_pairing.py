"""The experiment about swapped S1 and S2: its evidence turns with the pairing."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from dsp.phantom import Phantom, Rendering, render
from training.experiments.pairing import probability, regression, verdict
from training.experiments.pairing_evidence import (
    aligned,
    annotated_cycles,
    envelope,
    steadiness,
    whole,
)
from training.segmentation.data import Truth

Int = NDArray[np.int64]


@pytest.fixture(scope="module")
def heard() -> Rendering:
    return render(Phantom(duration_s=30.0, rate_per_min=130.0, variability=0.04, seed=5))


def other_way(cycles: Int) -> Int:
    """The cycles as one who takes S2 for S1 has them."""
    return np.stack([cycles[:-1, 1], cycles[:-1, 2], cycles[1:, 1]], axis=1)


def test_systole_is_the_steadier_gap_whichever_way_it_is_told(heard: Rendering) -> None:
    level, cycles = envelope(heard.sound), whole(heard.beats)
    assert steadiness(level, cycles) > 0.3
    assert steadiness(level, other_way(cycles)) < -0.3


def test_few_cycles_say_nothing(heard: Rendering) -> None:
    assert np.isnan(steadiness(envelope(heard.sound), whole(heard.beats)[:3]))


def test_like_sounds_are_aligned_though_their_onsets_are_told_badly(heard: Rendering) -> None:
    onsets = whole(heard.beats)[2:-4, 0] // 2
    wrong = onsets + np.random.default_rng(0).integers(-15, 16, len(onsets))
    apart = aligned(envelope(heard.sound), wrong) - onsets
    assert np.quantile(np.abs(apart - np.median(apart)), 0.9) <= 5  # ms


def test_cycles_of_an_annotation_leave_the_first_border_out(heard: Rendering) -> None:
    samples, states = zip(*heard.states, strict=True)
    cycles = annotated_cycles(Truth(np.array(samples), tuple(states)))
    assert len(cycles) > 50
    assert set(cycles[:, 0].tolist()) <= set(whole(heard.beats)[:, 0].tolist())


def test_evidence_the_other_way_round_supports_the_other_pairing() -> None:
    x = np.random.default_rng(0).normal(1.0, 1.0, (200, 2))
    weights = regression(x)
    np.testing.assert_allclose(probability(x, weights) + probability(-x, weights), 1.0)
    assert probability(x, weights).mean() > 0.8


@pytest.mark.parametrize(
    ("p", "wrong"), [(0.95, "annotation"), (0.05, "decoder"), (0.5, "undecided")]
)
def test_a_side_is_called_wrong_only_where_it_is_sure(p: float, wrong: str) -> None:
    assert verdict(p) == wrong
