"""What goes when its days are over, and what stays."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
from store_rows import a_session, an_alarm

from monitor import events as ev
from monitor.clock import ClockAnchor, SystemClock
from monitor.config.load import Record
from monitor.live.retention import Retention
from monitor.record import retention
from monitor.record.clips import QUOTA_BYTES
from monitor.record.evidence import evidence
from monitor.record.opening import open_store
from monitor.record.retention import (
    DAY_S,
    Forget,
    begun_before,
    expired,
    forget_folders,
    forget_sound,
)
from monitor.record.schema import FILE
from monitor.record.store import CommandRow, Store
from monitor.sessionfolder.segments import SegmentWriter

NOW = 1_000_000_000.0
ROWS = {"sessions": "id", "runs": "session", "anchors": "session", "events": "session",
        "commands": "session"}  # fmt: skip


def an_anchor(index: int, wall: float) -> ClockAnchor:
    return ClockAnchor(index, 0.0, 0.0, wall, "b")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Sessions: ended long ago, broke off long ago, runs since long, ended yesterday."""
    store = Store(tmp_path, SystemClock())
    for name, started, ended in (
        ("ended", NOW - 100 * DAY_S, NOW - 99 * DAY_S), ("broke", NOW - 98 * DAY_S, None),
        ("runs", NOW - 97 * DAY_S, None), ("new", NOW - DAY_S, NOW - DAY_S + 10),
    ):  # fmt: skip
        store.begin(a_session(name, started=started, ended=ended, label="Mrs Canary"))
        store.run(a_session(name), 0, 1)
        store.anchor(name, an_anchor(0, started))
        store.events(name, 0, [an_alarm(k) for k in range(40)])
        store.command(name, CommandRow(5, started, "c", "mark", "{}"), lambda: None)
    store.anchor("runs", an_anchor(20, NOW - 91 * DAY_S))
    store.anchor("runs", an_anchor(30, NOW - 1))
    assert store.close(30)
    return tmp_path


def rows_of(folder: Path, name: str) -> dict[str, int]:
    connection = sqlite3.connect(folder / FILE)
    counts = {
        table: connection.execute(
            f"SELECT count(*) FROM {table} WHERE {column} = ?", (name,)
        ).fetchone()[0]
        for table, column in ROWS.items()
    }
    connection.close()
    return counts


def test_sessions_go_whole_and_one_that_runs_loses_its_old_lines(folder: Path) -> None:
    db = open_store(folder).connection
    before = NOW - 90 * DAY_S
    assert expired(db, before) == ["ended", "broke"]
    assert begun_before(db, before) == ["runs"]
    forget = Forget(expired(db, before), begun_before(db, before), before)
    turns = 1
    while forget(db):
        turns += 1
    db.close()
    assert (forget.sessions, forget.lines, turns) == (["ended", "broke"], 100, 3)
    assert set(rows_of(folder, "ended").values()) == set(rows_of(folder, "broke").values()) == {0}
    assert rows_of(folder, "new") == {
        "sessions": 1, "runs": 1, "anchors": 1, "events": 40, "commands": 1,
    }  # fmt: skip
    assert rows_of(folder, "runs") == {
        "sessions": 1, "runs": 1, "anchors": 2, "events": 20, "commands": 0,
    }  # fmt: skip


def test_what_was_deleted_is_not_in_the_file_any_more(folder: Path) -> None:
    db = open_store(folder).connection
    forget = Forget(["ended", "broke", "runs", "new"])
    while forget(db):
        pass
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()
    assert b"Mrs Canary" not in (folder / FILE).read_bytes()


def test_long_sessions_go_in_slices(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "SLICE", 7)
    db = open_store(folder).connection
    forget = Forget(["ended"])
    slices = []
    while forget(db):
        slices.append(forget.lines)
    db.close()
    assert slices == [7, 14, 21, 28, 35]
    assert forget.lines == 40


def test_nothing_to_forget_is_nothing_done(folder: Path) -> None:
    db = open_store(folder).connection
    assert Forget([])(db) is False
    assert expired(db, 0) == begun_before(db, 0) == []
    db.close()


def a_file(path: Path, age_days: float) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x")
    os.utime(path, (NOW - age_days * DAY_S, NOW - age_days * DAY_S))
    return path


