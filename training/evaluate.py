"""From finished cells to figures: pooled, within databases, with intervals and UNSURE.

Everything is at record level: the mean z (logit) over a recording's windows. Each fold is
calibrated on the *other* folds' held-out recordings (bias and thresholds), so that no recording
helps to place the threshold that judges it. Intervals are by bootstrap over groups.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.calibrate import calibrate, equal_weights
from training.datasets import BESIDE, Recording
from training.errors import TrainingError
from training.export import Calibration
from training.scores import Array, auc, calibration_error, macc, within

DRAWS = 1000


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Held-out record scores of one system, protocol and seed, as arrays of one length."""

    names: tuple[str, ...]
    label: NDArray[np.int64]
    z: Array
    database: NDArray[np.str_]
    group: NDArray[np.str_]
    fold: NDArray[np.int64]


def load_cells(
    folder: Path, system: str, protocol: str, seed: int, data: str = ""
) -> list[dict[str, Any]]:
    """Read the finished cells of a system, in the order of their folds.

    Parameters
    ----------
    data
        Fingerprint of recordings of one's own (`Cell.data`).

    Raises
    ------
    TrainingError
        If one is damaged, or of other recordings or labels.
    """
    found = []
    for path in sorted(folder.glob(f"{system}__{protocol}__*__{seed}.json")):
        try:
            found.append(json.loads(path.read_text(encoding="utf-8")))
        except ValueError as error:
            raise TrainingError(f"{path} is no readable cell ({error})", "remove it") from error
    if any(cell.get("data", "") != data for cell in found):
        raise TrainingError(
            f"the cells of {system} in {folder} are of other recordings or labels",
            "run apexbeat-train grid with another folder of --results",
        )
    return sorted(found, key=lambda cell: int(cell["fold"]))


def held_out(
    cells: Sequence[Mapping[str, Any]], recordings: Sequence[Recording], further: bool = False
) -> HeldOut:
    """Join the records of the cells with their labels.

    Parameters
    ----------
    further
        With the further sets that train, as far as the table knows them.

    Raises
    ------
    TrainingError
        If there is no cell, or one names a recording that the table does not know.
    """
    by_name = {r.name: r for r in recordings}
    rows = []
    for cell in cells:
        for name, (z, _) in cell["records"].items():
            if name not in by_name:
                raise TrainingError(f"a cell names '{name}', which the table does not know")
            r = by_name[name]
            rows.append((name, r.label, z, r.database, r.group, cell["fold"]))
        for own in cell.get("further", {}).values() if further else ():
            known = ((by_name[n], z) for n, (z, *_) in own.items() if n in by_name)
            rows += [(r.name, r.label, z, r.database, r.group, cell["fold"]) for r, z in known]
    if not rows:
        raise TrainingError("there is no finished cell", "run apexbeat-train grid first")
    name, label, z, database, group, fold = zip(*rows, strict=True)
    return HeldOut(
        name, np.array(label), np.array(z), np.array(database), np.array(group), np.array(fold)
    )


def of_seeds(
    seeds: Sequence[Sequence[Mapping[str, Any]]], recordings: Sequence[Recording]
) -> list[HeldOut]:
    """Held-out scores of one system from the cells of each seed, over the same recordings.

    Raises
    ------
    TrainingError
        If a seed has no finished cell, or the seeds were not scored on the same recordings of
        cinc2016.
    """
    return in_common([held_out(cells, recordings, further=True) for cells in seeds])


def in_common(parts: Sequence[HeldOut]) -> list[HeldOut]:
    """The same recordings of each part.

    Windows of further sets begin at the S1 of the shipped decoder, so that a short recording may
    have none under another version of it; such a one is left out.

    Raises
    ------
    TrainingError
        If a recording of the main set is missing in one of them.
    """
    shared = set.intersection(*(set(p.names) for p in parts))
    out = []
    for part in parts:
        keep = np.array([name in shared for name in part.names])
        if not np.isin(part.database[~keep], BESIDE).all():
            raise TrainingError("the cells are not finished alike", "run apexbeat-train grid")
        out.append(_part(part, keep))
    return out


