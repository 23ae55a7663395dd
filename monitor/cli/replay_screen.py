"""``apexbeat replay --screen``: one recording on the screen."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import click

from monitor.config.load import Settings
from monitor.errors import InputError, NoInputError, UsageError
from monitor.text import harmless

if TYPE_CHECKING:
    from monitor.capture.files import Part
    from monitor.decoding.decoder import Hints


def show(
    inputs: tuple[Path, ...],
    settings: Settings,
    speed: float,
    annotation: Path | None,
    look: bool,
    hints: Hints,
    part: Part,
) -> int:
    """Show the one recording among ``inputs`` until the person leaves; return the exit code.

    ``annotation`` is a file to compare its cycles with.

    Raises
    ------
    UsageError
        If it is not exactly one, or the terminal cannot show a screen.
    NoInputError
        If it cannot be read as sound, or the annotation not as one.
    InputError
        If it is damaged after what was shown.
    ModelError
        If a model is refused.
    """
    path = _one(inputs, hints)
    from monitor.tui import terminal

    try:
        terminal.check()
    except UsageError as error:
        raise UsageError(error.what, "leave out --screen, or use another terminal") from None
    from monitor.assembly import open_models
    from monitor.cli.screen_helpers import hearing
    from monitor.clock import SystemClock
    from monitor.link.address import runtime_folder
    from monitor.replay.annotation import read
    from monitor.replay.lookahead import LookaheadAnalysis
    from monitor.replay.player import Player
    from monitor.tui.app import run
    from monitor.tui.helpers import Helpers

    annotated = None if annotation is None else read(annotation)
    models = open_models(settings)
    try:
        ahead = LookaheadAnalysis(path, settings, models, look, hints, part)
    except InputError as error:
        raise NoInputError(error.what, error.remedy) from None
    ahead.found.annotation = annotated
    ours = runtime_folder()
    with tempfile.TemporaryDirectory(prefix="replay-", dir=ours) as folder:
        address = Path(folder) / "link.sock"
        with Player(ahead, address, speed, SystemClock()):
            beside = Helpers(hear=hearing(address, settings))
            code = run(address, log=ours / "screen.log", helpers=beside)
    if ahead.found.trouble:
        raise InputError(ahead.found.trouble)
    for words in ahead.source.warnings:
        click.echo(f"apexbeat: {harmless(f'{path}: {words}', 400)}", err=True)
    return code


def _one(inputs: tuple[Path, ...], hints: Hints) -> Path:
    from monitor.replay.inputs import collect

    found = collect(inputs, hints)
    if len(found.files) + len(found.failed) != 1:
        raise UsageError(
            f"--screen shows one recording, not {len(found.files) + len(found.failed)}",
            "name one file",
        )
    if found.failed:
        raise NoInputError(found.failed[0][1])
    path = found.files[0].path
    if path.is_dir():
        raise UsageError(f"{path}: --screen shows a file of sound", "name the file")
    return path
