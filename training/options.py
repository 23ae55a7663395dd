"""Options and small helpers that the commands of ``apexbeat-train`` share."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import track

RESULTS = Path("docs/results")
SHIPPED = "student-4"
"""The system of the shipped student."""
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
    "--protocol", type=click.Choice(["S", "N", "D", "P", "all"]), default="S", show_default=True
)
CONSOLE = Console(stderr=True)


def progress_bar(recordings: Iterable[Any]) -> Iterable[Any]:
    """Wrap a loop over recordings in a bar."""
    return track(list(recordings), "signal chain", console=CONSOLE)


def say(text: str) -> None:
    """One line on stderr, above a bar where there is one."""
    CONSOLE.print(text, markup=False, highlight=False)


def systems_folder(folder: Path | None) -> Path:
    """The folder given, or that of the package."""
    from training.cells import SYSTEMS

    return folder or SYSTEMS


def numbers(text: str) -> tuple[int, ...]:
    """Whole numbers with commas between them."""
    try:
        return tuple(int(part) for part in text.split(",") if part)
    except ValueError:
        raise click.BadParameter(f"'{text}' is not a list of numbers") from None


def one_thread() -> None:
    """One thread for torch: small networks are fastest so."""
    import torch

    torch.set_num_threads(1)


def print_paper(results: Path, systems: Path) -> None:
    """Write and print the paper's tables."""
    from training import tables

    for path in tables.write_paper(results, systems):
        say(f"wrote {path}")
    click.echo((results / "protocol-P.md").read_text(encoding="utf-8"))
