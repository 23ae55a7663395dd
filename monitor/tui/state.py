"""What the screen knows: one object that messages of the core go into and every panel reads.

No Textual here, no socket and no clock of its own: `ScreenState.receive(message, now)` with
monotonic seconds. Rules that save the product live here: a number is given out only while the
core speaks, its status is fresh and the signal is there (`SessionState.trusted`).
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from monitor import events as ev
from monitor.events import RATE_HZ
from monitor.link import messages as ms
from monitor.tui import words
from monitor.tui.alarmbook import AlarmBook
from monitor.tui.series import Series
from monitor.tui.waves import HOLD_BACK, REPLAY_HOLD_BACK, PlayHead, WaveStore

SILENT_S = 2.0
"""Without any message for this long the core counts as not responding."""
RATE_KEPT_S = 6.0
"""Without a new beat for this long the rate is no longer shown (delay of heart_lost)."""
BEATS_KEPT = 8000
"""Half an hour at 220/min and more, as long as the waveform is kept."""


@dataclass
class SessionState:
    """One stream as its messages tell it."""

    id: str
    status: ms.Status | None = None
    status_at: float = 0.0
    waves: WaveStore = field(default_factory=WaveStore)
    head: PlayHead = field(default_factory=PlayHead)
    beats: deque[ev.Beat] = field(default_factory=lambda: deque(maxlen=BEATS_KEPT))
    gaps: deque[ev.Gap] = field(default_factory=lambda: deque(maxlen=1000))
    marks: deque[ev.Mark] = field(default_factory=lambda: deque(maxlen=1000))
    trend: Series = field(default_factory=Series)
    alarms: AlarmBook = field(default_factory=AlarmBook)
    settings: dict[str, str | int | float | bool | None] = field(default_factory=dict)
    annotated: list[tuple[int, int]] = field(default_factory=list)
    """Of a replay: annotated onsets, as (index, 1 or 2)."""

    def snapshot(self, message: ms.Snapshot, now: float) -> None:
        """Start afresh from the full state."""
        self.alarms.restart(message.alarms)
        self.beats.clear()
        self.beats.extend(message.beats)
        if message.status.play is not None:  # the play-head may have gone back
            self.waves = WaveStore()
        for wave in message.waves:
            self.waves.add(wave)
        replay = message.status.play is not None
        self.head = PlayHead(REPLAY_HOLD_BACK if replay else HOLD_BACK)
        if message.waves:
            self.head.arrived(self.waves.end, now)
        self.trend.restart(message.trend)
        if message.gaps or message.status.play is not None:
            self.gaps = deque(message.gaps, 1000)
        if message.marks:
            self.marks = deque(message.marks, 1000)
        self.settings = dict(message.settings) or self.settings
        self.annotated = list(message.annotated)
        self.take(message.status, now)

    def take(self, status: ms.Status, now: float) -> None:
        """Take a newer status."""
        self.status = status
        self.status_at = now
        self.alarms.update(status.alarms, status.index)
        self.trend.add(status.index, status.rate, status.p)

    def wave(self, message: ms.Wave, now: float) -> None:
        """Take a piece of waveform."""
        self.waves.add(message)
        self.head.arrived(self.waves.end, now)

    def event(self, event: ev.Event, now: float) -> None:
        """Take one event."""
        if isinstance(event, ev.Beat):
            self.beats.append(event)
        elif isinstance(event, ev.Gap):
            self.gaps.append(event)
        elif isinstance(event, ev.Mark):
            self.marks.append(event)
        elif isinstance(event, ev.Alarm):
            self.alarms.event(event, self.wall(now))
        elif isinstance(event, ev.Session):
            self.settings = dict(event.settings)

    @property
    def play(self) -> ms.Play | None:
        """The play-head of a replay, None live."""
        return None if self.status is None else self.status.play

    def age(self, now: float) -> float:
        """Seconds since the last status."""
        return max(0.0, now - self.status_at)

    def wall(self, now: float) -> float | None:
        """Wall time of ``now`` (s since 1970); None in a replay, and before the first status."""
        status = self.status
        if status is None or status.play is not None:
            return None
        waited = status.clock_s - status.index / RATE_HZ
        return status.wall + waited + now - self.status_at

    def time(self, index: int, wall: float | None = None) -> str:
        """Time of day of a sample index, or of ``wall`` where that is known; of a replay the
        time in the recording."""
        status = self.status
        if status is None or status.play is not None:
            return words.at(index)
        if wall is None:
            wall = status.wall + (index - status.index) / RATE_HZ
        return words.time_of_day(wall, status.wall)

    def since(self, line: ms.AlarmLine) -> str:
        """When the signal of an alarm came that is on now, or was the last."""
        if line.earlier_session is not None and line.raised_wall is None:
            return "earlier "  # of another session, whose clock is not known
        if line.since >= 0:
            return self.time(line.since, line.since_wall)
        return self.time(line.raised, line.raised_wall)

    def lost(self) -> bool:
        """Whether the core says that no sound comes."""
        return self.status is not None and self.status.health in words.LOST_HEALTH

    def ended(self) -> bool:
        """Whether the stream is over."""
        return self.status is not None and self.status.health == "ended"

    def trusted(self, now: float) -> bool:
        """Whether the numbers of the last status may still be shown."""
        return self.status is not None and not self.lost() and self.age(now) <= SILENT_S

    def rate(self, now: float) -> float | None:
        """Heart rate to show, None where it is unknown or too old."""
        status = self.status
        if status is None or not self.trusted(now) or status.rate_age_s is None:
            return None
        if self.ended():
            return None
        return status.rate if status.rate_age_s + self.age(now) <= RATE_KEPT_S else None


class ScreenState:
    """Everything heard over the link, and how long it has been silent."""

    def __init__(self) -> None:
        self.sessions: dict[str, SessionState] = {}
        self.current: str | None = None
        self.core: ms.Hello | None = None
        self.bye: str | None = None
        self.heard_at: float | None = None
        self.connected = False
        self.attempts = 0
        self.trouble = ""
        self.levels: ms.Levels | None = None
        """Of all input devices, while this screen asked for them."""
        self.levels_at = 0.0
        self.started_at: float | None = None
        self._beat = -1

    def begin(self, now: float) -> None:
        """Start counting silence from here, before the first message."""
        self.started_at = now

    def link(self, connected: bool, attempts: int = 0, trouble: str = "") -> None:
        """Note what the connection says of itself."""
        self.connected, self.attempts, self.trouble = connected, attempts, trouble

    def receive(self, message: ms.FromCore, now: float) -> None:
        """Take one message of the core."""
        if not isinstance(message, ms.Heartbeat):
            self.heard_at = now
        elif message.beat != self._beat:  # it counts work done: a mere link is no life
            self.heard_at, self._beat = now, message.beat
        if isinstance(message, ms.Hello):
            self.core, self.bye = message, None
            for session in message.sessions:
                self._session(session)
        elif isinstance(message, ms.Snapshot):
            self._session(message.status.session).snapshot(message, now)
        elif isinstance(message, ms.Status):
            self._session(message.session).take(message, now)
        elif isinstance(message, ms.Wave):
            self._session(message.session).wave(message, now)
        elif isinstance(message, ms.EventLine):
            self._session(message.session).event(message.event, now)
        elif isinstance(message, ms.Levels):
            self.levels, self.levels_at = message, now
        elif isinstance(message, ms.Bye):
            self.bye = message.reason

    def _session(self, name: str) -> SessionState:
        if name not in self.sessions:
            self.sessions[name] = SessionState(name)
            self.current = self.current or name
        return self.sessions[name]

    def shown(self) -> SessionState | None:
        """The session on the screen."""
        return self.sessions.get(self.current) if self.current else None

    def next_session(self) -> None:
        """Show the next session, the first after the last."""
        names = list(self.sessions)
        if self.current in names:
            self.current = names[(names.index(self.current) + 1) % len(names)]

    def silent_s(self, now: float) -> float:
        """Seconds since anything was heard (since the start, before the first message)."""
        since = self.heard_at if self.heard_at is not None else self.started_at
        return 0.0 if since is None else max(0.0, now - since)

    def silent(self, now: float) -> bool:
        """Whether CORE NOT RESPONDING is to be shown."""
        return self.silent_s(now) > SILENT_S
