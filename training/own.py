"""Recordings of one's own: any folder with a table of labels, as a data set to train on.

They are heard as the monitor hears them: any format it reads, the channel it chooses, its filtered
sound, and windows at the S1 of its decoder. Sound and onsets are kept in the cache, in a folder of
these recordings; networks in one of these recordings with these labels.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dsp.stage import CHAIN_VERSION
from models import shipped
from monitor.assembly import Models
from monitor.config.load import Settings
from monitor.errors import ApexbeatError, InputError
from monitor.events import Beat, Output
from monitor.replay.batch import Options, replay_file
from monitor.replay.inputs import search
from monitor.replay.labels import by_path, read_labels
from monitor.runner import StreamSink
from training import datasets
from training.batches import Data
from training.config import Config
from training.dataset_bundle import DatasetBundle, Progress
from training.datasets import OWN, Recording
from training.errors import TrainingError
from training.extra_datasets import open_world
from training.frontend import mel_grid
from training.prepare import Prepared, cache_folder, prepare
from training.splits import FOLDS
from training.whole import write_whole
from training.windows import window_table

RESULTS = Path("results")
"""Where cells and figures of one's own recordings go, unless it is named."""


@dataclass(frozen=True)
class OwnSet:
    """A folder of recordings and a table of labels.

    Attributes
    ----------
    folder
        Searched for every kind of recording that the monitor reads.
    labels
        CSV: file, label and, if it knows, person.
    person
        A column of it, a pattern over the path, or ``folder``; None takes the table's column.
    normal
        Labels that mean normal, every other one abnormal; none: the usual words.
    """

    folder: Path
    labels: Path
    person: str | None = None
    normal: tuple[str, ...] = ()

    @cached_property
    def _read(self) -> tuple[list[Recording], list[str]]:
        try:
            table = read_labels(self.labels, self.normal, self.person)
            named = by_path(self.person, table)
            found = []
            nameless = 0
            contents = search(self.folder)
            for _, why in contents.unread:
                raise TrainingError(why)
            for path in contents.files:
                line = table.of(path)
                person = named(path) if named else (line.person if line else None)
                nameless += person is None and line is not None
                name = path.relative_to(self.folder).as_posix()
                known = line is not None and line.abnormal is not None
                label = int(bool(line and line.abnormal)) if known else -1
                found.append(Recording(name, OWN, label, 1, person or name, path))
        except ApexbeatError as error:
            raise TrainingError(str(error)) from None
        notes = list(_notes(found, nameless, len(table.unused)))
        return [r for r in found if r.label >= 0], notes

    @property
    def recordings(self) -> list[Recording]:
        """Recordings with a label, in the order of their paths.

        Raises
        ------
        TrainingError
            If the folder or the table cannot be read.
        """
        return self._read[0]

    @property
    def notes(self) -> list[str]:
        """What a person should know of the table before training on it."""
        return self._read[1]

    def check(self) -> None:
        """See that there is enough to train on.

        Raises
        ------
        TrainingError
            If a class has too few persons for the folds.
        """
        for label, words in ((0, "normal"), (1, "abnormal")):
            persons = {r.group for r in self.recordings if r.label == label}
            if len(persons) < FOLDS:
                raise TrainingError(
                    f"{self.labels}: {len(persons)} persons with a recording labelled {words};"
                    f" {FOLDS} folds need at least {FOLDS}",
                    "check the table against the names of the files" if not persons else "",
                )

    @property
    def about(self) -> str:
        """Words of a model card."""
        used = self.recordings
        abnormal = sum(r.label for r in used)
        persons = len({r.group for r in used})
        return (
            f"{len(used)} recordings of {persons} persons in {self.folder.resolve().name} "
            f"({abnormal} abnormal), S1 by the decoder"
        )

    @cached_property
    def cache(self) -> Path:
        """Folder of the sound of these recordings; labels have no part in it."""
        lines = [f"{r.name}:{r.path.stat().st_size}" for r in self.recordings]
        return cache_folder() / "own" / _key([CHAIN_VERSION, shipped.pins()["cycles.npz"], *lines])

    @cached_property
    def key(self) -> str:
        """Fingerprint of recordings and labels together."""
        return _key([self.cache.name, *(f"{r.name}:{r.label}:{r.group}" for r in self.recordings)])

    @property
    def runs(self) -> Path:
        """Folder of the networks trained on them."""
        return self.cache / "runs" / self.key

    def open(self, config: Config, progress: Progress = iter) -> DatasetBundle:
        """Open them with a window at each S1 of the decoder.

        Raises
        ------
        TrainingError
            If they are too few, cannot be read, or the system trains on other sets besides.
        """
        self.check()
        if config.also:
            raise TrainingError(
                f"system '{config.name}' trains on {', '.join(config.also)} besides",
                "take one that does not, such as student-2d or kd-student-2d",
            )
        prepared, onsets = self._heard(progress)
        table = window_table(self.recordings, prepared, onsets)
        if not len(table):
            raise TrainingError(f"{self.folder}: no recording has 2.5 s of sound after a first S1")
        grid = mel_grid(prepared, config.mfcc, self.cache)
        return DatasetBundle(tuple(self.recordings), prepared, Data(grid, table))

    def prepared(self, progress: Progress = iter) -> Prepared:
        """Their filtered sound, from the cache or heard now."""
        return self._heard(progress)[0]

    def _heard(self, progress: Progress) -> tuple[Prepared, dict[str, NDArray[np.int64]]]:
        """Filtered sound and S1, from the cache or heard now."""
        path = self.cache / "onsets.json"
        onsets: dict[str, list[int]] = {}

        def hear(recording: Recording) -> NDArray[np.float32]:
            sound, onsets[recording.name] = _hear(recording.path)
            return sound

        if not path.is_file():
            shutil.rmtree(self.cache / "prepared", ignore_errors=True)
        prepared = prepare(
            "sound", self.recordings, folder=self.cache, progress=progress, read=hear
        )
        if onsets:
            write_whole(path, json.dumps(onsets))
        kept = json.loads(path.read_text(encoding="utf-8"))
        return prepared, {name: np.asarray(found, np.int64) for name, found in kept.items()}


