"""Fitting and scoring of the heart-cycle decoder."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from dsp.cycles.bands import BANDS, BLOCK, FEATURES
from dsp.cycles.beat import Beat
from dsp.cycles.network import TemporalNetwork, log_softmax, read_weights
from training.segmentation.augment import augment, state_seconds
from training.segmentation.data import (
    IGNORE,
    NEVER,
    Prepared,
    Recording,
    Truth,
    _without_endless,
    development,
    folds,
    with_pauses,
)
from training.segmentation.evaluate import Run, calibrate
from training.segmentation.fit import noise_bank
from training.segmentation.folds import fold_path, pooled, write_fold, written
from training.segmentation.hearts import KINDS, hear, held_hearts, sibling, training_hearts
from training.segmentation.network import Network, Shape, arrays
from training.segmentation.report import by_database, calibration, joined_calibration
from training.segmentation.score import f1, pairs, reference, score
from training.segmentation.tables import markdown


def cycle_labels(cycles, s1=6, systole=9, s2=5, diastole=20):
    return np.tile(np.repeat([0, 1, 2, 3], [s1, systole, s2, diastole]), cycles).astype(np.uint8)


def truth_of(cycles=10, first=0):
    samples, states, at = [], [], first
    for _ in range(cycles):
        for state, long in (("S1", 240), ("systole", 360), ("S2", 200), ("diastole", 800)):
            samples.append(at)
            states.append(state)
            at += long
    return Truth(np.array(samples), tuple(states)), at


def beats_of(truth, shift=0):
    at = truth.samples.reshape(-1, 4) + shift
    ends = [*at[1:, 0], None]
    return [Beat(*map(int, row), end, 0.9) for row, end in zip(at, ends, strict=True)]


def test_the_streamed_network_says_what_the_trained_one_says():
    torch.manual_seed(0)
    network = Network(Shape(channels=8)).eval()
    rng = np.random.default_rng(0)
    first, stop, blocks = 4, 113, 5
    x = rng.standard_normal((blocks * BLOCK, FEATURES)).astype(np.float32)
    inside = x[first:stop]
    with torch.no_grad():
        logits = network(torch.from_numpy(inside.T.copy())[None], torch.ones(1, 1, len(inside)))
    wanted = log_softmax(logits[0].numpy().T)
    streamed = TemporalNetwork(read_weights(arrays(network)))
    streamed.reset(0, first)
    streamed.end(stop)
    late = network.shape.ahead
    more = [np.zeros((BLOCK, FEATURES), np.float32)] * 2
    out = np.concatenate([streamed.push(b[None])[0] for b in [*np.split(x, blocks), *more]])
    np.testing.assert_allclose(out[late + first : late + stop], wanted, atol=2e-5)


def test_perfect_beats_score_one():
    truth, length = truth_of()
    counts = score(truth, length, beats_of(truth))
    assert f1(counts.matched["onset 30"].sum(), counts.wanted.sum(), counts.found.sum()) == 1
    assert counts.swapped == 0
    assert all(right for _, right in counts.cycles)


def test_the_first_border_is_neither_wanted_nor_held_against():
    truth, length = truth_of()
    beats = beats_of(truth)
    assert score(truth, length, beats).wanted.tolist() == [9, 10]
    assert score(truth, length, beats).found.tolist() == [9, 10]
    assert score(truth, length, beats[1:]).found.tolist() == [9, 9]


def test_onsets_further_off_than_the_tolerance_are_not_matched():
    truth, length = truth_of()
    counts = score(truth, length, beats_of(truth, shift=150))
    assert counts.matched["onset 60"].sum() == 0
    assert counts.matched["onset 100"].sum() == counts.wanted.sum()


def test_swapped_sounds_are_told_from_missed_ones():
    truth, length = truth_of()
    swapped = [Beat(b.s2, b.diastole, b.end, None, None, 0.5) for b in beats_of(truth)[:-1]]
    counts = score(truth, length, swapped)
    assert counts.matched["onset 100"].sum() == 0
    assert counts.swapped >= 17


def test_noise_is_neither_wanted_nor_counted():
    truth, length = truth_of(4)
    noisy = Truth(
        np.append(truth.samples, [length, length + 4000]),
        (*truth.states, "noise-begin", "noise-end"),
    )
    extra = Beat(length + 1000, length + 1200, length + 1600, length + 1800, None, 0.2)
    counts = score(noisy, length + 5000, [*beats_of(truth), extra])
    assert counts.found.tolist() == [3, 4]


def test_each_onset_is_matched_once():
    assert pairs(np.array([100, 200]), np.array([150]), 100) == [(0, 0)]
    assert len(pairs(np.array([100, 300]), np.array([90, 110, 310]), 60)) == 2


def test_the_reference_has_the_centres_of_whole_sounds():
    truth, length = truth_of(3)
    assert reference(truth, length).centres[1].tolist() == [700, 2300, 3900]


@pytest.mark.parametrize("seed", range(12))
def test_augmented_excerpts_are_finite_and_labelled(seed):
    rng = np.random.default_rng(seed)
    labels = cycle_labels(30)
    bank = noise_bank(np.random.default_rng(0), seconds=20)
    x = rng.normal(-9, 2, (len(labels), 2 * BANDS)).astype(np.float32)
    for _ in range(10):
        features, states = augment(x, labels, 600, bank, rng)
        assert features.shape == (len(states), FEATURES)
        assert features.dtype == np.float32
        assert np.isfinite(features).all()
        assert set(np.unique(states)) <= {0, 1, 2, 3, 4, IGNORE}


def test_durations_are_read_from_labels():
    assert state_seconds(cycle_labels(5)) == pytest.approx([0.12, 0.18, 0.10, 0.40])
    assert state_seconds(cycle_labels(5)[:8]) is None


def test_groups_are_never_divided_between_folds():
    items = [
        Recording(f"r{k}", "abc"[k % 3], f"g{k // 4}-{k % 3}", "normal", 1, 10.0, None)
        for k in range(120)
    ]
    fold = folds(items)
    assert set(fold) == {r.group for r in items}
    assert set(fold.values()) == set(range(5))
    assert 0 < len(development(items)) < len(fold) / 3


def test_calibration_finds_the_probability():
    rng = np.random.default_rng(0)
    evidence = np.stack([np.ones(20_000), rng.standard_normal(20_000)], axis=1)
    right = rng.random(20_000) < 1 / (1 + np.exp(-(1 + 2 * evidence[:, 1])))
    assert calibrate(evidence, right.astype(float)) == pytest.approx([1, 2], abs=0.1)


def test_the_tables_are_summed_from_the_files_of_the_folds(tmp_path):
    truth, length = truth_of()
    items, counts = [], []
    for fold in range(5):
        fold_items = [
            Recording(f"{name}{fold}", name, f"{name}{fold}", "", 1, 8.0, tmp_path, age)
            for name, age in (("a", ""), ("circor", "Infant"), ("circor", "Child"))
        ]
        found = [score(truth, length, beats_of(truth, 20 * (fold + k))) for k in range(3)]
        run = Run([0, 1, 2], found, [], [], [], cpu_s=1.0, sound_s=100.0, worst_lag=3000)
        prepared = Prepared(fold_items, [truth] * 3, [], [], [])
        write_fold(fold_path(tmp_path, fold), 5, prepared, {"streaming": run, "offline": run})
        items, counts = items + fold_items, counts + found
    result = pooled(tmp_path, 5)
    whole = by_database(items, counts)
    assert set(result["streaming"]) == set(whole)
    for name, row in whole.items():
        for key in ("f1 onset 30", "swaps per cycle", "rate of recordings", "interval onset 60"):
            assert result["streaming"][name][key] == row[key], (name, key)
    assert result["run"]["times real time"] == 100
    assert result["variant"]["steps"] == 5
    assert set(result["offline"]) == set(whole)
    assert written(tmp_path, 5) == [0, 1, 2, 3, 4]
    assert written(tmp_path, 4) == []
    fold_path(tmp_path, 4).unlink()
    assert pooled(tmp_path, 5)["streaming"]["all"]["recordings"] == 12
    with pytest.raises(FileNotFoundError, match="no fold"):
        pooled(tmp_path / "elsewhere", 5)


def test_reliabilities_join_to_that_of_all_cycles():
    rng = np.random.default_rng(0)
    cycles = [(float(p), bool(rng.random() < p)) for p in rng.random(4_000) ** 0.2]
    whole, parts = calibration(cycles), [calibration(cycles[k::3]) for k in range(3)]
    joined = joined_calibration(parts)
    assert joined["cycles"] == whole["cycles"]
    assert joined["right"] == pytest.approx(whole["right"], abs=1e-3)
    for one, other in zip(joined["bins (said, was, cycles)"], whole["bins (said, was, cycles)"],
                          strict=True):  # fmt: skip
        assert one == pytest.approx(other, abs=2e-3)
    assert joined_calibration([{}]) == {}


def test_an_annotation_that_just_stops_is_not_believed_to_its_end():
    states = ["S1", "systole", "S2", "diastole", "S1"]
    assert _without_endless([0, 200, 600, 800, 1600], states) == [*states[:4], "noise-begin"]
    assert _without_endless([0, 200, 600, 800, 9000], states)[3] == "noise-begin"
    assert NEVER > 10**12


def test_a_long_diastole_of_a_phantom_is_learnt_as_no_heart():
    labels = np.repeat([0, 1, 2, 3, 0], [6, 9, 5, 150, 6]).astype(np.uint8)
    assert (with_pauses(labels.copy(), exact=True)[70:170] == 4).all()
    np.testing.assert_array_equal(with_pauses(labels.copy(), exact=False), labels)


@pytest.mark.parametrize("kind", KINDS)
def test_hearts_of_every_kind_are_made_from_their_seed_alone(kind):
    hearts = [heart for name, heart in held_hearts(2, 12.0) if name == kind]
    again = [heart for name, heart in held_hearts(2, 12.0) if name == kind]
    learnt = [heart for name, heart in training_hearts(2, 12.0) if name == kind]
    assert hearts == again
    assert hearts[0] != hearts[1]
    assert not set(hearts) & set(learnt)
    rendering, sound = hear(hearts[0])
    assert np.isfinite(sound).all()
    assert len(rendering.beats) >= 2


@pytest.mark.parametrize("case", ["clicks", "equal", "pauses", "bigeminy"])
def test_siblings_of_a_reported_heart_differ_by_their_number(case):
    assert sibling(case, 0) == sibling(case, 0)
    assert sibling(case, 0) != sibling(case, 1)


def test_the_page_of_results_is_made_from_the_result_file():
    results = Path(__file__).resolve().parents[2] / "docs" / "results"
    page = (results / "segmentation.md").read_text(encoding="utf-8")
    tables = markdown(json.loads((results / "segmentation.json").read_text(encoding="utf-8")))
    assert tables.strip() in page, "run apexbeat-train evaluate-segmentation --tables"
