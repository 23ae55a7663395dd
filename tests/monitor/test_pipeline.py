"""The pipeline on phantom hearts with true cycles: order, gaps, faults, commands, cuts."""

from __future__ import annotations

from itertools import pairwise

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pipeline_fakes import EnergyModel, PlainQuality, TrueCycles, blocks, heart, pipeline, run

from dsp.chain import Chain
from dsp.cycles.beat import Beat
from dsp.phantom import Murmur
from dsp.windows import Windows
from monitor import events as ev
from monitor.analysis.stages import Stages
from monitor.settings import build

SOUND, BEATS = heart(20.0)


def of(kind, lines):
    return [line for line in lines if isinstance(line, kind)]


def encoded(lines):
    return b"\n".join(msgspec.json.encode(line) for line in lines)


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


# ------------------------------------------------------------ gaps and idleness


def with_gap(at=10_400, length=3000, size=997):
    first = list(blocks(SOUND[:at], size))
    rest = list(blocks(SOUND[at + length :], size))
    return [*first, ev.Lost(at, length, 40, "overflow"), *rest]


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
    (alarm,) = pipe.push(ev.Idle(0.5)).events
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


# ------------------------------------------------------------ commands and conditions


def test_a_mark_stands_in_the_step_that_its_index_belongs_to():
    commands = [ev.Command("mark", 7300, note="cough")]
    lines = run(pipeline(BEATS), [*commands, *blocks(SOUND, 3000)])
    assert [(m.index, m.note) for m in of(ev.Mark, lines)] == [(8000, "cough")]


def test_an_acknowledgement_while_no_sound_comes_takes_effect_at_once():
    pipe = pipeline(BEATS)
    pipe.push(ev.Block(SOUND[:5500, None], 2000, 0))
    pipe.push(ev.Idle(3.0))
    pipe.push(ev.Command("acknowledge", 5500))
    (alarm,) = pipe.push(ev.Idle(0.25)).events
    assert (alarm.kind, alarm.state) == ("signal_lost", "acknowledged")


def test_a_pause_is_counted_down_by_sound():
    pipe = pipeline(BEATS)
    pipe.push(ev.Command("pause_audio", 0, seconds=5.0))
    for block in blocks(SOUND[:10_000], 1000):
        pipe.push(block)
    assert 0 < pipe.present.board.pause_left < 10_000
    assert of(ev.Alarm, run(pipe, [])) == []


def test_limits_can_be_changed_and_nonsense_is_refused_in_words():
    good = ev.Command("limits", 0, limits={"tachycardia": 60.0, "bradycardia": 45.0})
    lines = run(pipeline(BEATS), [good, *blocks(SOUND, 4000)])
    assert of(ev.Mark, lines)[0].note == "limits tachycardia 60, bradycardia 45"
    alarms = [(a.kind, a.state) for a in of(ev.Alarm, lines)]
    assert alarms == [("tachycardia", "pending"), ("tachycardia", "active")]
    for limits in ({"tachycardia": 10.0}, {"no_such": 1.0}, {"tachycardia": float("nan")}):
        pipe = pipeline(BEATS)
        lines = run(pipe, [ev.Command("limits", 0, limits=limits), *blocks(SOUND, 4000)])
        assert of(ev.Mark, lines)[0].note.startswith("limits refused: setting alarms.")
        assert pipe.present.board.limits.tachycardia == 120


def test_personal_limits_are_learnt_once_and_shown():
    chosen = build({"alarms": {"learn_s": 5.0}})
    pipe = pipeline(BEATS, chosen)
    lines = run(pipe, blocks(SOUND, 4000))
    (mark,) = of(ev.Mark, lines)
    assert mark.note.startswith("limits learnt tachycardia 1")
    assert pipe.present.board.limits.tachycardia == 100
    assert pipe.present.board.limits.bradycardia == 45


def test_a_reported_condition_raises_its_alarm_and_its_end_clears_it():
    told = ev.Condition("cannot_record", True, "disk full")
    over = ev.Condition("cannot_record", False, "written")
    items = list(blocks(SOUND[:6000], 1000))
    lines = run(pipeline(BEATS), [*items[:3], told, *items[3:5], over, *items[5:]])
    alarms = [(a.kind, a.state, a.evidence) for a in of(ev.Alarm, lines)]
    assert alarms == [
        ("cannot_record", "active", "disk full"), ("cannot_record", "inactive", "written"),
    ]  # fmt: skip


# ------------------------------------------------------------ faults of stages


class Breaks(TrueCycles):
    """Raises in the step that ends at 10 000."""

    def push(self, x):
        if self.index + len(x) == 10_000:
            self.index += len(x)
            raise RuntimeError("a line\nand another")
        return super().push(x)


def test_a_stage_that_raises_is_a_fault_and_an_alarm_and_the_stream_goes_on():
    parts = Stages(Chain(2000), Breaks(BEATS), PlainQuality(), Windows())
    lines = run(_with(parts), blocks(SOUND, 1000))
    (fault,) = of(ev.Fault, lines)
    assert fault.index == 10_000
    assert fault.what == "analysis failed, started afresh: RuntimeError: a line and another"
    alarms = [(a.kind, a.state) for a in of(ev.Alarm, lines)]
    assert alarms == [("analysis_fault", "active"), ("analysis_fault", "inactive")]
    assert any(b.index > 20_000 for b in of(ev.Beat, lines))
    assert any(w.used and w.start > 12_000 for w in of(ev.Window, lines))


