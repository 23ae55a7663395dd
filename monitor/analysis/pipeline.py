"""One stream, pure: inputs in, events and pictures out.

    pipeline = Pipeline(settings, engine, cycle_model, name, rate_hz, channels)
    output = pipeline.push(Block | Lost | Command | Idle | Condition)
    output = pipeline.finish()

Decisions are made once per step of 1 000 samples counted from index 0 (a step that a gap or the
end cuts is shorter), so that events do not depend on how the sound was cut. A step is decided
when the first sample after it is there, or at the end. What a step finds is put together in
``analysis.steps``; the alarms are in ``analysis.alarms``.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING

import numpy as np

from dsp.stage import RATE_HZ, STEP, FloatArray
from monitor import events as ev
from monitor.analysis import alarms, stages
from monitor.analysis.conditions import MINUTE, Findings, read
from monitor.analysis.intake import Intake
from monitor.analysis.limits import Learner, changed, words_of
from monitor.analysis.steps import Found, Steps
from monitor.analysis.verdict import Judgement, Thresholds, VerdictTracker
from monitor.analysis.vitals import Vitals, VitalsTracker
from monitor.errors import UsageError
from monitor.settings import Settings
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
    """

    index: int
    vitals: Vitals
    quality: ev.QualityValue | None
    quality_reason: str
    quality_since: int
    judgement: Judgement
    board: alarms.Board
    gaps: int
    lost: int


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

    Raises
    ------
    ValueError
        If rate or channels are out of range.
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
    ) -> None:
        if parts is None:
            if cycle_model is None:
                raise ValueError("a pipeline needs the parameters of the cycle decoder")
            window = "full" if engine is None else engine.contract.window
            channel = settings.analysis.channel
            parts = stages.build(cycle_model, rate_hz, channels, channel, window)
        if index:
            parts.reset(index)
        self._settings, self._parts = settings, parts
        self._rate_hz, self._channels = rate_hz, channels
        self._session = ev.Session(
            index=index,
            schema=ev.SCHEMA_VERSION,
            software=f"apexbeat {version()}",
            models=dict(models or {}),
            settings=settings.for_event_file(),
            name=name,
            rate=rate_hz,
            channels=channels,
        )
        thresholds = NO_MODEL
        if engine is not None:
            contract = engine.contract
            thresholds = Thresholds(contract.threshold_normal, contract.threshold_abnormal)
        self._intake = Intake(rate_hz, index)
        self._vitals = VitalsTracker(settings.analysis.min_confidence)
        self._verdict = VerdictTracker(settings.verdict, thresholds)
        self._steps = Steps(parts, engine, self._intake, self._vitals, self._verdict)
        self._board = alarms.start(settings.alarms) if board is None else board.restored()
        self._learner = Learner(settings.alarms.learn_s)
        self._reported: dict[str, tuple[bool, str]] = {}
        if engine is None:
            self._reported["model_refused"] = (True, "no model is open")
        self._commands: deque[ev.Command] = deque()
        self._gaps: deque[tuple[int, int]] = deque()
        self._gap_count = self._lost = self._idle = 0
        self._filtered: FloatArray = np.zeros(0)
        self._raw: FloatArray = np.zeros(0)
        self._done = index
        self._quality: ev.Quality | None = None
        self._quality_since = index
        self._shown = Vitals()
        self._judged = self._verdict.verdict(index)
        self._counts: Counter[str] = Counter()
        self._events: list[ev.Event] = []
        self._pictures: list[ev.Picture] = []
        self._begun = self._ended = False

    @property
    def latency(self) -> int:
        """Samples at 2 kHz from a sound to its beat, at the most (the start excepted)."""
        return self._parts.delay + STEP

    @property
    def index(self) -> int:
        """Absolute index (2 kHz) up to which everything is decided."""
        return self._done

    @property
    def present(self) -> Present:
        """What a screen shows now; stale values are gone."""
        dead = self._idle >= 2 * RATE_HZ
        quality = self._quality
        return Present(
            index=self._done,
            vitals=Vitals() if dead else self._shown,
            quality=None if dead or quality is None else quality.value,
            quality_reason="" if quality is None else quality.reason,
            quality_since=self._quality_since,
            judgement=self._judged,
            board=self._board,
            gaps=self._gap_count,
            lost=self._lost,
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
            self._wait(item.seconds)
        elif isinstance(item, ev.Command):
            self._commands.append(item)
        else:
            self._reported[item.kind] = (item.present, item.evidence)
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
        self._emit(ev.End(index=self._done, counts=dict(self._counts), complete=complete))
        return self._output()

    # ------------------------------------------------------------ inputs

    def _begin(self) -> None:
        if not self._begun:
            self._begun = True
            self._emit(self._session)

    def _block(self, block: ev.Block) -> None:
        if block.rate_hz != self._rate_hz or block.samples.shape[1:] != (self._channels,):
            raise ValueError(
                f"block of {block.rate_hz} Hz, shape {block.samples.shape} in a stream of "
                f"{self._rate_hz} Hz, {self._channels} channels"
            )
        if not len(block.samples):
            return
        self._idle = 0
        self._take(self._parts.chain.push(self._intake.clean(block.samples)))
        first = self._done
        while len(self._filtered) > (end := self._next_end()) - first:
            self._step(end, self._done - first)
        self._filtered = self._filtered[self._done - first :]
        self._raw = self._raw[self._done - first :]

    def _take(self, filtered: FloatArray) -> None:
        self._filtered = np.concatenate((self._filtered, filtered))
        self._raw = np.concatenate((self._raw, self._parts.chain.raw))

    def _next_end(self) -> int:
        return (self._done // STEP + 1) * STEP

    def _rest(self, closing: bool) -> None:
        """Decide what is left before a gap or the end: whole steps, then the last one."""
        self._take(self._parts.chain.flush())
        first, total = self._done, self._done + len(self._filtered)
        while self._next_end() < total:
            self._step(self._next_end(), self._done - first)
        if self._done < total:
            self._step(total, self._done - first, last=True, closing=closing)
        elif closing:
            self._tick(total, Found(), sound=0, closing=True)
        self._filtered = self._raw = np.zeros(0)

    def _gap(self, lost: ev.Lost) -> None:
        self._rest(closing=False)
        index = max(self._done, lost.start + lost.length)
        self._parts.reset(index)
        self._intake.reset(index)
        self._steps.reset()
        self._vitals.gap(index)
        self._gaps.append((index, index - self._done))
        self._gap_count += 1
        self._lost += index - self._done
        line = ev.Gap(
            index=index,
            start=lost.start,
            length=lost.length,
            uncertainty=lost.uncertainty,
            reason=lost.reason,
        )
        self._idle = 0
        self._tick(index, Found(events=[line]), sound=0, gap=True)

    def _wait(self, seconds: float) -> None:
        waited = max(0, round(seconds * RATE_HZ)) if isfinite(seconds) else 0
        self._idle += waited
        self._tick(self._done, Found(), sound=0, idle=waited)

    # ------------------------------------------------------------ one step

    def _step(self, end: int, at: int, last: bool = False, closing: bool = False) -> None:
        start = self._done
        part = slice(at, at + end - start)
        raw, filtered = self._raw[part], self._filtered[part]
        found = self._steps.run(start, raw, filtered, last)
        self._tick(end, found, sound=end - start, closing=closing)
        self._pictures.append(
            ev.Picture(start, filtered.astype(np.float32), _level_db(raw), found.clipped)
        )

    def _tick(
        self,
        index: int,
        found: Found,
        sound: int,
        idle: int = 0,
        gap: bool = False,
        closing: bool = False,
    ) -> None:
        """Judge, alarm, and write the lines of one moment in their order."""
        second = index // RATE_HZ > self._done // RATE_HZ
        self._done = index
        lines = list(found.events)
        for span in found.spans:
            if self._quality is None or span.value != self._quality.value:
                self._quality = ev.Quality(index=index, value=span.value, reason=span.reason)
                self._quality_since = span.start
                lines.append(self._quality)
        self._shown = self._vitals.vitals(index)
        if sound and (second or closing):
            lines.append(_vitals_line(index, self._shown))
        judged = self._verdict.verdict(index)
        if judged.value != self._judged.value or closing:
            lines.append(_verdict_line(index, judged))
        self._judged = judged
        lines += self._alarm(index, found, sound, idle, gap)
        order: dict[type, int] = {kind: rank for rank, kind in enumerate(ev.ORDER)}
        for line in sorted(lines, key=lambda line: order[type(line)]):
            self._emit(line)

    def _alarm(self, index: int, found: Found, sound: int, idle: int, gap: bool) -> list[ev.Event]:
        lines: list[ev.Event] = []
        engine_commands = []
        while self._commands and (self._commands[0].index <= index or not sound):
            command = self._commands.popleft()
            if command.kind == "mark":
                lines.append(ev.Mark(index=index, note=command.note or ""))
            elif command.kind == "limits":
                lines.append(self._limit(index, command.limits))
            else:
                engine_commands.append(command)
        learnt = self._learner.tick(self._shown.rate, sound, self._board.limits)
        if learnt:
            lines.append(self._limit(index, learnt, "learnt "))
        findings = self._findings(index, found, gap)
        tick = alarms.Tick(
            index, sound, idle, read(findings, self._board.limits), tuple(engine_commands)
        )
        self._board, transitions = alarms.step(self._board, tick)
        lines += [
            ev.Alarm(
                index=index,
                kind=change.alarm.kind,
                priority=change.alarm.priority,
                state=change.alarm.state,
                evidence=change.evidence,
            )
            for change in transitions
        ]
        return lines

    def _findings(self, index: int, found: Found, gap: bool) -> Findings:
        while self._gaps and self._gaps[0][0] < index - MINUTE:
            self._gaps.popleft()
        return Findings(
            vitals=self._shown,
            life=self._vitals.life(index),
            quality=None if self._quality is None else self._quality.value,
            quality_reason="" if self._quality is None else self._quality.reason,
            judgement=self._judged,
            windows=self._settings.verdict.windows,
            idle=self._idle,
            lost=sum(min(length, MINUTE) for _, length in self._gaps),
            gap=gap,
            fault=found.fault,
            reported=self._reported,
        )

    def _limit(self, index: int, limits: Mapping[str, float], how: str = "") -> ev.Mark:
        """Change limits in force; what contradicts itself is refused, in words."""
        try:
            now = changed(self._board.limits, limits)
        except UsageError as error:
            return ev.Mark(index=index, note=f"limits refused: {error.what}")
        self._board = alarms.with_limits(self._board, now)
        return ev.Mark(index=index, note=f"limits {how}{words_of(limits)}")

    def _emit(self, line: ev.Event) -> None:
        if not isinstance(line, ev.Session | ev.End):
            self._counts[type(line).__name__.lower()] += 1
        self._events.append(line)

    def _output(self) -> ev.Output:
        output = ev.Output(tuple(self._events), tuple(self._pictures))
        self._events, self._pictures = [], []
        return output


def _level_db(raw: FloatArray) -> float:
    peak = float(np.max(np.abs(raw))) if raw.size else 0.0
    return float(20 * np.log10(peak)) if peak > 0 else float("nan")


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)


def _vitals_line(index: int, vitals: Vitals) -> ev.Vitals:
    return ev.Vitals(
        index=index,
        rate=_rounded(vitals.rate, 1),
        spread=_rounded(vitals.spread, 3),
        systole_ms=_rounded(vitals.systole_ms, 1),
        diastole_ms=_rounded(vitals.diastole_ms, 1),
    )


def _verdict_line(index: int, judged: Judgement) -> ev.Verdict:
    return ev.Verdict(
        index=index,
        value=judged.value,
        p=_rounded(judged.p, 4),
        windows=judged.windows,
        age_s=_rounded(judged.age_s, 1),
    )
