"""The commands that prepare, train and export. Heavy imports stay inside."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.progress import track

from monitor.events import RATE_HZ
from training.options import (
    CONSOLE,
    SHIPPED,
    numbers,
    one_thread,
    print_paper,
    progress_bar,
    protocol_option,
    results_option,
    say,
    seed_option,
    source_options,
    systems_folder,
    systems_option,
)

if TYPE_CHECKING:
    from training.own import DataSource


@click.command()
@source_options
def prepare(data: DataSource) -> None:
    """Run the monitor's own signal chain over every recording, once; check a table of labels."""
    from training import datasets
    from training import prepare as room
    from training.own import OwnSet

    if isinstance(data, OwnSet):
        for note in data.notes:
            click.echo(note)
        data.check()
        done = data.prepared(progress_bar)
    else:
        done = room.prepare("cinc2016", datasets.load_cinc2016(data), progress=progress_bar)
    hours = sum(done.length.values()) / RATE_HZ / 3600
    click.echo(f"{len(done.length)} recordings, {hours:.1f} h, in {room.cache_folder()}")
    for name, reason in done.refused.items():
        click.echo(f"left out: {name}: {reason}", err=True)


def _train(
    system: str, data: DataSource, protocol: str, fold: int, seed: int, systems: Path
) -> None:
    from training import cells, own

    one_thread()
    config = cells.system(system, systems)
    opened = own.open_source(data, config, progress_bar)
    cell = cells.Cell(system, protocol, fold, seed, own.key_of(data))
    runs = own.runs_of(data)
    cells.trained(config, opened, cell, systems=systems, runs=runs, say=say)
    click.echo(str(cells.checkpoint_path(config, cell, runs)))


def _training_command(name: str, default: str, words: str) -> click.Command:
    @click.command(name=name, help=words)
    @click.option("--system", default=default, show_default=True)
    @source_options
    @click.option(
        "--protocol", type=click.Choice(["S", "D", "P", "all"]), default="all", show_default=True
    )
    @click.option("--fold", type=int, default=0, show_default=True)
    @seed_option
    @systems_option
    def command(
        system: str, data: DataSource, protocol: str, fold: int, seed: int, systems: Path | None
    ) -> None:
        _train(system, data, protocol, fold, seed, systems_folder(systems))

    return command


teacher = _training_command("teacher", "teacher-2d", "Train a teacher; prints its checkpoint.")
student = _training_command("student", "student-2d", "Train a student from the labels alone.")
distill = _training_command("distill", "kd-student-2d", "Train a student with its teacher's help.")


@click.command()
@click.argument("names", nargs=-1, required=True, metavar="SYSTEM…")
@source_options
@protocol_option
@click.option("--seeds", default="0", show_default=True, help="Comma-separated seeds.")
@click.option("--folds", default="", help="Comma-separated; default: all of the protocol.")
@results_option
@systems_option
def grid(
    names: tuple[str, ...],
    data: DataSource,
    protocol: str,
    seeds: str,
    folds: str,
    results: Path,
    systems: Path | None,
) -> None:
    """Train and score every cell that is not finished yet."""
    from training.cells import Cell
    from training.device import my_share
    from training.own import OwnSet, key_of
    from training.splits import folds_of

    one_thread()
    where, cells_folder = systems_folder(systems), results / "cells"
    if isinstance(data, OwnSet):
        if protocol not in ("S", "N", "all"):
            raise click.UsageError(f"protocol {protocol} is of the public sets; take S")
        for note in data.notes:
            say(note)
        run = _group_cells(data, cells_folder, where)
    else:
        run = (_paper_cells if protocol == "P" else _group_cells)(data, cells_folder, where)
    mine = my_share(numbers(folds) or range(folds_of(protocol)))
    key = key_of(data)
    cells = [
        Cell(n, protocol, fold, s, key) for s in numbers(seeds) for fold in mine for n in names
    ]
    for cell in track(cells, "cells", console=CONSOLE):
        run(cell)
        say(f"finished {cell.name}")
    if protocol == "P":
        print_paper(results, where)


