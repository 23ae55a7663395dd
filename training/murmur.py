"""Made-up murmurs in normal windows, so that a network hears the sound and not the recorder.

A murmur is noise between two heart sounds: in systole (ejection, regurgitation) or diastole, with
an envelope (plateau, diamond, fading, rising) and a band. Added to a normal window it makes the
window abnormal and changes nothing else: same person, same room, same recorder. So whatever
the network learns of it travels to a recorder never met. All in dB of mel power.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from training.augment import noise_db, power_sum

SYSTOLE, DIASTOLE = 2, 4
IN_DIASTOLE = 0.25
"""Share of murmurs that lie in diastole."""
LEVEL_DB = (-30.0, -6.0)
"""Loudest frame and band of a murmur, against the window's loudest."""
ABOVE_FLOOR_DB = (4.0, 12.0)
"""At least this far above the mean of the phase in the murmur's own band: it can be heard."""


RUMBLE_HZ, FADING_HZ = (20.0, 150.0), (100.0, 400.0)
"""Bands of the diastolic murmurs: mitral stenosis; aortic and pulmonary regurgitation."""
GRID_HZ = (25.0, 450.0)
"""Edges of the mel bank (``MfccSettings``), which is linear in frequency there."""


def add_murmur(
    db: Tensor,
    states: Tensor,
    label: Tensor,
    share: float,
    rng: np.random.Generator,
    *,
    diastolic: bool = False,
) -> tuple[Tensor, Tensor]:
    """Add a murmur to some of the normal windows.

    Parameters
    ----------
    db : float32 [n, frames, bands]
    states : uint8 [n, frames]
        Heart state of each frame; windows that know no systole stay as they are.
    label : int64 [n]
    share
        Of the normal windows.
    diastolic
        Rumbles with a presystolic accent and fading murmurs, in diastole alone.

    Returns
    -------
    Windows and labels; those with a murmur are abnormal.
    """
    if not share:
        return db, label
    known = (states == SYSTOLE).sum(dim=1) >= 6
    which = torch.from_numpy(rng.random(db.shape[0]) < share) & (label == 0) & known
    chosen = which.nonzero()[:, 0]
    k = chosen.numel()
    if not k:
        return db, label
    own = db[chosen]
    if diastolic:
        inside = states[chosen] == DIASTOLE
        shape, band = _of_diastole(inside, db.shape[2], rng)
    else:
        phase = torch.from_numpy(np.where(rng.random(k) < IN_DIASTOLE, DIASTOLE, SYSTOLE))
        inside = states[chosen] == phase[:, None]
        shape = _envelope(inside, rng)
        band = _band(k, db.shape[2], rng)
    loud = own.amax(dim=(1, 2))
    level = loud + _uniform(rng, k, *LEVEL_DB)
    level = torch.maximum(level, _floor(own, inside, band) + _uniform(rng, k, *ABOVE_FLOOR_DB))
    murmur = level[:, None, None] + shape[:, :, None] + band[:, None, :]
    murmur = murmur + noise_db(k, db.shape[1], db.shape[2], rng)
    out, called = db.clone(), label.clone()
    out[chosen] = torch.where(inside[:, :, None], power_sum(own, murmur), own)
    called[chosen] = 1
    return out, called


def _uniform(rng: np.random.Generator, n: int, low: float, high: float) -> Tensor:
    return torch.from_numpy(rng.uniform(low, high, n).astype(np.float32))


def _envelope(inside: Tensor, rng: np.random.Generator) -> Tensor:
    """Level in dB over each passage of the phase, float32 [n, frames]; 0 at its loudest."""
    n = inside.shape[0]
    place = _place(inside)
    peak = _uniform(rng, n, -0.2, 1.2)[:, None]
    steep = _uniform(rng, n, 0.0, 30.0)[:, None]
    return -steep * (place - peak) ** 2


def _of_diastole(inside: Tensor, bands: int, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Level in dB over time, float32 [n, frames], and over the bands, float32 [n, bands].

    A rumble begins after the opening snap, falls and rises again before S1 (unless the atrium
    fibrillates); a fading murmur begins with S2.
    """
    n = inside.shape[0]
    place = _place(inside)
    early = (
        -_uniform(rng, n, 10.0, 60.0)[:, None] * (place - _uniform(rng, n, 0.2, 0.5)[:, None]) ** 2
    )
    accent = _uniform(rng, n, -15.0, 6.0)[:, None] - 150.0 * (place - 1.0) ** 2
    opened = _uniform(rng, n, 0.08, 0.2)[:, None]
    rumble = torch.where(
        place < opened, torch.full_like(place, -40.0), torch.maximum(early, accent)
    )
    fading = -_uniform(rng, n, 10.0, 40.0)[:, None] * place
    is_rumble = _uniform(rng, n, 0.0, 1.0) < 0.5
    edges = torch.tensor([RUMBLE_HZ, FADING_HZ])[(~is_rumble).long()]
    low = edges[:, 0] + _uniform(rng, n, 0.0, 0.3) * (edges[:, 1] - edges[:, 0])
    high = edges[:, 1] - _uniform(rng, n, 0.0, 0.3) * (edges[:, 1] - edges[:, 0])
    centre = torch.linspace(*GRID_HZ, bands + 2)[1:-1][None, :]
    outside = torch.relu(low[:, None] - centre) + torch.relu(centre - high[:, None])
    return torch.where(is_rumble[:, None], rumble, fading), -0.4 * outside


def _place(inside: Tensor) -> Tensor:
    """Where in its passage each frame lies, 0..1, float32 [n, frames]."""
    n, frames = inside.shape
    time = torch.arange(frames).expand(n, frames)
    before = torch.where(inside, torch.full_like(time, -1), time).cummax(dim=1).values
    far = torch.where(inside, torch.full_like(time, frames), time)
    after = far.flip(1).cummin(dim=1).values.flip(1)
    return (time - before).float() / (after - before).clamp(min=1).float()


def _band(n: int, bands: int, rng: np.random.Generator) -> Tensor:
    """Level in dB over the bands, float32 [n, bands]; 0 at its loudest."""
    place = torch.linspace(0, 1, bands)[None, :]
    centre = _uniform(rng, n, 0.05, 0.9)[:, None]
    width = _uniform(rng, n, 0.12, 0.5)[:, None]
    return -6 * ((place - centre) / width) ** 2


def _floor(db: Tensor, inside: Tensor, band: Tensor) -> Tensor:
    """Mean level of the phase in the band's loudest part, float32 [n]."""
    weight = inside[:, :, None] * (band > -3)[:, None, :]
    total = weight.sum(dim=(1, 2)).clamp(min=1)
    floor: Tensor = (db * weight).sum(dim=(1, 2)) / total
    return floor


def frame_states(
    length: int, hop: int, n_fft: int, spans: list[tuple[int, NDArray[np.int64], list[int]]]
) -> Tensor:
    """Heart state of every frame of the grid, by the sample in its middle.

    Parameters
    ----------
    length
        Frames.
    spans
        For each recording: its first sample in the grid's sound, the samples at which states
        begin (the last one the end), and the state of each (0 unknown).
    """
    out = np.zeros(length, np.uint8)
    for start, sample, states in spans:
        first = np.ceil((start + sample - n_fft // 2) / hop).astype(np.int64).clip(0, length)
        for a, b, state in zip(first[:-1], first[1:], states, strict=True):
            out[a:b] = state
    return torch.from_numpy(out)
