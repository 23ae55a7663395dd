"""From the table of windows to what a network hears: cut, changed at random, as coefficients."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from models.mfcc import SAMPLES, dct_matrix
from training.augment import augment, cut, cut_states, mix, speeds
from training.config import Config
from training.murmur import add_murmur
from training.windows import WindowTable


@dataclass(frozen=True, slots=True)
class Data:
    """What a training reads.

    Attributes
    ----------
    grid
        Mel power in dB, float16 [frames, bands]; for a network that hears sound the sound
        itself, float16 [samples, 1].
    states
        Heart state of each frame (0 unknown, 1..4 S1, systole, S2, diastole), uint8 [frames].
    """

    grid: Tensor
    table: WindowTable
    states: Tensor | None = None


def span(config: Config) -> tuple[int, int]:
    """Samples from one row of the grid to the next, and rows of a window."""
    samples = round(config.view_s * config.mfcc.sample_rate_hz)
    return (
        (1, samples) if config.sound else (config.mfcc.hop_length, config.mfcc.frames_of(samples))
    )


def _room(config: Config, room: NDArray[np.int64]) -> Tensor | None:
    """Frames that a window may read before it begins again; None where it always has enough."""
    if round(config.view_s * config.mfcc.sample_rate_hz) <= SAMPLES:
        return None
    left = (room - config.mfcc.n_fft) // config.mfcc.hop_length - config.augment.shift
    return torch.from_numpy(left)


def heard(config: Config, rows: Tensor) -> Tensor:
    """What the network takes, of rows of the grid float32 [n, frames, bands].

    Returns
    -------
    MFCC float32 [n, n_mfcc, frames], or sound float32 [n, samples].
    """
    if config.sound:
        return rows[:, :, 0]
    loudest = rows.amax(dim=(1, 2), keepdim=True)
    floored = torch.maximum(rows, loudest - config.mfcc.top_db)
    dct = torch.tensor(dct_matrix(config.mfcc.n_mfcc, config.mfcc.n_mels), dtype=torch.float32)
    return dct @ floored.transpose(1, 2)


def plain_batch(config: Config, data: Data, chosen: NDArray[np.int64]) -> Tensor:
    """Windows as they are, as the network takes them."""
    hop, frames = span(config)
    first = np.rint(data.table.position[chosen] / hop).astype(np.int64)
    room = _room(config, data.table.room[chosen])
    return heard(config, cut(data.grid, torch.from_numpy(first), frames, None, room))


def training_batch(
    config: Config, data: Data, chosen: NDArray[np.int64], rng: np.random.Generator
) -> tuple[Tensor, Tensor]:
    """Windows changed at random, as the network takes them, and class probabilities [n, 2]."""
    table, settings = data.table, config.augment
    hop, frames = span(config)
    first = np.rint(table.position[chosen] / hop).astype(np.int64)
    if settings.shift:
        first += rng.integers(-settings.shift, settings.shift + 1, chosen.size)
        first = np.maximum(first, 0)
    speed, room = None, _room(config, table.room[chosen])
    if settings.stretch > 1:
        left = (table.room[chosen] - config.mfcc.n_fft) // hop - settings.shift - 1
        enough = left if room is None else np.full_like(left, round(frames * settings.stretch) + 3)
        speed = speeds(rng, enough, frames, settings.stretch)
    begin = torch.from_numpy(first)
    rows = cut(data.grid, begin, frames, speed, room)
    label = torch.from_numpy(table.labels[table.recording[chosen]])
    if (settings.murmur or settings.diastolic) and data.states is not None:
        states = cut_states(data.states, begin, frames, speed, room)
        rows, label = add_murmur(rows, states, label, settings.murmur, rng)
        rows, label = add_murmur(rows, states, label, settings.diastolic, rng, diastolic=True)
    rows = augment(rows, settings, rng)
    target = nn.functional.one_hot(label, 2).float()
    if settings.mix:
        rows, target = mix(rows, target, settings.mix, rng)
    if config.smoothing:
        target = target * (1 - config.smoothing) + config.smoothing / 2
    return heard(config, rows), target
