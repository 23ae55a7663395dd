"""The ONNX file gives the logits of the TorchScript file, and is refused as readily."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch

import models.shipped
from models import engine_onnx, engine_torchscript
from models.contract import ModelRefused
from models.onnx_file import check_onnx
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


def refusal(model: onnx.ModelProto, path: Path) -> str:
    content = model.SerializeToString()
    path.write_bytes(content)
    with pytest.raises(ModelRefused) as refused:
        engine_onnx.open_model(path, hashlib.sha256(content).hexdigest())
    assert "\n" not in str(refused.value)
    return str(refused.value)


def test_what_a_student_does_not_need_is_refused_before_onnxruntime_sees_it(
    pair: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import onnxruntime

    def never(*_: object, **__: object) -> None:
        raise AssertionError("it was opened")

    monkeypatch.setattr(onnxruntime, "InferenceSession", never)
    path = tmp_path / "m.onnx"
    model = onnx.load(pair / "student.onnx")

    def changed() -> onnx.ModelProto:
        other = onnx.ModelProto()
        other.CopyFrom(model)
        return other

    loop = changed()  # one that never ends
    loop.graph.node[0].op_type = "Loop"
    assert "operator Loop" in refusal(loop, path)
    inner = changed()
    inner.graph.node[0].attribute.add(name="body", type=5).g.name = "body"
    assert "graph within" in refusal(inner, path)
    foreign = changed()
    foreign.graph.node[0].domain = "com.example"
    assert "not allowed" in refusal(foreign, path)
    called = changed()
    called.functions.add(name="f")
    assert "functions" in refusal(called, path)
    outside = changed()
    outside.graph.initializer[0].data_location = onnx.TensorProto.EXTERNAL
    outside.graph.initializer[0].external_data.add(key="location", value="/dev/zero")
    assert "another file" in refusal(outside, path)
    huge = changed()
    conv = next(node for node in huge.graph.node if node.op_type == "Conv")
    next(one for one in conv.attribute if one.name == "pads").ints[:] = [10**9, 10**9]
    assert "beyond 10000" in refusal(huge, path)
    many = changed()
    many.graph.node.extend([many.graph.node[0]] * 1001)
    assert "more than 1000" in refusal(many, path)
    for content in (b"\x08", b"\xff" * 40, b"\0\0\0\0ORTM" + b"\0" * 40):
        path.write_bytes(content)
        with pytest.raises(ModelRefused, match="no readable ONNX"):
            engine_onnx.open_model(path, hashlib.sha256(content).hexdigest())


def test_a_model_that_does_not_answer_is_refused_when_its_time_is_over(
    pair: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    go = threading.Event()
    monkeypatch.setattr(engine_onnx, "OPEN_S", 0.05)
    monkeypatch.setattr(engine_onnx, "_verified", lambda *_: go.wait())
    with pytest.raises(ModelRefused, match="does not answer within"):
        engine_onnx.open_model(pair / "student.onnx")
    go.set()


def test_every_shipped_onnx_model_passes(pair: Path) -> None:
    for path in [*Path(models.shipped.__path__[0]).glob("*.onnx"), pair / "student.onnx"]:
        check_onnx(path.read_bytes(), path)


@pytest.mark.parametrize("engine", [engine_onnx, engine_torchscript])
def test_a_fifo_or_device_in_place_of_a_model_or_its_card_is_refused(
    engine: Any, tmp_path: Path
) -> None:
    os.mkfifo(tmp_path / "m")
    for path in (tmp_path / "m", Path("/dev/zero")):
        with pytest.raises(ModelRefused, match="not a regular file"):
            engine.open_model(path, "0" * 64)
    os.mkfifo(tmp_path / "n.json")
    with pytest.raises(ModelRefused, match="no trusted sha256"):
        engine.open_model(tmp_path / "n")
