"""The shipped recipe fold by fold: fitted on every set and the phantoms, streamed and offline.

Each fold leaves out a fifth of the persons of every set, and of the phantoms.
What became of its recordings is written to one file as soon as it is decoded (`run_fold`), and
the tables are summed from the files that are there (`pooled`): an interrupted run goes on with the
fold that has no file yet. Confidences are those of the shipped calibration.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dsp.cycles.model import CycleModel
from training.segmentation.crossvalidate import held_out
from training.segmentation.data import CIRCOR, Prepared, Recording
from training.segmentation.evaluate import Run, evaluate
from training.segmentation.fit import Schedule
from training.segmentation.report import Row, by_database, joined_calibration
from training.segmentation.score import Counts
from training.segmentation.train import FOLDS, Part, fitted
from training.segmentation.variant import VARIANT
from training.whole import write_whole

STREAMING, OFFLINE = "streaming", "offline"
"""As the product decodes, and with everything decided at the end."""


def recipe(steps: int) -> dict[str, Any]:
    """What is written beside the results: the variant, and the steps of the fit."""
    return {"variant": VARIANT, "steps": steps}


def fold_model(
    prepared: Prepared,
    fold: int,
    steps: int,
    calibration: NDArray[np.float64],
    progress: Callable[[int, float], None] = lambda step, loss: None,
) -> CycleModel:
    """The model of the recipe that has not seen a fold (its fits come from the cache if there)."""
    model = fitted(prepared, Part(f"fold{fold}"), Schedule(steps=steps), progress)
    return replace(model, calibration=calibration)


def fold_path(folder: Path, fold: int) -> Path:
    """File of one fold."""
    return folder / f"fold{fold}.json"


def written(folder: Path, steps: int) -> list[int]:
    """Folds that have a file in ``folder``, of the present recipe."""
    paths = {fold: fold_path(folder, fold) for fold in range(FOLDS)}
    return [
        fold for fold, path in paths.items() if path.exists()
        and json.loads(path.read_text())["recipe"] == recipe(steps)
    ]  # fmt: skip


def run_fold(prepared: Prepared, fold: int, steps: int, model: CycleModel, folder: Path) -> None:
    """Decode a fold with the model that has not seen it, and write its file."""
    places = held_out(prepared, fold)
    runs = {
        STREAMING: evaluate(prepared, places, model),
        OFFLINE: evaluate(prepared, places, model, offline=True),
    }
    write_fold(fold_path(folder, fold), steps, prepared, runs)


def write_fold(path: Path, steps: int, prepared: Prepared, runs: dict[str, Run]) -> None:
    """Write what became of the recordings of a fold, one line each, and the rows about them."""
    run = runs[STREAMING]
    items = [prepared.recordings[k] for k in run.places]
    head = {
        "recipe": recipe(steps),
        "sound s": round(run.sound_s),
        "processor s": round(run.cpu_s, 1),
        "worst lag of S1, samples": run.worst_lag,
        "rows": by_database(items, run.counts),
    }
    text = json.dumps(head)[:-1]
    for way, one in runs.items():
        lines = [json.dumps(_line(r, c)) for r, c in zip(items, one.counts, strict=True)]
        text += f',\n"{way}": [\n' + ",\n".join(lines) + "\n]"
    write_whole(path, text + "}\n")


def _line(item: Recording, counts: Counts) -> list[Any]:
    """What became of one recording, as `_read` reads it."""
    return [
        item.name, item.database, item.group, item.age,
        counts.wanted.tolist(), counts.found.tolist(),
        {key: matched.tolist() for key, matched in counts.matched.items()}, counts.swapped,
        [round(e, 1) if math.isfinite(e) else None for e in counts.rate_errors],
        [round(rate, 1) if math.isfinite(rate) else None for rate in counts.rate],
    ]  # fmt: skip


def _read(line: list[Any]) -> tuple[Recording, Counts]:
    """The recording and its sums."""
    name, database, group, age, wanted, found, matched, swapped, errors, rate = line
    known, told = (float("nan") if value is None else value for value in rate)
    counts = Counts(
        np.array(wanted, np.int64), np.array(found, np.int64),
        {key: np.array(both, np.int64) for key, both in matched.items()}, swapped,
        rate_errors=[float("inf") if e is None else e for e in errors], rate=(known, told),
    )  # fmt: skip
    return Recording(name, database, group, "", 1, 0.0, Path(name), age), counts


def pooled(folder: Path, steps: int) -> dict[str, Any]:
    """Sections of the result file from the folds of the present recipe that are there.

    Raises
    ------
    FileNotFoundError
        When no fold has a file yet.
    """
    files = [json.loads(fold_path(folder, fold).read_text()) for fold in written(folder, steps)]
    if not files:
        raise FileNotFoundError(f"no fold in {folder} yet")
    table = _table(files, STREAMING)
    for name, row in table.items():
        row["calibration"] = joined_calibration(
            [found["rows"][name]["calibration"] for found in files if name in found["rows"]]
        )
    return {
        "variant": {"folds": len(files), **recipe(steps)},
        STREAMING: table,
        OFFLINE: _table(files, OFFLINE),
        "folds": [
            {name: found["rows"][name] for name in ("all", "cinc2016", CIRCOR)} for found in files
        ],
        "run": {
            "times real time": round(
                sum(f["sound s"] for f in files) / sum(f["processor s"] for f in files)
            ),
            "worst lag of S1, samples": max(f["worst lag of S1, samples"] for f in files),
        },
    }


def _table(files: list[dict[str, Any]], way: str) -> dict[str, Row]:
    """Rows per database over all folds, decoded in one way."""
    pairs = [_read(line) for found in files for line in found[way]]
    return by_database([item for item, _ in pairs], [count for _, count in pairs])
