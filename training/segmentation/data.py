"""Recordings, annotations and cached features for heart-cycle segmentation.

`recordings` lists what may be trained and scored on; `truth` reads the hand annotations;
`features` runs the product's chain over a recording and keeps the log band energies (and the
filtered sound) in the user's cache folder, so that every later run starts from the same numbers.
"""

from __future__ import annotations

import csv
import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import platformdirs
import soundfile
from numpy.typing import NDArray

from dsp.chain import process
from dsp.cycles.bands import BLOCK, FEATURES, FRAME, Blocks, log_bands
from dsp.phantom import Phantom
from dsp.stage import CHAIN_VERSION
from training.segmentation import hearts

STATES = ("S1", "systole", "S2", "diastole")
IGNORE = 255
"""Label of a frame that is not to be learnt from (noise, or beyond the end)."""
CIRCOR = "circor"
PHANTOM = "phantom"
HEARTS = 40
"""Phantoms of each kind that are learnt from (`hearts.py`)."""
PAUSE_FRAMES, PAUSE_BEGINS = 90, 50
"""A diastole of more frames than the first is a pause: from the second on there is no heart."""
NO_HEART = 4
NEVER = 2**62
LONGEST_STATE = {"S1": 500, "systole": 1_200, "S2": 500, "diastole": 3_000}
"""Samples of the longest states that are believed in CirCor's annotation; the last one, which has
no end of its own, is not."""
EXCLUDED_GROUPS = frozenset({"e-unlisted"})
EXCLUDED_NAMES = frozenset({"f0043", "e00873"})


@dataclass(frozen=True, slots=True)
class Recording:
    """One row of recordings.csv."""

    name: str
    database: str
    group: str
    label: str
    quality: int
    duration_s: float
    path: Path
    age: str = ""
    """Age group as CirCor has it (Neonate, Infant, Child, Adolescent); empty where unknown."""


@dataclass(frozen=True, slots=True)
class Truth:
    """Annotated states of one recording: sample and state of each border, 2 kHz."""

    samples: NDArray[np.int64]
    states: tuple[str, ...]

    def frames(self, count: int) -> NDArray[np.uint8]:
        """Label of each of ``count`` frames: that of its middle sample; IGNORE in noise."""
        labels = np.full(count, IGNORE, np.uint8)
        if not len(self.samples):
            return labels
        codes = np.array([STATES.index(s) if s in STATES else IGNORE for s in self.states])
        middle = np.arange(count) * FRAME + FRAME // 2
        at = np.searchsorted(self.samples, middle, side="right") - 1
        labels[at >= 0] = codes[at[at >= 0]]
        return labels


def recordings(data: Path, *, scored_only: bool = True) -> list[Recording]:
    """List the recordings of cinc2016 (``scored_only``: quality 1, grouped, annotated)."""
    root = data / "cinc2016"
    found = []
    with (root / "recordings.csv").open() as file:
        for row in csv.DictReader(file):
            usable = (
                row["quality"] == "1"
                and row["group"] not in EXCLUDED_GROUPS
                and row["name"] not in EXCLUDED_NAMES
            )
            if scored_only and not usable:
                continue
            path = root / f"training-{row['database']}" / f"{row['name']}.flac"
            quality = int(row["quality"]) if row["quality"] else -1
            found.append(
                Recording(
                    row["name"], row["database"], row["group"], row["label"], quality,
                    float(row["duration_s"]), path,
                )
            )  # fmt: skip
    return found


def circor(data: Path) -> list[Recording]:
    """List the annotated recordings of CirCor, grouped by person; none where it is not there."""
    path = data / CIRCOR / "recordings.csv"
    if not path.exists():
        return []
    with path.open() as file:
        return [
            Recording(
                row["name"], CIRCOR, row["person"], row["label"], 1, float(row["duration_s"]),
                data / CIRCOR / f"{row['name']}.flac", row["age"],
            )
            for row in csv.DictReader(file) if float(row["annotated_s"])
        ]  # fmt: skip


def truths(data: Path) -> dict[str, Truth]:
    """Annotations by recording.

    What CirCor has between noise-begin and noise-end was not annotated; it is treated as noise is:
    neither learnt from nor scored. In some of its recordings the annotation just stops, and the
    last state seems to last to the end of the file: a state longer than any heart's is dropped.
    """
    circor_names = {item.name for item in circor(data)}
    rows: dict[str, tuple[list[int], list[str]]] = {}
    tables = sorted((data / "cinc2016").glob("training-?.states.csv"))
    for path in [*tables, *(data / CIRCOR).glob("states.csv")]:
        with path.open() as file:
            for row in csv.DictReader(file):
                samples, states = rows.setdefault(row["name"], ([], []))
                samples.append(int(row["sample"]))
                states.append(row["state"])
    for name in circor_names & rows.keys():
        rows[name] = (rows[name][0], _without_endless(*rows[name]))
    return {
        name: Truth(np.array(samples), tuple(states)) for name, (samples, states) in rows.items()
    }