class _Keeper(StreamSink):
    def __init__(self) -> None:
        self.sound: list[NDArray[np.float32]] = [np.zeros(0, np.float32)]
        self.s1: list[int] = []

    def output(self, output: Output) -> None:
        """Keep the filtered sound and the onsets."""
        self.sound += [chunk.samples for chunk in output.pictures]
        beats = (event for event in output.events if isinstance(event, Beat))
        self.s1 += [beat.s1 for beat in beats if beat.s1 is not None]


def _hear(path: Path) -> tuple[NDArray[np.float32], list[int]]:
    """Filtered sound at 2 kHz, float32 [n], and S1 onsets of a recording."""
    from dsp.cycles.model import CycleModel

    keeper = _Keeper()
    models = Models(None, CycleModel.from_arrays(shipped.cycles_arrays()))
    try:
        replay_file(path, Settings(), models, Options(), sinks=[keeper])
    except InputError as error:
        raise TrainingError(str(error)) from None
    return np.concatenate(keeper.sound), sorted(keeper.s1)


def _notes(recordings: Sequence[Recording], nameless: int, unused: int) -> Iterator[str]:
    used = [r for r in recordings if r.label >= 0]
    abnormal = sum(r.label for r in used)
    persons = len({r.group for r in used})
    yield (
        f"{len(used)} recordings with a label, {abnormal} abnormal, {len(used) - abnormal} normal,"
        f" of {persons} persons"
    )
    if len(used) < len(recordings):
        yield f"{len(recordings) - len(used)} recordings without a label are left out"
    if unused:
        yield f"{unused} lines of the table name no recording of the folder"
    if nameless:
        yield (
            f"{nameless} recordings name no person and count as a person each:"
            " figures are too good if some are of one person"
        )
    kinds: dict[str, Counter[int]] = defaultdict(Counter)
    for r in used:
        kinds[r.path.suffix.lower()][r.label] += 1
    if len(kinds) > 1 and all(len(labels) == 1 for labels in kinds.values()):
        yield "the kind of file gives the label away: a network may learn the recorder alone"


def _key(lines: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


# ------------------------------------------------------------ a public set, or one's own

DataSource = Path | OwnSet
"""Folder of cinc2016, or recordings of one's own."""


def open_source(data: DataSource, config: Config, progress: Progress = iter) -> DatasetBundle:
    """Open what a system trains on."""
    if isinstance(data, OwnSet):
        return data.open(config, progress)
    return open_world(data, config, progress=progress)


def recordings_of(data: DataSource) -> list[Recording]:
    """All recordings that may have a score."""
    return data.recordings if isinstance(data, OwnSet) else datasets.load_all(data)


def runs_of(data: DataSource) -> Path | None:
    """Folder of the networks; None for the one of the public sets."""
    return data.runs if isinstance(data, OwnSet) else None


def key_of(data: DataSource) -> str:
    """Fingerprint that a finished cell keeps; empty for the public sets."""
    return data.key if isinstance(data, OwnSet) else ""
