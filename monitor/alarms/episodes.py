"""Alarm transitions put together into occurrences: the one count of alarms that everybody uses.

An occurrence begins when an alarm is raised and ends when it is inactive again; a return within
`alarm_table.MERGE` samples is the same occurrence, counted. What was only pending was never an
alarm and is left out. Screen, log, shift, report, summary and exports all fold the same
transitions here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from monitor import events as ev
from monitor.alarms.table import MERGE, RANK, RULES, SWITCHED_OFF, title
from monitor.events import RATE_HZ

TECHNICAL = frozenset(rule.kind for rule in RULES.values() if rule.alarm_class == "technical")
"""Kinds whose cause is the machine; all others are physiological (IEC 60601-1-8, 3.1 and 3.38)."""

_SIGNALLED = ("active", "acknowledged", "latched")
_OPEN = ("active", "acknowledged", "latched", "interrupted", "suspended")


@dataclass(frozen=True, slots=True)
class Episode:
    """One occurrence of one alarm.

    Attributes
    ----------
    number
        Of this occurrence in its session, from 1.
    kind, priority, evidence
        As in the event file; the highest priority it had, the reason at the raising.
    start
        Index (2 kHz) at which it was raised.
    end
        Index at which it was inactive again, None if it was not.
    acknowledged
        Index of the acknowledgement of its last signal, also after the condition had gone; None
        without one.
    condition_end, ended
        Index at which the condition was gone (latched or inactive), and the reason given then;
        None and empty while it lasts.
    count
        How many times the signal came.
    transitions
        Every transition from the first active one on.
    start_wall, acknowledged_wall, condition_end_wall
        The same moments by the clock (s since 1970), None where no clock was kept.
    """

    number: int
    kind: str
    priority: ev.Priority
    start: int
    end: int | None
    acknowledged: int | None
    condition_end: int | None
    state: ev.AlarmState
    evidence: str
    ended: str = ""
    count: int = 1
    transitions: tuple[ev.Alarm, ...] = ()
    start_wall: float | None = None
    acknowledged_wall: float | None = None
    condition_end_wall: float | None = None
    since: int = 0
    since_wall: float | None = None
    """When its last signal came."""

    @property
    def title(self) -> str:
        """Words for people."""
        return title(self.kind)

    @property
    def technical(self) -> bool:
        """Whether its cause is the machine."""
        return self.kind in TECHNICAL

    @property
    def lasted_s(self) -> float | None:
        """Seconds for which the condition lasted, None while it does.

        Of a technical alarm by the clock, where one was kept: the index stands still while no
        sound comes.
        """
        if self.condition_end is None:
            return None
        if self.technical and self.start_wall is not None and self.condition_end_wall is not None:
            return max(0.0, self.condition_end_wall - self.start_wall)
        return (self.condition_end - self.start) / RATE_HZ

    @property
    def answer_s(self) -> float | None:
        """Seconds from the raising to the acknowledgement, by the clock where one was kept."""
        if self.acknowledged is None:
            return None
        if self.start_wall is not None and self.acknowledged_wall is not None:
            return max(0.0, self.acknowledged_wall - self.start_wall)
        return (self.acknowledged - self.start) / RATE_HZ

    @property
    def to_acknowledge(self) -> bool:
        """Whether it waits for a person still."""
        return self.acknowledged is None and self.state != "inactive"


class Episodes:
    """All occurrences of one session, from its transitions as they come."""

    def __init__(self) -> None:
        self._all: list[Episode] = []
        self._last: dict[str, int] = {}

    def take(self, event: ev.Alarm, wall: float | None = None) -> None:
        """Take the next transition, and when it happened by the clock."""
        at = self._last.get(event.kind)
        known = None if at is None else self._all[at]
        if at is not None and known is not None and known.state in _OPEN:
            self._all[at] = _further(known, event, wall)
        elif event.state not in _SIGNALLED:
            return
        elif at is not None and known is not None and _returns(known, event):
            self._all[at] = _further(known, event, wall)
        else:
            self._last[event.kind] = len(self._all)
            self._all.append(_first(len(self._all) + 1, event, wall))

    def all(self) -> list[Episode]:
        """In order of their raising."""
        return list(self._all)

    def open(self, kind: str) -> Episode | None:
        """The occurrence of a kind that is not over, None without one."""
        at = self._last.get(kind)
        found = None if at is None else self._all[at]
        return found if found is not None and found.state != "inactive" else None

    def __len__(self) -> int:
        return len(self._all)


def episodes(
    events: Iterable[ev.Event], walls: Iterable[float | None] | None = None
) -> list[Episode]:
    """Return the occurrences in order of their start.

    Parameters
    ----------
    events
        Of one session, in order; only alarms count.
    walls
        Wall time of each event (s since 1970, None where not known); None without a clock.
    """
    folded = Episodes()
    times = iter(walls) if walls is not None else None
    for event in events:
        wall = None if times is None else next(times, None)
        if isinstance(event, ev.Alarm):
            folded.take(event, wall)
    return sorted(folded.all(), key=lambda episode: (episode.start, episode.kind))


def _first(number: int, event: ev.Alarm, wall: float | None) -> Episode:
    known = event.state == "acknowledged"
    return Episode(
        number=number,
        kind=event.kind,
        priority=event.priority,
        start=event.index,
        end=None,
        acknowledged=event.index if known else None,
        condition_end=event.index if event.state == "latched" else None,
        state=event.state,
        evidence=event.evidence,
        transitions=(event,),
        start_wall=wall,
        since=event.index,
        since_wall=wall,
        acknowledged_wall=wall if known else None,
        condition_end_wall=wall if event.state == "latched" else None,
    )


def _returns(known: Episode, event: ev.Alarm) -> bool:
    return known.end is not None and event.index - known.end <= MERGE


def _further(known: Episode, event: ev.Alarm, wall: float | None) -> Episode:
    """The occurrence after one more transition."""
    before = known.state
    after = replace(
        known,
        state=event.state,
        priority=max(known.priority, event.priority, key=RANK.__getitem__),
        transitions=(*known.transitions, event),
    )
    if event.state in ("latched", "inactive"):
        if known.condition_end is None:
            after = replace(
                after, condition_end=event.index, condition_end_wall=wall, ended=event.evidence
            )
        if event.state == "inactive":
            after = replace(after, end=event.index)
            if before == "latched" and not event.evidence.startswith(SWITCHED_OFF):
                # Nothing else but an acknowledgement ends a latched alarm.
                after = replace(after, acknowledged=event.index, acknowledged_wall=wall)
    elif event.state == "acknowledged":
        if known.acknowledged is None:
            after = replace(after, acknowledged=event.index, acknowledged_wall=wall)
    elif event.state == "active":  # raised once more: by a return, or to a higher priority
        again = before in ("latched", "inactive")
        after = replace(
            after,
            count=known.count + again,
            end=None,
            acknowledged=None,
            acknowledged_wall=None,
        )
        after = replace(after, condition_end=None, condition_end_wall=None, ended="")
        if again:
            after = replace(after, since=event.index, since_wall=wall)
    return after


def spans(
    changes: Iterable[tuple[int, str]], end: int, gaps: Iterable[ev.Gap] = ()
) -> list[tuple[int, int, str]]:
    """Turn changes (index, value) into spans (start, end, value), cut where sound was lost."""
    listed = sorted(changes)
    lost = sorted((gap.start, gap.start + gap.length) for gap in gaps)
    result = []
    for number, (start, value) in enumerate(listed):
        stop = listed[number + 1][0] if number + 1 < len(listed) else end
        for begin, over in heard(start, stop, lost):
            result.append((begin, over, value))
    return result


def heard(start: int, stop: int, lost: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the parts of start..stop that are in none of the ordered ``lost`` spans."""
    parts = []
    here = start
    for begin, over in lost:
        if over <= here or begin >= stop:
            continue
        if begin > here:
            parts.append((here, begin))
        here = over
    if stop > here:
        parts.append((here, stop))
    return parts
