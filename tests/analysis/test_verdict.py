"""From windows to a verdict, live and for a record."""

from __future__ import annotations

from math import exp, log

import pytest

from dsp.windows import WINDOW
from monitor.analysis.verdict import (
    CLIP,
    Judgement,
    Thresholds,
    VerdictTracker,
    judge_record,
    logit,
    mean_logit,
    sigmoid,
)
from monitor.config.load import Verdict

THRESHOLDS = Thresholds(0.4, 0.7)
SECOND = 2000


def tracker(ps=(), every=SECOND, settings=None):
    made = VerdictTracker(settings or Verdict(), THRESHOLDS)
    for n, p in enumerate(ps):
        made.window(n * every, p)
    return made, (max(0, len(ps) - 1)) * every + WINDOW


def test_logit_and_sigmoid_undo_each_other_and_stay_finite():
    for p in (0.001, 0.3, 0.5, 0.9):
        assert sigmoid(logit(p)) == pytest.approx(p)
    assert logit(0.0) == log(CLIP / (1 - CLIP)) == pytest.approx(-logit(1.0))
    assert logit(0.5) == 0
    assert sigmoid(1.0) == pytest.approx(1 / (1 + exp(-1)))


def test_the_mean_is_of_logits_not_of_probabilities():
    ps = [0.99, 0.4, 0.4]
    assert mean_logit(ps) == pytest.approx((log(99) + 2 * log(2 / 3)) / 3)
    made, index = tracker(ps)
    assert made.verdict(index).p == pytest.approx(sigmoid(mean_logit(ps)))


@pytest.mark.parametrize(
    ("p", "value"),
    [(0.9, "abnormal"), (0.7, "abnormal"), (0.69, "unsure"), (0.41, "unsure"), (0.4, "normal"),
     (0.1, "normal")],
)  # fmt: skip
def test_two_thresholds_leave_room_for_unsure(p, value):
    assert THRESHOLDS.judge(p) == value


@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_under_three_windows_there_is_no_verdict(count):
    made, index = tracker([0.9] * count)
    judged = made.verdict(index)
    assert judged.windows == count
    assert judged.value == ("abnormal" if count == 3 else "none")
    assert (judged.p is None) == (count == 0)


def test_few_windows_are_called_few_and_the_evidence_counts():
    made, index = tracker([0.9, 0.5, 0.9, 0.9])
    judged = made.verdict(index)
    assert judged.evidence == "few: 3 of 4 windows ≥ 0.70, mean p 0.84"
    assert judged.over(THRESHOLDS.abnormal) == 3
    made.window(5 * SECOND, 0.7)
    judged = made.verdict(index)
    assert judged.evidence.startswith("4 of 5 windows")
    assert judged.over(THRESHOLDS.abnormal) == 4


def test_only_the_last_fifteen_windows_count():
    made, index = tracker([0.01] * 10 + [0.9] * 15)
    judged = made.verdict(index)
    assert (judged.windows, judged.over(THRESHOLDS.abnormal), judged.value) == (15, 15, "abnormal")


def test_windows_more_than_thirty_seconds_before_the_last_do_not_count():
    made, _ = tracker([0.9] * 5)
    made.window(30 * SECOND + 1, 0.9)
    assert made.verdict(30 * SECOND + 1 + WINDOW).windows == 5
    made, _ = tracker([0.9] * 5)
    made.window(30 * SECOND, 0.9)
    assert made.verdict(30 * SECOND + WINDOW).windows == 6


def test_the_age_is_that_of_the_end_of_the_last_window_and_a_stale_verdict_vanishes():
    made, index = tracker([0.9] * 5)
    assert made.verdict(index).age_s == 0
    assert made.verdict(index + 15 * SECOND).age_s == 15
    judged = made.verdict(index + 15 * SECOND + 1)
    assert judged == Judgement("none", None, (), THRESHOLDS.abnormal, None, "no good window")
    made.window(index + 20 * SECOND, 0.9)
    assert made.verdict(index + 20 * SECOND + WINDOW).windows == 1


@pytest.mark.parametrize("p", [float("nan"), float("inf"), -float("inf")])
def test_what_is_not_a_number_is_no_window(p):
    made, index = tracker([0.9] * 3)
    made.window(3 * SECOND, p)
    assert made.verdict(index).windows == 3


def test_a_record_is_judged_by_all_its_windows_and_one_is_enough():
    settings = Verdict()
    nothing = judge_record([], THRESHOLDS, settings)
    assert nothing == Judgement("none", None, (), THRESHOLDS.abnormal, None, "no good window")
    one = judge_record([0.9], THRESHOLDS, settings)
    assert (one.value, one.windows, one.age_s) == ("abnormal", 1, None)
    assert one.evidence.startswith("few: 1 of 1")
    many = judge_record([0.1] * 100 + [0.9] * 20, THRESHOLDS, settings)
    assert (many.value, many.windows, many.over(THRESHOLDS.abnormal)) == ("normal", 120, 20)
