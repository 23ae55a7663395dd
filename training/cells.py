"""One finished cell of a grid: a system, a protocol, a fold, a seed, and what it predicted.

A cell is one small JSON file with a score for each held-out recording, so that every table can be
made again from the repository alone, and a grid goes on where it was stopped. The networks
themselves lie in the cache folder (checkpoints); a missing teacher is trained first.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from models.teacher import Ensemble
from training.bundle_fit import train_on
from training.config import Config, load_config
from training.dataset_bundle import DatasetBundle, thinned
from training.errors import TrainingError
from training.fit import Fitted, finished, predict
from training.prepare import cache_folder
from training.scores import auc, by_record, macro
from training.soft_targets import CELLS, recording_targets
from training.splits import split
from training.whole import write_whole

TARGET_WINDOWS = 24
"""Windows of a recording whose mean logit teaches a student of protocol S."""
SYSTEMS = Path(__file__).parent / "systems"
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Cell:
    """Which cell: names of its system and protocol, fold and seed."""

    system: str
    protocol: str
    fold: int
    seed: int
    data: str = ""
    """Fingerprint of recordings of one's own; empty for the public sets."""

    @property
    def name(self) -> str:
        """File name without suffix."""
        return f"{self.system}__{self.protocol}__{self.fold}__{self.seed}"


def system(name: str, folder: Path = SYSTEMS) -> Config:
    """Read the configuration of a named system.

    Raises
    ------
    TrainingError
        If there is none of that name.
    """
    path = folder / f"{name}.toml"
    if not path.is_file():
        known = ", ".join(sorted(p.stem for p in folder.glob("*.toml")))
        raise TrainingError(f"no system '{name}' in {folder}", f"known: {known}")
    return load_config(path)


def checkpoint_path(config: Config, cell: Cell, runs: Path | None = None) -> Path:
    """Where the network of a cell lies."""
    run = f"{cell.protocol}-{cell.fold}-{cell.seed}"
    return (runs or cache_folder() / "runs") / f"{config.name}-{config.key()}" / run / "last.pt"


def kept_network(config: Config, cell: Cell) -> Fitted:
    """The network of a finished cell, from its checkpoint.

    Raises
    ------
    TrainingError
        If its checkpoint is not on this machine, or damaged.
    """
    fitted = finished(config, checkpoint_path(config, cell), cell.seed)
    if fitted is None:
        raise TrainingError(f"{cell.name} has no checkpoint here", "run apexbeat-train grid")
    return fitted


def trained(
    config: Config,
    world: DatasetBundle,
    cell: Cell,
    *,
    systems: Path = SYSTEMS,
    runs: Path | None = None,
    folder: Path = CELLS,
    say: Say = lambda text: None,
) -> Fitted:
    """Return the network of a cell, trained now or taken from its checkpoint.

    Parameters
    ----------
    folder
        Of the finished cells, where a teacher's mean logits of recordings teach.
    """
    path = checkpoint_path(config, cell, runs)
    done = finished(config, path, cell.seed)
    if done is not None:
        return done
    parts = split(world.recordings, cell.protocol, cell.fold)
    teacher, soft = None, None
    if config.distil.of_recordings:
        d = config.distil
        teachers = [system(name.strip(), systems) for name in d.teacher.split(",")]
        soft = recording_targets(teachers, d.seeds, cell.protocol, cell.fold, parts.test, folder)
    else:
        teacher = teacher_of(config, world, cell, systems=systems, runs=runs, say=say)
    return train_on(
        config,
        world,
        parts.train,
        cell.seed,
        soft=soft,
        teacher=teacher,
        checkpoint=path,
        on_epoch=lambda epoch, loss: say(f"{cell.name} epoch {epoch + 1} loss {loss:.3f}"),
    )


def teacher_of(
    config: Config,
    world: DatasetBundle,
    cell: Cell,
    *,
    systems: Path = SYSTEMS,
    runs: Path | None = None,
    say: Say = lambda text: None,
) -> nn.Module | None:
    """Mean logits of the teacher's seeds, trained on the same part of the data; None without.

    Raises
    ------
    TrainingError
        If the teacher hears other features or trains on other sets.
    """
    if not config.distil.teacher:
        return None
    members: list[nn.Module] = []
    for name in config.distil.teacher.split(","):
        theirs = system(name.strip(), systems)
        if theirs.mfcc != config.mfcc:
            raise TrainingError(f"teacher '{name}' has other features than '{config.name}'")
        if theirs.also != config.also:
            raise TrainingError(f"teacher '{name}' trains on other sets than '{config.name}'")
        for seed in config.distil.seeds:
            own = Cell(theirs.name, cell.protocol, cell.fold, seed, cell.data)
            fitted = trained(theirs, world, own, systems=systems, runs=runs, say=say)
            members.append(fitted.network)
    ensemble = Ensemble(members).eval()
    return ensemble.to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]


