"""From a configuration to a network: rows of the front end in, logits out."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from models.student import Standardise, Student, TemporalStudent
from models.teacher import Teacher, TemporalTeacher
from training.config import Config
from training.errors import TrainingError
from training.paper.networks import CardioXNet, FocalCnn, MobileNetV3

NETWORKS: dict[str, type[nn.Module]] = {
    "student": Student,
    "temporal": TemporalStudent,
    "teacher": Teacher,
    "temporal-teacher": TemporalTeacher,
    "mobilenet": MobileNetV3,
    "focal": FocalCnn,
    "cardioxnet": CardioXNet,
}


class Network(nn.Module):
    """Standardisation and network: coefficients float32 [n, n_mfcc, frames] in, logits out."""

    def __init__(self, standardise: nn.Module, network: nn.Module) -> None:
        super().__init__()
        self.standardise = standardise
        self.network = network

    def forward(self, mfcc: Tensor) -> Tensor:
        """Logits float32 [n, 2]."""
        logits: Tensor = self.network(self.standardise(mfcc))
        return logits


class Peers(nn.Module):
    """Students that are trained together; rows in, logits float32 [members, n, 2] out."""

    def __init__(self, members: list[Network]) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)

    def forward(self, rows: Tensor) -> Tensor:
        """Logits of every member."""
        return torch.stack([member(rows) for member in self.members])


def build(config: Config) -> Network:
    """Build the network of a configuration, with fresh weights.

    Raises
    ------
    TrainingError
        For an unknown network or options that it does not know.
    """
    if config.network not in NETWORKS:
        known = ", ".join(sorted(NETWORKS))
        raise TrainingError(f"unknown network '{config.network}'", f"known: {known}")
    options: dict[str, Any] = {k: _tuples(v) for k, v in config.options.items()}
    if config.network in ("temporal", "temporal-teacher"):
        options["rows"] = config.mfcc.n_mels if config.bands else config.mfcc.n_mfcc
    try:
        network = NETWORKS[config.network](**options)
    except TypeError as error:
        raise TrainingError(f"network '{config.network}': {error}") from error
    if config.sound:
        return Network(nn.Identity(), network)
    bands = config.mfcc.n_mels if config.bands else 0
    return Network(Standardise(config.mfcc.n_mfcc, bands, config.deviation, config.mean), network)


def _tuples(value: Any) -> Any:
    return tuple(_tuples(v) for v in value) if isinstance(value, list) else value