def _without_endless(samples: list[int], states: list[str]) -> list[str]:
    """The states, with "noise-begin" for each that lasts longer than it can."""
    lengths = np.diff([*samples, NEVER])
    return [
        "noise-begin" if length > LONGEST_STATE.get(state, NEVER) else state
        for length, state in zip(lengths, states, strict=True)
    ]


def cache_dir() -> Path:
    """Folder of cached features, made if absent."""
    folder = Path(platformdirs.user_cache_dir("apexbeat")) / "segmentation"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def band_features(sound: NDArray[np.floating]) -> NDArray[np.float32]:
    """Log band energies [frames, 16] of a whole filtered recording, from the product's code."""
    blocks = Blocks()
    parts = [log_bands(b) for b in blocks.push(sound) + blocks.flush()]
    first = blocks.frame - len(parts) * BLOCK
    whole = len(sound) // FRAME
    if not parts:
        return np.zeros((0, FEATURES), np.float32)
    return np.concatenate(parts)[-first : -first + whole]


@dataclass(frozen=True)
class Prepared:
    """Scored recordings with their filtered sound, features, labels and annotations."""

    recordings: list[Recording]
    truths: list[Truth]
    sounds: list[NDArray[np.float32]]
    features: list[NDArray[np.float32]]
    labels: list[NDArray[np.uint8]]


def prepare(data: Path) -> Prepared:
    """Run the chain over every scored recording, or read what an earlier run kept."""
    annotated = truths(data)
    items: list[Recording] = []
    sounds: list[NDArray[np.float32]] = []
    for part in (recordings(data), circor(data)):
        items += part
        sounds += _sounds(part)
    made = _phantoms()
    items += [item for item, _, _ in made]
    sounds += [sound for _, _, sound in made]
    annotated.update({item.name: truth for item, truth, _ in made})
    features = [band_features(s) for s in sounds]
    found = [annotated[r.name] for r in items]
    labels = [
        with_pauses(t.frames(len(f)), r.database == PHANTOM)
        for r, t, f in zip(items, found, features, strict=True)
    ]
    return Prepared(items, found, sounds, features, labels)


def with_pauses(labels: NDArray[np.uint8], exact: bool) -> NDArray[np.uint8]:
    """Labels of "no heart" in the pauses of a phantom, whose truth is ``exact``."""
    if not exact:
        return labels
    starts = np.flatnonzero(np.diff(labels, prepend=np.uint8(254)))
    for begin, end in zip(starts, [*starts[1:], len(labels)], strict=True):
        if labels[begin] == STATES.index("diastole") and end - begin > PAUSE_FRAMES:
            labels[begin + PAUSE_BEGINS : end] = NO_HEART
    return labels


def _phantoms() -> list[tuple[Recording, Truth, NDArray[np.float32]]]:
    """The phantoms that are learnt from, each a group of its own."""
    return [
        phantom_recording(f"{kind}-{place}", kind, heart)
        for place, (kind, heart) in enumerate(hearts.training_hearts(HEARTS))
    ]


def phantom_recording(
    name: str, kind: str, heart: Phantom
) -> tuple[Recording, Truth, NDArray[np.float32]]:
    """A phantom as a recording, its truth and its filtered sound."""
    rendering, sound = hearts.hear(heart)
    samples, states = zip(*rendering.states, strict=True)
    item = Recording(name, PHANTOM, name, kind, 1, heart.duration_s, Path(name))
    return item, Truth(np.array(samples), tuple(states)), sound


def _sounds(items: list[Recording]) -> list[NDArray[np.float32]]:
    """Filtered sound of each recording of one set."""
    if not items:
        return []
    digest = hashlib.sha256(f"{CHAIN_VERSION} {[r.name for r in items]}".encode()).hexdigest()[:12]
    kept = cache_dir() / f"sound-{digest}.npz"
    if not kept.exists():
        _keep(items, kept)
    stored = np.load(kept)
    return np.split(stored["sound"], np.cumsum(stored["lengths"])[:-1])


def _keep(items: list[Recording], path: Path) -> None:
    sounds = []
    for item in items:
        sound, rate = soundfile.read(item.path, dtype="float32")
        sounds.append(process(sound, rate).astype(np.float32))
    part = path.with_suffix(".part.npz")
    np.savez(part, sound=np.concatenate(sounds), lengths=np.array([len(s) for s in sounds]))
    part.rename(path)


def folds(items: list[Recording], count: int = 5) -> dict[str, int]:
    """Fold of each group: groups of a database, in the order of their hashes, dealt in turn."""
    return {group: place % count for group, place in _places(items).items()}


def development(items: list[Recording]) -> set[str]:
    """Every seventh group: choices between variants are made on these alone."""
    return {group for group, place in _places(items).items() if place % 7 == 3}


def _places(items: list[Recording]) -> dict[str, int]:
    by_database: dict[str, set[str]] = {}
    for item in items:
        by_database.setdefault(item.database, set()).add(item.group)
    places = {}
    for groups in by_database.values():
        ordered = sorted(groups, key=lambda g: hashlib.sha256(g.encode()).hexdigest())
        places.update({group: place for place, group in enumerate(ordered)})
    return places
