"""The record of live sessions: what is put into the store, and how it is asked for.

Store(folder, clock)        the one writer: begin, events, anchor, command, end
Archive(folder)             read-only: sessions, events, alarms, anchors, commands
"""

from __future__ import annotations

import re
import secrets
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from monitor import events as ev
from monitor.clock import Clock, ClockAnchor
from monitor.decoding.decoder import MAX_CHANNELS, RATES_HZ
from monitor.errors import RecordError
from monitor.record.opening import CHECK_BYTES, defect, open_reader, open_store
from monitor.record.schema import FILE, OF_NOTE, TREND_TYPES
from monitor.record.wall_clock import last_sign
from monitor.record.writer import Row, Writer
from monitor.system.closing import Closing
from monitor.system.store_lock import StoreLock

TRENDS = (ev.Beat, ev.Window, ev.Vitals, ev.Quality)
"""Lines that may be dropped when the disk cannot keep up."""

UNTOLD = "untold"
"""Kind of rows among the commands, of no session: the body is one that ended unexpectedly."""

SAFE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
"""Ids of which paths are made."""

_decode = msgspec.json.Decoder(ev.Event).decode
_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class SessionRow:
    """One session as the store keeps it.

    Attributes
    ----------
    started, ended
        Wall time (s since 1970); ``ended`` None while it runs or after it broke off.
    ended_how
        Words, None like ``ended``.
    board
        The alarms' state as its owner wrote it, None before the first.
    folder
        Of the recorded sound, None without.
    """

    id: str
    name: str
    device: str
    source: str
    rate_hz: int
    channels: int
    software: str
    models: str
    settings: str
    folder: str | None
    started: float
    ended: float | None
    ended_index: int | None
    ended_how: str | None
    board: str | None
    label: str | None

    @property
    def usable(self) -> bool:
        """Whether a core can go on with it: a damaged or foreign store may say anything."""
        return (
            SAFE_ID.fullmatch(self.id) is not None
            and RATES_HZ[0] <= self.rate_hz <= RATES_HZ[1]
            and 1 <= self.channels <= MAX_CHANNELS
        )


@dataclass(frozen=True, slots=True)
class CommandRow:
    """What a person asked for.

    ``seq`` is the number of the first line of the session that may tell of it (None: not known).
    """

    index: int
    wall: float
    client: str
    kind: str
    body: str
    seq: int | None = None


_SESSION = ", ".join(SessionRow.__dataclass_fields__)
_MARKS = ", ".join("?" for _ in SessionRow.__dataclass_fields__)
_NUMBER = "(SELECT coalesce(max(number), 0) + 1 FROM sessions)"
_ANCHOR = "INSERT OR REPLACE INTO anchors VALUES (?, ?, ?, ?, ?, ?)"
_INSERT = f"INSERT INTO sessions ({_SESSION}, number) VALUES ({_MARKS}, {_NUMBER})"


def _values(row: SessionRow) -> tuple[object, ...]:
    return tuple(getattr(row, name) for name in SessionRow.__dataclass_fields__)


def new_id(wall: float) -> str:
    """A session's id: sorts by time, unlike any other."""
    return time.strftime("%Y%m%dT%H%M%S", time.gmtime(wall)) + "-" + secrets.token_hex(3)


