"""Commands, reported conditions and faults of stages, in the pipeline."""

from __future__ import annotations

import numpy as np
import pytest
from pipeline_fakes import (
    BEATS,
    SOUND,
    EnergyModel,
    PlainQuality,
    TrueCycles,
    blocks,
    encoded,
    of,
    pipeline,
    run,
    with_gap,
)

from dsp.chain import Chain
from dsp.cycles.beat import Beat
from dsp.windows import Windows
from monitor import events as ev
from monitor.analysis.stages import Stages
from monitor.config.load import build


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
    from monitor.config.load import Settings

    return Pipeline(Settings(), engine or EnergyModel(), None, "test", 2000, 1, parts=parts)


def test_without_a_model_everything_else_works_and_model_refused_is_raised():
    from monitor.analysis.pipeline import Pipeline
    from monitor.config.load import Settings

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
