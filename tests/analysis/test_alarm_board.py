"""The alarm engine as a whole: commands, audio pause, and a reference model beside it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from monitor.alarms.table import RANK, RULES
from monitor.analysis.alarm_state import Reading
from monitor.analysis.alarms import MAX_PAUSE_S, Board, Tick, start, step, with_limits
from monitor.config.load import Alarms
from monitor.events import Command

STEP = 1000
READINGS = {
    "present": Reading(True, False, "there"),
    "band": Reading(False, False, "between"),
    "gone": Reading(False, True, "gone"),
    "poor": Reading(None, False, "noisy", "quality"),
    "cut": Reading(None, False, "cut", "gap"),
}
ALL_GONE = dict.fromkeys(RULES, READINGS["gone"])


def ack(alarm=None):
    return Command("acknowledge", 0, alarm=alarm)


def pause(seconds):
    return Command("pause_audio", 0, seconds=seconds)


class Run:
    """A board and its index."""

    def __init__(self):
        self.board, self.index, self.log = start(Alarms()), 0, []

    def step(self, *commands, count=1, idle=0, **kinds):
        readings = ALL_GONE | {kind: READINGS[name] for kind, name in kinds.items()}
        for n in range(count):
            self.index += 0 if idle else STEP
            given = commands if n == 0 else ()
            tick = Tick(self.index, 0 if idle else STEP, idle, readings, tuple(given))
            self.board, changes = step(self.board, tick)
            self.log += [(c.alarm.kind, c.alarm.state) for c in changes]
        return self

    def state(self, kind):
        return self.board.alarms[kind].state


def test_nothing_known_moves_nothing():
    board, changes = step(start(Alarms()), Tick(1000, 1000))
    assert changes == ()
    assert board == start(Alarms())


def test_transitions_stand_in_the_order_of_the_table_after_those_of_commands():
    run = Run().step(signal_lost="present")
    run.log.clear()
    run.step(ack(), signal_lost="present", heart_lost="present", clock="present")
    assert run.log == [
        ("signal_lost", "acknowledged"), ("heart_lost", "active"), ("clock", "active"),
    ]  # fmt: skip


def test_acknowledge_names_one_alarm_or_all_and_nothing_unknown():
    run = Run().step(signal_lost="present", clock="present", behind="present")
    run.step(ack("clock"), ack("no_such_kind"), signal_lost="present", clock="present",
             behind="present")  # fmt: skip
    assert [run.state(k) for k in ("signal_lost", "clock", "behind")] == [
        "active", "acknowledged", "active",
    ]  # fmt: skip
    run.step(ack(), signal_lost="present", clock="present", behind="present")
    assert {run.state(k) for k in ("signal_lost", "clock", "behind")} == {"acknowledged"}


def test_occurrences_are_numbered_across_kinds():
    run = Run().step(signal_lost="present", clock="present")
    assert run.board.alarms["signal_lost"].occurrence == 1
    assert run.board.alarms["clock"].occurrence == 2
    assert run.board.occurrences == 2


def test_shown_lists_what_is_not_inactive_by_priority_and_sounding_what_is_not_acknowledged():
    run = Run().step(clock="present", heart_lost="present", gaps="present", signal_lost="present")
    run.step(ack("signal_lost"), clock="present", gaps="present", signal_lost="present")
    assert [a.kind for a in run.board.shown] == ["heart_lost", "signal_lost", "clock", "gaps"]
    assert [a.kind for a in run.board.sounding] == ["heart_lost", "clock", "gaps"]
    assert run.state("heart_lost") == "latched"


def test_audio_pause_counts_down_in_sound_and_idleness():
    run = Run().step(pause(10))
    assert run.board.pause_left == 20_000 - STEP
    run.step(count=9).step(count=5, idle=2000)
    assert run.board.pause_left == 0
    run.step(pause(10)).step(idle=4000)
    assert run.board.pause_left == 20_000 - STEP - 4000


@pytest.mark.parametrize("seconds", [1e9, float("inf"), 121.0, None])
def test_audio_is_paused_for_two_minutes_at_the_most(seconds):
    assert Run().step(pause(seconds)).board.pause_left == MAX_PAUSE_S * 2000 - STEP
    assert MAX_PAUSE_S == 120


@pytest.mark.parametrize("seconds", [0, -5.0, float("nan")])
def test_a_pause_of_nothing_ends_the_pause(seconds):
    assert Run().step(pause(60)).step(pause(seconds)).board.pause_left == 0


def test_a_pause_may_be_shorter_than_a_second_and_its_end_forgets_its_priority():
    run = Run().step(pause(0.75))
    assert run.board.pause_left == 1500 - STEP
    run.step(pause(60), heart_lost="present")
    assert run.board.pause_rank == RANK["low"]
    run.step(pause(0))
    assert (run.board.pause_left, run.board.pause_rank) == (0, 0)


def test_a_tick_without_time_passes_no_time_and_what_is_missing_is_unknown():
    run = Run().step(pause(60), tachycardia="present").step(signal_lost="present")
    run.step(tachycardia="present")
    board, changes = step(run.board, Tick(run.index))
    assert board.pause_left == run.board.pause_left
    assert [(c.alarm.kind, c.alarm.state) for c in changes] == [("tachycardia", "suspended")]
    assert changes[0].evidence.endswith("held, not known")
    assert start(Alarms()).pause_rank == 0


def test_a_higher_priority_ends_the_pause_and_an_equal_one_does_not():
    run = Run().step(clock="present").step(pause(60), clock="present")
    run.step(clock="present", behind="present", gaps="present")
    assert run.board.pause_left > 0
    run.step(clock="present", behind="present", heart_lost="present")
    assert run.board.pause_left == 0


def test_a_pause_while_nothing_sounds_is_ended_by_medium_but_not_by_low():
    run = Run().step(pause(60)).step(gaps="present")
    assert run.board.pause_left > 0
    assert run.step(gaps="present", clock="present").board.pause_left == 0


def test_an_acknowledged_alarm_does_not_hold_the_pause_up():
    run = Run().step(heart_lost="present").step(ack(), heart_lost="present")
    run.step(pause(60), heart_lost="present")
    assert run.step(heart_lost="present", clock="present").board.pause_left == 0


def test_a_restored_board_keeps_its_alarms_and_never_a_pause():
    board = Run().step(heart_lost="present").step(pause(60), heart_lost="present").board
    assert board.pause_left > 0
    restored = board.restored()
    assert (restored.pause_left, restored.pause_rank) == (0, 0)
    assert restored.alarms == board.alarms
    assert restored.occurrences == 1


def test_other_limits_leave_what_is_raised_raised():
    board = Run().step(heart_lost="present").board
    changed = with_limits(board, Alarms(tachycardia=130.0))
    assert changed == replace(board, limits=Alarms(tachycardia=130.0))


def test_a_board_survives_the_way_through_a_store():
    import msgspec

    board = Run().step(heart_lost="present", clock="present").board
    again = msgspec.convert(msgspec.json.decode(msgspec.json.encode(board)), Board)
    assert dict(again.alarms) == dict(board.alarms)
    assert again.limits == board.limits


# ------------------------------------------------------------ a reference model

KINDS = ("tachycardia_extreme", "irregular", "signal_lost", "poor_signal", "cannot_record")
LIMITS = Alarms(extreme_delay_s=1.0, irregular_delay_s=1.5, poor_signal_delay_s=2.0, escalate_s=10,
                poor_signal_medium_s=12)  # fmt: skip
# kind: delay, release (in steps), latching, technical, priority
MODEL = {
    "tachycardia_extreme": (2, 20, True, False, 3),
    "irregular": (3, 120, False, False, 1),
    "signal_lost": (0, 0, False, True, 3),
    "poor_signal": (4, 10, False, True, 1),
    "cannot_record": (0, 0, False, True, 2),
}


class Reference:
    """One alarm again, by flags instead of states, as plainly as it can be said."""

    def __init__(self, kind):
        self.delay, self.release, self.latching, self.technical, self.rank = MODEL[kind]
        self.poor_signal = kind == "poor_signal"
        self.waiting = self.on = self.seen = self.latched = self.escalated = False
        self.why_held = ""
        self.so_far = self.quiet = self.lasted = 0.0
        self.level = self.rank

    @property
    def state(self):
        if self.on:
            return "acknowledged" if self.seen else "active"
        if self.latched:
            return "latched"
        return (self.why_held or "pending") if self.waiting else "inactive"

    def acknowledge(self):
        if self.on:
            self.seen = True
        self.latched = False

    def switch_on(self):
        self.waiting, self.on, self.seen = False, True, False
        self.latched = self.escalated = False
        self.why_held, self.quiet, self.lasted, self.level = "", -1.0, 0.0, self.rank

    def tick(self, event, steps, idle_steps):
        passed = steps + (idle_steps if self.technical else 0)
        if event in ("poor", "cut"):
            if self.waiting and self.why_held != "interrupted":
                self.why_held = "interrupted" if event == "cut" else "suspended"
            if self.on:
                self.last(steps + idle_steps)
            return
        if self.on:
            if event != "gone":
                self.quiet = -1.0
            elif self.quiet < 0:
                self.quiet = 0.0
            else:
                self.quiet += passed
            if event == "gone" and self.quiet >= self.release:
                self.on, self.latched = False, self.latching and not self.seen
            else:
                self.last(steps + idle_steps)
        elif self.waiting and event != "present":
            self.waiting, self.why_held = False, ""
        elif self.waiting:
            if self.why_held:
                self.why_held = ""
            else:
                self.so_far += passed
                if self.so_far >= self.delay:
                    self.switch_on()
        elif event == "present":
            self.so_far = 0.0
            if self.latched or self.delay == 0:
                self.switch_on()
            else:
                self.waiting = True

    def last(self, passed):
        self.lasted += passed
        if self.escalated or self.lasted < 20:
            return
        if self.poor_signal:
            self.escalated, self.level, self.seen = True, 2, False
        elif self.rank == 3 and not self.seen:
            self.escalated = True


events = st.lists(
    st.tuples(
        st.lists(st.sampled_from(list(READINGS)), min_size=len(KINDS), max_size=len(KINDS)),
        st.sampled_from(["", "", "", "all", *KINDS]),
        st.sampled_from([0, 0, 0, 3]),
        st.integers(1, 8),
    ),
    max_size=50,
)


@given(events)
@settings(max_examples=500, deadline=None)
def test_the_engine_agrees_with_the_reference_model(script):
    board, models, index = start(LIMITS), {kind: Reference(kind) for kind in KINDS}, 0
    for names, acknowledged, idle, repeats in script:
        for n in range(repeats):
            readings = {kind: READINGS[name] for kind, name in zip(KINDS, names, strict=True)}
            commands = ()
            if acknowledged and n == 0:
                commands = (ack(None if acknowledged == "all" else acknowledged),)
            sound = 0 if idle else STEP
            index += sound
            before = board
            board, changes = step(board, Tick(index, sound, idle * STEP, readings, commands))
            for kind, name in zip(KINDS, names, strict=True):
                if commands and acknowledged in ("all", kind):
                    models[kind].acknowledge()
                models[kind].tick(name, 0 if idle else 1, idle)
                alarm = board.alarms[kind]
                assert alarm.state == models[kind].state, (kind, name)
                assert RANK[alarm.priority] == (models[kind].level if models[kind].on else
                                                MODEL[kind][4])  # fmt: skip
            _check_always(before, board, changes, readings, bool(commands))


def _check_always(before, board, changes, readings, commanded):
    """No state changes without a transition, and nothing silences but people and knowledge."""
    told = {change.alarm.kind for change in changes}
    for kind, alarm in board.alarms.items():
        old = before.alarms[kind]
        assert alarm.state == old.state or kind in told
        if old.state in ("active", "latched") and alarm.state not in ("active", "latched"):
            assert commanded or readings[kind].gone
    for change in changes:
        assert change.alarm.state != change.before or change.alarm.escalated
