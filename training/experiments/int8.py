"""What an int8 form of the student would cost and give: size, latency, loss of AUC.

The convolutions and the last layer are quantised (static, per channel, ranges from training
windows); the front end stays float32, because the logarithm of a quantised power is no spectrum.
Measured on the held-out recordings of one fold of protocol S, by ONNX Runtime on one thread.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.engine_onnx import INPUT
from models.mfcc import SAMPLES
from training.cells import Cell, checkpoint_path, commit, machine, system
from training.dataset_bundle import World, open_cinc2016, thinned
from training.errors import TrainingError
from training.experiments.ablation import MOST_WINDOWS
from training.export import Calibration, classifier
from training.export_onnx import write_onnx
from training.fit import finished
from training.monitor_eval import export_cell
from training.scores import by_record, within
from training.splits import split

CALIBRATION_WINDOWS = 256
FIGURES = ("mean_auc", "weighted_auc_no_e", "pooled_auc")


def run(name: str, data: Path, fold: int, seed: int) -> dict[str, Any]:
    """Quantise the network of one cell and score both forms.

    Raises
    ------
    TrainingError
        If the cell's checkpoint is not on this machine.
    """
    config, cell = system(name), Cell(name, "S", fold, seed)
    fitted = finished(config, checkpoint_path(config, cell), seed)
    if fitted is None:
        raise TrainingError(f"{cell.name} has no checkpoint here", "run apexbeat-train grid")
    world = open_cinc2016(data, config.mfcc)
    parts = split(world.recordings, "S", fold)
    with tempfile.TemporaryDirectory() as place:
        plain, small = Path(place) / "float32.onnx", Path(place) / "int8.onnx"
        contract = export_cell(cell, Calibration(), Path(place) / "cell.pt").contract
        write_onnx(plain, classifier(config, fitted.network), contract)
        _quantise(plain, small, _some_windows(world, parts.train))
        forms = {"float32": plain, "int8": small}
        return {
            "what": f"{cell.name}, at most {MOST_WINDOWS} windows of each held-out recording",
            "command": f"apexbeat-train int8 {name}",
            "commit": commit(),
            "machine": machine(),
            "forms": {words: _measure(path, world, parts.test) for words, path in forms.items()},
        }


def _some_windows(world: World, names: frozenset[str]) -> NDArray[np.float32]:
    which = world.data.table.of(names)
    drawn = np.random.default_rng(0).choice(which, CALIBRATION_WINDOWS, replace=False)
    return np.stack([_window(world, k) for k in drawn])


def _window(world: World, k: int) -> NDArray[np.float32]:
    first = world.data.table.position[k]
    return np.array(world.prepared.sound[first : first + SAMPLES])


class _Windows:
    """Calibration windows, one after the other, as the quantiser reads them."""

    def __init__(self, windows: NDArray[np.float32]) -> None:
        self._rows: Iterator[NDArray[np.float32]] = iter(windows)

    def get_next(self) -> dict[str, NDArray[np.float32]] | None:
        """One window, or None at the end."""
        row = next(self._rows, None)
        return None if row is None else {INPUT: row[None]}


def _quantise(plain: Path, small: Path, windows: NDArray[np.float32]) -> None:
    from onnxruntime.quantization import QuantFormat, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    prepared = plain.with_suffix(".prepared.onnx")
    quant_pre_process(str(plain), str(prepared), skip_symbolic_shape=True)
    quantize_static(
        str(prepared), str(small), _Windows(windows), quant_format=QuantFormat.QDQ,
        op_types_to_quantize=["Conv", "Gemm"], per_channel=True,
    )  # fmt: skip


def _measure(path: Path, world: World, names: frozenset[str]) -> dict[str, Any]:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    table = world.data.table
    which = thinned(table.of(names), table.recording, MOST_WINDOWS)
    z, spent = np.empty(which.size), np.empty(which.size)
    for i, k in enumerate(which):
        window = _window(world, k)[None]
        begun = time.perf_counter()
        logits = session.run(None, {INPUT: window})[0][0]
        spent[i] = time.perf_counter() - begun
        z[i] = logits[1] - logits[0]
    scores = by_record(table.recording[which], z, table.names)
    labels = {r.name: (r.label, r.database) for r in world.recordings}
    label = np.array([labels[n][0] for n in scores])
    database = np.array([labels[n][1] for n in scores])
    found = within(label, np.array([s[0] for s in scores.values()]), database)
    return {
        "bytes": path.stat().st_size,
        "p50_ms": round(float(np.median(spent)) * 1e3, 3),
        **{k: round(found[k], 4) for k in FIGURES},
    }
