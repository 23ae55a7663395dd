"""What is exported: one session, its events, and, where known, its sound and its wall time.

``from_event_file`` reads the event file, version 1, and checks it; ``from_store`` the SQLite store
of live sessions. All words from outside are cleaned here, once, so that no format can forget it.
"""

from __future__ import annotations

import os
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TypeVar

import msgspec

from dsp.stage import RATE_HZ
from monitor import events as ev
from monitor.alarms.episodes import Episode, episodes
from monitor.errors import InputError
from monitor.record import eventfile
from monitor.text import NAME_LIMIT, clean

_Kind = TypeVar("_Kind", bound=ev.Event)


@dataclass(frozen=True, slots=True)
class Anchor:
    """At sample ``index`` the wall clock said ``wall`` (seconds since 1970, UTC)."""

    index: int
    wall: float


CLOCK_SET_S, CLOCK_OFF = 0.5, 0.02
"""Two clocks that differ by more than this many seconds and this share: one of them was set."""


@dataclass(frozen=True)
class Record:
    """One session.

    Attributes
    ----------
    session
        The first line of its event file, words cleaned.
    events
        Everything between the first and the last line, in order.
    end
        The last line, None where the recording broke off.
    anchors
        Wall times, in order of their index; empty where none is known.
    sound
        File with the sound, None where there is none.
    clips
        Folder of the clips that were kept around its alarms, None where there is none.
    history
        The alarms as the store knows them, None where there are only events to go by.
    attended
        Whether somebody could acknowledge alarms; None where only an acknowledgement tells.
    """

    session: ev.Session
    events: tuple[ev.Event, ...]
    end: ev.End | None
    anchors: tuple[Anchor, ...] = ()
    sound: Path | None = None
    clips: Path | None = None
    source: Path | None = field(default=None, compare=False)
    history: tuple[Episode, ...] | None = field(default=None, compare=False)
    attended: bool | None = None

    @cached_property
    def length(self) -> int:
        """Samples from index 0 to the last thing known."""
        last = self.end.index if self.end is not None else 0
        for event in self.events:
            last = max(last, event.index)
            if isinstance(event, ev.Gap):
                last = max(last, event.start + event.length)
        return last

    @cached_property
    def alarms(self) -> tuple[Episode, ...]:
        """Occurrences of alarms, in order."""
        return tuple(episodes(self.events)) if self.history is None else self.history

    @cached_property
    def answerable(self) -> bool:
        """Whether an alarm without an acknowledgement was left unanswered by somebody."""
        if self.attended is not None:
            return self.attended
        return any(one.acknowledged is not None for one in self.alarms)

    def of(self, kind: type[_Kind]) -> list[_Kind]:
        """Return all events of one type."""
        return [event for event in self.events if isinstance(event, kind)]

    def lost(self) -> int:
        """Samples that never came."""
        return sum(gap.length for gap in self.of(ev.Gap))

    def wall(self, index: int) -> float | None:
        """Wall time of a sample, between its neighbouring anchors; None without an anchor.

        Where the clock was set between two anchors, the one before it counts: what was recorded
        keeps the time that it had.
        """
        if not self.anchors:
            return None
        right = bisect_right([anchor.index for anchor in self.anchors], index)
        if 0 < right < len(self.anchors):
            a, b = self.anchors[right - 1], self.anchors[right]
            passed_s = (b.index - a.index) / RATE_HZ
            if abs(b.wall - a.wall - passed_s) > CLOCK_SET_S + CLOCK_OFF * passed_s:
                return a.wall + (index - a.index) / RATE_HZ
            return a.wall + (b.wall - a.wall) * (index - a.index) / (b.index - a.index)
        near = self.anchors[max(right - 1, 0)]
        return near.wall + (index - near.index) / RATE_HZ

    def moment(self, index: int) -> datetime | None:
        """`wall` as a date in UTC."""
        wall = self.wall(index)
        return None if wall is None else datetime.fromtimestamp(wall, UTC)

    def begun(self, moment: datetime) -> Record:
        """Return the same record with index 0 at ``moment``."""
        return replace(self, anchors=(Anchor(0, moment.timestamp()),))

    def lines(self) -> Iterator[ev.Event]:
        """All lines of the event file."""
        yield self.session
        yield from self.events
        if self.end is not None:
            yield self.end


def from_event_file(path: Path, sound: Path | None = None) -> Record:
    """Read an event file, version 1.

    Raises
    ------
    InputError
        If it cannot be read, is of a newer version, or a line is not what it should be; the
        message names the line.
    """
    try:
        events = list(eventfile.read(path))
    except OSError as error:
        raise InputError(f"{_shown(path)} cannot be read: {error.strerror or error}") from error
    return replace(record_of(events, _shown(path)), sound=sound, source=path)


def record_of(events: Iterable[ev.Event], where: str) -> Record:
    """Check the order of events and put them into a Record.

    Raises
    ------
    InputError
        If the first is no session line of this version, or the order is wrong.
    """
    listed = [_cleaned(event) for event in events]
    if not listed or not isinstance(listed[0], ev.Session):
        raise InputError(f"{where} does not begin with a session line", "give an event file")
    session = listed[0]
    if session.schema != ev.SCHEMA_VERSION:
        raise InputError(
            f"{where} is of version {session.schema}, this Apexbeat reads {ev.SCHEMA_VERSION}",
            "use the Apexbeat that wrote it",
        )
    end = listed[-1] if isinstance(listed[-1], ev.End) else None
    body = listed[1 : len(listed) - (end is not None)]
    last = 0
    for number, event in enumerate([*body, *([end] if end else [])], start=2):
        if isinstance(event, ev.Session) or (isinstance(event, ev.End) and event is not end):
            raise InputError(f"{where}:{number}: a second session or end line")
        if event.index < last:
            raise InputError(f"{where}:{number}: index {event.index} after {last}, out of order")
        last = event.index
    return Record(session=session, events=tuple(body), end=end)


def _cleaned(event: ev.Event) -> ev.Event:
    """Return the event with every free text cleaned."""
    match event:
        case ev.Session():
            settings = {
                clean(key, NAME_LIMIT): clean(value) if isinstance(value, str) else value
                for key, value in event.settings.items()
            }
            models = {clean(k, NAME_LIMIT): clean(v, NAME_LIMIT) for k, v in event.models.items()}
            return msgspec.structs.replace(
                event,
                name=clean(event.name, NAME_LIMIT),
                software=clean(event.software, NAME_LIMIT),
                models=models,
                settings=settings,
            )
        case ev.Gap() | ev.Quality():
            return msgspec.structs.replace(event, reason=clean(event.reason))
        case ev.Window():
            reason = None if event.reason is None else clean(event.reason)
            return msgspec.structs.replace(event, reason=reason)
        case ev.Fault():
            return msgspec.structs.replace(event, what=clean(event.what))
        case ev.Mark():
            return msgspec.structs.replace(event, note=clean(event.note))
        case ev.Alarm():
            return msgspec.structs.replace(
                event, kind=clean(event.kind, NAME_LIMIT), evidence=clean(event.evidence)
            )
        case _:
            return event


def cleaned(one: Episode) -> Episode:
    """Return the occurrence with every free text cleaned."""
    return replace(
        one, kind=clean(one.kind, NAME_LIMIT), evidence=clean(one.evidence), ended=clean(one.ended)
    )


def _shown(path: Path) -> str:
    return clean(os.fspath(path), 200)
