"""The ONNX file gives the logits of the TorchScript file, and is refused as readily."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from models import engine_onnx, engine_torchscript
from models.contract import ModelRefused
from training.config import Config
from training.export import Calibration, Provenance, classifier, write
from training.export_onnx import write_onnx
from training.networks import build

pytest.importorskip("onnxruntime")


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with one model as student.pt and student.onnx."""
    folder = tmp_path_factory.mktemp("pair")
    torch.manual_seed(6)
    options = {"norm": True, "widths": [8, 8, 8]}
    config = Config(network="temporal", bands=False, deviation="window", options=options)
    network = build(config).eval()
    write(folder / "student.pt", config, network, Calibration(), Provenance("t", "1", "n", "n"))
    contract = engine_torchscript.open_model(folder / "student.pt").contract
    write_onnx(folder / "student.onnx", classifier(config, network), contract)
    return folder


def test_both_engines_give_the_same_logits_to_a_hundred_thousandth(pair: Path) -> None:
    script = engine_torchscript.open_model(pair / "student.pt")
    onnx = engine_onnx.open_model(pair / "student.onnx")
    windows = np.random.default_rng(1).standard_normal((20, 5000)).astype(np.float32)
    assert np.abs(script.logits(windows) - onnx.logits(windows)).max() < 1e-5
    assert script.contract == onnx.contract


def test_a_changed_onnx_file_is_refused(pair: Path, tmp_path: Path) -> None:
    content = (pair / "student.onnx").read_bytes()
    path = tmp_path / "m.onnx"
    path.write_bytes(content + b"x")
    with pytest.raises(ModelRefused, match="not the trusted"):
        engine_onnx.open_model(path, hashlib.sha256(content).hexdigest())
    path.write_bytes(content[:-500])
    with pytest.raises(ModelRefused) as refused:
        engine_onnx.open_model(path, hashlib.sha256(content[:-500]).hexdigest())
    assert "\n" not in str(refused.value)


def test_the_onnx_engine_needs_no_torch(pair: Path) -> None:
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "from models import engine_onnx\n"
        f"engine_onnx.open_model({str(pair / 'student.onnx')!r})"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
