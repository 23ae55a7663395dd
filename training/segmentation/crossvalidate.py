"""Cross-validation of the emission of the publications, and the file the tables are made from."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from dsp.cycles.model import CycleModel
from training.segmentation.data import PHANTOM, Prepared, development
from training.segmentation.evaluate import Run, evaluate, fit_calibration, join, recalibrated
from training.segmentation.report import Row, by_database, summary
from training.segmentation.train import FOLDS, Part, logistic_model
from training.whole import write_whole

Report = Callable[[str], None]


def held_out(prepared: Prepared, fold: int) -> list[int]:
    """Places of the recordings of a fold."""
    return [k for k, out in enumerate(Part(f"fold{fold}").holds_out(prepared)) if out]


def decode_folds(
    prepared: Prepared,
    model_of_fold: Callable[[int], CycleModel],
    report: Report,
    *,
    offline: bool = False,
) -> list[Run]:
    """One run per fold."""
    runs = []
    for fold in range(FOLDS):
        run = evaluate(prepared, held_out(prepared, fold), model_of_fold(fold), offline=offline)
        report(
            f"fold {fold}: {len(run.places)} recordings, {run.sound_s / run.cpu_s:.0f} x real time"
        )
        runs.append(run)
    return runs


def calibrated(prepared: Prepared, runs: list[Run]) -> list[Run]:
    """Each fold's confidences calibrated on the others."""
    return [
        recalibrated(run, fit_calibration([r for j, r in enumerate(runs) if j != k]), prepared)
        for k, run in enumerate(runs)
    ]


def rows(prepared: Prepared, runs: list[Run]) -> dict[str, Row]:
    """Sums over all recordings, per database, and without the development groups."""
    run = join(runs)
    items = [prepared.recordings[k] for k in run.places]
    table = by_database(items, run.counts)
    chosen = development(prepared.recordings)
    kept = [k for k, r in enumerate(items) if r.group not in chosen and r.database != PHANTOM]
    table["without development groups"] = summary(
        [items[k] for k in kept], [run.counts[k] for k in kept]
    )
    return table


def write(path: Path, section: str, content: object) -> None:
    """Put one section into the result file, keeping the others."""
    known = json.loads(path.read_text()) if path.exists() else {}
    known[section] = content
    write_whole(path, json.dumps(known, indent=1, sort_keys=True) + "\n")


def baseline(prepared: Prepared, path: Path, report: Report) -> None:
    """Rows of the logistic regression of the publications behind the same decoder."""
    runs = decode_folds(prepared, lambda fold: logistic_model(prepared, fold), report)
    write(path, "logistic", rows(prepared, calibrated(prepared, runs)))
