"""A small set of phantom hearts in the layout of cinc2016: a training tried without any download.

What learns from it tells made-up murmurs from made-up normal sound, and nothing about persons:
`ABOUT` beside the recordings says so, and the card of every model trained on them repeats it.
"""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import soundfile

from dsp.phantom import Murmur, Noise, Phantom, render
from training.errors import TrainingError

ABOUT = "about.txt"
"""A file of this name in a set says what the set is; cinc2016 has none."""
WORDS = "phantom hearts (apexbeat-train phantoms), made up: it knows nothing about persons"


def heart(seed: int, murmur: bool, duration_s: float = 12.0) -> Phantom:
    """One heart of its own rate, murmur band and noise."""
    rng = np.random.default_rng(seed)
    plain = Phantom(
        duration_s=duration_s,
        rate_per_min=float(rng.uniform(60, 95)),
        noises=(Noise("pink", float(rng.uniform(16, 24))),),
        seed=seed,
    )
    low = float(rng.uniform(90, 160))
    sound = Murmur("systolic", "holo", "plateau", (low, low + 200.0), 4)
    return replace(plain, murmurs=(sound,)) if murmur else plain


def write_set(folder: Path, per_cell: int = 4) -> Path:
    """Write recordings.csv, states and sounds of databases a and b.

    Parameters
    ----------
    folder
        Is made; must not hold a set yet.
    per_cell
        Recordings of each database and class; two neighbours count as one person.

    Raises
    ------
    TrainingError
        If there is a set, or the folder cannot be written.
    """
    if (folder / "recordings.csv").exists():
        raise TrainingError(f"{folder}: there is a set already", "name a new folder")
    try:
        rows = [row for database in "ab" for row in _write_database(folder, database, per_cell)]
        head = ("name", "database", "label", "quality", "group", "diagnosis", "annotated")
        (folder / ABOUT).write_text(WORDS + "\n", encoding="utf-8")
        _write(folder / "recordings.csv", head, rows)
    except OSError as error:
        raise TrainingError(f"{folder}: {error.strerror}", "name a folder of yours") from error
    return folder


def _write_database(folder: Path, database: str, per_cell: int) -> list[tuple[object, ...]]:
    rows: list[tuple[object, ...]] = []
    states: list[tuple[object, ...]] = []
    (folder / f"training-{database}").mkdir(parents=True)
    for i in range(2 * per_cell):
        name = f"{database}{i:04d}"
        drawn = render(heart(1000 * ord(database) + i, murmur=i % 2 == 1))
        path = folder / f"training-{database}" / f"{name}.flac"
        soundfile.write(path, 0.5 * drawn.sound / np.abs(drawn.sound).max(), 2000)
        label = "abnormal" if i % 2 else "normal"
        rows.append((name, database, label, 1, f"{database}-{i // 2}", "", 1))
        states += [(name, 0, "diastole")] if drawn.states[0][0] else []
        states += [(name, index, state) for index, state in drawn.states]
    _write(folder / f"training-{database}.states.csv", ("name", "sample", "state"), states)
    return rows


def _write(path: Path, head: tuple[str, ...], rows: list[tuple[object, ...]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(head)
        writer.writerows(rows)
