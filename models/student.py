"""The student: two convolutions and two linear layers on MFCC-13 (paper, sec. II-E).

The paper's widths are unknown; ``Student`` is the pair member that meets its budget exactly
(43 334 parameters). Every network here takes coefficients float32 [n, 13, frames] and returns
logits float32 [n, 2], class 1 = abnormal. ``Standardise`` goes first: it takes the recording
device out (each coefficient's mean over the window is the device's frequency response).
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from models.mfcc import Mfcc, dct_matrix


class Standardise(nn.Module):
    """Takes away each coefficient's mean over the window; scales.

    With ``bands > 0`` the coefficients are turned back into that many smooth log-mel bands
    (transpose of the DCT), so that neighbouring rows are neighbouring frequencies.

    Parameters
    ----------
    deviation
        ``none``: divided by a constant of 10 dB; ``window``: by the deviation of the whole
        window; ``rows``: each row by its own.
    """

    def __init__(
        self, n_mfcc: int = 13, bands: int = 0, deviation: str = "none", mean: bool = True
    ) -> None:
        super().__init__()
        self.to_bands = bands > 0
        self.deviation = deviation
        self.mean = mean
        self.inverse: Tensor
        matrix = dct_matrix(n_mfcc, bands).T if bands else np.zeros((0, 0))
        self.register_buffer("inverse", torch.tensor(matrix, dtype=torch.float32))

    def forward(self, mfcc: Tensor) -> Tensor:
        """Standardised rows, float32 [n, rows, frames]."""
        x = mfcc
        if self.to_bands:
            x = torch.matmul(self.inverse, x)
        if self.mean:
            x = x - torch.mean(x, dim=2, keepdim=True)
        if self.deviation == "rows":
            return x / (torch.sqrt(torch.mean(x * x, dim=2, keepdim=True)) + 1.0)
        if self.deviation == "window":
            return x / (torch.sqrt(torch.mean(x * x, dim=(1, 2), keepdim=True)) + 1.0)
        return x / 10.0


class Student(nn.Module):
    """Two convolutions with ReLU and max pooling, two linear layers.

    Parameters
    ----------
    widths
        Channels of the convolutions and width of the hidden linear layer.
    kernels
        Their kernels (rows, frames).
    pools
        Pooling (rows, frames) after each.
    grid
        Rows and frames that the average before the linear layers leaves.
    norm
        Batch normalisation after each convolution (folded into it by the export).
    """

    def __init__(
        self,
        widths: tuple[int, int, int] = (24, 36, 240),
        kernels: tuple[tuple[int, int], tuple[int, int]] = ((3, 3), (3, 3)),
        pools: tuple[tuple[int, int], tuple[int, int]] = ((1, 2), (1, 2)),
        grid: tuple[int, int] = (1, 4),
        norm: bool = False,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        first, second, hidden = widths
        self.features = nn.Sequential(
            *_layer(1, first, kernels[0], pools[0], norm),
            *_layer(first, second, kernels[1], pools[1], norm),
            nn.AdaptiveAvgPool2d(grid),
        )
        self.head = nn.Sequential(
            nn.Flatten(),
            nn.Dropout(dropout),
            nn.Linear(second * grid[0] * grid[1], hidden),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(hidden, 2),
        )

    def forward(self, rows: Tensor) -> Tensor:
        """Logits float32 [n, 2] of rows float32 [n, rows, frames]."""
        logits: Tensor = self.head(self.features(rows.unsqueeze(1)))
        return logits


class TemporalStudent(nn.Module):
    """Two convolutions over time only, every row a channel; two linear layers.

    ``grid`` is the number of parts of the window that are averaged before the linear layers; 0
    takes mean and maximum over the whole window, so that a sound counts wherever it lies.
    """

    def __init__(
        self,
        rows: int = 13,
        widths: tuple[int, int, int] = (48, 64, 48),
        kernels: tuple[int, int] = (7, 7),
        pools: tuple[int, int] = (2, 2),
        grid: int = 4,
        norm: bool = False,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        first, second, hidden = widths
        layers: list[nn.Module] = []
        for before, after, kernel, pool in zip(
            (rows, first), (first, second), kernels, pools, strict=True
        ):
            layers.append(nn.Conv1d(before, after, kernel, padding=kernel // 2))
            layers += [nn.BatchNorm1d(after)] if norm else []
            layers += [nn.ReLU(), nn.MaxPool1d(pool)]
        self.features = nn.Sequential(*layers)
        self.pool = nn.AdaptiveAvgPool1d(grid) if grid else MeanMax()
        self.head = nn.Sequential(
            nn.Flatten(),
            nn.Dropout(dropout),
            nn.Linear(second * (grid or 2), hidden),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(hidden, 2),
        )

    def forward(self, rows: Tensor) -> Tensor:
        """Logits float32 [n, 2] of rows float32 [n, rows, frames]."""
        logits: Tensor = self.head(self.pool(self.features(rows)))
        return logits


class MeanMax(nn.Module):
    """Mean and maximum over time: float32 [n, channels, frames] to [n, 2 · channels]."""

    def forward(self, maps: Tensor) -> Tensor:
        """Pooled maps."""
        return torch.cat([torch.mean(maps, dim=2), torch.amax(maps, dim=2)], dim=1)


def _layer(
    before: int, after: int, kernel: tuple[int, int], pool: tuple[int, int], norm: bool
) -> list[nn.Module]:
    padding = (kernel[0] // 2, kernel[1] // 2)
    convolution = nn.Conv2d(before, after, kernel, padding=padding)
    middle: list[nn.Module] = [nn.BatchNorm2d(after)] if norm else []
    return [convolution, *middle, nn.ReLU(), nn.MaxPool2d(pool)]


class Classifier(nn.Module):
    """What is exported: sound float32 [n, 5000] in, logits float32 [n, 2] out."""

    def __init__(self, mfcc: Mfcc, standardise: nn.Module, network: nn.Module) -> None:
        super().__init__()
        self.mfcc = mfcc
        self.standardise = standardise
        self.network = network

    def forward(self, sound: Tensor) -> Tensor:
        """Raw logits; calibration is the engine's part."""
        logits: Tensor = self.network(self.standardise(self.mfcc(sound)))
        return logits
