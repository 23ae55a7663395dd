"""The student file proves itself before it is used; anything off is one clear line."""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import sys
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from models import contract as ct
from models.contract import ModelRefused
from models.engine import calibrated
from models.engine_torchscript import open_model
from training.config import Config
from training.export import Calibration, Provenance, fold_norm, reference_window, write
from training.networks import build

CONFIG = Config(network="temporal", bands=False, options={"norm": True, "widths": [8, 8, 8]})


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A well-formed student file with random weights."""
    torch.manual_seed(5)
    path = tmp_path_factory.mktemp("good") / "student.pt"
    calibration = Calibration(temperature=2.0, bias=0.5)
    write(path, CONFIG, build(CONFIG).eval(), calibration, Provenance("t", "1", "none", "none"))
    return path


def sha_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def with_contract(good: Path, to: Path, change: Callable[[dict[str, object]], None]) -> Path:
    """Copy an archive with another contract.json."""
    with zipfile.ZipFile(good) as old, zipfile.ZipFile(to, "w") as new:
        for item in old.infolist():
            content = old.read(item)
            if item.filename.endswith(ct.EXTRA_FILE):
                contract = json.loads(content)
                change(contract)
                content = json.dumps(contract).encode()
            new.writestr(item.filename, content)
    return to


def test_a_good_file_opens_and_p_is_the_calibrated_sigmoid(good: Path) -> None:
    engine = open_model(good)
    window = reference_window()[None]
    z = engine.logits(window)
    expected = 1 / (1 + np.exp(-((z[0, 1] - z[0, 0] - 0.5) / 2.0)))
    assert engine.probability(window)[0] == pytest.approx(expected, abs=1e-7)
    assert engine.sha256 == sha_of(good)


def test_a_window_gives_the_same_logits_alone_and_among_others(good: Path) -> None:
    engine = open_model(good)
    windows = np.random.default_rng(0).standard_normal((5, 5000)).astype(np.float32)
    together = engine.logits(windows)
    alone = np.concatenate([engine.logits(w[None]) for w in windows])
    assert np.array_equal(together, alone)


def test_another_hash_is_refused_before_torch_sees_the_file(
    good: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object, **__: object) -> None:
        raise AssertionError("torch.jit.load was called")

    monkeypatch.setattr(torch.jit, "load", never)
    with pytest.raises(ModelRefused, match="not the trusted"):
        open_model(good, "0" * 64)


def test_a_missing_an_empty_and_a_huge_file_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ModelRefused, match="cannot be read"):
        open_model(tmp_path / "none.pt", "0" * 64)
    empty = tmp_path / "empty.pt"
    empty.touch()
    with pytest.raises(ModelRefused, match="is empty"):
        open_model(empty, "0" * 64)
    monkeypatch.setattr(ct, "LARGEST_FILE", 10)
    large = tmp_path / "large.pt"
    large.write_bytes(b"x" * 11)
    with pytest.raises(ModelRefused, match="larger than"):
        open_model(large, sha_of(large))


def test_a_file_without_card_or_hash_is_refused(good: Path, tmp_path: Path) -> None:
    alone = tmp_path / "alone.pt"
    alone.write_bytes(good.read_bytes())
    with pytest.raises(ModelRefused, match="--sha256"):
        open_model(alone)


@pytest.mark.parametrize("kept", [10, 1000, -100])
def test_a_damaged_archive_is_refused_in_one_line(good: Path, tmp_path: Path, kept: int) -> None:
    cut = tmp_path / "cut.pt"
    cut.write_bytes(good.read_bytes()[:kept])
    with pytest.raises(ModelRefused) as refused:
        open_model(cut, sha_of(cut))
    assert "\n" not in str(refused.value)


def test_text_is_no_archive(tmp_path: Path) -> None:
    text = tmp_path / "text.pt"
    text.write_text("no model")
    with pytest.raises(ModelRefused, match="no readable TorchScript"):
        open_model(text, sha_of(text))


CHANGES: dict[str, tuple[Callable[[dict[str, object]], object], str]] = {
    "missing key": (lambda c: c.pop("bias"), "lacks bias"),
    "foreign key": (lambda c: c.update(extra=1), "unknown key extra"),
    "schema": (lambda c: c.update(schema=9), "schema 9"),
    "thresholds": (lambda c: c.update(threshold_normal=0.9), "thresholds"),
    "temperature": (lambda c: c.update(calibration_temperature=0), "calibration_temperature"),
    "not a number": (lambda c: c.update(bias="x"), "bias"),
    "infinite": (lambda c: c.update(bias=float("inf")), "bias"),
    "window": (lambda c: c.update(window="half"), "window"),
    "weights": (lambda c: c.update(weights_sha256="0" * 64), "weights"),
    "reference": (lambda c: c.update(reference_logits=[3.0, -3.0]), "beside its reference"),
    "short reference": (lambda c: c.update(reference_window="AAAAAA=="), "reference window"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_contract_that_is_off_is_refused(good: Path, tmp_path: Path, name: str) -> None:
    change, words = CHANGES[name]
    path = with_contract(good, tmp_path / "m.pt", lambda c: change(c) and None)
    with pytest.raises(ModelRefused, match=words) as refused:
        open_model(path, sha_of(path))
    assert "\n" not in str(refused.value)


class Reader(nn.Module):
    """Reads a file when it is called."""

    def forward(self, sound: torch.Tensor) -> torch.Tensor:
        return torch.from_file("/etc/hostname", False, 2).reshape(1, 2) + sound.sum()


def test_an_operator_that_a_student_does_not_need_is_refused(good: Path, tmp_path: Path) -> None:
    contract = open_model(good).contract
    path = tmp_path / "reader.pt"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        script = torch.jit.script(Reader())
        torch.jit.save(script, str(path), _extra_files={ct.EXTRA_FILE: contract.to_json()})
    with pytest.raises(ModelRefused, match="aten::from_file"):
        open_model(path, sha_of(path))


def test_a_script_without_contract_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bare.pt"
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.save(torch.jit.script(nn.Linear(2, 2)), buffer)
    path.write_bytes(buffer.getvalue())
    with pytest.raises(ModelRefused, match=r"holds no contract\.json"):
        open_model(path, sha_of(path))


def test_folding_the_normalisation_changes_no_logit() -> None:
    torch.manual_seed(1)
    config = Config(options={"norm": True})
    network = build(config)
    network.train()
    for _ in range(3):
        network(torch.randn(8, 13, 122))
    network.eval()
    x = torch.randn(4, 13, 122)
    torch.testing.assert_close(fold_norm(network)(x), network(x), atol=1e-5, rtol=1e-4)


def test_p_stays_a_number_for_enormous_logits(good: Path) -> None:
    contract = open_model(good).contract
    p = calibrated(contract, np.array([[1e9, -1e9], [-1e9, 1e9]], dtype=np.float32))
    assert p.tolist() == [0.0, 1.0]


def test_windows_of_another_length_are_refused(good: Path) -> None:
    with pytest.raises(ValueError, match="5000"):
        open_model(good).logits(np.zeros((1, 4999), np.float32))


def test_importing_models_loads_no_torch() -> None:
    code = "import models, models.shipped, sys; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