class BreakingChain(Chain):
    """Raises once in a push, or in the flush."""

    fails = True

    def push(self, frames):
        out = super().push(frames)
        if self.fails and len(out) and frames[0, 0] == SOUND[12_000]:
            self.fails = False
            raise FloatingPointError("in the filter")
        return out


def test_a_chain_that_raises_loses_its_sound_says_so_and_the_stream_goes_on():
    parts = Stages(BreakingChain(2000), TrueCycles(BEATS), PlainQuality(), Windows())
    lines = run(_with(parts), blocks(SOUND, 1000))
    (fault,), (gap,) = of(ev.Fault, lines), of(ev.Gap, lines)
    assert "in the filter" in fault.what
    assert gap.reason == "analysis fault"
    assert gap.start + gap.length == gap.index == fault.index == 13_000
    assert lines[-1].index == len(SOUND)
    assert ("analysis_fault", "active") in [(a.kind, a.state) for a in of(ev.Alarm, lines)]
    assert any(w.used and w.start > 14_000 for w in of(ev.Window, lines))


def test_a_chain_that_raises_at_the_end_still_ends_the_stream():
    class Dies(Chain):
        def flush(self):
            raise MemoryError

    parts = Stages(Dies(2000), TrueCycles(BEATS), PlainQuality(), Windows())
    lines = run(_with(parts), blocks(SOUND, 1000))
    assert len(of(ev.Fault, lines)) == 1
    assert isinstance(lines[-1], ev.End)
    assert lines[-1].index == len(SOUND)
    assert isinstance(lines[-2], ev.Verdict | ev.Alarm)


def test_a_pending_alarm_waits_through_a_gap_until_the_condition_is_known_again():
    limits = ev.Command("limits", 0, limits={"tachycardia": 60.0, "bradycardia": 45.0})
    lines = run(pipeline(BEATS), [limits, *with_gap(at=16_400, length=1000)])
    states = [a.state for a in of(ev.Alarm, lines) if a.kind == "tachycardia"]
    assert states[:3] == ["pending", "interrupted", "pending"]


def _with(parts, engine=None):
    from monitor.analysis.pipeline import Pipeline
    from monitor.settings import Settings

    return Pipeline(Settings(), engine or EnergyModel(), None, "test", 2000, 1, parts=parts)


def test_without_a_model_everything_else_works_and_model_refused_is_raised():
    from monitor.analysis.pipeline import Pipeline
    from monitor.settings import Settings

    parts = Stages(Chain(2000), TrueCycles(BEATS), PlainQuality(), Windows())
    pipe = Pipeline(Settings(), None, None, "test", 2000, 1, parts=parts)
    lines = run(pipe, blocks(SOUND, 5000))
    assert [(a.kind, a.state) for a in of(ev.Alarm, lines)] == [("model_refused", "active")]
    assert {w.reason for w in of(ev.Window, lines)} == {"no model", "cut"}
    assert of(ev.Vitals, lines)[-1].rate is not None


def test_a_foreign_block_is_refused():
    pipe = pipeline(BEATS)
    with pytest.raises(ValueError, match="44100 Hz"):
        pipe.push(ev.Block(np.zeros((10, 1), np.float32), 44_100, 0))
    with pytest.raises(ValueError, match="channels"):
        pipe.push(ev.Block(np.zeros((10, 2), np.float32), 2000, 0))
    pipe.finish()
    with pytest.raises(ValueError, match="ended"):
        pipe.push(ev.Idle(1.0))


def test_a_session_that_goes_on_keeps_its_index_and_its_alarms():
    first = pipeline(BEATS)
    run(first, [ev.Condition("cannot_record", True, "full"), *blocks(SOUND[:8000], 1000)])
    board = first.present.board
    beats = [Beat(*(None if v is None else v + 50_000 for v in
                    (b.s1, b.systole, b.s2, b.diastole, b.end)), b.confidence)
             for b in BEATS]  # fmt: skip
    lines = run(pipeline(beats, index=50_000, board=board), blocks(SOUND, 1000))
    assert lines[0].index == 50_000
    assert lines[-1].index == 90_000
    assert [(a.kind, a.state) for a in of(ev.Alarm, lines)] == [("cannot_record", "inactive")]
    assert of(ev.Vitals, lines)[-1].rate == pytest.approx(70, abs=4)


def test_pictures_hold_every_sample_once():
    pipe = pipeline(BEATS)
    pictures = [p for b in blocks(SOUND, 997) for p in pipe.push(b).pictures]
    pictures += pipe.finish().pictures
    assert [p.start for p in pictures] == list(range(0, 40_000, 1000))
    assert sum(len(p.samples) for p in pictures) == len(SOUND)
    assert all(p.samples.dtype == np.float32 for p in pictures)
    assert max(p.level_db for p in pictures) == pytest.approx(
        20 * np.log10(np.abs(SOUND).max()), abs=0.5
    )


def test_a_future_that_changes_never_changes_the_past():
    other = SOUND.copy()
    other[24_000:] = other[24_000:][::-1]
    known = [b for b in BEATS if (b.end or 0) < 24_000]
    ours = [e for e in run(pipeline(known), blocks(SOUND, 997)) if e.index <= 20_000]
    theirs = [e for e in run(pipeline(known), blocks(other, 997)) if e.index <= 20_000]
    assert encoded(ours) == encoded(theirs)
