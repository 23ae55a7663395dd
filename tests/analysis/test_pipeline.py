"""The pipeline on phantom hearts with true cycles: order, cuts, gaps."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pipeline_fakes import (
    BEATS,
    SOUND,
    EnergyModel,
    blocks,
    encoded,
    heart,
    of,
    pipeline,
    run,
    with_gap,
)

from dsp.phantom import Murmur
from monitor import events as ev

WHOLE = run(pipeline(BEATS), blocks(SOUND, len(SOUND)))


@pytest.mark.parametrize("size", [1, 7, 40, 997, 4001])
def test_events_do_not_depend_on_how_the_sound_was_cut(size):
    if size == 1:
        short = SOUND[:9000]
        assert encoded(run(pipeline(BEATS), blocks(short, 1))) == encoded(
            run(pipeline(BEATS), blocks(short, 9000))
        )
    else:
        assert encoded(run(pipeline(BEATS), blocks(SOUND, size))) == encoded(WHOLE)


@given(st.lists(st.integers(1, 9000), max_size=12))
@settings(max_examples=10, deadline=None)
def test_events_do_not_depend_on_any_way_of_cutting(cuts):
    edges = [0, *(c for c in np.cumsum(cuts) if c < len(SOUND)), len(SOUND)]
    pieces = [ev.Block(SOUND[a:b, None], 2000, int(a)) for a, b in pairwise(edges)]
    assert encoded(run(pipeline(BEATS), pieces)) == encoded(WHOLE)


def test_lines_stand_in_order():
    assert isinstance(WHOLE[0], ev.Session)
    assert isinstance(WHOLE[-1], ev.End)
    body = WHOLE[1:-1]
    keys = [(line.index, ev.ORDER.index(type(line))) for line in body]
    assert keys == sorted(keys)


def test_the_end_counts_every_line_and_says_whether_it_was_whole():
    end = WHOLE[-1]
    assert end.complete
    assert end.index == len(SOUND)
    assert sum(end.counts.values()) == len(WHOLE) - 2
    pipe = pipeline(BEATS)
    pipe.push(ev.Block(SOUND[:5000, None], 2000, 0))
    assert not pipe.finish(complete=False).events[-1].complete


def test_vitals_come_each_second_and_a_verdict_once_before_the_end():
    vitals = of(ev.Vitals, WHOLE)
    assert [v.index for v in vitals] == list(range(2000, 40_001, 2000))
    assert vitals[-1].rate == pytest.approx(70, abs=4)
    assert of(ev.Verdict, WHOLE)[-1].index == len(SOUND)


def test_a_window_is_told_in_the_step_of_its_last_sample_or_later():
    for window in of(ev.Window, WHOLE):
        assert window.reason in (None, "cut")
        if window.reason == "cut":
            assert (window.p, window.used) == (None, False)
            assert window.start + 5000 > len(SOUND)
        else:
            assert window.index >= window.start + 5000


def test_windows_are_judged_one_at_a_time():
    model = EnergyModel()
    run(pipeline(BEATS, engine=model), blocks(SOUND, 5000))
    assert set(model.calls) == {1}


def test_a_murmur_raises_abnormal_sound_with_its_evidence():
    sound, beats = heart(60.0, murmurs=(Murmur(grade=4),))
    lines = run(pipeline(beats), blocks(sound, 2000))
    alarms = of(ev.Alarm, lines)
    assert [(a.kind, a.state, a.priority) for a in alarms] == [
        ("abnormal_sound", "pending", "medium"),
        ("abnormal_sound", "active", "medium"),
    ]
    assert "of 15 windows ≥ 0.70" in alarms[0].evidence
    assert "quality good" in alarms[0].evidence
    assert of(ev.Verdict, lines)[-1].value == "abnormal"


def test_a_healthy_heart_raises_nothing():
    assert of(ev.Alarm, WHOLE) == []
    assert of(ev.Fault, WHOLE) == []


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_samples_that_are_not_numbers_are_a_technical_condition_and_judge_nothing(bad):
    sound = SOUND.copy()
    sound[20_000:20_010] = bad
    lines = run(pipeline(BEATS), blocks(sound, 997))
    faults = of(ev.Fault, lines)
    assert [f.index for f in faults] == [21_000]
    assert faults[0].what.startswith("10 samples are not numbers")
    alarms = [(a.kind, a.state) for a in of(ev.Alarm, lines)]
    assert alarms == [("analysis_fault", "active"), ("analysis_fault", "inactive")]
    for window in of(ev.Window, lines):
        touches = window.start - 5000 < 20_010 and window.start + 5000 > 20_000
        if touches and window.start + 5000 > 20_000 and window.start < 20_010:
            assert not window.used
            assert window.p is None
    assert encoded(lines) == encoded(run(pipeline(BEATS), blocks(sound, len(sound))))


def test_a_recording_of_nothing_but_nan_is_never_normal():
    lines = run(pipeline(BEATS), blocks(np.full(20_000, np.nan), 4000))
    assert {v.value for v in of(ev.Verdict, lines)} == {"none"}
    assert len(of(ev.Fault, lines)) == 20
    assert ("analysis_fault", "active") in [(a.kind, a.state) for a in of(ev.Alarm, lines)]


def test_a_model_that_returns_no_number_has_no_say():
    class Mute(EnergyModel):
        def probability(self, windows):
            return np.full(len(windows), np.nan)

    lines = run(pipeline(BEATS, engine=Mute()), blocks(SOUND, 5000))
    assert {w.used for w in of(ev.Window, lines)} == {False}
    assert {w.reason for w in of(ev.Window, lines)} == {"p is not a number", "cut"}
    assert {v.value for v in of(ev.Verdict, lines)} == {"none"}


def test_a_gap_is_booked_moves_the_index_and_loses_no_beat_before_it():
    lines = run(pipeline(BEATS), with_gap())
    gap = of(ev.Gap, lines)[0]
    assert (gap.start, gap.length, gap.uncertainty, gap.reason) == (10_400, 3000, 40, "overflow")
    assert gap.index == 13_400
    assert lines[-1].index == len(SOUND)
    indices = [line.index for line in lines]
    assert indices == sorted(indices)
    told = [b.end for b in of(ev.Beat, lines) if b.index <= 13_400 and b.end]
    assert told == [b.end for b in BEATS if b.end and b.end <= 10_400]
    cut = [w for w in of(ev.Window, lines) if w.index == 10_400]
    assert cut
    assert all(w.reason == "cut" and not w.used for w in cut if w.start > 5400)


@pytest.mark.parametrize("size", [7, 100_000])
def test_events_around_a_gap_do_not_depend_on_the_cut(size):
    assert encoded(run(pipeline(BEATS), with_gap(size=size))) == encoded(
        run(pipeline(BEATS), with_gap())
    )


def test_more_than_a_percent_lost_raises_gaps():
    lines = run(pipeline(BEATS), with_gap())
    assert [(a.kind, a.state, a.index) for a in of(ev.Alarm, lines)] == [("gaps", "active", 13_400)]


def test_a_gap_before_the_first_sample_and_one_at_the_end_are_booked():
    lines = run(pipeline(), [ev.Lost(0, 500, 1, "late"), ev.Lost(500, 200, 1, "late")])
    assert [g.index for g in of(ev.Gap, lines)] == [500, 700]
    assert lines[-1].index == 700


def test_two_seconds_without_samples_are_signal_lost_and_the_next_sample_ends_it():
    pipe = pipeline(BEATS)
    lines = [e for b in blocks(SOUND[:20_000], 1000) for e in pipe.push(b).events]
    for _ in range(3):
        assert pipe.push(ev.Idle(0.5)).events == ()
    assert pipe.present.vitals.rate is not None
    state, alarm = pipe.push(ev.Idle(0.5)).events
    assert (type(state), state.value) == (ev.Heart, "no_sound")
    assert (alarm.kind, alarm.state, alarm.index) == ("signal_lost", "active", 19_000)
    assert alarm.evidence == "no samples for 2.0 s"
    assert pipe.present.vitals.rate is None
    lines = list(pipe.push(ev.Lost(20_000, 4000, 40, "unplugged")).events)
    lines += [e for b in blocks(SOUND[24_000:], 1000) for e in pipe.push(b).events]
    assert ("signal_lost", "inactive") in [(a.kind, a.state) for a in of(ev.Alarm, lines)]


def test_idleness_of_no_sensible_length_does_no_harm():
    pipe = pipeline(BEATS)
    for seconds in (-5.0, float("nan"), float("inf")):
        assert of(ev.Alarm, pipe.push(ev.Idle(seconds)).events) == []
