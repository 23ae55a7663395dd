"""A store of another version, and a damaged one: migrated, read or kept aside, never lost."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

import damage
import pytest
from store_rows import a_session, an_alarm

from monitor import events as ev
from monitor.clock import SystemClock
from monitor.errors import NoInputError, RecordError
from monitor.record import schema
from monitor.record.opening import defect, open_reader, open_store
from monitor.record.schema import APPLICATION_ID, FILE, VERSION
from monitor.record.store import Archive, Store

VERSION_1 = """
CREATE TABLE sessions (id TEXT PRIMARY KEY, name TEXT NOT NULL, device TEXT NOT NULL,
    source TEXT NOT NULL, rate_hz INTEGER NOT NULL, channels INTEGER NOT NULL,
    software TEXT NOT NULL, models TEXT NOT NULL, settings TEXT NOT NULL, folder TEXT,
    started REAL NOT NULL, ended REAL, ended_index INTEGER, ended_how TEXT, board TEXT,
    label TEXT) WITHOUT ROWID;
CREATE TABLE runs (session TEXT NOT NULL, start_index INTEGER NOT NULL, wall REAL NOT NULL,
    pid INTEGER NOT NULL, PRIMARY KEY (session, start_index)) WITHOUT ROWID;
CREATE TABLE anchors (session TEXT NOT NULL, idx INTEGER NOT NULL, monotonic REAL NOT NULL,
    boot REAL NOT NULL, wall REAL NOT NULL, boot_id TEXT NOT NULL,
    PRIMARY KEY (session, idx)) WITHOUT ROWID;
CREATE TABLE events (session TEXT NOT NULL, seq INTEGER NOT NULL, idx INTEGER NOT NULL,
    type TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (session, seq)) WITHOUT ROWID;
CREATE INDEX events_of_note ON events (session, type, idx)
    WHERE type NOT IN ('beat', 'window', 'vitals');
CREATE TABLE commands (session TEXT NOT NULL, idx INTEGER NOT NULL, wall REAL NOT NULL,
    client TEXT NOT NULL, kind TEXT NOT NULL, body TEXT NOT NULL);
CREATE INDEX commands_of ON commands (session, idx);
INSERT INTO sessions VALUES ('old', 'n', 'd', 's', 4000, 1, 'w', '{}', '{}', NULL, 1.0, 2.0, 2000,
    'stopped', NULL, NULL);
INSERT INTO events VALUES ('old', 0, 10, 'mark', '{"type":"mark","index":10,"note":"kept"}');
INSERT INTO events VALUES ('old', 1, 20, 'vitals', '{"type":"vitals","index":20,"rate":60.0,
    "spread":null,"systole_ms":null,"diastole_ms":null}');
