"""Tables and figures come from the cells alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from training import evaluate, tables
from training.datasets import Recording
from training.errors import TrainingError
from training.splits import group_folds


@pytest.fixture
def place(tmp_path: Path) -> tuple[Path, list[Recording]]:
    """Cells of two systems, one clearly better, over made-up recordings."""
    rng = np.random.default_rng(0)
    table = [
        Recording(f"{d}{i}", d, int(rng.random() < 0.4), 1, f"{d}-{i // 2}", Path("x"))
        for d in "abdef"
        for i in range(60)
    ]
    by_name = {r.name: r for r in table}
    (tmp_path / "cells").mkdir()
    for system, gain in (("good", 3.0), ("poor", 0.5)):
        for fold, names in enumerate(group_folds(table)):
            records = {
                n: [gain * (by_name[n].label - 0.5) + float(rng.standard_normal()), 7]
                for n in sorted(names)
            }
            cell = {"system": system, "fold": fold, "seed": 0, "records": records}
            path = tmp_path / "cells" / f"{system}__S__{fold}__0.json"
            path.write_text(json.dumps(cell))
    return tmp_path, table


def held(place: tuple[Path, list[Recording]], system: str) -> evaluate.HeldOut:
    cells = evaluate.load_cells(place[0] / "cells", system, "S", 0)
    return evaluate.held_out(cells, place[1])


def seeds(folder: Path, system: str) -> list[list[dict[str, Any]]]:
    return [evaluate.load_cells(folder, system, "S", seed) for seed in (0, 1)]


def test_the_page_has_a_row_for_each_system(place: tuple[Path, list[Recording]]) -> None:
    (path,) = tables.write_all(*place)
    rows = [line for line in path.read_text().splitlines() if line.startswith("| good")]
    assert path.name == "protocol-S.md"
    assert len(rows) == 2


def test_leaving_the_unsure_out_helps_and_their_share_is_kept(
    place: tuple[Path, list[Recording]],
) -> None:
    figures = evaluate.figures(held(place, "good"))
    assert figures["mean_macc_sure"] > figures["mean_macc"]
    assert figures["unsure"] < 0.22
    assert figures["mean_auc"] > 0.9


def test_a_clearly_better_system_is_found_better(place: tuple[Path, list[Recording]]) -> None:
    good, poor = held(place, "good"), held(place, "poor")
    found = evaluate.paired([good], [poor], "mean_auc", draws=60)
    assert found["low"] > 0
    assert found["p"] < 0.05
    same = evaluate.paired([good], [good], "mean_auc", draws=20)
    assert same["difference"] == 0.0


def test_the_interval_holds_the_figure(place: tuple[Path, list[Recording]]) -> None:
    h = held(place, "poor")
    low, high = evaluate.intervals([h], ["mean_auc"], draws=60)["mean_auc"]
    assert low < evaluate.figures(h)["mean_auc"] < high


def test_several_seeds_count_by_the_mean_of_their_figures_once_they_are_whole(
    place: tuple[Path, list[Recording]],
) -> None:
    for system, other in (("good", "poor"), ("poor", "good")):
        for fold in range(5):
            text = (place[0] / "cells" / f"{other}__S__{fold}__0.json").read_text()
            (place[0] / "cells" / f"{system}__S__{fold}__1.json").write_text(text)
    assert tables.systems_of(place[0] / "cells", "S") == {"good": [0, 1], "poor": [0, 1]}
    good, poor = (
        evaluate.of_seeds(seeds(place[0] / "cells", system), place[1])
        for system in ("good", "poor")
    )
    each = [evaluate.figures(h)["mean_auc"] for h in good]
    assert evaluate.over_seeds(good)["mean_auc"] == pytest.approx(np.mean(each))
    assert evaluate.paired(good, poor, "mean_auc", draws=20)["difference"] == 0.0
    (place[0] / "cells" / "good__S__4__1.json").unlink()
    assert tables.systems_of(place[0] / "cells", "S")["good"] == [0]
    with pytest.raises(TrainingError, match="not finished alike"):
        evaluate.of_seeds(seeds(place[0] / "cells", "good"), place[1])


def test_a_further_recording_that_one_decoder_gave_no_window_is_left_out(
    place: tuple[Path, list[Recording]],
) -> None:
    own = [Recording(f"y{i}", "yaseen", i % 2, 1, f"y{i}", Path("x")) for i in (1, 2)]
    cells = evaluate.load_cells(place[0] / "cells", "good", "S", 0)
    both, one = (
        [cells[0] | {"further": {"yaseen": {n: [0.5, 3, 1] for n in names}}}, *cells[1:]]
        for names in (("y1", "y2"), ("y2",))
    )
    found = evaluate.of_seeds([both, one], [*place[1], *own])
    assert found[0].names == found[1].names
    assert "y2" in found[0].names
    assert "y1" not in found[0].names


def test_missing_and_damaged_cells_are_one_clear_line(
    place: tuple[Path, list[Recording]],
) -> None:
    with pytest.raises(TrainingError, match="no finished cell"):
        held(place, "unknown")
    (place[0] / "cells" / "good__S__0__0.json").write_text("{")
    with pytest.raises(TrainingError, match="no readable cell"):
        held(place, "good")
