"""Fits the network that moves decoded onsets to the sample (`dsp/cycles/onsets.py`).

It learns from phantoms, whose onsets are exact, and from as many annotated onsets of people, which
lie on the very grid that is to be left, but are those of real sounds: of phantoms alone it told
the S2 of children 10 ms late. The window it sees is shifted at random as a decoded frame may be.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import torch
from numpy.random import Generator
from numpy.typing import NDArray

from dsp.cycles.bands import FRAME
from dsp.cycles.onsets import BEFORE, BIN, BINS, INPUTS, REACH, loudness
from training.options import one_thread
from training.segmentation.data import PHANTOM, Prepared
from training.segmentation.score import reference

Float32 = NDArray[np.float32]
HIDDEN = 24
EACH, EACH_OF_PEOPLE = 60, 20
"""Onsets of each sound of each phantom, or recording, that are learnt from, at most."""


def examples(prepared: Prepared, places: Sequence[int], rng: Generator) -> tuple[Float32, Float32]:
    """Inputs [n, 37] and displacements [n] in samples, half of phantoms and half of people."""
    exact = [k for k in places if prepared.recordings[k].database == PHANTOM]
    people = [k for k in places if prepared.recordings[k].database != PHANTOM]
    x, wanted = _examples(prepared, exact, rng, EACH)
    if not people:
        return x, wanted
    more, moved = _examples(prepared, people, rng, EACH_OF_PEOPLE)
    chosen = rng.permutation(len(more))[: len(x)]
    return np.concatenate([x, more[chosen]]), np.concatenate([wanted, moved[chosen]])


def _examples(
    prepared: Prepared, places: Sequence[int], rng: Generator, each: int
) -> tuple[Float32, Float32]:
    inputs, wanted = [], []
    for place in places:
        sound = prepared.sounds[place]
        onsets = reference(prepared.truths[place], len(sound)).onsets
        for kind in (0, 1):
            chosen = onsets[kind][(onsets[kind] > 400) & (onsets[kind] < len(sound) - 400)]
            chosen = rng.permutation(chosen)[:each]
            grid = (chosen + 20) // FRAME * FRAME
            shift = np.round(rng.normal(0, 0.45, len(chosen))).astype(int) * FRAME
            start = grid + shift
            move = chosen - start
            kept = np.abs(move) < REACH
            if not kept.any():
                continue
            at = (start[kept] - BEFORE * BIN)[:, None] + np.arange(BINS * BIN)
            x = np.ones((int(kept.sum()), INPUTS), np.float32)
            x[:, :BINS] = loudness(sound[at])
            x[:, BINS] = kind
            inputs.append(x)
            wanted.append(move[kept])
    return np.concatenate(inputs), np.concatenate(wanted).astype(np.float32)


def fit_onsets(
    data: tuple[Float32, Float32], steps: int = 4000, batch: int = 512, seed: int = 0
) -> dict[str, Float32]:
    """Weights of the network (absolute error, Adam)."""
    torch.manual_seed(seed)
    one_thread()
    x, wanted = torch.from_numpy(data[0]), torch.from_numpy(data[1])
    sizes = [INPUTS, HIDDEN, HIDDEN, 1]
    layers = [torch.randn(a, b) * (2 / a) ** 0.5 for a, b in pairwise(sizes)]
    layers[-1] *= 0.1
    for layer in layers:
        layer.requires_grad_()
    optimiser = torch.optim.Adam(layers, lr=3e-3)
    plan = torch.optim.lr_scheduler.OneCycleLR(optimiser, 3e-3, total_steps=steps)
    for _ in range(steps):
        at = torch.randint(0, len(x), (batch,))
        y = torch.relu(torch.relu(x[at] @ layers[0]) @ layers[1]) @ layers[2]
        told = torch.tanh(y)[:, 0] * REACH
        loss = (told - wanted[at]).abs().mean()
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        plan.step()
    return {f"onset.{k}": layer.detach().numpy() for k, layer in enumerate(layers)}
