"""The public sets as typed tables: which recordings there are, their labels, their heart states.

| caller | function |
|---|---|
| prepare, segmentation | ``load_cinc2016(folder)``, ``load_states`` |
| prepare, evaluate | ``load_circor``, ``load_pascal``, ``load_yaseen2018`` (folder) |

Sources: Liu et al. 2016 (Physiol. Meas. 37:2181), Yaseen et al. 2018, Bentley et al. 2011,
Oliveira et al. 2022 (IEEE JBHI 26:2524).
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training.errors import TrainingError

DATABASES = ("a", "b", "c", "d", "e", "f")
BESIDE = ("circor", "pascal", "yaseen")
"""Databases of the sets beside cinc2016."""
OWN = "own"
"""Database of recordings of one's own (``training/own.py``)."""
UNLISTED_GROUP = "e-unlisted"
"""87 recordings of e that share sound with others: not for training, not for scores."""
STATES = ("S1", "systole", "S2", "diastole")
_LABELS = {"normal": 0, "abnormal": 1}
_PASCAL_LABELS = {"normal": 0, "murmur": 1, "extrastole": -1, "artifact": -1}
_CIRCOR_LABELS = {"normal": 0, "abnormal": 1, "unknown": -1}


@dataclass(frozen=True, slots=True)
class Recording:
    """One recording.

    Attributes
    ----------
    name, database, group
        ``group`` holds everything that may share a person (DATA.md).
    label
        1 abnormal, 0 normal, -1 neither.
    quality
        1 good, 0 bad, -1 unknown.
    diagnosis
        As published; empty where unknown.
    """

    name: str
    database: str
    label: int
    quality: int
    group: str
    path: Path
    diagnosis: str = ""

    @property
    def further(self) -> bool:
        """Whether it is of a set beside cinc2016."""
        return self.database in BESIDE

    @property
    def scored(self) -> bool:
        """Whether the recording may train and be scored."""
        return self.group != UNLISTED_GROUP and self.label >= 0


@dataclass(frozen=True, slots=True)
class States:
    """Hand-corrected heart states of one recording: sample (2 kHz) at which each begins."""

    sample: NDArray[np.int64]
    state: tuple[str, ...]

    def onsets(self, state: str) -> NDArray[np.int64]:
        """Onsets of one state; the first and last annotated state have no true onset.

        The first annotated state begins at sample 0 whatever the heart does: left out.
        """
        keep = [s for s, n in zip(self.sample, self.state, strict=True) if n == state and s > 0]
        return np.asarray(keep, dtype=np.int64)

    def spans(self, length: int) -> tuple[NDArray[np.int64], list[int]]:
        """Edges of the states, the last one ``length``, and each state's number.

        1 S1, 2 systole, 3 S2, 4 diastole, 0 for anything else.
        """
        numbers = [STATES.index(n) + 1 if n in STATES else 0 for n in self.state]
        return np.append(self.sample, length), numbers


def _rows(path: Path, columns: tuple[str, ...]) -> Iterator[dict[str, str]]:
    if not path.is_file():
        raise TrainingError(f"{path} is missing", "give the folder that holds the public set")
    with path.open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        missing = set(columns) - set(reader.fieldnames or ())
        if missing:
            raise TrainingError(f"{path} has no column {', '.join(sorted(missing))}")
        yield from reader


def _label(value: str, known: dict[str, int], path: Path, name: str) -> int:
    if value not in known:
        raise TrainingError(f"{path}: {name} has the unknown label '{value}'")
    return known[value]


