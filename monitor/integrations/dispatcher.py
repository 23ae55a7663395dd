"""A worker that makes one outside call per alarm, one after the other, behind a bounded queue.

Used by `command` and `webhook`. A full queue drops the new alarm of the lowest rank and counts
it; a call that fails is counted and said. Nobody who hands over an alarm waits.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

from monitor.integrations.messages import AlarmMessage
from monitor.text import harmless

QUEUE = 100
RANK = {"low": 1, "medium": 2, "high": 3}


class CallFailed(Exception):
    """One line that says why."""


class AlarmDispatcher:
    """One kind of call.

    Parameters
    ----------
    name
        Of the thread, and in what is said.
    call
        Makes the call or raises `CallFailed`; it must keep its own time limit.
    said
        Called from the thread with a line when a call fails or an alarm is dropped.
    """

    def __init__(
        self, name: str, call: Callable[[AlarmMessage], None], said: Callable[[str], None]
    ) -> None:
        self._name, self._call, self._said = name, call, said
        self._changed = threading.Condition()
        self._alarms: deque[AlarmMessage] = deque()
        self._over = False
        self.done = self.failed = self.dropped = 0
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def put(self, alarm: AlarmMessage) -> None:
        """Hand an alarm over; never waits."""
        with self._changed:
            self._alarms.append(alarm)
            if len(self._alarms) > QUEUE:
                self.dropped += 1
                least = min(self._alarms, key=lambda a: RANK[a.priority])
                self._alarms.remove(least)
            self._changed.notify()

    def close(self, limit_s: float) -> bool:
        """Make the calls that wait, then end; False if time was too short."""
        with self._changed:
            self._over = True
            self._changed.notify()
        if self._thread.ident is None:
            return True
        self._thread.join(limit_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        dropped = 0
        while True:
            with self._changed:
                while not self._alarms and not self._over:
                    self._changed.wait()
                if not self._alarms:
                    return
                alarm = self._alarms.popleft()
            try:
                self._call(alarm)
                self.done += 1
            except CallFailed as error:
                self.failed += 1
                self._said(f"{self._name} for {alarm.kind} failed: {error}")
            except Exception as error:  # noqa: BLE001 - said; the next alarm must still go out
                self.failed += 1
                self._said(f"{self._name} for {alarm.kind} failed: {harmless(repr(error))}")
            if self.dropped > dropped:
                self._said(f"{self._name}: {self.dropped - dropped} alarms too many were dropped")
                dropped = self.dropped
