"""``apexbeat report``: one session as one HTML page."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("report")
@click.argument("session")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="File to be written (.html, or .pdf with the extra apexbeat[pdf]). [NAME.html, here]",
)
@click.option(
    "--audio",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="The sound of the session, for pictures and players.",
)
@click.option("--start", help="Wall time of the first sample (ISO 8601; UTC without a zone).")
@click.option("--overwrite", is_flag=True, help="Replace an existing file.")
def report(
    session: str,
    output: Path | None,
    audio: Path | None,
    start: str | None,
    overwrite: bool,
) -> None:
    """Write a report of SESSION (an event file, or a session's id).

    One page that needs nothing else: no outside request, no script. Heart rate, verdict, quality
    and alarms over time; with --audio also phonocardiograms, spectrograms and sound.
    """
    from monitor.cli.export import parse_start
    from monitor.record.export.open import open_session
    from monitor.record.report.write import write_report

    record = open_session(session, audio, parse_start(start))
    click.echo(str(write_report(record, output, overwrite=overwrite)))
