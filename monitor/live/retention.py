"""Keeps the promise of how long things are kept: at the start of a core, and once a day.

Lines of the store go as a chore of its writer, sound on a thread of its own: nothing waits.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Callable, Iterator

from monitor.clock import Clock
from monitor.config.load import Record
from monitor.record.retention import (
    DAY_S,
    Forget,
    begun_before,
    expired,
    forget_folders,
    forget_sound,
)
from monitor.record.store import Store

AGAIN_S = DAY_S


class Retention:
    """Of one core.

    Parameters
    ----------
    keep
        (session, index) of alarms whose clips stay, asked when it is time.
    first
        Whether this is the first core of its supervisor: only that one says how long.
    """

    def __init__(
        self,
        settings: Record,
        store: Store,
        clock: Clock,
        keep: Callable[[], set[tuple[str, int]]],
        first: bool = True,
    ) -> None:
        self._settings, self._store, self._clock, self._keep = settings, store, clock, keep
        self._first = first
        self._due_s = float("-inf")
        self._trouble: list[str] = []
        self._thread: threading.Thread | None = None

    @property
    def words(self) -> list[str]:
        """What is kept and for how long, for whoever starts a core."""
        kept = self._settings
        return [
            f"recorded in {self._store.folder}: events for {kept.event_days} days, sound and clips "
            f"for {kept.sound_days}; what is older is deleted"
        ][: int(self._first)]

    def turn(self) -> list[str]:
        """Begin what is due; lines about what went wrong since the last time."""
        now_s = self._clock.boot()
        if now_s >= self._due_s:
            self._due_s = now_s + AGAIN_S
            self._store.writer.chore(_Events(self))
            keep = self._keep()
            self._thread = threading.Thread(
                target=self._sound, args=(keep,), name="retention", daemon=True
            )
            self._thread.start()
        said, self._trouble = self._trouble, []
        return said

    def wait(self, limit_s: float) -> None:
        """Let what was begun be done."""
        if self._thread is not None:
            self._thread.join(limit_s)

    # ------------------------------------------------------------ other threads

    @property
    def events_before(self) -> float:
        """Wall time before which events are too old."""
        return self._clock.wall() - self._settings.event_days * DAY_S

    def _sound(self, keep: set[tuple[str, int]]) -> None:
        with self.told("sound that is too old"):
            now = self._clock.wall()
            forget_sound(self._store.folder, self._settings.sound_days, keep, now)

    def folders(self, sessions: list[str]) -> None:
        """Delete what lies beside the store of sessions that are gone."""
        with self.told("the folder of a session that is too old"):
            forget_folders(self._store.folder, sessions)

    @contextlib.contextmanager
    def told(self, what: str) -> Iterator[None]:
        """Tell at the next turn what could not be deleted."""
        try:
            yield
        except OSError as error:
            self._trouble.append(f"{what} cannot be deleted: {error.strerror or error}")


class _Events:
    """The writer's chore: finds what is too old on its own thread, then deletes it in slices."""

    def __init__(self, retention: Retention) -> None:
        self._retention = retention
        self._forget: Forget | None = None

    def __call__(self, db: sqlite3.Connection) -> bool:
        if self._forget is None:
            before = self._retention.events_before
            self._forget = Forget(expired(db, before), begun_before(db, before), before)
        more = self._forget(db)
        done, self._forget.sessions = self._forget.sessions, []
        self._retention.folders(done)
        return more
