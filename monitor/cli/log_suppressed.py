"""What ``apexbeat log suppressed`` prints."""

from __future__ import annotations

import click

from monitor.cli.log_lines import Times
from monitor.record.store import Archive, SessionRow
from monitor.record.suppressed import suppressed
from monitor.text import harmless


def print_suppressed(archive: Archive, row: SessionRow) -> None:
    """One line for each alarm that made no sound."""
    events = (event for _, event in archive.events(row.id, ("alarm",)))
    found = suppressed(events, archive.commands(row.id))
    times = Times(archive.anchors(row.id), row.started)
    click.echo(f"session {row.id}: {len(found)} alarms made no sound")
    for one in found:
        click.echo(
            f"  {times.of(one.index)}  {one.priority:<6}  {one.kind:<20}  {one.reason}: "
            f"{harmless(one.evidence)}"
        )
