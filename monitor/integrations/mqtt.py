"""The way to the broker: a thread that writes the outbox, and one that empties it.

Nobody who reports waits for disk or network: `put` and `state` only lay down. Letters are sent in
the order of their numbers and forgotten when the broker has confirmed them; after a broken
connection everything unconfirmed is sent again, first, under the same ids.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from monitor.integrations import discovery
from monitor.integrations.broker import Broker, BrokerGone, BrokerLink
from monitor.integrations.identity import Bed
from monitor.integrations.messages import OFFLINE, ONLINE, STATE_S, BedState, numbered, topic
from monitor.integrations.outbox import Outbox, OutboxMessage

IN_MEMORY = 20_000
"""Letters that may wait for the disk; beyond that trends are dropped."""

IN_FLIGHT = 20
TURN_S = 0.1
WAITS_S = (0.2, 0.5, 1.0, 2.0, 5.0)
REFUSED_WAIT_S = 10.0
DISK_RETRY_S = 1.0
MOST_BYTES = 262_144
"""A message that is longer is not looked at."""

RECENT_S = 1.0
"""Least time between two messages of recent alarms."""


class _Whose(msgspec.Struct):
    """The one part of a state that tells who spoke."""

    instance: str = ""


_whose = msgspec.json.Decoder(_Whose).decode


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a bed stands at the broker."""

    prefix: str
    bed: Bed
    discovery: str = ""
    instance: str = ""
    """Of this start of the monitor."""


