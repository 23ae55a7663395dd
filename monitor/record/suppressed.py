"""Alarms that made no sound, each with the reason: what a person may ask after a shift.

An alarm whose condition was present is suppressed where it went within its delay, was held back by
poor signal or a gap, or was raised while the audio was paused.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import msgspec

from monitor import events as ev
from monitor.alarms.table import RANK
from monitor.events import RATE_HZ
from monitor.record.store import CommandRow

MAX_PAUSE_S = 120.0
"""Longest audio pause (`monitor.analysis.alarms`)."""

_SILENT = ("pending", "suspended", "interrupted")
_REASONS = {"suspended": "held back, poor signal", "interrupted": "held back, sound was lost"}


@dataclass(frozen=True, slots=True)
class Suppressed:
    """One alarm that made no sound.

    Attributes
    ----------
    index
        At which it was decided (absolute, 2 kHz).
    reason, evidence
        Words.
    """

    index: int
    kind: str
    priority: ev.Priority
    reason: str
    evidence: str


class _Pause(msgspec.Struct):
    """The one part of a request that counts here."""

    seconds: float | None = None


def suppressed(events: Iterable[ev.Event], commands: Iterable[CommandRow]) -> list[Suppressed]:
    """List them in order.

    Parameters
    ----------
    events
        Of one session; only alarms count.
    commands
        What people asked for in it.
    """
    pauses = _pauses(commands)
    state: dict[str, str] = {}
    found = []
    paused: tuple[int, int] | None = None
    for event in events:
        if not isinstance(event, ev.Alarm):
            continue
        while pauses and pauses[0][0] <= event.index:
            paused = pauses.pop(0)
            rank = max((RANK[p] for p in _sounding(state)), default=RANK["low"])
        before = state.get(event.kind, "inactive").partition(" ")[0]
        reason = ""
        if event.state == "inactive" and before in _SILENT:
            reason = "gone within its delay"
        elif event.state in _REASONS and before == "pending":
            reason = _REASONS[event.state]
        elif event.state == "active" and paused is not None and event.index < paused[1]:
            if RANK[event.priority] > rank:
                paused = None  # a higher one ends the pause
            else:
                reason = "audio paused"
        if reason:
            found.append(
                Suppressed(event.index, event.kind, event.priority, reason, event.evidence)
            )
        state[event.kind] = f"{event.state} {event.priority}"
    return found


def _sounding(state: dict[str, str]) -> list[ev.Priority]:
    """Priorities of the alarms that sound."""
    words = [value.split(" ") for value in state.values()]
    return [p for s, p in words if s in ("active", "latched")]  # type: ignore[misc]


def paused_s(row: CommandRow) -> float | None:
    """Seconds for which a row pauses the audio, 0 to end a pause; None if it is damaged."""
    try:
        seconds = msgspec.json.decode(row.body, type=_Pause).seconds
    except msgspec.MsgspecError:
        return None
    return MAX_PAUSE_S if seconds is None else min(max(seconds, 0.0), MAX_PAUSE_S)


def _pauses(commands: Iterable[CommandRow]) -> list[tuple[int, int]]:
    """(from, until) of every audio pause, each until the next at the latest."""
    asked = []
    for row in commands:
        if row.kind != "pause_audio":
            continue
        seconds = paused_s(row)
        if seconds is None:
            continue  # damaged; the alarm is in the list of alarms in any case
        asked.append((row.index, row.index + round(seconds * RATE_HZ)))
    ends = [start for start, _ in asked[1:]] + [2**62]
    return [(start, min(end, stop)) for (start, end), stop in zip(asked, ends, strict=False)]
