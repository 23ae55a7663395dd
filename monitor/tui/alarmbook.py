"""All alarms of one session as a person may look them up: what is active, and what was.

Three sources meet here: the `Snapshot` (everything up to now), each `Status` (all that are not
inactive) and each alarm event (never dropped, so a burst that replaced every status still shows
each alarm). A line leaves the active ones only when the core says so.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from monitor import events as ev
from monitor.alarms.table import SWITCHED_OFF
from monitor.link.messages import AlarmLine

RANK = {"high": 0, "medium": 1, "low": 2}
_SHOWN = {"active", "acknowledged", "latched", "interrupted", "suspended"}
_OPEN = {"active", "latched", "interrupted", "suspended"}


def is_active(line: AlarmLine) -> bool:
    """Whether a line concerns a person now (its delay has run, and it is not over)."""
    return line.state in _SHOWN and line.raised >= 0


def needs_answer(line: AlarmLine) -> bool:
    """Whether nobody has acknowledged it yet."""
    open_now = line.answerable and line.state in _OPEN and line.acknowledged is None
    return is_active(line) and open_now


def urgency(line: AlarmLine) -> tuple[bool, int, int]:
    """Sort key: unanswered before answered, high before low, newest first."""
    return (not needs_answer(line), RANK[line.priority], -line.raised)


class AlarmBook:
    """Lines by occurrence; provisional ones (known by event only) have negative numbers."""

    def __init__(self) -> None:
        self._lines: dict[tuple[str | None, int], AlarmLine] = {}
        self._provisional = 0
        self.asked: set[tuple[str | None, int]] = set()
        """Acknowledgements that this screen asked for and that are not committed yet."""

    def restart(self, lines: Iterable[AlarmLine]) -> None:
        """Take the whole log of a snapshot."""
        self._lines = {(a.earlier_session, a.occurrence): a for a in lines}

    def update(self, present: Iterable[AlarmLine], index: int) -> None:
        """Take the alarms of a status: what is not among them any more is over."""
        given = {(a.earlier_session, a.occurrence): a for a in present}
        kinds = {a.kind for a in given.values()}
        for key, line in list(self._lines.items()):
            if key in given:
                continue
            if key[1] < 0 and line.kind in kinds:
                del self._lines[key]
            elif line.state != "inactive":
                # Indices of an earlier session have nothing to do with this one's.
                self._lines[key] = _over(line, index if key[0] is None else None)
        self._lines.update(given)
        self.asked = {k for k in self.asked if k in given and needs_answer(given[k])}

    def event(self, alarm: ev.Alarm, wall: float | None = None) -> None:
        """Take one transition, and when it came by the clock.

        It only matters until the next status, but for the reason with which an alarm ends.
        """
        key = self._open_key(alarm.kind)
        if key is None:
            if alarm.state not in _SHOWN:
                return
            self._provisional -= 1
            self._lines[None, self._provisional] = AlarmLine(
                occurrence=self._provisional,
                kind=alarm.kind,
                priority=alarm.priority,
                state=alarm.state,
                condition=True,
                raised=alarm.index,
                evidence=alarm.evidence,
                acknowledged=None,
                acknowledge_pending=False,
                cleared=None,
                count=1,
                earlier_session=None,
                raised_wall=wall,
            )
            return
        line = self._lines[key]
        if alarm.state in ("inactive", "latched") and line.gone is None and is_active(line):
            line = msgspec.structs.replace(
                line, gone=alarm.index, gone_wall=wall, ended=alarm.evidence, condition=False
            )
        if alarm.state == "inactive":
            off = alarm.evidence.startswith(SWITCHED_OFF)
            if line.state == "latched" and line.answerable and not off:
                line = _acknowledged(line, alarm.index, wall)
            self._lines[key] = _over(line, alarm.index)
        elif alarm.state == "acknowledged":
            self._lines[key] = _acknowledged(line, alarm.index, wall)
        elif alarm.state == "latched":
            self._lines[key] = msgspec.structs.replace(line, state="latched")
        elif alarm.state in _SHOWN:
            first = not is_active(line)
            self._lines[key] = msgspec.structs.replace(
                line,
                state=alarm.state,
                raised=alarm.index if first else line.raised,
                raised_wall=wall if first else line.raised_wall,
                evidence=alarm.evidence if first else line.evidence,
                now=alarm.evidence,
                priority=alarm.priority,
            )

    def _open_key(self, kind: str) -> tuple[str | None, int] | None:
        for key, line in self._lines.items():
            if line.kind == kind and line.state != "inactive" and line.earlier_session is None:
                return key
        return None

    def key(self, line: AlarmLine) -> tuple[str | None, int]:
        """What names this line in `asked`."""
        return (line.earlier_session, line.occurrence)

    def active(self) -> list[AlarmLine]:
        """What concerns a person now, most urgent first."""
        return sorted(filter(is_active, self._lines.values()), key=urgency)

    def log(self) -> list[AlarmLine]:
        """Every occurrence whose delay had run out, newest first, earlier sessions last."""
        seen = [a for a in self._lines.values() if a.raised >= 0 and a.state != "pending"]
        return sorted(seen, key=lambda a: (a.earlier_session is not None, -a.raised))

    def unanswered(self) -> int:
        """How many still wait for an acknowledgement."""
        return sum(map(needs_answer, self._lines.values()))


def _acknowledged(line: AlarmLine, index: int, wall: float | None) -> AlarmLine:
    return msgspec.structs.replace(
        line,
        state="acknowledged",
        acknowledged=index,
        acknowledged_wall=wall,
        acknowledge_pending=False,
    )


def _over(line: AlarmLine, index: int | None) -> AlarmLine:
    cleared = index if line.cleared is None else line.cleared
    return msgspec.structs.replace(
        line, state="inactive", condition=False, cleared=cleared, acknowledge_pending=False
    )
