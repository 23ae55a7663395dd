"""``apexbeat replay --screen``: one recording on the screen."""

from __future__ import annotations

import tempfile
from pathlib import Path

from monitor.config.load import Settings
from monitor.errors import InputError, NoInputError, UsageError


def show(
    inputs: tuple[Path, ...], settings: Settings, speed: float, annotation: Path | None = None
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
    path = _one(inputs)
    from monitor.tui import terminal

    try:
        terminal.check()
    except UsageError as error:
        raise UsageError(error.what, "leave out --screen, or use another terminal") from None
    from monitor.assembly import open_models
    from monitor.clock import SystemClock
    from monitor.link.address import runtime_folder
    from monitor.replay.annotation import read
    from monitor.replay.lookahead import Ahead
    from monitor.replay.player import Player
    from monitor.tui.app import run

    annotated = None if annotation is None else read(annotation)
    models = open_models(settings)
    try:
        ahead = Ahead(path, settings, models)
    except InputError as error:
        raise NoInputError(error.what, error.remedy) from None
    ahead.found.annotation = annotated
    ours = runtime_folder()
    with tempfile.TemporaryDirectory(prefix="replay-", dir=ours) as folder:
        address = Path(folder) / "link.sock"
        with Player(ahead, address, speed, SystemClock()):
            code = run(address, log=ours / "screen.log")
    if ahead.found.trouble:
        raise InputError(ahead.found.trouble)
    return code


def _one(inputs: tuple[Path, ...]) -> Path:
    from monitor.replay.batch import collect

    found = collect(inputs)
    files = [item for item in found if isinstance(item, Path)]
    if len(found) != 1:
        raise UsageError(f"--screen shows one recording, not {len(found)}", "name one file")
    if not files:
        raise NoInputError(getattr(found[0], "error", "no usable input"))
    if files[0].is_dir():
        raise UsageError(f"{files[0]}: --screen shows a file of sound", "name the file")
    return files[0]
