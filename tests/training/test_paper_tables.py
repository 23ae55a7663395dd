"""Tables II and III: every row stands, measured figures beside the printed ones."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from training import comparisons as gains
from training.cells import system
from training.costs import costs
from training.errors import TrainingError
from training.paper import protocol as paper
from training.paper.tables import BEYOND, TABLE_II, TABLE_III, page
from training.windows import WindowTable


def _cell(folder: Path, name: str, right: str, seed: int = 0) -> None:
    share = right.count("1") / len(right)
    figures = dict.fromkeys(("accuracy", "recall", "precision", "f1", "specificity"), share)
    content = {"seed": seed, "windows": figures | {"windows": len(right)}, "right": right}
    place = folder / "cells" / f"{name}__P__0__{seed}.json"
    place.parent.mkdir(exist_ok=True)
    place.write_text(json.dumps(content))


def test_every_row_of_the_paper_stands_with_its_printed_figures(tmp_path: Path) -> None:
    text = page(tmp_path)
    for title in ("Teacher", "Student", "KD T = 7, α = 0.1", "KD T = 9, α = 0.3"):
        row = next(line for line in text.splitlines() if line.startswith(f"| {title} |"))
        assert re.search(r"\d\d\.\d", row)
    for title in ("MobileNetV3-Small", "MobileNetV3-Large", "CNN + Focal loss", "CardioXNet"):
        assert f"| {title} |" in text
    assert "(quoted)" in text
    assert "94.2 ¹" in text


def test_a_finished_cell_fills_its_row_and_seeds_are_averaged(tmp_path: Path) -> None:
    _cell(tmp_path, "paper-student", "1110" * 25)
    _cell(tmp_path, "paper-student", "1111" * 25, seed=1)
    row = next(line for line in page(tmp_path).splitlines() if line.startswith("| Student |"))
    assert row.split("|")[2].strip() == "0, 1"
    assert row.split("|")[4].strip().startswith("87.5")


def test_every_named_system_exists_and_keeps_to_the_paper_where_it_says_so() -> None:
    for name in {*TABLE_II, *BEYOND, *TABLE_III}:
        assert system(name).title
    assert costs(system("paper-student")).parameters == 43_334
    assert costs(system("paper-teacher")).parameters == 254_574
    assert costs(system("paper-student-1251")).multiply_adds == pytest.approx(66.7e6, rel=0.01)
    assert costs(system("light-kd-p")).multiply_adds <= 1.6e6


def test_the_gain_is_paired_by_sample_and_drawn_by_recording(tmp_path: Path) -> None:
    n = 1100
    owner = np.repeat(np.arange(22), 50)
    table = WindowTable(
        np.arange(n), np.full(n, 5000), owner, tuple(f"r{k}" for k in range(22)), np.arange(22) % 2
    )
    recordings = [type("R", (), {"name": f"r{k}", "database": "a"})() for k in range(22)]
    _, test = paper.random_split(table, {r.name: "a" for r in recordings}, 0)
    better = "".join("0" if i % 10 == 0 else "1" for i in range(test.size))
    worse = "".join("0" if i % 5 == 0 else "1" for i in range(test.size))
    _cell(tmp_path, "x", better)
    _cell(tmp_path, "y", worse)
    found = paper.paired("x", "y", (0,), table, recordings, tmp_path / "cells")  # type: ignore[arg-type]
    assert found["difference"] == pytest.approx(0.1, abs=0.01)
    assert found["low"] > 0
    assert found["p"] < 0.01
    gains.keep(tmp_path, "P", ("x", "y"), "accuracy", (0,), found)
    assert "- x less y, accuracy, 1 seed: +" in page(tmp_path)
    with pytest.raises(TrainingError, match="missing"):
        paper.paired("x", "z", (0,), table, recordings, tmp_path / "cells")  # type: ignore[arg-type]
