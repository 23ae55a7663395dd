"""What one step of sound contains: spans of quality, beats, judged windows, faults.

Runs the stages behind the chain on one step, in order, and keeps the windows that wait for the
quality of their stretch. A stage that raises is a fault: everything is started afresh at the end
of the step, the fault is a line of the event file and raises an alarm; no result of it is used.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import isfinite

import numpy as np

from dsp.cycles.beat import Beat
from dsp.quality import Span
from dsp.stage import FloatArray
from dsp.windows import WINDOW, Float32Array
from monitor import events as ev
from monitor.analysis.intake import Intake
from monitor.analysis.stages import Model, Stages
from monitor.analysis.verdict import VerdictTracker
from monitor.analysis.vitals import VitalsTracker


@dataclass
class Found:
    """Findings of one step: lines, spans of quality, fault in words, clipped frames."""

    events: list[ev.Event] = field(default_factory=list)
    spans: list[Span] = field(default_factory=list)
    fault: str = ""
    clipped: int = 0


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A window that waits for the quality of its stretch; no sound if the end cut it."""

    start: int
    end: int
    sound: Float32Array | None


class Steps:
    """Runs the stages behind the chain, step by step.

    Parameters
    ----------
    parts
        The stages.
    engine
        The model, or None.
    intake, vitals, verdict
        Kept by the pipeline, fed here.
    """

    def __init__(
        self,
        parts: Stages,
        engine: Model | None,
        intake: Intake,
        vitals: VitalsTracker,
        verdict: VerdictTracker,
    ) -> None:
        self._parts, self._engine = parts, engine
        self._intake, self._vitals, self._verdict = intake, vitals, verdict
        self._waiting: list[_Waiting] = []

    def reset(self) -> None:
        """Forget the windows that wait (after a gap)."""
        self._waiting = []

    def run(self, start: int, raw: FloatArray, filtered: FloatArray, last: bool) -> Found:
        """Run one step.

        Parameters
        ----------
        start
            Absolute index of its first sample.
        raw, filtered
            float64 [m] at 2 kHz before and after the filter, m at most 1 000.
        last
            Whether a gap or the end follows: then everything left is decided.
        """
        index = start + len(filtered)
        found = Found()
        bad, found.clipped = self._intake.take(start)
        if bad:
            found.fault = f"{bad} samples are not numbers, replaced by silence"
            found.events.append(ev.Fault(index=index, what=found.fault))
        try:
            self._stages(index, raw, filtered, last, found)
        except Exception as error:  # noqa: BLE001 - whatever a stage raises is a fault, not an end
            found = Found(fault=words_of(error))
            found.events.append(ev.Fault(index=index, what=found.fault))
            self._parts.reset_after_chain(index)
            self._vitals.gap(index)
            self.reset()
        return found

    def _stages(
        self, index: int, raw: FloatArray, filtered: FloatArray, last: bool, found: Found
    ) -> None:
        parts = self._parts
        spans = list(parts.quality.push(raw, filtered))
        decoded = parts.cycles.push(filtered)
        beats, onsets = list(decoded.beats), list(decoded.s1)
        if last:
            spans += parts.quality.flush()
            rest = parts.cycles.flush()
            beats += rest.beats
            onsets += rest.s1
        for span in spans:
            self._vitals.quality(span)
        found.spans += spans
        for beat in beats:
            self._vitals.beat(beat)
            found.events.append(_beat_line(index, beat))
        for start, sound in parts.windows.push(filtered, onsets):
            self._waiting.append(_Waiting(start, min(start + WINDOW, index), sound))
        if last:
            self._waiting += [_Waiting(s, index, None) for s in parts.windows.flush()]
        known = self._vitals.judged_to
        while self._waiting and (last or self._waiting[0].end <= known):
            found.events.append(self._window(index, self._waiting.pop(0)))

    def _window(self, index: int, window: _Waiting) -> ev.Window:
        """Judge one window; it counts if its whole stretch is good."""
        p = None
        reason = self._objection(window)
        if self._engine is not None and window.sound is not None and reason != "not finite":
            # One at a time: float32 results of a batch depend on its size.
            p = float(self._engine.probability(window.sound[None, :])[0])
            if not isfinite(p):
                p, reason = None, reason or "p is not a number"
            else:
                p = round(p, 4)  # as written, so that a verdict can be redone from the file
        if p is not None and reason is None:
            self._verdict.window(window.start, p)
        return ev.Window(
            index=index,
            start=window.start,
            p=p,
            used=p is not None and reason is None,
            reason=reason,
        )

    def _objection(self, window: _Waiting) -> str | None:
        if window.sound is None:
            return "cut"
        if self._intake.touched(window.start, window.end) or not np.isfinite(window.sound).all():
            return "not finite"
        bad = self._vitals.over(window.start, window.end) - {"good"}
        if bad:
            return min(bad)
        return None if self._engine is not None else "no model"


def words_of(error: Exception) -> str:
    """Return one line about a stage that raised."""
    words = " ".join(f"{type(error).__name__}: {error}".split())
    return f"analysis failed, started afresh: {words}"[:300]


def _beat_line(index: int, beat: Beat) -> ev.Beat:
    return ev.Beat(
        index=index,
        s1=beat.s1,
        systole=beat.systole,
        s2=beat.s2,
        diastole=beat.diastole,
        end=beat.end,
        confidence=round(beat.confidence, 3),
    )
