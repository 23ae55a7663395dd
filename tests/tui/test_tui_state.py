"""What a screen knows and still trusts: trend, alarms, ages, requests, limits."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scene import Scene, alarm
from scenes import NAMES, scene
from shown import heard, plain

from monitor import events as ev
from monitor.link import messages as ms
from monitor.link import requests as rq
from monitor.tui import words
from monitor.tui.alarmbook import AlarmBook
from monitor.tui.limits import wrong
from monitor.tui.requests import Requests
from monitor.tui.series import FULL, Series
from monitor.tui.state import ScreenState, SessionState
from monitor.tui.widgets import banner, rate, signal, title, verdict, wave
from monitor.tui.widgets.glyphs import ASCII, UNICODE


def test_the_trend_keeps_hours_in_flat_memory() -> None:
    series = Series()
    for second in range(2 * FULL):
        series.add(second * 2000, 70.0, None)
    assert len(series) <= FULL
    rates, p = series.columns(2 * FULL * 2000, 12 * 3600 * 2000, 100)
    assert rates == pytest.approx(np.full(100, 70.0))
    assert np.isnan(p).all()


def test_a_hole_in_the_trend_stays_a_hole() -> None:
    series = Series()
    series.restart([(s * 2000, 70.0 if s < 20 or s > 40 else None, 0.1) for s in range(60)])
    rates, _ = series.columns(60 * 2000, 60 * 2000, 120)
    assert not np.isnan(rates[2:36]).any()
    assert np.isnan(rates[44:80]).all()


def test_an_alarm_leaves_the_active_ones_only_when_the_core_says_so() -> None:
    book = AlarmBook()
    line = alarm(1, "tachycardia", "medium", 10, "125/min")
    book.update([line], 20_000)
    assert [a.kind for a in book.active()] == ["tachycardia"]
    book.update([], 30_000)
    assert book.active() == []
    assert book.log()[0].cleared == 30_000


def test_an_answered_alarm_of_an_earlier_session_gets_no_time_of_this_one() -> None:
    book = AlarmBook()
    book.update([alarm(1, "heart_lost", "high", 10, "", earlier_session="old")], 20_000)
    book.update([], 30_000)
    assert book.log()[0].state == "inactive"
    assert book.log()[0].cleared is None


def test_a_pending_alarm_is_not_shown() -> None:
    book = AlarmBook()
    book.update([alarm(1, "tachycardia", "medium", 10, "125/min", state="pending")], 20_000)
    assert book.active() == book.log() == []


def test_an_alarm_event_shows_at_once_and_the_status_takes_it_over() -> None:
    book = AlarmBook()
    book.event(
        ev.Alarm(index=5, kind="heart_lost", priority="high", state="active", evidence="6 s")
    )
    assert [a.kind for a in book.active()] == ["heart_lost"]
    book.update([alarm(4, "heart_lost", "high", 0.0025, "6 s")], 1000)
    assert [a.occurrence for a in book.log()] == [4]


def test_all_alarms_of_a_burst_are_in_the_log_though_every_status_was_replaced() -> None:
    played, state = scene("normal"), ScreenState()
    state.receive(played.snapshot(760), 1000)
    for number in range(5000):
        at = 760 + number / 2
        state.receive(played.now(at), 1000)
        if number % 500 == 0:
            event = ev.Alarm(index=int(at * 2000), kind=f"kind_{number}", priority="low",
                             state="active", evidence="")  # fmt: skip
            state.receive(ms.EventLine(session=played.session, seq=number, event=event), 1000)
    session = state.shown()
    assert session is not None
    assert session.status == played.now(760 + 4999 / 2)
    assert sum(a.kind.startswith("kind_") for a in session.alarms.log()) == 10


def test_the_banner_shows_the_most_urgent_and_counts_the_others() -> None:
    state = heard(scene("several"))
    text = plain(banner.line(state, 1000.0, 120, UNICODE))
    assert "▲ HIGH  very fast heart rate" in text
    assert "2 more" in text
    assert len(text) == 120


def test_an_acknowledged_alarm_stays_visible_below_an_unanswered_lesser_one() -> None:
    state = heard(scene("several"))
    session = state.shown()
    assert session is not None
    taken = alarm(8, "tachycardia_extreme", "high", 758, "", state="acknowledged", acknowledged=9)
    rest = scene("several").alarms[1:]
    session.alarms.update([taken, *rest], 1_600_000)
    assert "◆ MEDIUM" in plain(banner.line(state, 1000.0, 120, UNICODE))


def test_mean_p_is_said_once() -> None:
    played = scene("alarm")
    played.status["verdict_evidence"] = "15 of 15 windows ≥ 0.53, mean p 0.91"
    text = "".join(
        plain(row)
        for row in verdict.lines(heard(played).shown(), 1000.0, 60, 7, UNICODE, details=True)
    )
    assert text.count("mean p") == 1
    assert "age 1 s" in text


def test_audio_paused_is_counted_down_by_the_screen() -> None:
    state = heard(scene("paused"), now=1000.0)
    assert "AUDIO PAUSED 1:44" in plain(banner.line(state, 1000.0, 80, UNICODE))
    assert "AUDIO PAUSED 1:42" in plain(banner.line(state, 1001.9, 80, UNICODE))
    assert "AUDIO" not in plain(banner.line(state, 1110.0, 80, UNICODE))


@pytest.mark.parametrize(
    ("ppm", "style"), [(-480.0, "dim"), (520.0, "medium"), (-9000.0, "medium")]
)
def test_a_device_clock_that_is_off_by_more_than_500_ppm_is_a_warning(
    ppm: float, style: str
) -> None:
    state = heard(Scene(status={"drift_ppm": ppm}))
    line = title.line(state, 1000.0, 160, UNICODE)
    assert [kind for text, kind in line if "ppm" in text] == [style]


@pytest.mark.parametrize("name", NAMES)
def test_no_line_is_wider_than_its_place(name: str) -> None:
    state = heard(scene(name))
    session = state.shown()
    assert session is not None
    for width, glyphs in itertools.product(range(60, 241, 3), (UNICODE, ASCII)):
        assert len(glyphs.plain(plain(title.line(state, 1000.3, width, glyphs)))) <= width
        assert len(glyphs.plain(plain(banner.line(state, 1000.3, width, glyphs)))) <= width
        room = width // 4
        for part in (rate.lines, verdict.lines, signal.lines):
            lines = part(session, 1000.3, room + 5, 4, glyphs)
            assert all(len(glyphs.plain(plain(line))) <= room + 5 for line in lines)
            assert len(lines) <= 4


def shown_rate(state: ScreenState, now: float) -> float | None:
    session: SessionState | None = state.shown()
    assert session is not None
    return session.rate(now)


def test_a_rate_vanishes_when_no_status_comes() -> None:
    state = heard(scene("normal"), now=1000.0)
    assert shown_rate(state, 1001.9) == 72
    assert shown_rate(state, 1002.1) is None


def test_a_rate_vanishes_when_the_last_beat_is_too_old() -> None:
    played = scene("normal")
    played.status["rate_age_s"] = 5.5
    state = heard(played, now=1000.0)
    assert shown_rate(state, 1000.4) == 72
    assert shown_rate(state, 1000.6) is None


def test_a_rate_vanishes_when_the_source_is_not_healthy() -> None:
    for health in [*sorted(words.LOST_HEALTH), "ended"]:
        played = scene("normal")
        played.status["health"] = health
        assert shown_rate(heard(played), 1000.0) is None


def test_the_core_counts_as_silent_two_seconds_after_the_last_message() -> None:
    state = ScreenState()
    state.begin(1000.0)
    assert not state.silent(1001.9)
    assert state.silent(1002.1)
    state.receive(ms.Heartbeat(beat=1), 1003.0)
    assert not state.silent(1004.9)


def test_a_heartbeat_that_does_not_count_on_is_no_life() -> None:
    state = ScreenState()
    for tenth in range(30):
        state.receive(ms.Heartbeat(beat=7), 1000.0 + tenth / 10)
    assert state.silent(1002.9)


def test_a_request_that_is_not_answered_is_said_once() -> None:
    requests = Requests(lambda request: True)
    requests.ask(rq.PauseAudio(session="s"), 10.0)
    assert requests.overdue(12.9) == ""
    assert requests.overdue(13.1) == "pause audio: no answer from the core"
    assert requests.overdue(14.0) == ""


def test_a_refusal_is_said_in_the_words_of_the_core() -> None:
    requests = Requests(lambda request: True)
    requests.ask(rq.SwitchRecording(session="s"), 10.0)
    reply = ms.Reply(id=1, ok=False, error="the disk is full")
    assert requests.reply(reply) == "record: the disk is full"
    assert requests.reply(reply) == ""


def test_inverted_limits_are_refused_before_they_are_sent() -> None:
    fine = {"bradycardia_extreme": 40.0, "bradycardia": 50.0, "tachycardia": 120.0,
            "tachycardia_extreme": 150.0}  # fmt: skip
    assert wrong(dict(fine)) == ""
    assert "must lie below" in wrong({**fine, "bradycardia": 130.0})
    assert "not within" in wrong({**fine, "tachycardia_extreme": 400.0})
    assert wrong({**fine, "bradycardia": None}) == ""


def test_an_annotation_stands_under_the_marks_with_what_was_missed_and_what_is_extra() -> None:
    state = heard(scene("normal"))
    session = state.shown()
    assert session is not None
    onsets = sorted(
        (at, sound)
        for beat in session.beats
        for at, sound in ((beat.s1, 1), (beat.s2, 2))
        if at is not None
    )
    within = [onset for onset in onsets if onset[0] > 2000 * 750]
    session.annotated = [onset for onset in onsets if onset != within[2]] + [(2000 * 753, 2)]
    session.annotated.sort()
    rows = wave.lines(session, 2000 * 756, wave.grid(6, 100), 4.0, 100, 10, UNICODE)
    last, marks = plain(rows[-1]), plain(rows[-2])
    assert len(rows) == 10
    assert last.count("+1") + last.count("+2") == 1
    assert last.count("-2") == 1
    assert last.count("S1") >= 4
    at = last.index("+")
    assert marks[at : at + 2].upper() == f"S{within[2][1]}"
    late = [(2000 * 755 + 800, 1)]
    session.annotated = late  # not certain yet: not missed
    assert "-" not in plain(wave.against(session, 2000 * 755 + 1000, 2000 * 750, 80, 100))
