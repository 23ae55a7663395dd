"""Try one configuration: three folds of groups, three left-out sets of databases, other sets.

Used to choose features, augmentation and sampling. Figures are of recordings (mean z over at
most 12 windows). ``travel`` is what the choice looks at besides the mean within databases: the
mean AUC in databases that were not trained on.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from training.config import Config
from training.dataset_bundle import DatasetBundle, thinned
from training.fit import Fitted, fit, predict
from training.sampler import Sampler
from training.scores import auc, by_record, within
from training.splits import split

MOST_WINDOWS = 12


@dataclass(slots=True)
class Trial:
    """Held-out record scores of one configuration."""

    groups: dict[str, float] = field(default_factory=dict)
    further: dict[str, float] = field(default_factory=dict)
    left: dict[str, float] = field(default_factory=dict)
    other: dict[str, list[dict[str, float]]] = field(default_factory=dict)
    seconds: float = 0.0
    fitted: list[Fitted] = field(default_factory=list)


def train_on(
    config: Config,
    world: DatasetBundle,
    names: frozenset[str],
    seed: int,
    *,
    soft: Mapping[str, float] | None = None,
    **more: object,
) -> Fitted:
    """Fit on the windows of these recordings with the configuration's sampling.

    Parameters
    ----------
    soft
        z1 - z0 that teaches each window of a recording, by its name; a recording that the teacher
        did not score trains nobody.
    """
    table = world.data.table
    good = frozenset(r.name for r in world.recordings if r.quality in config.qualities)
    train = table.of(names & good if soft is None else names & good & soft.keys())
    sampler = Sampler(
        world.recordings, table, train, config.weights, config.by_group, config.balanced
    )
    if soft is not None:
        more["targets"] = np.array([soft[table.names[k]] for k in table.recording[train]])
    return fit(config, world.data, train, sampler, seed=seed, **more)  # type: ignore[arg-type]


def record_scores(
    config: Config,
    fitted: Fitted,
    world: DatasetBundle,
    names: frozenset[str],
    most: int = MOST_WINDOWS,
) -> Mapping[str, tuple[float, int]]:
    """Mean z and number of windows of each recording."""
    table = world.data.table
    which = thinned(table.of(names), table.recording, most)
    z = predict(config, fitted.network, world.data, which)
    return by_record(table.recording[which], z, table.names)


def arrays(
    scores: Mapping[str, float], world: DatasetBundle
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.str_]]:
    """Labels, scores and databases of the scored recordings, in one order."""
    by_name = {r.name: r for r in world.recordings}
    rows = [(by_name[n].label, z, by_name[n].database) for n, z in scores.items()]
    label, z, database = zip(*rows, strict=True)
    return np.array(label), np.array(z), np.array(database)


def other_scores(
    config: Config, fitted: Fitted, others: Mapping[str, DatasetBundle]
) -> dict[str, float]:
    """AUC on sets never trained on: murmur against none."""
    out: dict[str, float] = {}
    for name, world in others.items():
        known = {r.name: r for r in world.recordings if r.label >= 0}
        scores = record_scores(config, fitted, world, frozenset(known))
        label = np.array([known[n].label for n in scores])
        z = np.array([s[0] for s in scores.values()])
        out[name] = auc(label, z)
        noisy = np.array([known[n].quality == 0 for n in scores])
        if noisy.any():
            out[f"{name}_noisy"] = auc(label[noisy], z[noisy])
    return out


def run_trial(
    config: Config,
    world: DatasetBundle,
    others: Mapping[str, DatasetBundle],
    *,
    folds: tuple[int, ...] = (0, 1, 2),
    lefts: tuple[int, ...] = (0, 1, 2),
    seed: int = 0,
) -> tuple[Trial, dict[str, float]]:
    """Train and score; returns the raw scores and the figures."""
    trial = Trial()
    begun = time.process_time()
    inside = frozenset(r.name for r in world.recordings if not r.further)
    for protocol, members, store in (("G3", folds, trial.groups), ("L", lefts, trial.left)):
        for fold in members:
            parts = split(world.recordings, protocol, fold)
            fitted = train_on(config, world, parts.train, seed)
            scores = record_scores(config, fitted, world, parts.test)
            store.update({n: s[0] for n, s in scores.items() if n in inside})
            trial.further.update({n: s[0] for n, s in scores.items() if n not in inside})
            trial.fitted.append(fitted)
            for name, value in other_scores(config, fitted, others).items():
                trial.other.setdefault(name, []).append({protocol: value})
    trial.seconds = time.process_time() - begun
    return trial, figures(trial, world)


def figures(trial: Trial, world: DatasetBundle) -> dict[str, float]:
    """One line of the ablation table."""
    out: dict[str, float] = {"minutes": trial.seconds / 60}
    if trial.groups:
        inside = within(*arrays(trial.groups, world))
        keys = ("pooled_auc", "mean_auc", "mean_auc_no_e", "weighted_auc_no_e", "mean_macc")
        out |= {k: inside[k] for k in keys} | {k: inside[k] for k in inside if k[:4] == "auc_"}
    if trial.left:
        outside = within(*arrays(trial.left, world))
        out |= {f"left_{k[4:]}": v for k, v in outside.items() if k[:4] == "auc_"}
        out["travel"] = outside["weighted_auc_no_e"]
    if trial.further:
        label, z, database = arrays(trial.further, world)
        for name in sorted(set(database.tolist())):
            mine = database == name
            out[f"{name}_held_out"] = auc(label[mine], z[mine])
    for name, values in trial.other.items():
        out[name] = float(np.mean([v for item in values for v in item.values()]))
    return {k: round(v, 4) for k, v in out.items()}
