"""Stages that raise or return nonsense: told within three seconds, started afresh, latched."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from pipeline_fakes import EnergyModel, PlainQuality, TrueCycles, blocks, heart, run

from dsp.chain import Chain
from dsp.cycles.beat import Beat
from dsp.windows import Windows
from monitor import events as ev
from monitor.analysis.pipeline import Pipeline
from monitor.analysis.stages import Stages
from monitor.config.load import Settings

SOUND, BEATS = heart(30.0)
AT = 20_000
SOON = 6000
"""Samples: three seconds."""


def _raises(_found: Any) -> Any:
    raise RuntimeError("broken")


def _with_confidence(value: float) -> Callable[[Any], Any]:
    def change(decoded: Any) -> Any:
        decoded.beats = [replace(beat, confidence=value) for beat in decoded.beats]
        return decoded

    return change


WRONG: dict[str, list[tuple[str, Callable[[Any], Any]]]] = {
    "chain": [
        ("raises", _raises),
        ("no numbers", lambda x: np.full_like(x, np.nan)),
        ("infinite", lambda x: x + np.inf),
        ("too long", lambda x: np.append(x, 0.0)),
        ("two channels", lambda x: np.stack([x, x])),
        ("nothing", lambda _: None),
    ],
    "cycles": [
        ("raises", _raises),
        ("no number", _with_confidence(np.nan)),
        ("over one", _with_confidence(7.0)),
        ("nothing", lambda _: None),
    ],
    "quality": [("raises", _raises), ("nothing", lambda _: None), ("words", lambda _: ["good"])],
    "model": [
        ("raises", _raises),
        ("no number", lambda p: p * np.nan),
        ("over one", lambda p: p + 3.0),
        ("wrong shape", lambda p: np.stack([p, p])),
        ("empty", lambda p: p[:0]),
        ("nothing", lambda _: None),
    ],
}
CASES = [(stage, name, change) for stage, wrongs in WRONG.items() for name, change in wrongs]


class Breaks:
    """Stands before a stage, or a model; ``wrong`` changes what it returns while ``on`` says so."""

    def __init__(self, inner: Any, method: str, wrong: Callable[[Any], Any]) -> None:
        self._inner, self._method, self._wrong = inner, method, wrong
        self.on = False
        self.done = 0

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        if name != self._method:
            return found

        def call(*samples: Any) -> Any:
            result = found(*samples)
            if not self.on:
                return result
            self.done += 1
            return self._wrong(result)

        return call


def broken(
    stage: str, wrong: Callable[[Any], Any], beats: list[Beat] = BEATS
) -> tuple[Pipeline, Breaks]:
    parts = Stages(Chain(2000), TrueCycles(beats), PlainQuality(), Windows())
    model: Any = EnergyModel()
    if stage == "model":
        breaks = model = Breaks(model, "probability", wrong)
    else:
        breaks = Breaks(getattr(parts, stage), "push", wrong)
        setattr(parts, stage, breaks)
    return Pipeline(Settings(), model, None, "test", 2000, 1, parts=parts), breaks


@pytest.mark.parametrize(
    ("stage", "wrong"),
    [(stage, change) for stage, _, change in CASES],
    ids=[f"{stage} {name}" for stage, name, _ in CASES],
)
def test_a_stage_that_raises_or_returns_nonsense_is_told_in_three_seconds_and_the_stream_goes_on(
    stage: str, wrong: Callable[[Any], Any]
) -> None:
    pipe, breaks = broken(stage, wrong)
    lines: list[ev.Event] = []
    begun = 0
    for block in blocks(SOUND, 500):
        breaks.on = block.index >= AT and not breaks.done
        before = breaks.done
        lines += pipe.push(block).events
        begun = begun or (block.index if breaks.done > before else 0)
    lines += pipe.finish().events
    faults = [line for line in lines if isinstance(line, ev.Fault)]
    assert faults
    assert begun - 500 <= faults[0].index <= begun + SOON
    alarms = [(a.kind, a.state) for a in lines if isinstance(a, ev.Alarm)]
    assert alarms.count(("analysis_fault", "active")) == 1
    assert ("analysis_fault", "inactive") in alarms
    after = [line for line in lines if line.index > faults[0].index + 8000]
    assert any(isinstance(line, ev.Beat) for line in after)
    assert any(isinstance(line, ev.Window) and line.used for line in after)
    assert all(0 <= w.p <= 1 for w in lines if isinstance(w, ev.Window) and w.p is not None)
    assert isinstance(lines[-1], ev.End)
    assert lines[-1].index == len(SOUND)


@pytest.mark.parametrize("stage", ["cycles", "quality", "model"])
def test_a_stage_that_fails_for_the_fifth_time_latches(stage: str) -> None:
    sound, beats = heart(90.0)
    pipe, breaks = broken(stage, _raises, beats)
    lines: list[ev.Event] = []
    done = 0
    for block in blocks(sound, 1000):
        if block.index % 14_000 == 0:
            done = breaks.done
        breaks.on = breaks.done == done and block.index >= 14_000 and breaks.done < 5
        lines += pipe.push(block).events
    states = [a.state for a in lines if isinstance(a, ev.Alarm) and a.kind == "analysis_fault"]
    assert states.count("active") == 5
    assert states[-1] == "latched"


@pytest.mark.parametrize("size", [700, 30_000])
@pytest.mark.parametrize("stage", ["cycles", "quality"])
def test_where_a_stage_fails_does_not_depend_on_the_cut(stage: str, size: int) -> None:
    def lines_of(cut: int) -> list[ev.Event]:
        calls = 0

        def every_ninth(found: Any) -> Any:
            nonlocal calls
            calls += 1
            if calls % 9 == 0:
                raise RuntimeError("broken")
            return found

        pipe, breaks = broken(stage, every_ninth)
        breaks.on = True
        return run(pipe, blocks(SOUND, cut))

    assert lines_of(size) == lines_of(1000)
