"""Further public sets that train beside cinc2016: CirCor's children, PASCAL's murmurs, Yaseen.

Their windows begin at the S1 that the monitor's own decoder finds: PASCAL and Yaseen have no
annotated heart states, and CirCor's leave out many a stretch because it was hard. Of PASCAL only
the noisy recordings train: its normal ones are all noisy and most of its murmurs are not, so that
the noise would give the label away. Folds are by person (CirCor) and patient (the number in a
PASCAL name); a recording of Yaseen stands for itself.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from dsp.cycles.model import CycleModel
from models import shipped
from monitor.events import Beat
from training.batches import Data
from training.config import Config
from training.dataset_bundle import DatasetBundle, Progress, open_cinc2016, open_other
from training.datasets import FURTHER, Recording
from training.errors import TrainingError
from training.monitor_eval import play
from training.prepare import cache_folder, manifest
from training.whole import write_whole
from training.windows import WindowTable


def open_world(
    data: Path, config: Config, *, cache: Path | None = None, progress: Progress = iter
) -> DatasetBundle:
    """Open cinc2016 and what a configuration trains on besides; it lies in folders beside it.

    Raises
    ------
    TrainingError
        If a set is unknown, missing or damaged.
    """
    world = open_cinc2016(data, config.mfcc, cache=cache, progress=progress)
    for name in config.also:
        if name not in FURTHER:
            raise TrainingError(f"unknown set '{name}'", f"known: {', '.join(sorted(FURTHER))}")
        folder = data.resolve().parent / name
        onsets = heard_onsets(name, FURTHER[name](folder), cache)
        other = open_other(name, folder, config.mfcc, onsets, cache=cache)
        other = replace(other, recordings=tuple(fit_to_train(other.recordings)))
        world = joined(world, other, config.mfcc.hop_length)
    return world


def fit_to_train(recordings: Sequence[Recording]) -> list[Recording]:
    """Recordings with a label; of PASCAL the noisy ones alone."""
    return [r for r in recordings if r.label >= 0 and (r.database != "pascal" or r.quality == 0)]


def heard_onsets(
    name: str, recordings: Sequence[Recording], cache: Path | None = None
) -> dict[str, NDArray[np.int64]]:
    """S1 onsets (samples at 2 kHz) by the shipped decoder, kept in the cache folder."""
    key = f"{manifest(recordings)} {shipped.pins()['cycles.npz']}"
    path = (cache or cache_folder()) / "prepared" / f"{name}-onsets.json"
    kept = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    if kept.get("key") != key:
        cycles = CycleModel.from_arrays(shipped.cycles_arrays())
        kept = {"key": key, "onsets": {r.name: _heard(r, cycles) for r in recordings}}
        write_whole(path, json.dumps(kept))
    return {n: np.asarray(found, np.int64) for n, found in kept["onsets"].items()}


def _heard(recording: Recording, cycles: CycleModel) -> list[int]:
    beats = (e for e in play(recording, None, cycles) if isinstance(e, Beat))
    return [beat.s1 for beat in beats if beat.s1 is not None]


def joined(first: DatasetBundle, second: DatasetBundle, hop: int) -> DatasetBundle:
    """Both worlds as one: recordings, windows and features of the second after the first's.

    Parameters
    ----------
    hop
        Samples from one row of the features to the next.
    """
    a, b = first.data.table, second.data.table
    rows = len(first.data.grid)
    table = WindowTable(
        np.concatenate([a.position, b.position + rows * hop]),
        np.concatenate([a.room, b.room]),
        np.concatenate([a.recording, b.recording + len(a.names)]),
        a.names + b.names,
        np.concatenate([a.labels, b.labels]),
    )
    states = first.data.states
    if states is not None:
        states = torch.cat([states, torch.zeros(len(second.data.grid), dtype=states.dtype)])
    grid = torch.cat([first.data.grid, second.data.grid])
    return DatasetBundle(
        (*first.recordings, *second.recordings), first.prepared, Data(grid, table, states)
    )