def _group_cells(data: DataSource, folder: Path, systems: Path) -> Callable[[Any], object]:
    """Run cells of protocols S and D; features are opened once for systems that share them."""
    from training import cells, own

    opened: dict[str, Any] = {}

    def run(cell: Any) -> object:
        config = cells.system(cell.system, systems)
        hears = repr((config.mfcc, config.also))
        if hears not in opened:
            opened.clear()
            opened[hears] = own.open_source(data, config, progress_bar)
        mine, runs = opened[hears], own.runs_of(data)
        return cells.run_cell(cell, mine, folder, systems=systems, runs=runs, say=say)

    return run


def _paper_cells(data: Path, folder: Path, systems: Path) -> Callable[[Any], object]:
    """Run cells of protocol P."""
    from training import cells, datasets
    from training import dataset_bundle as world
    from training import prepare as room
    from training.paper import protocol as paper

    recordings = datasets.load_cinc2016(data)
    prepared = room.prepare("cinc2016", recordings, progress=progress_bar)
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
        return paper.run_cell(cell, mine, recordings, folder, systems=systems, say=say)

    return run


@click.command()
@click.argument("system", default=SHIPPED)
@source_options
@seed_option
@click.option("--out", type=click.Path(path_type=Path), default=Path("models/shipped/student.pt"))
@click.option("--version", "model_version", default="1", show_default=True)
@click.option("--pin", is_flag=True, help="Pin the file's sha256 in shipped.json beside it.")
@results_option
@systems_option
def export(
    system: str,
    data: DataSource,
    seed: int,
    out: Path,
    model_version: str,
    pin: bool,
    results: Path,
    systems: Path | None,
) -> None:
    """Write the student file of a system trained on all groups, calibrated on held-out ones."""
    from training import ship

    one_thread()
    sha256 = ship.ship(
        system,
        data,
        out,
        seed=seed,
        version=model_version,
        results=results,
        systems=systems_folder(systems),
        say=say,
        pin_it=pin,
    )
    click.echo(f"{out} sha256 {sha256}")


@click.command()
@source_options
@click.option(
    "--old",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    help="Folder of cinc2016: half of every batch, and the guard of the old figures.",
)
@click.option("--out", type=click.Path(path_type=Path), default=Path("my.pt"), show_default=True)
@click.option(
    "--model",
    type=click.Path(path_type=Path, dir_okay=False),
    default=None,
    help="Student to begin with, with its card beside it. [the shipped one]",
)
@click.option("--epochs", type=click.IntRange(1), default=None, help="[3]")
@click.option("--windows", type=click.IntRange(32), default=None, help="Of an epoch. [6400]")
@click.option("--anyway", is_flag=True, help="Write the file whatever the guards say.")
@seed_option
def finetune(
    data: DataSource,
    old: Path,
    out: Path,
    model: Path | None,
    epochs: int | None,
    windows: int | None,
    anyway: bool,
    seed: int,
) -> None:
    """Train the shipped student further on recordings of your own.

    Five folds by person tell what is gained on persons that were not heard, and what is lost on
    the public set. The file is written where something is gained and the old figures hold.

    \b
    apexbeat-train finetune --data study --labels labels.csv --old cinc2016 --out my.pt
    """
    from models import shipped
    from training import finetune as room
    from training.own import OwnSet

    if not isinstance(data, OwnSet):
        raise click.UsageError("fine-tuning is for recordings of your own; name --labels")
    one_thread()
    for note in data.notes:
        say(note)
    begin = model or shipped.path_of(shipped.STUDENT)
    sha256 = room.finetune(
        data, old, out, model=begin, seed=seed, epochs=epochs, windows=windows, anyway=anyway,
        say=say, progress=progress_bar,
    )  # fmt: skip
    click.echo(f"{out} sha256 {sha256}")


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--url", default=None, help="Mirror; default: PhysioNet.")
def fetch(folder: Path, url: str | None) -> None:
    """Download cinc2016 from PhysioNet, checked against its published checksums."""
    from training import fetch as room

    count = room.fetch(folder, url or room.PHYSIONET, say=say)
    click.echo(f"{count} files in {folder}")


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "--hearts",
    type=click.IntRange(2, 200),
    default=4,
    show_default=True,
    help="Hearts of each of two databases, with a murmur and without.",
)
def phantoms(folder: Path, hearts: int) -> None:
    """Write a small set of made-up hearts in the layout of cinc2016, to try a training with."""
    from training.phantoms import WORDS, write_set

    write_set(folder, hearts)
    click.echo(f"{4 * hearts} recordings in {folder}: {WORDS}")
