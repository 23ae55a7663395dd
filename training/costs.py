"""What a network costs: parameters, and multiply-adds for one window after the front end."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch.utils.flop_counter import FlopCounterMode

from models.mfcc import SAMPLES
from training.config import Config
from training.networks import build


@dataclass(frozen=True, slots=True)
class Costs:
    """Parameters, multiply-adds of one window, and its frames (0: the sound itself)."""

    parameters: int
    multiply_adds: int
    frames: int


def costs(config: Config) -> Costs:
    """Count by ``torch.utils.flop_counter``, which counts two per multiply-add."""
    network = build(config).eval()
    frames = 0 if config.sound else config.mfcc.frames
    shape = (1, SAMPLES) if config.sound else (1, config.mfcc.n_mfcc, frames)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(torch.zeros(shape))
    inverse = network.standardise
    with FlopCounterMode(display=False) as front, torch.no_grad():
        inverse(torch.zeros(shape))
    parameters = sum(p.numel() for p in network.network.parameters())
    return Costs(parameters, (counter.get_total_flops() - front.get_total_flops()) // 2, frames)
