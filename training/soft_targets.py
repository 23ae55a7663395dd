"""The teacher's mean logit of a recording, from a teacher that never trained on that recording.

It teaches every window of the recording (``Distil.of_recordings``). Read from the teacher's
finished cells, so teacher and student may hear different features and lengths of sound:

| student | teacher's cells |
|---|---|
| fold j of protocol S | protocol N: its pairs with j, so that nothing held out is in a target |
| ``all`` | protocol S: each recording from the fold that held it out |
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from training import evaluate
from training.config import Config
from training.errors import TrainingError
from training.splits import FOLDS, PAIRS

CELLS = Path("docs/results/cells")


def recording_targets(
    teachers: Sequence[Config],
    seeds: Sequence[int],
    protocol: str,
    fold: int,
    held_out: frozenset[str],
    folder: Path,
) -> dict[str, float]:
    """Mean z1 - z0 of all teachers and seeds for each recording that may train.

    Raises
    ------
    TrainingError
        If a teacher's cells are not finished, or the protocol knows no such teacher.
    """
    if protocol not in ("S", "all"):
        raise TrainingError(f"protocol {protocol} has no teacher's mean logit of a recording")
    theirs = "N" if protocol == "S" else "S"
    wanted = (
        [k for k, pair in enumerate(PAIRS) if fold in pair] if theirs == "N" else [*range(FOLDS)]
    )
    found: dict[str, list[float]] = {}
    for config in teachers:
        for seed in seeds:
            for cell in _finished(config, theirs, seed, wanted, folder):
                for name, z in _scores(cell).items():
                    if name not in held_out:
                        found.setdefault(name, []).append(z)
    return {name: float(np.mean(values)) for name, values in found.items()}


def _finished(
    config: Config, protocol: str, seed: int, wanted: Sequence[int], folder: Path
) -> list[dict[str, Any]]:
    cells = evaluate.load_cells(folder, config.name, protocol, seed)
    mine = [cell for cell in cells if cell["fold"] in wanted and cell["key"] == config.key()]
    if len(mine) < len(wanted):
        raise TrainingError(
            f"teacher '{config.name}', seed {seed}: {len(mine)} of {len(wanted)} cells finished",
            f"run apexbeat-train grid {config.name} --protocol {protocol} --seeds {seed} first",
        )
    return mine


def _scores(cell: Mapping[str, Any]) -> dict[str, float]:
    own: dict[str, float] = {name: one[0] for name, one in cell["records"].items()}
    for records in cell.get("further", {}).values():
        own |= {name: one[0] for name, one in records.items()}
    return own
