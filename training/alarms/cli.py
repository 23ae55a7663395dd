"""Command ``apexbeat-train alarms``: alarm quality on held-out subjects, as JSON and a figure."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import click

from training.options import SHIPPED, one_thread


@click.command()
@click.argument("system", default=SHIPPED)
@click.option(
    "--data", type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=Path("../shared/data/cinc2016"), show_default=True, help="Folder of cinc2016.",
)  # fmt: skip
@click.option(
    "--seed", default=0, show_default=True, help="Seed of the added disturbances, and of the cells."
)
@click.option(
    "--minutes", default=10.0, show_default=True,
    help="Length of each stream; 0: the subject's own sound, 1 to 3 minutes.",
)  # fmt: skip
@click.option("--every", default=1, show_default=True, help="Use every N-th subject.")
@click.option("--normal", is_flag=True, help="Only normal subjects: for long streams.")
@click.option("--calm", is_flag=True, help="Without breathing, rubbing and lost contact.")
@click.option("--loss", "loss_s", default=4.0, show_default=True, help="Seconds of a contact loss.")
@click.option(
    "--heard", type=click.Path(dir_okay=False, path_type=Path),
    help="File of what was heard: read if it is there (seconds), else written.",
)  # fmt: skip
@click.option("--name", default="alarms", show_default=True, help="Name of the result.")
@click.option(
    "--results", type=click.Path(file_okay=False, path_type=Path), default=Path("docs/results"),
    show_default=True, help="Folder of the cells and of the result.",
)  # fmt: skip
def alarms(
    system: str, data: Path, seed: int, heard: Path | None, name: str, results: Path, **stream: Any
) -> None:
    """Play held-out subjects into the monitor; count false alarms and times to alarm.

    Needs the finished cells of protocol S of SYSTEM and their checkpoints on this machine. Takes
    one core about a minute for every four hours of stream: 20 minutes at the default length.
    """
    import msgspec

    from training import cells
    from training.alarms import choice
    from training.alarms import measure as room

    if heard is not None and heard.is_file():
        content = msgspec.json.decode(heard.read_bytes(), type=tuple[str, list[room.StreamResult]])
    else:
        given = {key.removesuffix("_s"): value for key, value in stream.items() if value}
        options = [f"--{k}" + ("" if v is True else f" {v:g}") for k, v in given.items()]
        words = f"apexbeat-train alarms {system} --seed {seed} {' '.join(options)}"
        content = (words, list(_all_heard(system, data, seed, results, **stream)))
        if heard is not None:
            heard.write_bytes(msgspec.json.encode(content))
    rules = [
        choice.Rule(round(0.4 + 0.05 * k, 2), enough, hold_s)
        for enough in (8, 11, 14)
        for hold_s in (0.0, 10.0, 20.0, 30.0)
        for k in range(12)
    ]
    figures: dict[str, Any] = {
        "command": content[0] + f" --name {name}" * (name != "alarms"),
        "commit": cells.commit(),
        "machine": cells.machine(),
        "at default": room.figures(content[1]),
        "choice": choice.chosen(content[1], rules),
        "curve": choice.curve(content[1], rules),
    }
    path = results / f"{name}.json"
    path.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    _draw(figures, results / f"{name}.svg")
    click.echo(json.dumps({k: figures[k] for k in ("at default", "choice")}, indent=1))


def _all_heard(
    system: str,
    data: Path,
    seed: int,
    results: Path,
    *,
    minutes: float,
    every: int,
    normal: bool,
    calm: bool,
    loss_s: float,
) -> Any:
    import numpy as np
    from rich.progress import track

    from dsp.cycles.model import CycleModel
    from models import shipped
    from training.alarms import measure as room
    from training.alarms.streams import stream_of, subjects
    from training.cells import Cell
    from training.dataset_bundle import hand_annotated
    from training.datasets import load_all
    from training.evaluate import calibration, load_cells
    from training.monitor_eval import export_cell

    one_thread()
    everyone = load_all(data)
    recordings = [r for r in everyone if not r.further]
    states = hand_annotated(data, recordings)
    onsets = {name: one.onsets("S1") for name, one in states.items()}
    by_name = {r.name: r for r in recordings}
    finished = load_cells(results / "cells", system, "S", seed)
    cycles = CycleModel.from_arrays(shipped.cycles_arrays())
    with tempfile.TemporaryDirectory() as folder:
        for content in finished:
            # Bias and T of a fold come from the other folds' held-out recordings.
            own = calibration(finished, everyone, without=content["fold"])
            cell = Cell(system, "S", int(content["fold"]), seed)
            path = Path(folder) / f"{cell.name}.pt"
            engine = export_cell(cell, own, path)
            held = subjects([by_name[name] for name in content["records"]])
            if normal:
                held = {key: own for key, own in held.items() if key[1] == 0}
            for number, key in enumerate(
                track(sorted(held)[::every], description=f"fold {cell.fold}")
            ):
                rng = np.random.default_rng([seed, cell.fold, number])
                stream = stream_of(held[key], rng, trouble=not calm, minutes=minutes, loss_s=loss_s)
                yield room.listen(stream, engine, cycles, onsets, cell.fold)


def _draw(figures: dict[str, Any], path: Path) -> None:
    """Abnormal against normal subjects alarmed, one line per persistence and hold."""
    import matplotlib

    matplotlib.use("svg")
    from matplotlib import pyplot as plt

    fig, axes = plt.subplots(1, 2, figsize=(9, 4), sharey=True)
    for axis, suffix, title in zip(
        axes, ("_within", ""), ("mean within databases", "pooled"), strict=True
    ):
        for enough, hold in sorted({(r["persistence"], r["hold_s"]) for r in figures["curve"]}):
            if hold not in (0.0, 20.0):
                continue
            rows = [
                r for r in figures["curve"] if (r["persistence"], r["hold_s"]) == (enough, hold)
            ]
            axis.plot(
                [row[f"normal_alarmed{suffix}"] for row in rows],
                [row[f"abnormal_alarmed{suffix}"] for row in rows],
                "o-" if hold == 0 else "o:", markersize=3,
                label=f"{enough} of 15 windows" + (f", held {hold:g} s" if hold else ""),
            )  # fmt: skip
        axis.axvline(0.1, color="0.7", linewidth=1)
        axis.set(title=title, xlabel="normal subjects alarmed", xlim=(0, 1), ylim=(0, 1))
    axes[0].set_ylabel("abnormal subjects alarmed")
    axes[1].legend()
    fig.tight_layout()
    fig.savefig(path, metadata={"Date": None})
    plt.close(fig)
