"""Splits, draws, losses, figures: what must hold whatever the data."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from training.calibrate import UNSURE_P, calibrate
from training.cells import SYSTEMS
from training.config import Config, Distil, load_config, parse_config
from training.datasets import Recording
from training.distil import loss_of
from training.errors import TrainingError
from training.sampler import Sampler
from training.scores import auc, macro, platt, within
from training.splits import group_folds, split
from training.windows import WindowTable


def recordings(n: int = 300, seed: int = 0) -> list[Recording]:
    """Made-up table: six databases, groups of one to five recordings."""
    rng = np.random.default_rng(seed)
    out = []
    for i in range(n):
        database = "abcdef"[int(rng.integers(6))]
        group = f"{database}-{int(rng.integers(30))}"
        out.append(
            Recording(f"r{i}", database, int(rng.random() < 0.4), 1, group, Path(f"r{i}.flac"))
        )
    return out


def test_no_group_stands_on_both_sides_and_every_recording_is_held_out_once() -> None:
    table = recordings()
    folds = group_folds(table)
    assert sorted(n for f in folds for n in f) == sorted(r.name for r in table)
    group = {r.name: r.group for r in table}
    owners = [{group[n] for n in f} for f in folds]
    for i in range(5):
        for j in range(i):
            assert not owners[i] & owners[j]


def test_folds_hold_about_a_fifth_of_every_class_of_a_large_database() -> None:
    table = recordings(2000)
    label = {r.name: (r.database, r.label) for r in table}
    for fold in group_folds(table):
        for database in "abcdef":
            total = sum(1 for c in label.values() if c == (database, 0))
            here = sum(1 for n in fold if label[n] == (database, 0))
            assert 0.12 < here / total < 0.28


def test_a_split_is_a_function_of_the_table_alone() -> None:
    table = recordings()
    assert split(table, "S", 2) == split(list(reversed(table)), "S", 2)


def test_leaving_a_database_out_leaves_it_out() -> None:
    table = recordings()
    parts = split(table, "D", 1)
    assert {r.database for r in table if r.name in parts.test} == {"b"}
    assert {r.database for r in table if r.name in parts.train} == set("acdef")


def test_unlisted_recordings_neither_train_nor_test() -> None:
    odd = Recording("odd", "e", 0, -1, "e-unlisted", Path("odd.flac"))
    parts = split([*recordings(), odd], "S", 0)
    assert "odd" not in parts.train | parts.test


def test_draws_are_even_over_databases_and_classes() -> None:
    table = recordings(400)
    counts = np.random.default_rng(1).integers(1, 30, len(table))
    owner = np.repeat(np.arange(len(table)), counts)
    windows = WindowTable(
        np.arange(owner.size),
        np.full(owner.size, 9999),
        owner,
        tuple(r.name for r in table),
        np.array([r.label for r in table]),
    )
    train = np.arange(owner.size)
    sampler = Sampler(table, windows, train, {"e": 0.5})
    drawn = owner[train[sampler.draw(np.random.default_rng(2), 60_000)]]
    cells = [(table[k].database, table[k].label) for k in drawn]
    share = {c: cells.count(c) / len(cells) for c in set(cells)}
    assert len(share) == 12
    for (database, _), value in share.items():
        assert value == pytest.approx((0.5 if database == "e" else 1.0) / 11, abs=0.01)


def test_the_temperature_squared_keeps_the_soft_gradient_alike() -> None:
    """Hinton 2015: with T² the soft gradient hardly depends on T."""
    soft = torch.tensor([[0.3, -0.2], [-0.4, 0.5]])
    target = torch.tensor([[1.0, 0.0], [0.0, 1.0]])

    def gradient(t: float, literal: bool) -> float:
        logits = torch.zeros(2, 2, requires_grad=True)
        distil = Distil(temperature=t, alpha=0.0, literal=literal)
        loss_of(logits, target, soft, Config(distil=distil)).backward()
        assert logits.grad is not None
        return float(logits.grad.abs().sum())

    assert gradient(9, False) == pytest.approx(gradient(1, False), rel=0.05)
    assert gradient(9, True) == pytest.approx(gradient(9, False) / 81, rel=1e-4)


def test_without_a_teacher_the_loss_is_cross_entropy() -> None:
    logits, target = torch.randn(4, 2), torch.eye(2)[[0, 1, 1, 0]]
    expected = torch.nn.functional.cross_entropy(logits, target)
    assert loss_of(logits, target, None, Config(distil=Distil(alpha=0.1))) == expected


def test_auc_counts_pairs() -> None:
    rng = np.random.default_rng(4)
    label, z = rng.integers(0, 2, 60), rng.integers(0, 9, 60).astype(float)
    pairs = [(p > n) + (p == n) / 2 for p in z[label == 1].tolist() for n in z[label == 0].tolist()]
    assert auc(label, z) == pytest.approx(np.mean(pairs))
    assert np.isnan(auc(np.zeros(3, int), np.zeros(3)))


def test_a_model_that_only_knows_the_database_looks_good_pooled_and_bad_within() -> None:
    rng = np.random.default_rng(6)
    database = np.repeat(np.array(["a", "e"]), 500)
    label = (rng.random(1000) < np.where(database == "a", 0.8, 0.1)).astype(int)
    z = np.where(database == "a", 1.0, -1.0) + 0.01 * rng.standard_normal(1000)
    out = within(label, z, database)
    assert out["pooled_auc"] > 0.8
    assert abs(out["mean_auc"] - 0.5) < 0.06


def test_macro_figures_are_the_papers_kind() -> None:
    label = np.array([0, 0, 0, 1])
    z = np.array([-1.0, -1.0, 1.0, 1.0])
    out = macro(label, z)
    assert out["accuracy"] == 0.75
    assert out["recall"] == pytest.approx((2 / 3 + 1) / 2)
    assert out["precision"] == pytest.approx((1 + 1 / 2) / 2)
    assert out["specificity"] == pytest.approx(2 / 3)


def test_the_calibration_finds_a_known_bias_and_temperature() -> None:
    rng = np.random.default_rng(7)
    true = rng.normal(0, 2, 20_000)
    label = (rng.random(20_000) < 1 / (1 + np.exp(-true))).astype(int)
    bias, temperature = platt(label, 3.0 * true + 1.7, np.ones(20_000))
    assert bias == pytest.approx(1.7, abs=0.2)
    assert temperature == pytest.approx(3.0, abs=0.15)


def test_a_calibrated_p_is_the_share_of_the_abnormal_and_unsure_lies_around_a_half() -> None:
    rng = np.random.default_rng(8)
    label = rng.integers(0, 2, 2000)
    database = np.array(list("abef"))[rng.integers(0, 4, 2000)]
    z = 3 + 4 * (label - 0.5) + 2 * rng.standard_normal(2000)
    c = calibrate(label, z, database)
    p = 1 / (1 + np.exp(-(z - c.bias) / c.temperature))
    unsure = (p > c.threshold_normal) & (p < c.threshold_abnormal)
    assert (c.threshold_normal, c.threshold_abnormal) == UNSURE_P
    assert 0.05 < unsure.mean() < 0.2
    assert abs(p[unsure].mean() - label[unsure].mean()) < 0.06


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"epoch": 3}, "unknown key 'epoch'"),
        ({"augment": {"noize": 1}}, r"unknown key 'augment\.noize'"),
        ({"epochs": "many"}, "epochs"),
    ],
)
def test_a_wrong_configuration_is_one_line_that_names_the_key(
    content: dict[str, object], words: str
) -> None:
    with pytest.raises(TrainingError, match=words) as refused:
        parse_config(content)
    assert "\n" not in str(refused.value)


def test_every_system_of_the_package_can_be_read_and_its_teacher_exists() -> None:
    from training.networks import build

    paths = sorted(SYSTEMS.glob("*.toml"))
    assert paths
    for path in paths:
        config = load_config(path)
        assert config.name == path.stem
        build(config)
        for teacher in filter(None, config.distil.teacher.split(",")):
            theirs = load_config(SYSTEMS / f"{teacher}.toml")
            # The mean logit of a recording may come of other features, that of a window not.
            assert config.distil.of_recordings or theirs.mfcc == config.mfcc


def test_the_key_changes_with_the_content_and_not_with_the_name() -> None:
    assert Config(name="x").key() == Config(name="y").key()
    assert Config(epochs=3).key() != Config(epochs=4).key()


def test_a_base_lends_what_a_file_does_not_say(tmp_path: Path) -> None:
    tmp_path.joinpath("one.toml").write_text(
        'name = "one"\nepochs = 3\n[distil]\nteacher = "t"\nalpha = 0.5\n'
    )
    tmp_path.joinpath("two.toml").write_text('name = "two"\nbase = "one"\n[distil]\nalpha = 0.1\n')
    two = load_config(tmp_path / "two.toml")
    assert (two.name, two.epochs, two.distil.teacher, two.distil.alpha) == ("two", 3, "t", 0.1)
    tmp_path.joinpath("own.toml").write_text('base = "own"\n')
    with pytest.raises(TrainingError, match="its own base"):
        load_config(tmp_path / "own.toml")


def test_peers_are_taught_by_the_mean_of_the_others_and_not_by_themselves() -> None:
    config = Config(distil=Distil(peers=3, temperature=2.0, alpha=0.4))
    target = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    logits = torch.randn(3, 2, 2, generator=torch.Generator().manual_seed(3))
    whole = loss_of(logits, target, None, config)
    parts = [
        loss_of(logits[i], target, logits[[j for j in range(3) if j != i]].mean(dim=0), config)
        for i in range(3)
    ]
    assert torch.allclose(whole, torch.stack(parts).sum())


def test_processes_of_torchrun_share_the_folds_without_overlap(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from training.device import my_share

    assert my_share(range(5)) == [0, 1, 2, 3, 4]
    monkeypatch.setenv("WORLD_SIZE", "2")
    shares = []
    for rank in ("0", "1"):
        monkeypatch.setenv("RANK", rank)
        shares += my_share(range(5))
    assert sorted(shares) == [0, 1, 2, 3, 4]


def test_the_folder_of_a_run_tells_what_was_asked_for_and_what_came_of_it(tmp_path: Path) -> None:
    from training import journal

    journal.begin(tmp_path / "run", Config(name="x"), 7)
    for epoch, loss in ((1, 0.9), (2, 0.5), (2, 0.4)):  # the second epoch was trained again
        journal.epoch_done(tmp_path / "run", epoch, loss, 1e-3, 2.0)
    journal.end(tmp_path / "run")
    assert [row["loss"] for row in journal.read(tmp_path / "run")] == [0.9, 0.4]
    asked = json.loads((tmp_path / "run" / "config.json").read_text())
    assert (asked["name"], asked["seed"]) == ("x", 7)
    assert "torch" in json.loads((tmp_path / "run" / "environment.json").read_text())["packages"]
    assert (tmp_path / "run" / "curve.svg").read_text().startswith("<?xml")
