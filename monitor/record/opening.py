"""How the SQLite store is opened: made, checked, brought up to date, or moved aside.

open_store(folder)     for the one writer: makes, migrates, moves a damaged one aside
open_reader(folder)    read-only, for `apexbeat log` and exports; of any version
defect(path)           what is wrong with a file, without writing to it
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from monitor.errors import NoInputError, RecordError
from monitor.record.schema import (
    APPLICATION_ID,
    FILE,
    KNOWN,
    MIGRATIONS,
    PLAUSIBLE,
    TABLES,
    VERSION,
)
from monitor.system.private_file import check_folder, open_private, words_of
from monitor.text import harmless

BUSY_MS = 2000
CHECK_BYTES = 64 * 2**20
"""A store up to this size is checked whole before it is opened; a larger one while it is used."""

OPEN_MARK = FILE + "-open"
"""Beside a store that is open for writing, touched after each commit. Where it is left over and
newer than the store, but the write-ahead log is gone, that was deleted: lines are missing."""

NO_TEXT = "the file is damaged: the names of its tables are no text"


class _Connection(sqlite3.Connection):
    """Says that a store is damaged where SQLite's words for it hold damaged text.

    A schema with a damaged byte is quoted in the error, which Python cannot decode.
    """

    def execute(self, sql: str, values: Any = (), /) -> sqlite3.Cursor:
        """Run a statement.

        Raises
        ------
        sqlite3.DatabaseError
            If the store is damaged.
        """
        try:
            return super().execute(sql, values)
        except UnicodeDecodeError:
            raise sqlite3.DatabaseError(NO_TEXT) from None


class StoreConnection(_Connection):
    """The one that writes: knows which file it holds, and takes the mark away when it closes."""

    path: Path
    handle: tuple[int, int]

    @property
    def replaced(self) -> bool:
        """Whether the file that it writes is no more the one of this name."""
        try:
            found = self.path.stat()
        except FileNotFoundError:
            return True
        return (found.st_dev, found.st_ino) != self.handle

    def touch(self) -> None:
        """All is committed up to now."""
        mark = self.path.with_name(OPEN_MARK)
        try:
            os.utime(mark)
        except FileNotFoundError:
            os.close(open_private(mark))

    def close(self) -> None:
        """Let go; without other users the write-ahead log is gone then, in order."""
        super().close()
        if not self.path.with_name(FILE + "-wal").exists():
            with contextlib.suppress(OSError):
                self.path.with_name(OPEN_MARK).unlink(missing_ok=True)


@dataclass(frozen=True, slots=True)
class Opened:
    """A store opened for writing.

    Attributes
    ----------
    damaged
        Where a damaged file was moved to, None if all was well.
    """

    connection: StoreConnection
    damaged: Path | None


def open_store(folder: Path, whole: bool = False) -> Opened:
    """Open the store of ``folder`` for its one writer, or make it.

    A file that is damaged is found so before anything is written to it; it is moved aside, and
    a new one is made.

    Parameters
    ----------
    whole
        Check all of it, however large it is.

    Raises
    ------
    RecordError
        If the folder or the file cannot be made or written, or is of a newer version.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        check_folder(folder)
        path = folder / FILE
        os.close(open_private(path))
    except OSError as error:
        raise RecordError(f"{folder}: {words_of(error)}", "choose another --store") from None
    damaged: Path | None = None
    try:
        try:
            if path.stat().st_size:
                _look_for_log(path)
                _examine(path, whole)
            return Opened(_open(path), None)
        except sqlite3.DatabaseError as error:
            if not is_damage(error):
                raise
        damaged = _move_aside(path)
        return Opened(_open(path), damaged)
    except (OSError, sqlite3.Error) as error:
        words = error.strerror if isinstance(error, OSError) else str(error)
        raise RecordError(f"{path}: {words}", "free disk space, or check the permissions") from None


def open_reader(folder: Path) -> sqlite3.Connection:
    """Open the store of ``folder`` to read; one of an older or a newer version too.

    Raises
    ------
    NoInputError
        If there is none, or it cannot be read.
    """
    path = folder / FILE
    if not path.is_file():
        raise NoInputError(f"{folder}: no store found there", "record one with 'apexbeat live'")
    try:
        connection = _read_only(path)
        with _closed_on_error(connection):
            _refuse_foreign(connection)
            for table, columns in KNOWN.items():
                connection.execute(f"SELECT {columns} FROM {table} LIMIT 1").fetchone()
    except sqlite3.Error as error:
        raise NoInputError(
            f"{path}: {error}", "it may be damaged; start 'apexbeat live' on it"
        ) from None
    return connection


def defect(path: Path, stop: Callable[[], bool] = lambda: False) -> str | None:
    """Read all of a store, without writing to it; what is wrong with it, None if nothing.

    Parameters
    ----------
    stop
        Asked now and then; a check that is broken off finds nothing.
    """
    try:
        with contextlib.closing(_read_only(path)) as connection:
            connection.set_progress_handler(lambda: int(stop()), 100_000)
            found = str(connection.execute("PRAGMA quick_check(1)").fetchone()[0])
    except sqlite3.DatabaseError as error:
        return str(error) if is_damage(error) else None
    return None if found == "ok" else " ".join(found.split())


