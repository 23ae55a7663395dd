"""What a bed says to the network: topics and JSON bodies, version 1.

    PREFIX/BED/availability   "online" or "offline"; retained, the last will says "offline"
    PREFIX/BED/state          `BedState`, retained, every two seconds; a newer one replaces it
    PREFIX/BED/alarm          `AlarmMessage`, each transition, QoS 1, in order
    PREFIX/BED/recent         the last transitions, retained: for whoever was away
    PREFIX/BED/trend          vitals, changes of quality and verdict, gaps and faults, QoS 1

``id`` of a message is ``ORIGIN:NUMBER``: the origin is drawn once for an outbox, the number only
rises. QoS 1 may deliver twice; a receiver drops a number that it has seen.
"""

from __future__ import annotations

import re
import socket

import msgspec

from monitor import events as ev
from monitor.text import ascii_text, clean

ONLINE, OFFLINE = "online", "offline"
RECENT = 50
"""Transitions that `Recent` repeats."""

STATE_S = 2.0
"""Seconds between two states."""

_NAME = re.compile(r"[^A-Za-z0-9_-]+")


class AlarmMessage(msgspec.Struct, frozen=True, kw_only=True):
    """One transition of one alarm."""

    id: str = ""
    bed: str
    session: str
    index: int
    """Sample at 2 kHz since the session began."""
    wall: float
    """Seconds since 1970 by the bed's clock; for people only."""
    kind: str
    priority: ev.Priority
    state: ev.AlarmState
    evidence: str


class Recent(msgspec.Struct, frozen=True, kw_only=True):
    """The last transitions, oldest first."""

    alarms: list[AlarmMessage]


class OpenAlarm(msgspec.Struct, frozen=True, kw_only=True):
    """An alarm that is raised now."""

    kind: str
    priority: ev.Priority
    state: ev.AlarmState
    evidence: str
    raised: int
    """Index of its raising."""


class BedState(msgspec.Struct, frozen=True, kw_only=True):
    """The present state of one bed; None where not known."""

    bed: str = ""
    host: str = ""
    """Bed whose availability topic speaks for this one (further devices of one machine)."""
    session: str
    index: int
    wall: float
    source: str
    health: str
    rate: float | None
    quality: ev.QualityValue | None
    verdict: ev.VerdictValue
    p: float | None
    windows: int
    gaps: int
    lost_s: float
    behind_s: float
    can_record: bool
    audio_paused_s: float = 0.0
    alarms: list[OpenAlarm] = []
    ended: bool = False
    """Ended in order: it will not come back by itself."""

    @property
    def priority(self) -> str:
        """Highest priority that nobody has answered, ``none`` without one."""
        for name in ("high", "medium", "low"):
            if any(a.priority == name and a.state in ("active", "latched") for a in self.alarms):
                return name
        return "none"


def bed_name(wanted: str, slot: int = 0) -> str:
    """Name of a bed as it stands in a topic: ASCII letters, digits, ``-`` and ``_``.

    Parameters
    ----------
    wanted
        From the settings; empty takes the machine's name.
    slot
        Which device of this machine, from 0.
    """
    name = _NAME.sub("_", ascii_text(clean(wanted or socket.gethostname()), 64)).strip("_-")
    return (name or "bed") + (f"-{slot + 1}" if slot else "")


def topic(prefix: str, bed: str, what: str) -> str:
    """Topic of one thing of one bed."""
    return f"{prefix}/{bed}/{what}"


def alarm_message(
    bed: str, session: str, wall: float, alarm: ev.Alarm, id: str = ""
) -> AlarmMessage:
    """Make the message of a transition; words from outside are cleaned."""
    return AlarmMessage(
        id=id,
        bed=bed,
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
