"""Alarm transitions put together into episodes, as people and exports speak of them.

An episode begins when an alarm becomes active and ends when it is inactive again. What was only
pending was never an alarm and is left out.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from monitor import events as ev

TECHNICAL = frozenset(
    {
        "signal_lost",
        "wrong_input",
        "poor_signal",
        "gaps",
        "clock",
        "behind",
        "cannot_record",
        "model_refused",
        "analysis_fault",
    }
)
"""Kinds whose cause is the machine; all others are physiological (IEC 60601-1-8, 3.1 and 3.38)."""

RANK: dict[ev.Priority, int] = {"low": 0, "medium": 1, "high": 2}

_SIGNALLED = ("active", "acknowledged", "latched")
_HELD = ("interrupted", "suspended")


@dataclass(frozen=True, slots=True)
class Episode:
    """One occurrence of one alarm.

    Attributes
    ----------
    kind, priority, evidence
        As in the event file; the highest priority it had, the evidence at its start.
    start
        Index at which it became active.
    end
        Index at which it was inactive again, None if it was not.
    acknowledged
        Index of the acknowledgement, None without one.
    condition_end
        Index at which the condition was gone (latched or inactive), None if it was not.
    state
        Its last state.
    transitions
        Every transition from the first active one on.
    """

    kind: str
    priority: ev.Priority
    start: int
    end: int | None
    acknowledged: int | None
    condition_end: int | None
    state: ev.AlarmState
    evidence: str
    transitions: tuple[ev.Alarm, ...]

    @property
    def technical(self) -> bool:
        """Whether its cause is the machine."""
        return self.kind in TECHNICAL


def episodes(events: Iterable[ev.Event]) -> list[Episode]:
    """Return the episodes in order of their start."""
    running: dict[str, list[ev.Alarm]] = {}
    done: list[Episode] = []
    for event in events:
        if not isinstance(event, ev.Alarm):
            continue
        if event.kind in running:
            running[event.kind].append(event)
            if event.state == "inactive":
                done.append(_episode(running.pop(event.kind)))
        elif event.state in _SIGNALLED:
            running[event.kind] = [event]
    done.extend(_episode(rest) for rest in running.values())
    return sorted(done, key=lambda episode: (episode.start, episode.kind))


def _episode(transitions: list[ev.Alarm]) -> Episode:
    first, last = transitions[0], transitions[-1]
    gone: int | None = None
    acknowledged: int | None = None
    for event in transitions:
        if event.state in ("latched", "inactive"):
            gone = event.index if gone is None else gone
        elif event.state not in _HELD:
            gone = None  # the condition came back
        if event.state == "acknowledged" and acknowledged is None:
            acknowledged = event.index
    return Episode(
        kind=first.kind,
        priority=max((event.priority for event in transitions), key=RANK.__getitem__),
        start=first.index,
        end=last.index if last.state == "inactive" else None,
        acknowledged=acknowledged,
        condition_end=gone,
        state=last.state,
        evidence=first.evidence,
        transitions=tuple(transitions),
    )


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
