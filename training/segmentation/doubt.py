"""Fits and judges the doubt about the identity of heart sounds (`dsp/cycles/doubt.py`).

Every decoded cycle inside annotated spans has an outcome: right, swapped (S1 and S2 the wrong way
round), halved (a whole heart beat inside is missing) or doubled (it ends at the other sound).
Cycles that are wrong in another way are left out. Phantoms take part, for real hearts are
seldom so equivocal.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from dsp.cycles.beat import Beat
from dsp.cycles.doubt import FEATURES, OUTCOMES
from dsp.stage import RATE_HZ
from training.segmentation.score import Reference

Float32 = NDArray[np.float32]
RIGHT, SWAPPED, HALVED, DOUBLED = range(OUTCOMES)
OTHER = -1
NEAR = RATE_HZ // 10
"""Samples (100 ms) within which a told onset is an annotated one."""
HIDDEN = 16
DECAY = 1e-3


def _nearest(onsets: NDArray[np.int64], at: int) -> int | None:
    """Place of the onset near ``at``, None where there is none."""
    if not len(onsets):
        return None
    place = int(np.abs(onsets - at).argmin())
    return place if abs(int(onsets[place]) - at) <= NEAR else None


def outcome(beat: Beat, ref: Reference) -> int:
    """What became of one cycle; OTHER where it is cut, not annotated or wrong otherwise."""
    if beat.s1 is None or beat.s2 is None or beat.end is None:
        return OTHER
    inside = (ref.spans[:, 0] <= beat.s1) & (beat.end < ref.spans[:, 1])
    if not inside.any():
        return OTHER
    first, second, last = (
        [_nearest(ref.onsets[kind], at) for kind in (0, 1)] for at in (beat.s1, beat.s2, beat.end)
    )
    for kind in (0, 1):
        begin, end = first[kind], last[kind]
        if begin is None:
            continue
        if end == begin + 1 and second[1 - kind] is not None:
            return RIGHT if kind == 0 else SWAPPED
        if end == begin + 2:
            return HALVED
        if last[1 - kind] is not None and end is None and _follows(ref, kind, begin, beat.end):
            return DOUBLED
    return OTHER


def _follows(ref: Reference, kind: int, begin: int, end: int) -> bool:
    """True if no further sound of this kind lies between the one at ``begin`` and ``end``."""
    onsets = ref.onsets[kind]
    return begin + 1 >= len(onsets) or int(onsets[begin + 1]) > end


def fit_doubt(
    features: Float32, outcomes: NDArray[np.int64], steps: int = 1000, batch: int = 1024
) -> dict[str, Float32]:
    """Weights of the network, by cross-entropy over all cycles as often as they are."""
    torch.manual_seed(0)
    torch.set_num_threads(1)
    x = torch.from_numpy(np.concatenate([features, np.ones((len(features), 1), np.float32)], 1))
    y = torch.from_numpy(outcomes)
    first = torch.randn(FEATURES + 1, HIDDEN) * 0.3
    last = torch.zeros(HIDDEN + 1, OUTCOMES)
    layers = [first.requires_grad_(), last.requires_grad_()]
    optimiser = torch.optim.AdamW(layers, lr=1e-2, weight_decay=DECAY)
    plan = torch.optim.lr_scheduler.OneCycleLR(optimiser, 1e-2, total_steps=steps)
    for _ in range(steps):
        at = torch.randint(0, len(x), (batch,))
        hidden = torch.tanh(x[at] @ layers[0])
        logits = torch.cat([hidden, torch.ones(batch, 1)], dim=1) @ layers[1]
        loss = functional.cross_entropy(logits, y[at])
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        plan.step()
    return {f"doubt.{k}": layer.detach().numpy() for k, layer in enumerate(layers)}


def reliability(p: Float32, was: NDArray[np.int64]) -> dict[str, object]:
    """How probabilities [n, 4] compare with what became of the cycles [n]."""
    p, was = p[was != OTHER], was[was != OTHER]
    edges = np.array([0, 0.1, 0.3, 0.5, 0.7, 0.9, 0.97, 1.001])
    bins = []
    for low, high in pairwise(edges):
        inside = (p[:, RIGHT] >= low) & (p[:, RIGHT] < high)
        if inside.any():
            said, right = p[inside, RIGHT].mean(), np.mean(was[inside] == RIGHT)
            bins.append([round(float(said), 3), round(float(right), 3), int(inside.sum())])
    rate = p[:, HALVED] + p[:, DOUBLED]
    wrong = (was == HALVED) | (was == DOUBLED)
    return {
        "cycles": len(was),
        "swapped, halved, doubled": [int(np.sum(was == k)) for k in (SWAPPED, HALVED, DOUBLED)],
        "bins (said right, was, cycles)": bins,
        "wrong though said 0.9 sure": int(np.sum((p[:, RIGHT] >= 0.9) & (was != RIGHT))),
        "rate wrong though doubted under 0.1": int(np.sum(wrong & (rate < 0.1))),
        "rate right though doubted over 0.1": int(np.sum(~wrong & (rate >= 0.1))),
    }
