"""Are murmurs of diastole found? Made-up ones over real normal hearts that were held out.

``python -m training.experiments.diastolic SYSTEM --data ../shared/data``: normal recordings of
cinc2016, at hand-annotated diastoles; each as it is and with a murmur whose loudest moment lies at
a given level against S1 (root mean square of its first 100 ms). The network is that of the fold
that held the recording out. Writes docs/results/diastolic-SYSTEM.json: AUC of the mean z with the
murmur against the same recordings without.

| murmur | band | course |
|---|---|---|
| rumble | 20-150 Hz | from 80 ms after S2, falling, then a crescendo into S1 (mitral stenosis) |
| rumble without accent | 20-150 Hz | the same, falling alone (atrial fibrillation) |
| fading | 100-400 Hz | from S2, falling through diastole (aortic regurgitation) |
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import signal

from dsp.stage import RATE_HZ
from models.mfcc import SAMPLES
from models.student import Classifier
from training import datasets, evaluate
from training.cells import Cell, commit, kept_network, system
from training.dataset_bundle import hand_annotated
from training.datasets import Recording, States
from training.export import classifier
from training.options import one_thread, progress_bar, say
from training.prepare import Prepared, prepare
from training.scores import Array, auc
from training.whole import write_whole

LEVELS_DB = (0.0, -6.0, -12.0)
EACH = 20
"""Recordings of a database and fold, where there are so many."""
WINDOWS = 8


@dataclass(frozen=True, slots=True)
class Murmur:
    """Band in Hz, seconds after S2 at which it begins, and whether it swells before S1."""

    band_hz: tuple[float, float]
    begin_s: float
    accent: bool


MURMURS = {
    "rumble": Murmur((20.0, 150.0), 0.08, True),
    "rumble without accent": Murmur((20.0, 150.0), 0.08, False),
    "fading": Murmur((100.0, 400.0), 0.0, False),
}


def course(murmur: Murmur, length: int) -> Array:
    """Amplitude over one diastole of ``length`` samples, 0..1."""
    t = np.arange(length) / RATE_HZ
    rest = max(length / RATE_HZ - murmur.begin_s, 0.05)
    place = (t - murmur.begin_s) / rest
    falling = np.exp(-2.5 * np.clip(place, 0, 1)) * (0.7 if murmur.accent else 1.0)
    swelling = np.clip((place - 0.7) / 0.3, 0, 1) ** 2 if murmur.accent else np.zeros(length)
    rise = np.clip((t - murmur.begin_s) / 0.02, 0, 1)
    return np.asarray(rise * np.maximum(falling, swelling))


def with_murmur(
    sound: Array, states: States, murmur: Murmur, level_db: float, rng: np.random.Generator
) -> Array:
    """Sound float64 [n] with the murmur in each annotated diastole."""
    edges, kinds = states.spans(sound.size)
    noise = signal.sosfilt(
        signal.butter(4, murmur.band_hz, "bandpass", fs=RATE_HZ, output="sos"),
        rng.standard_normal(sound.size),
    )
    noise /= noise.std()
    first = [sound[a : a + RATE_HZ // 10] for a, k in zip(edges, kinds, strict=False) if k == 1]
    loudness = float(np.median([np.sqrt(np.mean(s * s)) for s in first if s.size]))
    out = sound.copy()
    for a, b, kind in zip(edges[:-1], edges[1:], kinds, strict=True):
        if kind == datasets.STATES.index("diastole") + 1 and b > a:
            own = noise[a:b] * course(murmur, int(b - a))
            out[a:b] += loudness * 10 ** (level_db / 20) * own
    return out


@torch.inference_mode()
def mean_z(model: Classifier, sound: Array, states: States) -> float:
    """Mean z1 - z0 over the first windows at annotated S1; NaN where none fits."""
    starts = [s for s in states.onsets("S1") if s + SAMPLES <= sound.size][:WINDOWS]
    if not starts:
        return float("nan")
    windows = np.stack([sound[s : s + SAMPLES] for s in starts]).astype(np.float32)
    logits = model(torch.from_numpy(windows))
    return float((logits[:, 1] - logits[:, 0]).mean())


def normals(
    recordings: Sequence[Recording], annotated: dict[str, States], held: Sequence[str]
) -> Iterator[Recording]:
    """Clean normal recordings of those held out, some of each database."""
    taken = dict.fromkeys(datasets.DATABASES, 0)
    known = frozenset(held)
    for r in recordings:
        usable = r.name in known and r.name in annotated and r.label == 0 and r.quality == 1
        if usable and taken[r.database] < EACH and "noise-begin" not in annotated[r.name].state:
            taken[r.database] += 1
            yield r


def run(name: str, data: Path, results: Path, seed: int) -> dict[str, Any]:
    """Scores of every recording, murmur and level; AUC of each."""
    folder = data / "cinc2016"
    recordings = datasets.load_cinc2016(folder)
    prepared: Prepared = prepare("cinc2016", recordings, progress=progress_bar)
    annotated = hand_annotated(folder, recordings)
    config = system(name)
    rows: dict[str, list[float]] = {}
    count = 0
    for content in evaluate.load_cells(results / "cells", name, "S", seed):
        cell = Cell(name, "S", int(content["fold"]), seed)
        model = classifier(config, kept_network(config, cell).network)
        for r in normals(recordings, annotated, content["records"]):
            rng = np.random.default_rng([seed, cell.fold, count])
            sound = np.asarray(prepared.of(r.name), np.float64)
            states = annotated[r.name]
            plain = mean_z(model, sound, states)
            if not np.isfinite(plain):
                continue
            count += 1
            rows.setdefault("plain", []).append(plain)
            for kind, murmur in MURMURS.items():
                for level in LEVELS_DB:
                    heard = with_murmur(sound, states, murmur, level, rng)
                    key = f"{kind}, {level:+.0f} dB"
                    rows.setdefault(key, []).append(mean_z(model, heard, states))
        say(f"fold {cell.fold}: {count} recordings so far")
    plain_z = np.array(rows.pop("plain"))
    label = np.repeat([0, 1], plain_z.size)
    return {
        "command": f"python -m training.experiments.diastolic {name} --data DATA"
        + f" --seed {seed}" * (seed > 0),
        "commit": commit(),
        "what": f"{name}, seed {seed}, {count} held-out normal recordings of cinc2016, "
        "AUC of the mean z with the murmur against without",
        "auc": {k: round(auc(label, np.concatenate([plain_z, z])), 4) for k, z in _arrays(rows)},
    }


def _arrays(rows: dict[str, list[float]]) -> Iterator[tuple[str, NDArray[np.float64]]]:
    return ((key, np.array(values)) for key, values in rows.items())


def main(arguments: Sequence[str] | None = None) -> None:
    """Run and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("system")
    parser.add_argument("--data", type=Path, required=True, help="Folder of all the sets.")
    parser.add_argument("--results", type=Path, default=Path("docs/results"))
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args(arguments)
    one_thread()
    path = asked.results / f"diastolic-{asked.system}.json"
    found = run(asked.system, asked.data, asked.results, asked.seed)
    write_whole(path, json.dumps(found, indent=1) + "\n")
    say(f"wrote {path}")


if __name__ == "__main__":
    main()
