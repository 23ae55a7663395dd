"""Personal limits: changed by a person, or learnt from the first minutes."""

from __future__ import annotations

import pytest
from pipeline_fakes import blocks, heart, pipeline

from monitor import events as ev
from monitor.analysis.limits import Learner, changed, learn, words_of
from monitor.config.load import Alarms, Settings
from monitor.errors import UsageError

LIMITS = Alarms()


def test_changed_limits_keep_the_rest_and_the_kinds_of_numbers():
    found = changed(LIMITS, {"tachycardia": 110, "abnormal_windows": 12.0})
    assert (found.tachycardia, found.abnormal_windows) == (110.0, 12)
    assert isinstance(found.tachycardia, float)
    assert isinstance(found.abnormal_windows, int)
    assert found.bradycardia == LIMITS.bradycardia
    assert changed(LIMITS, {}) == LIMITS


def test_more_windows_than_a_verdict_has_by_default_may_be_asked_for():
    assert changed(LIMITS, {"abnormal_windows": 20}).abnormal_windows == 20


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ({"no_such": 1.0}, "no_such"), ({"tachycardia": 160}, "tachycardia"),
        ({"tachycardia": 1000}, "tachycardia"), ({"bradycardia": 119}, "bradycardia_band"),
    ],
)  # fmt: skip
def test_limits_that_contradict_each_other_or_their_bounds_are_refused(wanted, words):
    with pytest.raises(UsageError, match=words):
        changed(LIMITS, wanted)


def test_limits_in_words():
    assert words_of({"tachycardia": 110.0, "bradycardia": 45.5}) == (
        "tachycardia 110, bradycardia 45.5"
    )


@pytest.mark.parametrize(
    ("rates", "fast", "slow"),
    [
        ([80.0], 110, 50),  # 108, 52
        ([60.0, 80.0, 200.0], 110, 50),  # the median counts
        ([60.0], 100, 40),  # 81 would alarm at every stair
        ([150.0], 150, 60),
        ([40.0], 100, 35),
        ([100.0], 135, 60),
        ([90.0], 120, 60),  # 121.5, 58.5
    ],
)
def test_learnt_limits_are_a_third_off_the_median_in_steps_and_bounds(rates, fast, slow):
    found = learn(rates, LIMITS)
    assert (found["tachycardia"], found["bradycardia"]) == (fast, slow)
    assert found["tachycardia_extreme"] == max(150, fast + 20)
    assert found["bradycardia_extreme"] == min(40, slow - 5)
    assert list(found) == [
        "tachycardia", "tachycardia_extreme", "bradycardia", "bradycardia_extreme",
    ]  # fmt: skip
    changed(LIMITS, found)  # never refused


def test_a_learner_learns_once_from_so_much_sound_with_a_rate():
    learner = Learner(2.0)
    assert learner.tick(80.0, 2000, LIMITS) == {}
    assert learner.tick(None, 9000, LIMITS) == {}
    assert learner.tick(60.0, 1000, LIMITS) == {}
    assert learner.tick(100.0, 1000, LIMITS) == learn([80.0, 60.0, 100.0], LIMITS)
    assert learner.tick(80.0, 9000, LIMITS) == {}


def test_a_learner_of_no_seconds_never_learns():
    assert Learner(0.0).tick(80.0, 9000, LIMITS) == {}


def test_learnt_limits_are_in_force_told_in_a_line_and_may_be_changed():
    sound, beats = heart(seconds=40, rate_per_min=90.0)
    pipe = pipeline(beats, Settings(alarms=Alarms(learn_s=10)))
    lines = [line for block in blocks(sound, 4000) for line in pipe.push(block).events]
    marks = [line for line in lines if isinstance(line, ev.Mark)]
    assert [m.note.partition(",")[0] for m in marks] == ["limits learnt tachycardia 120"]
    assert pipe.present.board.limits.bradycardia == 60
    pipe.push(ev.Command("limits", 0, limits={"bradycardia": 45.0}))
    pipe.push(ev.Idle(0.5))
    assert pipe.present.board.limits.bradycardia == 45