def cross_calibrated(h: HeldOut) -> tuple[Array, Array]:
    """logit p of each recording and the edge of UNSURE, from the calibration of other folds."""
    z, edge = np.empty(h.z.size), np.empty(h.z.size)
    for fold in np.unique(h.fold):
        inside = h.fold == fold
        other = ~inside if (~inside).any() else inside
        c = calibrate(h.label[other], h.z[other], h.database[other])
        z[inside] = (h.z[inside] - c.bias) / c.temperature
        edge[inside] = logit(c.threshold_abnormal)
    return z, edge


def both(
    label: NDArray[np.int64], raw: Array, calibrated: Array, database: NDArray[np.str_]
) -> dict[str, float]:
    """``within`` with AUC figures of raw scores and MAcc figures of calibrated ones.

    Means and pooled figures are of cinc2016; each further set has an AUC and MAcc of its own.
    """
    own = ~np.isin(database, BESIDE)
    out = within(label[own], calibrated[own], database[own])
    out |= {k: v for k, v in within(label[own], raw[own], database[own]).items() if "auc" in k}
    for name in sorted(set(database[~own].tolist())):
        mine = database == name
        out[f"auc_{name}"] = auc(label[mine], raw[mine])
        out[f"macc_{name}"] = macc(label[mine], calibrated[mine])
    return out


def logit(p: float) -> float:
    """ln(p / (1 - p))."""
    return float(np.log(p / (1 - p)))


def figures(h: HeldOut) -> dict[str, float]:
    """All record-level figures of one system.

    ``*_sure`` are those of the recordings that are not UNSURE; ``unsure`` is their share, both of
    cinc2016 alone.
    AUC is of the raw scores (a calibration that differs from fold to fold would shuffle them),
    all that needs a threshold of the cross-calibrated ones.
    """
    z, edge = cross_calibrated(h)
    own = ~np.isin(h.database, BESIDE)
    out = both(h.label, h.z, z, h.database)
    h = _part(h, own)
    z, edge = z[own], edge[own]
    sure = np.abs(z) >= edge
    inside = both(h.label[sure], h.z[sure], z[sure], h.database[sure])
    out |= {f"{k}_sure": v for k, v in inside.items() if k.startswith(("mean", "weighted"))}
    out |= called(h, z, sure)
    out["unsure"] = float(1 - sure.mean())
    out["unsure_mean_within"] = float(
        np.mean([1 - sure[h.database == d].mean() for d in sorted(set(h.database.tolist()))])
    )
    p = 1 / (1 + np.exp(-z))
    out["calibration_error"] = calibration_error(h.label, p)
    weight = equal_weights(h.label, h.database)
    loss = np.logaddexp(0, np.where(h.label == 1, -z, z))
    out["log_loss_equal_priors"] = float((weight * loss).sum() / weight.sum())
    return out


def called(h: HeldOut, z: Array, sure: NDArray[np.bool_]) -> dict[str, float]:
    """Share of abnormal and of normal recordings called abnormal, and called UNSURE.

    Means over the databases that hold both classes, like ``mean_macc``.
    """
    both_classes = [d for d in set(h.database.tolist()) if len(set(h.label[h.database == d])) == 2]
    out = {}
    for label, words in ((1, "abnormal"), (0, "normal")):
        parts = [(h.database == d) & (h.label == label) for d in sorted(both_classes)]
        abnormal = [float((sure[part] & (z[part] > 0)).mean()) for part in parts]
        out[f"{words}_called_abnormal"] = float(np.mean(abnormal))
        out[f"{words}_called_unsure"] = float(np.mean([1 - sure[part].mean() for part in parts]))
    return out


def _part(h: HeldOut, keep: NDArray[np.bool_]) -> HeldOut:
    names = tuple(n for n, k in zip(h.names, keep, strict=True) if k)
    return HeldOut(names, h.label[keep], h.z[keep], h.database[keep], h.group[keep], h.fold[keep])


def further_records(cells: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, list[float]]]:
    """Held-out recordings of the further sets that train: set → name → z, windows, label."""
    found: dict[str, dict[str, list[float]]] = {}
    for cell in cells:
        for name, records in cell.get("further", {}).items():
            found.setdefault(name, {}).update(records)
    return found


