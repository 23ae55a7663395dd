"""The folder of a run: configuration, environment, one line per epoch, curve, TensorBoard.

| file | what |
|---|---|
| ``last.pt`` | checkpoint (``training/checkpoint.py``) |
| ``config.json``, ``environment.json`` | what was asked for, and where it ran |
| ``metrics.jsonl`` | epoch, loss, rate, seconds; written as it goes |
| ``curve.svg`` | loss over the epochs, at the end |
| ``tensorboard/`` | the same as TensorBoard reads it, where it was asked for |
"""

from __future__ import annotations

import dataclasses
import importlib.metadata
import json
import os
import platform
from pathlib import Path

import torch

from training.config import Config
from training.device import device
from training.errors import TrainingError
from training.whole import write_whole

TENSORBOARD = "APEXBEAT_TENSORBOARD"
"""Environment variable: set to 1, every run also writes for TensorBoard."""
PACKAGES = ("apexbeat", "torch", "numpy", "scipy", "librosa")


def begin(folder: Path, config: Config, seed: int) -> None:
    """Write what was asked for and where it runs."""
    asked = dataclasses.asdict(config) | {"key": config.key(), "seed": seed}
    write_whole(folder / "config.json", _json(asked))
    versions = {name: importlib.metadata.version(name) for name in PACKAGES if _installed(name)}
    write_whole(
        folder / "environment.json",
        _json(
            {
                "python": platform.python_version(),
                "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
                "device": str(device()),
                "threads": torch.get_num_threads(),
                "packages": versions,
            }
        ),
    )


def epoch_done(folder: Path, epoch: int, loss: float, rate: float, seconds: float) -> None:
    """Add one epoch; an epoch that is trained again after a kill replaces its line."""
    row = {"epoch": epoch, "loss": round(loss, 5), "rate": round(rate, 7), "cpu_s": seconds}
    rows = [r for r in read(folder) if r["epoch"] < epoch]
    write_whole(folder / "metrics.jsonl", "".join(json.dumps(r) + "\n" for r in [*rows, row]))


def read(folder: Path) -> list[dict[str, float]]:
    """Finished epochs of a run."""
    path = folder / "metrics.jsonl"
    if not path.is_file():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def end(folder: Path) -> None:
    """Draw the curve, and write for TensorBoard where it was asked for."""
    rows = read(folder)
    _curve(folder / "curve.svg", rows)
    if os.environ.get(TENSORBOARD) == "1":
        _tensorboard(folder / "tensorboard", rows)


def _curve(path: Path, rows: list[dict[str, float]]) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5, 3), layout="constrained")
    axes = figure.subplots()
    axes.plot([r["epoch"] for r in rows], [r["loss"] for r in rows], "o-")
    axes.set_xlabel("epoch")
    axes.set_ylabel("training loss")
    figure.savefig(path, metadata={"Date": None})


def _tensorboard(folder: Path, rows: list[dict[str, float]]) -> None:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise TrainingError(
            f"TensorBoard is not installed ({error})", "pip install 'apexbeat[train]'"
        ) from error
    writer = SummaryWriter(str(folder))
    for row in rows:
        for name in ("loss", "rate"):
            writer.add_scalar(name, row[name], int(row["epoch"]))
    writer.close()


def _installed(name: str) -> bool:
    try:
        importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


def _json(content: object) -> str:
    return json.dumps(content, indent=1) + "\n"
