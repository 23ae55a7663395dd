"""Lines of ``apexbeat log``."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import datetime

import click
import msgspec

from monitor import events as ev
from monitor.clock import ClockAnchor
from monitor.record.export.model import Anchor, Record
from monitor.record.store import Archive, SessionRow
from monitor.text import clock, harmless
from monitor.view.state import load_board

NOTED = ("gap", "fault", "quality", "verdict", "mark", "alarm", "end")
FOLLOW_S = 0.5
RATE_HZ = 2000


class Times:
    """Wall time of an index, between anchors."""

    def __init__(self, anchors: Sequence[ClockAnchor], started: float) -> None:
        known = tuple(Anchor(a.index, a.wall) for a in anchors) or (Anchor(0, started),)
        session = ev.Session(
            index=0, schema=1, software="", models={}, settings={}, name="", rate=0, channels=0
        )
        self._record = Record(session, (), None, known)

    def index(self, wall: float) -> int:
        """Index (2 kHz) at a wall time; before the first anchor it is negative."""
        anchors = self._record.anchors
        for number in range(len(anchors) - 1, -1, -1):  # a clock set back shows an hour twice
            near = anchors[number]
            if near.wall <= wall or number == 0:
                break
        index = near.index + round((wall - near.wall) * RATE_HZ)
        last = number + 1 == len(anchors)
        return index if last or wall < near.wall else min(index, anchors[number + 1].index)

    def of(self, index: int | None) -> str:
        """``HH:MM:SS``, local."""
        wall = None if index is None else self._record.wall(index)
        return "--:--:--" if wall is None else f"{datetime.fromtimestamp(wall):%H:%M:%S}"


def print_sessions(rows: Sequence[SessionRow], as_json: bool) -> None:
    """One line for each session, newest first."""
    for row in rows:
        if as_json:
            click.echo(msgspec.json.encode(_public(row)).decode())
            continue
        began = datetime.fromtimestamp(row.started).strftime("%Y-%m-%d %H:%M:%S")
        length = "runs" if row.ended is None else clock((row.ended_index or 0) / RATE_HZ)
        how = harmless(row.ended_how or "")
        click.echo(f"{row.id}  {began}  {length:>8}  {harmless(row.name)}  {how}".rstrip())


def print_session(archive: Archive, row: SessionRow, as_json: bool, everything: bool) -> int:
    """All lines of one session; the number of the last."""
    times = Times(archive.anchors(row.id), row.started)
    if not as_json:
        began = datetime.fromtimestamp(row.started).strftime("%Y-%m-%d %H:%M:%S")
        end = "running" if row.ended is None else f"ended ({harmless(row.ended_how or '')})"
        click.echo(f"session {row.id}  {harmless(row.name)}  {row.source}  {began}  {end}")
        _print_alarms(row, times)
        _print_notes(archive, row, times)
    return _print_events(archive, row, times, -1, as_json, everything)


def follow_lines(
    archive: Archive, row: SessionRow, last: int, as_json: bool, everything: bool
) -> None:
    """Print lines as they come, until the session has ended."""
    while True:
        times = Times(archive.anchors(row.id), row.started)
        last = _print_events(archive, row, times, last, as_json, everything)
        now = archive.session(row.id)
        if now is None or now.ended is not None:
            return
        time.sleep(FOLLOW_S)


def _print_alarms(row: SessionRow, times: Times) -> None:
    saved = load_board(row.board)
    if saved is None or not saved.log:
        click.echo("no alarm was raised")
        return
    click.echo("alarms (raised, acknowledged, over):")
    for line in saved.log:
        click.echo(
            f"  {times.of(line.raised)}  {times.of(line.acknowledged)}  {times.of(line.cleared)}  "
            f"{line.priority:<6}  {line.kind:<20}  {line.state:<12}  {harmless(line.evidence)}"
        )


def _print_notes(archive: Archive, row: SessionRow, times: Times) -> None:
    """Audio pauses, and what the core had to say; all else that people did is among the lines."""
    for asked in archive.commands(row.id):
        if asked.kind == "pause_audio":
            click.echo(f"{times.of(asked.index)}  audio paused by {harmless(asked.client)}")
        elif asked.client == "core":
            click.echo(f"{times.of(asked.index)}  note     {harmless(asked.body)}")


def _print_events(
    archive: Archive, row: SessionRow, times: Times, last: int, as_json: bool, everything: bool
) -> int:
    kinds = () if everything else NOTED
    for number, event in archive.events(row.id, kinds, last):
        last = number
        if as_json:
            line = {"session": row.id, "seq": number, **msgspec.to_builtins(event)}
            click.echo(msgspec.json.encode(line).decode())
        else:
            click.echo(f"{times.of(event.index)}  {_words(event)}")
    return last


def _words(event: ev.Event) -> str:
    kind = type(event).__name__.lower()
    fields = msgspec.structs.asdict(event)
    fields.pop("index")
    match event:
        case ev.Alarm():
            return (
                f"alarm    {event.state:<12} {event.priority:<6} {event.kind}: "
                f"{harmless(event.evidence)}"
            )
        case ev.Gap():
            return (
                f"gap      {event.length / RATE_HZ:.2f} s lost "
                f"(± {event.uncertainty / RATE_HZ:.2f} s): {harmless(event.reason)}"
            )
        case ev.End():
            counted = ", ".join(f"{count} {kind}" for kind, count in event.counts.items())
            broken = "" if event.complete else "  (the source broke off)"
            return f"{kind:<8} {harmless(counted)}{broken}"
        case _:
            words = "  ".join(f"{k} {harmless(str(v))}" for k, v in fields.items() if v is not None)
            return f"{kind:<8} {words}"


def _public(row: SessionRow) -> dict[str, object]:
    """What a list of sessions shows; a label stays in the store."""
    return {
        name: getattr(row, name)
        for name in ("id", "name", "device", "source", "started", "ended", "ended_how", "folder")
    }