def _read_only(path: Path) -> sqlite3.Connection:
    name = path.absolute().as_uri()
    connection = sqlite3.connect(
        f"{name}?mode=ro", uri=True, isolation_level=None, check_same_thread=False,
        factory=_Connection,
    )  # fmt: skip
    connection.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
    connection.text_factory = _text
    return connection


def _text(raw: bytes) -> str:
    """Text of a row; a byte that was damaged is shown as such, and stops nothing."""
    return raw.decode("utf-8", "replace")


def is_damage(error: sqlite3.Error) -> bool:
    """Tell a damaged file from a disk that refuses, a lock, or missing rights."""
    code = getattr(error, "sqlite_errorcode", None)
    if code is not None:
        return (code & 0xFF) in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
    return not isinstance(error, sqlite3.OperationalError)


def _look_for_log(path: Path) -> None:
    """See that nobody took the write-ahead log of a run that ended badly.

    Raises
    ------
    sqlite3.DatabaseError
        If it is gone.
    """
    mark = path.with_name(OPEN_MARK)
    if path.with_name(FILE + "-wal").exists() or not mark.exists():
        return
    if path.stat().st_mtime_ns <= mark.stat().st_mtime_ns:
        raise sqlite3.DatabaseError("the write-ahead log of the last run is missing")
    # Somebody else opened and closed the store since, and put the log into it.


def _examine(path: Path, whole: bool) -> None:
    """Look at a file without writing to it.

    Raises
    ------
    sqlite3.DatabaseError
        If it is damaged, or no store.
    RecordError
        If it is of a newer version.
    """
    with contextlib.closing(_read_only(path)) as connection:
        version = int(connection.execute("PRAGMA user_version").fetchone()[0])
        ours = int(connection.execute("PRAGMA application_id").fetchone()[0]) == APPLICATION_ID
        tables = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
        if version == 0 and not ours and tables == 0 and not _is_logged(path):
            return  # made, and killed before its first transaction
        if not ours or not 0 < version <= PLAUSIBLE:
            raise sqlite3.DatabaseError("not a store of this program")
        if version > VERSION:
            raise RecordError(
                f"{path}: written by a newer Apexbeat (schema {version}, this one knows {VERSION})",
                "update, or choose another --store; 'apexbeat log' can read it",
            )
        _refuse_foreign(connection)
        try:
            for table, columns in KNOWN.items():
                connection.execute(f"SELECT {columns} FROM {table} LIMIT 1").fetchone()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_ERROR:
                raise
            raise sqlite3.DatabaseError(str(error)) from None  # a table or a column is gone
    if whole or path.stat().st_size <= CHECK_BYTES:
        wrong = defect(path)
        if wrong is not None:
            raise sqlite3.DatabaseError(wrong)


def _refuse_foreign(connection: sqlite3.Connection) -> None:
    """See that nothing in a store acts by itself or stands in for a table of ours.

    A trigger could take away what is written; a view or a virtual table could say anything, or
    never end.

    Raises
    ------
    sqlite3.DatabaseError
        Names what was found.
    """
    connection.execute("PRAGMA trusted_schema = OFF")
    found = connection.execute(
        "SELECT type, name FROM sqlite_schema WHERE type NOT IN ('table', 'index')"
        " OR sql LIKE 'CREATE VIRTUAL%' LIMIT 1"
    ).fetchone()
    if found is not None:
        raise sqlite3.DatabaseError(f"holds the {found[0]} {harmless(str(found[1]), 40)}")


def _is_logged(path: Path) -> bool:
    """Whether a file says that a write-ahead log belongs to it (bytes 18 and 19 of its head)."""
    with path.open("rb") as file:
        return file.read(20)[18:] == b"\2\2"


def _open(path: Path) -> StoreConnection:
    connection = sqlite3.connect(
        path, isolation_level=None, check_same_thread=False, factory=StoreConnection
    )
    found = path.stat()
    connection.path, connection.handle = path, (found.st_dev, found.st_ino)
    with _closed_on_error(connection):
        connection.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
        version = int(connection.execute("PRAGMA user_version").fetchone()[0])
        if version == 0:
            # Before there is a log: a store without tables, but with one, has lost it.
            _change(connection, f"{TABLES}PRAGMA application_id = {APPLICATION_ID};", VERSION)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA secure_delete = ON")
        connection.touch()
        for number in range(version, VERSION) if version else ():
            _change(connection, MIGRATIONS[number], number + 1)
    return connection


def _change(connection: sqlite3.Connection, script: str, version: int) -> None:
    """Run a script and note the version that it leads to, both or neither."""
    try:
        connection.executescript(f"BEGIN IMMEDIATE;{script}PRAGMA user_version = {version};COMMIT;")
    except sqlite3.Error:
        if connection.in_transaction:
            connection.rollback()
        raise


@contextlib.contextmanager
def _closed_on_error(connection: sqlite3.Connection) -> Iterator[None]:
    try:
        yield
    except BaseException:
        connection.close()
        raise


def _move_aside(path: Path) -> Path:
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S")
    damaged = path.with_name(f"{path.name}.damaged-{stamp}")
    number = 1
    while damaged.exists():
        number += 1
        damaged = path.with_name(f"{path.name}.damaged-{stamp}-{number}")
    path.rename(damaged)
    for suffix in ("-wal", "-shm", "-open"):
        beside = path.with_name(path.name + suffix)
        if beside.exists():
            beside.rename(damaged.with_name(damaged.name + suffix))
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    return damaged
