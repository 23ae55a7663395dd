"""A thread that listens to the beds of a broker, and comes back by itself."""

from __future__ import annotations

import secrets
import threading
from collections import deque
from dataclasses import dataclass

from monitor.errors import UsageError
from monitor.integrations.broker import Broker, BrokerGone, BrokerLink

TURN_S = 0.2
WAITS_S = (0.2, 0.5, 1.0, 2.0)
SESSION_S = 600
"""So long the broker keeps alarms for a ward that was cut off."""

WAITING = 200_000
WAITING_BYTES = 64 * 2**20
TOPICS = ("availability", "state", "alarm", "recent")


@dataclass(frozen=True, slots=True)
class ReceivedMessage:
    """A message, or (without a topic) a change of the connection: a trouble, empty for none."""

    topic: str
    body: bytes
    retained: bool = False


class Listening:
    """Hears all beds under a prefix.

    Parameters
    ----------
    prefix
        First part of the topics.
    """

    def __init__(self, broker: Broker, prefix: str) -> None:
        self._broker = broker
        self._topics = [f"{prefix}/+/{what}" for what in TOPICS]
        self._name = f"apexbeat-ward-{secrets.token_hex(4)}"
        self._heard: deque[ReceivedMessage] = deque(maxlen=WAITING)
        self._bytes = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="ward", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        self._over.set()
        self._thread.join(2.0)

    def take(self) -> list[ReceivedMessage]:
        """What was heard since the last time, in order."""
        found = []
        while self._heard:
            found.append(self._heard.popleft())
        self._bytes = 0
        return found

    def _run(self) -> None:
        failures = 0
        while not self._over.is_set():
            try:
                link = BrokerLink(
                    self._broker, self._name, received=self._received, session_s=SESSION_S
                )
            except UsageError as error:
                self._heard.append(ReceivedMessage("", str(error).encode()))
                self._over.wait(WAITS_S[-1])
                continue
            try:
                link.open()
                link.subscribe(*self._topics)
                failures = 0
                self._heard.append(ReceivedMessage("", b""))
                while not self._over.is_set():
                    link.turn(TURN_S)
                link.close()
            except BrokerGone as error:
                link.drop()
                self._heard.append(ReceivedMessage("", str(error).encode()))
            self._over.wait(WAITS_S[min(failures, len(WAITS_S) - 1)])
            failures += 1

    def _received(self, topic: str, body: bytes, retained: bool) -> None:
        if self._bytes > WAITING_BYTES:
            raise BrokerGone("more came than can be taken in; joining again")
        self._bytes += len(body) + len(topic)
        self._heard.append(ReceivedMessage(topic, body, retained))
