"""Rate, intervals, spread and signs of life from beats and quality."""

from __future__ import annotations

import pytest

from dsp.cycles.beat import Beat
from dsp.quality import Span
from monitor.analysis.vitals import VitalsTracker

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
    made.decided(10**9, ())
    return made, at


def spans(made, values, start=0):
    for n, value in enumerate(values):
        made.quality(Span(start + n * 1000, start + (n + 1) * 1000, value, ""))


def test_the_rate_is_the_median_of_the_last_five_cycles():
    made, end = tracker([1000] * 10 + [2000, 2000, 2000, 1000, 5000])
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
    assert made.life(end).beats == 0
    made, end = tracker([2000] * 5, end=False)
    assert made.vitals(end).rate is None
    assert made.life(end).beats == 5


@pytest.mark.parametrize("value", ["flat", "clipped", "noisy", "no_heart"])
def test_cycles_of_a_bad_stretch_make_no_rate(value):
    made = VitalsTracker(0.5)
    spans(made, [value] * 20)
    for n in range(5):
        made.beat(beat(n * SECOND))
    assert made.vitals(10_000).rate is None
    assert made.life(10_000).beats == 5  # but each is a sign of life


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
        made.beat(beat(n * 2000, 2000))
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


def test_a_span_that_ends_with_the_last_onset_does_not_blind():
    made, _ = tracker([2000] * 5)
    last = 4 * 2000 + 600
    made.quality(Span(last - 1000, last, "noisy", ""))
    assert made.life(last + 9000).clear
    made.quality(Span(last, last + 1000, "noisy", ""))
    assert not made.life(last + 9000).clear


def test_a_rate_that_drifts_is_not_irregular():
    made, end = tracker(range(2000, 1000, -50))
    assert made.vitals(end).spread < 0.02


def test_the_spread_looks_back_thirty_seconds():
    made, end = tracker([1500, 2500] * 10 + [2000] * 29)
    assert made.vitals(end).spread == 0


def test_life_counts_the_beats_of_thirty_seconds_up_to_the_last():
    made, end = tracker([2000] * 50)
    life = made.life(end + 7000)
    assert (life.beats, life.before) == (50, 31)
    assert life.since == 2000 - 600 + 7000
    assert life.clear


def test_sound_that_is_not_decided_yet_is_no_silence():
    made, end = tracker([2000] * 6)
    last = end - 2000 + 600
    made.decided(last + 5000, ())
    assert made.life(last + 9000).since == 5000
    made.decided(last + 9000, ())
    assert made.life(last + 9000).since == 9000
    made.decided(last - 100, ())
    assert made.life(last + 9000).since == 0


def test_an_onset_stops_the_count_until_the_confidence_of_its_beat_is_known():
    made, end = tracker([2000] * 6)
    last = end - 2000 + 600
    made.decided(last + 14_000, [last - 600, last + 8000])  # the first is of a beat known already
    assert made.life(last + 14_000).since == 8000
    made.beat(beat(last + 8000, confidence=0.2))  # a sound, but hardly a heart's
    assert made.life(last + 14_000).since == 14_000
    made.decided(last + 14_000, [last + 13_000])
    made.beat(beat(last + 13_000))
    assert made.life(last + 15_000).since == 400  # from its S2 on
    made.decided(last + 18_000, [last + 16_000])
    made.gap(last + 18_000)
    assert made.life(last + 18_000).since == 18_000 - 13_600


def test_no_beat_yet_is_no_life():
    made, _ = tracker()
    life = made.life(99_000)
    assert (life.beats, life.before, life.since, life.clear) == (0, 0, None, False)


def test_a_beat_without_s1_is_a_sign_of_life_too():
    made, _ = tracker()
    made.beat(Beat(None, None, 900, 1000, 2000, 0.8))
    assert (made.life(3000).since, made.life(3000).beats) == (2100, 1)
    made.beat(Beat(None, None, None, None, 2000, 0.8))
    assert made.life(3000).beats == 1


@pytest.mark.parametrize("value", ["flat", "clipped", "noisy"])
def test_silence_is_not_clear_if_the_stretch_was_bad(value):
    made, end = tracker([2000] * 6)
    spans(made, ["good", value], start=end)
    assert not made.life(end + 8000).clear
    made, end = tracker([2000] * 6)
    spans(made, ["good", "no_heart"], start=end)
    assert made.life(end + 8000).clear


def test_silence_over_a_gap_is_not_clear_until_a_beat_comes():
    made, end = tracker([2000] * 6)
    made.gap(end + 500)
    assert not made.life(end + 20_000).clear
    made.beat(beat(end + 600))
    assert made.life(end + 20_000).clear
