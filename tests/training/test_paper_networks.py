"""The networks of the paper have the sizes that it prints."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from models.student import Student
from models.teacher import Teacher
from training.paper.networks import CardioXNet, FocalCnn, MobileNetV3, focal_loss


def size(network: nn.Module, x: torch.Tensor) -> tuple[int, float]:
    """Parameters, and millions of multiply-adds for one window."""
    network.eval()
    with FlopCounterMode(display=False) as counter:
        network(x)
    return sum(p.numel() for p in network.parameters()), counter.get_total_flops() / 2e6


@pytest.mark.parametrize(
    ("network", "frames", "parameters", "multiply_adds"),
    [
        (Student(), 1251, 43_334, 66.7),
        (Teacher(), 1251, 254_574, 1009.8),
        (MobileNetV3("small"), 888, 1_021_498, 18.4),
        (MobileNetV3("large"), 888, 2_645_562, 70.9),
    ],
)
def test_parameters_and_multiply_adds_are_those_of_table_iii(
    network: nn.Module, frames: int, parameters: int, multiply_adds: float
) -> None:
    found = size(network, torch.zeros(1, 13, frames))
    assert found[0] == parameters
    assert found[1] == pytest.approx(multiply_adds, abs=0.06)


def test_the_quoted_networks_run() -> None:
    assert FocalCnn()(torch.zeros(2, 20, 122)).shape == (2, 2)
    assert CardioXNet()(torch.zeros(2, 5000)).shape == (2, 2)


def test_focal_loss_without_focus_is_cross_entropy() -> None:
    logits, target = torch.randn(5, 2), torch.eye(2)[[0, 1, 1, 0, 1]]
    expected = torch.nn.functional.cross_entropy(logits, target)
    torch.testing.assert_close(focal_loss(logits, target, gamma=0.0), expected)
