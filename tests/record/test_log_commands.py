"""``apexbeat log``: lines, a shift in short, suppressed alarms, following, purging."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from store_rows import a_session

from monitor import events as ev
from monitor.alarms.episodes import episodes
from monitor.cli.main import run
from monitor.clock import ClockAnchor, SystemClock
from monitor.record.clips import FOLDER as CLIPS
from monitor.record.schema import FILE
from monitor.record.shift import shift_of
from monitor.record.store import CommandRow, Store
from monitor.record.suppressed import suppressed

HOUR = 3600 * 2000


def alarm(index: int, state: ev.AlarmState, kind: str = "tachycardia",
          priority: ev.Priority = "medium", evidence: str = "130/min") -> ev.Alarm:  # fmt: skip
    return ev.Alarm(index=index, kind=kind, priority=priority, state=state, evidence=evidence)


def quality(index: int, value: ev.QualityValue) -> ev.Quality:
    return ev.Quality(index=index, value=value, reason="")


def vitals(index: int, rate: float | None) -> ev.Vitals:
    return ev.Vitals(index=index, rate=rate, spread=None, systole_ms=None, diastole_ms=None)


LINES: list[ev.Event] = [
    quality(1000, "good"), vitals(2000, 80.0), vitals(4000, None), vitals(6000, 130.0),
    alarm(7000, "pending"), alarm(8000, "inactive", evidence="gone within the delay"),
    alarm(20_000, "pending"), alarm(40_000, "active"), alarm(60_000, "acknowledged"),
    ev.Mark(index=70_000, note="medication"), alarm(80_000, "inactive"),
    ev.Gap(index=90_000, start=80_000, length=10_000, uncertainty=0, reason="xrun"),
    quality(HOUR // 2, "noisy"), alarm(HOUR - 2000, "active", "heart_lost", "high"),
    ev.Fault(index=HOUR - 1000, what="x"), vitals(HOUR, 90.0),
]  # fmt: skip


class _Hands(SystemClock):
    """A clock whose wall time a test sets."""

    def __init__(self, at: float) -> None:
        self.at = at

    def wall(self) -> float:
        return self.at


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    begin = time.time() - 3600
    clock = _Hands(begin)
    store = Store(tmp_path, clock)
    store.begin(replace(a_session("s1", started=begin), name="phantom \x1b[2J"))
    store.anchor("s1", ClockAnchor(0, 0.0, 0.0, begin, "b"))
    store.anchor("s1", ClockAnchor(HOUR, 0.0, 0.0, begin + 3600, "b"))
    for number, line in enumerate(LINES):
        clock.at = begin + line.index / 2000
        store.events("s1", number, [line])
    note = CommandRow(100, begin, "core", "store", "the store was damaged\x1b[0m")
    store.command("s1", note, lambda: None)
    assert store.close(30)
    return tmp_path


def test_a_shift_counts_what_was_heard_lost_raised_and_answered() -> None:
    found = shift_of(LINES, episodes(LINES), 0, HOUR, [8000])
    assert found.lost == 10_000
    assert found.hours == pytest.approx((HOUR - 10_000) / HOUR)
    assert found.quality["good"] == pytest.approx((HOUR / 2 - 11_000) / (HOUR - 10_000))
    assert list(found.quality) == ["noisy", "good"]
    assert found.rates == (80.0, 90.0, 130.0)
    assert found.kinds == {"tachycardia": 1, "heart_lost": 1}
    assert found.answers_s == [10.0]
    assert (found.suppressed, found.marks, found.faults) == (1, 1, 1)


def test_a_shift_counts_only_what_lies_in_it() -> None:
    found = shift_of(LINES, episodes(LINES), HOUR // 2, HOUR - 5000, [8000])
    assert (found.lost, found.suppressed, found.marks, found.faults) == (0, 0, 0, 0)
    assert found.quality == {"noisy": 1.0}
    assert (found.rates, found.alarms) == (None, ())


def test_suppressed_alarms_are_listed_with_their_reason() -> None:
    lines: list[ev.Event] = [
        alarm(1000, "pending"), alarm(2000, "inactive", evidence="gone"),
        alarm(3000, "pending"), alarm(4000, "suspended", evidence="signal noisy"),
        alarm(5000, "pending"), alarm(6000, "interrupted"), alarm(7000, "inactive"),
        alarm(9000, "active"), alarm(10_000, "active", "clock"),
        alarm(11_000, "active", "heart_lost", "high"), alarm(12_000, "active", "behind"),
    ]  # fmt: skip
    pause = CommandRow(9500, 0.0, "screen", "pause_audio", '{"seconds": 60}')
    bad = CommandRow(9400, 0.0, "screen", "pause_audio", "{")
    found = suppressed(lines, [CommandRow(0, 0, "c", "mark", "{}"), bad, pause])
    assert [(one.index, one.kind, one.reason) for one in found] == [
        (2000, "tachycardia", "gone within its delay"),
        (4000, "tachycardia", "held back, poor signal"),
        (6000, "tachycardia", "held back, sound was lost"),
        (7000, "tachycardia", "gone within its delay"),
        (10_000, "clock", "audio paused"),
    ]


def test_a_pause_ends_in_its_time_and_by_the_next_one() -> None:
    def at(*pauses: tuple[int, str]) -> list[int]:
        lines = [alarm(9000, "active", "gaps"), *(alarm(k, "active", "clock") for k in
                 range(10_000, 400_000, 50_000))]  # fmt: skip
        rows = [CommandRow(index, 0, "s", "pause_audio", body) for index, body in pauses]
        return [one.index for one in suppressed(lines, rows)]

    assert at((9500, '{"seconds": 30}')) == [10_000, 60_000]
    assert at((9500, '{"seconds": null}'), (11_000, '{"seconds": 0}')) == [10_000]
    assert at((9500, "{}")) == [10_000, 60_000, 110_000, 160_000, 210_000]


def test_the_log_shows_alarms_notes_and_lines_and_nothing_a_terminal_obeys(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["log", "--store", str(folder)]) == 0
    said = capsys.readouterr().out
    assert "note     the store was damaged" in said
    assert "mark     note medication" in said
    assert "\x1b" not in said
    assert run(["log", "s1", "--store", str(folder), "--all", "--json"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(LINES)
    times = [datetime.fromisoformat(json.loads(line)["utc"]) for line in lines]
    assert times == sorted(times)
    assert run(["log", "last", "--store", str(folder), "--all", "--json"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == len(lines)


def test_a_shift_and_the_suppressed_are_printed(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["log", "shift", "--hours", "2", "--store", str(folder)]) == 0
    said = capsys.readouterr().out
    for words in ("lost 5.0 s", "median 90/min, 80 to 130", "2 (2.0 an hour), 1 made no sound",
                  "1 acknowledged, after 10 s (median)", "1 to acknowledge",
                  "1 marks, 1 faults"):  # fmt: skip
        assert words in said
    assert run(["log", "shift", "--until", "2001-01-01T00:00", "--store", str(folder)]) == 0
    assert "nothing was monitored" in capsys.readouterr().out
    assert run(["log", "shift", "--until", "noon", "--store", str(folder)]) == 2
    assert run(["log", "shift", "--hours", "nan", "--store", str(folder)]) == 2
    capsys.readouterr()
    assert run(["log", "suppressed", "--store", str(folder)]) == 0
    assert "1 alarms made no sound" in capsys.readouterr().out


def test_purge_deletes_what_is_named_and_refuses_while_a_monitor_runs(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clip = folder / CLIPS / "s1" / "1-heart_lost.flac"
    clip.parent.mkdir(parents=True)
    clip.touch()
    store = Store(folder, SystemClock())
    store.begin(a_session("s2"))
    assert run(["log", "purge", "s1", "--yes", "--store", str(folder)]) == 6
    assert "another monitor" in capsys.readouterr().err
    assert store.close()
    assert run(["log", "purge", "nobody", "--yes", "--store", str(folder)]) == 3
    assert run(["log", "purge", "s1", "--all", "--yes", "--store", str(folder)]) == 2
    assert clip.exists()
    assert run(["log", "purge", "s1", "--yes", "--store", str(folder)]) == 0
    assert f"1 sessions, {len(LINES)} lines" in capsys.readouterr().out
    assert not clip.parent.exists()
    assert b"medication" not in (folder / FILE).read_bytes()
    assert run(["log", "--sessions", "--store", str(folder)]) == 0
    assert capsys.readouterr().out.startswith("s2 ")
    assert run(["log", "purge", "--all", "--yes", "--store", str(folder)]) == 0
    assert run(["log", "--store", str(folder)]) == 3


def test_purge_without_a_session_deletes_what_is_too_old(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["log", "purge", "--yes", "--store", str(folder)]
    assert run(arguments) == 0
    assert "0 sessions" in capsys.readouterr().out
    assert run([*arguments, "--set", "record.event_days=0"]) == 0
    assert "1 sessions" in capsys.readouterr().out


def test_the_log_follows_until_the_session_ends(tmp_path: Path) -> None:
    store = Store(tmp_path, SystemClock())
    store.begin(a_session("s1"))
    store.events("s1", 0, [ev.Mark(index=1, note="first")])
    store.writer.close(10)
    store.close()
    process = subprocess.Popen(
        [sys.executable, "-m", "monitor.cli.main", "log", "s1", "--follow", "--json", "--store",
         str(tmp_path)],
        stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert process.stdout is not None
    with process.stdout as lines:
        assert '"first"' in lines.readline()
        store = Store(tmp_path, SystemClock())
        store.events("s1", 1, [ev.Mark(index=2, note="second")])
        assert '"second"' in lines.readline()
        store.end("s1", 2, "stopped")
        assert lines.readline() == ""
    assert process.wait(20) == 0
    store.close()


def test_help_shows_the_options_of_a_plain_log_and_the_commands(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["log", "--help"]) == 0
    said = capsys.readouterr().out
    for words in ("--follow", "--sessions", "shift", "suppressed", "purge"):
        assert words in said


def test_the_log_says_which_clips_are_kept(folder: Path, capsys) -> None:
    clips = folder / CLIPS / "s1"
    clips.mkdir(parents=True)
    assert run(["log", "--store", str(folder)]) == 0
    assert "clips:" not in capsys.readouterr().out
    for name in ("000000040000-tachycardia.flac", "000000050000-kept.flac"):
        sf.write(clips / name, np.zeros(2000), 2000)
    (clips / "000000060000-broken.flac").write_bytes(b"no sound")
    assert run(["log", "--store", str(folder)]) == 0
    assert "clips: 1 around alarms, 1 kept by hand (" in capsys.readouterr().out
    assert run(["log", "--json", "--store", str(folder)]) == 0
    assert all(json.loads(line) for line in capsys.readouterr().out.splitlines())
