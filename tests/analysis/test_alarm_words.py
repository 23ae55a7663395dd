"""The words of every reading and transition, and what a transition leaves behind."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from test_alarm_board import Run, ack, pause
from test_alarm_state import AT_ONCE, GONE, LATCHING, LIMITS, PLAIN, PRESENT, STEP
from test_conditions import FINE, heart, known, rate

from monitor.alarms.table import RULES, TABLE, rows
from monitor.analysis.alarm_state import Alarm, AlarmTime, Reading, acknowledge, advance
from monitor.analysis.alarms import Tick, start, step
from monitor.analysis.vitals import Vitals
from monitor.config.load import Alarms

CUT = {"gap": True}


@pytest.mark.parametrize(
    ("kind", "changes", "words"),
    [
        ("tachycardia", {"vitals": Vitals()}, "rate not known"),
        ("tachycardia", rate(float("nan")), "rate not known"),
        ("tachycardia", CUT, "sound interrupted"),
        ("tachycardia", {"quality": "clipped"}, "signal clipped"),
        ("tachycardia", {"quality": None}, "signal not judged yet"),
        ("irregular", {"vitals": Vitals()}, "too few cycles"),
        ("irregular", {}, "spread of the cycle 3 % over 30 s, limit 15 %, quality good, 78/min"),
        ("irregular", {"vitals": replace(FINE.vitals, rate=None, spread=0.256)},
         "spread of the cycle 26 % over 30 s, limit 15 %, quality good"),
        ("heart_lost", CUT, "sound interrupted"),
        ("heart_lost", heart(silence=None), "no beat yet"),
        ("heart_lost", {}, "0.8 s without a beat"),
        ("heart_lost", heart(silence=12_000, lost=False), "no heart was heard before"),
        ("heart_lost", {"quality": None, **heart(silence=12_000)},
         "no beat in 6.0 s of clear sound, quality not judged"),
        ("poor_signal", CUT, "no sound to judge"),
        ("poor_signal", {"quality": None}, "no sound to judge"),
        ("poor_signal", {}, "heart heard"),
        ("signal_lost", {}, "samples come"),
        ("signal_lost", {"idle": 5000}, "no samples for 2.5 s"),
        ("gaps", {"lost": 60_000}, "50.0 % of the last minute lost"),
        ("analysis_fault", {}, "no fault"),
        ("clock", {}, "never reported"),
    ],
)  # fmt: skip
def test_every_reading_says_why(kind, changes, words):
    assert known(kind, **changes).evidence == words


def test_what_is_fine_is_known_to_be_absent():
    for kind in ("heart_lost", "poor_signal", "signal_lost", "analysis_fault", "gaps"):
        assert (known(kind).present, known(kind).gone) == (False, True)


def test_what_is_present_is_not_gone():
    for kind, changes in (
        ("poor_signal", heart(unheard=1)),
        ("signal_lost", {"idle": 4000}), ("analysis_fault", {"fault": "x"}),
    ):  # fmt: skip
        assert (known(kind, **changes).present, known(kind, **changes).gone) == (True, False)


def test_an_irregular_rhythm_at_its_clearing_limit_is_not_regular_yet():
    at = known("irregular", vitals=replace(FINE.vitals, spread=0.8 * LIMITS.irregular_spread))
    assert (at.present, at.gone) == (False, False)


def test_reports_of_nothing_say_nothing_of_their_own():
    for kind, words in (("signal_lost", "no samples for 2.0 s"), ("gaps", "0.0 % of the")):
        idle = {"idle": 4000} if kind == "signal_lost" else {}
        assert known(kind, reported={kind: (False, "")}, **idle).evidence.startswith(words)
    assert known("analysis_fault", fault="x", reported={}).evidence == "x"


# ---------------------------------------------------------------- one alarm


def moved(alarm, rule, reading, occurrence=7, sound=STEP, index=50_000):
    return advance(alarm, rule, reading, AlarmTime(index, sound, sound, occurrence), LIMITS)


def test_raising_begins_afresh_but_for_the_occurrence():
    old = Alarm(
        PLAIN.kind, "high", "pending", True, held=20_000, release=5, lasted=9, escalated=True
    )
    alarm, [line] = moved(old, PLAIN, PRESENT)
    assert alarm == Alarm(
        PLAIN.kind, "medium", "active", True, occurrence=7, raised=50_000, count=1,
        evidence="there",
    )  # fmt: skip
    assert (line.evidence, line.before, line.index) == ("there", "pending", 50_000)


def test_a_return_says_how_often_it_came():
    latched = Alarm(LATCHING.kind, "high", "latched", False, occurrence=3, raised=10, count=1)
    alarm, [line] = moved(latched, LATCHING, PRESENT)
    assert line.evidence == "there; came 2 times"
    assert (alarm.occurrence, alarm.raised, alarm.count) == (3, 10, 2)


def test_clearing_leaves_nothing_running():
    active = Alarm(
        PLAIN.kind, "medium", "acknowledged", True, release=20_000, lasted=77, occurrence=1,
        raised=5, acknowledged=6, count=1,
    )  # fmt: skip
    alarm, [line] = moved(active, PLAIN, GONE)
    assert alarm.state == "inactive"
    assert (alarm.release, alarm.lasted, alarm.cleared, line.evidence) == (None, 0, 50_000, "gone")


def test_latching_stops_the_release():
    active = Alarm(LATCHING.kind, "high", "active", True, release=20_000, occurrence=1, raised=5)
    alarm, _ = moved(active, LATCHING, GONE)
    assert (alarm.state, alarm.release) == ("latched", None)


def test_the_release_begins_at_zero():
    active = Alarm(PLAIN.kind, "medium", "active", True, occurrence=1, raised=5)
    alarm, _ = moved(active, PLAIN, GONE)
    assert alarm.release == 0
    alarm, _ = moved(alarm, PLAIN, GONE)
    assert alarm.release == STEP


def test_the_delay_begins_at_zero_and_what_goes_within_it_says_so():
    alarm, [line] = moved(Alarm(PLAIN.kind, "medium", held=900), PLAIN, PRESENT)
    assert (alarm.state, alarm.held, line.evidence) == ("pending", 0, "there")
    alarm, _ = moved(alarm, PLAIN, Reading(True, False, "still there"))
    assert (alarm.held, alarm.evidence) == (STEP, "still there")
    _, [line] = moved(alarm, PLAIN, GONE)
    assert line.evidence == "gone; gone within the delay of 10 s, not raised"


def test_an_acknowledgement_says_so_and_of_what_is_gone_it_clears():
    active = Alarm(LATCHING.kind, "high", "active", True, occurrence=1, raised=5, evidence="x")
    alarm, [line] = acknowledge(active, LATCHING, 60_000)
    assert (alarm.acknowledged, line.evidence, line.index) == (60_000, "acknowledged", 60_000)
    latched = replace(active, state="latched", condition=False, priority="low", lasted=5)
    alarm, [line] = acknowledge(latched, LATCHING, 60_000)
    assert line.evidence == "acknowledged after the condition was gone"
    assert (alarm.state, alarm.cleared, alarm.priority) == ("inactive", 60_000, "high")


def test_what_lasts_says_how_long_and_is_told_once():
    rule = RULES["poor_signal"]
    active = Alarm(rule.kind, "low", "active", True, occurrence=1, raised=5, evidence="noisy",
                   lasted=119_000)  # fmt: skip
    alarm, [line] = moved(active, rule, PRESENT)
    assert line.evidence == "there; lasts 30 s"
    assert (alarm.priority, alarm.escalated, alarm.acknowledged) == ("medium", True, None)
    assert moved(alarm, rule, PRESENT)[1] == ()
    # One that has the higher priority already is not raised anew.
    high = replace(active, priority="medium")
    assert moved(high, rule, PRESENT)[1] == ()


def test_a_high_one_that_nobody_acknowledges_says_so():
    active = Alarm(AT_ONCE.kind, "high", "active", True, occurrence=1, raised=5, lasted=119_000)
    _, [line] = moved(active, AT_ONCE, PRESENT)
    assert line.evidence == "there; not acknowledged for 60 s"


def test_a_latch_from_one_latches_at_the_first():
    rule = replace(AT_ONCE, latch_from=1)
    active = Alarm(rule.kind, "high", "active", True, occurrence=1, raised=5, count=1)
    assert moved(active, rule, GONE)[0].state == "latched"
    assert moved(active, replace(rule, latch_from=2), GONE)[0].state == "inactive"


# ---------------------------------------------------------------- the board


def test_lines_carry_the_index_of_their_tick_and_commands_stand_first():
    run = Run().step(signal_lost="present", clock="present", behind="present")
    readings = {"signal_lost": Reading(True, False, "x"), "model_refused": PRESENT}
    tick = Tick(77_000, 1000, 0, readings, (ack("signal_lost"), ack("no_such"), ack("clock")))
    _, changes = step(run.board, tick)
    assert [(c.alarm.kind, c.alarm.state, c.index) for c in changes] == [
        ("signal_lost", "acknowledged", 77_000), ("clock", "acknowledged", 77_000),
        ("model_refused", "active", 77_000),
    ]  # fmt: skip
    assert changes[-1].alarm.raised == 77_000


def test_acknowledging_a_latched_alarm_clears_it_with_its_own_rule():
    run = Run().step(heart_lost="present").step(heart_lost="gone")
    assert run.state("heart_lost") == "latched"
    run.step(ack("heart_lost"))
    cleared = run.board.alarms["heart_lost"]
    assert (cleared.state, cleared.cleared, cleared.priority) == ("inactive", 3000, "high")


def test_a_pause_of_nothing_ends_the_pause_at_once():
    run = Run().step(clock="present").step(pause(60), clock="present")
    assert run.board.pause_left == 60 * 2000 - 1000
    board, _ = step(run.board, Tick(run.index, 0, 0, {}, (pause(0),)))
    assert (board.pause_left, board.pause_rank) == (0, 0)


def test_unknown_readings_leave_an_inactive_alarm_as_it_is():
    board, changes = step(start(Alarms()), Tick(1000, 1000, 0, {"clock": Reading(None, False, "")}))
    assert changes == ()
    assert board.alarms["clock"].condition is False


# ---------------------------------------------------------------- the table in words


def test_the_table_in_words_has_a_row_for_each_alarm():
    head, *lines = rows(Alarms(rate_delay_s=12.5, escalate_s=30))
    assert head == ("kind", "class, priority", "condition", "delay", "clears", "what to do")
    assert [line[0] for line in lines] == [rule.kind for rule in TABLE]
    found = {line[0]: line for line in lines}
    rule = RULES["tachycardia"]
    assert found["tachycardia"] == (
        "tachycardia", "physiological, medium", rule.condition, "12.5 s", rule.clears, rule.remedy,
    )  # fmt: skip
    assert found["poor_signal"][1] == "technical, low, medium after 30 s"
    assert found["signal_lost"][3] == "none"
