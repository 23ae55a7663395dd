"""``apexbeat replay FOLDER --watch``: a folder that is being filled."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from monitor.errors import EXIT_OK, EXIT_SOME_FAILED, InputError, NoInputError, UsageError
from monitor.text import harmless

if TYPE_CHECKING:
    from monitor.cli.replay_output import ReplayOutput
    from monitor.clock import Clock
    from monitor.config.load import Settings
    from monitor.replay.batch import Options


def follow(
    inputs: tuple[Path, ...],
    settings: Settings,
    options: Options,
    shown: ReplayOutput,
    clock: Clock | None = None,
) -> int:
    """Judge each recording of a folder when it is whole, until interrupted; return the exit code.

    A recording that has an event file already is left out.

    Raises
    ------
    UsageError
        If it is not exactly one folder.
    NoInputError
        If it cannot be read.
    """
    if len(inputs) != 1 or not inputs[0].is_dir():
        raise UsageError("--watch follows one folder", "name the folder alone")
    from monitor.assembly import open_models
    from monitor.clock import SystemClock
    from monitor.record.eventfile import SUFFIX, prepare
    from monitor.replay.batch import Outcome, replay_file
    from monitor.replay.watch import whole_files

    folder = inputs[0]
    models = open_models(settings)
    if options.events is not None:
        prepare(options.events, (), overwrite=True)
    click.echo(f"apexbeat: watching {harmless(str(folder), 200)}; Ctrl-C ends", err=True)
    files = whole_files(folder, clock or SystemClock(), hints=options.hints)
    while True:
        try:
            path = next(files)
        except KeyboardInterrupt:
            return EXIT_SOME_FAILED if shown.failed else EXIT_OK
        except InputError as error:
            raise NoInputError(str(error)) from None
        if path is None:
            continue
        name = path.relative_to(folder)
        stem = name.with_suffix("")
        target = None if options.events is None else options.events / f"{stem}{SUFFIX}"
        if target is not None and target.exists() and not options.overwrite:
            continue
        try:
            summary = replay_file(path, settings, models, options, name=name.as_posix(), stem=stem)
        except InputError as error:
            shown.outcome(Outcome(path, None, str(error)))
        else:
            shown.outcome(Outcome(path, summary))
