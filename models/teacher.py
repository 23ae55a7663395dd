"""Teachers: the paper's (four convolutions, one linear layer) and the deeper one that is used.

Both take rows float32 [n, rows, frames] and return logits float32 [n, 2].
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Teacher(nn.Module):
    """Four 3×3 convolutions, each with ReLU and pooling, and one linear layer (paper, sec. II-E).

    With the widths given, 254 574 parameters and 1 009.8 M multiply-adds at 1 251 frames: the
    paper's budget, met by the layers that stand in no text (DATA.md).
    """

    def __init__(
        self,
        widths: tuple[int, int, int, int] = (68, 92, 96, 136),
        pools: tuple[tuple[int, int], ...] = ((1, 2), (1, 2), (2, 1), (2, 1)),
        norm: bool = False,
        dropout: float = 0.0,
        both: bool = False,
    ) -> None:
        super().__init__()
        self.both = both
        layers: list[nn.Module] = []
        before = 1
        for width, pool in zip(widths, pools, strict=True):
            layers.append(nn.Conv2d(before, width, 3, padding=1))
            layers += [nn.BatchNorm2d(width)] if norm else []
            layers += [nn.MaxPool2d(pool), nn.ReLU()]  # as ReLU first, on fewer values
            before = width
        self.features = nn.Sequential(*layers)
        self.head = nn.Sequential(nn.Dropout(dropout), nn.Linear(2 * before if both else before, 2))

    def forward(self, rows: Tensor) -> Tensor:
        """Logits float32 [n, 2] of rows float32 [n, rows, frames]."""
        maps = self.features(rows.unsqueeze(1))
        pooled = torch.mean(maps, dim=(2, 3))
        if self.both:
            pooled = torch.cat([pooled, torch.amax(maps, dim=(2, 3))], dim=1)
        logits: Tensor = self.head(pooled)
        return logits


class TemporalTeacher(nn.Module):
    """Four convolutions over time, every row a channel; mean and maximum over time; linear."""

    def __init__(
        self,
        rows: int = 13,
        widths: tuple[int, ...] = (64, 96, 128, 128),
        kernels: tuple[int, ...] = (7, 5, 5, 5),
        dropout: float = 0.3,
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        before = rows
        for i, (width, kernel) in enumerate(zip(widths, kernels, strict=True)):
            layers += [nn.Conv1d(before, width, kernel, padding=kernel // 2)]
            layers += [nn.BatchNorm1d(width), nn.ReLU()]
            layers += [nn.MaxPool1d(2)] if i < 3 else []
            before = width
        self.features = nn.Sequential(*layers)
        self.head = nn.Sequential(nn.Dropout(dropout), nn.Linear(2 * before, 2))

    def forward(self, rows: Tensor) -> Tensor:
        """Logits float32 [n, 2] of rows float32 [n, rows, frames]."""
        maps = self.features(rows)
        both = torch.cat([torch.mean(maps, dim=2), torch.amax(maps, dim=2)], dim=1)
        logits: Tensor = self.head(both)
        return logits


class Ensemble(nn.Module):
    """Mean logits of several teachers."""

    def __init__(self, members: list[nn.Module]) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)

    def forward(self, rows: Tensor) -> Tensor:
        """Mean logits float32 [n, 2]."""
        return torch.stack([member(rows) for member in self.members]).mean(dim=0)
