"""The shipped students by engine: TorchScript and ONNX Runtime, one window at a time."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from models import engine_onnx, engine_torchscript, shipped
from models.contract import ModelRefused

CALLS = 300
STUDENTS = {"student": "student", "light": "light student"}
ENGINES = {"pt": ("TorchScript", engine_torchscript), "onnx": ("ONNX Runtime", engine_onnx)}


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
    """Student and engine → (median, p99) in CPU µs for one window, or why it was not measured."""
    window = np.random.default_rng(0).standard_normal((1, 5000)).astype(np.float32)
    found: dict[str, tuple[float, float] | str] = {}
    for student, words in STUDENTS.items():
        for ending, (engine, module) in ENGINES.items():
            name = f"{student}.{ending}"
            try:
                model = module.open_model(shipped.path_of(name), shipped.pins()[name])
            except (ModelRefused, KeyError, OSError) as error:
                found[f"{words}, {engine}"] = f"not measured: {str(error).splitlines()[0][:80]}"
            else:
                found[f"{words}, {engine}"] = microseconds(
                    lambda model=model: model.probability(window), calls
                )
    return found
