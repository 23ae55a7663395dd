"""Figures of a classifier: pooled and, what counts, within databases.

Scores are z = logit p; 0 divides. Macro averages as the paper's Table II has them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def auc(label: NDArray[np.int64], z: Array) -> float:
    """Area under the ROC curve (ties count half); NaN where a class is missing."""
    positive, negative = z[label == 1], z[label == 0]
    if not positive.size or not negative.size:
        return float("nan")
    ordered = np.sort(negative)
    below = np.searchsorted(ordered, positive, "left")
    upto = np.searchsorted(ordered, positive, "right")
    return float((below + upto).sum() / 2 / positive.size / negative.size)


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
    called = (z > 0).astype(int)
    recall, precision, f1 = [], [], []
    for c in (0, 1):
        hit = float(((called == c) & (label == c)).sum())
        r, p = hit / max((label == c).sum(), 1), hit / max((called == c).sum(), 1)
        recall.append(r)
        precision.append(p)
        f1.append(2 * r * p / (r + p) if r + p else 0.0)
    return {
        "accuracy": float((called == label).mean()),
        "recall": float(np.mean(recall)),
        "precision": float(np.mean(precision)),
        "f1": float(np.mean(f1)),
        "specificity": specificity(label, z),
    }


def best_bias(
    label: NDArray[np.int64], z: Array, database: NDArray[np.str_], leave: str = "e"
) -> float:
    """The bias that makes z - bias = 0 the best threshold within databases (mean MAcc).

    ``leave`` names a database that does not vote: in e the equipment gives the class away. The
    middle of the best plateau of a smoothed curve, so that chance peaks do not decide.
    """
    candidates = np.linspace(np.quantile(z, 0.02), np.quantile(z, 0.98), 201)
    names = [d for d in sorted(set(database.tolist())) if d != leave]
    weights = np.array([_weight(label[database == d]) for d in names])
    curve = np.array(
        [
            sum(
                w * macc(label[database == d], z[database == d] - c)
                for d, w in zip(names, weights, strict=True)
                if w
            )
            for c in candidates
        ]
    )
    width = 15
    smooth = np.convolve(np.pad(curve, width, mode="edge"), np.ones(2 * width + 1), "valid")
    return float(candidates[int(np.argmax(smooth))])


def calibration_temperature(label: NDArray[np.int64], z: Array, weight: Array) -> float:
    """T that minimises the weighted log loss of sigmoid(z / T)."""
    candidates = np.exp(np.linspace(np.log(0.2), np.log(8), 149))
    sign = np.where(label == 1, -1.0, 1.0)
    losses = [float((weight * np.logaddexp(0, sign * z / t)).sum()) for t in candidates]
    return float(candidates[int(np.argmin(losses))])


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
