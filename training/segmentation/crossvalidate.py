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
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dsp.cycles.doubt import FEATURES, probabilities
from dsp.cycles.model import CycleModel
from training.segmentation.data import PHANTOM, Prepared, development
from training.segmentation.doubt import OTHER, fit_doubt, outcome, reliability
from training.segmentation.evaluate import Run, evaluate, fit_calibration, join, recalibrated
from training.segmentation.fit import Schedule
from training.segmentation.report import Row, by_database, summary
from training.segmentation.score import reference
from training.segmentation.train import FOLDS, VARIANT, Part, fitted, logistic_model

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
    part = path.with_suffix(".part")
    path.parent.mkdir(parents=True, exist_ok=True)
    part.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n")
    part.rename(path)


def judged(
    prepared: Prepared, runs: list[Run]
) -> list[tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.bool_]]]:
    """Of each fold's beats: features of the doubt, the outcome, and whether a phantom's."""
    out = []
    for run in runs:
        was, exact = [], []
        for place, beats in zip(run.places, run.beats, strict=True):
            ref = reference(prepared.truths[place], len(prepared.sounds[place]))
            was += [outcome(beat, ref) for beat in beats]
            exact += [prepared.recordings[place].database == PHANTOM] * len(beats)
        features = np.concatenate(run.doubts) if run.doubts else np.zeros((0, FEATURES), np.float32)
        out.append((features, np.array(was, np.int64), np.array(exact, bool)))
    return out


def doubts(
    prepared: Prepared, runs: list[Run]
) -> tuple[dict[str, Row], dict[str, NDArray[np.float32]]]:
    """Reliability of the doubt, each fold's fitted on the others, and the one to ship."""
    parts = judged(prepared, runs)

    def fit(chosen: list[int]) -> dict[str, NDArray[np.float32]]:
        x, was = (np.concatenate([parts[k][n] for k in chosen]) for n in (0, 1))
        return fit_doubt(x[was != OTHER], was[was != OTHER])

    said: dict[str, list[tuple[Any, Any]]] = {"people": [], "phantoms": []}
    for k, (x, was, exact) in enumerate(parts):
        weights = fit([j for j in range(len(parts)) if j != k])
        p = probabilities(x, weights)
        said["people"].append((p[~exact], was[~exact]))
        said["phantoms"].append((p[exact], was[exact]))
    rows = {
        name: reliability(*(np.concatenate(values) for values in zip(*pairs, strict=True)))
        for name, pairs in said.items()
    }
    return rows, fit(list(range(len(parts))))


def cross_validate(
    prepared: Prepared, schedule: Schedule, path: Path, report: Report, *, offline: bool = True
) -> tuple[NDArray[np.float64], dict[str, NDArray[np.float32]]]:
    """Streaming (and offline) rows of the learned emission; calibration and doubt to ship."""
    models = [fitted(prepared, Part(f"fold{fold}"), schedule) for fold in range(FOLDS)]
    runs = decode_folds(prepared, models.__getitem__, report)
    final = fit_calibration(runs)
    doubt_rows, doubt = doubts(prepared, runs)
    write(path, "doubt", doubt_rows)
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
    return final, doubt


def baseline(prepared: Prepared, path: Path, report: Report) -> None:
    """Rows of the logistic regression of the publications behind the same decoder."""
    runs = decode_folds(prepared, lambda fold: logistic_model(prepared, fold), report)
    write(path, "logistic", rows(prepared, calibrated(prepared, runs)))


def shipped(model: CycleModel, calibration: NDArray[np.float64]) -> CycleModel:
    """The model as it ships."""
    return replace(model, calibration=calibration)
