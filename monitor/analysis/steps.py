"""What each step of sound contains: spans of quality, beats, judged windows, faults.

Runs the stages behind the chain over all the steps at hand, in two goes: first every stage
listens (a stage that can takes the whole stretch at once; the model hears window after window),
then the findings are told step by step, so that they do not depend on how much was at hand.
Windows wait here for the quality of their stretch. A stage that raises is a fault: everything is
started afresh at the end of the step, the fault is a line of the event file and raises an alarm;
no result of it is used.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np

from dsp.cycles.beat import Beat
from dsp.quality import Span
from dsp.stage import FloatArray
from dsp.windows import WINDOW, Float32Array, Windows
from monitor import events as ev
from monitor.analysis.contrast import Contrast, contrast_of
from monitor.analysis.hearing import HeartTracker
from monitor.analysis.heart import Pause
from monitor.analysis.intake import FrameSanitizer
from monitor.analysis.stages import Model, Stages, by_step
from monitor.analysis.verdict import VerdictTracker
from monitor.analysis.vitals import VitalsTracker

NO_NUMBER = "p is not a number"
NOISY = "noisy"
HUM = "Hz hum removed"
NO_HEART = "no heart heard"


@dataclass
class StepResult:
    """Findings of one step: lines, spans of quality, pauses, fault in words, clipped frames."""

    events: list[ev.Event] = field(default_factory=list)
    spans: list[Span] = field(default_factory=list)
    pauses: list[Pause] = field(default_factory=list)
    fault: str = ""
    clipped: int = 0


@dataclass(slots=True)
class _Waiting:
    """A window that waits for the quality of its stretch; no sound if the end cut it.

    ``p`` is what the model said of it, or what it raised, once it was asked.
    """

    start: int
    end: int
    sound: Float32Array | None
    finite: bool = True
    p: float | Exception | None = None


@dataclass(slots=True)
class _StageOutput:
    """What the stages said in one step, up to the end ``index``; ``error`` if one raised."""

    index: int
    spans: list[Span] = field(default_factory=list)
    beats: list[Beat] = field(default_factory=list)
    contrasts: list[Contrast | None] = field(default_factory=list)
    onsets: list[int] = field(default_factory=list)
    settled: int = 0
    windows: list[_Waiting] = field(default_factory=list)
    error: Exception | None = None


class Steps:
    """Runs the stages behind the chain, step by step.

    Parameters
    ----------
    parts
        The stages.
    engine
        The model, or None.
    intake, heart, vitals, verdict
        Kept by the pipeline, fed here.
    """

    def __init__(
        self,
        parts: Stages,
        engine: Model | None,
        intake: FrameSanitizer,
        heart: HeartTracker,
        vitals: VitalsTracker,
        verdict: VerdictTracker,
    ) -> None:
        self._parts, self._engine = parts, engine
        self._intake, self._heart = intake, heart
        self._vitals, self._verdict = vitals, verdict
        self._waiting: list[_Waiting] = []

    def reset(self) -> None:
        """Forget the windows that wait (after a gap)."""
        self._waiting = []

    def run(
        self, start: int, raw: FloatArray, filtered: FloatArray, ends: Sequence[int], last: bool
    ) -> Iterator[StepResult]:
        """Yield the findings of consecutive steps.

        Parameters
        ----------
        start
            Absolute index of the first sample.
        raw, filtered
            float64 [m] at 2 kHz before and after the filter.
        ends
            Absolute index of the end of each step, the last one ``start + m``.
        last
            Whether a gap or the end follows: then everything left is decided in the last step.
        """
        told, begin, at_once = 0, start, len(ends)
        while told < len(ends):
            now = ends[told : told + at_once]
            closing = last and now[-1] == ends[-1]
            part = slice(begin - start, now[-1] - start)
            for heard in self._listen(begin, raw[part], filtered[part], now, closing):
                found = self._tell(begin, heard, closing and heard.index == now[-1])
                told, begin = told + 1, heard.index
                yield found
                if heard.error is not None:
                    # The stages are afresh, what they heard after this step is void. Of a fault
                    # that came of the whole stretch only one step more is to be lost.
                    at_once = 1
                    break

    def _listen(
        self, start: int, raw: FloatArray, filtered: FloatArray, ends: Sequence[int], last: bool
    ) -> list[_StageOutput]:
        """Let every stage hear the sound, up to the first one that raises; then ask the model."""
        parts = self._parts
        out: list[_StageOutput] = []
        sizes = [end - begin for begin, end in pairwise([start, *ends])]
        quality = by_step(parts.quality, parts.quality.push, sizes, raw, filtered)
        cycles = by_step(parts.cycles, parts.cycles.push, sizes, filtered)
        for end, size in zip(ends, sizes, strict=True):
            heard = _StageOutput(end)
            out.append(heard)
            closing = last and end == ends[-1]
            try:
                heard.spans += next(quality)
                decoded = next(cycles)
                heard.beats += decoded.beats
                heard.onsets += decoded.s1
                heard.settled = decoded.settled
                if closing:
                    heard.spans += parts.quality.flush()
                    rest = parts.cycles.flush()
                    heard.beats += rest.beats
                    heard.onsets += rest.s1
                    heard.settled = rest.settled
                sound = filtered[end - size - start : end - start]
                for at, window in parts.windows.push(sound, heard.onsets):
                    heard.windows.append(_Waiting(at, min(at + WINDOW, end), window))
                heard.contrasts += [_contrast(parts.windows, beat) for beat in heard.beats]
                if closing:
                    heard.windows += [_Waiting(at, end, None) for at in parts.windows.flush()]
            except Exception as error:  # noqa: BLE001 - told as a fault of its step
                heard.error = error
                break
        for heard in out:
            for waiting in heard.windows:
                self._ask(waiting)
        return out

    def _ask(self, window: _Waiting) -> None:
        """Let the model hear one window: results in float32 of a batch depend on its size."""
        if window.sound is None:
            return
        window.finite = bool(np.isfinite(window.sound).all())
        if self._engine is None or not window.finite:
            return
        try:
            p = np.asarray(self._engine.probability(window.sound[None, :]))
            if p.shape != (1,):
                raise ValueError(f"the model returned shape {p.shape} for one window")
            window.p = float(p[0])
        except Exception as error:  # noqa: BLE001 - told as a fault when the window's turn comes
            window.p = error

    def _tell(self, start: int, heard: _StageOutput, last: bool) -> StepResult:
        """Turn what was heard in one step into its findings."""
        found = StepResult()
        index = heard.index
        bad, found.clipped = self._intake.take(start)
        if bad:
            found.fault = f"{bad} samples are not numbers, replaced by silence"
            found.events.append(ev.Fault(index=index, what=found.fault))
        try:
            if heard.error is not None:
                raise heard.error
            self._findings(heard, last, found)
        except Exception as error:  # noqa: BLE001 - whatever a stage raises is a fault, not an end
            heard.error = error
            found = StepResult(fault=words_of(error))
            found.events.append(ev.Fault(index=index, what=found.fault))
            self._parts.reset_after_chain(index)
            self._heart.gap(index, 0)
            self.reset()
        return found

    def _findings(self, heard: _StageOutput, last: bool, found: StepResult) -> None:
        for span in heard.spans:
            self._vitals.quality(span)
            self._heart.quality(span)
            found.spans.append(self._without_hum(span))
        for beat, contrast in zip(heard.beats, heard.contrasts, strict=True):
            self._vitals.beat(beat, contrast)
            self._heart.beat(beat)
        self._heart.decided(heard.settled, heard.onsets)
        for beat in heard.beats:
            found.events.append(_beat_line(heard.index, beat, self._heart.honest(beat)))
        found.pauses, self._heart.pauses = self._heart.pauses, []
        self._waiting += heard.windows
        known = self._vitals.judged_to
        while self._waiting and (last or self._waiting[0].end <= known):
            window = self._window(heard.index, self._waiting.pop(0))
            if window.reason == NO_NUMBER:
                found.fault = "the model returned what is no probability"
                found.events.append(ev.Fault(index=heard.index, what=found.fault))
            found.events.append(window)

    def _without_hum(self, span: Span) -> Span:
        """Say in the reason that hum was taken out."""
        hum_hz = self._parts.chain.hum_hz(span.start, span.end)
        if not hum_hz:
            return span
        words = f"{hum_hz} {HUM}"
        return replace(span, reason=f"{span.reason}, {words}" if span.reason else words)

    def _window(self, index: int, window: _Waiting) -> ev.Window:
        """Judge one window; it counts if a heart was heard over its whole stretch."""
        reason = self._objection(window)
        noisy = reason is None and "noisy" in self._vitals.over(window.start, window.end)
        p = None if reason == "not finite" else window.p
        if isinstance(p, Exception):
            raise p
        if p is not None:
            if not 0.0 <= p <= 1.0:  # nor is what is no number
                p, reason = None, reason or NO_NUMBER
            else:
                p = round(p, 4)  # as written, so that a verdict can be redone from the file
        if p is not None and reason is None:
            self._verdict.window(window.start, p, noisy)
        used = p is not None and reason is None
        if used and noisy:
            reason = NOISY  # marked, and counted
        return ev.Window(index=index, start=window.start, p=p, used=used, reason=reason)

    def _objection(self, window: _Waiting) -> str | None:
        if window.sound is None:
            return "cut"
        if self._intake.touched(window.start, window.end) or not window.finite:
            return "not finite"
        bad = self._vitals.over(window.start, window.end) - {"good"}
        heard = self._heart.heard_over(window.start, window.end, noisy=bool(bad))
        if bad and not (bad == {"noisy"} and heard):
            return min(bad)
        if not heard:
            return NO_HEART
        return None if self._engine is not None else "no model"


def words_of(error: Exception) -> str:
    """Return one line about a stage that raised."""
    words = " ".join(f"{type(error).__name__}: {error}".split())
    return f"analysis failed, started afresh: {words}"[:300]


def _contrast(windows: Windows, beat: Beat) -> Contrast | None:
    if beat.s1 is None or beat.end is None:
        return None
    return contrast_of(windows.sound(beat.s1, beat.end), beat)


def _beat_line(index: int, beat: Beat, confidence: float) -> ev.Beat:
    if not 0.0 <= beat.confidence <= 1.0:
        raise ValueError(f"a beat of confidence {beat.confidence}")
    return ev.Beat(
        index=index,
        s1=beat.s1,
        systole=beat.systole,
        s2=beat.s2,
        diastole=beat.diastole,
        end=beat.end,
        confidence=round(confidence, 3),
    )
