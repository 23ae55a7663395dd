"""Fits the learned emission: excerpts, batches, optimiser.

`fit` takes the cached features of the recordings it may learn from and returns a `Network`.
An excerpt is normalised as a stream that begins with it (`dsp/cycles/normalise.py`), so that the
network meets the start of a stream as often as its middle.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.random import Generator
from numpy.typing import NDArray
from torch.nn import functional

from dsp.cycles.bands import BANDS, BLOCK, PHASE, SPAN, log_bands
from dsp.cycles.normalise import Normaliser
from training.options import one_thread
from training.segmentation.augment import augment
from training.segmentation.data import IGNORE
from training.segmentation.network import Network, Shape

Float32 = NDArray[np.float32]
HELD = 10
"""Blocks held back at the start of a stream."""


@dataclass(frozen=True)
class Schedule:
    """How long and how to train."""

    steps: int
    batch: int = 16
    frames: int = 800
    rate: float = 4e-3
    seed: int = 0
    none_weight: float = 0.5


@dataclass(frozen=True)
class Item:
    """One recording to learn from: features [n, 16], labels [n], how often to draw it, and whether
    its rate may be changed."""

    features: Float32
    labels: NDArray[np.uint8]
    weight: float
    warped: bool = True


def noise_bank(rng: Generator, seconds: int = 300) -> Float32:
    """Log band energies of white noise [half-frames, 8], zero on average in each band."""
    parts = []
    for _ in range(seconds * 2):
        parts.append(log_bands(rng.standard_normal(SPAN).astype(np.float32)))
    bank = np.concatenate(parts).reshape(-1, BANDS)
    out: Float32 = (bank - np.log(np.exp(bank).mean(axis=0))).astype(np.float32)
    return out


def normalise(features: Float32, first: int = 0) -> Float32:
    """Normalise a whole recording as the stream does; ``first`` is its first frame's index."""
    lead = (first - PHASE) % BLOCK
    cuts = list(range(BLOCK - lead, len(features), BLOCK))
    blocks = np.split(features, cuts)
    normaliser = Normaliser()
    normaliser.start(blocks[:HELD])
    return np.concatenate(
        [normaliser.apply(b, learn=k >= HELD and len(b) == BLOCK) for k, b in enumerate(blocks)]
    )


class Excerpts:
    """Draws batches of augmented, normalised excerpts."""

    def __init__(self, items: list[Item], schedule: Schedule) -> None:
        self.items, self.schedule = items, schedule
        self.rng = np.random.default_rng(schedule.seed)
        self.bank = noise_bank(self.rng)
        weights = np.array([i.weight for i in items])
        self.share = weights / weights.sum()

    def one(self) -> tuple[Float32, NDArray[np.uint8]]:
        """One excerpt of at most ``schedule.frames``."""
        rng, length = self.rng, self.schedule.frames
        item = self.items[int(rng.choice(len(self.items), p=self.share))]
        want = int(length * 1.5)
        spare = len(item.features) - length
        begin = int(rng.integers(0, spare + 1)) if spare > 0 and rng.random() < 0.8 else 0
        x, labels = item.features[begin : begin + want], item.labels[begin : begin + want]
        x, labels = augment(x, labels, length, self.bank, rng, item.warped)
        return normalise(x, int(rng.integers(0, BLOCK)) if begin else 0), labels

    def batch(self) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Features [n, 16, frames], mask [n, 1, frames], labels [n, frames]."""
        n, length = self.schedule.batch, self.schedule.frames
        x = np.zeros((n, length, 2 * BANDS), np.float32)
        mask = np.zeros((n, length), np.float32)
        labels = np.full((n, length), IGNORE, np.int64)
        for k in range(n):
            features, states = self.one()
            x[k, : len(features)] = features
            mask[k, : len(features)] = 1
            labels[k, : len(states)] = states
        return (
            torch.from_numpy(x).transpose(1, 2).contiguous(),
            torch.from_numpy(mask)[:, None],
            torch.from_numpy(labels),
        )


def fit(
    items: list[Item],
    shape: Shape,
    schedule: Schedule,
    report: Callable[[int, float], None] = lambda step, loss: None,
) -> Network:
    """Train a network on the items (one cycle of the learning rate, AdamW)."""
    torch.manual_seed(schedule.seed)
    one_thread()
    network = Network(shape)
    optimiser = torch.optim.AdamW(network.parameters(), lr=schedule.rate, weight_decay=0.01)
    plan = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, schedule.rate, total_steps=schedule.steps, pct_start=0.1
    )
    excerpts = Excerpts(items, schedule)
    weight = torch.ones(5)
    weight[4] = schedule.none_weight
    smooth = 0.0
    for step in range(schedule.steps):
        x, mask, labels = excerpts.batch()
        with torch.autocast("cpu", torch.bfloat16):
            logits = network(x, mask)
        loss = functional.cross_entropy(logits.float(), labels, weight, ignore_index=IGNORE)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        plan.step()
        value = float(loss.detach())
        smooth = value if step == 0 else 0.98 * smooth + 0.02 * value
        if step % 50 == 0 or step == schedule.steps - 1:
            report(step, smooth)
    return network.eval()
