"""Many beds as one ward sees them: what they said, who is silent, which alarms there were.

Pure: messages and the time come in, rows come out. Beds are told apart by their ids, names are for
people. Each alarm is kept once, whatever way and however often it came (``alarm``, ``recent``,
again after a restart of the broker), in the order in which it was heard. A bed that says nothing
for `SILENT_S` is a technical alarm of high priority; so is one whose last will was read, and an id
under which two monitors report. No message ends the ward, whatever is in it.
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
"""More beds than this are not taken, and that is said: the broker is not ours alone."""

ID_CHARACTERS = 128
NAME_CHARACTERS = 80
MOST_BYTES = 262_144
"""A message that is longer is not looked at."""

CLASH_S = 15.0
"""So long after two monitors spoke in turn under one id they are two still."""

FORMER = 8
"""Starts of the monitor of one bed that are remembered."""

KEPT = 400
"""Alarms kept of one bed."""

LOG = 5000
"""Entries of the log of the ward."""

_alarm = msgspec.json.Decoder(AlarmMessage).decode
_recent = msgspec.json.Decoder(Recent).decode
_state = msgspec.json.Decoder(BedState).decode


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the log: an alarm that was raised, or a bed that fell silent or came back.

    Attributes
    ----------
    wall
        When it was heard, by the clock of the ward; of what the broker had kept for us, when it
        happened by the bed's own.
    bed, name
        Id of the bed, and its name for people.
    kept
        Whether the broker had kept it.
    """

    wall: float
    bed: str
    priority: str
    kind: str
    evidence: str
    id: str
    name: str = ""
    kept: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """One bed as it is shown.

    Attributes
    ----------
    bed, name
        Its id, and its name for people.
    priority
        Of what is most urgent: high, medium, low, or none.
    answered
        Whether all of it was acknowledged.
    alarm
        The most urgent open alarm; None without one, or where nothing is known.
    silent_s
        Seconds of silence, None while the bed is heard.
    unheard
        Only what the broker had kept of it is known: it has not spoken since the ward began.
    clash
        Two monitors report under its id.
    strange
        Its last message was not understood.
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
    name: str = ""
    unheard: bool = False
    clash: bool = False
    strange: bool = False


@dataclass
class _Bed:
    heard_s: float
    live_s: float = float("-inf")
    spoke: bool = False
    """Whether a message came from it itself, and not from what the broker kept."""
    state: BedState | None = None
    name: str = ""
    online: bool | None = None
    silent: bool = False
    clash_s: float = float("-inf")
    clash: bool = False
    strange: bool = False
    instance: str = ""
    former: dict[str, None] = field(default_factory=dict)
    seen: dict[str, None] = field(default_factory=dict)

    @property
    def told(self) -> bool:
        """Whether anything of it was ever understood."""
        return self.state is not None or bool(self.seen)


class Ward:
    """All beds of one broker, by their ids."""

    def __init__(self) -> None:
        self._beds: dict[str, _Bed] = {}
        self._log: list[Entry] = []
        self._connected = False
        self._changed_s = 0.0
        self._fallen = 0
        self.strange = 0
        """Messages that were not understood."""
        self.turned_away: dict[str, None] = {}
        """Ids for which there was no room."""

    # ------------------------------------------------------------ what comes in

    def link(self, connected: bool, now: float) -> None:
        """The broker came or went. While it is away no bed can be blamed for its silence."""
        if connected != self._connected:
            self._connected, self._changed_s = connected, now
            if connected:
                for bed in self._beds.values():
                    bed.heard_s = max(bed.heard_s, now)

    def receive(
        self, topic: str, body: bytes, retained: bool, now: float, wall: float = 0.0
    ) -> list[Entry]:
        """Take a message, whatever it is; gives the alarms that are new.

        Parameters
        ----------
        now, wall
            Monotonic and wall time of its reception, in seconds.
        """
        head, _, what = topic.rpartition("/")
        bed_id = head.rpartition("/")[2]
        if not 0 < len(bed_id) <= ID_CHARACTERS or len(body) > MOST_BYTES:
            self.strange += 1
            return []
        bed = self._bed(bed_id, now)
        if bed is None:
            return []
        try:
            fresh = self._take(bed, bed_id, what, body, retained, now, wall)
        except Exception:  # noqa: BLE001 - one message, whatever is in it, never ends the ward
            self.strange += 1
            bed.strange = True
            return []
        if not retained and (what == "state" or bed.online):
            bed.heard_s = now
        return fresh

    def _bed(self, bed_id: str, now: float) -> _Bed | None:
        """The bed of an id; a new one takes the place of one that said nothing of sense."""
        bed = self._beds.get(bed_id)
        if bed is not None:
            return bed
        if len(self._beds) >= BEDS:
            useless = next((name for name, one in self._beds.items() if not one.told), None)
            if useless is None:
                if len(self.turned_away) < BEDS:
                    self.turned_away[bed_id] = None
                return None
            del self._beds[useless]
        bed = self._beds[bed_id] = _Bed(heard_s=now)
        return bed

    def _take(
        self,
        bed: _Bed,
        bed_id: str,
        what: str,
        body: bytes,
        retained: bool,
        now: float,
        wall: float,
    ) -> list[Entry]:
        """Take what a message says.

        Raises
        ------
        Exception
            Of any kind, if it cannot be understood.
        """
        if what == "state":
            state = _state(body)
            bed.state, bed.strange = state, False
            bed.name = harmless(state.name, NAME_CHARACTERS) or bed.name
            if not retained:
                bed.live_s, bed.spoke = now, True
                self._listen_for_others(bed, state.instance, now)
        elif what == "availability":
            bed.online = {ONLINE.encode(): True, OFFLINE.encode(): False}.get(body)
        elif what == "alarm":
            if not retained:
                bed.heard_s, bed.spoke = now, True
            return self._alarms(bed, bed_id, [_alarm(body)], retained, wall)
        elif what == "recent":
            return self._alarms(bed, bed_id, _recent(body).alarms, True, wall)
        return []

    def _listen_for_others(self, bed: _Bed, instance: str, now: float) -> None:
        """Two monitors that speak under one id speak in turn; one that was restarted does not."""
        if instance == bed.instance:
            return
        if instance in bed.former:
            bed.clash_s = now
        bed.former[bed.instance] = None
        if len(bed.former) > FORMER:
            del bed.former[next(iter(bed.former))]
        bed.instance = instance

    def _alarms(
        self, bed: _Bed, bed_id: str, alarms: list[AlarmMessage], kept: bool, wall: float
    ) -> list[Entry]:
        fresh = []
        for alarm in alarms:
            if alarm.id in bed.seen or not alarm.id:
                continue
            bed.seen[alarm.id] = None
            if len(bed.seen) > KEPT:
                del bed.seen[next(iter(bed.seen))]
            bed.name = bed.name or harmless(alarm.name, NAME_CHARACTERS)
            if alarm.state == "active":
                words = harmless(alarm.evidence, 200)
                kind = harmless(alarm.kind, 40)
                when = alarm.wall if kept else wall
                fresh.append(
                    Entry(when, bed_id, alarm.priority, kind, words, alarm.id, bed.name, kept)
                )
        self._log += fresh
        del self._log[:-LOG]
        return fresh

    def tick(self, now: float, wall: float) -> list[Entry]:
        """Let time pass; gives the beds that have fallen silent, are heard again, or are two."""
        changed = []
        for bed_id, bed in self._beds.items():
            clash = now - bed.clash_s < CLASH_S
            if clash and not bed.clash:
                words = "two monitors report under one id: their alarms cannot be told apart"
                changed.append(self._entry(wall, bed_id, bed, "high", "bed_clash", words))
            bed.clash = clash
            silent = self._silent(bed, now)
            if silent == bed.silent or (not self._connected and not silent):
                continue
            bed.silent = silent
            if not silent:
                entry = self._entry(wall, bed_id, bed, "low", "bed_back", "is heard again")
            elif bed.spoke:
                words = "nothing heard from it"
                entry = self._entry(wall, bed_id, bed, "high", "bed_silent", words)
            else:
                words = "not heard since this ward began; the broker kept its last word"
                entry = self._entry(wall, bed_id, bed, "medium", "bed_unheard", words)
            changed.append(entry)
        self._log += changed
        del self._log[:-LOG]
        return changed

    def _entry(
        self, wall: float, bed_id: str, bed: _Bed, priority: str, kind: str, words: str
    ) -> Entry:
        self._fallen += 1
        return Entry(wall, bed_id, priority, kind, words, f"ward:{self._fallen}", bed.name)

    # ------------------------------------------------------------ what is shown

    @property
    def log(self) -> list[Entry]:
        """In the order in which it was heard, newest first: no bed's clock orders anything."""
        return self._log[::-1]

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
        for bed_id, bed in self._beds.items():
            state = bed.state
            over = state is None or state.ended
            shown = [] if state is None or over else _by_urgency(state.alarms)
            first = shown[0] if shown else None
            silent = bed.silent and not (state is not None and state.ended)
            yield Row(
                bed=bed_id,
                name=bed.name,
                priority=_priority(bed, silent, first),
                answered=not silent
                and not bed.clash
                and not bed.strange
                and (first is None or first.state == "acknowledged"),
                alarm=first,
                more=max(0, len(shown) - 1),
                silent_s=max(0.0, now - bed.heard_s) if silent else None,
                state=state,
                fresh=self._connected and not over and now - bed.live_s <= FRESH_S,
                unheard=not bed.spoke,
                clash=bed.clash,
                strange=bed.strange,
            )

    def _silent(self, bed: _Bed, now: float) -> bool:
        if not self._connected:
            return bed.silent
        if bed.state is None or bed.state.ended:
            return False  # it never said that it monitors, or that it does not any more
        host = self._beds.get(bed.state.host)
        # A broker that was away says of every bed that it is offline, until the bed is back.
        settled = now - self._changed_s > SILENT_S
        offline = settled and (host or bed).online is False
        return offline or now - bed.heard_s > SILENT_S


def _priority(bed: _Bed, silent: bool, first: OpenAlarm | None) -> str:
    found: list[str] = [] if first is None else [first.priority]
    if bed.clash or (silent and bed.spoke):
        found.append("high")
    elif silent or bed.strange:
        found.append("medium")
    return max(found, key=lambda name: RANK.get(name, 0), default="none")


def _by_urgency(alarms: list[OpenAlarm]) -> list[OpenAlarm]:
    open_now = [a for a in alarms if a.state in ("active", "latched", "acknowledged")]
    return sorted(open_now, key=lambda a: (a.state == "acknowledged", -RANK[a.priority]))


def _urgency(row: Row) -> tuple[bool, int, bool, str]:
    rank = RANK.get(row.priority, 0)
    return row.answered, -rank, row.silent_s is None, row.bed
