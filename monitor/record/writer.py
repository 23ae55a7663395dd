"""The one thread that writes the store: nobody who records ever waits for the disk.

Rows come in by `put`. Urgent ones (alarm transitions, what a person asked for) are committed at
once, all others at most `LAZY_S` later. When the disk refuses or hangs, rows wait and are tried
again; beyond `LIMIT` the trends among them are dropped and counted, never a transition.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from monitor.clock import Clock
from monitor.errors import RecordError
from monitor.record.opening import StoreConnection, is_damage

LAZY_S = 0.8
RETRY_S = 1.0
CHORE_S = 0.1
"""While there is a chore, a slice of it is done so often."""

UNCONFIRMED_S = 3.0
"""Rows that are not committed for so long mean that we cannot record."""

REMOVED_S = 10.0
"""That the store was removed is said for so long, though it is made anew at once."""

REMOVED = "the store was deleted, moved or replaced while it was in use"

LIMIT = 50_000
"""Rows that may wait."""


@dataclass(frozen=True, slots=True)
class Row:
    """One statement with its values.

    Attributes
    ----------
    urgent
        Commit at once.
    trend
        May be dropped when too many wait.
    done
        Called on the writer's thread when it is committed.
    """

    sql: str
    values: tuple[Any, ...]
    urgent: bool = False
    trend: bool = False
    done: Callable[[], None] | None = None


class Writer:
    """Owns the connection from now on.

    Parameters
    ----------
    connect
        Gives the connection; called again after it broke.
    """

    def __init__(self, connect: Callable[[], sqlite3.Connection], clock: Clock) -> None:
        self._connect = connect
        self._clock = clock
        self._connection: sqlite3.Connection | None = connect()
        self._changed = threading.Condition()
        self._rows: deque[Row] = deque()
        self._hasty = False
        self._over = False
        self._since_s: float | None = None
        self._error: str | None = None
        self._chore: Callable[[sqlite3.Connection], bool] | None = None
        self._renew = False
        self._removed_s: float | None = None
        self.removals = 0
        self.dropped = 0
        self._thread = threading.Thread(target=self._run, name="store", daemon=True)
        self._thread.start()

    def put(self, *rows: Row) -> None:
        """Queue rows; they are written in one transaction, in order. Never waits."""
        with self._changed:
            for row in rows:
                if row.trend and len(self._rows) >= LIMIT:
                    self.dropped += 1
                    continue
                self._rows.append(row)
            if self._since_s is None and self._rows:
                self._since_s = self._clock.monotonic()
            if any(row.urgent for row in rows):
                self._hasty = True
                self._changed.notify()

    def chore(self, work: Callable[[sqlite3.Connection], bool]) -> None:
        """Do a slice of ``work`` whenever no row waits, until it returns False."""
        with self._changed:
            self._chore = work
            self._changed.notify()

    def renew(self) -> None:
        """Let go of the connection and ask for another before the next row."""
        with self._changed:
            self._renew = True

    def trouble(self) -> str | None:
        """Why we cannot record now; None if all is well."""
        with self._changed:
            if self._error is not None:
                return self._error
            removed_s = self._removed_s
            if removed_s is not None and self._clock.monotonic() - removed_s < REMOVED_S:
                return REMOVED
            if self._since_s is not None:
                waited_s = self._clock.monotonic() - self._since_s
                if waited_s > UNCONFIRMED_S:
                    return f"the disk has not confirmed for {waited_s:.0f} s"
        return None

    def close(self, limit_s: float) -> bool:
        """Write what waits, then stop; False if the disk was too slow."""
        with self._changed:
            self._over = True
            self._changed.notify()
        self._thread.join(limit_s)
        return not self._thread.is_alive()

    # ------------------------------------------------------------ the writer's thread

    def _run(self) -> None:
        while True:
            with self._changed:
                if not self._hasty and not self._over:
                    self._changed.wait(LAZY_S if self._chore is None else CHORE_S)
                batch = list(self._rows)
                self._rows.clear()
                self._hasty = False
                over = self._over
            self._look()
            if batch:
                self._write(batch, over)
            elif over:
                break
            if not over:
                self._do_chore()
        if self._connection is not None:
            self._connection.close()

    def _look(self) -> None:
        """See that the file that we write is the one that people will look into."""
        connection = self._connection
        if not isinstance(connection, StoreConnection):
            return
        try:
            removed = connection.replaced
        except OSError:
            return  # the disk refuses: the next row will say so
        if removed:
            with self._changed:
                self._removed_s = self._clock.monotonic()
                self.removals += 1
            self.renew()
            if not self._rows:
                self.put(Row("SELECT 1", ()))  # makes it anew at once

    def _write(self, batch: list[Row], over: bool) -> None:
        try:
            self._commit(batch)
        except (sqlite3.Error, OSError, RecordError) as error:
            if isinstance(error, sqlite3.DatabaseError) and is_damage(error):
                self.renew()
            self._failed(batch, str(error), over)
            return
        with self._changed:
            self._error = None
            self._since_s = self._clock.monotonic() if self._rows else None
        for row in batch:
            if row.done is not None:
                row.done()

    def _do_chore(self) -> None:
        chore = self._chore
        if chore is None or self._connection is None:
            return
        try:
            more = chore(self._connection)
        except sqlite3.Error as error:
            more = False
            if self._connection.in_transaction:
                self._connection.rollback()
            if is_damage(error):
                self.renew()
        with self._changed:
            if not more and self._chore is chore:
                self._chore = None

    def _commit(self, batch: list[Row]) -> None:
        if self._renew and self._connection is not None:
            stale, self._connection = self._connection, None
            with contextlib.suppress(sqlite3.Error):
                stale.close()
        if self._connection is None:
            self._connection = self._connect()
            self._renew = False
        connection = self._connection
        try:
            connection.execute("BEGIN IMMEDIATE")
            for row in batch:
                connection.execute(row.sql, row.values)
            connection.execute("COMMIT")
        except sqlite3.Error:
            if connection.in_transaction:
                connection.rollback()
            raise
        if isinstance(connection, StoreConnection):
            with contextlib.suppress(OSError):  # no more than a mark
                connection.touch()

    def _failed(self, batch: list[Row], words: str, over: bool) -> None:
        """Keep the rows for the next try, but not more trends than may wait."""
        with self._changed:
            self._error = words
            keep = batch + list(self._rows)
            spare = len(keep) - LIMIT
            kept: deque[Row] = deque()
            for row in keep:
                if spare > 0 and row.trend:
                    spare -= 1
                    self.dropped += 1
                else:
                    kept.append(row)
            self._rows = kept
            if over:
                self._rows.clear()  # there is nobody left to try again
                return
            self._changed.wait(RETRY_S)
