"""``apexbeat report``: one session as one HTML page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from monitor.cli.session_option import read_session, session_options


@click.command("report")
@session_options
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Output file: .html, or .pdf with the extra apexbeat[pdf]. [the session's name, here]",
)
@click.option("--overwrite", is_flag=True, help="Replace an existing file.")
def report(output: Path | None, overwrite: bool, **session: Any) -> None:
    """Write a report of SESSION as one HTML page.

    SESSION is an event file, a session folder, or a session of the store: its id, the beginning
    of that, or "last".
    The page needs nothing else: no outside request, no script. Heart rate, verdict, quality and
    alarms over time; with --audio also phonocardiograms, spectrograms and sound.
    """
    from monitor.record.report.write import write_report
    from monitor.text import harmless

    path = write_report(read_session(**session), output, overwrite=overwrite)
    click.echo(harmless(str(path), 4096))
