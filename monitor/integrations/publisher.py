"""The one door out of the machine: what a core gives it goes to broker, command, webhook, metrics.

All of it is off by default, and then nothing is opened, started or imported. No call waits: each
way has threads of its own behind a bounded queue. What goes wrong outside is said by `said`, once
for each change, and counted in the metrics; it never stops the monitoring.

| caller          | uses                                  |
|-----------------|---------------------------------------|
| ``Core``        | ``Publisher(...)``, ``start``, ``close`` |
| a live session  | ``event``, ``state``                   |
"""

from __future__ import annotations

import secrets
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from dsp.stage import RATE_HZ
from monitor import events as ev
from monitor.config.load import Outward as OutwardSettings
from monitor.errors import RecordError, UsageError
from monitor.integrations.dispatcher import RANK, AlarmDispatcher
from monitor.integrations.identity import Bed, bed_of
from monitor.integrations.messages import (
    RECENT,
    AlarmMessage,
    BedState,
    alarm_message,
    topic,
)
from monitor.integrations.outbox import Outbox, OutboxMessage
from monitor.integrations.table import Table

if TYPE_CHECKING:
    from monitor.integrations.broker import Broker
    from monitor.integrations.metrics import MetricsServer
    from monitor.integrations.mqtt import Mqtt

CLOSE_S = 3.0
LINES = 100
"""Lines of trouble that may wait to be asked for."""

TRENDS = (ev.Quality, ev.Verdict, ev.Gap, ev.Fault)
"""Events that are sent as they come; vitals are sent every so often, beats and windows never."""

_decode = msgspec.json.Decoder(AlarmMessage).decode


