"""A cross-validated model through the monitor: decoder, quality, windows, as a user gets them.

The cell's network is exported and every held-out recording of its fold is played into the
monitor's pipeline; the mean logit over the windows it used is compared with the cell's score at
hand-annotated S1. What differs is the decoder's S1, the quality gate and the exact front end.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from dsp.cycles.model import CycleModel
from models import shipped
from models.engine import Engine
from models.engine_torchscript import open_model
from monitor.analysis.verdict import logit
from monitor.assembly import Models, build_pipeline
from monitor.config.load import Settings
from monitor.events import Block, Event, Window
from training.cells import SYSTEMS, Cell, kept_network, system
from training.datasets import Recording
from training.evaluate import further_records
from training.export import Calibration, Provenance, write

BLOCK_S = 10


def export_cell(
    cell: Cell, calibration: Calibration, path: Path, systems: Path = SYSTEMS
) -> Engine:
    """Export the network of a finished cell and open it.

    Raises
    ------
    TrainingError
        If its checkpoint is not on this machine.
    """
    config = system(cell.system, systems)
    network = kept_network(config, cell).network
    words = f"protocol {cell.protocol}, fold {cell.fold}, seed {cell.seed}"
    provenance = Provenance(cell.system, "cell", "cinc2016", words)
    return open_model(path, write(path, config, network, calibration, provenance))


def play(recording: Recording, engine: Engine | None, cycles: CycleModel) -> list[Event]:
    """All events of one recording; without an engine its windows are not judged."""
    sound, rate = soundfile.read(recording.path, dtype="float32", always_2d=True)
    pipeline = build_pipeline(
        Settings(), Models(engine, cycles), recording.name, rate, sound.shape[1]
    )
    events: list[Event] = []
    step = BLOCK_S * rate
    for begin in range(0, len(sound), step):
        events += pipeline.push(Block(sound[begin : begin + step], rate, begin)).events
    return [*events, *pipeline.finish().events]


def record_z(events: Iterable[Event]) -> tuple[float, int]:
    """Mean logit p over used windows (NaN without any), and their number."""
    used = [logit(e.p) for e in events if isinstance(e, Window) and e.used and e.p is not None]
    return (float(np.mean(used)) if used else float("nan")), len(used)


def through_monitor(
    cell: Cell,
    recordings: dict[str, Recording],
    scored: dict[str, Any],
    calibration: Calibration,
    out: Path,
    *,
    systems: Path = SYSTEMS,
) -> dict[str, list[float]]:
    """logit p by the monitor and by ``evaluate`` for each held-out recording of a cell.

    Those of further sets stand beside those of cinc2016.

    Returns
    -------
    name → [monitor, its windows, evaluate, its windows]
    """
    engine = export_cell(cell, calibration, out.with_suffix(".pt"), systems)
    cycles = CycleModel.from_arrays(shipped.cycles_arrays())
    rows: dict[str, list[float]] = {}
    further = further_records([scored]).values()
    known = scored["records"] | {n: one[:2] for own in further for n, one in own.items()}
    for name, (z, count) in known.items():
        live, windows = record_z(play(recordings[name], engine, cycles))
        rows[name] = [live, windows, (z - calibration.bias) / calibration.temperature, count]
    out.write_text(json.dumps(rows) + "\n", encoding="utf-8")
    return rows
