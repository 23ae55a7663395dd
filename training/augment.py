"""From the grid of mel power in dB to augmented training windows.

All changes are physical ones: another heart rate (stretch), another chest (warp), another room
and recorder (response, noise, bursts), lost bands and moments (masks). They act on dB of mel
power, float32 [n, frames, bands], and cost a tenth of the network's time.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from training.config import Augment


def cut(
    grid: Tensor,
    first: Tensor,
    frames: int,
    speed: Tensor | None = None,
    room: Tensor | None = None,
) -> Tensor:
    """Cut windows out of the grid.

    Parameters
    ----------
    grid : float16 [all frames, bands]
    first : int64 [n]
        First frame of each window.
    speed : float32 [n], optional
        Frames of the grid per frame of the window (2: the heart beats twice as fast).
    room : int64 [n], optional
        Frames that the recording still has: a longer window begins again at its first frame.

    Returns
    -------
    float32 [n, frames, bands]
    """
    if speed is None:
        return grid[first[:, None] + _places(frames, None, room)].float()
    place = _places(frames, speed, room)
    low = place.floor()
    part = (place - low)[..., None]
    index = first[:, None] + low.long()
    return torch.lerp(grid[index].float(), grid[index + 1].float(), part)


def _places(frames: int, speed: Tensor | None, room: Tensor | None) -> Tensor:
    """Frames of the grid after the first one that a window reads, [n or 1, frames]."""
    place = torch.arange(frames)[None, :]
    if speed is not None:
        place = place * speed[:, None]
    return place if room is None else torch.remainder(place, room[:, None])


def cut_states(
    states: Tensor,
    first: Tensor,
    frames: int,
    speed: Tensor | None = None,
    room: Tensor | None = None,
) -> Tensor:
    """Heart states of the windows that ``cut`` cuts, uint8 [n, frames]."""
    return states[first[:, None] + _places(frames, speed, room).round().long()]


def speeds(
    rng: np.random.Generator, room: NDArray[np.int64], frames: int, largest: float
) -> Tensor:
    """Random speeds, log-uniform from 1/√largest… to ``largest``, as far as the sound reaches.

    Parameters
    ----------
    room : int64 [n]
        Frames of the grid that the recording still has.
    """
    highest = np.clip((room - 2) / frames, 1.0, largest)
    lowest = 1.0 / math.sqrt(largest)
    value = np.exp(rng.uniform(np.log(lowest), np.log(highest)))
    return torch.from_numpy(value.astype(np.float32))


def augment(db: Tensor, settings: Augment, rng: np.random.Generator) -> Tensor:
    """Change windows at random, float32 [n, frames, bands] in dB."""
    if settings.warp:
        db = _warp(db, settings.warp, rng)
    if settings.response_db:
        db = db + _smooth_curve(db.shape[0], db.shape[2], settings.response_db, rng)[:, None, :]
    if settings.noise:
        db = _add_noise(db, settings.noise, rng)
    if settings.burst:
        db = _add_burst(db, settings.burst, rng)
    if settings.mask:
        db = _mask(db, settings.mask, rng)
    return db


def mix(
    db: Tensor, target: Tensor, alpha: float, rng: np.random.Generator
) -> tuple[Tensor, Tensor]:
    """Mixup (Zhang 2018) within the batch: windows and class probabilities [n, 2]."""
    share = rng.beta(alpha, alpha, db.shape[0]).astype(np.float32)
    weight = torch.from_numpy(np.maximum(share, 1 - share))
    other = torch.from_numpy(rng.permutation(db.shape[0]))
    w = weight[:, None, None]
    centred = db - db.mean(dim=1, keepdim=True)
    mixed = w * centred + (1 - w) * centred[other]
    return mixed, weight[:, None] * target + (1 - weight[:, None]) * target[other]


def _normal(rng: np.random.Generator, *shape: int) -> Tensor:
    return torch.from_numpy(rng.standard_normal(shape, dtype=np.float32))


def _chosen(rng: np.random.Generator, n: int, share: float) -> Tensor:
    return torch.from_numpy(rng.random(n) < share)


def _smooth_curve(n: int, bands: int, deviation: float, rng: np.random.Generator) -> Tensor:
    """Curves over the bands made of five slow cosines, float32 [n, bands]."""
    place = torch.linspace(0, math.pi, bands)
    waves = torch.cos(torch.arange(5)[:, None] * place)
    return _normal(rng, n, 5) @ waves * (deviation / math.sqrt(3.0))


def _warp(db: Tensor, largest: float, rng: np.random.Generator) -> Tensor:
    """Stretch the frequency axis by 1 ± largest; beyond the last band its value holds."""
    n, _, bands = db.shape
    factor = 1 + largest * (2 * torch.from_numpy(rng.random(n, dtype=np.float32)) - 1)
    place = (torch.arange(bands)[None, :] + 1) * factor[:, None] - 1
    place = place.clamp(0, bands - 1.001)
    low = place.floor()
    index = low.long()[:, None, :].expand(-1, db.shape[1], -1)
    part = (place - low)[:, None, :]
    return torch.lerp(db.gather(2, index), db.gather(2, index + 1), part)


def noise_db(n: int, frames: int, bands: int, rng: np.random.Generator) -> Tensor:
    """Fluctuation of the power of steady noise (chi-square of some degrees), in dB."""
    flat = rng.standard_gamma(2.0, (n, frames, bands)).astype(np.float32) / 2.0
    return 10 * torch.log10(torch.from_numpy(flat) + 1e-3)


def power_sum(a: Tensor, b: Tensor) -> Tensor:
    """dB of the sum of two powers given in dB."""
    return torch.logaddexp(a * _LN, b * _LN) / _LN


_LN = math.log(10) / 10


def _add_noise(db: Tensor, share: float, rng: np.random.Generator) -> Tensor:
    n, frames, bands = db.shape
    which = _chosen(rng, n, share).nonzero()[:, 0]
    if not which.numel():
        return db
    k = which.numel()
    mean = db[which].mean(dim=1)
    level = torch.from_numpy(rng.uniform(-20, 8, (k, 1)).astype(np.float32))
    tilt = 0.5 * (mean.mean(dim=1, keepdim=True) - mean)
    floor = mean + level + tilt + _smooth_curve(k, bands, 4.0, rng)
    noise = floor[:, None, :] + noise_db(k, frames, bands, rng)
    out = db.clone()
    out[which] = power_sum(db[which], noise)
    return out


def _add_burst(db: Tensor, share: float, rng: np.random.Generator) -> Tensor:
    n, frames, bands = db.shape
    which = _chosen(rng, n, share).nonzero()[:, 0]
    if not which.numel():
        return db
    k = which.numel()
    peak = db[which].amax(dim=(1, 2))
    width = torch.from_numpy(rng.uniform(2, frames / 5, k).astype(np.float32))
    centre = torch.from_numpy(rng.uniform(0, frames, k).astype(np.float32))
    shape = -6 * ((torch.arange(frames)[None, :] - centre[:, None]) / width[:, None]) ** 2
    level = peak - torch.from_numpy(rng.uniform(5, 30, k).astype(np.float32))
    noise = (level[:, None] + shape)[:, :, None] + _smooth_curve(k, bands, 6.0, rng)[:, None, :]
    out = db.clone()
    out[which] = power_sum(db[which], noise + noise_db(k, frames, bands, rng))
    return out


def _mask(db: Tensor, share: float, rng: np.random.Generator) -> Tensor:
    """Level one span of bands (up to a quarter) and one of frames (up to 300 ms) to their mean."""
    n, frames, bands = db.shape
    on = _chosen(rng, n, share)
    width = torch.from_numpy(rng.integers(1, max(2, bands // 4), n))
    first = torch.from_numpy(rng.integers(0, bands, n))
    band = torch.arange(bands)[None, :]
    hidden = (band >= first[:, None]) & (band < (first + width)[:, None]) & on[:, None]
    long = torch.from_numpy(rng.integers(1, 16, n))
    begin = torch.from_numpy(rng.integers(0, frames, n))
    time = torch.arange(frames)[None, :]
    gone = (time >= begin[:, None]) & (time < (begin + long)[:, None]) & on[:, None]
    lost = hidden[:, None, :] | gone[:, :, None]
    return torch.where(lost, db.mean(dim=1, keepdim=True), db)
