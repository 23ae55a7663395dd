"""Figures of a classifier: pooled and, what counts, within databases.

Scores are z = logit p; 0 divides. Macro averages as the paper's Table II has them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from monitor.replay.scores import auc

__all__ = [
    "auc",
    "by_record",
    "calibration_error",
    "macc",
    "macro",
    "platt",
    "sensitivity",
    "specificity",
    "within",
]
Array = NDArray[np.float64]


def sensitivity(label: NDArray[np.int64], z: Array) -> float:
    """Share of the abnormal called abnormal (z > 0)."""
    return float((z[label == 1] > 0).mean()) if (label == 1).any() else float("nan")


def specificity(label: NDArray[np.int64], z: Array) -> float:
    """Share of the normal called normal (z <= 0)."""
    return float((z[label == 0] <= 0).mean()) if (label == 0).any() else float("nan")


def macc(label: NDArray[np.int64], z: Array) -> float:
    """Mean of sensitivity and specificity."""
    return (sensitivity(label, z) + specificity(label, z)) / 2


def within(label: NDArray[np.int64], z: Array, database: NDArray[np.str_]) -> dict[str, float]:
    """Pooled figures, those of each database, and their means.

    Returns
    -------
    ``pooled_auc``, ``pooled_macc``, ``auc_<db>``, ``macc_<db>``, ``mean_auc``, ``mean_macc``
    (over databases), the same with ``_no_e``, and ``weighted_auc_no_e`` (weights P·N/(P+N)).
    """
    out = {"pooled_auc": auc(label, z), "pooled_macc": macc(label, z)}
    names = [d for d in sorted(set(database.tolist())) if len(set(label[database == d])) == 2]
    for d in names:
        inside = database == d
        out[f"auc_{d}"] = auc(label[inside], z[inside])
        out[f"macc_{d}"] = macc(label[inside], z[inside])
    for kind in ("auc", "macc"):
        out[f"mean_{kind}"] = _mean([out[f"{kind}_{d}"] for d in names])
        out[f"mean_{kind}_no_e"] = _mean([out[f"{kind}_{d}"] for d in names if d != "e"])
    weights = {d: _weight(label[database == d]) for d in names if d != "e"}
    if weights:
        total = sum(weights.values())
        out["weighted_auc_no_e"] = sum(w * out[f"auc_{d}"] for d, w in weights.items()) / total
    return out


def _weight(label: NDArray[np.int64]) -> float:
    positive, negative = int((label == 1).sum()), int((label == 0).sum())
    return positive * negative / (positive + negative)


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if values else float("nan")


def macro(label: NDArray[np.int64], z: Array) -> dict[str, float]:
    """Accuracy and macro recall, precision, F1, and specificity of the normal class."""
    from sklearn.metrics import precision_recall_fscore_support  # a second

    called = (z > 0).astype(int)
    precision, recall, f1, _ = precision_recall_fscore_support(
        label, called, labels=[0, 1], average="macro", zero_division=0.0
    )
    return {
        "accuracy": float((called == label).mean()),
        "recall": float(recall),
        "precision": float(precision),
        "f1": float(f1),
        "specificity": specificity(label, z),
    }


def platt(label: NDArray[np.int64], z: Array, weight: Array) -> tuple[float, float]:
    """Bias and temperature of p = sigmoid((z - bias) / T) by weighted logistic regression.

    Platt 1999. With weights that make both classes of
    each database alike, p = 0.5 is the threshold of equal priors; unlike the threshold with the
    best accuracy it does not jump from one chance peak to the next.
    """
    from sklearn.linear_model import LogisticRegression  # half a second

    model = LogisticRegression(C=1e4, solver="newton-cholesky", tol=1e-9)
    fitted = model.fit(z[:, None], label, sample_weight=weight / weight.sum())
    slope = max(float(fitted.coef_[0, 0]), 0.05)
    return -float(fitted.intercept_[0]) / slope, 1.0 / slope


def calibration_error(label: NDArray[np.int64], p: Array, bins: int = 10) -> float:
    """Expected calibration error over bins of equal width."""
    place = np.minimum((p * bins).astype(int), bins - 1)
    error = 0.0
    for b in range(bins):
        inside = place == b
        if inside.any():
            error += inside.mean() * abs(float(p[inside].mean()) - float(label[inside].mean()))
    return error


def by_record(
    owner: NDArray[np.int64], z: Array, names: Sequence[str]
) -> Mapping[str, tuple[float, int]]:
    """Mean z and number of windows of each recording, by name."""
    which, inverse = np.unique(owner, return_inverse=True)
    total = np.bincount(inverse, weights=z)
    count = np.bincount(inverse)
    return {names[w]: (float(t / c), int(c)) for w, t, c in zip(which, total, count, strict=True)}
