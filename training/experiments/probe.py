"""How well the last layer tells the database: the worse the better.

A logistic regression on the penultimate layer's mean over a recording's windows, trained on half
of the groups and scored on the other half, both ways; chance is the largest share of a database
after balancing (1 / number of databases).
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from training.batches import plain_batch
from training.config import Config
from training.dataset_bundle import DatasetBundle, thinned
from training.experiments.ablation import MOST_WINDOWS
from training.networks import Network
from training.splits import group_folds

STEPS = 400


def embeddings(
    config: Config, network: Network, world: DatasetBundle, names: frozenset[str]
) -> tuple[list[str], NDArray[np.float32]]:
    """Mean input of the last linear layer over each recording's windows."""
    table = world.data.table
    which = thinned(table.of(names), table.recording, MOST_WINDOWS)
    caught: list[torch.Tensor] = []
    last = [m for m in network.modules() if isinstance(m, nn.Linear)][-1]
    hook = last.register_forward_hook(lambda module, given, out: caught.append(given[0]))
    network.eval()
    with torch.inference_mode():
        for i in range(0, which.size, 512):
            network(plain_batch(config, world.data, which[i : i + 512]))
    hook.remove()
    inner = torch.cat(caught).float().numpy()
    owners = np.unique(table.recording[which])
    mean = np.stack([inner[table.recording[which] == k].mean(axis=0) for k in owners])
    return [table.names[k] for k in owners], mean


def database_accuracy(
    config: Config, network: Network, world: DatasetBundle, seed: int = 0
) -> float:
    """Balanced accuracy of telling the six databases from the last layer's input, 0..1."""
    by_name = {r.name: r for r in world.recordings if r.scored and not r.further}
    names, x = embeddings(config, network, world, frozenset(by_name))
    kinds = sorted({by_name[n].database for n in names})
    y = np.array([kinds.index(by_name[n].database) for n in names])
    halves = group_folds([by_name[n] for n in names], 2, seed)
    hits = np.zeros(y.size, dtype=bool)
    for half in halves:
        test = np.array([n in half for n in names])
        hits[test] = _fit_and_call(x[~test], y[~test], x[test], len(kinds)) == y[test]
    return float(np.mean([hits[y == k].mean() for k in range(len(kinds))]))


def _fit_and_call(
    x: NDArray[np.float32], y: NDArray[np.int64], new: NDArray[np.float32], kinds: int
) -> NDArray[np.int64]:
    mean, deviation = x.mean(axis=0), x.std(axis=0) + 1e-6
    a = torch.from_numpy((x - mean) / deviation)
    label = torch.from_numpy(y)
    weight = 1 / torch.bincount(label, minlength=kinds).clamp(min=1).float()
    torch.manual_seed(0)
    layer = nn.Linear(x.shape[1], kinds)
    optimiser = torch.optim.AdamW(layer.parameters(), lr=0.03, weight_decay=0.1)
    for _ in range(STEPS):
        loss = nn.functional.cross_entropy(layer(a), label, weight=weight)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    with torch.inference_mode():
        called = layer(torch.from_numpy((new - mean) / deviation)).argmax(dim=1)
    return np.asarray(called.numpy())
