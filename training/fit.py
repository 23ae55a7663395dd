"""Training of one network: seeded, resumable after a kill at any moment, frugal.

On processors with bf16 arithmetic the convolutions run in it, channels last (two to three times
as fast here; weights and logits stay float32). The checkpoint holds network, average, optimiser,
epoch and every random state; it is written beside and renamed after each epoch.
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from training import journal
from training.batches import Data, plain_batch, training_batch
from training.checkpoint import load_checkpoint, random_states, restore_random, save
from training.config import Config
from training.device import autocast, device
from training.distil import loss_of
from training.networks import Network, Peers, build
from training.sampler import Sampler

AVERAGE_STEPS = 300
"""Memory of the running mean of the weights, in steps."""
SURE = 1.5
"""Half of the z of a window with a made-up murmur, where a recording's mean logit teaches."""


@dataclass(slots=True)
class Fitted:
    """A trained network and what it took."""

    network: Network
    losses: list[float] = field(default_factory=list)
    seconds: float = 0.0


def fit(
    config: Config,
    data: Data,
    train: NDArray[np.int64],
    sampler: Sampler,
    *,
    seed: int,
    teacher: nn.Module | None = None,
    targets: NDArray[np.float64] | None = None,
    begin: Mapping[str, Tensor] | None = None,
    checkpoint: Path | None = None,
    on_epoch: Callable[[int, float], None] = lambda epoch, loss: None,
) -> Fitted:
    """Train one network on the windows ``train`` of the table.

    Parameters
    ----------
    targets : float64 [windows of train], optional
        z1 - z0 that teaches each of them, in place of a teacher.
    begin
        Weights to begin with, in place of random ones.

    Raises
    ------
    TrainingError
        If the checkpoint belongs to another configuration.
    """
    torch.manual_seed(seed)
    rng = np.random.default_rng([seed, 20])
    network = _assembled(config)
    if begin is not None:
        network.load_state_dict(dict(begin))
    average = copy.deepcopy(network)
    optimiser = torch.optim.AdamW(network.parameters(), lr=config.rate, weight_decay=config.decay)
    steps = config.windows_per_epoch // config.batch
    state: dict[str, Any] = {"network": network, "average": average, "optimiser": optimiser}
    fitted = Fitted(_kept(average if config.average else network))
    first = _resume(checkpoint, config, seed, state, rng, fitted)
    if checkpoint is not None:
        journal.begin(checkpoint.parent, config, seed)
    taught = _Taught(config, data, train, teacher, targets)
    for epoch in range(first, config.epochs):
        begun = time.process_time()
        network.train()
        total = 0.0
        for step in range(steps):
            done = (epoch * steps + step) / (config.epochs * steps)
            for group in optimiser.param_groups:
                group["lr"] = config.rate * _schedule(done)
            drawn = sampler.draw(rng, config.batch)
            rows, target = training_batch(config, data, train[drawn], rng)
            soft = taught.logits(rows, drawn, target)
            loss = _step(config, network, optimiser, rows, target, soft)
            _follow(average, network, epoch * steps + step)
            total += loss
        fitted.losses.append(total / steps)
        fitted.seconds += time.process_time() - begun
        if checkpoint is not None:
            content = {name: part.state_dict() for name, part in state.items()}
            content |= {"key": config.key(), "seed": seed, "epoch": epoch + 1}
            content |= {"losses": fitted.losses, "seconds": fitted.seconds}
            save(checkpoint, content | random_states(rng))
            rate, spent = optimiser.param_groups[0]["lr"], round(fitted.seconds, 1)
            journal.epoch_done(checkpoint.parent, epoch + 1, total / steps, rate, spent)
        on_epoch(epoch, total / steps)
    fitted.network.eval().cpu()
    if checkpoint is not None and first < config.epochs:
        journal.end(checkpoint.parent)
    return fitted


def _resume(
    path: Path | None,
    config: Config,
    seed: int,
    state: dict[str, Any],
    rng: np.random.Generator,
    fitted: Fitted,
) -> int:
    """Take up the last checkpoint, where there is one; return the epochs that are done."""
    if path is None or not path.is_file():
        return 0
    content = load_checkpoint(path, config, seed)
    for name, part in state.items():
        part.load_state_dict(content[name])
    restore_random(rng, content)
    fitted.losses = content["losses"]
    fitted.seconds = content["seconds"]
    return int(content["epoch"])


