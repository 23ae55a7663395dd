"""Bias, temperature and the two thresholds, from held-out record scores.

Bias and T come from one weighted logistic regression in which both classes of a database weigh
alike, so that p is a posterior at equal priors and 0.5 the best threshold within databases (e has
no vote: its equipment gives the class away); the thresholds leave at most 15 % of the recordings
unsure, placed symmetrically in logit p around 0.5, where decisions are worst.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from training.export import Calibration
from training.scores import Array, platt

UNSURE = 0.15
"""Largest share of recordings that may be unsure."""


def calibrate(
    label: NDArray[np.int64], z: Array, database: NDArray[np.str_], unsure: float = UNSURE
) -> Calibration:
    """Find the calibration from the mean raw z of held-out recordings.

    Parameters
    ----------
    label, z, database
        Of each recording; z is the mean of z1 - z0 over its windows.
    unsure
        Largest share of unsure recordings, as the mean over databases.
    """
    bias, temperature = platt(label, z, equal_weights(label, database))
    edge = unsure_edge((z - bias) / temperature, database, unsure)
    low, high = 1 / (1 + np.exp(edge)), 1 / (1 + np.exp(-edge))
    return Calibration(
        temperature=round(temperature, 4),
        bias=round(bias, 4),
        threshold_normal=round(float(low), 4),
        threshold_abnormal=round(float(high), 4),
    )


def equal_weights(label: NDArray[np.int64], database: NDArray[np.str_]) -> Array:
    """Weights that give both classes of a database alike; a database counts P·N/(P+N)."""
    weight = np.zeros(label.size)
    for d in set(database.tolist()):
        inside = database == d
        positive, negative = (inside & (label == 1)).sum(), (inside & (label == 0)).sum()
        if positive and negative and d != "e":
            share = positive * negative / (positive + negative)
            weight[inside & (label == 1)] = share / positive
            weight[inside & (label == 0)] = share / negative
    return weight if weight.any() else np.ones(label.size)


def unsure_edge(z: Array, database: NDArray[np.str_], unsure: float) -> float:
    """Largest |z| that may be called unsure: the mean share over databases stays within bounds."""
    edges = np.linspace(0, float(np.abs(z).max()), 400)
    names = sorted(set(database.tolist()))
    share = [np.mean([(np.abs(z[database == d]) < e).mean() for d in names]) for e in edges]
    pooled = [(np.abs(z) < e).mean() for e in edges]
    fitting = [e for e, s, p in zip(edges, share, pooled, strict=True) if max(s, p) <= unsure]
    return float(fitting[-1])
