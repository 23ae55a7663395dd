"""The tables of the SQLite store, their version, and what leads from one version to the next.

`monitor.record.opening` opens a store and brings it up to date.
"""

from __future__ import annotations

FILE = "apexbeat.db"
VERSION = 4
APPLICATION_ID = 0x41504258  # "APBX"
PLAUSIBLE = 1000
"""A version beyond this is damage, not a newer program."""

TREND_TYPES = ("beat", "window", "vitals")
"""Types of lines that come every second; all others are of note."""

OF_NOTE = f"type NOT IN {TREND_TYPES}"
"""The very words of the index `events_of_note`: a query that says them may use it."""

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
    label TEXT,
    number INTEGER
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
    wall REAL,
    PRIMARY KEY (session, seq)
) WITHOUT ROWID;
CREATE TABLE commands (
    session TEXT NOT NULL,
    idx INTEGER NOT NULL,
    wall REAL NOT NULL,
    client TEXT NOT NULL,
    kind TEXT NOT NULL,
    body TEXT NOT NULL,
    seq INTEGER
);
CREATE INDEX commands_of ON commands (session, idx);
"""
_INDEX = f"CREATE INDEX events_of_note ON events (session, seq) WHERE {OF_NOTE};"
TABLES += _INDEX
"""events: every line of the event file but session and end; body is the line itself (JSON), wall
the wall time of an alarm's (the index stands still while no sound comes).
commands: what a person asked for, committed before it is answered; seq is the number of the first
line that may tell of it. board: the alarms' state. number: order in which sessions began, whatever
the clock on the wall said."""

MIGRATIONS: dict[int, str] = {
    # A list of what is of note in a long session read all of it, beats and vitals too; and
    # nobody knew which commands a core that was killed had answered, but not carried out.
    1: f"DROP INDEX IF EXISTS events_of_note;{_INDEX}ALTER TABLE commands ADD COLUMN seq INTEGER;",
    # How long a technical alarm lasted could not be told: no sound came, so the index stood still.
    2: "ALTER TABLE events ADD COLUMN wall REAL;",
    # A clock that was set made the newest session an old one.
    3: """ALTER TABLE sessions ADD COLUMN number INTEGER;
UPDATE sessions SET number = (SELECT count(*) FROM sessions AS other
WHERE (other.started, other.id) <= (sessions.started, sessions.id));""",
}
"""What leads from a version to the next, each in a transaction of its own."""

KNOWN = {"sessions": "id, board", "runs": "session", "anchors": "session, wall",
         "events": "session, seq, body", "commands": "session, body"}  # fmt: skip
"""Tables of every version, and some of their columns."""
