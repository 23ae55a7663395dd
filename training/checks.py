"""What a user gets: each fold's network, exported and played through the monitor's pipeline.

``apexbeat-train check SYSTEM`` writes the figures to ``docs/results/checks.json``, beside those at
hand-annotated S1.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training import datasets, evaluate
from training.cells import Cell, Say, commit, machine, system
from training.datasets import Recording
from training.evaluate import HeldOut
from training.extra_datasets import open_world
from training.monitor_eval import through_monitor
from training.prepare import cache_folder
from training.scores import auc
from training.ship import FURTHER

FIGURES = ("mean_auc", "mean_macc", "weighted_auc_no_e", "pooled_auc")


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
        "command": f"apexbeat-train check {name}" + f" --seed {seed}" * (seed > 0),
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


def _auc_of(label: NDArray[np.int64], z: NDArray[np.float64]) -> dict[str, Any]:
    """AUC over the recordings that have a verdict, and with those that have none lowest."""
    known = np.isfinite(z)
    return {
        "auc": round(auc(label[known], z[known]), 4),
        "auc_silent_lowest": round(auc(label, np.where(known, z, -1e9)), 4),
        "without_a_window": int((~known).sum()),
    }


def run(name: str, data: Path, results: Path, seed: int, say: Say) -> dict[str, Any]:
    """Check a system whose cells of protocol S are finished."""
    world = open_world(data, system(name))
    more = [r for r in world.recordings if r.further]
    recordings = datasets.load_cinc2016(data)
    return {
        "commit": commit(),
        "machine": machine(),
        "through the monitor": through(
            name, recordings, more, results, cache_folder() / "runs", seed, say
        ),
    }