class Mqtt:
    """Reports of one machine.

    Parameters
    ----------
    outbox
        Opened; closed by `close`.
    said
        Called from these threads with a line when something fails, or works again.
    """

    def __init__(
        self, broker: Broker, place: Place, outbox: Outbox, said: Callable[[str], None]
    ) -> None:
        self._broker, self._place, self._said = broker, place, said
        self.outbox = outbox
        self._changed = threading.Condition()
        self._letters: deque[OutboxMessage] = deque()
        self._states: dict[str, BedState] = {}
        self._beds: dict[str, Bed] = {}
        self._stale: set[str] = set()
        self._over = threading.Event()
        self._written = threading.Event()
        self._trouble = ""
        self._clash = False
        self.connected = False
        self.sent = self.dropped = self.refused = 0
        self._threads = [
            threading.Thread(target=self._write, name="outbox", daemon=True),
            threading.Thread(target=self._send, name="mqtt", daemon=True),
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def bed(self, bed: Bed) -> None:
        """Announce a bed of this machine."""
        with self._changed:
            self._beds[bed.id] = bed

    def put(self, letter: OutboxMessage) -> None:
        """Lay a letter down; never waits."""
        with self._changed:
            if len(self._letters) >= IN_MEMORY and not letter.alarm:
                self.dropped += 1
                return
            self._letters.append(letter)
            self._changed.notify()

    def state(self, state: BedState) -> None:
        """Lay the newest state of a bed down."""
        with self._changed:
            self._states[state.bed] = state

    def close(self, limit_s: float) -> bool:
        """Send what waits, say that we leave; False if something waits still (it is on disk)."""
        end_s = time.monotonic() + limit_s
        with self._changed:
            self._over.set()
            self._changed.notify()
        for thread in (t for t in self._threads if t.ident is not None):
            thread.join(max(0.0, end_s - time.monotonic()))
        if any(thread.is_alive() for thread in self._threads):
            return False
        try:
            done = self.outbox.waiting() == 0
        except sqlite3.Error:
            done = False
        self.outbox.close()
        return done

    @property
    def waiting(self) -> int:
        """Letters that the broker has not confirmed."""
        try:
            return self.outbox.waiting() + len(self._letters)
        except sqlite3.Error:
            return len(self._letters)

    # ------------------------------------------------------------ the thread of the outbox

    def _write(self) -> None:
        while True:
            with self._changed:
                while not self._letters and not self._over.is_set():
                    self._changed.wait()
                batch = list(self._letters)
                self._letters.clear()
            if batch:
                self._keep(batch)
            elif self._over.is_set():
                self._written.set()
                return

    def _keep(self, batch: list[OutboxMessage]) -> None:
        try:
            self.outbox.put(batch)
        except sqlite3.Error as error:
            self._tell(f"outbox: {error}")
            if self._over.is_set():
                return
            with self._changed:
                self._letters.extendleft(reversed(batch))
            self._over.wait(DISK_RETRY_S)
            return
        with self._changed:
            self._stale.update(letter.topic for letter in batch if letter.alarm)

    # ------------------------------------------------------------ the thread of the network

    def _send(self) -> None:
        failures = 0
        will = (self._topic(self._place.bed.id, "availability"), OFFLINE)
        name = f"apexbeat-{self.outbox.origin}-{self._place.instance}"
        while True:
            link = None
            try:
                link = BrokerLink(self._broker, name, will, self._overheard)
                link.open()
                failures = 0
                self.connected = True
                self._tell("")
                self._greet(link)
                _Delivery(self, link).run()
                return
            except BrokerGone as error:
                self._tell(f"broker {self._broker.host} {error}")
            except Exception as error:  # noqa: BLE001 - said; the thread must go on
                self._tell(f"broker {self._broker.host}: {error!r}")
            finally:
                if link is not None:
                    link.drop()
            self.connected = False
            wait_s = WAITS_S[min(failures, len(WAITS_S) - 1)]
            failures += 1
            if self._over.wait(wait_s):
                return

    def _greet(self, link: BrokerLink) -> None:
        """Say who is here; all of it retained, so that a broker that forgot knows again."""
        link.subscribe(self._topic(self._place.bed.id, "state"))
        link.publish(self._topic(self._place.bed.id, "availability"), ONLINE, retain=True)
        with self._changed:
            beds = list(self._beds.values())
            self._stale.update(self._topic(bed.id, "alarm") for bed in beds)
        for bed in beds:
            self._announce(link, bed)

    def _announce(self, link: BrokerLink, bed: Bed) -> None:
        place = self._place
        if place.discovery:
            for where, body in discovery.configs(place.discovery, place.prefix, bed, place.bed.id):
                link.publish(where, body, retain=True)

    def _overheard(self, topic: str, body: bytes, retained: bool) -> None:
        """What comes under our own id: from anybody else, it means that two beds share it."""
        if retained or len(body) > MOST_BYTES:
            return
        try:
            instance = _whose(body).instance
        except Exception:  # noqa: BLE001 - whatever it was, it was not ours
            instance = "unknown"
        if instance != self._place.instance and not self._clash:
            self._clash = True
            self._said(
                f"another monitor reports as this bed ({self._place.bed.id}): its alarms and ours "
                "are shown as those of one; give each its own store and [outward] bed"
            )

    def _topic(self, bed: str, what: str) -> str:
        return topic(self._place.prefix, bed, what)

    def _tell(self, trouble: str) -> None:
        if trouble == self._trouble:
            return
        self._said(trouble or "the broker is there again")
        self._trouble = trouble


class _Delivery:
    """Sends over one connection until it breaks or all is over."""

    def __init__(self, owner: Mqtt, link: BrokerLink) -> None:
        self._owner, self._link = owner, link
        self._under_way: dict[int, tuple[int, bool]] = {}
        self._last = 0
        self._announced = set(owner._beds)
        self._state_s: dict[str, float] = {}
        self._hold_until_s = 0.0
        self._recent_s = 0.0

    def run(self) -> None:
        owner, link = self._owner, self._link
        while True:
            now_s = time.monotonic()
            sent = self._letters() if now_s >= self._hold_until_s else 0
            if now_s >= self._recent_s:
                self._recent()
            self._state(now_s)
            link.turn(0.0 if sent else TURN_S)
            self._confirm()
            if owner._written.is_set() and self._empty():
                break
        self._leave()

    def _letters(self) -> int:
        owner = self._owner
        room = IN_FLIGHT - len(self._under_way)
        found = owner.outbox.after(self._last, room) if room > 0 else []
        for waiting in found:
            letter = waiting.letter
            body = numbered(letter.body, owner.outbox.origin, waiting.number)
            mid = self._link.publish(letter.topic, body)
            self._under_way[mid] = (waiting.number, letter.alarm)
            self._last = waiting.number
        return len(found)

    def _confirm(self) -> None:
        owner = self._owner
        done: list[int] = []
        for mid, refused in self._link.confirmed:
            number, alarm = self._under_way.pop(mid, (0, False))
            if not number:
                continue
            if refused:
                owner.refused += 1
                owner._tell(f"broker {owner._broker.host} does not take our messages: {refused}")
                if alarm:  # it stays, and with it the order: again in a while
                    self._hold_until_s = time.monotonic() + REFUSED_WAIT_S
                    self._last = min(self._last, number - 1)
                    continue
            done.append(number)
        self._link.confirmed.clear()
        owner.sent += len(done)
        owner.outbox.sent(done)

    def _recent(self) -> None:
        owner = self._owner
        with owner._changed:
            stale, owner._stale = owner._stale, set()
        if stale:
            self._recent_s = time.monotonic() + RECENT_S
        for where in stale:
            letters = owner.outbox.recent(where)
            if letters:
                bodies = [numbered(w.letter.body, owner.outbox.origin, w.number) for w in letters]
                body = b'{"alarms":[' + b",".join(bodies) + b"]}"
                self._link.publish(where.removesuffix("alarm") + "recent", body, retain=True)

    def _state(self, now_s: float) -> None:
        owner = self._owner
        due = []
        with owner._changed:
            for name in list(owner._states):
                if now_s - self._state_s.get(name, float("-inf")) >= STATE_S:
                    due.append(owner._states.pop(name))
            new = [bed for bed in owner._beds.values() if bed.id not in self._announced]
        for bed in new:
            self._announced.add(bed.id)
            owner._announce(self._link, bed)
        for state in due:
            self._state_s[state.bed] = now_s
            self._say(state)

    def _say(self, state: BedState) -> None:
        where = self._owner._topic(state.bed, "state")
        content = msgspec.to_builtins(state) | {"priority": state.priority}
        self._link.publish(where, msgspec.json.encode(content), qos=0, retain=True)

    def _empty(self) -> bool:
        return not self._under_way and self._owner.outbox.waiting() == 0

    def _leave(self) -> None:
        owner = self._owner
        with owner._changed:
            states = list(owner._states.values())
        for state in states:
            self._say(state)
        self._recent()
        where = owner._topic(owner._place.bed.id, "availability")
        mid = self._link.publish(where, OFFLINE, retain=True)
        for _ in range(20):
            self._link.turn(TURN_S)
            if any(known == mid for known, _ in self._link.confirmed):
                break
        self._link.close()
        owner.connected = False
