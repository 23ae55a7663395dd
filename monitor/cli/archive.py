"""``apexbeat archive``: every recording of a folder tree judged, one JSON line each."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from monitor.cli.common import load_settings, model_options, setting_options
from monitor.cli.replay import _terminated
from monitor.errors import EXIT_OK, EXIT_SOME_FAILED, NoInputError, UsageError
from monitor.text import harmless

if TYPE_CHECKING:
    from monitor.replay.rows import Row


@click.command("archive")
@click.argument("folder", type=click.Path(path_type=Path), metavar="FOLDER")
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="RESULT.jsonl",
    help="Result file: one JSON line per recording.",
)
@click.option(
    "--jobs",
    type=click.IntRange(1, 256),
    default=None,
    metavar="N",
    help="Number of processes on this machine. [all cores]",
)
@click.option(
    "--cluster",
    default="",
    metavar="ADDRESS",
    help="Dask scheduler to use instead, such as tcp://host:8786; its workers need FOLDER"
    " under the same path.",
)
@click.option("--resume", is_flag=True, help="Continue an interrupted run.")
@click.option("--overwrite", is_flag=True, help="Replace an existing result.")
@model_options
@setting_options
def archive(
    folder: Path,
    output: Path,
    jobs: int | None,
    cluster: str,
    resume: bool,
    overwrite: bool,
    model: Path | None,
    sha256: str | None,
    config_file: Path | None,
    overrides: tuple[str, ...],
) -> int:
    """Analyse every recording of a folder tree into one result file.

    One JSON line per recording, with the keys of `apexbeat replay --json`; RESULT.run.json beside
    it names the models and settings. --resume continues an interrupted run. A research and teaching
    instrument, not a medical device.

    \b
    apexbeat archive study/ -o study.jsonl
    python -c "import pandas; print(pandas.read_json('study.jsonl', lines=True).verdict)"
    """  # fmt: skip
    if cluster and jobs is not None:
        raise UsageError("--jobs is for this machine, --cluster for others: give only one of them")
    if resume and overwrite:
        raise UsageError("--resume and --overwrite cannot be used together")
    if not folder.is_dir():
        raise NoInputError(f"{folder}: not a folder", "name a folder of recordings")
    settings = load_settings(config_file, overrides, model, sha256).settings
    from monitor.replay.archive.result import ResultFile
    from monitor.replay.archive.run import plan, run
    from monitor.replay.workers import cores

    wanted = plan(folder, settings)
    result = ResultFile(output, wanted.head, resume=resume, overwrite=overwrite)
    known = len(result.lines)
    began, sound_s = time.perf_counter(), 0.0
    try:
        with _terminated(), _bar(len(wanted.names), len(result.lines)) as (progress, say):
            lines = run(wanted, result, jobs=jobs or cores(), cluster=cluster, said=say)
            for line in lines:
                sound_s += line.duration_s or 0.0
                progress(line)
    finally:
        result.close()
    return _end(list(result.lines.values()), known, sound_s, time.perf_counter() - began)


@contextmanager
def _bar(count: int, done: int) -> Iterator[tuple[Callable[[Row], None], Callable[[str], None]]]:
    """Progress on stderr where that is a terminal; yields what takes lines, and what says one."""

    def say(line: str) -> None:
        click.echo(f"apexbeat: {harmless(line, 400)}", err=True)

    if not sys.stderr.isatty():
        yield (lambda line: None), say
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
    from rich.progress import TimeRemainingColumn as Remaining

    bar = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        Remaining(),
        console=Console(stderr=True),
        transient=True,
    )
    failed = 0
    task = bar.add_task("archive", total=count, completed=done)

    def progress(line: Row) -> None:
        nonlocal failed
        failed += line.error is not None
        words = f"archive, {failed} failed" if failed else "archive"
        bar.update(task, advance=1, description=words)

    with bar:
        yield progress, lambda line: bar.console.print(harmless(line, 400), markup=False)


def _end(lines: list[Row], known: int, sound_s: float, took_s: float) -> int:
    failed = sorted((line for line in lines if line.error is not None), key=lambda a: a.name)
    for line in failed:
        click.echo(f"apexbeat: {harmless(line.error or '', 400)}", err=True)
    fresh = len(lines) - known
    earlier = f", {known} known from before" if known else ""
    click.echo(
        f"{fresh} judged{earlier}, {len(failed)} failed: {sound_s / 3600:.2f} h of sound in"
        f" {took_s:.0f} s, {sound_s / took_s if took_s else 0:.0f} × real time",
        err=True,
    )
    if len(failed) == len(lines):
        raise NoInputError("no usable input", "see above")
    return EXIT_SOME_FAILED if failed else EXIT_OK
