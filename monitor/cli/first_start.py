"""The guide of the first start, for ``live`` without a device."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from monitor.tui.first_start.app import FirstApp
    from monitor.tui.widgets.glyphs import Glyphs

METER = [sys.executable, "-m", "monitor.capture.meter"]
SELFTEST = [sys.executable, "-m", "monitor.cli.main", "selftest"]


def choose(store: Path, config_file: Path | None) -> tuple[str, bool]:
    """Ask which source, and whether to remember it.

    Raises
    ------
    UsageError
        Where there is no terminal to ask on.
    Abort
        Where the person left.
    """
    from monitor.supervise.launch import log_path
    from monitor.tui import terminal
    from monitor.tui.widgets import theme

    apps: list[FirstApp] = []

    def make(glyphs: Glyphs) -> FirstApp:
        from monitor.tui.first_start.app import FirstApp

        config = [] if config_file is None else ["--config", str(config_file)]
        app = FirstApp(METER, SELFTEST + config, glyphs=glyphs, theme_name=theme.preferred())
        apps.append(app)
        return app

    terminal.run(make, log_path(store), goes_on=False)
    [app] = apps
    if app.source is None:
        raise click.exceptions.Abort
    return app.source, app.remember
