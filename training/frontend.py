"""The mel bank of an export, and the same features for whole recordings at once.

Training cuts its windows from a grid of mel power in dB (one frame per hop over all recordings),
so that noise, stretch and masks are cheap; the exported file computes them from the sound. A
window of the grid begins at the frame nearest to its S1: at most half a hop beside it.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from models.mfcc import Mfcc, MfccSettings
from training.prepare import Prepared, cache_folder

QUIETEST = 1e-13
"""Power floor of the grid; the window's own ``top_db`` lies above it."""
CHUNK_FRAMES = 20_000


def mel_bank(settings: MfccSettings) -> NDArray[np.float64]:
    """Slaney's mel bank by librosa, float64 [n_mels, n_fft // 2 + 1]."""
    import librosa

    bank = librosa.filters.mel(
        sr=settings.sample_rate_hz,
        n_fft=settings.n_fft,
        n_mels=settings.n_mels,
        fmin=settings.fmin_hz,
        fmax=settings.fmax_hz,
        dtype=np.float64,
    )
    return np.asarray(bank)


def make_mfcc(settings: MfccSettings) -> Mfcc:
    """Build the MFCC module with librosa's bank."""
    return Mfcc(settings, mel_bank(settings))


def mel_grid(
    prepared: Prepared, settings: MfccSettings, folder: Path | None = None
) -> torch.Tensor:
    """Mel power in dB of all recordings, float16 [frames, n_mels]; frame k begins at k · hop."""
    key = json.dumps([settings.as_dict(), prepared.sound.size, sorted(prepared.start.items())])
    name = hashlib.sha256(key.encode()).hexdigest()[:16]
    path = (folder or cache_folder()) / "grids" / f"{name}.npy"
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part.npy")
        np.save(part, _compute(prepared.sound, settings))
        part.rename(path)
    return torch.from_numpy(np.load(path))


def _compute(sound: NDArray[np.float32], settings: MfccSettings) -> NDArray[np.float16]:
    mfcc = make_mfcc(settings)
    mfcc.pad = 0
    frames = settings.frames_of(sound.size - (settings.n_fft if settings.center else 0))
    grid = np.empty((frames, settings.n_mels), np.float16)
    hop = settings.hop_length
    with torch.inference_mode():
        for first in range(0, frames, CHUNK_FRAMES):
            last = min(first + CHUNK_FRAMES, frames)
            piece = np.array(sound[first * hop : (last - 1) * hop + settings.n_fft])
            power = mfcc.power(torch.from_numpy(piece)[None])[0]
            db = 10 * torch.log10(torch.clamp(power, min=QUIETEST))
            grid[first:last] = db.T.numpy().astype(np.float16)
    return grid