class _Taught:
    """The teacher's logits for a batch; known before where no change of a window alters them."""

    def __init__(
        self,
        config: Config,
        data: Data,
        train: NDArray[np.int64],
        teacher: nn.Module | None,
        targets: NDArray[np.float64] | None,
    ) -> None:
        self._teacher = teacher.to(device()) if teacher is not None else None
        self._known: Tensor | None = None
        self._label = torch.from_numpy(data.table.labels[data.table.recording[train]])
        if teacher is not None and config.augment.still:
            self._known = _logits(config, teacher, data, train)
        elif targets is not None:
            half = torch.from_numpy(targets).float() / 2
            self._known = torch.stack([-half, half], dim=1)

    @torch.no_grad()
    def logits(self, rows: Tensor, drawn: NDArray[np.int64], target: Tensor) -> Tensor | None:
        """Logits float32 [n, 2]; None without a teacher.

        A window that got a made-up murmur is no longer the one that the teacher heard: it is
        taught as surely abnormal.
        """
        if self._known is not None:
            soft = self._known[torch.from_numpy(drawn)]
            changed = (target[:, 1] > 0.5) & (self._label[torch.from_numpy(drawn)] == 0)
            return torch.where(changed[:, None], torch.tensor([-SURE, SURE]), soft)
        if self._teacher is None:
            return None
        place = device()
        with autocast(place):
            logits: Tensor = self._teacher(rows.to(place))
        return logits.float()


def _assembled(config: Config) -> nn.Module:
    """The network that is trained: one student, or several that teach each other."""
    peers = config.distil.peers
    network = Peers([build(config) for _ in range(peers)]) if peers else build(config)
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return network.to(device())


def _kept(network: nn.Module) -> Network:
    """The network that is used afterwards."""
    one = network.members[0] if isinstance(network, Peers) else network
    assert isinstance(one, Network)
    return one


def restored(config: Config, content: dict[str, Any]) -> Fitted:
    """The trained network of a finished checkpoint."""
    network = _assembled(config)
    network.load_state_dict(content["average" if config.average else "network"])
    return Fitted(_kept(network).eval().cpu(), content["losses"], content["seconds"])


def finished(config: Config, path: Path, seed: int) -> Fitted | None:
    """The trained network of a checkpoint; None where there is none or it is not finished."""
    if not path.is_file():
        return None
    content = load_checkpoint(path, config, seed)
    return restored(config, content) if content["epoch"] == config.epochs else None


def _step(
    config: Config,
    network: nn.Module,
    optimiser: torch.optim.Optimizer,
    rows: Tensor,
    target: Tensor,
    soft: Tensor | None,
) -> float:
    place = device()
    with autocast(place):
        logits = network(rows.to(place)).float()
    taught = None if soft is None else soft.to(place)
    loss = loss_of(logits, target.to(place), taught, config)
    optimiser.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    nn.utils.clip_grad_norm_(network.parameters(), 5.0)
    optimiser.step()
    return float(loss.detach())


def _schedule(done: float) -> float:
    """Warm up over the first 5 %, then a half cosine to a hundredth."""
    if done < 0.05:
        return (done + 0.002) / 0.052
    return 0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * (done - 0.05) / 0.95))


@torch.no_grad()
def _follow(average: nn.Module, network: nn.Module, step: int) -> None:
    keep = min(1 - 1 / (step + 1), 1 - 1 / AVERAGE_STEPS)
    for a, b in zip(average.state_dict().values(), network.state_dict().values(), strict=True):
        if a.dtype.is_floating_point:
            a.lerp_(b, 1 - keep)
        else:
            a.copy_(b)


def predict(
    config: Config, network: nn.Module, data: Data, which: NDArray[np.int64], batch: int = 64
) -> NDArray[np.float64]:
    """z1 - z0 of windows of the table, float64 [n], from the grid without augmentation."""
    logits = _logits(config, network, data, which, batch).double().numpy()
    return np.asarray(logits[:, 1] - logits[:, 0])


@torch.no_grad()
def _logits(
    config: Config, network: nn.Module, data: Data, which: NDArray[np.int64], batch: int = 64
) -> Tensor:
    place = device()
    network.eval().to(place)
    out = torch.empty(which.size, 2)
    for i in range(0, which.size, batch):
        rows = plain_batch(config, data, which[i : i + batch])
        with autocast(place):
            out[i : i + batch] = network(rows.to(place)).float().cpu()
    return out
