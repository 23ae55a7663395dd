"""The shipped recipe fold by fold: fitted on cinc2016, carried on over everything, streamed.

Each fold leaves out a fifth of the persons of every set, and of the phantoms, from both fits.
What became of its recordings is written to one file as soon as it is decoded (`run_fold`), and
the tables are summed from the files that are there (`pooled`): an interrupted run goes on with the
fold that has no file yet. Confidences are those of the shipped calibration.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dsp.cycles.model import CycleModel
from training.segmentation.carry_on import RATE
from training.segmentation.crossvalidate import held_out
from training.segmentation.data import CIRCOR, PHANTOM, Prepared, Recording
from training.segmentation.evaluate import Run, evaluate
from training.segmentation.fit import Schedule
from training.segmentation.report import Row, by_database, joined_calibration
from training.segmentation.score import Counts
from training.segmentation.train import FOLDS, VARIANT, Part, learn, learn_onsets, model_of


@dataclass(frozen=True)
class Recipe:
    """Steps of the fit on cinc2016, and of the one that carries on over everything."""

    steps: int
    carried_on: int

    def words(self) -> Row:
        """What is written beside the results."""
        return {"variant": VARIANT, "steps": self.steps, "carried on": self.carried_on}

    @classmethod
    def of(cls, words: dict[str, Any]) -> Recipe | None:
        """The recipe that was written so, None for one of another variant."""
        return cls(words["steps"], words["carried on"]) if words["variant"] == VARIANT else None


def adults(prepared: Prepared) -> Prepared:
    """The recordings of cinc2016 alone."""
    kept = [k for k, r in enumerate(prepared.recordings) if r.database not in (CIRCOR, PHANTOM)]
    return Prepared(
        [prepared.recordings[k] for k in kept],
        [prepared.truths[k] for k in kept],
        [prepared.sounds[k] for k in kept],
        [prepared.features[k] for k in kept],
        [prepared.labels[k] for k in kept],
    )


def fold_model(
    prepared: Prepared,
    fold: int,
    recipe: Recipe,
    calibration: NDArray[np.float64],
    progress: Callable[[int, float], None] = lambda step, loss: None,
) -> CycleModel:
    """The model of the recipe that has not seen a fold (its fits come from the cache if there)."""
    part = Part(f"fold{fold}", "cinc2016-")
    first = learn(adults(prepared), part, Schedule(steps=recipe.steps), progress)
    part = replace(part, stage="carried-on-")
    schedule = Schedule(steps=recipe.carried_on, rate=RATE, seed=1)
    weights = learn(prepared, part, schedule, progress, first)
    return replace(model_of(weights, learn_onsets(prepared, part)), calibration=calibration)


def fold_path(folder: Path, fold: int) -> Path:
    """File of one fold."""
    return folder / f"fold{fold}.json"


def written(folder: Path, recipe: Recipe | None = None) -> list[int]:
    """Folds that have a file in ``folder``, of this recipe where one is given."""
    paths = {fold: fold_path(folder, fold) for fold in range(FOLDS)}
    return [
        fold for fold, path in paths.items() if path.exists()
        and recipe in (None, Recipe.of(json.loads(path.read_text())["recipe"]))
    ]  # fmt: skip


def run_fold(
    prepared: Prepared, fold: int, recipe: Recipe, model: CycleModel, folder: Path
) -> None:
    """Decode a fold with the model that has not seen it, and write its file."""
    run = evaluate(prepared, held_out(prepared, fold), model)
    write_fold(fold_path(folder, fold), recipe, prepared, run)


def write_fold(path: Path, recipe: Recipe, prepared: Prepared, run: Run) -> None:
    """Write what became of the recordings of a fold, one line each, and the rows about them."""
    items = [prepared.recordings[k] for k in run.places]
    head = {
        "recipe": recipe.words(),
        "sound s": round(run.sound_s),
        "processor s": round(run.cpu_s, 1),
        "worst lag of S1, samples": run.worst_lag,
        "rows": by_database(items, run.counts),
    }
    lines = [json.dumps(_line(r, c)) for r, c in zip(items, run.counts, strict=True)]
    text = json.dumps(head)[:-1] + ',\n"recordings": [\n' + ",\n".join(lines) + "\n]}\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_text(text)
    part.rename(path)


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


def pooled(folder: Path) -> dict[str, Any]:
    """Sections of the result file from the files of the folds that are there.

    Raises
    ------
    FileNotFoundError
        When no fold has a file yet.
    """
    files = [json.loads(fold_path(folder, fold).read_text()) for fold in written(folder)]
    if not files:
        raise FileNotFoundError(f"no fold in {folder} yet")
    pairs = [_read(line) for found in files for line in found["recordings"]]
    items, counts = [item for item, _ in pairs], [count for _, count in pairs]
    table = by_database(items, counts)
    for name, row in table.items():
        row["calibration"] = joined_calibration(
            [found["rows"][name]["calibration"] for found in files if name in found["rows"]]
        )
    return {
        "variant": {"name": VARIANT, "folds": len(files), **files[0]["recipe"]},
        "streaming": table,
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
