"""Alarms as the record tells them: one count, reasons, answers and durations everywhere."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from scripted import Rig

from monitor import events as ev
from monitor.alarms.episodes import episodes
from monitor.alarms.table import MERGE, TABLE, title
from monitor.analysis.summary import Collector
from monitor.cli.log_lines import clock_s
from monitor.cli.main import run
from monitor.config.load import Settings
from monitor.link.requests import Acknowledge
from monitor.live.restore import before_of
from monitor.record.export.stored import from_store
from monitor.record.history import alarms_of, fold
from monitor.record.report.write import render
from monitor.record.store import Archive, CommandRow, Store
from monitor.tui.alarmbook import AlarmBook
from monitor.view.state import AlarmLog


def line(index: int, state: ev.AlarmState, why: str = "", kind: str = "heart_lost") -> ev.Alarm:
    return ev.Alarm(index=index, kind=kind, priority="high", state=state, evidence=why)


def test_an_answer_after_the_condition_has_gone_counts_and_both_reasons_are_kept() -> None:
    [one] = episodes(
        [line(10, "pending"), line(20, "active", "no beat for 6 s"),
         line(30, "latched", "0.5 s without a beat"), line(40, "inactive", "acknowledged after")]
    )  # fmt: skip
    assert (one.acknowledged, one.condition_end, one.end) == (40, 30, 40)
    assert (one.evidence, one.ended) == ("no beat for 6 s", "0.5 s without a beat")
    assert not one.to_acknowledge


def test_a_return_within_a_minute_is_the_same_occurrence_and_must_be_answered_again() -> None:
    first = [line(20, "active"), line(25, "acknowledged"), line(30, "inactive")]
    [one] = episodes([*first, line(30 + MERGE, "active", "again")])
    assert (one.count, one.start, one.end, one.acknowledged) == (2, 20, None, None)
    assert one.to_acknowledge
    assert len(episodes([*first, line(31 + MERGE, "active")])) == 2


def test_a_higher_priority_is_no_return_but_must_be_answered_again() -> None:
    raised = ev.Alarm(index=5, kind="poor_signal", priority="low", state="active", evidence="x")
    risen = ev.Alarm(index=9, kind="poor_signal", priority="medium", state="active", evidence="y")
    seen = ev.Alarm(index=7, kind="poor_signal", priority="low", state="acknowledged", evidence="z")
    [one] = episodes([raised, seen, risen])
    assert (one.count, one.priority, one.acknowledged, one.evidence) == (1, "medium", None, "x")


def test_a_technical_alarm_lasts_as_long_as_it_did_by_the_clock(tmp_path: Path) -> None:
    rig = Rig(tmp_path, "normal")
    rig.run(12)
    rig.run(19.5, delivers=False)
    rig.stall(0.2)
    rig.run(4)
    rig.close()
    archive = Archive(tmp_path)
    row = archive.session("s")
    assert row is not None
    [one] = [a for a in alarms_of(archive, row) if a.kind == "signal_lost"]
    archive.close()
    assert one.condition_end is not None
    assert one.lasted_s == pytest.approx(18.0, abs=1.0)  # raised 2 s after the last sample


@pytest.fixture(scope="module")
def heard(tmp_path_factory: pytest.TempPathFactory) -> Rig:
    """Two alarms: one answered after its condition had gone, one that ended by itself."""
    rig = Rig(tmp_path_factory.mktemp("history"), "tachycardia")
    rig.run(40)
    rig.run(6, delivers=False)
    rig.run(15)
    answers: list[bool] = []
    asked = Acknowledge(id=1, session="s")
    rig.session.ask(asked, "screen", lambda ok, error: answers.append(ok))
    rig.run(3)
    rig.close()  # all of it is in the store
    return rig


def test_screen_log_report_shift_and_summary_count_alike(
    heard: Rig, capsys: pytest.CaptureFixture[str]
) -> None:
    rig = heard
    store = rig.store.folder
    events = [e for e in rig.events(ev.Alarm) if isinstance(e, ev.Alarm)]
    record = from_store(store, "s")
    book = AlarmBook()
    book.restart(rig.session.snapshot().alarms)
    summary = Collector("x", Settings())
    summary.take(ev.Output(tuple(events)))
    count = len(record.alarms)
    assert count >= 2
    assert len(book.log()) == rig.session.status().alarm_count == len(summary.result().alarms)
    assert len(summary.result().alarms) == count
    assert len(episodes(events)) == count
    words = render(record)
    assert f">{count}<" in words
    capsys.readouterr()
    assert run(["log", "--store", str(store)]) == 0
    said = capsys.readouterr().out
    waiting = sum(one.to_acknowledge for one in record.alarms)
    assert f"alarms: {count}" + (f", {waiting} to acknowledge" if waiting else "") in said
    assert {a.occurrence: a.acknowledged for a in book.log()} == {
        one.number: one.acknowledged for one in record.alarms
    }


def test_a_core_that_goes_on_finds_trend_gaps_alarms_and_counts_whole(heard: Rig) -> None:
    rig = heard
    archive = Archive(rig.store.folder)
    before = before_of(archive, "s", Settings().verdict)
    told = rig.session.snapshot()
    # The rate is kept to a tenth in the record.
    assert [(i, r and round(r, 1)) for i, r, _ in told.trend] == [
        (i, r) for i, r, _ in before.history.trend
    ]
    assert before.history.before == (told.status.gaps, round(told.status.lost_s * 2000))
    assert list(before.history.gaps) == told.gaps
    lines = AlarmLog(fold(archive, "s")).all()
    archive.close()
    assert lines == told.alarms
    assert before.counts["alarm"] == len(rig.events(ev.Alarm))


def test_an_answer_given_after_the_session_has_ended_counts(tmp_path: Path) -> None:
    rig = Rig(tmp_path, "tachycardia")
    rig.run(40)
    rig.session.end("test over")
    body = msgspec.json.encode(Acknowledge(id=1, session="s")).decode()
    rig.clock.now += 60
    rig.store.command("s", CommandRow(0, rig.clock.wall(), "screen", "acknowledge", body), print)
    assert rig.store.close(30)
    archive = Archive(tmp_path)
    row = archive.session("s")
    assert row is not None
    found = alarms_of(archive, row)
    archive.close()
    assert found
    assert not any(one.to_acknowledge for one in found)
    assert any(one.acknowledged is not None for one in found)


def test_a_replayed_file_has_nothing_to_acknowledge(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    events = tmp_path / "out"
    assert run(["replay", "recordings/tachycardia.flac", "--events", str(events)]) == 0
    capsys.readouterr()
    page = tmp_path / "page.html"
    assert run(["report", str(next(events.glob("*.jsonl"))), "-o", str(page)]) == 0
    words = page.read_text()
    assert title("tachycardia") in words
    assert "acknowledge" not in words
    log = AlarmLog(answerable=False)
    log.update([line(20, "active"), line(30, "latched")])
    book = AlarmBook()
    book.restart(log.all())
    assert book.unanswered() == 0


def test_a_store_of_the_version_before_is_read_and_migrated(tmp_path: Path) -> None:
    rig = Rig(tmp_path, "tachycardia")
    rig.run(20)
    rig.close()
    import sqlite3

    db = sqlite3.connect(tmp_path / "apexbeat.db")
    db.execute("ALTER TABLE events DROP COLUMN wall")
    db.execute("ALTER TABLE sessions DROP COLUMN number")
    db.execute("PRAGMA user_version = 2")
    db.commit()
    db.close()
    archive = Archive(tmp_path)
    assert archive.walls("s") == {}
    assert fold(archive, "s").all()
    archive.close()
    store = Store(tmp_path, rig.clock)
    store.events("s", 10**6, [line(10**6, "active")])
    assert store.close(30)
    archive = Archive(tmp_path)
    assert list(archive.walls("s")) == [10**6]
    archive.close()


def test_every_kind_has_one_title() -> None:
    assert len({rule.title for rule in TABLE}) == len(TABLE)
    assert all(rule.remedy for rule in TABLE)
    assert (clock_s(0.44), clock_s(75)) == ("0.4 s", "1:15")
