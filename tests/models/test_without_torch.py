"""A machine on which torch does not fit: the same monitor, by ONNX Runtime, the same p."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from models import opening, shipped
from models.contract import ModelRefused

RECORDING = Path(__file__).parents[2] / "recordings" / "systolic_murmur.flac"
REPLAY = """
import importlib.util, sys
find = importlib.util.find_spec
def without_torch(name, package=None):
    return None if name.split(".")[0] == "torch" else find(name, package)
importlib.util.find_spec = without_torch
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "torch":
            raise ImportError("torch is not on this machine")
sys.meta_path.insert(0, Blocked())
from monitor.cli.main import entry
sys.exit(entry())
"""


def _windows(events: Path) -> list[dict[str, object]]:
    rows = [json.loads(line) for line in events.read_text(encoding="utf-8").splitlines()]
    return [row for row in rows if row["type"] == "window"]


def test_a_replay_without_torch_gives_the_same_windows_and_p(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    for folder, code in (
        ("with", "import sys; from monitor.cli.main import entry; sys.exit(entry())"),
        ("without", REPLAY),
    ):
        done = subprocess.run(
            [sys.executable, "-c", code, "replay", str(RECORDING), "--events", folder],
            cwd=tmp_path, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
    ours, theirs = (_windows(next((tmp_path / f).glob("*.jsonl"))) for f in ("with", "without"))
    assert [w["start"] for w in ours] == [w["start"] for w in theirs]
    p = [[float(str(w["p"])) for w in some if w["p"] is not None] for some in (ours, theirs)]
    assert len(p[0]) > 50
    np.testing.assert_allclose(p[0], p[1], atol=2e-4)  # p has four decimals


def test_neither_engine_is_one_clear_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "find_spec", lambda name: None)
    with pytest.raises(ModelRefused, match="neither torch nor onnxruntime"):
        shipped.student()
    with pytest.raises(ModelRefused, match="torch is not installed"):
        opening.open_file(Path("x.pt"))
