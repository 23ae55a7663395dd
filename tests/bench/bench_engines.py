"""The shipped student, and the light one by engine: TorchScript, eager, torch.export, ONNX.

The archive holds the network as a script; here it is built once more as a module from the same
constants. If the outputs differ, the network is another one and nothing is reported of it.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from models import shipped

CALLS = 300
LIGHT = "light"


class Same(nn.Module):
    """MFCC by a strided convolution, two convolutions over time, mean and maximum, two layers."""

    def __init__(self, constants: dict[str, Tensor]) -> None:
        super().__init__()
        for name, value in constants.items():
            self.register_buffer(name, value.clone())

    def mfcc(self, sound: Tensor) -> Tensor:
        level = torch.sqrt(torch.mean(sound * sound, [1], True))
        sound = sound / torch.clamp(level, 1e-08)
        parts = torch.conv1d(sound.unsqueeze(1), self.c0, None, [40])
        half = parts.shape[1] // 2
        spectrum = parts[:, :half].pow(2) + parts[:, half:].pow(2)
        db = torch.log10(torch.clamp(self.c1 @ spectrum, 1e-10)) * 10.0
        db = torch.maximum(db, torch.amax(db, [1, 2], True) - 80.0)
        x = self.c2 @ db
        x = x - torch.mean(x, [2], True)
        return x / (torch.sqrt(torch.mean(x * x, [1, 2], True)) + 1.0)

    def forward(self, sound: Tensor) -> Tensor:
        x = self.mfcc(sound)
        for weight, bias in ((self.c3, self.c4), (self.c5, self.c6)):
            x = torch.conv1d(x, weight, bias, [1], [weight.shape[2] // 2])
            x = torch.max_pool1d(torch.relu(x), [2], [2])
        x = torch.flatten(torch.cat([torch.mean(x, [2]), torch.amax(x, [2])], 1), 1)
        x = torch.relu(nn.functional.linear(x, self.c7, self.c8))
        return nn.functional.linear(x, self.c9, self.c10)


def microseconds(call: Callable[[], object], calls: int = CALLS) -> tuple[float, float]:
    """CPU µs of a call: the median, and the 99th percentile."""
    for _ in range(5):
        call()
    spent = np.empty(calls)
    for k in range(calls):
        begun = time.thread_time_ns()
        call()
        spent[k] = (time.thread_time_ns() - begun) / 1e3
    return float(np.median(spent)), float(np.quantile(spent, 0.99))


def measure(calls: int = CALLS) -> dict[str, tuple[float, float] | str]:
    """Engine → (median, p99) in CPU µs for one window, or why it was not measured."""
    window = np.random.default_rng(0).standard_normal((1, 5000)).astype(np.float32)
    sound = torch.from_numpy(window)
    engine: Any = shipped.student()
    light: Any = shipped.student(LIGHT)
    found: dict[str, tuple[float, float] | str] = {}
    with torch.inference_mode():
        found["TorchScript (the product's)"] = microseconds(
            lambda: engine.probability(window), calls
        )
        script = light._module
        found["light, TorchScript"] = microseconds(lambda: script(sound), calls)
        expected = script(sound)
    try:
        same = Same(dict(script.code_with_constants[1].const_mapping)).eval()
        with torch.inference_mode():
            worst = float((same(sound) - expected).abs().max())
    except (RuntimeError, AttributeError, KeyError, IndexError) as error:
        worst = float("inf")
        found["light, eager"] = f"not measured: {str(error).splitlines()[0]}"
    if worst > 1e-4:
        found.setdefault("light, eager", "not measured: the shipped network is another one")
        return found
    with torch.inference_mode():
        found["light, eager"] = microseconds(lambda: same(sound), calls)
        found["light, eager, MFCC alone"] = microseconds(lambda: same.mfcc(sound), calls)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        exported = torch.export.export(same, (sound,)).module()
        with torch.inference_mode():
            found["light, torch.export"] = microseconds(lambda: exported(sound), calls)
        found["light, ONNX Runtime (the shipped file)"] = _onnx(window, expected.numpy(), calls)
    return found


def _onnx(window: Any, expected: Any, calls: int) -> tuple[float, float] | str:
    from models.contract import ModelRefused
    from models.engine_onnx import open_model

    try:
        engine = open_model(shipped.path_of(f"{LIGHT}.onnx"), shipped.pins()[f"{LIGHT}.onnx"])
    except (ModelRefused, KeyError, OSError) as error:
        return f"not measured: {str(error).splitlines()[0][:80]}"
    worst = float(np.abs(engine.logits(window) - expected).max())
    if worst > 1e-3:
        return f"not measured: differs by {worst:.1g}"
    return microseconds(lambda: engine.probability(window), calls)
