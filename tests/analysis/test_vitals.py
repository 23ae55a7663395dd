"""Rate, intervals and spread from beats and quality."""

from __future__ import annotations

import pytest

from dsp.cycles.beat import Beat
from dsp.quality import Span
from monitor.analysis.vitals import Vitals, VitalsTracker

SECOND = 2000


def beat(s1, length=SECOND, confidence=0.9, systole=600, end=True):
    stop = s1 + length if end else None
    return Beat(s1, s1 + 200, s1 + systole, s1 + systole + 150, stop, confidence)


def tracker(lengths=(), start=0, **kwargs):
    made = VitalsTracker(0.5)
    at = start
    for length in lengths:
        made.beat(beat(at, length, **kwargs))
        at += length
    return made, at


def spans(made, values, start=0):
    for n, value in enumerate(values):
        made.quality(Span(start + n * 1000, start + (n + 1) * 1000, value, ""))


def test_the_rate_is_the_median_of_the_last_five_cycles():
    made, end = tracker([1000] * 10 + [2000, 2000, 2000, 1900, 5000])
    vitals = made.vitals(end)
    assert vitals.rate == 60.0
    assert vitals.age == 0


def test_intervals_are_from_onset_to_onset():
    made, end = tracker([1800] * 5, systole=640)
    vitals = made.vitals(end)
    assert (vitals.systole_ms, vitals.diastole_ms) == (320.0, 580.0)


@pytest.mark.parametrize(("cycles", "known"), [(2, False), (3, True)])
def test_fewer_than_three_cycles_give_no_rate(cycles, known):
    made, end = tracker([2000] * cycles)
    assert (made.vitals(end).rate is not None) == known


def test_a_rate_vanishes_six_seconds_after_its_last_cycle():
    made, end = tracker([2000] * 5)
    assert made.vitals(end + 6 * SECOND).rate == 60
    assert made.vitals(end + 6 * SECOND + 1) == type(made.vitals(0))()


def test_cycles_older_than_twenty_seconds_do_not_make_a_rate():
    made, _ = tracker([1000] * 5)
    made.beat(beat(20 * SECOND + 8001, 2000))
    assert made.vitals(20 * SECOND + 10_001).rate is None
    made.beat(beat(20 * SECOND + 10_001, 2000))
    made.beat(beat(20 * SECOND + 12_001, 2000))
    assert made.vitals(20 * SECOND + 14_001).rate == 60


def test_unsure_and_incomplete_beats_make_no_rate():
    made, end = tracker([2000] * 5, confidence=0.49)
    assert made.vitals(end).rate is None
    made, end = tracker([2000] * 5, end=False)
    assert made.vitals(end).rate is None


@pytest.mark.parametrize("value", ["flat", "clipped", "no_heart"])
def test_cycles_of_a_bad_stretch_make_no_rate(value):
    made = VitalsTracker(0.5)
    spans(made, [value] * 20)
    for n in range(5):
        made.beat(beat(n * SECOND))
    assert made.vitals(10_000).rate is None


def test_cycles_in_noise_count_if_the_decoder_is_sure():
    for confidence, known in ((0.9, True), (0.89, False)):
        made = in_noise(confidence)
        assert (made.vitals(10_000).rate is not None) == known


def in_noise(confidence):
    made = VitalsTracker(0.5)
    spans(made, ["noisy", "good"] * 10)
    for n in range(5):
        made.beat(beat(n * SECOND, confidence=confidence))
    return made


def test_nothing_is_known_while_no_heart_is_heard():
    made, end = tracker([2000] * 5)
    assert made.vitals(end, heard=False) == Vitals()


def test_a_rate_over_beats_in_pairs_is_beats_per_time():
    made, end = tracker([1000, 2200] * 6)
    assert made.vitals(end).rate == pytest.approx(75)
    made, end = tracker([1600] * 6 + [800, 800])  # one beat found twice
    assert made.vitals(end).rate == pytest.approx(75)


def test_a_rate_over_a_pause_is_beats_per_time_and_a_lost_heart_is_none():
    made, end = tracker([1600] * 10)
    made.pause(end, 10_000)
    for n in range(3):
        made.beat(beat(end + 10_000 + n * 1600, 1600))
    rate = made.vitals(end + 10_000 + 4800).rate
    assert rate == pytest.approx(60 * SECOND * 14 / (13 * 1600 + 10_000), rel=0.05)
    made, end = tracker([1600] * 10)
    made.pause(end, 17_000)
    assert made.vitals(end).rate == 75


def test_a_cycle_that_touches_a_bad_span_does_not_count():
    made = VitalsTracker(0.5)
    spans(made, ["good", "good", "good", "noisy", "good", "good", "good", "good"])
    for n in range(4):
        made.beat(beat(n * 2000, 2000))
    assert made.over(0, 3000) == {"good"}
    assert made.over(2000, 4000) == {"good", "noisy"}
    assert made.vitals(8000).rate == 60
    made, _ = tracker()
    spans(made, ["good", "good", "good", "noisy", "good", "good"])
    for n in range(3):
        made.beat(beat(n * 2000, 2000, confidence=0.8))
    assert made.vitals(6000).rate is None


def test_the_spread_is_robust_and_needs_twelve_cycles():
    made, end = tracker([2000] * 11)
    assert made.vitals(end).spread is None
    made, end = tracker([1800, 2200] * 7)
    assert made.vitals(end).spread == pytest.approx(1.4826 * 200 / 2000, rel=0.1)
    made, end = tracker([2000] * 13 + [5000])
    assert made.vitals(end).spread == 0


def test_twelve_cycles_are_enough_for_a_spread():
    made, end = tracker([2000] * 12)
    assert made.vitals(end).spread == 0


def test_the_limits_of_confidence_and_reach_are_inclusive():
    made, end = tracker([2000] * 5, confidence=0.5)
    assert made.vitals(end).rate == 60
    made, _ = tracker([1000] * 3)
    made.beat(beat(19 * SECOND + 1000, 4000))
    made.beat(beat(21 * SECOND + 1000, 2000))
    index = 21 * SECOND + 3000
    assert made.vitals(index).rate is None  # two of the five within reach
    made, _ = tracker([1000] * 3)
    for n in range(3):
        made.beat(beat(17 * SECOND + n * 2000, 2000))
    assert made.vitals(3000 + 20 * SECOND).rate == pytest.approx(60)
    assert made.vitals(2000 + 20 * SECOND).rate == pytest.approx(60)


def test_a_rate_that_drifts_is_not_irregular():
    made, end = tracker(range(2000, 1000, -50))
    assert made.vitals(end).spread < 0.02


def test_the_spread_looks_back_thirty_seconds():
    made, end = tracker([1500, 2500] * 10 + [2000] * 29)
    assert made.vitals(end).spread == 0