def load_cinc2016(folder: Path) -> list[Recording]:
    """Read the table of the PhysioNet/CinC Challenge 2016, in the order of the table.

    Raises
    ------
    TrainingError
        If the table is missing, lacks a column, has an unknown label or a name twice.
    """
    table = folder / "recordings.csv"
    found: dict[str, Recording] = {}
    for row in _rows(table, ("name", "database", "label", "quality", "group", "diagnosis")):
        name = row["name"]
        if name in found:
            raise TrainingError(f"{table}: {name} stands twice")
        found[name] = Recording(
            name=name,
            database=row["database"],
            label=_label(row["label"], _LABELS, table, name),
            quality=int(row["quality"]) if row["quality"] else -1,
            group=row["group"],
            path=folder / f"training-{row['database']}" / f"{name}.flac",
            diagnosis=row["diagnosis"],
        )
    return list(found.values())


def load_states(folder: Path, database: str, known: frozenset[str]) -> dict[str, States]:
    """Read the annotations of one database of cinc2016, by recording name.

    Raises
    ------
    TrainingError
        If the file is missing or names a recording that the table does not know.
    """
    path = folder / f"training-{database}.states.csv"
    samples: dict[str, list[int]] = {}
    states: dict[str, list[str]] = {}
    for row in _rows(path, ("name", "sample", "state")):
        if row["name"] not in known:
            raise TrainingError(f"{path} names '{row['name']}', which recordings.csv does not know")
        samples.setdefault(row["name"], []).append(int(row["sample"]))
        states.setdefault(row["name"], []).append(row["state"])
    return {n: States(np.asarray(samples[n], dtype=np.int64), tuple(states[n])) for n in samples}


def load_yaseen2018(folder: Path) -> list[Recording]:
    """Read the table of Yaseen 2018: class N is normal, the four valve diseases abnormal."""
    table = folder / "recordings.csv"
    return [
        Recording(
            name=row["name"],
            database="yaseen",
            label=int(row["class"] != "N"),
            quality=1,
            group=row["name"],
            path=folder / f"{row['name']}.flac",
            diagnosis=row["class"],
        )
        for row in _rows(table, ("name", "class"))
    ]


def _patient(name: str) -> str:
    """Of ``set_b/murmur__112_1306243000964_A``: pascal-112; the name itself where there is none."""
    number = re.search(r"_(\d+)_\d{10,}", name)
    return f"pascal-{number[1]}" if number else name


def load_pascal(folder: Path) -> list[Recording]:
    """Read the table of PASCAL 2011; extrastole and artifact are neither class (-1)."""
    table = folder / "recordings.csv"
    return [
        Recording(
            name=row["name"],
            database="pascal",
            label=_label(row["class"], _PASCAL_LABELS, table, row["name"]),
            quality=1 - int(row["noisy"] or 0),
            group=_patient(row["name"]),
            path=folder / f"{row['name']}.flac",
            diagnosis=row["class"],
        )
        for row in _rows(table, ("name", "class", "noisy"))
    ]


def load_circor(folder: Path) -> list[Recording]:
    """Read the table of CirCor DigiScope: is a murmur heard at this place of the chest?

    Unknown (-1) where the patient has a murmur that is not heard here, or nobody could tell. A
    group is a person, over both campaigns.
    """
    table = folder / "recordings.csv"
    return [
        Recording(
            name=row["name"],
            database="circor",
            label=_label(row["label"], _CIRCOR_LABELS, table, row["name"]),
            quality=1,
            group=f"circor-{row['person']}",
            path=folder / f"{row['name']}.flac",
            diagnosis=row["timing"],
        )
        for row in _rows(table, ("name", "person", "label", "timing"))
    ]


FURTHER = {"circor": load_circor, "pascal": load_pascal, "yaseen2018": load_yaseen2018}
"""The sets beside cinc2016, by the name of their folder."""


def load_all(folder: Path) -> list[Recording]:
    """Read cinc2016 and those further sets that lie in folders beside it."""
    beside = {name: folder.resolve().parent / name for name in FURTHER}
    found = [load(beside[name]) for name, load in FURTHER.items() if beside[name].is_dir()]
    return [*load_cinc2016(folder), *(r for own in found for r in own)]
