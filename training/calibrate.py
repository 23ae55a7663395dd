"""Bias, temperature and the two thresholds, from held-out record scores.

Bias and T come from one weighted logistic regression in which both classes of a database weigh
alike, so that p is a posterior at equal priors and 0.5 the best threshold within databases (e has
no vote: its equipment gives the class away). The thresholds lie symmetrically in logit p around
0.5, where decisions are worst.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from training.export import Calibration
from training.scores import Array, platt

UNSURE_P = (0.38, 0.62)
"""A recording is unsure between these: in trials on held-out folds the best trade between what is
decided and how well."""


def calibrate(label: NDArray[np.int64], z: Array, database: NDArray[np.str_]) -> Calibration:
    """Find the calibration from the mean raw z of held-out recordings.

    Parameters
    ----------
    label, z, database
        Of each recording; z is the mean of z1 - z0 over its windows.
    """
    bias, temperature = platt(label, z, equal_weights(label, database))
    return Calibration(
        temperature=round(temperature, 4),
        bias=round(bias, 4),
        threshold_normal=UNSURE_P[0],
        threshold_abnormal=UNSURE_P[1],
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
