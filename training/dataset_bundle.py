"""Everything a run reads, opened once: recordings, filtered sound, windows, mel grid."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.mfcc import MfccSettings
from training import datasets
from training.batches import Data
from training.datasets import Recording, States
from training.errors import TrainingError
from training.frontend import mel_grid
from training.murmur import frame_states
from training.prepare import Prepared, prepare
from training.windows import window_table

Progress = Callable[[Iterable[Recording]], Iterable[Recording]]


@dataclass(frozen=True, slots=True)
class DatasetBundle:
    """One public set, ready to train on or to be scored."""

    recordings: tuple[Recording, ...]
    prepared: Prepared
    data: Data

    @property
    def databases(self) -> dict[str, str]:
        """Database of each recording."""
        return {r.name: r.database for r in self.recordings}


def open_cinc2016(
    folder: Path,
    settings: MfccSettings,
    *,
    cache: Path | None = None,
    onsets: dict[str, NDArray[np.int64]] | None = None,
    progress: Progress = iter,
) -> DatasetBundle:
    """Open cinc2016 with a window at each annotated S1 (or at the onsets given).

    Raises
    ------
    TrainingError
        If the set is missing or damaged, or no annotation fits any recording.
    """
    recordings = datasets.load_cinc2016(folder)
    prepared = prepare("cinc2016", recordings, folder=cache, progress=progress)
    annotated = hand_annotated(folder, recordings)
    if onsets is None:
        onsets = {name: states.onsets("S1") for name, states in annotated.items()}
    table = window_table(recordings, prepared, onsets)
    if not len(table):
        raise TrainingError(f"{folder}: no recording has a full window", "check the annotations")
    grid = mel_grid(prepared, settings, cache)
    spans = [
        (prepared.start[name], *states.spans(prepared.length[name]))
        for name, states in annotated.items()
        if name in prepared.start
    ]
    states = frame_states(len(grid), settings.hop_length, settings.n_fft, spans)
    return DatasetBundle(tuple(recordings), prepared, Data(grid, table, states))


def hand_annotated(folder: Path, recordings: list[Recording]) -> dict[str, States]:
    """Hand-corrected heart states of every annotated recording."""
    known = frozenset(r.name for r in recordings)
    out: dict[str, States] = {}
    for database in sorted({r.database for r in recordings}):
        out |= datasets.load_states(folder, database, known)
    return out


def open_other(
    name: str,
    folder: Path,
    settings: MfccSettings,
    onsets: dict[str, NDArray[np.int64]],
    *,
    cache: Path | None = None,
) -> DatasetBundle:
    """Open a set beside cinc2016, with a window at each of the onsets given."""
    recordings = datasets.FURTHER[name](folder)
    prepared = prepare(name, recordings, folder=cache)
    table = window_table(recordings, prepared, onsets)
    return DatasetBundle(
        tuple(recordings), prepared, Data(mel_grid(prepared, settings, cache), table)
    )


def thinned(which: NDArray[np.int64], owner: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    """At most ``most`` windows of each recording, evenly spaced."""
    kept = []
    for k in np.unique(owner[which]):
        mine = which[owner[which] == k]
        pick = np.linspace(0, mine.size - 1, min(most, mine.size)).round().astype(int)
        kept.append(mine[np.unique(pick)])
    return np.concatenate(kept) if kept else which
