"""``apexbeat export``: a session in a format that other tools read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from monitor.cli.session_option import read_session, session_options

FORMATS = ("csv", "jsonl", "wfdb", "edf", "fhir", "wav", "flac")


@click.command("export")
@session_options
@click.option("--to", required=True, type=click.Choice(FORMATS), help="Output format.")
@click.option(
    "-o",
    "--output",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(),
    metavar="DIR",
    help="Output folder, created if missing. [here]",
)
@click.option(
    "--what",
    multiple=True,
    metavar="TABLE",
    help="CSV only: beats, vitals, alarms, episodes, windows, verdicts, quality, gaps, marks or "
    "faults; may be repeated. [all]",
)
@click.option(
    "--csv",
    "table_style",
    type=click.Choice(("plain", "semicolon", "locale")),
    default="plain",
    show_default=True,
    help="CSV only: semicolon writes ; and decimal commas, locale does so where yours has them.",
)
@click.option("--name", metavar="STEM", help="Stem of the file names. [the session's name]")
@click.option("--overwrite", is_flag=True, help="Replace existing files.")
def export(
    to: str,
    folder: Path,
    what: tuple[str, ...],
    table_style: str,
    name: str | None,
    overwrite: bool,
    **session: Any,
) -> None:
    """Write SESSION in another format.

    SESSION is an event file, a session folder, or a session of the store: its id, the beginning of
    the id, or "last".

    \b
    csv    tables of beats, vitals, alarms, windows, ...
    jsonl  the event file, checked
    wfdb   PhysioNet's formats: heart sounds, quality and gaps; alarms separate
    edf    EDF+: sound, heart rate, annotations (needs the extra apexbeat[export])
    fhir   R4 Observations of the heart rate, R6 (ballot) DeviceAlerts
    wav    the sound, or the clips kept around alarms, at 8 kHz; flac the same, smaller

    WFDB and EDF+ hold the sound if --audio gives it, band-limited to 20-400 Hz. No patient is
    named in any file.
    """
    from monitor.record.export.write import export as write
    from monitor.text import harmless

    for path in write(
        read_session(**session),
        to,
        folder,
        what=what,
        stem=name,
        overwrite=overwrite,
        table_style=table_style,
    ):
        click.echo(harmless(str(path), 4096))
