"""What a user gets: the student through the whole monitor, on other sets, and what it gives away.

| check | what |
|---|---|
| ``through the monitor`` | each fold's network, exported and played through the pipeline |
| ``elsewhere, through the monitor`` | the shipped file on sets that were never trained on |
| ``database told from the last layer`` | balanced accuracy; chance is one in six |
| ``latency`` | p50 and p99 of one window, front end included |

``apexbeat-train check SYSTEM`` writes them to ``docs/results/checks.json``.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dsp.cycles.model import CycleModel
from models import engine_onnx, shipped
from models.engine import Engine
from training import datasets, evaluate
from training.cells import Cell, Say, commit, machine, system, trained
from training.dataset_bundle import DatasetBundle
from training.datasets import Recording
from training.evaluate import HeldOut
from training.experiments.probe import database_accuracy
from training.extra_datasets import open_world
from training.monitor_eval import play, record_z, through_monitor
from training.prepare import cache_folder
from training.scores import auc
from training.ship import FURTHER

FIGURES = ("mean_auc", "mean_macc", "weighted_auc_no_e", "pooled_auc")
CALLS = 2000
ONNX = "student.onnx"
SETS = {"pascal": "PASCAL set b, murmur against normal", "yaseen2018": "Yaseen 2018"}


def through(
    name: str,
    recordings: list[Recording],
    more: list[Recording],
    results: Path,
    runs: Path,
    seed: int,
    say: Say,
) -> dict[str, Any]:
    """Record-level figures by the monitor beside those of ``evaluate``, over all folds.

    Each fold is calibrated on the other folds, as ``evaluate`` does; recordings in which the
    monitor used no window have no verdict and are left out of both.
    """
    cells = evaluate.load_cells(results / "cells", name, "S", seed)
    held = evaluate.held_out(cells, recordings)
    by_name = {r.name: r for r in [*recordings, *more]}
    rows: dict[str, list[float]] = {}
    begun = time.process_time()
    for cell in cells:
        fold = int(cell["fold"])
        own = evaluate.calibration(cells, [*recordings, *more], without=fold)
        out = runs / f"through-{name}-{fold}.json"
        rows |= through_monitor(Cell(name, "S", fold, seed), by_name, cell, own, out)
        say(f"fold {fold}: {len(cell['records'])} recordings played")
    pair = [_as_held(held, rows, column) for column in (0, 2)]
    mine = [rows[n] for n in held.names]
    silent = sum(np.isnan(row[0]) for row in mine)
    figures = [evaluate.both(h.label, h.z, h.z, h.database) for h in pair]
    finite = np.array([row for row in mine if np.isfinite(row[0])])
    return {
        "what": f"{name}, protocol S, {len(cells)} folds, {len(finite)} held-out recordings, "
        "decoder-found S1 and quality gate, against hand-annotated S1",
        "command": f"apexbeat-train check {name}",
        "without_a_window": int(silent),
        "windows_used": [int(finite[:, 1].sum()), int(finite[:, 3].sum())],
        **{k: _pair(figures, k) for k in FIGURES},
        "correlation_of_logits": round(float(np.corrcoef(finite[:, 0], finite[:, 2])[0, 1]), 4),
        "cpu_seconds": round(time.process_time() - begun),
        "further": _further(cells, rows),
    }


def _further(
    cells: list[dict[str, Any]], rows: dict[str, list[float]]
) -> dict[str, dict[str, Any]]:
    """AUC by the monitor on the held-out recordings of further sets that train."""
    found = {}
    for name, records in sorted(evaluate.further_records(cells).items()):
        label = np.array([one[2] for one in records.values()], dtype=np.int64)
        z = np.array([rows[n][0] for n in records])
        what = f"{FURTHER[name]}: {label.sum()} abnormal of {label.size}"
        found[name] = _auc_of(label, z) | {"what": what}
    return found


def _pair(figures: list[dict[str, float]], key: str) -> dict[str, float]:
    monitor, own = figures
    return {"monitor": round(monitor[key], 4), "evaluate": round(own[key], 4)}


def _as_held(held: HeldOut, rows: dict[str, list[float]], column: int) -> HeldOut:
    keep = np.array([np.isfinite(rows[n][0]) for n in held.names])
    z = np.array([rows[n][column] for n in held.names])
    names = tuple(n for n, k in zip(held.names, keep, strict=True) if k)
    return HeldOut(
        names, held.label[keep], z[keep], held.database[keep], held.group[keep], held.fold[keep]
    )


def elsewhere(name: str, recordings: list[Recording]) -> dict[str, Any]:
    """AUC of the shipped file's mean logit on a set that was never trained on."""
    engine = shipped.student()
    cycles = CycleModel.from_arrays(shipped.cycles_arrays())
    labelled = [r for r in recordings if r.label >= 0]
    z = np.array([record_z(play(r, engine, cycles))[0] for r in labelled])
    label = np.array([r.label for r in labelled])
    return {
        "what": f"{name}: {int((label == 1).sum())} abnormal, {int((label == 0).sum())} normal; "
        "a development set, never trained on",
        "command": "apexbeat-train check --others FOLDER",
        **_auc_of(label, z),
    }