def test_sound_and_clips_go_by_age_and_what_nobody_acknowledged_stays(tmp_path: Path) -> None:
    old = a_file(tmp_path / "sessions/s1/sound/000001.flac", 8)
    half = [a_file(tmp_path / f"sessions/s2/sound/00000{k + 1}.flac", 8 - 2 * k) for k in range(2)]
    clips = [a_file(tmp_path / f"clips/s1/00000000000{k}-heart_lost.flac", 8) for k in range(2)]
    events = a_file(tmp_path / "sessions/s1/events.jsonl", 8)
    gone = forget_sound(tmp_path, 7, {("s1", 1)}, NOW, QUOTA_BYTES)
    assert gone == 3
    assert [path.exists() for path in (old, *half, *clips, events)] == [
        False, False, True, False, True, True,
    ]  # fmt: skip
    assert not old.parent.exists()


def test_the_folder_of_a_session_that_has_only_begun_is_left_to_it(tmp_path: Path) -> None:
    """It was deleted for being empty, and the whole recording failed."""
    sound = tmp_path / "sessions" / "s" / "sound"
    writer = SegmentWriter(sound, 4000, 1)
    assert forget_sound(tmp_path, 7, set(), NOW) == 0
    writer.write(np.zeros((10, 1), np.int16))
    writer.close()
    [piece] = sound.iterdir()
    os.utime(piece, (NOW - 8 * DAY_S, NOW - 8 * DAY_S))
    assert forget_sound(tmp_path, 7, set(), NOW) == 1  # and the old one of a running one
    writer.write(np.zeros((10, 1), np.int16))
    writer.close()
    assert [path.name for path in sound.iterdir()] == ["000002.flac"]


def test_folders_of_a_session_go_and_those_of_others_stay(tmp_path: Path) -> None:
    for name in ("sessions/s1/events.jsonl", "sessions/s1-2/events.jsonl",
                 "sessions/s1-x/events.jsonl", "sessions/s10/events.jsonl",
                 "clips/s1/1-a.flac", "clips/s10/1-a.flac"):  # fmt: skip
        a_file(tmp_path / name, 0)
    forget_folders(tmp_path, ["s1", "none"])
    left = sorted(str(p.relative_to(tmp_path)) for p in tmp_path.glob("*/*"))
    assert left == ["clips/s10", "sessions/s1-x", "sessions/s10"]


def _raise_alarm(folder: Path, session: str, index: int, answered: bool = False) -> None:
    """An alarm in the store, which was acknowledged or was not."""
    store = Store(folder, SystemClock())
    states: tuple[ev.AlarmState, ...] = ("active", "acknowledged") if answered else ("active",)
    seq = index * 100 + 1000
    lines = [
        ev.Alarm(index=index, kind="heart_lost", priority="high", state=state, evidence="")
        for state in states
    ]
    store.events(session, seq, lines)
    assert store.close(30)


class At(SystemClock):
    """Wall time stands; the rest goes on."""

    def wall(self) -> float:
        return NOW


def test_a_core_forgets_at_its_start_and_says_how_long_things_are_kept(folder: Path) -> None:
    a_file(folder / "sessions/ended/events.jsonl", 99)
    a_file(folder / "clips/new/000000005001-heart_lost.flac", 8)
    kept = a_file(folder / "clips/new/000000005002-heart_lost.flac", 8)
    _raise_alarm(folder, "new", 5002)
    store = Store(folder, At())
    keeper = Retention(Record(), store, At())
    [words] = keeper.words
    assert "events for 90 days, sound and clips for 7" in words
    assert keeper.turn() == []
    keeper.wait(10)
    tick = threading.Event()
    for _ in range(1000):
        if rows_of(folder, "runs")["events"] == 20:  # the last that is done
            break
        tick.wait(0.01)
    assert store.close(10)
    assert not (folder / "sessions/ended").exists()
    assert rows_of(folder, "ended")["events"] == 0
    assert rows_of(folder, "runs")["events"] == 20
    assert [path.name for path in (folder / "clips/new").iterdir()] == [kept.name]
    assert Retention(Record(), store, At(), first=False).words == []


def _of_the_store(folder: Path, sql: str) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(folder / FILE)
    found = connection.execute(sql).fetchall()
    connection.close()
    return found


def _turn(folder: Path, clock: SystemClock) -> tuple[list[str], list[str]]:
    """One run of a core's retention on a store: what it says at its start, and later."""
    store = Store(folder, clock)
    keeper = Retention(Record(), store, clock)
    words, said = keeper.words, keeper.turn()
    tick = threading.Event()
    for _ in range(3000):
        if store.writer._chore is None:
            break
        tick.wait(0.01)
    keeper.wait(30)
    said += keeper.turn()
    assert store.close(30)
    return words, said


