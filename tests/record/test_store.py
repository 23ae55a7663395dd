"""The store: what was committed stays, nobody waits for the disk, damage is never overwritten."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from store_rows import a_session, an_alarm
from waiting import until

from monitor import events as ev
from monitor.clock import ClockAnchor, SystemClock
from monitor.errors import NoInputError, RecordError
from monitor.record.opening import open_store
from monitor.record.schema import FILE, VERSION
from monitor.record.store import Archive, CommandRow, Store, new_id
from monitor.record.writer import LIMIT, Row, Writer


def _vitals(index: int) -> ev.Vitals:
    return ev.Vitals(index=index, rate=60.0, spread=None, systole_ms=None, diastole_ms=None)


def test_everything_put_in_comes_out_again_in_order(tmp_path: Path) -> None:
    store = Store(tmp_path, SystemClock())
    store.begin(a_session())
    lines: list[ev.Event] = [_vitals(2000), an_alarm(3000), ev.Mark(index=4000, note="é\n")]
    store.events("s1", 0, lines[:2])
    store.events("s1", 2, lines[2:], b'{"b":1}')
    store.anchor("s1", ClockAnchor(0, 1.0, 2.0, 3.0, "boot"))
    done = threading.Event()
    store.command("s1", CommandRow(10, 5.0, "screen", "acknowledge", "{}"), done.set)
    assert done.wait(10)
    store.end("s1", 4000, "stopped")
    assert store.close()
    archive = Archive(tmp_path)
    assert [event for _, event in archive.events("s1")] == lines
    assert [event for _, event in archive.events("s1", ["alarm"], 0)] == [lines[1]]
    assert archive.last("s1") == (2, 4000)
    assert archive.anchors("s1") == [ClockAnchor(0, 1.0, 2.0, 3.0, "boot")]
    assert archive.commands("s1")[0].kind == "acknowledge"
    [row] = archive.sessions()
    assert (row.ended_how, row.ended_index, row.board) == ("stopped", 4000, '{"b":1}')
    assert archive.open_sessions() == []
    archive.close()


def test_a_second_core_on_one_store_is_refused_with_the_pid_of_the_first(tmp_path: Path) -> None:
    store = Store(tmp_path, SystemClock())
    with pytest.raises(RecordError, match=str(os.getpid())):
        Store(tmp_path, SystemClock())
    store.close()
    Store(tmp_path, SystemClock()).close()


def test_files_are_for_their_user_only(tmp_path: Path) -> None:
    folder = tmp_path / "new"
    Store(folder, SystemClock()).close()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / FILE).stat().st_mode) == 0o600


def test_a_newer_store_is_refused_and_not_touched(tmp_path: Path) -> None:
    Store(tmp_path, SystemClock()).close()
    connection = sqlite3.connect(tmp_path / FILE)
    connection.execute(f"PRAGMA user_version = {VERSION + 1}")
    connection.close()
    before = (tmp_path / FILE).read_bytes()
    with pytest.raises(RecordError, match="newer"):
        Store(tmp_path, SystemClock())
    assert (tmp_path / FILE).read_bytes() == before
    archive = Archive(tmp_path)
    assert archive.version == VERSION + 1
    archive.close()


def test_no_store_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(NoInputError, match="no store"):
        Archive(tmp_path)


def test_a_folder_that_cannot_be_made_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RecordError, match=r"not a directory|file exists"):
        Store(tmp_path / "file" / "store", SystemClock())


def test_a_file_that_is_no_database_is_kept_aside(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"this is not a database, but it may be dear to somebody" * 100)
    store = Store(tmp_path, SystemClock())
    assert store.damaged is not None
    assert store.damaged.read_bytes().startswith(b"this is not a database")
    store.begin(a_session())
    assert store.close()


class _Broken:
    """A connection whose disk refuses while ``refuses`` is set."""

    def __init__(self, folder: Path) -> None:
        self.inner = open_store(folder).connection
        self.refuses = False
        self.in_transaction = False

    def execute(self, sql: str, *values: object) -> object:
        if self.refuses and sql == "COMMIT":
            self.inner.rollback()
            raise sqlite3.OperationalError("database or disk is full")
        return self.inner.execute(sql, *values)

    def close(self) -> None:
        self.inner.close()


def test_what_the_full_disk_refused_is_written_when_there_is_room_again(tmp_path: Path) -> None:
    broken = _Broken(tmp_path)
    broken.refuses = True
    writer = Writer(lambda: broken, SystemClock())  # type: ignore[arg-type, return-value]
    done: list[int] = []
    for k in range(5):
        values = ("s", k, k, "alarm", "{}")
        sql = "INSERT INTO events VALUES (?, ?, ?, ?, ?, NULL)"
        writer.put(Row(sql, values, True, False, lambda k=k: done.append(k)))  # type: ignore[misc]
    until(lambda: writer.trouble() is not None)
    assert "full" in str(writer.trouble())
    assert done == []
    broken.refuses = False
    until(lambda: len(done) == 5)
    assert writer.trouble() is None
    assert done == [0, 1, 2, 3, 4]
    assert writer.close(10)


def test_a_store_made_anew_knows_at_what_time_its_sessions_stood(tmp_path: Path) -> None:
    """A core that went on in it booked nothing of the time without one as lost."""
    store = Store(tmp_path, SystemClock())
    row = a_session()
    store.begin(row)
    for second in (1, 2):
        store.anchor(row.id, ClockAnchor(2000 * second, second, second, 1.7e9 + second, "boot"))
    assert store.settle(10)
    for path in tmp_path.glob(FILE + "*"):
        path.unlink()
    store.events(row.id, 5, [an_alarm(6000)])
    until(lambda: store.writer.removals == 1)
    assert store.settle(10)
    archive = Archive(tmp_path)
    assert [anchor.index for anchor in archive.anchors(row.id)] == [4000]
    assert [seq for seq, _ in archive.events(row.id)] == [5]
    archive.close()
    assert store.close(10)


def test_too_many_waiting_trends_are_dropped_and_counted_and_transitions_never(
    tmp_path: Path,
) -> None:
    broken = _Broken(tmp_path)
    broken.refuses = True
    writer = Writer(lambda: broken, SystemClock())  # type: ignore[arg-type, return-value]
    sql = "INSERT INTO events VALUES (?, ?, ?, ?, ?, NULL)"
    rows = [Row(sql, ("s", k, k, "vitals", "{}"), trend=True) for k in range(LIMIT + 500)]
    writer.put(*rows)
    alarms = [Row(sql, ("s", 10**6 + k, k, "alarm", "{}"), True) for k in range(100)]
    writer.put(*alarms)
    until(lambda: writer.trouble() is not None)
    broken.refuses = False
    until(lambda: writer.trouble() is None)
    assert writer.close(30)
    assert 500 <= writer.dropped <= 700
    connection = sqlite3.connect(tmp_path / FILE)
    count = "SELECT count(*) FROM events WHERE type = ?"
    assert connection.execute(count, ("alarm",)).fetchone() == (100,)
    assert connection.execute(count, ("vitals",)).fetchone() == (LIMIT + 500 - writer.dropped,)
    connection.close()


_KILLED = """
import sys, os
from pathlib import Path
sys.path.insert(0, {tests!r})
from store_rows import a_session, an_alarm
from monitor.clock import SystemClock
from monitor.record.store import Store
store = Store(Path(sys.argv[1]), SystemClock())
store.begin(a_session())
for k in range(10**6):
    store.events("s1", k, [an_alarm(k)], b"{{}}", lambda k=k: print(k, flush=True))
