"""Keeps the promise of how long things are kept: at the start of a core, and once a day.

Lines of the store go as a chore of its writer, sound on a thread of its own: nothing waits. A wall
clock that is weeks beyond the last thing in the store may have been set wrongly: nothing goes by
age then, until a person says that it is right (``apexbeat log purge``) or it is set back.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
import time
from collections.abc import Iterator

from monitor.clock import Clock
from monitor.config.load import Record
from monitor.errors import NoInputError
from monitor.record.evidence import evidence
from monitor.record.retention import (
    DAY_S,
    Forget,
    begun_before,
    expired,
    forget_folders,
    forget_sound,
)
from monitor.record.store import Store
from monitor.record.wall_clock import ABSENCE_S, CONFIRMED, DOUBTED, clock_doubt, was_doubted

AGAIN_S = DAY_S


def doubt_words(now: float, good: float) -> str:
    """Why nothing is deleted by age, and what to do."""
    says, last = (time.strftime("%Y-%m-%d", time.localtime(wall)) for wall in (now, good))
    return (
        f"the clock says {says}, the last record is of {last}: nothing is deleted by age; "
        "if the clock is right, say so with 'apexbeat log purge'"
    )


class Retention:
    """Of one core.

    Parameters
    ----------
    first
        Whether this is the first core of its supervisor: only that one says how long.
    """

    def __init__(self, settings: Record, store: Store, clock: Clock, first: bool = True) -> None:
        self._settings, self._store, self._clock = settings, store, clock
        self._first = first
        self._due_s = float("-inf")
        self._said: list[str] = []
        self._thread: threading.Thread | None = None
        self._offset_s = clock.wall() - clock.boot()
        self._good: float | None = store.last_sign
        self._evidence: set[tuple[str, int]] = set()

    @property
    def words(self) -> list[str]:
        """What is kept and for how long, for whoever starts a core."""
        kept, now = self._settings, self._clock.wall()
        words = [
            f"recorded in {self._store.folder}: events for {kept.event_days} days, sound and clips "
            f"for {kept.sound_days}; what is older is deleted"
        ]
        if self._good is not None and now - self._good > ABSENCE_S:
            words.append(doubt_words(now, self._good))
        return words if self._first else []

    def turn(self) -> list[str]:
        """Begin what is due; lines about what went wrong since the last time."""
        now_s = self._clock.boot()
        offset_s = self._clock.wall() - now_s
        if offset_s - self._offset_s > ABSENCE_S:  # set while we run: the time before was good
            self._good = now_s + self._offset_s
            self._store.note_clock(DOUBTED, self._good)
        self._offset_s = offset_s
        if now_s >= self._due_s:
            self._due_s = now_s + AGAIN_S
            self._store.writer.chore(_Events(self))
        said, self._said = self._said, []
        return said

    def wait(self, limit_s: float) -> None:
        """Let what was begun be done."""
        if self._thread is not None:
            self._thread.join(limit_s)

    # ------------------------------------------------------------ other threads

    def doubt(self, db: sqlite3.Connection) -> bool:
        """Whether the clock is not to be believed; told, and kept in the store."""
        now = self._clock.wall()
        good = clock_doubt(db, now, self._good)
        if good is None:
            if was_doubted(db) is not None:  # set back
                self._store.note_clock(CONFIRMED, now)
            self._good = now
            return False
        self._store.note_clock(DOUBTED, good)
        self._said.append(doubt_words(now, good))
        return True

    def forget(self, db: sqlite3.Connection) -> Forget:
        """What is too old now."""
        before = self._clock.wall() - self._settings.event_days * DAY_S
        old = expired(db, before)
        self._evidence = evidence(self._store.folder, old)
        return Forget(old, begun_before(db, before), before)

    def sound(self) -> None:
        """Delete sound that is too old, on a thread of its own."""
        with contextlib.suppress(RuntimeError, MemoryError):  # no thread now: tomorrow there is
            self._thread = threading.Thread(target=self._sound, name="retention", daemon=True)
            self._thread.start()

    def _sound(self) -> None:
        with self.told("sound that is too old"):
            # Of sessions whose lines are being deleted meanwhile, what was known before counts.
            keep = evidence(self._store.folder) | self._evidence
            now = self._clock.wall()
            forget_sound(self._store.folder, self._settings.sound_days, keep, now)

    def folders(self, sessions: list[str]) -> None:
        """Delete what lies beside the store of sessions that are gone."""
        with self.told("the folder of a session that is too old"):
            forget_folders(self._store.folder, sessions, self._evidence)

    @contextlib.contextmanager
    def told(self, what: str) -> Iterator[None]:
        """Tell at the next turn what could not be deleted."""
        try:
            yield
        except OSError as error:
            self._said.append(f"{what} cannot be deleted: {error.strerror or error}")
        except (NoInputError, sqlite3.Error) as error:
            self._said.append(f"{what} cannot be deleted: {error}")


class _Events:
    """The writer's chore: finds what is too old on its own thread, then deletes it in slices."""

    def __init__(self, retention: Retention) -> None:
        self._retention = retention
        self._forget: Forget | None = None

    def __call__(self, db: sqlite3.Connection) -> bool:
        if self._forget is None:
            if self._retention.doubt(db):
                return False
            try:
                self._forget = self._retention.forget(db)
            except NoInputError:
                return False  # the store cannot be read just now: tomorrow
            self._retention.sound()
        more = self._forget(db)
        done, self._forget.sessions = self._forget.sessions, []
        self._retention.folders(done)
        return more
