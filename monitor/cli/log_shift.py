"""What ``apexbeat log shift`` prints."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import datetime
from statistics import median

import click

from monitor.alarms.table import title
from monitor.cli.log_lines import NOTED, Times
from monitor.errors import UsageError
from monitor.events import RATE_HZ
from monitor.record.history import alarms_of
from monitor.record.shift import SessionShift, shift_of
from monitor.record.store import Archive, SessionRow
from monitor.record.suppressed import suppressed
from monitor.text import clock, harmless

LEAST_H = 0.25
"""Of less sound than this nothing is said by the hour."""


def print_shift(
    archive: Archive, rows: Sequence[SessionRow], hours: float, until: str | None
) -> None:
    """Sum up every session of the shift.

    Raises
    ------
    UsageError
        If a time makes no sense.
    """
    if not hours > 0:
        raise UsageError("--hours must be more than 0")
    end = time.time() if until is None else _time(until)
    begin = end - hours * 3600
    words = f"{datetime.fromtimestamp(begin):%Y-%m-%d %H:%M} to {datetime.fromtimestamp(end):%H:%M}"
    shown = 0
    click.echo(f"shift from {words} ({hours:g} h)")
    for row in reversed(rows):
        found = _session(archive, row, begin, end)
        if found is not None:
            shown += 1
            _print(row, found, Times(archive.anchors(row.id), row.started))
    if not shown:
        click.echo("nothing was monitored")


def _time(text: str) -> float:
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        raise UsageError(
            f"--until {harmless(text)} is not a time", "write it as 2026-05-04T07:00"
        ) from None


def _session(archive: Archive, row: SessionRow, begin: float, end: float) -> SessionShift | None:
    """The part of a session within the shift, None if there is none."""
    times = Times(archive.anchors(row.id), row.started)
    last = archive.last(row.id)[1]
    start = max(0, times.index(begin))
    stop = min(last, times.index(end))
    if stop <= start or row.started > end:
        return None
    commands = archive.commands(row.id)
    silent = suppressed((e for _, e in archive.events(row.id, ("alarm",))), commands)
    events = (e for _, e in archive.events(row.id, (*NOTED, "vitals")) if e.index <= stop)
    return shift_of(events, alarms_of(archive, row), start, stop, [one.index for one in silent])


def _print(row: SessionRow, found: SessionShift, times: Times) -> None:
    hours = found.hours
    lost_s = found.lost / RATE_HZ
    click.echo(f"session {row.id}  {harmless(row.name)}")
    span = f"{times.of(found.start)} to {times.of(found.end)}"
    click.echo(f"  heard      {clock(hours * 3600)} ({span}), lost {lost_s:.1f} s")
    click.echo(f"  quality    {_shares(found.quality)}")
    click.echo(f"  verdict    {_shares(found.verdict)}")
    if found.rates is not None:
        low, middle, high = found.rates
        click.echo(f"  rate       median {middle:.0f}/min, {low:.0f} to {high:.0f}")
    per_hour = f" ({len(found.alarms) / hours:.1f} an hour)" if hours >= LEAST_H else ""
    click.echo(f"  alarms     {len(found.alarms)}{per_hour}, {found.suppressed} made no sound")
    for kind, count in found.kinds.most_common():
        click.echo(f"             {count:>4} × {title(kind)}")
    answers = found.answers_s
    alone = len(found.alarms) - len(answers) - found.to_acknowledge
    if found.alarms:
        words = f"{len(answers)} acknowledged"
        if answers:
            words += f", after {median(answers):.0f} s (median), {max(answers):.0f} s at most"
        words += f"; {alone} ended by themselves, {found.to_acknowledge} to acknowledge"
        click.echo(f"  answers    {words}")
    if found.marks or found.faults:
        click.echo(f"  else       {found.marks} marks, {found.faults} faults")


def _shares(shares: dict[str, float]) -> str:
    words = [f"{value} {share * 100:.0f} %" for value, share in shares.items()]
    return ", ".join(words) or "not judged"