def further_auc(cells: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """AUC over the held-out recordings of each further set that trains, all folds together."""
    rows = {name: np.array([*own.values()]) for name, own in further_records(cells).items()}
    return {name: auc(own[:, 2].astype(np.int64), own[:, 0]) for name, own in rows.items()}


def over_seeds(parts: Sequence[HeldOut]) -> dict[str, float]:
    """Mean over the seeds of the figures of each: of one model, not of all of them together."""
    found = [figures(h) for h in parts]
    return {key: float(np.mean([f[key] for f in found])) for key in found[0]}


def _scorer(parts: Sequence[HeldOut]) -> Callable[[NDArray[np.int64]], dict[str, float]]:
    """Figures over some of the recordings, each the mean over the seeds.

    The thresholds stay as they were found; only who is scored is drawn.
    """
    z = [cross_calibrated(h)[0] for h in parts]

    def score(i: NDArray[np.int64]) -> dict[str, float]:
        drawn = [
            both(h.label[i], h.z[i], own[i], h.database[i]) for h, own in zip(parts, z, strict=True)
        ]
        return {key: float(np.mean([d[key] for d in drawn])) for key in drawn[0]}

    return score


def intervals(
    parts: Sequence[HeldOut], keys: Sequence[str], draws: int = DRAWS, seed: int = 0
) -> dict[str, tuple[float, float]]:
    """95 % intervals of the mean over seeds, by bootstrap over groups, within each database."""
    score, rng = _scorer(parts), np.random.default_rng(seed)
    drawn = [score(i) for i in resamples(parts[0], draws, rng)]
    out = {}
    for key in keys:
        low, high = np.nanquantile([d.get(key, np.nan) for d in drawn], (0.025, 0.975))
        out[key] = (round(float(low), 4), round(float(high), 4))
    return out


def resamples(h: HeldOut, draws: int, rng: np.random.Generator) -> list[NDArray[np.int64]]:
    """Indices of ``draws`` bootstrap samples of whole groups, database by database."""
    members: dict[str, dict[str, list[int]]] = {}
    for i, (d, g) in enumerate(zip(h.database.tolist(), h.group.tolist(), strict=True)):
        members.setdefault(d, {}).setdefault(g, []).append(i)
    cells = {d: [np.array(m) for m in groups.values()] for d, groups in members.items()}
    out = []
    for _ in range(draws):
        parts = [
            np.concatenate([groups[k] for k in rng.integers(0, len(groups), len(groups))])
            for groups in cells.values()
        ]
        out.append(np.concatenate(parts))
    return out


def paired(
    first: Sequence[HeldOut], second: Sequence[HeldOut], key: str, draws: int = DRAWS, seed: int = 0
) -> dict[str, float]:
    """Mean difference of one figure over the seeds, its 95 % interval and two-sided p-value.

    By bootstrap over groups; each draw scores all seeds of both systems.

    Raises
    ------
    TrainingError
        If the two systems were not scored on the same recordings of cinc2016.
    """
    parts = in_common([*first, *second])
    first, second = parts[: len(first)], parts[len(first) :]
    a, b = _scorer(first), _scorer(second)

    def difference(i: NDArray[np.int64]) -> float:
        return a(i).get(key, np.nan) - b(i).get(key, np.nan)

    rng = np.random.default_rng(seed)
    values = np.array([difference(i) for i in resamples(first[0], draws, rng)])
    return gain(difference(np.arange(first[0].z.size)), values[np.isfinite(values)])


def gain(whole: float, values: Array) -> dict[str, float]:
    """A difference with its 95 % interval and two-sided p, of its bootstrap values."""
    below = (1 + (values <= 0).sum()) / (1 + values.size)
    low, high = np.quantile(values, (0.025, 0.975))
    return {
        "difference": round(whole, 4),
        "low": round(float(low), 4),
        "high": round(float(high), 4),
        "p": round(float(min(1.0, 2 * min(below, 1 - below + 1 / (1 + values.size)))), 4),
    }


def calibration(
    cells: Sequence[Mapping[str, Any]], recordings: Sequence[Recording], without: int | None = None
) -> Calibration:
    """Calibration of a system from its held-out recordings of every set.

    Parameters
    ----------
    without
        A fold that has no say in it: the one that is judged by it.
    """
    h = held_out(cells, recordings, further=True)
    other = h.fold != (-1 if without is None else without)
    if not other.any():
        raise TrainingError(
            f"no fold beside {without} is finished to calibrate by", "run apexbeat-train grid"
        )
    return calibrate(h.label[other], h.z[other], h.database[other])
