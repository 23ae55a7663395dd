"""Fitting of the signal quality: weights of the sources, network, threshold, names of noises.

fit(samples)            Parameters from samples (`training.quality.data`)
margins(fitted, sample) logits of good, span by span
judged(fitted, sample)  values as the product's judge gives them, in order
write(fitted, path)     the numbers of the package
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from dsp.quality_features import NAMES
from dsp.quality_judge import LIMIT, Judge, Parameters, QualityValue, scores
from training.quality.data import GOOD, NO_HEART, NOISY, Sample

CLEAN_LOST = 0.02
"""Share of hand-annotated clean spans that the threshold may lose (the limit set is 0.03)."""

CLIPPED_LOST = 0.002
"""Share of them that may be called clipped."""

LEAST_CLIPPED = 0.004
HIDDEN = 16
EPOCHS = 14
BATCH = 2048
RATE = 1e-2
DECAY = 1e-2
KINDS = ("steady", "speech", "rubbing", "hum")
KIND_OF = {"white": 0, "pink": 0, "speech": 1, "rubbing": 2, "hum": 3}

WEIGHTS = {
    ("cinc", GOOD): 1.0,
    ("cinc", NOISY): 0.6,
    ("pascal", NO_HEART): 0.7,
    ("yaseen", GOOD): 0.08,
    ("fast", GOOD): 0.15,
    ("mixed", GOOD): 0.1,
    ("mixed", NOISY): 0.25,
    ("pause", NO_HEART): 0.12,
    ("noise", NOISY): 0.06,
    ("noise", NO_HEART): 0.12,
}
"""Total weight of each source; within it, databases count as the root of their size."""


@dataclass(frozen=True, slots=True)
class _Table:
    """Samples side by side."""

    vectors: NDArray[np.float64]
    labels: NDArray[np.int64]
    weights: NDArray[np.float64]
    kinds: NDArray[np.int64]


def _side_by_side(samples: Sequence[Sample]) -> _Table:
    lengths = [len(s.labels) for s in samples]
    vectors = np.concatenate([s.vectors for s in samples]).astype(np.float64)
    labels = np.concatenate([s.labels for s in samples]).astype(np.int64)
    keys = np.repeat([f"{s.source}/{s.database}" for s in samples], lengths)
    kinds = np.repeat([KIND_OF.get(s.kind, -1) for s in samples], lengths)
    weights = np.zeros(len(labels))
    for (source, label), total in WEIGHTS.items():
        mine = [
            index
            for key in np.unique(keys)
            if key.split("/")[0] == source
            and len(index := np.flatnonzero((keys == key) & (labels == label)))
        ]
        scale = sum(np.sqrt(len(index)) for index in mine)
        for index in mine:
            weights[index] = total / (np.sqrt(len(index)) * scale)
    return _Table(vectors, labels, weights, np.where(labels == GOOD, -1, kinds))


def fit(samples: Sequence[Sample], seed: int = 0) -> Parameters:
    """Everything but the threshold, which is set from held-out spans (`threshold`)."""
    table = _side_by_side(samples)
    known = table.weights > 0
    vectors = table.vectors[known]
    mean, deviation = vectors.mean(axis=0), vectors.std(axis=0) + 1e-6
    scaled = np.clip((table.vectors - mean) / deviation, -LIMIT, LIMIT)
    torch.manual_seed(seed)
    value = torch.nn.Sequential(
        torch.nn.Linear(len(NAMES), HIDDEN), torch.nn.Tanh(), torch.nn.Linear(HIDDEN, 3)
    )
    _train(value, scaled[known], table.labels[known], table.weights[known])
    named = table.kinds >= 0
    counts = np.bincount(table.kinds[named], minlength=len(KINDS))
    kind = torch.nn.Linear(len(NAMES), len(KINDS))
    balance = 1.0 / np.maximum(counts, 1)[table.kinds[named]]
    _train(kind, scaled[named], table.kinds[named], balance)
    full = table.vectors[known & (table.labels == GOOD), NAMES.index("full_scale")]
    clipped = max(float(np.quantile(full, 1.0 - CLIPPED_LOST)), LEAST_CLIPPED)
    hidden, out = value[0], value[2]
    return Parameters(
        clipped, 0.0, mean, deviation, _numbers(hidden.weight), _numbers(hidden.bias),
        _numbers(out.weight), _numbers(out.bias), KINDS, _numbers(kind.weight),
        _numbers(kind.bias),
    )  # fmt: skip


def _numbers(tensor: object) -> NDArray[np.float64]:
    assert isinstance(tensor, torch.Tensor)
    return tensor.detach().double().numpy()


def _train(
    module: torch.nn.Module,
    vectors: NDArray[np.float64],
    labels: NDArray[np.int64],
    weights: NDArray[np.float64],
) -> None:
    x = torch.tensor(vectors, dtype=torch.float32)
    y = torch.tensor(labels)
    w = torch.tensor(weights / weights.mean(), dtype=torch.float32)
    steps = EPOCHS * -(-len(x) // BATCH)
    optimizer = torch.optim.AdamW(module.parameters(), lr=RATE, weight_decay=DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=steps)
    for _ in range(EPOCHS):
        order = torch.randperm(len(x))
        for begin in range(0, len(x), BATCH):
            batch = order[begin : begin + BATCH]
            each = torch.nn.functional.cross_entropy(module(x[batch]), y[batch], reduction="none")
            optimizer.zero_grad()
            (each * w[batch]).mean().backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()


def margins(fitted: Parameters, vectors: NDArray[np.floating]) -> NDArray[np.float64]:
    """Logit of good of many vectors, threshold not taken away."""
    scaled = np.clip((vectors - fitted.mean) / fitted.deviation, -LIMIT, LIMIT)
    hidden = np.tanh(scaled @ fitted.hidden.T + fitted.hidden_bias)
    logits = hidden @ fitted.out.T + fitted.out_bias
    return np.asarray(logits[:, 0] - np.logaddexp(logits[:, 1], logits[:, 2]))


def threshold(held_out: NDArray[np.float64]) -> float:
    """The threshold that loses `CLEAN_LOST` of held-out clean spans."""
    return float(np.quantile(held_out, CLEAN_LOST))


def judged(fitted: Parameters, sample: Sample) -> list[QualityValue]:
    """The judge's values of one recording, in order (flat spans judged as sound)."""
    judge = Judge(fitted)
    vectors = sample.vectors.astype(np.float64)
    return [
        judge(one, float(loud))[0]
        for one, loud in zip(scores(fitted, vectors), sample.loud_db, strict=True)
    ]


def with_threshold(fitted: Parameters, value: float) -> Parameters:
    """The same with its threshold set."""
    return replace(fitted, threshold=value)


def write(fitted: Parameters, path: Path) -> None:
    """Write the numbers of the package, to five significant digits."""

    def short(values: NDArray[np.float64] | float) -> NDArray[np.float64]:
        return np.array([float(f"{v:.5g}") for v in np.ravel(values)]).reshape(np.shape(values))

    found: dict[str, Any] = dataclasses.asdict(fitted)
    np.savez(path, **found | {k: short(v) for k, v in found.items() if k != "kinds"})