"""


def test_a_transition_that_was_confirmed_survives_kill_9(tmp_path: Path) -> None:
    code = _KILLED.format(tests=str(Path(__file__).parents[1] / "support"))
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    confirmed = -1
    with process.stdout as lines:
        for line in lines:
            confirmed = int(line)
            if confirmed >= 30:
                process.kill()
                break
        rest = [int(line) for line in lines if line.endswith("\n")]
    confirmed = max([confirmed, *rest])
    process.wait()
    store = Store(tmp_path, SystemClock())
    assert store.damaged is None
    store.close()
    archive = Archive(tmp_path)
    found = [event.index for _, event in archive.events("s1")]
    archive.close()
    assert found == list(range(len(found)))
    assert len(found) > confirmed


def test_ids_sort_by_time_and_never_repeat() -> None:
    ids = [new_id(1e9 + k) for k in range(100)]
    assert ids == sorted(ids)
    assert len({new_id(1e9) for _ in range(100)}) == 100


def test_a_session_is_found_by_the_beginning_of_its_id(tmp_path: Path) -> None:
    store = Store(tmp_path, SystemClock())
    store.begin(a_session("20260101T000000-aaaaaa"))
    store.begin(a_session("20260101T000000-bbbbbb", started=2000.0))
    assert store.close()
    archive = Archive(tmp_path)
    found = archive.session("20260101T000000-a")
    assert found is not None
    assert found.id.endswith("aaaaaa")
    assert archive.session("2026") is None
    assert archive.session("x") is None
    archive.close()