def run_cell(
    cell: Cell,
    world: DatasetBundle,
    folder: Path,
    *,
    systems: Path = SYSTEMS,
    runs: Path | None = None,
    say: Say = lambda text: None,
) -> dict[str, Any]:
    """Train and score one cell, or read it where it is finished already.

    Raises
    ------
    TrainingError
        If the finished cell is of another configuration of the same name.
    """
    config = system(cell.system, systems)
    done = read_cell(folder, cell, config)
    if done is not None:
        return done
    begun = time.time()
    fitted = trained(config, world, cell, systems=systems, runs=runs, folder=folder, say=say)
    held_out = split(world.recordings, cell.protocol, cell.fold).test
    names = frozenset(r.name for r in world.recordings if not r.further) & held_out
    table = world.data.table
    which = table.of(held_out)
    if cell.protocol == "N":
        which = thinned(which, table.recording, TARGET_WINDOWS)
    z = predict(config, fitted.network, world.data, which)
    scores = by_record(table.recording[which], z, table.names)
    more = further_scores(world, scores)
    own = np.isin(which, table.of(names))
    return write_cell(
        folder, cell, config, fitted, begun,
        windows=window_figures(table.labels[table.recording[which[own]]], z[own]),
        records={
            n: [round(z, 4), count] for n, (z, count) in sorted(scores.items()) if n in names
        },
        **({"further": more} if more else {}),
    )  # fmt: skip


def further_scores(
    world: DatasetBundle, scores: Mapping[str, tuple[float, int]]
) -> dict[str, dict[str, list[float]]]:
    """Held-out recordings of further sets: set → name → z, windows, label."""
    found: dict[str, dict[str, list[float]]] = {}
    for r in world.recordings:
        if r.name in scores and r.further:
            z, count = scores[r.name]
            found.setdefault(r.database, {})[r.name] = [round(z, 4), count, r.label]
    return found


def read_cell(folder: Path, cell: Cell, config: Config) -> dict[str, Any] | None:
    """Read a finished cell; None where it is not finished.

    Raises
    ------
    TrainingError
        If it is of another configuration of the same name.
    """
    path = folder / f"{cell.name}.json"
    if not path.is_file():
        return None
    done: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    if done["key"] != config.key():
        raise TrainingError(
            f"{path} is of another configuration", "rename the system or remove the file"
        )
    if done.get("data", "") != cell.data:
        raise TrainingError(
            f"{path} is of other recordings or labels", "name another folder with --results"
        )
    return done


def write_cell(
    folder: Path, cell: Cell, config: Config, fitted: Fitted, begun: float, **predicted: Any
) -> dict[str, Any]:
    """Write a finished cell with its conditions and what it ``predicted``; return its content.

    Parameters
    ----------
    begun
        Wall time in seconds at which the cell was begun.
    """
    content = {
        "system": cell.system,
        "protocol": cell.protocol,
        "fold": cell.fold,
        "seed": cell.seed,
        "key": config.key(),
        **({"data": cell.data} if cell.data else {}),
        "command": f"apexbeat-train grid {cell.system} --protocol {cell.protocol}",
        "commit": commit(),
        "machine": machine(),
        "cpu_seconds": round(fitted.seconds, 1),
        "wall_seconds": round(time.time() - begun, 1),
        "losses": [round(x, 4) for x in fitted.losses],
    } | predicted
    write_whole(folder / f"{cell.name}.json", json.dumps(content) + "\n")
    return content


def window_figures(label: NDArray[np.int64], z: NDArray[np.float64]) -> dict[str, float]:
    """Figures of single windows, at z = 0."""
    out = macro(label, z) | {"auc": auc(label, z), "windows": float(z.size)}
    return {k: round(v, 4) for k, v in out.items()}


def commit() -> str:
    """Short hash of the present commit; empty outside a repository."""
    run = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"],
        cwd=Path(__file__).parent,
        capture_output=True,
        text=True,
        check=False,
    )
    return run.stdout.strip()


def machine() -> str:
    """Kind of processor and torch version."""
    return f"{platform.machine()}, {os.cpu_count()} cores, one thread, torch {torch.__version__}"
