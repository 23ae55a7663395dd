"""One stream, pure: inputs in, events and pictures out.

    pipeline = Pipeline(settings, engine, cycle_model, name, rate_hz, channels)
    output = pipeline.push(Block | Lost | Command | Idle | Condition)
    output = pipeline.finish()

Decisions are made once per step of 1 000 samples counted from index 0 (a step that a gap or the
end cuts is shorter), so that events do not depend on how the sound was cut. A step is decided
when the first sample after it is there, or at the end. This module cuts the sound into steps and
books gaps; what a step holds is found in ``analysis.steps``, what follows from it is decided in
``analysis.decisions``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite, log10, nan
from typing import TYPE_CHECKING

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from dsp.stage import RATE_HZ, STEP, FloatArray
from monitor import events as ev
from monitor.analysis import alarms, stages
from monitor.analysis.conditions import NO_SAMPLES
from monitor.analysis.decisions import StepEvaluator
from monitor.analysis.hearing import HeartTracker
from monitor.analysis.heart import Heart
from monitor.analysis.intake import FrameSanitizer
from monitor.analysis.steps import StepResult, Steps, words_of
from monitor.analysis.verdict import Judgement, Thresholds, VerdictTracker
from monitor.analysis.vitals import Vitals, VitalsTracker
from monitor.config.load import Settings
from monitor.version import version

if TYPE_CHECKING:
    from dsp.cycles.model import CycleModel

NO_MODEL = Thresholds(0.0, 1.0)


@dataclass(frozen=True, slots=True)
class Present:
    """What a screen shows of a stream now; values that are not known are None.

    Attributes
    ----------
    index
        Analysed up to here (2 kHz, absolute).
    quality_since
        Index from which quality has been what it is.
    lost
        Samples lost so far, in ``gaps`` gaps.
    windows, few
        Windows of a full verdict, and whether this one rests on few.
    """

    index: int
    heart: Heart
    vitals: Vitals
    quality: ev.QualityValue | None
    quality_reason: str
    quality_since: int
    judgement: Judgement
    board: alarms.Board
    gaps: int
    lost: int
    windows: int
    few: bool


class Pipeline:
    """The analysis of one stream.

    Parameters
    ----------
    settings
        In force for this stream.
    engine
        An opened model, or None (windows are not judged, and model_refused is raised).
    cycle_model
        Parameters of the cycle decoder.
    name, rate_hz, channels
        Of the source.
    models
        Name to sha256, for the first line.
    parts
        Stages to use instead of those that settings ask for (tests).
    index, board
        Where a session that goes on begins, and its alarms.
    notes
        What the first line tells beside the settings (the channel chosen, the part of a file).

    Raises
    ------
    ValueError
        If rate or channels are out of range.

    Examples
    --------
    Ten seconds of a synthetic heart (`monitor.assembly` opens the models and builds pipelines):

    >>> from dsp.phantom import PRESETS, render
    >>> from monitor.assembly import build_pipeline, open_models
    >>> settings = Settings()
    >>> pipeline = build_pipeline(settings, open_models(settings), "phantom", 2000, 1)
    >>> sound = render(PRESETS["normal"]).sound[:20_000].astype(np.float32)
    >>> events = [*pipeline.push(ev.Block(sound[:, None], 2000, 0)).events]
    >>> events += pipeline.finish().events
    >>> sum(isinstance(event, ev.Beat) for event in events)
    12
    """

    def __init__(
        self,
        settings: Settings,
        engine: stages.Model | None,
        cycle_model: CycleModel | None,
        name: str,
        rate_hz: int,
        channels: int,
        *,
        models: Mapping[str, str] | None = None,
        parts: stages.Stages | None = None,
        index: int = 0,
        board: alarms.Board | None = None,
        notes: Mapping[str, str | int | float] | None = None,
    ) -> None:
        if parts is None:
            if cycle_model is None:
                raise ValueError("a pipeline needs the parameters of the cycle decoder")
            window = "full" if engine is None else engine.contract.window
            channel = settings.analysis.channel
            parts = stages.build(cycle_model, rate_hz, channels, channel, window)
        if index:
            parts.reset(index)
        self._parts = parts
        self._rate_hz, self._channels = rate_hz, channels
        self._session = ev.Session(
            index=index,
            schema=ev.SCHEMA_VERSION,
            software=f"apexbeat {version()}",
            models=dict(models or {}),
            settings={**settings.for_event_file(), **(notes or {})},
            name=name,
            rate=rate_hz,
            channels=channels,
        )
        thresholds = NO_MODEL
        if engine is not None:
            thresholds = Thresholds.of(engine.contract)
        self._intake = FrameSanitizer(rate_hz, index)
        vitals = VitalsTracker(settings.analysis.min_confidence)
        verdict = VerdictTracker(settings.verdict, thresholds)
        self._verdict = settings.verdict
        heart = HeartTracker(settings.analysis.min_confidence, index)
        self._steps = Steps(parts, engine, self._intake, heart, vitals, verdict)
        self._decisions = StepEvaluator(settings, heart, vitals, verdict, board, index)
        if engine is None:
            self._decisions.report("model_refused", True, "no model is open")
        self._held: list[NDArray[np.float32]] = []
        self._filtered: FloatArray = np.zeros(0)
        self._raw: FloatArray = np.zeros(0)
        self._counts: Counter[str] = Counter()
        self._events: list[ev.Event] = []
        self._pictures: list[ev.WaveformChunk] = []
        self._begun = self._ended = False

    @property
    def latency(self) -> int:
        """Samples at 2 kHz from a sound to its beat, at the most (the start excepted)."""
        return self._parts.delay + STEP

    @property
    def session(self) -> ev.Session:
        """The first line of an event file that begins now."""
        return replace(self._session, index=self.index)

    @property
    def settings(self) -> dict[str, str | int | float | bool | None]:
        """What decides about events, as in the first line."""
        return dict(self._session.settings)

    @property
    def index(self) -> int:
        """Absolute index (2 kHz) up to which everything is decided."""
        return self._decisions.index

    @property
    def present(self) -> Present:
        """What a screen shows now; stale values are gone."""
        now = self._decisions
        dead = now.idle >= NO_SAMPLES
        return Present(
            index=now.index,
            heart=now.heart,
            vitals=Vitals() if dead else now.shown,
            quality=None if dead or now.quality is None else now.quality.value,
            quality_reason="" if now.quality is None else now.quality.reason,
            quality_since=now.quality_since,
            judgement=now.judged,
            board=now.board,
            gaps=now.gaps,
            lost=now.lost,
            windows=self._verdict.windows,
            few=now.judged.windows < self._verdict.few,
        )

    def push(self, item: ev.Input) -> ev.Output:
        """Take the next input; return what it makes certain.

        Raises
        ------
        ValueError
            If a block has another rate or other channels than the stream, or the stream ended.
        """
        if self._ended:
            raise ValueError("the stream has ended")
        self._begin()
        if isinstance(item, ev.Block):
            self._block(item)
        elif isinstance(item, ev.Lost):
            self._gap(item)
        elif isinstance(item, ev.Idle):
            waited = round(item.seconds * RATE_HZ) if isfinite(item.seconds) else 0
            self._emit(self._decisions.wait(max(0, waited)))
        elif isinstance(item, ev.Command):
            self._decisions.command(item)
        else:
            self._decisions.report(item.kind, item.present, item.evidence)
        return self._output()

    def finish(self, complete: bool = True) -> ev.Output:
        """End the stream: decide all that is left, write the last lines.

        Parameters
        ----------
        complete
            Whether the source was read to its end.
        """
        self._begin()
        self._rest(closing=True)
        self._ended = True
        end = ev.End(index=self.index, counts=dict(self._counts), complete=complete)
        self._events.append(end)
        return self._output()

    # ------------------------------------------------------------ inputs

    def _begin(self) -> None:
        if not self._begun:
            self._begun = True
            self._events.append(self._session)

    def _block(self, block: ev.Block) -> None:
        if block.rate_hz != self._rate_hz or block.samples.shape[1:] != (self._channels,):
            raise ValueError(
                f"block of {block.rate_hz} Hz, shape {block.samples.shape} in a stream of "
                f"{self._rate_hz} Hz, {self._channels} channels"
            )
        if not len(block.samples):
            return
        self._held.append(block.samples)
        received = self._intake.after(sum(map(len, self._held)))
        if received - self._parts.chain.least_delay <= self._next_end():
            return  # no step can be decided yet: few long calls cost less than many short ones
        try:
            self._hear()
        except Exception as error:  # noqa: BLE001 - whatever a stage raises is a fault, not an end
            self._chain_failed(error)
            return
        first = self.index
        # A step is decided when the first sample after it is there.
        whole = max(0, first + len(self._filtered) - 1) // STEP * STEP
        self._decide(range(self._next_end(), whole + 1, STEP))
        self._filtered = self._filtered[self.index - first :]
        self._raw = self._raw[self.index - first :]

    def _hear(self) -> None:
        """Let the chain hear the frames that wait."""
        if self._held:
            frames = self._held[0] if len(self._held) == 1 else np.concatenate(self._held)
            self._held = []
            self._take(self._parts.chain.push(self._intake.clean(frames)))

    def _take(self, filtered: FloatArray) -> None:
        raw = self._parts.chain.raw
        if filtered.ndim != 1 or filtered.shape != raw.shape:
            raise ValueError(f"the chain returned shape {filtered.shape}, raw {raw.shape}")
        if not isfinite(filtered.sum()):
            raise FloatingPointError("the chain returned what is no number")
        self._filtered = np.concatenate((self._filtered, filtered))
        self._raw = np.concatenate((self._raw, raw))

    def _next_end(self) -> int:
        return (self.index // STEP + 1) * STEP

    def _rest(self, closing: bool) -> None:
        """Decide what is left before a gap or the end: whole steps, then the last one."""
        try:
            self._hear()
            self._take(self._parts.chain.flush())
        except Exception as error:  # noqa: BLE001 - as above
            self._chain_failed(error)
        total = self.index + len(self._filtered)
        if self.index < total:
            ends = [*range(self._next_end(), total, STEP), total]
            self._decide(ends, last=True, closing=closing)
        elif closing:
            self._emit(self._decisions.close())
        self._filtered = self._raw = np.zeros(0)

    def _gap(self, lost: ev.Lost) -> None:
        self._rest(closing=False)
        self._jump(lost, StepResult())

    def _chain_failed(self, error: Exception) -> None:
        """Go on after what was received: it is lost, and said to be."""
        self._filtered = self._raw = np.zeros(0)
        length = max(0, self._intake.received - self.index)
        found = StepResult(fault=words_of(error))
        index = self.index + length
        found.events.append(ev.Fault(index=index, what=found.fault))
        self._jump(ev.Lost(self.index, length, 0, "analysis fault"), found)

    def _jump(self, lost: ev.Lost, found: StepResult) -> None:
        """Book lost sound, move the index, start every stage afresh behind it."""
        index = max(self.index, lost.start + lost.length)
        self._parts.reset(index)
        self._intake.reset(index)
        self._steps.reset()
        line = ev.Gap(
            index=index,
            start=lost.start,
            length=lost.length,
            uncertainty=lost.uncertainty,
            reason=lost.reason,
        )
        found.events.append(line)
        self._emit(self._decisions.gap(index, found))

    def _decide(self, ends: Sequence[int], last: bool = False, closing: bool = False) -> None:
        """Run and decide the steps that end at ``ends``; the sound at hand begins at the index."""
        if not ends:
            return
        first = start = self.index
        whole = slice(0, ends[-1] - first)
        raw, filtered = self._raw[whole], self._filtered[whole]
        shown = filtered.astype(np.float32)
        levels = _levels_db(raw, [0, *(end - first for end in ends[:-1])])
        steps = zip(ends, self._steps.run(first, raw, filtered, ends, last), levels, strict=True)
        for end, found, level_db in steps:
            self._emit(self._decisions.step(end, found, closing and end == ends[-1]))
            part = slice(start - first, end - first)
            self._pictures.append(ev.WaveformChunk(start, shown[part], level_db, found.clipped))
            start = end

    def _emit(self, lines: list[ev.Event]) -> None:
        self._counts.update(type(line).__name__.lower() for line in lines)
        self._events += lines

    def _output(self) -> ev.Output:
        output = ev.Output(tuple(self._events), tuple(self._pictures))
        self._events, self._pictures = [], []
        return output


def _levels_db(raw: FloatArray, starts: Sequence[int]) -> list[float]:
    """Peak of each part that begins at ``starts``, dB; NaN where there is silence."""
    peaks: list[float] = np.maximum.reduceat(np.abs(raw), starts).tolist()
    return [20 * log10(peak) if peak > 0 else nan for peak in peaks]