class Publisher:
    """The door of one core.

    Parameters
    ----------
    folder
        Of the queue on disk.
    strict
        Refuse what cannot be opened; otherwise it is said and left out, so that a core that goes
        on is never kept from monitoring.

    Raises
    ------
    UsageError
        If a setting cannot be used: a file, an address, a port, a missing library.
    RecordError
        If the queue cannot be made.
    """

    def __init__(self, settings: OutwardSettings, folder: Path, *, strict: bool = True) -> None:
        self._settings = settings
        self._folder, self._instance = folder, secrets.token_hex(4)
        self._beds: dict[int, Bed] = {}
        self._slots: dict[str, int] = {}
        self._vitals_index: dict[str, int] = {}
        self._lock = threading.Lock()
        self._lines: deque[str] = deque(maxlen=LINES)
        self._over = threading.Event()
        self._table = Table()
        self._callers: dict[str, AlarmDispatcher] = {}
        self._mqtt: Mqtt | None = None
        self._server: MetricsServer | None = None
        for opening in (
            self._open_command,
            self._open_webhook,
            self._open_mqtt,
            self._open_metrics,
        ):
            try:
                opening(folder)
            except (UsageError, RecordError) as error:
                if strict:
                    self.close(0.0)
                    raise
                self._said(str(error))

    @property
    def on(self) -> bool:
        """Whether anything leaves the machine."""
        return bool(self._callers or self._mqtt or self._server)

    def start(self) -> None:
        for caller in self._callers.values():
            caller.start()
        if self._mqtt is not None:
            self._mqtt.start()
        if self._server is not None:
            self._server.start()

    def event(self, session: str, wall: float, event: ev.Event) -> None:
        """Take one line of a session.

        Parameters
        ----------
        wall
            Wall time of it (s since 1970), for people only.
        """
        if not self.on:
            return
        slot = str(self._slot(session) + 1)
        self._table.add("events_total", slot=slot, type=str(event.__struct_config__.tag))
        if isinstance(event, ev.Alarm):
            self._alarm(session, wall, event)
        elif self._mqtt is not None and (isinstance(event, TRENDS) or self._vitals(session, event)):
            bed = self._bed(session)
            body = {"bed": bed.id, "name": bed.name, "session": session, "wall": round(wall, 3)}
            body |= msgspec.to_builtins(event)
            self._put("trend", bed.id, msgspec.json.encode(body), alarm=False)

    def catch_up(self, session: str, wall: float, alarms: Iterable[ev.Alarm]) -> None:
        """Send what a core that died had recorded but not handed over; call before `event`.

        Parameters
        ----------
        alarms
            The recorded transitions of a session that goes on, in order; the last ones count.
        """
        if self._mqtt is None:
            return
        where = self._topic("alarm", self._bed(session).id)
        try:
            bodies = [letter.letter.body for letter in self._mqtt.outbox.recent(where)]
        except sqlite3.Error as error:
            self._said(f"outbox: {error}")
            return
        sent = [m for body in bodies if (m := _decode(body)).session == session]
        known = {(m.index, m.kind, m.state) for m in sent}
        first = min((m.index for m in sent), default=0)
        for alarm in list(alarms)[-RECENT:]:
            if alarm.index >= first and (alarm.index, alarm.kind, alarm.state) not in known:
                self._alarm(session, wall, alarm)

    def state(self, state: BedState) -> None:
        """Take the present state of a session; its names are filled in here."""
        if not self.on:
            return
        bed = self._bed(state.session)
        state = msgspec.structs.replace(
            state, bed=bed.id, name=bed.name, host=self._bed_at(0).id, instance=self._instance
        )
        self._measure(state)
        if self._mqtt is not None:
            self._mqtt.state(state)

    def said(self, line: str) -> None:
        """Add a line to `troubles`."""
        self._said(line)

    def troubles(self) -> list[str]:
        """Lines said since the last time."""
        with self._lock:
            lines = list(self._lines)
            self._lines.clear()
        return lines

    def close(self, limit_s: float = CLOSE_S) -> None:
        """Send what waits if time allows (the rest stays on disk), then close everything."""
        end_s = time.monotonic() + limit_s
        self._over.set()
        for caller in self._callers.values():
            caller.close(max(0.1, end_s - time.monotonic()))
        if self._mqtt is not None:
            self._mqtt.close(max(0.1, end_s - time.monotonic()))
        if self._server is not None:
            self._server.close()

    # ------------------------------------------------------------ inside

    def _open_command(self, _folder: Path) -> None:
        if self._settings.command:
            from monitor.integrations.command import Command

            call = Command(self._settings.command, self._settings.command_limit_s)
            self._callers["command"] = AlarmDispatcher("command", call, self._said)

    def _open_webhook(self, _folder: Path) -> None:
        s = self._settings
        if s.webhook:
            from monitor.integrations.webhook import Webhook

            hook = Webhook(s.webhook, s.webhook_header_file, s.webhook_limit_s, self._over)
            self._callers["webhook"] = AlarmDispatcher("webhook", hook, self._said)

    def _open_metrics(self, _folder: Path) -> None:
        if self._settings.metrics_port:
            from monitor.integrations.metrics import MetricsServer

            port = self._settings.metrics_port
            self._server = MetricsServer(port, self._table, self._refresh)

    def _open_mqtt(self, folder: Path) -> None:
        s = self._settings
        if not s.mqtt_host:
            return
        from monitor.integrations.broker import check
        from monitor.integrations.mqtt import Mqtt, Place

        broker = broker_of(s)
        check(broker)
        try:
            outbox = Outbox(folder, s.mqtt_queue)
        except (OSError, sqlite3.Error) as error:
            raise RecordError(f"{folder}: no queue for the broker can be kept: {error}") from None
        if outbox.damaged is not None:
            self._said(f"the queue for the broker was damaged; kept as {outbox.damaged.name}")
        place = Place(
            prefix=s.mqtt_prefix.strip("/"),
            bed=self._bed_at(0),
            discovery=s.mqtt_discovery,
            instance=self._instance,
        )
        self._mqtt = Mqtt(broker, place, outbox, self._said)

    def _slot(self, session: str) -> int:
        slot = self._slots.get(session)
        if slot is None:
            slot = self._slots[session] = len(self._slots)
            if self._mqtt is not None:
                self._mqtt.bed(self._bed_at(slot))
        return slot

    def _bed(self, session: str) -> Bed:
        return self._bed_at(self._slot(session))

    def _bed_at(self, slot: int) -> Bed:
        if slot not in self._beds:
            self._beds[slot] = bed_of(self._settings.bed, self._folder, slot)
        return self._beds[slot]

    def _alarm(self, session: str, wall: float, event: ev.Alarm) -> None:
        bed = self._bed(session)
        message = alarm_message(bed.id, bed.name, session, wall, event)
        if self._mqtt is not None and event.state != "pending":
            content = msgspec.to_builtins(message)
            del content["id"]
            self._put("alarm", bed.id, msgspec.json.encode(content), alarm=True)
        if event.state != "active":
            return
        slot = str(self._slot(session) + 1)
        self._table.add("alarms_total", slot=slot, kind=event.kind, priority=event.priority)
        if RANK[event.priority] >= RANK[self._settings.least]:
            for caller in self._callers.values():
                caller.put(message)

    def _put(self, what: str, bed: str, body: bytes, alarm: bool) -> None:
        assert self._mqtt is not None
        self._mqtt.put(OutboxMessage(self._topic(what, bed), body, alarm))

    def _topic(self, what: str, bed: str) -> str:
        return topic(self._settings.mqtt_prefix.strip("/"), bed, what)

    def _vitals(self, session: str, event: ev.Event) -> bool:
        """Whether this is a line of vitals whose turn it is."""
        if not isinstance(event, ev.Vitals):
            return False
        due = self._vitals_index.get(session, 0)
        if event.index < due:
            return False
        self._vitals_index[session] = event.index + round(self._settings.mqtt_trend_s * RATE_HZ)
        return True

    def _measure(self, state: BedState) -> None:
        table, slot = self._table, str(self._slot(state.session) + 1)
        table.set("heart_rate_per_minute", state.rate, slot=slot)
        table.set("signal_good", float(state.quality == "good"), slot=slot)
        table.set("source_alive", float(state.health == "healthy"), slot=slot)
        table.set("can_record", float(state.can_record), slot=slot)
        table.set("behind_seconds", state.behind_s, slot=slot)
        table.set("samples_total", state.index, slot=slot)
        table.set("lost_seconds_total", state.lost_s, slot=slot)
        table.set("gaps_total", state.gaps, slot=slot)
        open_now: list[str] = [a.priority for a in state.alarms if a.state in ("active", "latched")]
        for priority in RANK:
            table.set("alarms_open", open_now.count(priority), slot=slot, priority=priority)

    def _refresh(self) -> None:
        table = self._table
        table.set("up", 1)
        for way, caller in self._callers.items():
            table.set("outward_calls_total", caller.done, way=way, result="ok")
            table.set("outward_calls_total", caller.failed, way=way, result="failed")
            table.set("outward_dropped_total", caller.dropped, what=way)
        if self._mqtt is not None:
            outbox = self._mqtt.outbox
            table.set("outward_waiting", self._mqtt.waiting)
            table.set("outward_connected", float(self._mqtt.connected))
            table.set("outward_sent_total", self._mqtt.sent)
            trends = outbox.dropped_trends + self._mqtt.dropped
            table.set("outward_dropped_total", trends, what="mqtt_trend")
            table.set("outward_dropped_total", outbox.dropped_alarms, what="mqtt_alarm")

    def _said(self, line: str) -> None:
        with self._lock:
            self._lines.append(line)


def broker_of(settings: OutwardSettings) -> Broker:
    """The broker of the settings."""
    from monitor.integrations.broker import Broker

    return Broker(
        host=settings.mqtt_host,
        port=settings.mqtt_port,
        tls=settings.mqtt_tls,
        ca=settings.mqtt_ca,
        cert=settings.mqtt_cert,
        key=settings.mqtt_key,
        user=settings.mqtt_user,
        password_file=settings.mqtt_password_file,
    )
