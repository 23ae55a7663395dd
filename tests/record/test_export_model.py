"""The event file as it is read for exports and reports."""

from __future__ import annotations

import re
import stat
from datetime import UTC, datetime

import msgspec
import numpy as np
import pytest
import record_sample
from hypothesis import given
from hypothesis import strategies as st

from monitor import events as ev
from monitor.alarms.episodes import TECHNICAL, episodes, spans
from monitor.alarms.table import TABLE
from monitor.errors import InputError, RecordError, UsageError
from monitor.record import session_sound as heard
from monitor.record.export.model import Anchor, from_event_file, record_of
from monitor.system.atomic_write import staging, write_files
from monitor.text import ascii_text, clean, clock, safe_stem


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("\x1b[2Jcleared\x1b]0;title\x07", "cleared"),
        ("\x9b31mred", "red"),
        ("[bold]loud[/bold]", "(bold)loud(/bold)"),
        ("two\nlines\r\n\tand more", "two lines and more"),
        ("<script>alert(1)</script>", "‹script>alert(1)‹/script>"),
        ("rate 42/min < 50", "rate 42/min < 50"),
        ("take [1].wav", "take [1].wav"),
        ("left\u202egpj.exe", "leftgpj.exe"),
        ("\ud800\x00half", "�half"),
        ("11 of 15 windows ≥ 0.8", "11 of 15 windows ≥ 0.8"),
    ],
)
def test_words_from_outside_lose_what_a_terminal_or_browser_could_obey(said, shown):
    assert clean(said) == shown


def test_four_kilobytes_become_one_line_of_the_limit():
    assert len(clean("x" * 4096, 120)) == 120
    assert clean("x" * 4096, 120).endswith("…")
    assert len(clean("\x1b[1m" * 4096 + "y", 120)) <= 120


@given(st.text())
def test_cleaning_twice_changes_nothing_and_leaves_no_control_character(text):
    once = clean(text, 80)
    assert clean(once, 80) == once
    assert len(once) <= 80
    assert (
        once.isprintable()
        or once == ""
        or not any(ord(c) < 32 or 127 <= ord(c) < 160 for c in once)
    )
    assert "\x1b" not in once


@given(st.text())
def test_every_name_gives_a_plain_file_stem(text):
    stem = safe_stem(text)
    assert 0 < len(stem) <= 61
    assert re.fullmatch(r"[\w-]+", stem)
    assert re.fullmatch(r"[A-Za-z0-9_-]+", safe_stem(text, plain=True))
    assert ascii_text(text, 10).isascii()


def test_a_clock_shows_minutes_and_hours():
    assert (clock(5.9), clock(75), clock(3725)) == ("0:05", "1:15", "1:02:05")


def test_a_record_holds_the_words_of_a_hostile_file_cleaned(tmp_path):
    sample = record_sample.write(tmp_path, record_sample.HOSTILE)
    name = from_event_file(sample.events).session.name
    assert len(name) <= 120
    assert not set("\x1b\n\r[<") & set(name)


def test_a_broken_line_is_named_with_its_number(tmp_path):
    sample = record_sample.write(tmp_path)
    whole = sample.events.read_bytes().splitlines(keepends=True)
    sample.events.write_bytes(b"".join(whole[:7]) + whole[7][:20])
    with pytest.raises(InputError, match=r"session\.jsonl, line 8: "):
        from_event_file(sample.events)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda lines: lines[1:], "session line"),
        (lambda lines: [], "session line"),
        (lambda lines: [msgspec.structs.replace(lines[0], schema=2), *lines[1:]], "version 2"),
        (lambda lines: [lines[0], lines[-1], lines[1]], "second session or end"),
        (lambda lines: [lines[0], lines[30], lines[1]], "out of order"),
    ],
)
def test_a_file_of_another_shape_is_refused_in_one_line(change, message):
    with pytest.raises(InputError, match=message):
        record_of(change(record_sample.lines()), "file")


def test_a_recording_that_broke_off_is_read_without_its_last_line():
    record = record_of(record_sample.lines()[:-1], "file")
    assert record.end is None
    assert record.length == record_sample.SECONDS * 2000


def test_wall_time_lies_between_its_anchors_and_needs_none():
    record = record_of(record_sample.lines(), "file")
    assert record.moment(4000) is None
    begun = record.begun(datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))
    assert begun.moment(4000) == datetime(2026, 1, 2, 3, 4, 7, tzinfo=UTC)
    two = type(begun)(begun.session, begun.events, begun.end, (Anchor(0, 0.0), Anchor(2000, 1.01)))
    assert two.wall(1000) == pytest.approx(0.505)
    assert two.wall(4000) == pytest.approx(2.01)


def test_every_technical_kind_of_the_alarm_table_is_known_as_technical():
    assert {rule.kind for rule in TABLE if rule.alarm_class == "technical"} == TECHNICAL


def test_an_episode_runs_from_active_to_inactive_and_pending_alone_is_none():
    found = episodes(record_sample.lines())
    assert [(one.kind, one.start, one.end, one.acknowledged) for one in found] == [
        ("tachycardia_extreme", 57 * 2000, None, 63 * 2000),
        ("abnormal_sound", 60 * 2000, None, None),
    ]
    assert [one.condition_end for one in found] == [None, 84 * 2000]


def test_a_span_does_not_reach_over_a_gap():
    gap = ev.Gap(index=60, start=20, length=10, uncertainty=0, reason="")
    assert spans([(0, "good"), (40, "noisy")], 50, [gap]) == [
        (0, 20, "good"),
        (30, 40, "good"),
        (40, 50, "noisy"),
    ]


def test_sound_without_the_gap_is_laid_on_the_index_with_the_gap_as_nan(tmp_path):
    sample = record_sample.write(tmp_path)
    record = from_event_file(sample.events, sample.sound)
    sound = heard.load(record)
    start, length = record_sample.GAP
    assert sound.size == record.length
    assert np.isnan(sound[start : start + length]).all()
    assert np.isfinite(np.delete(sound, slice(start, start + length))).all()
    late = next(beat for beat in record.of(ev.Beat) if beat.s1 and beat.s1 > 40 * 2000)
    within = np.abs(sound[late.s1 : late.systole]).max()
    before = np.abs(sound[late.s1 - 200 : late.s1 - 40]).max()
    assert within > 4 * before  # the S1 of the events is where the sound has one


def test_sound_of_another_length_is_refused(tmp_path):
    sample = record_sample.write(tmp_path)
    other = record_sample.write(tmp_path / "other")
    other.sound.write_bytes(sample.sound.read_bytes()[: 50 * 2000 * 4])
    record = from_event_file(sample.events, other.sound)
    with pytest.raises(InputError, match="lasts"):
        heard.load(record)


def test_files_appear_whole_private_and_never_over_another(tmp_path):
    (path,) = write_files(tmp_path / "new", {"a.txt": "one"}, overwrite=False)
    assert path.read_text() == "one"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(UsageError, match="--overwrite"):
        write_files(path.parent, {"b.txt": "two", "a.txt": "two"}, overwrite=False)
    assert sorted(one.name for one in path.parent.iterdir()) == ["a.txt"]
    write_files(path.parent, {"a.txt": "two"}, overwrite=True)
    assert path.read_text() == "two"


def test_a_failure_leaves_nothing_behind(tmp_path):
    def fail():
        with staging(tmp_path, ["a"], False) as stage:
            (stage / "a").write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "file").write_text("")
    with pytest.raises(RecordError, match="cannot write"):
        write_files(tmp_path / "file", {"a": "b"}, overwrite=False)
