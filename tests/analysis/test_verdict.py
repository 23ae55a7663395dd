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
    logit,
    mean_logit,
    sigmoid,
)
from monitor.config.load import Verdict

THRESHOLDS = Thresholds(0.4, 0.7)
NOTHING = "no window in which a heart was heard"
SECOND = 2000


def tracker(ps=(), every=SECOND, settings=None):
    made = VerdictTracker(settings or Verdict(), THRESHOLDS)
    made.rate_known(10**9)
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
    assert (judged.p is None) == (count < 3)  # nothing is said of too few
    if count in (1, 2):
        assert judged.evidence == f"listening, {count} of 15"


def test_few_windows_are_called_few_and_the_evidence_counts():
    made, index = tracker([0.9, 0.5, 0.9, 0.9])
    judged = made.verdict(index)
    assert judged.evidence == "few: 3 of 4 windows ≥ 0.70, mean p 0.84"
    assert judged.over(THRESHOLDS.abnormal) == 3
    made.window(5 * SECOND, 0.7)
    judged = made.verdict(index)
    assert judged.evidence.startswith("4 of 5 windows")
    assert judged.over(THRESHOLDS.abnormal) == 4


def test_the_evidence_says_when_most_windows_are_noisy():
    made, end = tracker([0.1] * 4)
    assert "noise" not in made.verdict(end).evidence
    for n in range(4, 9):
        made.window(n * SECOND, 0.1, noisy=True)
    assert made.verdict(end + 5 * SECOND).evidence.endswith("mean p 0.10, most in noise")
    assert made.record().evidence.endswith("most in noise")


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
    assert judged == Judgement("none", None, (), THRESHOLDS.abnormal, None, NOTHING)
    made.window(index + 20 * SECOND, 0.9)
    assert made.verdict(index + 20 * SECOND + WINDOW).windows == 1


@pytest.mark.parametrize("p", [float("nan"), float("inf"), -float("inf")])
def test_what_is_not_a_number_is_no_window(p):
    made, index = tracker([0.9] * 3)
    made.window(3 * SECOND, p)
    assert made.verdict(index).windows == 3


def test_there_is_no_verdict_without_a_rate_over_the_windows():
    made = VerdictTracker(Verdict(), THRESHOLDS)
    for n in range(5):
        made.window(SECOND * (n + 10), 0.9)
    index = 20 * SECOND
    assert (made.verdict(index).value, made.verdict(index).evidence) == ("none", "no rate")
    made.rate_known(9 * SECOND)  # before the first of them
    assert made.verdict(index).value == "none"
    assert made.record().value == "none"
    made.rate_known(11 * SECOND)
    assert made.verdict(index).value == "abnormal"
    assert made.record().value == "abnormal"


def test_a_record_is_judged_by_all_its_windows_once_its_stream_had_a_verdict():
    made, _ = tracker()
    assert made.record() == Judgement("none", None, (), THRESHOLDS.abnormal, None, NOTHING)
    made, index = tracker([0.9] * 2)
    made.verdict(index)
    one = made.record()
    assert (one.value, one.p, one.windows, one.evidence) == ("none", None, 2, "listening, 2 of 15")
    made, index = tracker([0.1] * 100 + [0.9] * 20)
    made.verdict(index)
    many = made.record()
    assert (many.value, many.windows, many.age_s) == ("normal", 120, None)
    assert many.p == pytest.approx(sigmoid(mean_logit([0.1] * 100 + [0.9] * 20)))
    assert many.evidence.startswith("20 of 120 windows")


def test_three_windows_far_apart_are_no_verdict_of_the_record_either():
    made, _ = tracker([0.9] * 3, every=40 * SECOND)
    for index in range(0, 90 * SECOND, 1000):
        assert made.verdict(index).value == "none"
    assert made.record().value == "none"


def test_alarms_look_at_windows_of_a_good_signal_only():
    made, index = tracker([0.9] * 4)
    for n in range(4):
        made.window((4 + n) * SECOND, 0.2, noisy=True)
    index += 4 * SECOND
    assert (made.verdict(index).windows, made.strict(index).windows) == (8, 4)
    assert (made.verdict(index).value, made.strict(index).value) == ("unsure", "abnormal")
