"""The SQLite store on disk: its tables, its version, and how it is opened.

open_store(folder)     for the one writer: makes, migrates, moves a damaged one aside
open_reader(folder)    read-only, for `apexbeat log` and exports
"""

from __future__ import annotations

import os
import sqlite3
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from monitor.errors import NoInputError, RecordError

FILE = "apexbeat.db"
VERSION = 1
APPLICATION_ID = 0x41504258  # "APBX"
BUSY_MS = 2000

TABLES = """
CREATE TABLE sessions (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    device TEXT NOT NULL,
    source TEXT NOT NULL,
    rate_hz INTEGER NOT NULL,
    channels INTEGER NOT NULL,
    software TEXT NOT NULL,
    models TEXT NOT NULL,
    settings TEXT NOT NULL,
    folder TEXT,
    started REAL NOT NULL,
    ended REAL,
    ended_index INTEGER,
    ended_how TEXT,
    board TEXT,
    label TEXT
) WITHOUT ROWID;
CREATE TABLE runs (
    session TEXT NOT NULL,
    start_index INTEGER NOT NULL,
    wall REAL NOT NULL,
    pid INTEGER NOT NULL,
    PRIMARY KEY (session, start_index)
) WITHOUT ROWID;
CREATE TABLE anchors (
    session TEXT NOT NULL,
    idx INTEGER NOT NULL,
    monotonic REAL NOT NULL,
    boot REAL NOT NULL,
    wall REAL NOT NULL,
    boot_id TEXT NOT NULL,
    PRIMARY KEY (session, idx)
) WITHOUT ROWID;
CREATE TABLE events (
    session TEXT NOT NULL,
    seq INTEGER NOT NULL,
    idx INTEGER NOT NULL,
    type TEXT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (session, seq)
) WITHOUT ROWID;
CREATE INDEX events_of_note ON events (session, type, idx)
    WHERE type NOT IN ('beat', 'window', 'vitals');
CREATE TABLE commands (
    session TEXT NOT NULL,
    idx INTEGER NOT NULL,
    wall REAL NOT NULL,
    client TEXT NOT NULL,
    kind TEXT NOT NULL,
    body TEXT NOT NULL
);
CREATE INDEX commands_of ON commands (session, idx);
"""
"""events: every line of the event file but session and end; body is the line itself (JSON).
commands: what a person asked for, committed before it is answered. board: the alarms' state."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A store opened for writing.

    Attributes
    ----------
    damaged
        Where a damaged file was moved to, None if all was well.
    """

    connection: sqlite3.Connection
    damaged: Path | None


def open_store(folder: Path) -> Opened:
    """Open the store of ``folder`` for its one writer, or make it.

    Raises
    ------
    RecordError
        If the folder or the file cannot be made or written, or is of a newer version.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = folder / FILE
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as error:
        raise RecordError(
            f"{folder}: {(error.strerror or str(error)).lower()}", "choose another --store"
        ) from None
    try:
        return Opened(_open(path), None)
    except sqlite3.DatabaseError as error:
        if isinstance(error, sqlite3.OperationalError):
            raise RecordError(
                f"{path}: {error}", "make room on the disk, check its rights"
            ) from None
    damaged = _move_aside(path)
    return Opened(_open(path), damaged)


def open_reader(folder: Path) -> sqlite3.Connection:
    """Open the store of ``folder`` to read.

    Raises
    ------
    NoInputError
        If there is none, or it cannot be read.
    """
    path = folder / FILE
    if not path.is_file():
        raise NoInputError(f"{folder}: no store there", "record one with 'apexbeat live'")
    try:
        connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True, isolation_level=None)
        connection.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
        connection.execute("SELECT count(*) FROM sessions").fetchone()
    except sqlite3.Error as error:
        raise NoInputError(
            f"{path}: {error}", "it may be damaged; start 'apexbeat live' on it"
        ) from None
    return connection


def _open(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    try:
        connection.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
        version = int(connection.execute("PRAGMA user_version").fetchone()[0])
        if version > VERSION:
            raise RecordError(
                f"{path}: written by a newer Apexbeat (schema {version}, this one knows {VERSION})",
                "update, or choose another --store",
            )
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        if version == 0:
            connection.executescript(
                f"BEGIN IMMEDIATE;{TABLES}PRAGMA user_version = {VERSION};COMMIT;"
            )
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute("SELECT count(*) FROM sessions").fetchone()
        connection.execute("SELECT max(seq) FROM events WHERE session = ''").fetchone()
    except BaseException:
        connection.close()
        raise
    return connection


def _move_aside(path: Path) -> Path:
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S")
    damaged = path.with_name(f"{path.name}.damaged-{stamp}")
    number = 1
    while damaged.exists():
        number += 1
        damaged = path.with_name(f"{path.name}.damaged-{stamp}-{number}")
    path.rename(damaged)
    for suffix in ("-wal", "-shm"):
        beside = path.with_name(path.name + suffix)
        if beside.exists():
            beside.rename(damaged.with_name(damaged.name + suffix))
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    return damaged
