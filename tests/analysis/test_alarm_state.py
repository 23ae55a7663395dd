"""One alarm: every state × event, its times, latches, merges and escalations."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from monitor.alarms.table import RULES, TABLE
from monitor.analysis.alarm_state import MERGE, Alarm, AlarmTime, Reading, acknowledge, advance
from monitor.config.load import Alarms

LIMITS = Alarms()
STEP = 1000
PRESENT = Reading(True, False, "there")
BAND = Reading(False, False, "between")
GONE = Reading(False, True, "gone")
UNKNOWN = Reading(None, False, "not known")
POOR = Reading(None, False, "noisy", "quality")
CUT = Reading(None, False, "cut", "gap")
PLAIN = RULES["tachycardia"]  # delay 10 s, release 10 s
LATCHING = RULES["tachycardia_extreme"]  # delay 5 s, release 10 s
AT_ONCE = RULES["signal_lost"]  # no delay, no release

READINGS = {
    "present": PRESENT, "band": BAND, "gone": GONE, "unknown": UNKNOWN, "poor": POOR, "cut": CUT,
}  # fmt: skip

# state → event → state after one step, for a rule with delay and release, before either is over
CELLS = {
    "inactive": {
        "present": "pending", "band": "inactive", "gone": "inactive", "unknown": "inactive",
        "poor": "inactive", "cut": "inactive", "acknowledge": "inactive",
        "delay over": "pending", "release over": "inactive",
    },
    "pending": {
        "present": "pending", "band": "inactive", "gone": "inactive", "unknown": "suspended",
        "poor": "suspended", "cut": "interrupted", "acknowledge": "pending",
        "delay over": "active", "release over": "inactive",
    },
    "suspended": {
        "present": "pending", "band": "inactive", "gone": "inactive", "unknown": "suspended",
        "poor": "suspended", "cut": "interrupted", "acknowledge": "suspended",
        "delay over": "pending", "release over": "inactive",
    },
    "interrupted": {
        "present": "pending", "band": "inactive", "gone": "inactive", "unknown": "interrupted",
        "poor": "interrupted", "cut": "interrupted", "acknowledge": "interrupted",
        "delay over": "pending", "release over": "inactive",
    },
    "active": {
        "present": "active", "band": "active", "gone": "active", "unknown": "active",
        "poor": "active", "cut": "active", "acknowledge": "acknowledged",
        "delay over": "active", "release over": ("inactive", "latched"),
    },
    "acknowledged": {
        "present": "acknowledged", "band": "acknowledged", "gone": "acknowledged",
        "unknown": "acknowledged", "poor": "acknowledged", "cut": "acknowledged",
        "acknowledge": "acknowledged", "delay over": "acknowledged", "release over": "inactive",
    },
    "latched": {
        "present": "active", "band": "latched", "gone": "latched", "unknown": "latched",
        "poor": "latched", "cut": "latched", "acknowledge": "inactive",
        "delay over": "active", "release over": "latched",
    },
}  # fmt: skip


def moment(index=100_000, sound=STEP, idle=0):
    return AlarmTime(index, sound, sound + idle, 7)


def test_the_table_of_cells_covers_every_state_and_event():
    events = {*READINGS, "acknowledge", "delay over", "release over"}
    assert len(CELLS) == 7
    assert all(row.keys() == events for row in CELLS.values())


@pytest.mark.parametrize("rule", [PLAIN, LATCHING], ids=lambda r: r.kind)
@pytest.mark.parametrize(
    ("state", "event"), [(s, e) for s, row in CELLS.items() for e in row], ids=str
)
def test_every_state_meets_every_event_as_the_table_says(rule, state, event):
    expected = CELLS[state][event]
    if isinstance(expected, tuple):
        expected = expected[rule.latching]
    alarm = Alarm(rule.kind, rule.priority, state=state, occurrence=3, raised=5, count=1)
    if event == "delay over":
        alarm = replace(alarm, held=rule.delay(LIMITS) - STEP)
    if event == "release over":
        alarm = replace(alarm, release=rule.release - STEP)
    if event == "acknowledge":
        after, transitions = acknowledge(alarm, rule, 100_000)
    else:
        reading = READINGS.get(event, PRESENT if event == "delay over" else GONE)
        after, transitions = advance(alarm, rule, reading, moment(), LIMITS)
    assert after.state == expected
    assert len(transitions) == (expected != state)
    for change in transitions:
        assert (change.before, change.alarm, change.index) == (state, after, 100_000)
        assert change.evidence


def run(rule, readings, alarm=None, start=0, limits=LIMITS, idle=0):
    """Feed readings step by step; return the alarm and (index, state) of each transition."""
    alarm = alarm or Alarm(rule.kind, rule.priority)
    log = []
    for n, reading in enumerate(readings):
        index = start + (n + 1) * STEP
        now = AlarmTime(index, 0 if idle else STEP, idle or STEP, alarm.occurrence + 1)
        alarm, changes = advance(alarm, rule, reading, now, limits)
        log += [(change.index, change.alarm.state) for change in changes]
    return alarm, log


@pytest.mark.parametrize("rule", TABLE, ids=lambda r: r.kind)
def test_each_kind_is_raised_exactly_when_its_delay_is_over(rule):
    delay = rule.delay(LIMITS)
    _, log = run(rule, [PRESENT] * (delay // STEP + 5))
    expected = [(STEP, "pending"), (STEP + delay, "active")] if delay else [(STEP, "active")]
    assert log == expected


@pytest.mark.parametrize("rule", TABLE, ids=lambda r: r.kind)
def test_each_kind_clears_exactly_when_its_release_is_over(rule):
    alarm, log = run(rule, [PRESENT] * (rule.delay(LIMITS) // STEP + 1))
    assert alarm.state == "active"
    start = 1_000_000
    _, log = run(rule, [GONE] * (rule.release // STEP + 5), alarm, start)
    assert log == [(start + STEP + rule.release, "latched" if rule.latching else "inactive")]


def test_a_condition_shorter_than_the_delay_is_told_as_not_raised():
    alarm, log = run(PLAIN, [PRESENT] * 10 + [BAND])
    assert log == [(1000, "pending"), (11_000, "inactive")]
    assert "not raised" in alarm.evidence
    assert alarm.occurrence == 0
    assert alarm.held == 0


def test_time_in_poor_signal_or_a_gap_does_not_count_to_the_delay():
    readings = [PRESENT] * 11 + [POOR] * 50 + [CUT] * 7 + [POOR] * 3 + [PRESENT] * 11
    _, log = run(PLAIN, readings)
    assert [state for _, state in log] == [
        "pending", "suspended", "interrupted", "pending", "active",
    ]  # fmt: skip
    assert log[-1][0] - log[-2][0] == 10 * STEP  # 5 s before, 5 s after


def test_the_release_begins_anew_when_the_clearing_condition_breaks_off():
    alarm, _ = run(PLAIN, [PRESENT] * 21)
    alarm, log = run(PLAIN, [GONE] * 20 + [BAND] + [GONE] * 20, alarm)
    assert log == []
    assert run(PLAIN, [GONE], alarm)[1] == [(1000, "inactive")]


def test_poor_signal_neither_clears_nor_forgets_the_release_so_far():
    alarm, _ = run(PLAIN, [PRESENT] * 21)
    _, log = run(PLAIN, [GONE] * 15 + [POOR] * 100 + [GONE] * 6, alarm)
    assert log == [(121_000, "inactive")]


def test_physiological_delays_ignore_idleness_and_technical_ones_count_it():
    _, log = run(PLAIN, [PRESENT] * 100, idle=STEP)
    assert log == [(1000, "pending")]
    _, log = run(RULES["poor_signal"], [PRESENT] * 21, idle=STEP)
    assert log == [(1000, "pending"), (21_000, "active")]


def test_an_acknowledgement_is_of_this_occurrence_only():
    alarm, _ = run(AT_ONCE, [PRESENT])
    alarm, _ = acknowledge(alarm, AT_ONCE, 2000)
    assert (alarm.state, alarm.acknowledged) == ("acknowledged", 2000)
    alarm, log = run(AT_ONCE, [GONE, PRESENT], alarm, start=10_000)
    assert log == [(11_000, "inactive"), (12_000, "active")]
    assert alarm.acknowledged is None


def test_a_return_within_a_minute_is_the_same_occurrence_counted():
    alarm, _ = run(AT_ONCE, [PRESENT, GONE])
    first = alarm.occurrence
    again, _ = run(AT_ONCE, [PRESENT], alarm, start=2000 + MERGE - STEP)
    assert (again.occurrence, again.count, again.raised) == (first, 2, 1000)
    assert again.evidence.endswith("came 2 times")
    assert again.cleared is None
    later, _ = run(AT_ONCE, [PRESENT], alarm, start=2000 + MERGE)
    assert (later.occurrence, later.count) == (first + 1, 1)
    assert later.raised == 2000 + MERGE + STEP


def test_a_latched_alarm_that_returns_is_active_again_and_counted():
    alarm, _ = run(LATCHING, [PRESENT] * 11 + [GONE] * 21)
    assert (alarm.state, alarm.condition, alarm.acknowledged) == ("latched", False, None)
    alarm, log = run(LATCHING, [PRESENT], alarm, start=10**7)
    assert log == [(10**7 + 1000, "active")]
    assert (alarm.count, alarm.occurrence, alarm.condition) == (2, 1, True)


def test_a_latched_alarm_clears_when_it_is_acknowledged():
    alarm, _ = run(LATCHING, [PRESENT] * 11 + [GONE] * 21)
    alarm, changes = acknowledge(alarm, LATCHING, 90_000)
    assert (alarm.state, alarm.acknowledged, alarm.cleared) == ("inactive", 90_000, 90_000)
    assert [change.before for change in changes] == ["latched"]


def test_faults_latch_from_the_fifth_in_a_row():
    rule = RULES["analysis_fault"]
    once = [PRESENT] + [GONE] * 11
    alarm, log = run(rule, once * 4)
    assert [state for _, state in log] == ["active", "inactive"] * 4
    alarm, log = run(rule, once, alarm, start=48_000)
    assert [state for _, state in log] == ["active", "latched"]


def test_a_high_alarm_that_nobody_acknowledges_escalates_once():
    alarm, log = run(AT_ONCE, [PRESENT] * 121)
    assert log == [(1000, "active"), (1000 + 120_000, "active")]
    assert alarm.escalated
    assert "not acknowledged for 60 s" in alarm.evidence
    assert run(AT_ONCE, [PRESENT] * 500, alarm)[1] == []


def test_a_high_alarm_escalates_through_idleness_and_poor_signal():
    alarm, _ = run(RULES["heart_lost"], [PRESENT])
    _, log = run(RULES["heart_lost"], [CUT] * 130, alarm, idle=STEP)
    assert log == [(120_000, "active")]


def test_an_acknowledged_high_alarm_does_not_escalate():
    alarm, _ = run(AT_ONCE, [PRESENT])
    alarm, _ = acknowledge(alarm, AT_ONCE, 100_000)
    assert run(AT_ONCE, [PRESENT] * 500, alarm)[1] == []


def test_a_medium_alarm_does_not_escalate():
    assert len(run(RULES["cannot_record"], [PRESENT] * 500)[1]) == 1


def test_lasting_poor_signal_becomes_medium_even_if_it_was_acknowledged():
    rule = RULES["poor_signal"]
    alarm, _ = run(rule, [PRESENT] * 21)
    assert alarm.priority == "low"
    alarm, _ = acknowledge(alarm, rule, 100_000)
    alarm, log = run(rule, [PRESENT] * 39, alarm)
    assert log == []
    alarm, log = run(rule, [PRESENT] * 81, alarm)
    assert log == [(1000, "active")]  # 30 s after the condition began, the delay counted
    assert (alarm.priority, alarm.acknowledged) == ("medium", None)
    alarm, _ = run(rule, [GONE] * 11, alarm, start=10**6)
    assert (alarm.state, alarm.priority) == ("inactive", "low")


def test_the_condition_is_kept_apart_from_the_signal():
    alarm, _ = run(PLAIN, [PRESENT] * 21 + [GONE])
    assert (alarm.state, alarm.condition) == ("active", False)
    alarm, _ = run(PLAIN, [POOR], replace(alarm, condition=True))
    assert alarm.condition


def test_a_blocked_reading_counts_as_unknown_whatever_it_says():
    for block in ("gap", "quality"):
        lying = Reading(True, False, "x", block)
        assert run(AT_ONCE, [lying] * 10)[1] == []
        alarm, _ = run(AT_ONCE, [PRESENT])
        assert run(AT_ONCE, [replace(lying, present=False, gone=True)] * 9, alarm)[1] == []


def test_the_evidence_follows_the_condition_while_it_is_present():
    alarm, _ = run(AT_ONCE, [PRESENT, replace(PRESENT, evidence="newer"), BAND])
    assert alarm.evidence == "newer"


def test_every_row_of_the_table_is_complete_and_unique():
    assert len(RULES) == len(TABLE) == 19
    for rule in TABLE:
        assert rule.title
        assert rule.condition
        assert rule.clears
        assert rule.remedy
        assert ("latches" in rule.clears) == rule.latching or rule.latch_from
    assert [r.kind for r in TABLE if r.latching] == [
        "abnormal_sound", "tachycardia_extreme", "bradycardia_extreme", "heart_lost", "pause",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "alarm_class", "priority", "delay_s", "release_s"),
    [
        ("abnormal_sound", "physiological", "medium", 10, 30),
        ("tachycardia", "physiological", "medium", 10, 10),
        ("tachycardia_extreme", "physiological", "high", 5, 10),
        ("bradycardia", "physiological", "medium", 10, 10),
        ("bradycardia_extreme", "physiological", "high", 5, 10),
        ("irregular", "physiological", "low", 30, 60),
        ("heart_lost", "physiological", "high", 0, 0),
        ("signal_lost", "technical", "high", 0, 0),
        ("wrong_input", "technical", "high", 0, 0),
        ("poor_signal", "technical", "low", 10, 5),
        ("gaps", "technical", "low", 0, 30),
        ("clock", "technical", "medium", 0, 30),
        ("behind", "technical", "medium", 0, 30),
        ("cannot_record", "technical", "medium", 0, 0),
        ("model_refused", "technical", "high", 0, 0),
        ("analysis_fault", "technical", "high", 0, 5),
    ],
)
def test_the_table_holds_the_designed_values(kind, alarm_class, priority, delay_s, release_s):
    rule = RULES[kind]
    assert (rule.alarm_class, rule.priority) == (alarm_class, priority)
    assert (rule.delay(LIMITS), rule.release) == (delay_s * 2000, release_s * 2000)


def test_delays_follow_the_settings():
    assert RULES["tachycardia"].delay(Alarms(rate_delay_s=3.0)) == 6000
