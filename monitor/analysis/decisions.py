"""What is decided at the end of a step: quality, vitals, verdict, limits, alarms, and their lines.

One object per stream, fed by the pipeline once per step, gap or stretch of idleness. Everything
that time, a person or another part of the program can change about a stream's judgement is here;
the sound itself is not.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

from dsp.quality import Span
from dsp.stage import RATE_HZ
from monitor import events as ev
from monitor.analysis import alarms
from monitor.analysis.alarm_state import Transition
from monitor.analysis.conditions import MINUTE, NO_SAMPLES, Findings, read
from monitor.analysis.hearing import HeartTracker
from monitor.analysis.limits import Learner, changed, reasons, switched, words_of
from monitor.analysis.steps import HUM, StepResult
from monitor.analysis.verdict import Judgement, VerdictTracker
from monitor.analysis.vitals import Vitals, VitalsTracker
from monitor.config.load import Settings
from monitor.config.profiles import PROFILES
from monitor.errors import UsageError

SETTLED = 4
"""Spans that another quality must last before it is told."""

_ORDER: dict[type, int] = {kind: rank for rank, kind in enumerate(ev.ORDER)}


class StepEvaluator:
    """Judges and alarms of one stream.

    Parameters
    ----------
    settings
        In force at the start.
    heart, vitals, verdict
        Fed by the steps.
    board
        Alarms of a session that goes on, None for a new one.
    index
        Where it begins.

    Attributes
    ----------
    index
        Everything is decided up to here.
    heart, shown, judged, board
        Whether a heart is heard, vitals, verdict and alarms as they are now.
    quality, quality_since
        The last line of quality, and the index from which it holds.
    idle
        Samples' worth of waiting since the last sample.
    gaps, lost
        Gaps so far, and the samples lost in them.
    """

    def __init__(
        self,
        settings: Settings,
        heart: HeartTracker,
        vitals: VitalsTracker,
        verdict: VerdictTracker,
        board: alarms.Board | None,
        index: int,
    ) -> None:
        self._windows = settings.verdict.windows
        self._heart, self._vitals, self._verdict = heart, vitals, verdict
        self._learner = Learner(settings.alarms.learn_s)
        self._reported: dict[str, tuple[bool, str]] = {}
        self._commands: deque[ev.Command] = deque()
        self._lately: deque[tuple[int, int]] = deque()
        self._heard = self._told_heart = False
        self._next: tuple[Span, int] | None = None
        self.board = alarms.start(settings.alarms) if board is None else board.restored()
        self.index = index
        self.heart = heart.now
        self.shown = Vitals()
        self.judged = verdict.verdict(index)
        self.quality: ev.Quality | None = None
        self.quality_since = index
        self.idle = self.gaps = self.lost = 0

    def command(self, command: ev.Command) -> None:
        """Take what a person asked for; it takes effect at its index, or when no sound comes."""
        self._commands.append(command)

    def report(self, kind: str, present: bool, evidence: str) -> None:
        """Take a condition that others watch over."""
        self._reported[kind] = (present, evidence)

    def step(self, index: int, found: StepResult, closing: bool = False) -> list[ev.Event]:
        """Decide at the end of a step of sound; ``closing`` says that it is the last one."""
        sound = index - self.index
        self.idle = 0
        return self._decide(index, found, sound=sound, closing=closing)

    def close(self) -> list[ev.Event]:
        """Write the last verdict of a stream whose last step was decided before."""
        return self._decide(self.index, StepResult(), closing=True)

    def wait(self, samples: int) -> list[ev.Event]:
        """Let time pass without sound."""
        self.idle += samples
        return self._decide(self.index, StepResult(), idle=samples)

    def gap(self, index: int, found: StepResult) -> list[ev.Event]:
        """Move the index over lost sound: what was known of the signal is not known any more."""
        length = index - self.index
        self._lately.append((index, length))
        self.gaps += 1
        self.lost += length
        self.idle = 0
        self._heard = False
        self._heart.gap(index, length)
        return self._decide(index, found, gap=length or 1)

    def _decide(
        self,
        index: int,
        found: StepResult,
        *,
        sound: int = 0,
        idle: int = 0,
        gap: int = 0,
        closing: bool = False,
    ) -> list[ev.Event]:
        """Judge, alarm, and return the lines of one moment in their order."""
        second = index // RATE_HZ > self.index // RATE_HZ
        self.index = index
        lines = list(found.events)
        lines += self._take_quality(found)
        lines += self._take_heart(found, sound, idle, gap)
        plausible = PROFILES[self.board.limits.profile].rates
        self.shown = self._vitals.vitals(index, self.heart.value == "heard", plausible)
        if sound and (second or closing):
            lines.append(_vitals_line(index, self.shown))
            if self.shown.rate is not None:
                self._verdict.rate_known(index)
        judged = self._verdict.verdict(index)
        if judged.value != self.judged.value and not closing:
            lines.append(_verdict_line(index, judged))
        self.judged = judged
        if closing:
            lines.append(_verdict_line(index, self._verdict.record(), record=True))
        engine_commands = []
        while self._commands and (self._commands[0].index <= index or not sound):
            command = self._commands.popleft()
            if command.kind == "mark":
                lines.append(ev.Mark(index=index, note=command.note or ""))
            elif command.kind == "limits":
                lines.append(self._limit(command.limits, command.profile))
            elif command.kind == "switch":
                lines.append(self._switch(command.alarm or "", command.note or ""))
            else:
                engine_commands.append(command)
        learnt = self._learner.tick(self.shown.rate, sound, self.board.limits)
        if learnt:
            lines.append(self._limit(learnt, how="learnt "))
        readings = read(self._findings(found, bool(gap)), self.board.limits)
        tick = alarms.Tick(index, sound, idle, readings, tuple(engine_commands))
        self.board, transitions = alarms.step(self.board, tick)
        lines += map(_alarm_line, transitions)
        return sorted(lines, key=lambda line: _ORDER[type(line)])

    def _take_quality(self, found: StepResult) -> list[ev.Quality]:
        """Follow the quality; what lasts less than `SETTLED` spans is a flicker, but silence."""
        lines = []
        for span in found.spans:
            self._heard = True
            same = self.quality is not None and _alike(self.quality, span)
            if same or (self._next is not None and not _alike(self._next[0], span)):
                self._next = None
            if same:
                continue
            first, count = self._next or (span, 0)
            self._next = first, count + 1
            if self.quality is None or count + 1 >= SETTLED or span.value in ("flat", "clipped"):
                self.quality = ev.Quality(index=self.index, value=span.value, reason=span.reason)
                self.quality_since = first.start
                self._next = None
                lines.append(self.quality)
        return lines

    def _take_heart(self, found: StepResult, sound: int, idle: int, gap: int) -> list[ev.Event]:
        """Follow the heart, and the pauses that were found."""
        lines: list[ev.Event] = []
        limit = self.board.limits.pause_s * RATE_HZ
        for pause in found.pauses:
            self._vitals.pause(pause.start, pause.length)
            if pause.length >= limit:
                lines.append(ev.Pause(index=self.index, start=pause.start, length=pause.length))
        interrupted = bool(gap) or self.idle >= NO_SAMPLES
        before, self.heart = self.heart, self._heart.step(sound, gap, idle, interrupted)
        if self.heart.value != before.value or not self._told_heart:
            self._told_heart = True
            lines.append(
                ev.Heart(index=self.index, value=self.heart.value, reason=self.heart.reason)
            )
        return lines

    def _findings(self, found: StepResult, gap: bool) -> Findings:
        while self._lately and self._lately[0][0] < self.index - MINUTE:
            self._lately.popleft()
        quality = self.quality if self._heard else None
        return Findings(
            index=self.index,
            vitals=self.shown,
            heart=self.heart,
            quality=None if quality is None else quality.value,
            quality_reason="" if quality is None else quality.reason,
            judgement=self._verdict.strict(self.index),
            windows=self._windows,
            idle=self.idle,
            lost=sum(min(length, MINUTE) for _, length in self._lately),
            gap=gap,
            fault=found.fault,
            reported=self._reported,
        )

    def _limit(self, limits: Mapping[str, float], profile: str = "", how: str = "") -> ev.Mark:
        """Change limits in force; what contradicts itself is refused, in words."""
        try:
            now = changed(self.board.limits, limits, profile)
        except UsageError as error:
            return ev.Mark(index=self.index, note=f"limits refused: {error.what}")
        self.board = alarms.with_limits(self.board, now)
        return ev.Mark(index=self.index, note=f"limits {how}{words_of(limits, profile)}")

    def _switch(self, kind: str, reason: str) -> ev.Mark:
        """Switch an alarm off for a reason, or on again."""
        try:
            now = switched(self.board.limits, kind, reason)
        except UsageError as error:
            return ev.Mark(index=self.index, note=f"refused: {error.what}")
        self.board = alarms.with_limits(self.board, now)
        words = f"off: {reasons(now)[kind]}" if kind in reasons(now) else "on"
        return ev.Mark(index=self.index, note=f"alarm {kind} {words}")


def _alike(quality: ev.Quality | Span, span: Span) -> bool:
    """Whether the value is the same, and whether hum is taken out."""
    return quality.value == span.value and (HUM in quality.reason) == (HUM in span.reason)


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)


def _vitals_line(index: int, vitals: Vitals) -> ev.Vitals:
    return ev.Vitals(
        index=index,
        rate=_rounded(vitals.rate, 1),
        spread=_rounded(vitals.spread, 3),
        systole_ms=_rounded(vitals.systole_ms, 1),
        diastole_ms=_rounded(vitals.diastole_ms, 1),
        other=_rounded(vitals.other, 1),
    )


def _verdict_line(index: int, judged: Judgement, record: bool = False) -> ev.Verdict:
    return ev.Verdict(
        index=index,
        value=judged.value,
        p=_rounded(judged.p, 4),
        windows=judged.windows,
        age_s=_rounded(judged.age_s, 1),
        reason=judged.evidence,
        record=record,
    )


def _alarm_line(change: Transition) -> ev.Alarm:
    return ev.Alarm(
        index=change.index,
        kind=change.alarm.kind,
        priority=change.alarm.priority,
        state=change.alarm.state,
        evidence=change.evidence,
    )
