"""p50 and p99 of one 2.5 s window through the shipped student, front end included.

    python tests/bench/student_latency.py [calls]

Prints one JSON line for each engine that is installed.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable

import numpy as np

from models import engine_onnx, shipped
from models.contract import ModelRefused
from models.engine import Engine


def measure(engine: Engine, calls: int) -> dict[str, float]:
    """Milliseconds of single calls on random windows."""
    windows = np.random.default_rng(0).standard_normal((64, 1, 5000)).astype(np.float32)
    for window in windows:
        engine.probability(window)
    spent = np.empty(calls)
    for i in range(calls):
        begun = time.perf_counter()
        engine.probability(windows[i % 64])
        spent[i] = time.perf_counter() - begun
    p50, p99 = np.quantile(spent * 1e3, (0.5, 0.99))
    return {"p50_ms": round(float(p50), 3), "p99_ms": round(float(p99), 3)}


def main() -> None:
    """Measure both engines."""
    calls = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    onnx = "student.onnx"
    openers: dict[str, Callable[[], Engine]] = {
        "TorchScript": shipped.student,
        "ONNX": lambda: engine_onnx.open_model(shipped.path_of(onnx), shipped.pins()[onnx]),
    }
    for name, opener in openers.items():
        try:
            engine = opener()
        except (ModelRefused, KeyError) as error:
            print(json.dumps({"engine": name, "not measured": str(error)}))
            continue
        print(json.dumps({"engine": name, "calls": calls} | measure(engine, calls)))


if __name__ == "__main__":
    main()
