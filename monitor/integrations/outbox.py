"""Messages that wait for the broker, on disk, in order, each under a number that only rises.

An alarm is on disk before it is sent; it is forgotten only after the broker has it. What waits is
bounded: trends go first, the oldest first; alarms only when nothing else is left, and are counted.
The last alarms of each topic stay after they were sent, for `recent`. One connection, any thread.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from monitor.integrations.messages import RECENT

NAME = "outbox.sqlite"

_TABLES = """
CREATE TABLE IF NOT EXISTS origin (name TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS message (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  alarm INTEGER NOT NULL, topic TEXT NOT NULL, body BLOB NOT NULL, sent INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX IF NOT EXISTS waiting ON message (sent, number);
CREATE INDEX IF NOT EXISTS expendable ON message (sent, alarm, number);
"""


@dataclass(frozen=True, slots=True)
class OutboxMessage:
    """One message: its topic, a JSON object without id, and whether it is an alarm's."""

    topic: str
    body: bytes
    alarm: bool


@dataclass(frozen=True, slots=True)
class Waiting:
    """A letter with its number."""

    number: int
    letter: OutboxMessage


class Outbox:
    """The queue on disk.

    Parameters
    ----------
    folder
        Where the file lies; it is made.
    limit
        Messages that may wait.

    Raises
    ------
    OSError, sqlite3.Error
        If it can neither be opened nor made anew.
    """

    def __init__(self, folder: Path, limit: int) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._path = folder / NAME
        self._limit = limit
        self._lock = threading.Lock()
        self.dropped_trends = self.dropped_alarms = 0
        self.damaged: Path | None = None
        try:
            self._db = self._open()
        except sqlite3.DatabaseError:
            # What cannot be read is kept for a person, and never in the way of new alarms.
            self.damaged = self._path.with_name(f"outbox.damaged-{time.time_ns()}.sqlite")
            os.replace(self._path, self.damaged)
            self._db = self._open()
        self.origin: str = self._db.execute("SELECT name FROM origin").fetchone()[0]

    def _open(self) -> sqlite3.Connection:
        os.close(os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600))
        db = sqlite3.connect(self._path, check_same_thread=False, isolation_level=None, timeout=2.0)
        try:
            db.execute("PRAGMA journal_mode=WAL")
            db.execute("PRAGMA synchronous=FULL")
            db.executescript(_TABLES)
            if db.execute("SELECT count(*) FROM origin").fetchone()[0] == 0:
                db.execute("INSERT INTO origin VALUES (?)", (secrets.token_hex(6),))
            if db.execute("PRAGMA quick_check").fetchone()[0] != "ok":
                raise sqlite3.DatabaseError("damaged")
        except BaseException:
            db.close()
            raise
        return db

    def put(self, letters: Sequence[OutboxMessage]) -> None:
        """Commit letters in order.

        Raises
        ------
        sqlite3.Error
            If the disk refuses; nothing of it was kept then.
        """
        with self._lock, self._transaction() as db:
            db.executemany(
                "INSERT INTO message (alarm, topic, body) VALUES (?, ?, ?)",
                [(int(a.alarm), a.topic, a.body) for a in letters],
            )
            self._trim(db)

    def after(self, number: int, count: int) -> list[Waiting]:
        """At most ``count`` waiting letters after a number, in order."""
        with self._lock:
            rows = self._db.execute(
                "SELECT number, topic, body, alarm FROM message WHERE sent = 0 AND number > ?"
                " ORDER BY number LIMIT ?",
                (number, count),
            ).fetchall()
        return [
            Waiting(n, OutboxMessage(topic, body, bool(alarm))) for n, topic, body, alarm in rows
        ]

    def sent(self, numbers: Sequence[int]) -> None:
        """Forget letters that the broker has; the last alarms stay for `recent`."""
        if not numbers:
            return
        # Not synchronised: after a loss of power they are sent again, under the same numbers.
        with self._lock, self._transaction(synchronous="NORMAL") as db:
            several = [(n,) for n in numbers]
            db.executemany("DELETE FROM message WHERE number = ? AND alarm = 0", several)
            db.executemany("UPDATE message SET sent = 1 WHERE number = ?", several)
            db.execute(
                "DELETE FROM message WHERE sent = 1 AND number IN (SELECT number FROM (SELECT"
                " number, row_number() OVER (PARTITION BY topic ORDER BY number DESC) AS place"
                " FROM message WHERE alarm = 1) WHERE place > ?)",
                (RECENT,),
            )

    def recent(self, topic: str) -> list[Waiting]:
        """The last alarms of a topic, oldest first, whether the broker has them or not."""
        with self._lock:
            rows = self._db.execute(
                "SELECT number, body FROM message WHERE alarm = 1 AND topic = ?"
                " ORDER BY number DESC LIMIT ?",
                (topic, RECENT),
            ).fetchall()
        return [Waiting(n, OutboxMessage(topic, body, True)) for n, body in reversed(rows)]

    def waiting(self) -> int:
        """How many letters wait."""
        with self._lock:
            (count,) = self._db.execute("SELECT count(*) FROM message WHERE sent = 0").fetchone()
        return int(count)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()

    @contextlib.contextmanager
    def _transaction(self, synchronous: str = "FULL") -> Iterator[sqlite3.Connection]:
        self._db.execute(f"PRAGMA synchronous={synchronous}")
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield self._db
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise

    def _trim(self, db: sqlite3.Connection) -> None:
        (count,) = db.execute("SELECT count(*) FROM message WHERE sent = 0").fetchone()
        for alarm in (0, 1):
            if count <= self._limit:
                return
            gone = db.execute(
                "DELETE FROM message WHERE number IN (SELECT number FROM message"
                " WHERE sent = 0 AND alarm = ? ORDER BY number LIMIT ?)",
                (alarm, count - self._limit),
            ).rowcount
            count -= gone
            if alarm:
                self.dropped_alarms += gone
            else:
                self.dropped_trends += gone
