"""A small set in the layout of cinc2016, made of phantom hearts."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import soundfile

from dsp.phantom import Murmur, Noise, Phantom, render


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
    """Write recordings.csv, states and sounds of databases a and b; return the folder."""
    rows = []
    for database in "ab":
        states = []
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
    head = ("name", "database", "label", "quality", "group", "diagnosis", "annotated")
    _write(folder / "recordings.csv", head, rows)
    return folder


def _write(path: Path, head: tuple[str, ...], rows: list[tuple[object, ...]]) -> None:
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(head)
        writer.writerows(rows)
