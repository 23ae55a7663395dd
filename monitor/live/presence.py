"""Whether a core can be found, and whether somebody watches over it.

`Presence` looks from a thread of its own, once a second, that the socket, the lock and the note of
the address are still where they belong, and makes them again. `SupervisorWatch` turns the beats of
the supervisor into two conditions of every session: nobody answers, and nobody can hear.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from pathlib import Path

from monitor import events as ev
from monitor.clock import Clock
from monitor.errors import RecordError
from monitor.link import address as where
from monitor.link.server import Server
from monitor.system.store_lock import StoreLock

LOOK_S = 1.0
UNSUPERVISED_S = 2.0
"""A supervisor that has said nothing for so long is gone, stopped or hung."""

TURN_S = 0.25
"""Time between two looks counts as silence up to this: if we stood still, so may have the link."""

GONE = "no supervisor answers: alarms make no sound and a dead core stays dead; 'apexbeat attach'"


class Presence:
    """Keeps one core findable."""

    def __init__(self, store: Path, server: Server, lock: StoreLock) -> None:
        self._store, self._server, self._lock = store, server, lock
        self._over = threading.Event()
        self._look()
        threading.Thread(target=self._run, name="presence", daemon=True).start()

    def close(self) -> None:
        """Leave things as they are."""
        self._over.set()

    def _run(self) -> None:
        while not self._over.wait(LOOK_S):
            self._look()

    def _look(self) -> None:
        # What cannot be made now is tried again in a second; that the store is gone, its writer
        # says, and that nobody can attach, nobody else could be told.
        with contextlib.suppress(OSError, RecordError):
            if not self._server.address.exists():
                self._server.listen_again()
        with contextlib.suppress(OSError, RecordError):
            if self._store.is_dir():
                self._lock.renew()
                where.note(self._store, self._server.address)


class SupervisorWatch:
    """What is known of the supervisor, as conditions of every session.

    Parameters
    ----------
    tell
        Gets each condition that comes or goes.

    Attributes
    ----------
    alive
        Whether it answers.
    """

    def __init__(self, clock: Clock, tell: Callable[[ev.Condition], None]) -> None:
        self._clock, self._tell = clock, tell
        self._silent_s = 0.0
        self._looked_s = clock.monotonic()
        self._unheard = ""
        self.alive = True

    @property
    def present(self) -> list[ev.Condition]:
        """Conditions that are present now, for a session that begins."""
        lost = [] if self.alive else [ev.Condition("supervisor_lost", True, GONE)]
        deaf = [ev.Condition("alarms_unheard", True, self._unheard)] if self._unheard else []
        return lost + deaf

    def beat(self, unheard: str) -> None:
        """It lives; why alarms cannot be heard, empty if they can."""
        self._silent_s = 0.0
        if unheard != self._unheard:
            self._unheard = unheard
            words = unheard or "they can be heard again"
            self._tell(ev.Condition("alarms_unheard", bool(unheard), words))

    def gone(self) -> None:
        """It has left the link."""
        self._silent_s = UNSUPERVISED_S

    def look(self) -> None:
        """Some time has passed. Call it several times a second."""
        now_s = self._clock.monotonic()
        self._silent_s += min(now_s - self._looked_s, TURN_S)
        self._looked_s = now_s
        alive = self._silent_s < UNSUPERVISED_S
        if alive != self.alive:
            self.alive = alive
            words = "it answers again" if alive else GONE
            self._tell(ev.Condition("supervisor_lost", not alive, words))
