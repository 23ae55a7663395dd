"""Protocol P, the paper's: single zero-padded cycles, split at random 10:1.

A cycle is the sound from one S1 to the next, cut at 2.5 s, divided by its root mean square, then
padded with zeros as sound, before the MFCC. Samples of one recording fall on both sides, so the
figures say how well a network knows *these* recordings (DATA.md): kept to stand beside Table II.
The number of zeros tells the heart rate.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from models.mfcc import SAMPLES
from models.teacher import Ensemble
from training.batches import Data
from training.cells import SYSTEMS, Cell, Say, checkpoint_path, read_cell, system, write_cell
from training.config import Config
from training.datasets import Recording
from training.errors import TrainingError
from training.evaluate import gain
from training.fit import Fitted, finished, fit, predict
from training.frontend import QUIETEST, make_mfcc
from training.prepare import Prepared
from training.sampler import Sampler
from training.scores import auc, macro
from training.windows import WindowTable

TEST_SHARE = 1 / 11
APART = SAMPLES + 40
"""Samples from one cycle to the next in the grid: room for a last, centred frame."""
BATCH = 256


def cycle_table(
    recordings: list[Recording], prepared: Prepared, onsets: Mapping[str, NDArray[np.int64]]
) -> tuple[WindowTable, NDArray[np.int64], NDArray[np.int64]]:
    """Table of cycles, and where each begins and how long it is in the filtered sound."""
    begin, length, owner = [], [], []
    known = [r for r in recordings if r.scored and r.name in prepared.start]
    for i, r in enumerate(known):
        s1 = onsets.get(r.name, np.zeros(0, np.int64))
        for a, b in pairwise(s1.tolist()):
            if b - a <= 2 * SAMPLES:  # longer: a stretch without annotation lies between
                begin.append(prepared.start[r.name] + a)
                length.append(min(b - a, SAMPLES))
                owner.append(i)
    n = len(begin)
    table = WindowTable(
        np.arange(n, dtype=np.int64) * APART,
        np.full(n, SAMPLES, np.int64),
        np.asarray(owner, np.int64),
        tuple(r.name for r in known),
        np.asarray([r.label for r in known], np.int64),
    )
    return table, np.asarray(begin, np.int64), np.asarray(length, np.int64)


def cycle_data(
    table: WindowTable,
    begin: NDArray[np.int64],
    length: NDArray[np.int64],
    prepared: Prepared,
    config: Config,
) -> Data:
    """Mel power in dB of every padded cycle (or its sound), one window after the other."""
    if config.sound:
        sounds = np.zeros((len(table), APART), np.float16)
        for some, sound in _cycles(len(table), begin, length, prepared):
            sounds[some, :SAMPLES] = sound
        return Data(torch.from_numpy(sounds.reshape(-1, 1)), table)
    mfcc = make_mfcc(config.mfcc)
    apart = APART // config.mfcc.hop_length
    grid = np.zeros((len(table), apart, config.mfcc.n_mels), np.float16)
    for some, sound in _cycles(len(table), begin, length, prepared):
        with torch.inference_mode():
            power = mfcc.power(torch.from_numpy(sound))
            db = (10 * torch.log10(torch.clamp(power, min=QUIETEST))).transpose(1, 2).numpy()
        grid[some, : db.shape[1]] = db
    return Data(torch.from_numpy(grid.reshape(-1, config.mfcc.n_mels)), table)


def _cycles(
    count: int, begin: NDArray[np.int64], length: NDArray[np.int64], prepared: Prepared
) -> Iterator[tuple[slice, NDArray[np.float32]]]:
    """Padded cycles by the batch: which, and their sound float32 [n, SAMPLES]."""
    for first in range(0, count, BATCH):
        some = range(first, min(first + BATCH, count))
        sound = np.zeros((len(some), SAMPLES), np.float32)
        for row, k in enumerate(some):
            cycle = prepared.sound[begin[k] : begin[k] + length[k]]
            sound[row, : length[k]] = cycle / max(float(np.sqrt(np.mean(cycle**2))), 1e-8)
        yield slice(some.start, some.stop), sound


def random_split(
    table: WindowTable, databases: Mapping[str, str], seed: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Indices of training and test samples, 10:1, stratified by database and class."""
    rng = np.random.default_rng([seed, 10])
    cell = np.array([f"{databases[n]}{y}" for n, y in zip(table.names, table.labels, strict=True)])
    of_window = cell[table.recording]
    test = []
    for name in sorted(set(of_window.tolist())):
        mine = rng.permutation(np.flatnonzero(of_window == name))
        test.append(mine[: round(mine.size * TEST_SHARE)])
    held = np.sort(np.concatenate(test))
    return np.setdiff1d(np.arange(len(table)), held), held


