"""Lines of ``apexbeat log``."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import click
import msgspec

from monitor import events as ev
from monitor.alarms.table import title
from monitor.clock import ClockAnchor
from monitor.events import RATE_HZ
from monitor.record.export.model import Anchor, Record
from monitor.record.history import alarms_of
from monitor.record.store import Archive, SessionRow
from monitor.record.suppressed import paused_s
from monitor.text import clock, harmless

NOTED = ("gap", "fault", "quality", "verdict", "mark", "alarm", "end")
FOLLOW_S = 0.5


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

    def utc(self, index: int) -> str | None:
        """ISO 8601, to the millisecond; None where no clock was kept."""
        moment = self._record.moment(index)
        return None if moment is None else moment.isoformat(timespec="milliseconds")

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
    """All lines of one session, and what is kept of its sound; the number of the last line."""
    times = Times(archive.anchors(row.id), row.started)
    if not as_json:
        began = datetime.fromtimestamp(row.started).strftime("%Y-%m-%d %H:%M:%S")
        end = "running" if row.ended is None else f"ended ({harmless(row.ended_how or '')})"
        click.echo(f"session {row.id}  {harmless(row.name)}  {row.source}  {began}  {end}")
        _print_alarms(archive, row, times)
        _print_clips(archive.folder / "clips" / row.id)
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


def _print_clips(folder: Path) -> None:
    if not folder.is_dir():
        return
    from monitor.record.clips import KEPT, kept_clips

    clips = kept_clips(folder)
    if clips:
        by_hand = sum(one.kind == KEPT for one in clips)
        words = f"{len(clips) - by_hand} around alarms, {by_hand} kept by hand"
        click.echo(f"clips: {words} ({harmless(str(folder), 4096)})")


def _print_alarms(archive: Archive, row: SessionRow, times: Times) -> None:
    found = alarms_of(archive, row)
    if not found:
        click.echo("no alarm was raised")
        return
    answerable = row.source != "replay"
    waiting = sum(one.to_acknowledge for one in found) if answerable else 0
    words = f", {waiting} to acknowledge" if waiting else ""
    click.echo(f"alarms: {len(found)}{words} (raised, gone, lasted, acknowledged)")
    for one in found:
        again = f" ×{one.count}" if one.count > 1 else ""
        lasted = "lasts" if one.lasted_s is None else clock_s(one.lasted_s)
        answer = _moment(one.acknowledged_wall, one.acknowledged, times)
        if one.to_acknowledge and answerable:
            answer = "not yet "
        click.echo(
            f"  {_moment(one.start_wall, one.start, times)}"
            f"  {_moment(one.condition_end_wall, one.condition_end, times)}  {lasted:>8}  {answer}"
            f"  {one.priority:<6}  {one.title}{again}: {harmless(one.evidence)}"
        )
        if one.ended:
            latched = " latched;" if one.state == "latched" else ""
            click.echo(f"{'':>40}{'':6}  gone:{latched} {harmless(one.ended)}")


def clock_s(seconds: float) -> str:
    """A duration: to a tenth of a second under a minute."""
    return f"{seconds:.1f} s" if seconds < 60 else clock(seconds)


def _moment(wall: float | None, index: int | None, times: Times) -> str:
    """Time of day, by the clock itself where it was kept."""
    return times.of(index) if wall is None else f"{datetime.fromtimestamp(wall):%H:%M:%S}"


def _print_notes(archive: Archive, row: SessionRow, times: Times) -> None:
    """Audio pauses, and what the core had to say; all else that people did is among the lines."""
    for asked in archive.commands(row.id):
        if asked.kind == "pause_audio":
            done = "switched on again" if paused_s(asked) == 0 else "paused"
            click.echo(f"{times.of(asked.index)}  audio {done} by {harmless(asked.client)}")
        elif asked.client == "core":
            click.echo(f"{times.of(asked.index)}  note     {harmless(asked.body)}")


def _print_events(
    archive: Archive, row: SessionRow, times: Times, last: int, as_json: bool, everything: bool
) -> int:
    kinds = () if everything else NOTED
    for number, event in archive.events(row.id, kinds, last):
        last = number
        if as_json:
            utc = times.utc(event.index)
            line = {"session": row.id, "seq": number, "utc": utc, **msgspec.to_builtins(event)}
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
                f"alarm    {event.state:<12} {event.priority:<6} {title(event.kind)}: "
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
