"""Many beds as one ward sees them: what they said, who is silent, which alarms there were.

Pure: messages and the time come in, rows come out. Each alarm is kept once, whatever way and
however often it came (``alarm``, ``recent``, again after a restart of the broker). A bed that says
nothing for `SILENT_S` is a technical alarm of high priority; so is one whose last will was read.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import msgspec

from monitor.integrations.dispatcher import RANK
from monitor.integrations.messages import OFFLINE, ONLINE, AlarmMessage, BedState, OpenAlarm, Recent
from monitor.text import harmless

FRESH_S = 5.0
"""Numbers older than this vanish."""

SILENT_S = 7.0
"""A bed that was not heard for so long is silent: shown before ten seconds have passed."""

BEDS = 1000
"""More beds than this are not taken: the broker is not ours alone."""

KEPT = 400
"""Alarms kept of one bed."""

LOG = 5000
"""Entries of the log of the ward."""

_alarm = msgspec.json.Decoder(AlarmMessage).decode
_recent = msgspec.json.Decoder(Recent).decode
_state = msgspec.json.Decoder(BedState).decode


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the log: an alarm that was raised, or a bed that fell silent or came back."""

    wall: float
    bed: str
    priority: str
    kind: str
    evidence: str
    id: str


@dataclass(frozen=True, slots=True)
class Row:
    """One bed as it is shown.

    Attributes
    ----------
    priority
        Of what is most urgent: high, medium, low, or none.
    answered
        Whether all of it was acknowledged.
    alarm
        The most urgent open alarm; None without one, or where nothing is known.
    silent_s
        Seconds of silence, None while the bed is heard.
    """

    bed: str
    priority: str
    answered: bool
    alarm: OpenAlarm | None
    more: int
    silent_s: float | None
    state: BedState | None
    fresh: bool
    """Whether the numbers of ``state`` may be shown as those of now."""


@dataclass
class _Bed:
    heard_s: float
    live_s: float = float("-inf")
    state: BedState | None = None
    online: bool | None = None
    silent: bool = False
    seen: dict[str, None] = field(default_factory=dict)


class Ward:
    """All beds of one broker."""

    def __init__(self) -> None:
        self._beds: dict[str, _Bed] = {}
        self._log: list[Entry] = []
        self._connected = False
        self._changed_s = 0.0
        self._fallen = 0
        self.strange = 0
        """Messages that were not understood, or of too many beds."""

    # ------------------------------------------------------------ what comes in

    def link(self, connected: bool, now: float) -> None:
        """The broker came or went. While it is away no bed can be blamed for its silence."""
        if connected != self._connected:
            self._connected, self._changed_s = connected, now
            if connected:
                for bed in self._beds.values():
                    bed.heard_s = max(bed.heard_s, now)

    def receive(self, topic: str, body: bytes, retained: bool, now: float) -> list[Entry]:
        """Take a message; gives the alarms that are new."""
        name, _, what = topic.rpartition("/")
        name = harmless(name.rpartition("/")[2], 40)
        bed = self._beds.get(name)
        if bed is None:
            if len(self._beds) >= BEDS or not name:
                self.strange += 1
                return []
            bed = self._beds[name] = _Bed(heard_s=now)
        try:
            if what == "state":
                bed.state = _state(body)
                bed.live_s = bed.live_s if retained else now
            elif what == "availability":
                bed.online = {ONLINE.encode(): True, OFFLINE.encode(): False}.get(body)
            elif what == "alarm":
                return self._alarms(bed, name, [_alarm(body)], now if not retained else None)
            elif what == "recent":
                return self._alarms(bed, name, _recent(body).alarms, None)
        except (msgspec.DecodeError, ValueError):
            self.strange += 1
            return []
        if not retained and (what == "state" or bed.online):
            bed.heard_s = now
        return []

    def _alarms(
        self, bed: _Bed, name: str, alarms: list[AlarmMessage], heard_s: float | None
    ) -> list[Entry]:
        if heard_s is not None:
            bed.heard_s = heard_s
        fresh = []
        for alarm in alarms:
            if alarm.id in bed.seen or not alarm.id:
                continue
            bed.seen[alarm.id] = None
            if len(bed.seen) > KEPT:
                del bed.seen[next(iter(bed.seen))]
            if alarm.state == "active":
                words = harmless(alarm.evidence, 200)
                kind = harmless(alarm.kind, 40)
                fresh.append(Entry(alarm.wall, name, alarm.priority, kind, words, alarm.id))
        self._log += fresh
        del self._log[:-LOG]
        return fresh

    def tick(self, now: float, wall: float) -> list[Entry]:
        """Let time pass; gives the beds that have fallen silent, or are heard again."""
        changed = []
        for name, bed in self._beds.items():
            silent = self._silent(bed, now)
            if silent == bed.silent or (not self._connected and not silent):
                continue
            bed.silent = silent
            self._fallen += 1
            words = "nothing heard from it" if silent else "is heard again"
            kind = "bed_silent" if silent else "bed_back"
            priority = "high" if silent else "low"
            changed.append(Entry(wall, name, priority, kind, words, f"ward:{self._fallen}"))
        self._log += changed
        return changed

    # ------------------------------------------------------------ what is shown

    @property
    def log(self) -> list[Entry]:
        """Newest first."""
        return sorted(self._log, key=lambda entry: entry.wall, reverse=True)

    @property
    def connected(self) -> bool:
        """Whether the broker is there."""
        return self._connected

    def away_s(self, now: float) -> float:
        """Seconds since the broker was last there; 0 while it is."""
        return 0.0 if self._connected else now - self._changed_s

    def rows(self, now: float) -> list[Row]:
        """All beds, the most urgent first, then by name."""
        return sorted(self._rows(now), key=_urgency)

    def _rows(self, now: float) -> Iterator[Row]:
        for name, bed in self._beds.items():
            state = bed.state
            over = state is None or state.ended
            shown = [] if state is None or over else _by_urgency(state.alarms)
            first = shown[0] if shown else None
            silent = bed.silent and not (state is not None and state.ended)
            yield Row(
                bed=name,
                priority="high" if silent else "none" if first is None else first.priority,
                answered=not silent and (first is None or first.state == "acknowledged"),
                alarm=first,
                more=max(0, len(shown) - 1),
                silent_s=max(0.0, now - bed.heard_s) if silent else None,
                state=state,
                fresh=self._connected and not over and now - bed.live_s <= FRESH_S,
            )

    def _silent(self, bed: _Bed, now: float) -> bool:
        if not self._connected:
            return bed.silent
        if bed.state is not None and bed.state.ended:
            return False
        host = self._beds.get(bed.state.host) if bed.state is not None else None
        # A broker that was away says of every bed that it is offline, until the bed is back.
        settled = now - self._changed_s > SILENT_S
        offline = settled and (host or bed).online is False
        return offline or now - bed.heard_s > SILENT_S


def _by_urgency(alarms: list[OpenAlarm]) -> list[OpenAlarm]:
    open_now = [a for a in alarms if a.state in ("active", "latched", "acknowledged")]
    return sorted(open_now, key=lambda a: (a.state == "acknowledged", -RANK[a.priority]))


def _urgency(row: Row) -> tuple[bool, int, bool, str]:
    rank = RANK.get(row.priority, 0)
    return row.answered, -rank, row.silent_s is None, row.bed