class Store:
    """The store of ``folder``, for writing. Nothing here waits for the disk but `__init__`.

    Raises
    ------
    RecordError
        If another core keeps it, or it cannot be opened.
    """

    def __init__(self, folder: Path, clock: Clock) -> None:
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            words = (error.strerror or str(error)).lower()
            raise RecordError(f"{folder}: {words}", "choose another --store") from None
        self.folder = folder
        self._clock = clock
        self.lock = StoreLock(folder)
        self._running: dict[str, SessionRow] = {}
        self._anchors: dict[str, tuple[object, ...]] = {}  # the last of each that runs
        self._over = threading.Event()
        try:
            first = open_store(folder)
        except BaseException:
            self.lock.release()
            raise
        self.damaged = first.damaged
        self.last_sign = last_sign(first.connection, clock.wall())
        connections = [first.connection]
        self.writer = Writer(lambda: connections.pop() if connections else self._again(), clock)
        if (folder / FILE).stat().st_size > CHECK_BYTES:
            threading.Thread(target=self._check, name="check", daemon=True).start()

    def note_clock(self, kind: str, good: float) -> None:
        """Keep what was found of the wall clock (`monitor.record.wall_clock`)."""
        self.writer.put(self._note(kind, str(good)))

    def _note(self, kind: str, body: str) -> Row:
        """A row among the commands that belongs to no session."""
        values = ("", 0, self._clock.wall(), "core", kind, body, None)
        return Row("INSERT INTO commands VALUES (?, ?, ?, ?, ?, ?, ?)", values, True)

    def begin(self, row: SessionRow) -> None:
        """A new session."""
        self._running[row.id] = row
        self.writer.put(Row(_INSERT, _values(row), True))

    def settle(self, limit_s: float) -> bool:
        """Wait until all that came before is on the disk; False if that took too long."""
        done = threading.Event()
        self.writer.put(Row("SELECT 1", (), True, False, done.set))
        return done.wait(limit_s)

    def run(self, row: SessionRow, index: int, pid: int) -> None:
        """A core took the session up at ``index``."""
        self._running[row.id] = row
        sql = "INSERT OR REPLACE INTO runs VALUES (?, ?, ?, ?)"
        self.writer.put(Row(sql, (row.id, index, self._clock.wall(), pid), True))

    def events(
        self,
        session: str,
        seq: int,
        events: Iterable[ev.Event],
        board: bytes | None = None,
        done: Callable[[], None] | None = None,
    ) -> None:
        """Append lines, the first of them number ``seq``, and the alarms' state after them."""
        rows = []
        sql = "INSERT INTO events VALUES (?, ?, ?, ?, ?, ?)"
        now = self._clock.wall()
        for number, event in enumerate(events, seq):
            kind = type(event).__name__.lower()
            alarm = isinstance(event, ev.Alarm)
            wall = now if alarm else None
            values = (session, number, event.index, kind, _encode(event).decode(), wall)
            rows.append(Row(sql, values, alarm, isinstance(event, TRENDS)))
        if board is not None:
            if session in self._running:
                row = replace(self._running[session], board=board.decode())
                self._running[session] = row
            sql = "UPDATE sessions SET board = ? WHERE id = ?"
            rows.append(Row(sql, (board.decode(), session), True, False, done))
        self.writer.put(*rows)

    def anchor(self, session: str, row: ClockAnchor) -> None:
        """Tie an index to the clocks."""
        values = (session, row.index, row.monotonic, row.boot, row.wall, row.boot_id)
        self._anchors[session] = values
        self.writer.put(Row(_ANCHOR, values, True))

    def command(self, session: str, row: CommandRow, done: Callable[[], None]) -> None:
        """What a person asked for; ``done`` is called once it is on the disk."""
        values = (session, row.index, row.wall, row.client, row.kind, row.body, row.seq)
        sql = "INSERT INTO commands VALUES (?, ?, ?, ?, ?, ?, ?)"
        self.writer.put(Row(sql, values, True, False, done))

    def board(self, session: str, board: bytes) -> None:
        """The alarms' state of a session that is over."""
        sql = "UPDATE sessions SET board = ? WHERE id = ?"
        self.writer.put(Row(sql, (board.decode(), session), True))

    def folder_of(self, session: str, folder: str | None) -> None:
        """Where the sound of a session is kept."""
        sql = "UPDATE sessions SET folder = ? WHERE id = ?"
        self.writer.put(Row(sql, (folder, session), True))

    def end(self, session: str, index: int, how: str) -> None:
        """The session is over."""
        self._running.pop(session, None)
        self._anchors.pop(session, None)
        self.writer.put(self._end(session, index, how))

    def end_unexpectedly(self, session: str, index: int) -> None:
        """The session of an earlier run had no end; somebody must be told of it, see `told`."""
        self.writer.put(self._note(UNTOLD, session), self._end(session, index, "broke off"))

    def told(self) -> None:
        """Somebody knows of all sessions that ended unexpectedly."""
        self.writer.put(Row("DELETE FROM commands WHERE kind = ?", (UNTOLD,), True))

    def _end(self, session: str, index: int, how: str) -> Row:
        sql = "UPDATE sessions SET ended = ?, ended_index = ?, ended_how = ? WHERE id = ?"
        return Row(sql, (self._clock.wall(), index, how, session), True)

    def close(self, limit_s: float = 5.0) -> bool:
        """Write what waits and let go; False if the disk was too slow."""
        self._over.set()
        written = self.writer.close(limit_s)
        self.lock.release()
        return written

    # ------------------------------------------------------------ other threads

    def _again(self) -> sqlite3.Connection:
        """Open the store anew after it broke; sessions that run go on in it."""
        opened = open_store(self.folder, whole=True)
        if opened.damaged is not None:
            self.damaged = opened.damaged
        write = opened.connection.execute
        for row in list(self._running.values()):  # unknown to a store that is new
            write(_INSERT.replace("INSERT", "INSERT OR IGNORE", 1), _values(row))
        for anchor in list(self._anchors.values()):  # a core that goes on needs the time
            write(_ANCHOR, anchor)
        return opened.connection

    def _check(self) -> None:
        """Read all of a large store; if it is damaged it is opened anew, which moves it aside."""
        if defect(self.folder / FILE, self._over.is_set) is not None:
            self.writer.renew()


