"""The learned emission in torch: a dilated temporal network with little look-ahead.

`Network` is trained here and run in numpy by `dsp/cycles/network.py`; `arrays` hands the weights
over. A layer is a convolution of three taps (``dilation`` apart, the newest ``ahead`` taps ahead
of the frame it speaks of), ReLU and a residual connection. Frames outside the sound are zero
in every layer, in training as in the stream.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from dsp.cycles.bands import FEATURES

CLASSES = 5
"""S1, systole, S2, diastole, none."""

LAYERS = ((1, 1), (1, 1), (2, 1), (4, 1), (8, 1), (16, 1), (16, 0), (32, 0), (64, 0), (1, 1))
"""(dilation, taps ahead) of each layer."""


@dataclass(frozen=True)
class Shape:
    """Size of a network."""

    channels: int = 32
    layers: tuple[tuple[int, int], ...] = LAYERS

    @property
    def ahead(self) -> int:
        """Frames of look-ahead."""
        return sum(d * a for d, a in self.layers)


class Network(nn.Module):
    """Five logits for each frame.

    Input float32 [n, FEATURES, frames] (normalised features) and a mask [n, 1, frames] of the
    frames that exist; output [n, CLASSES, frames]. The convolutions are two-dimensional with a
    height of one, because those are fast on a processor when channels come last.
    """

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        widths = [FEATURES] + [shape.channels] * len(shape.layers)
        self.convolutions = nn.ModuleList(
            nn.Conv2d(a, b, (1, 3), dilation=(1, d))
            for a, b, (d, _) in zip(widths, widths[1:], shape.layers, strict=False)
        )
        self.head = nn.Conv2d(shape.channels, CLASSES, 1)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        x = x[:, :, None].contiguous(memory_format=torch.channels_last)
        mask = mask[:, :, None]
        x = x * mask
        for k, (layer, (dilation, ahead)) in enumerate(
            zip(self.convolutions, self.shape.layers, strict=True)
        ):
            padded = functional.pad(x, ((2 - ahead) * dilation, ahead * dilation))
            y: Tensor = torch.relu(layer(padded))
            x = (y if k == 0 else x + y) * mask
        logits: Tensor = self.head(x)
        return logits[:, :, 0]


def arrays(network: Network) -> dict[str, NDArray[np.float32]]:
    """Weights as numpy sees them: matrices [3 * in, out] (oldest tap first), biases, layout."""
    state = {name: value.detach().numpy() for name, value in network.state_dict().items()}
    out: dict[str, NDArray[np.float32]] = {}
    for k in range(len(network.shape.layers)):
        weight = state[f"convolutions.{k}.weight"][:, :, 0]
        out[f"network.{k}.weight"] = np.ascontiguousarray(
            weight.transpose(2, 1, 0).reshape(-1, weight.shape[0])
        )
        out[f"network.{k}.bias"] = state[f"convolutions.{k}.bias"].copy()
    out["network.head.weight"] = np.ascontiguousarray(state["head.weight"][:, :, 0, 0].T)
    out["network.head.bias"] = state["head.bias"].copy()
    out["network.layers"] = np.array(network.shape.layers, np.float32)
    return out
