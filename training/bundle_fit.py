"""Fit on some recordings of an opened set, and score others of it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from training.config import Config
from training.dataset_bundle import DatasetBundle, thinned
from training.fit import Fitted, fit, predict
from training.sampler import Sampler
from training.scores import by_record


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
    most: int,
) -> Mapping[str, tuple[float, int]]:
    """Mean z and number of windows of each recording, at most ``most`` windows of each."""
    table = world.data.table
    which = thinned(table.of(names), table.recording, most)
    z = predict(config, fitted.network, world.data, which)
    return by_record(table.recording[which], z, table.names)