def trained(
    config: Config, data: Data, recordings: list[Recording], train: NDArray[np.int64], cell: Cell,
    *, systems: Path = SYSTEMS, say: Say = lambda text: None,
) -> Fitted:  # fmt: skip
    """Return the network of a cell of protocol P, trained now or from its checkpoint."""
    path = checkpoint_path(config, cell)
    done = finished(config, path, cell.seed)
    if done is not None:
        return done
    teacher: nn.Module | None = None
    if config.distil.teacher:
        members: list[nn.Module] = []
        for name in config.distil.teacher.split(","):
            theirs = system(name.strip(), systems)
            own = Cell(theirs.name, cell.protocol, cell.fold, cell.seed)
            fitted = trained(theirs, data, recordings, train, own, systems=systems, say=say)
            members.append(fitted.network)
        teacher = Ensemble(members).eval()
    sampler = Sampler(recordings, data.table, train, config.weights, balanced=config.balanced)
    return fit(
        config, data, train, sampler, seed=cell.seed, teacher=teacher, checkpoint=path,
        on_epoch=lambda epoch, loss: say(f"{cell.name} epoch {epoch + 1} loss {loss:.3f}"),
    )  # fmt: skip


def run_cell(
    cell: Cell,
    data: Data,
    recordings: list[Recording],
    folder: Path,
    *,
    systems: Path = SYSTEMS,
    say: Say = lambda text: None,
) -> dict[str, Any]:
    """Train and score one cell of protocol P, or read it where it is finished."""
    config = system(cell.system, systems)
    done = read_cell(folder, cell, config)
    if done is not None:
        return done
    begun = time.time()
    databases = {r.name: r.database for r in recordings}
    train, test = random_split(data.table, databases, cell.seed)
    fitted = trained(config, data, recordings, train, cell, systems=systems, say=say)
    z = predict(config, fitted.network, data, test)
    label = data.table.labels[data.table.recording[test]]
    figures = macro(label, z) | {"auc": auc(label, z), "windows": float(test.size)}
    return write_cell(
        folder, cell, config, fitted, begun,
        train_windows=int(train.size),
        windows={k: round(v, 4) for k, v in figures.items()},
        right="".join("1" if r else "0" for r in (z > 0) == (label == 1)),
    )  # fmt: skip


def paired(
    first: str,
    second: str,
    seeds: tuple[int, ...],
    table: WindowTable,
    recordings: list[Recording],
    cells: Path,
    draws: int = 2000,
) -> dict[str, float]:
    """First less second: mean difference of the accuracy over all seeds' test samples.

    Interval and two-sided p are by bootstrap over recordings: samples of one are not independent.

    Raises
    ------
    TrainingError
        If a cell is not finished, or the two were not tested on the same samples.
    """
    databases = {r.name: r.database for r in recordings}
    won, count = np.zeros(len(table.names)), np.zeros(len(table.names))
    for seed in seeds:
        a, b = (_right(cells / f"{name}__P__0__{seed}.json") for name in (first, second))
        _, test = random_split(table, databases, seed)
        if not a.size == b.size == test.size:
            raise TrainingError("the two systems were not tested on the same samples")
        owner = table.recording[test]
        won += np.bincount(owner, weights=a - b, minlength=won.size)
        count += np.bincount(owner, minlength=count.size)
    held = np.flatnonzero(count)
    drawn = np.random.default_rng(0).choice(held, (draws, held.size))
    values = won[drawn].sum(axis=1) / count[drawn].sum(axis=1)
    return gain(float(won.sum() / count.sum()), values)


def _right(path: Path) -> NDArray[np.float64]:
    if not path.is_file():
        raise TrainingError(f"{path} is missing", "run apexbeat-train grid --protocol P")
    content = json.loads(path.read_text(encoding="utf-8"))
    return np.array([float(x) for x in content["right"]])
