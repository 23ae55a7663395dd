"""The commands of ``apexbeat-train`` but the segmentation's. Heavy imports stay inside."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import track

RESULTS = Path("docs/results")
data_option = click.option(
    "--data",
    type=click.Path(path_type=Path),
    required=True,
    envvar="APEXBEAT_DATA",
    help="Folder of cinc2016 (recordings.csv and training-a … training-f).",
)
results_option = click.option(
    "--results", type=click.Path(path_type=Path), default=RESULTS, show_default=True
)
systems_option = click.option(
    "--systems",
    type=click.Path(path_type=Path),
    default=None,
    help="Folder of configurations (TOML); default: those of the package.",
)
seed_option = click.option("--seed", type=int, default=0, show_default=True)
protocol_option = click.option(
    "--protocol", type=click.Choice(["S", "D", "P", "all"]), default="S", show_default=True
)
CONSOLE = Console(stderr=True)


def _bar(recordings: Iterable[Any]) -> Iterable[Any]:
    return track(list(recordings), "signal chain", console=CONSOLE)


def _say(text: str) -> None:
    CONSOLE.print(text, markup=False, highlight=False)


def _systems(folder: Path | None) -> Path:
    from training.cells import SYSTEMS

    return folder or SYSTEMS


def _numbers(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split(",") if part)
    except ValueError:
        raise click.BadParameter(f"'{text}' is no list of numbers") from None


def _one_thread() -> None:
    import torch

    torch.set_num_threads(1)


@click.command()
@data_option
def prepare(data: Path) -> None:
    """Run the monitor's own signal chain over every recording, once."""
    from training import datasets
    from training import prepare as room

    done = room.prepare("cinc2016", datasets.load_cinc2016(data), progress=_bar)
    hours = sum(done.length.values()) / 2000 / 3600
    click.echo(f"{len(done.length)} recordings, {hours:.1f} h, in {room.cache_folder()}")
    for name, reason in done.refused.items():
        click.echo(f"left out: {name}: {reason}", err=True)


def _train(system: str, data: Path, protocol: str, fold: int, seed: int, systems: Path) -> None:
    from training import cells, world

    _one_thread()
    config = cells.system(system, systems)
    opened = world.open_cinc2016(data, config.mfcc, progress=_bar)
    cell = cells.Cell(system, protocol, fold, seed)
    cells.trained(config, opened, cell, systems=systems, say=_say)
    click.echo(str(cells.checkpoint_path(config, cell)))


def _training_command(name: str, default: str, words: str) -> click.Command:
    @click.command(name=name, help=words)
    @click.option("--system", default=default, show_default=True)
    @data_option
    @click.option(
        "--protocol", type=click.Choice(["S", "D", "P", "all"]), default="all", show_default=True
    )
    @click.option("--fold", type=int, default=0, show_default=True)
    @seed_option
    @systems_option
    def command(
        system: str, data: Path, protocol: str, fold: int, seed: int, systems: Path | None
    ) -> None:
        _train(system, data, protocol, fold, seed, _systems(systems))

    return command


teacher = _training_command("teacher", "teacher-2d", "Train a teacher; prints its checkpoint.")
student = _training_command("student", "student-2d", "Train a student from the labels alone.")
distill = _training_command("distill", "kd-student-2d", "Train a student with its teacher's help.")


@click.command()
@click.argument("names", nargs=-1, required=True, metavar="SYSTEM…")
@data_option
@protocol_option
@click.option("--seeds", default="0", show_default=True, help="Comma-separated.")
@click.option("--folds", default="", help="Comma-separated; default: all of the protocol.")
@results_option
@systems_option
def grid(
    names: tuple[str, ...],
    data: Path,
    protocol: str,
    seeds: str,
    folds: str,
    results: Path,
    systems: Path | None,
) -> None:
    """Train and score every cell that is not finished yet."""
    from training.cells import Cell
    from training.device import my_share
    from training.splits import folds_of

    _one_thread()
    where, cells_folder = _systems(systems), results / "cells"
    run = _paper_cells(data, cells_folder, where) if protocol == "P" else None
    run = run or _group_cells(data, cells_folder, where)
    mine = my_share(_numbers(folds) or range(folds_of(protocol)))
    cells = [Cell(n, protocol, fold, s) for s in _numbers(seeds) for fold in mine for n in names]
    for cell in track(cells, "cells", console=CONSOLE):
        run(cell)
        _say(f"finished {cell.name}")
    if protocol == "P":
        _print_paper(results, where)


