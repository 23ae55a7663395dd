"""Damaged and hostile models: refused in one line, before any code in them runs."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
import torch
from fuzz_hostile import archives
from fuzz_mutate import mutate

from models import shipped
from models.contract import ModelRefused
from models.engine_torchscript import open_model

NAMES = (
    "pickle.pt",
    "torch_save.pt",
    "zip_with_pickle.pt",
    "zip_bomb.pt",
    "script_with_setstate.pt",
)


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, bytes]]:
    mark = tmp_path_factory.mktemp("hostile") / "mark"
    made = archives(mark, bomb_mib=64)
    mark.unlink(missing_ok=True)
    return mark, made


@pytest.mark.parametrize("name", NAMES)
def test_a_hostile_archive_is_refused_under_its_own_hash_before_any_code_runs(
    name: str, hostile: tuple[Path, dict[str, bytes]], tmp_path: Path
) -> None:
    mark, made = hostile
    file = tmp_path / name
    file.write_bytes(made[name])
    with pytest.raises(ModelRefused) as refused:
        open_model(file, hashlib.sha256(made[name]).hexdigest())
    assert "\n" not in str(refused.value)
    assert not mark.exists()


def test_the_hostile_script_really_runs_code_where_it_is_only_loaded(
    hostile: tuple[Path, dict[str, bytes]], tmp_path: Path
) -> None:
    mark, made = hostile
    file = tmp_path / "script.pt"
    file.write_bytes(made["script_with_setstate.pt"])
    torch.jit.load(file)
    assert mark.exists()
    mark.unlink()


def test_a_thousand_damaged_models_are_refused_by_their_hash_and_not_looked_into(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = shipped.path_of(shipped.STUDENT).read_bytes()
    trusted = shipped.pins()[shipped.STUDENT]
    damaged = tmp_path / "damaged.pt"

    def never(*_: object, **__: object) -> None:
        raise AssertionError("a damaged file was looked into")

    monkeypatch.setattr("models.engine_torchscript.check_archive", never)
    monkeypatch.setattr(torch.jit, "load", never)
    refused = 0
    for k in range(1000):
        mutant = mutate(content, np.random.default_rng([26, k]), content)
        damaged.write_bytes(mutant)
        if mutant == content:
            continue
        with pytest.raises(ModelRefused, match=r"trusted|empty|larger"):
            open_model(damaged, trusted)
        refused += 1
    assert refused > 900