class Archive(Closing):
    """The store of ``folder``, to read; leave it with ``with`` or `close`.

    Raises
    ------
    NoInputError
        If there is none.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._db: sqlite3.Connection = open_reader(folder)

    def sessions(self) -> list[SessionRow]:
        """All sessions, the one that began last first, whatever the clock said."""
        order = "number" if self.version > 3 else "started"
        sql = f"SELECT {_SESSION} FROM sessions ORDER BY {order} DESC, id DESC"
        return [SessionRow(*row) for row in self._db.execute(sql)]

    def open_sessions(self) -> list[SessionRow]:
        """Those without an end, oldest first."""
        return [row for row in reversed(self.sessions()) if row.ended is None]

    def session(self, name: str) -> SessionRow | None:
        """The one session whose id begins with ``name``; None if there is none, or several.

        ``last`` is the one that began last.
        """
        if name == "last":
            return next(iter(self.sessions()), None)
        found = [row for row in self.sessions() if row.id.startswith(name)]
        exact = [row for row in found if row.id == name]
        found = exact or found
        return found[0] if len(found) == 1 else None

    def events(
        self, session: str, kinds: Iterable[str] = (), after: int = -1
    ) -> Iterator[tuple[int, ev.Event]]:
        """(number, line) in order; only of some types, only after a number, if asked for."""
        kinds = tuple(kinds)
        some = f" AND type IN ({', '.join('?' for _ in kinds)})" if kinds else ""
        table = "events"
        if kinds and not set(kinds) & set(TREND_TYPES) and self.version > 1:
            table += " INDEXED BY events_of_note"  # the planner would read every line
            some += f" AND {OF_NOTE}"
        sql = f"SELECT seq, idx, body FROM {table} WHERE session = ? AND seq > ?{some} ORDER BY seq"
        for seq, index, body in self._db.execute(sql, (session, after, *kinds)):
            try:
                yield seq, _decode(body)
            except msgspec.MsgspecError:  # told, in its place: nothing is lost in silence
                yield seq, ev.Fault(index=index, what=f"line {seq} of the store is damaged")

    def walls(self, session: str) -> dict[int, float]:
        """Wall times of the lines that have one (alarms), by their number."""
        if self.version < 3:
            return {}
        sql = (
            "SELECT seq, wall FROM events INDEXED BY events_of_note"
            f" WHERE session = ? AND type = 'alarm' AND wall IS NOT NULL AND {OF_NOTE}"
        )
        return {int(seq): float(wall) for seq, wall in self._db.execute(sql, (session,))}

    def counts(self, session: str) -> dict[str, int]:
        """Lines by type."""
        sql = "SELECT type, count(*) FROM events WHERE session = ? GROUP BY type"
        return {str(kind): int(number) for kind, number in self._db.execute(sql, (session,))}

    def last(self, session: str) -> tuple[int, int]:
        """Number and index of the last line; (-1, 0) without any."""
        sql = "SELECT seq, idx FROM events WHERE session = ? ORDER BY seq DESC LIMIT 1"
        row = self._db.execute(sql, (session,)).fetchone()
        return (-1, 0) if row is None else (int(row[0]), int(row[1]))

    @property
    def version(self) -> int:
        """Of the schema."""
        return int(self._db.execute("PRAGMA user_version").fetchone()[0])

    def anchors(self, session: str) -> list[ClockAnchor]:
        sql = (
            "SELECT idx, monotonic, boot, wall, boot_id FROM anchors WHERE session = ? ORDER BY idx"
        )
        return [ClockAnchor(*row) for row in self._db.execute(sql, (session,))]

    def commands(self, session: str) -> list[CommandRow]:
        """What people asked for, in order."""
        seq = "seq" if self.version > 1 else "NULL"
        sql = (
            f"SELECT idx, wall, client, kind, body, {seq} FROM commands"
            " WHERE session = ? ORDER BY rowid"
        )
        return [CommandRow(*row) for row in self._db.execute(sql, (session,))]

    def untold(self) -> list[str]:
        """Sessions that ended unexpectedly, of which the run that found them told nobody."""
        return [row.body for row in self.commands("") if row.kind == UNTOLD]

    def close(self) -> None:
        self._db.close()
