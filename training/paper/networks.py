"""The paper's other rows, as far as their papers tell them; all but CardioXNet take MFCC-13.

| row | source | input here |
|---|---|---|
| MobileNetV3-Small, -Large (minimalistic) | Howard et al. 2019 | MFCC-13 as one channel |
| CNN + focal loss | Li et al. 2021 (Information 12:54) | log spectrum rows of the front end |
| CardioXNet | Shuvo et al. 2021 (IEEE Access 9:36955) | 2.5 s of sound at 2 kHz |

Minimalistic: no squeeze-and-excitation, 3×3 kernels only, ReLU; with one input channel and two
classes they have the parameters that the paper prints (1.0 M and 2.6 M).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

# kernel 3 everywhere: (expansion, out channels, stride), Howard et al. 2019, tables 1 and 2
LARGE = (
    (16, 16, 1), (64, 24, 2), (72, 24, 1), (72, 40, 2), (120, 40, 1), (120, 40, 1),
    (240, 80, 2), (200, 80, 1), (184, 80, 1), (184, 80, 1), (480, 112, 1), (672, 112, 1),
    (672, 160, 2), (960, 160, 1), (960, 160, 1),
)  # fmt: skip
SMALL = (
    (16, 16, 2), (72, 24, 2), (88, 24, 1), (96, 40, 2), (240, 40, 1), (240, 40, 1),
    (120, 48, 1), (144, 48, 1), (288, 96, 2), (576, 96, 1), (576, 96, 1),
)  # fmt: skip


def _conv(before: int, after: int, kernel: int, stride: int = 1, groups: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(before, after, kernel, stride, kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(after),
    )


class Bottleneck(nn.Module):
    """Inverted residual: expand, depthwise 3×3, project."""

    def __init__(self, before: int, wide: int, after: int, stride: int) -> None:
        super().__init__()
        self.same = stride == 1 and before == after
        expand = [_conv(before, wide, 1), nn.ReLU()] if wide != before else []
        self.body = nn.Sequential(
            *expand, _conv(wide, wide, 3, stride, wide), nn.ReLU(), _conv(wide, after, 1)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Feature maps in, feature maps out."""
        y: Tensor = self.body(x)
        return x + y if self.same else y


class MobileNetV3(nn.Module):
    """MobileNetV3, minimalistic; rows float32 [n, rows, frames] in, logits [n, 2] out."""

    def __init__(self, size: str = "small", dropout: float = 0.2) -> None:
        super().__init__()
        blocks, last, hidden = (SMALL, 576, 1024) if size == "small" else (LARGE, 960, 1280)
        layers: list[nn.Module] = [_conv(1, 16, 3, 2), nn.ReLU()]
        before = 16
        for wide, after, stride in blocks:
            layers.append(Bottleneck(before, wide, after, stride))
            before = after
        layers += [_conv(before, last, 1), nn.ReLU()]
        self.features = nn.Sequential(*layers)
        self.head = nn.Sequential(
            nn.Linear(last, hidden), nn.ReLU(), nn.Dropout(dropout), nn.Linear(hidden, 2)
        )

    def forward(self, rows: Tensor) -> Tensor:
        """Logits float32 [n, 2]."""
        maps = self.features(rows.unsqueeze(1))
        logits: Tensor = self.head(torch.mean(maps, dim=(2, 3)))
        return logits


class FocalCnn(nn.Module):
    """A light end-to-end CNN on a spectrogram, trained with focal loss (Li 2021)."""

    def __init__(self, widths: tuple[int, ...] = (8, 16, 32, 64), dropout: float = 0.25) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        before = 1
        for i, width in enumerate(widths):
            pool = (2, 2) if i < 3 else (1, 2)
            layers += [_conv(before, width, 3), nn.ReLU(), nn.MaxPool2d(pool)]
            before = width
        self.features = nn.Sequential(*layers)
        self.head = nn.Sequential(nn.Dropout(dropout), nn.Linear(before, 2))

    def forward(self, rows: Tensor) -> Tensor:
        """Logits float32 [n, 2]."""
        maps = self.features(rows.unsqueeze(1))
        logits: Tensor = self.head(torch.mean(maps, dim=(2, 3)))
        return logits


def focal_loss(logits: Tensor, target: Tensor, gamma: float = 2.0) -> Tensor:
    """Focal loss (Lin 2017): cross-entropy with easy windows weighed down."""
    log_p = torch.log_softmax(logits, dim=1)
    return -(target * (1 - log_p.exp()) ** gamma * log_p).sum(dim=1).mean()


class CardioXNet(nn.Module):
    """Three convolutional paths over the sound, squeeze-expansion, bidirectional LSTM (Shuvo 2021).

    The publication gives the paths' kernels and the recurrent part; widths that it leaves open
    are set here so that the whole stays near its 0.67 M parameters.
    """

    def __init__(self, width: int = 32, hidden: int = 128) -> None:
        super().__init__()
        self.paths = nn.ModuleList(
            nn.Sequential(
                nn.Conv1d(1, width, kernel, 4, kernel // 2),
                nn.BatchNorm1d(width),
                nn.ReLU(),
                nn.MaxPool1d(4),
                nn.Conv1d(width, 2 * width, kernel, 1, kernel // 2),
                nn.BatchNorm1d(2 * width),
                nn.ReLU(),
                nn.MaxPool1d(4),
            )
            for kernel in (3, 5, 9)
        )
        self.squeeze = nn.Conv1d(6 * width, width, 1)
        self.expand = nn.ModuleList(
            nn.Conv1d(width, 2 * width, kernel, padding=kernel // 2) for kernel in (1, 3)
        )
        self.lstm = nn.LSTM(4 * width, hidden, 2, batch_first=True, bidirectional=True)
        self.head = nn.Linear(2 * hidden, 2)

    def forward(self, sound: Tensor) -> Tensor:
        """Logits float32 [n, 2] of sound float32 [n, 5000]."""
        paths = [path(sound.unsqueeze(1)) for path in self.paths]
        squeezed = functional.relu(self.squeeze(torch.cat(paths, dim=1)))
        wide = torch.cat([functional.relu(e(squeezed)) for e in self.expand], dim=1)
        _, (last, _) = self.lstm(wide.transpose(1, 2))
        # Each direction's own last state: the backward one ends at the sound, not in the padding.
        logits: Tensor = self.head(torch.cat([last[-2], last[-1]], dim=1))
        return logits
