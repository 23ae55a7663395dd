"""What a core publishes on its link, handed to the door out of the machine."""

from __future__ import annotations

from pathlib import Path

from msgspec.structs import replace

from monitor import events as ev
from monitor.clock import Clock
from monitor.integrations.messages import BedState, OpenAlarm
from monitor.integrations.publisher import Publisher
from monitor.link.messages import EventLine, FromCore, Status
from monitor.record.store import Archive


class Reporter:
    """Translates between the link and the door."""

    def __init__(self, outward: Publisher, clock: Clock) -> None:
        self._outward, self._clock = outward, clock
        self._last: dict[str, BedState] = {}

    def take(self, message: FromCore) -> None:
        """Take a message of the link."""
        if not self._outward.on:
            return
        try:
            if isinstance(message, EventLine):
                self._outward.event(message.session, self._clock.wall(), message.event)
            elif isinstance(message, Status):
                state = self._last[message.session] = state_of(message)
                self._outward.state(state)
        except Exception as error:  # noqa: BLE001 - said; what leaves must not stop what listens
            self._outward.said(f"a report failed: {error!r}")

    def catch_up(self, store: Path) -> None:
        """Hand over what the core before this one had recorded, but perhaps not sent."""
        if not self._outward.on:
            return
        with Archive(store) as archive:
            for row in archive.open_sessions():
                lines = archive.events(row.id, ("alarm",))
                alarms = [event for _, event in lines if isinstance(event, ev.Alarm)]
                self._outward.catch_up(row.id, self._clock.wall(), alarms)

    def ended(self) -> None:
        """The sessions are over, in order: nobody shall miss them."""
        for state in self._last.values():
            self._outward.state(replace(state, ended=True, alarms=[]))


def state_of(status: Status) -> BedState:
    """What the network is told of a status: no device, no label, no text of a person."""
    return BedState(
        session=status.session,
        index=status.index,
        wall=round(status.wall, 3),
        source=status.source,
        health=status.health,
        rate=None if status.rate is None else round(status.rate, 1),
        quality=status.quality,
        verdict=status.verdict,
        p=None if status.p is None else round(status.p, 4),
        windows=status.windows,
        gaps=status.gaps,
        lost_s=round(status.lost_s, 3),
        behind_s=round(status.behind_s, 3),
        can_record=status.can_record,
        audio_paused_s=round(status.audio_paused_s, 1),
        alarms=[
            OpenAlarm(
                kind=line.kind,
                priority=line.priority,
                state=line.state,
                evidence=line.evidence,
                raised=line.raised,
            )
            for line in status.alarms
            if line.earlier_session is None and line.state in ("active", "acknowledged", "latched")
        ],
    )
