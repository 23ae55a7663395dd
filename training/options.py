"""Options and small helpers that the commands of ``apexbeat-train`` share."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

import click
from click.core import ParameterSource
from rich.console import Console
from rich.progress import track

RESULTS = Path("docs/results")
SHIPPED = "student-4-diastolic"
"""The system of the shipped student."""
data_option = click.option(
    "--data",
    type=click.Path(path_type=Path),
    required=True,
    envvar="APEXBEAT_DATA",
    help="Folder of cinc2016 (recordings.csv and training-a … training-f).",
)
KEPT_BYTES = 2**30
"""Of freed memory, by a fit."""
F = TypeVar("F", bound=Callable[..., Any])


def source_options(function: F) -> F:
    """Add ``--data`` of a public set, or of recordings of one's own with ``--labels``.

    The function gets one ``data``, and ``results`` of its own folder for one's own recordings.
    """

    @functools.wraps(function)
    def with_source(
        *args: Any, labels: Path | None, person: str | None, normal: tuple[str, ...], **more: Any
    ) -> Any:
        if labels is None:
            if person is not None or normal:
                raise click.UsageError("--person and --normal need --labels")
            return function(*args, **more)
        from training.own import RESULTS as OWN_RESULTS
        from training.own import OwnSet

        more["data"] = OwnSet(more["data"], labels, person, normal)
        context = click.get_current_context()
        named = context.get_parameter_source("results") is not ParameterSource.DEFAULT
        if "results" in more and not named:
            more["results"] = OWN_RESULTS
        return function(*args, **more)

    options = (
        click.option(
            "--data",
            type=click.Path(path_type=Path),
            required=True,
            envvar="APEXBEAT_DATA",
            help="Folder of cinc2016 (recordings.csv and training-a … training-f);"
            " any folder of recordings with --labels.",
        ),
        click.option(
            "--labels",
            type=click.Path(path_type=Path, dir_okay=False),
            default=None,
            metavar="CSV",
            help="Recordings of your own: columns file, label (normal, abnormal) and person.",
        ),
        click.option(
            "--person",
            default=None,
            metavar="COLUMN|PATTERN|folder",
            help="Whose a recording is: a column, the first group of a regular expression over"
            " the path, or the folder. [column person, patient or subject]",
        ),
        click.option(
            "--normal",
            multiple=True,
            metavar="WORD",
            help="Label that means normal, every other one abnormal; may be repeated.",
        ),
    )
    for option in reversed(options):
        with_source = option(with_source)
    return with_source  # type: ignore[return-value]


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
    """One thread for torch, and memory that is freed stays: small networks are fastest so.

    Without that, more than half of the time of a fit is spent on clearing memory.
    """
    import torch

    from monitor.system.memory import keep_freed

    torch.set_num_threads(1)
    keep_freed(KEPT_BYTES)


def print_paper(results: Path, systems: Path) -> None:
    """Write and print the paper's tables."""
    from training import tables

    for path in tables.write_paper(results, systems):
        say(f"wrote {path}")
    click.echo((results / "protocol-P.md").read_text(encoding="utf-8"))
