"""A teacher's mean logit of a recording never comes from one that trained on it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from training.augment import cut
from training.batches import span
from training.config import Config, Distil
from training.datasets import Recording
from training.errors import TrainingError
from training.fit import _Taught
from training.soft_targets import recording_targets
from training.splits import FOLDS, PAIRS, split

TEACHER = Config(name="big", view_s=5.0)
NAMES = [f"r{i}" for i in range(50)]
RECORDINGS = [
    Recording(n, "abcdef"[i % 6], i % 2, 1, f"g{i // 2}", Path("x")) for i, n in enumerate(NAMES)
]


def _cells(folder: Path, key: str = TEACHER.key()) -> None:
    """Every cell of protocols S and N; z tells which cell it is of."""
    folder.mkdir()
    for protocol, count in (("S", FOLDS), ("N", len(PAIRS))):
        for fold in range(count):
            held = sorted(split(RECORDINGS, protocol, fold).test)
            z = fold + (100 if protocol == "N" else 0)
            content = {"fold": fold, "key": key, "records": {n: [z, 1] for n in held[:-1]}}
            content["further"] = {"circor": {held[-1]: [z, 1, 0]}}
            (folder / f"big__{protocol}__{fold}__0.json").write_text(json.dumps(content))


def test_both_folds_of_a_pair_are_held_out_and_every_pair_is_there() -> None:
    for number, (i, j) in enumerate(PAIRS):
        both = split(RECORDINGS, "S", i).test | split(RECORDINGS, "S", j).test
        assert split(RECORDINGS, "N", number).test == both
    assert len(set(PAIRS)) == FOLDS * (FOLDS - 1) // 2


@pytest.mark.parametrize("fold", range(FOLDS))
def test_a_target_is_of_a_teacher_that_trained_on_neither_the_recording_nor_the_test(
    tmp_path: Path, fold: int
) -> None:
    _cells(tmp_path / "cells")
    parts = split(RECORDINGS, "S", fold)
    found = recording_targets([TEACHER], [0], "S", fold, parts.test, tmp_path / "cells")
    assert set(found) == parts.train
    for name, z in found.items():
        teacher = split(RECORDINGS, "N", int(z) - 100)
        assert name in teacher.test
        assert not teacher.train & parts.test


def test_what_ships_is_taught_by_the_fold_that_held_a_recording_out(tmp_path: Path) -> None:
    _cells(tmp_path / "cells")
    found = recording_targets([TEACHER], [0], "all", 0, frozenset(), tmp_path / "cells")
    assert set(found) == set(NAMES)
    assert all(name in split(RECORDINGS, "S", int(z)).test for name, z in found.items())


def test_a_teacher_that_is_not_finished_or_another_is_one_line(tmp_path: Path) -> None:
    _cells(tmp_path / "cells", key="another")
    with pytest.raises(TrainingError, match="0 of 4 cells finished") as refused:
        recording_targets([TEACHER], [0], "S", 0, frozenset(), tmp_path / "cells")
    assert "--protocol N" in str(refused.value)
    with pytest.raises(TrainingError, match="protocol D"):
        recording_targets([TEACHER], [0], "D", 0, frozenset(), tmp_path / "cells")


def test_a_window_with_a_made_up_murmur_is_taught_as_abnormal() -> None:
    class _Table:
        labels = np.array([0, 1])
        recording = np.array([0, 0, 1])

    class _Data:
        table = _Table()

    config = replace(Config(), distil=Distil(teacher="big", of_recordings=True))
    z = np.array([-2.0, -2.0, 3.0])
    taught = _Taught(config, _Data(), np.arange(3), None, z)  # type: ignore[arg-type]
    target = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]])
    soft = taught.logits(torch.zeros(3, 1, 1), np.arange(3), target)
    assert soft is not None
    assert (soft[:, 1] - soft[:, 0]).tolist() == [-2.0, 3.0, 3.0]


def test_a_long_view_begins_again_where_the_recording_ends() -> None:
    assert span(TEACHER)[1] == TEACHER.mfcc.frames_of(10_000)
    grid = torch.arange(20, dtype=torch.float16)[:, None]
    first, room = torch.tensor([2, 5]), torch.tensor([3, 10])
    found = cut(grid, first, 7, None, room)[:, :, 0]
    assert found[0].tolist() == [2, 3, 4, 2, 3, 4, 2]
    assert found[1].tolist() == [5, 6, 7, 8, 9, 10, 11]
    faster = cut(grid, first, 4, torch.tensor([2.0, 2.0]), room)[:, :, 0]
    assert faster[0].tolist() == [2, 4, 3, 2]
