"""What a bed says to the network: topics and JSON bodies, version 1.

BED is an id that no other bed has (`identity.bed_id`); the name that people read is in the body.

    PREFIX/BED/availability   "online" or "offline"; retained, the last will says "offline"
    PREFIX/BED/state          `BedState`, retained, every two seconds; a newer one replaces it
    PREFIX/BED/alarm          `AlarmMessage`, each transition, QoS 1, in order
    PREFIX/BED/recent         the last transitions, retained: for whoever was away
    PREFIX/BED/trend          vitals, changes of quality and verdict, gaps and faults, QoS 1

``id`` of a message is ``ORIGIN:NUMBER``: the origin is drawn once for an outbox, the number only
rises. QoS 1 may deliver twice; a receiver drops a number that it has seen. Whatever is read from a
broker is bounded here: numbers, lengths, counts.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from monitor import events as ev
from monitor.text import clean

ONLINE, OFFLINE = "online", "offline"
RECENT = 50
"""Transitions that `Recent` repeats."""

STATE_S = 2.0
"""Seconds between two states."""

Id = Annotated[str, msgspec.Meta(max_length=128)]
Word = Annotated[str, msgspec.Meta(max_length=120)]
Text = Annotated[str, msgspec.Meta(max_length=500)]
Wall = Annotated[float, msgspec.Meta(ge=0, le=1e11)]
"""Seconds since 1970, up to the year 5138."""

Seconds = Annotated[float, msgspec.Meta(ge=0, le=1e11)]
Index = Annotated[int, msgspec.Meta(ge=0, le=2**62)]
Count = Annotated[int, msgspec.Meta(ge=0, le=2**40)]
Rate = Annotated[float, msgspec.Meta(ge=0, le=1000)]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]


class AlarmMessage(msgspec.Struct, frozen=True, kw_only=True):
    """One transition of one alarm."""

    id: Id = ""
    bed: Id
    name: Word = ""
    """Of the bed, for people."""
    session: Id
    index: Index
    """Sample at 2 kHz since the session began."""
    wall: Wall
    """Seconds since 1970 by the bed's clock; for people only."""
    kind: Word
    priority: ev.Priority
    state: ev.AlarmState
    evidence: Text


class Recent(msgspec.Struct, frozen=True, kw_only=True):
    """The last transitions, oldest first."""

    alarms: Annotated[list[AlarmMessage], msgspec.Meta(max_length=2 * RECENT)]


class OpenAlarm(msgspec.Struct, frozen=True, kw_only=True):
    """An alarm that is raised now."""

    kind: Word
    priority: ev.Priority
    state: ev.AlarmState
    evidence: Text
    raised: Index
    """Index of its raising."""


class BedState(msgspec.Struct, frozen=True, kw_only=True):
    """The present state of one bed; None where not known."""

    bed: Id = ""
    name: Word = ""
    """Of the bed, for people."""
    host: Id = ""
    """Bed whose availability topic speaks for this one (further devices of one machine)."""
    instance: Id = ""
    """Drawn at each start of a monitor: two that speak in turn are two monitors with one id."""
    session: Id
    index: Index
    wall: Wall
    source: Word
    health: Word
    rate: Rate | None
    quality: ev.QualityValue | None
    verdict: ev.VerdictValue
    p: Share | None
    windows: Count
    gaps: Count
    lost_s: Seconds
    behind_s: Seconds
    can_record: bool
    audio_paused_s: Seconds = 0.0
    alarms: Annotated[list[OpenAlarm], msgspec.Meta(max_length=100)] = []
    ended: bool = False
    """Ended in order: it will not come back by itself."""

    @property
    def priority(self) -> str:
        """Highest priority that nobody has answered, ``none`` without one."""
        for name in ("high", "medium", "low"):
            if any(a.priority == name and a.state in ("active", "latched") for a in self.alarms):
                return name
        return "none"


def topic(prefix: str, bed: str, what: str) -> str:
    """Topic of one thing of one bed."""
    return f"{prefix}/{bed}/{what}"


def alarm_message(
    bed: str, name: str, session: str, wall: float, alarm: ev.Alarm, id: str = ""
) -> AlarmMessage:
    """Make the message of a transition; words from outside are cleaned."""
    return AlarmMessage(
        id=id,
        bed=bed,
        name=name,
        session=session,
        index=alarm.index,
        wall=round(wall, 3),
        kind=alarm.kind,
        priority=alarm.priority,
        state=alarm.state,
        evidence=clean(alarm.evidence),
    )


def numbered(body: bytes, origin: str, number: int) -> bytes:
    """Put the id in front of a JSON object that has none."""
    return b'{"id":"' + f"{origin}:{number}".encode() + b'",' + body[1:]
