"""Fitting and scoring of the signal quality."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from dsp import quality_judge
from dsp.quality_features import COUNT
from dsp.quality_judge import Judge, scores, shipped
from training.datasets import States
from training.experiments.noise import counts
from training.quality.data import GOOD, NO_HEART, NOISY, Sample, mix, noise_mask
from training.quality.fit import fit, judged, margins, threshold, with_threshold, write
from training.segmentation.data import Truth

RESULTS = Path(__file__).parents[2] / "docs" / "results" / "quality.json"


def sample(source, label, middle, seed, kind="", count=2000):
    rng = np.random.default_rng(seed)
    vectors = middle + rng.standard_normal((count, COUNT))
    vectors[:, 24] = 0.0  # nothing at full scale
    labels = np.full(count, label, np.int8)
    loud = np.zeros(count, np.float32)
    return Sample(source, "x", source, source, 1, vectors.astype(np.float32), loud, labels, kind)


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)  # threads that wait for each other cost more than they give here
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def fitted(samples):
    return fit(samples)


@pytest.fixture(scope="module")
def samples():
    return [
        sample("cinc", GOOD, 0.0, 1),
        sample("cinc", NOISY, 1.0, 2),
        sample("pascal", NO_HEART, -1.0, 3),
        sample("noise", NO_HEART, -1.5, 4, "speech"),
        sample("mixed", NOISY, 1.5, 5, "rubbing"),
    ]


def test_a_fit_tells_apart_what_can_be_told_apart(samples, fitted):
    assert np.mean(margins(fitted, samples[0].vectors) > 0) > 0.9
    limits = with_threshold(fitted, 0.0)
    for bad, value in ((samples[1], "noisy"), (samples[2], "no_heart")):
        part = replace(bad, vectors=bad.vectors[:200], loud_db=bad.loud_db[:200])
        assert judged(limits, part).count(value) > 0.85 * 200


def test_the_same_seed_gives_the_same_fit(samples, fitted):
    np.testing.assert_array_equal(fit(samples).hidden, fitted.hidden)


def test_written_numbers_judge_as_what_was_fitted(samples, fitted, tmp_path, monkeypatch):
    write(fitted, tmp_path / "quality.npz")
    monkeypatch.setattr(quality_judge, "__file__", str(tmp_path / "quality_judge.py"))
    read = shipped.__wrapped__()
    assert read.kinds == fitted.kinds
    np.testing.assert_allclose(
        margins(read, samples[1].vectors), margins(fitted, samples[1].vectors), atol=1e-2
    )


def test_margins_of_many_are_those_of_the_judge(samples):
    vectors = samples[0].vectors[:5].astype(np.float64)
    limits = margins(shipped(), vectors)
    for vector, margin in zip(vectors, limits, strict=True):
        value = Judge(shipped())(scores(shipped(), vector[None])[0], 0.0)[0]
        assert (value == "good") == (margin >= shipped().threshold - 0.25)


def test_the_threshold_loses_its_share_of_clean_spans():
    values = np.linspace(0.0, 1.0, 1001)
    assert np.mean(values < threshold(values)) == pytest.approx(0.02, abs=0.002)


def test_noise_spans_are_read_to_the_end_of_the_sound():
    states = States(np.array([0, 100, 200, 300]), ("S1", "noise-begin", "noise-end", "noise-begin"))
    mask = noise_mask(states, 400)
    assert np.flatnonzero(np.diff(mask.astype(int))).tolist() == [99, 199, 299]
    assert mask[-1]


def test_a_mixture_has_the_ratio_asked_for():
    rng = np.random.default_rng(3)
    heart = np.sin(2 * np.pi * 80 * np.arange(20000) / 2000)
    added = mix(heart, "white", 0.0, rng) - heart
    assert 10 * np.log10(np.mean(heart**2) / (np.mean(added**2) * 0.38)) == pytest.approx(0, abs=1)


def test_sounds_in_bad_spans_do_not_count_as_accepted():
    marks = np.array([0, 400, 700, 1000, 1200, 1500, 1800, 2100, 2300])
    names = ("diastole", "S1", "systole", "S2", "diastole", "S1", "systole", "S2", "diastole")
    onsets = (np.array([410, 1510]), np.array([1010, 1700]))
    good = np.array([True, False, False])
    found = counts(Truth(marks, names), 3000, onsets, good)
    assert found.tolist() == [3, 4, 4, 1, 1, 1]


def test_the_published_figures_reach_their_targets():
    figures = json.loads(RESULTS.read_text(encoding="utf-8"))
    targets, seconds = figures["targets"], figures["seconds"]
    assert figures["quality_0_against_1"]["auc"] >= targets["auc"]
    assert seconds["artifact"]["not_good"] >= targets["artifact_not_good"]
    assert seconds["clean"]["not_good"] <= targets["clean_rejected"]
    assert figures["threshold"] == pytest.approx(shipped().threshold, abs=1e-3)