def _print_paper(results: Path, systems: Path) -> None:
    from training import tables

    for path in tables.write_paper(results, systems):
        _say(f"wrote {path}")
    click.echo((results / "protocol-P.md").read_text(encoding="utf-8"))


def _group_cells(data: Path, folder: Path, systems: Path) -> Callable[[Any], object]:
    """Run cells of protocols S and D; features are opened once for systems that share them."""
    from training import cells, world

    opened: dict[str, Any] = {}

    def run(cell: Any) -> object:
        settings = cells.system(cell.system, systems).mfcc
        if repr(settings) not in opened:
            opened.clear()
            opened[repr(settings)] = world.open_cinc2016(data, settings, progress=_bar)
        mine = opened[repr(settings)]
        return cells.run_cell(cell, mine, folder, systems=systems, say=_say)

    return run


def _paper_cells(data: Path, folder: Path, systems: Path) -> Callable[[Any], object]:
    """Run cells of protocol P."""
    from training import cells, datasets, paper, world
    from training import prepare as room

    recordings = datasets.load_cinc2016(data)
    prepared = room.prepare("cinc2016", recordings, progress=_bar)
    annotated = world.hand_annotated(data, recordings)
    onsets = {name: states.onsets("S1") for name, states in annotated.items()}
    table, begin, length = paper.cycle_table(recordings, prepared, onsets)
    opened: dict[str, Any] = {}

    def run(cell: Any) -> object:
        config = cells.system(cell.system, systems)
        hears = repr((config.sound, config.mfcc))
        if hears not in opened:
            opened.clear()
            opened[hears] = paper.cycle_data(table, begin, length, prepared, config)
        mine = opened[hears]
        return paper.run_cell(cell, mine, recordings, folder, systems=systems, say=_say)

    return run


@click.command()
@click.argument("path", type=click.Path(path_type=Path))
@data_option
@seed_option
@click.option("--others", type=click.Path(path_type=Path), default=None, help="pascal, yaseen2018.")
@click.option("--folds", default="0,1,2", show_default=True, help="Of three folds by group.")
@click.option("--lefts", default="0,1,2", show_default=True, help="Left out: a, b, or c, d and f.")
@results_option
def ablate(
    path: Path,
    data: Path,
    seed: int,
    others: Path | None,
    folds: str,
    lefts: str,
    results: Path,
) -> None:
    """Try one configuration (TOML) on coarse folds; appends to ablation.json."""
    import dataclasses
    import json

    from training import ablation, cells, world
    from training.config import load_config

    _one_thread()
    config = load_config(path)
    opened = world.open_cinc2016(data, config.mfcc, progress=_bar)
    sets = ("pascal", "yaseen2018") if others else ()
    more = {n: world.open_other(n, others / n, config.mfcc) for n in sets if others}
    parts = {"folds": _numbers(folds), "lefts": _numbers(lefts)}
    _, figures = ablation.run_trial(config, opened, more, seed=seed, **parts)
    table = results / "ablation.json"
    rows = json.loads(table.read_text()) if table.is_file() else []
    rows.append(
        {
            "name": config.name,
            "command": f"apexbeat-train ablate {path.name} --folds {folds} --lefts {lefts}",
            "seed": seed,
            "commit": cells.commit(),
            "config": dataclasses.asdict(config),
            "figures": figures,
        }
    )
    table.parent.mkdir(parents=True, exist_ok=True)
    table.write_text(json.dumps(rows, indent=1) + "\n")
    click.echo(json.dumps(figures, indent=1))


@click.command()
@click.argument("system")
@data_option
@protocol_option
@click.option("--seeds", default="0", show_default=True, help="Comma-separated; their mean z.")
@results_option
def evaluate(system: str, data: Path, protocol: str, seeds: str, results: Path) -> None:
    """Record-level figures of a system from its finished cells, as JSON."""
    import json

    from training import datasets
    from training import evaluate as room

    held = _held_out(system, datasets.load_cinc2016(data), protocol, seeds, results)
    figures: dict[str, Any] = {k: round(v, 4) for k, v in room.figures(held).items()}
    keys = ["mean_auc", "mean_macc", "mean_auc_no_e", "weighted_auc_no_e", "pooled_auc"]
    figures |= {f"{k}_95": v for k, v in room.intervals(held, keys).items()}
    out = results / f"{system}__{protocol}.json"
    out.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    click.echo(json.dumps(figures, indent=1))


def _held_out(system: str, recordings: list[Any], protocol: str, seeds: str, results: Path) -> Any:
    from training import evaluate as room

    parts = [
        room.held_out(room.load_cells(results / "cells", system, protocol, int(s)), recordings)
        for s in seeds.split(",")
    ]
    return room.average_seeds(parts)


