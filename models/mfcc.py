"""MFCC-13 as a torch module: 2.5 s of filtered sound at 2 kHz in, 13 coefficients per frame out.

The mel bank is a buffer that librosa computes at export (``training/frontend.py``), so nothing
here needs librosa. The Fourier transform is a product with a windowed cosine and sine basis of
the few bins that the bank uses (exact, and only operators that every engine has). Parity with
``librosa.feature.mfcc`` to 1e-4 is tested. Slaney's mel scale is linear below 1 kHz: bands
between 25 and 450 Hz are therefore equally wide in Hz.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

SAMPLES = 5000
"""Samples of one window: 2.5 s at 2 kHz."""


@dataclass(frozen=True, slots=True)
class MfccSettings:
    """Every number that makes the coefficients what they are; stands in the contract.

    Attributes
    ----------
    sample_rate_hz, window_length, hop_length, n_fft
        Rate; Hann window, hop and transform length in samples.
    center
        Whether the sound is padded with zeros by n_fft/2 at both ends (librosa's ``center``).
    n_mels, fmin_hz, fmax_hz
        Slaney mel bank (area-normalised), edges in Hz.
    n_mfcc
        Coefficients kept of the orthonormal DCT-II; coefficient 0 counts as one of them.
    top_db
        Range below the loudest value of the window, in dB; what is fainter is raised to it.
    amin
        Smallest power before the logarithm.
    normalise
        ``rms``: the window is divided by its root mean square first.
    """

    sample_rate_hz: int = 2000
    window_length: int = 128
    hop_length: int = 40
    n_fft: int = 128
    center: bool = False
    n_mels: int = 20
    fmin_hz: float = 25.0
    fmax_hz: float = 450.0
    n_mfcc: int = 13
    top_db: float = 80.0
    amin: float = 1e-10
    normalise: str = "rms"

    @property
    def frames(self) -> int:
        """Frames that one window of 5 000 samples gives."""
        return self.frames_of(SAMPLES)

    def frames_of(self, samples: int) -> int:
        """Frames that ``samples`` samples give (0 where there is not even one)."""
        padded = samples + (self.n_fft // 2 * 2 if self.center else 0)
        return max(0, 1 + (padded - self.n_fft) // self.hop_length)

    def as_dict(self) -> dict[str, Any]:
        """All settings as plain values, for the contract."""
        return asdict(self)


def dct_matrix(n_mfcc: int, n_mels: int) -> NDArray[np.float64]:
    """Return the orthonormal DCT-II, float64 [n_mfcc, n_mels] (scipy's ``norm='ortho'``)."""
    k = np.arange(n_mfcc)[:, None]
    n = np.arange(n_mels)[None, :]
    matrix = np.cos(math.pi * k * (2 * n + 1) / (2 * n_mels)) * math.sqrt(2 / n_mels)
    matrix[0] /= math.sqrt(2)
    return np.asarray(matrix, dtype=np.float64)


class Mfcc(nn.Module):
    """Sound to MFCC, the same numbers as librosa's.

    Parameters
    ----------
    settings : MfccSettings
    mel : float array [n_mels, n_fft // 2 + 1]
        The filter bank, from ``librosa.filters.mel`` with the same settings.
    """

    def __init__(self, settings: MfccSettings, mel: NDArray[np.floating[Any]]) -> None:
        super().__init__()
        if mel.shape != (settings.n_mels, settings.n_fft // 2 + 1):
            raise ValueError(f"mel bank of shape {mel.shape} does not fit {settings}")
        used = np.flatnonzero(mel.any(axis=0))
        low, high = int(used[0]), int(used[-1]) + 1
        self.hop = settings.hop_length
        self.pad = settings.n_fft // 2 if settings.center else 0
        self.top_db = settings.top_db
        self.amin = settings.amin
        self.rms = settings.normalise == "rms"
        self.bins = high - low
        self.mel: Tensor
        self.basis: Tensor
        self.dct: Tensor
        self.register_buffer("mel", torch.tensor(mel[:, low:high], dtype=torch.float32))
        self.register_buffer("basis", _basis(settings, low, high))
        dct = torch.tensor(dct_matrix(settings.n_mfcc, settings.n_mels), dtype=torch.float32)
        self.register_buffer("dct", dct)

    def power(self, sound: Tensor) -> Tensor:
        """Mel power, float32 [n, n_mels, frames], of sound float32 [n, samples]."""
        if self.pad > 0:
            sound = nn.functional.pad(sound, (self.pad, self.pad))
        parts = nn.functional.conv1d(sound.unsqueeze(1), self.basis, stride=self.hop)
        spectrum = parts[:, : self.bins] ** 2 + parts[:, self.bins :] ** 2
        return torch.matmul(self.mel, spectrum)

    def decibels(self, power: Tensor) -> Tensor:
        """Logarithm with floor: ``librosa.power_to_db(power, top_db=...)`` for each window."""
        db = 10.0 * torch.log10(torch.clamp(power, min=self.amin))
        loudest = torch.amax(db, dim=(1, 2), keepdim=True)
        return torch.maximum(db, loudest - self.top_db)

    def forward(self, sound: Tensor) -> Tensor:
        """Coefficients, float32 [n, n_mfcc, frames], of sound float32 [n, samples]."""
        if self.rms:
            level = torch.sqrt(torch.mean(sound * sound, dim=1, keepdim=True))
            sound = sound / torch.clamp(level, min=1e-8)
        return torch.matmul(self.dct, self.decibels(self.power(sound)))


def _basis(settings: MfccSettings, low: int, high: int) -> Tensor:
    """Windowed cosines, then sines, of bins low..high-1: float32 [2 bins, 1, n_fft]."""
    n = np.arange(settings.n_fft)
    window = np.zeros(settings.n_fft)
    start = (settings.n_fft - settings.window_length) // 2
    periodic = 2 * np.pi * np.arange(settings.window_length) / settings.window_length
    window[start : start + settings.window_length] = 0.5 - 0.5 * np.cos(periodic)
    angle = 2 * np.pi * np.arange(low, high)[:, None] * n[None, :] / settings.n_fft
    basis = np.concatenate([np.cos(angle), -np.sin(angle)]) * window
    return torch.tensor(basis[:, None, :], dtype=torch.float32)