def _auc_of(label: NDArray[np.int64], z: NDArray[np.float64]) -> dict[str, Any]:
    """AUC over the recordings that have a verdict, and with those that have none lowest."""
    known = np.isfinite(z)
    return {
        "auc": round(auc(label[known], z[known]), 4),
        "auc_silent_lowest": round(auc(label, np.where(known, z, -1e9)), 4),
        "without_a_window": int((~known).sum()),
    }


def gives_away(name: str, world: DatasetBundle, seed: int) -> dict[str, float]:
    """Balanced accuracy of telling the database from the last layer of the shipped network."""
    config = system(name)
    fitted = trained(config, world, Cell(name, "all", 0, seed))
    return {
        "balanced_accuracy": round(database_accuracy(config, fitted.network, world), 3),
        "chance": round(1 / len(datasets.DATABASES), 3),
    }


def latency(engine: Engine, calls: int = CALLS) -> dict[str, float]:
    """Milliseconds of single calls on random windows: p50 and p99."""
    windows = np.random.default_rng(0).standard_normal((64, 1, 5000)).astype(np.float32)
    for window in windows:
        engine.probability(window)
    spent = np.empty(calls)
    for i in range(calls):
        begun = time.perf_counter()
        engine.probability(windows[i % 64])
        spent[i] = time.perf_counter() - begun
    p50, p99 = np.quantile(spent * 1e3, (0.5, 0.99))
    return {"p50_ms": round(float(p50), 3), "p99_ms": round(float(p99), 3)}


def run(
    name: str, data: Path, others: Path | None, results: Path, seed: int, say: Say
) -> dict[str, Any]:
    """All checks of a system whose cells of protocol S are finished and which is shipped."""
    recordings = datasets.load_cinc2016(data)
    found: dict[str, Any] = {"commit": commit(), "machine": machine()}
    openers: dict[str, Callable[[], Engine]] = {
        "TorchScript": shipped.student,
        "ONNX": lambda: engine_onnx.open_model(shipped.path_of(ONNX), shipped.pins()[ONNX]),
    }
    found["latency"] = {words: latency(opener()) for words, opener in openers.items()}
    say("latency measured")
    runs = cache_folder() / "runs"
    config = system(name)
    world = open_world(data, config)
    more = [r for r in world.recordings if r.further]
    found["through the monitor"] = through(name, recordings, more, results, runs, seed, say)
    if others:
        found["elsewhere, through the monitor"] = [
            elsewhere(words, datasets.FURTHER[folder](others / folder))
            for folder, words in SETS.items()
            if folder not in config.also
        ]
    found["database told from the last layer"] = gives_away(name, world, seed)
    return found