"""
"""What version 1 made, and two lines of it."""


@pytest.fixture
def old(tmp_path: Path) -> Path:
    connection = sqlite3.connect(tmp_path / FILE)
    connection.executescript(
        f"{VERSION_1}PRAGMA user_version = 1;PRAGMA application_id = {APPLICATION_ID};"
    )
    connection.close()
    return tmp_path


def by_index(folder: Path) -> bool:
    """Whether what is of note is found without reading the rest."""
    connection = sqlite3.connect(folder / FILE)
    sql = (
        "EXPLAIN QUERY PLAN SELECT body FROM events INDEXED BY events_of_note "
        f"WHERE session = 'old' AND seq > -1 AND {schema.OF_NOTE} ORDER BY seq"
    )
    words = " ".join(row[3] for row in connection.execute(sql))
    connection.close()
    return "events_of_note (session=? AND seq>?)" in words and "TEMP B-TREE" not in words


def test_a_store_of_version_1_is_migrated_and_keeps_its_lines(old: Path) -> None:
    assert not by_index(old)
    store = Store(old, SystemClock())
    assert store.damaged is None
    store.begin(a_session("new"))
    assert store.close()
    archive = Archive(old)
    assert archive.version == VERSION
    assert [row.id for row in archive.sessions()] == ["new", "old"]
    assert [event.index for _, event in archive.events("old")] == [10, 20]
    assert [event.index for _, event in archive.events("old", ("mark",))] == [10]
    archive.close()
    assert by_index(old)


def test_a_store_of_version_1_is_read_without_being_migrated(old: Path) -> None:
    before = (old / FILE).read_bytes()
    archive = Archive(old)
    assert [event.index for _, event in archive.events("old", ("mark",))] == [10]
    archive.close()
    assert (old / FILE).read_bytes() == before


def test_a_migration_that_fails_leaves_the_store_as_it_was(
    old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = "DROP INDEX events_of_note; CREATE INDEX that ON no_such_table (x);"
    monkeypatch.setitem(schema.MIGRATIONS, 1, broken)
    with pytest.raises(RecordError, match="no_such_table"):
        open_store(old)
    connection = sqlite3.connect(old / FILE)
    assert connection.execute("PRAGMA user_version").fetchone() == (1,)
    assert "CREATE INDEX events_of_note" in " ".join(
        str(row[0]) for row in connection.execute("SELECT sql FROM sqlite_schema")
    )
    connection.close()
    monkeypatch.undo()
    opened = open_store(old)
    opened.connection.close()
    assert opened.damaged is None


def test_every_version_has_a_way_to_the_next() -> None:
    assert sorted(schema.MIGRATIONS) == list(range(1, VERSION))


@pytest.mark.parametrize("content", [b"dear to somebody" * 100, b"SQLite format 3\0" + b"\1" * 84])
def test_a_file_that_is_no_store_is_kept_aside(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILE).write_bytes(content)
    opened = open_store(tmp_path)
    opened.connection.close()
    assert opened.damaged is not None
    assert opened.damaged.read_bytes() == content


def test_another_programs_database_is_kept_aside(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / FILE)
    connection.executescript("CREATE TABLE theirs (x); INSERT INTO theirs VALUES (1);")
    connection.close()
    before = (tmp_path / FILE).read_bytes()
    opened = open_store(tmp_path)
    opened.connection.close()
    assert opened.damaged is not None
    assert opened.damaged.read_bytes() == before


def test_damage_anywhere_never_crashes_the_start_and_is_never_overwritten(tmp_path: Path) -> None:
    found = damage.run(20, 3, tmp_path)
    assert sum(found.values()) == 20
    assert found["moved aside at the start"] >= 8


def test_a_damaged_name_of_a_table_is_damage_too(tmp_path: Path) -> None:
    """SQLite quotes it in its error, which is no text: the start ended in a traceback."""
    opened = open_store(tmp_path)
    opened.connection.close()
    path = tmp_path / FILE
    whole = path.read_bytes()
    path.write_bytes(whole.replace(b"CREATE TABLE events", b"CREATE TABLE \xe1v\xe1nts"))
    assert path.read_bytes() != whole
    with pytest.raises(NoInputError, match="damaged"):
        open_reader(tmp_path)
    opened = open_store(tmp_path)
    opened.connection.close()
    assert opened.damaged is not None


def test_a_store_that_breaks_while_it_is_used_is_moved_aside_and_sessions_go_on(
    tmp_path: Path,
) -> None:
    store = Store(tmp_path, SystemClock())
    store.begin(a_session("s1"))
    done = threading.Event()
    store.events("s1", 0, [an_alarm(1)], b'{"board":1}', done.set)
    assert done.wait(10)
    path = tmp_path / FILE
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    connection.close()
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xaa" * 4096 * 20)
    store.writer.renew()  # what its check of the whole file does when it finds damage
    again = threading.Event()
    store.events("s1", 1, [an_alarm(2)], b'{"board":2}', again.set)
    assert again.wait(10)
    assert store.damaged is not None
    assert store.close()
    archive = Archive(tmp_path)
    [row] = archive.sessions()
    assert row.board == '{"board":2}'
    assert [number for number, _ in archive.events("s1")] == [1]
    archive.close()


def test_a_damaged_line_is_told_in_its_place(tmp_path: Path) -> None:
    store = Store(tmp_path, SystemClock())
    store.begin(a_session("s1"))
    store.events("s1", 0, [an_alarm(1), an_alarm(2), an_alarm(3)])
    assert store.close()
    connection = sqlite3.connect(tmp_path / FILE)
    connection.execute("UPDATE events SET body = CAST(x'7bff' AS TEXT) WHERE seq = 1")
    connection.commit()
    connection.close()
    archive = Archive(tmp_path)
    lines = [event for _, event in archive.events("s1")]
    archive.close()
    assert lines[1] == ev.Fault(index=2, what="line 1 of the store is damaged")
    assert [type(line).__name__ for line in lines] == ["Alarm", "Fault", "Alarm"]


def test_a_check_that_is_broken_off_finds_nothing(tmp_path: Path) -> None:
    damage.make(tmp_path, 50)
    assert defect(tmp_path / FILE) is None
    assert defect(tmp_path / FILE, lambda: True) is None
    with (tmp_path / FILE).open("r+b") as file:
        file.seek(4096)
        file.write(b"\xaa" * 4096 * 4)
    assert defect(tmp_path / FILE) is not None
