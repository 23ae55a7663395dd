"""Cross-validation of the cycle decoder, and the result file that the tables are made from.

`cross_validate` decodes every scored recording with the weights of the fold that has not seen its
group; confidences are calibrated on the other folds. Each fold's sums are written when it is
done, so that an interrupted run can be read, and goes on from the weights in the cache.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dsp.cycles.model import CycleModel
from training.segmentation.data import Prepared, development
from training.segmentation.evaluate import Run, evaluate, fit_calibration, join, recalibrated
from training.segmentation.fit import Schedule
from training.segmentation.report import Row, by_database, summary
from training.segmentation.train import FOLDS, VARIANT, Part, learn, logistic_model, model_of

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
    kept = [k for k, r in enumerate(items) if r.group not in chosen]
    table["without development groups"] = summary(
        [items[k] for k in kept], [run.counts[k] for k in kept]
    )
    return table


def write(path: Path, section: str, content: object) -> None:
    """Put one section into the result file, keeping the others."""
    known = json.loads(path.read_text()) if path.exists() else {}
    known[section] = content
    part = path.with_suffix(".part")
    path.parent.mkdir(parents=True, exist_ok=True)
    part.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n")
    part.rename(path)


def cross_validate(
    prepared: Prepared, schedule: Schedule, path: Path, report: Report, *, offline: bool = True
) -> NDArray[np.float64]:
    """Streaming (and offline) rows of the learned emission; returns the calibration to ship."""
    models = [model_of(learn(prepared, Part(f"fold{fold}"), schedule)) for fold in range(FOLDS)]
    runs = decode_folds(prepared, models.__getitem__, report)
    final = fit_calibration(runs)
    runs = calibrated(prepared, runs)
    write(path, "variant", {"name": VARIANT, "steps": schedule.steps, "folds": FOLDS})
    write(
        path, "folds",
        [summary([prepared.recordings[k] for k in r.places], r.counts) for r in runs],
    )  # fmt: skip
    write(path, "streaming", rows(prepared, runs))
    whole = join(runs)
    write(
        path, "run",
        {
            "times real time": round(whole.sound_s / whole.cpu_s),
            "worst lag of S1, samples": whole.worst_lag,
            "calibration": [float(v) for v in final],
        },
    )  # fmt: skip
    report("streaming done")
    if offline:
        later = decode_folds(prepared, models.__getitem__, report, offline=True)
        write(path, "offline", rows(prepared, calibrated(prepared, later)))
    return final


def baseline(prepared: Prepared, path: Path, report: Report) -> None:
    """Rows of the logistic regression of the publications behind the same decoder."""
    runs = decode_folds(prepared, lambda fold: logistic_model(prepared, fold), report)
    write(path, "logistic", rows(prepared, calibrated(prepared, runs)))


def shipped(model: CycleModel, calibration: NDArray[np.float64]) -> CycleModel:
    """The model as it ships."""
    return replace(model, calibration=calibration)