@click.command()
@click.argument("first")
@click.argument("second")
@data_option
@protocol_option
@click.option("--seeds", default="0", show_default=True)
@click.option("--figure", default="weighted_auc_no_e", show_default=True)
@results_option
def compare(
    first: str, second: str, data: Path, protocol: str, seeds: str, figure: str, results: Path
) -> None:
    """First less second: difference of one figure, 95 % interval, p.

    Protocol P: the accuracy, and both tables of the paper are written and printed.
    """
    from training import datasets
    from training import evaluate as room

    if protocol == "P":
        _compare_paper(first, second, data, seeds, results)
        return
    recordings = datasets.load_cinc2016(data)
    a, b = (_held_out(s, recordings, protocol, seeds, results) for s in (first, second))
    click.echo(
        f"{first} - {second}, {figure}: "
        + ", ".join(f"{k} {v}" for k, v in room.paired(a, b, figure).items())
    )


def _compare_paper(first: str, second: str, data: Path, seeds: str, results: Path) -> None:
    from training import cells, paper, world
    from training.datasets import load_cinc2016
    from training.prepare import prepare as prepared

    recordings = load_cinc2016(data)
    annotated = world.hand_annotated(data, recordings)
    onsets = {name: states.onsets("S1") for name, states in annotated.items()}
    table, _, _ = paper.cycle_table(recordings, prepared("cinc2016", recordings), onsets)
    found = paper.paired(first, second, _numbers(seeds), table, recordings, results / "cells")
    _print_paper(results, cells.SYSTEMS)
    click.echo(f"{first} - {second}, accuracy: " + ", ".join(f"{k} {v}" for k, v in found.items()))


@click.command()
@click.argument("system", default="kd-student-2d")
@data_option
@seed_option
@click.option("--others", type=click.Path(path_type=Path), default=None, help="pascal, yaseen2018.")
@results_option
def check(system: str, data: Path, seed: int, others: Path | None, results: Path) -> None:
    """Play held-out recordings through the monitor; other sets; latency; the last layer."""
    from training import checks

    _one_thread()
    _store(results / "checks.json", checks.run(system, data, others, results, seed, _say))


@click.command()
@click.argument("system", default="kd-student-2d")
@data_option
@click.option("--fold", type=int, default=0, show_default=True)
@seed_option
@results_option
def int8(system: str, data: Path, fold: int, seed: int, results: Path) -> None:
    """Quantise the network of a finished cell; size, latency, AUC beside float32."""
    from training import int8 as room

    _one_thread()
    _store(results / "int8.json", room.run(system, data, fold, seed))


def _store(path: Path, found: dict[str, Any]) -> None:
    import json

    text = json.dumps(found, indent=1)
    path.write_text(text + "\n", encoding="utf-8")
    click.echo(text)


@click.command()
@data_option
@results_option
def report(data: Path, results: Path) -> None:
    """Write docs/results/*.md from the finished cells."""
    from training import datasets, tables

    for path in tables.write_all(results, datasets.load_cinc2016(data)):
        click.echo(str(path))


@click.command()
@click.argument("system", default="kd-student-2d")
@data_option
@seed_option
@click.option("--out", type=click.Path(path_type=Path), default=Path("models/shipped/student.pt"))
@click.option("--version", "model_version", default="1", show_default=True)
@click.option("--others", type=click.Path(path_type=Path), default=None, help="pascal, yaseen2018.")
@click.option("--pin", is_flag=True, help="Pin the file's sha256 in shipped.json beside it.")
@results_option
@systems_option
def export(
    system: str,
    data: Path,
    seed: int,
    out: Path,
    model_version: str,
    others: Path | None,
    pin: bool,
    results: Path,
    systems: Path | None,
) -> None:
    """Write the student file of a system trained on all groups, calibrated on held-out ones."""
    from training import ship

    _one_thread()
    sha256 = ship.ship(
        system,
        data,
        out,
        seed=seed,
        version=model_version,
        results=results,
        systems=_systems(systems),
        say=_say,
        pin_it=pin,
        others=others,
    )
    click.echo(f"{out} sha256 {sha256}")


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--url", default=None, help="Mirror; default: PhysioNet.")
def fetch(folder: Path, url: str | None) -> None:
    """Download cinc2016 from PhysioNet, checked against its published checksums."""
    from training import fetch as room

    count = room.fetch(folder, url or room.PHYSIONET, say=_say)
    click.echo(f"{count} files in {folder}")