class Later(At):
    """The clock on the wall was set forward by months."""

    def wall(self) -> float:
        return NOW + 150 * DAY_S


def test_a_wall_clock_set_forward_by_months_deletes_nothing_and_a_person_is_asked(
    folder: Path,
) -> None:
    """Ninety days of record were gone at the next start."""
    kept = a_file(folder / "sessions/new/sound/000001.flac", 1)
    before = _of_the_store(folder, "SELECT count(*) FROM events")
    words, said = _turn(folder, Later())
    assert "nothing is deleted by age" in words[-1]
    assert "log purge" in said[0]
    assert _of_the_store(folder, "SELECT count(*) FROM events") == before
    assert kept.exists()
    # What that run wrote makes the wrong clock look no better to the next one.
    _, said = _turn(folder, Later())
    assert said
    assert _of_the_store(folder, "SELECT count(*) FROM events") == before
    # Set back, it is believed again, and what is too old goes.
    words, said = _turn(folder, At())
    assert (len(words), said) == (1, [])
    assert rows_of(folder, "ended")["events"] == 0
    assert rows_of(folder, "new")["events"] == 40


class SetWhileItRuns(At):
    ahead_s = 0.0

    def wall(self) -> float:
        return NOW + self.ahead_s


def test_a_wall_clock_set_forward_while_a_core_runs_deletes_nothing_the_next_day(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("monitor.live.retention.AGAIN_S", 0.0)
    clock = SetWhileItRuns()
    store = Store(folder, clock)
    keeper = Retention(Record(), store, clock)
    keeper.turn()
    clock.ahead_s = 100 * DAY_S
    store.anchor("new", an_anchor(50, clock.wall()))  # the session writes on
    tick = threading.Event()
    said: list[str] = []
    for _ in range(3000):
        said += keeper.turn()
        if said:
            break
        tick.wait(0.01)
    keeper.wait(30)
    assert store.close(30)
    assert "nothing is deleted by age" in said[0]
    assert rows_of(folder, "new")["sessions"] == 1


def test_five_hundred_later_alarms_do_not_cost_the_clip_of_one_that_nobody_answered(
    folder: Path,
) -> None:
    """Only the last five hundred were looked at."""
    first = a_file(folder / "clips/new/000000005000-heart_lost.flac", 8)
    gone = a_file(folder / "clips/new/000000005010-heart_lost.flac", 8)
    store = Store(folder, SystemClock())
    lines: list[ev.Event] = []
    for k in range(600):
        states: tuple[ev.AlarmState, ...] = ("active", "acknowledged", "inactive")
        for state in states[: 1 if k == 0 else 3]:
            lines.append(
                ev.Alarm(index=5000 + 10 * k, kind="heart_lost" if k else "tachycardia",
                         priority="high", state=state, evidence="")
            )  # fmt: skip
    store.events("new", 1000, lines)
    assert store.close(60)
    _turn(folder, At())
    assert first.exists()
    assert not gone.exists()


def test_the_clip_of_an_alarm_that_nobody_answered_outlives_its_session(folder: Path) -> None:
    _raise_alarm(folder, "ended", 5000)
    _raise_alarm(folder, "broke", 5000, answered=True)
    names = ("ended", "broke")
    kept, gone = (a_file(folder / f"clips/{n}/000000005000-heart_lost.flac", 99) for n in names)
    for _ in range(2):  # and goes at no later time
        _turn(folder, At())
        assert (kept.exists(), gone.parent.exists()) == (True, False)
    assert rows_of(folder, "ended")["sessions"] == 0


def test_evidence_counts_though_the_lines_of_its_session_are_deleted_before_its_sound_is_judged(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether it did was left to which of two threads came first."""
    _raise_alarm(folder, "ended", 5000)
    clip = a_file(folder / "clips/ended/000000005000-heart_lost.flac", 99)

    def late(store: Path, sessions: Iterable[str] | None = None) -> set[tuple[str, int]]:
        return set() if sessions is None else evidence(store, sessions)

    monkeypatch.setattr("monitor.live.retention.evidence", late)
    _turn(folder, At())
    assert clip.exists()


def test_an_alarm_answered_after_its_session_was_over_is_answered(folder: Path) -> None:
    _raise_alarm(folder, "new", 5000)
    clip = a_file(folder / "clips/new/000000005000-heart_lost.flac", 8)
    store = Store(folder, At())
    row = CommandRow(5000, NOW, "screen", "acknowledge", '{"alarm": "heart_lost"}')
    store.command("new", row, lambda: None)
    assert store.close(30)
    _turn(folder, At())
    assert not clip.exists()
