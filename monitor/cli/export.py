"""``apexbeat export``: a session in a format that other tools read."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

FORMATS = ("csv", "jsonl", "wfdb", "edf", "fhir")


def parse_start(text: str | None) -> datetime | None:
    """Read the wall time of the first sample; without a zone it is UTC.

    Raises
    ------
    UsageError
        If it is no date.
    """
    from monitor.errors import UsageError
    from monitor.text import clean

    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(
            f"--start {clean(text, 60)} is no date", "write it as 2026-05-04T03:02:01+02:00"
        ) from None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


@click.command("export")
@click.argument("session")
@click.option(
    "--to", required=True, type=click.Choice(FORMATS), help="Format of the files to be written."
)
@click.option(
    "-o",
    "--output",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(),
    help="Folder for them; made if missing. [here]",
)
@click.option(
    "--what",
    multiple=True,
    help="CSV only: a table (beats, vitals, alarms, episodes, windows, verdicts, quality, gaps, "
    "marks, faults); may be given several times. [all]",
)
@click.option(
    "--audio",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="The sound of the session, for the signal in WFDB and EDF+.",
)
@click.option("--start", help="Wall time of the first sample (ISO 8601; UTC without a zone).")
@click.option("--name", help="First part of the file names. [the session's name]")
@click.option("--overwrite", is_flag=True, help="Replace existing files.")
def export(
    session: str,
    to: str,
    folder: Path,
    what: tuple[str, ...],
    audio: Path | None,
    start: str | None,
    name: str | None,
    overwrite: bool,
) -> None:
    """Write SESSION (an event file, or a session's id) in another format.

    \b
    csv    tables of beats, vitals, alarms, windows, ...
    jsonl  the event file, checked
    wfdb   PhysioNet's formats: heart sounds, quality and gaps; alarms apart
    edf    EDF+: sound, heart rate, annotations (needs the extra apexbeat[export])
    fhir   R4 Observations of the heart rate, R6 (ballot) DeviceAlerts

    The sound is band-limited to 20-400 Hz. No patient is named in any file.
    """
    from monitor.record.export.open import open_session
    from monitor.record.export.write import export as write

    record = open_session(session, audio, parse_start(start))
    paths = write(record, to, folder, what=what, stem=name, overwrite=overwrite)
    for path in paths:
        click.echo(str(path))
