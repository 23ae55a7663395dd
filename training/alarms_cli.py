"""Command ``apexbeat-train alarms``: alarm quality on held-out subjects, as JSON and a figure."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import click


@click.command()
@click.argument("system", default="kd-student")
@click.option(
    "--data", type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=Path("../shared/data/cinc2016"), show_default=True, help="Folder of cinc2016.",
)  # fmt: skip
@click.option("--seed", default=0, show_default=True, help="Of the trouble put in, and the cells.")
@click.option("--calm", is_flag=True, help="Without breathing, rubbing and lost contact.")
@click.option(
    "--results", type=click.Path(file_okay=False, path_type=Path), default=Path("docs/results"),
    show_default=True, help="Folder of the cells and of the result.",
)  # fmt: skip
def alarms(system: str, data: Path, seed: int, calm: bool, results: Path) -> None:
    """Play held-out subjects into the monitor; count false alarms and times to alarm.

    Needs the finished cells of protocol S of SYSTEM and their checkpoints on this machine.
    """
    import numpy as np

    from training import alarms as room
    from training import cells

    heard = list(_all_heard(system, data, seed, calm, results))
    figures: dict[str, Any] = {
        "command": f"apexbeat-train alarms {system}{' --calm' if calm else ''} --seed {seed}",
        "commit": cells.commit(),
        "machine": cells.machine(),
        "at default": room.figures(heard),
        "curve": room.curve(heard, [round(t, 3) for t in np.arange(0.4, 0.96, 0.05)], (8, 11, 14)),
    }
    name = "alarms-calm" if calm else "alarms"
    (results / f"{name}.json").write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    _draw(figures, results / f"{name}.svg")
    click.echo(json.dumps(figures["at default"], indent=1))


def _all_heard(system: str, data: Path, seed: int, calm: bool, results: Path) -> Any:
    import numpy as np
    import torch
    from rich.progress import track

    from dsp.cycles.model import CycleModel
    from models import shipped
    from training import alarms as room
    from training.alarm_streams import stream_of, subjects
    from training.cells import Cell
    from training.datasets import load_cinc2016
    from training.evaluate import final_calibration, held_out, load_cells
    from training.through import export_cell

    torch.set_num_threads(1)
    recordings = load_cinc2016(data)
    by_name = {r.name: r for r in recordings}
    finished = load_cells(results / "cells", system, "S", seed)
    cycles = CycleModel.from_arrays(shipped.cycles_arrays())
    with tempfile.TemporaryDirectory() as folder:
        for content in finished:
            # Thresholds of a fold come from the other folds' held-out recordings.
            others = [c for c in finished if c["fold"] != content["fold"]]
            calibration = final_calibration(held_out(others, recordings))
            cell = Cell(system, "S", int(content["fold"]), seed)
            path = Path(folder) / f"{cell.name}.pt"
            engine = export_cell(cell, calibration, path)
            held = subjects([by_name[name] for name in content["records"]])
            rng = np.random.default_rng([seed, cell.fold])
            for key in track(sorted(held), description=f"fold {cell.fold}"):
                yield room.listen(stream_of(held[key], rng, trouble=not calm), engine, cycles)


def _draw(figures: dict[str, Any], path: Path) -> None:
    """Abnormal against normal subjects alarmed, one line per persistence."""
    import matplotlib

    matplotlib.use("svg")
    from matplotlib import pyplot as plt

    fig, axes = plt.subplots(1, 2, figsize=(9, 4), sharey=True)
    for axis, suffix, title in zip(
        axes, ("_within", ""), ("mean within databases", "pooled"), strict=True
    ):
        for enough in sorted({row["persistence"] for row in figures["curve"]}):
            rows = [row for row in figures["curve"] if row["persistence"] == enough]
            axis.plot(
                [row[f"normal_alarmed{suffix}"] for row in rows],
                [row[f"abnormal_alarmed{suffix}"] for row in rows],
                "o-", markersize=3, label=f"{enough} of 15 windows",
            )  # fmt: skip
        axis.axvline(0.1, color="0.7", linewidth=1)
        axis.set(title=title, xlabel="normal subjects alarmed", xlim=(0, 1), ylim=(0, 1))
    axes[0].set_ylabel("abnormal subjects alarmed")
    axes[1].legend()
    fig.tight_layout()
    fig.savefig(path, metadata={"Date": None})
    plt.close(fig)
