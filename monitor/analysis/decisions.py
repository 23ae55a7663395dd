"""What is decided at the end of a step: quality, vitals, verdict, limits, alarms, and their lines.

One object per stream, fed by the pipeline once per step, gap or stretch of idleness. Everything
that time, a person or another part of the program can change about a stream's judgement is here;
the sound itself is not.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

from dsp.stage import RATE_HZ
from monitor import events as ev
from monitor.analysis import alarms
from monitor.analysis.alarm_state import Transition
from monitor.analysis.conditions import MINUTE, Findings, read
from monitor.analysis.limits import Learner, changed, words_of
from monitor.analysis.steps import Found
from monitor.analysis.verdict import Judgement, VerdictTracker
from monitor.analysis.vitals import Vitals, VitalsTracker
from monitor.config.load import Settings
from monitor.errors import UsageError

_ORDER: dict[type, int] = {kind: rank for rank, kind in enumerate(ev.ORDER)}


class Decisions:
    """Judges and alarms of one stream.

    Parameters
    ----------
    settings
        In force at the start.
    vitals, verdict
        Fed by the steps.
    board
        Alarms of a session that goes on, None for a new one.
    index
        Where it begins.

    Attributes
    ----------
    index
        Everything is decided up to here.
    shown, judged, board
        Vitals, verdict and alarms as they are now.
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
        vitals: VitalsTracker,
        verdict: VerdictTracker,
        board: alarms.Board | None,
        index: int,
    ) -> None:
        self._windows = settings.verdict.windows
        self._vitals, self._verdict = vitals, verdict
        self._learner = Learner(settings.alarms.learn_s)
        self._reported: dict[str, tuple[bool, str]] = {}
        self._commands: deque[ev.Command] = deque()
        self._lately: deque[tuple[int, int]] = deque()
        self._heard = False
        self.board = alarms.start(settings.alarms) if board is None else board.restored()
        self.index = index
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

    def step(self, index: int, found: Found, closing: bool = False) -> list[ev.Event]:
        """Decide at the end of a step of sound; ``closing`` says that it is the last one."""
        sound = index - self.index
        self.idle = 0
        return self._decide(index, found, sound=sound, closing=closing)

    def close(self) -> list[ev.Event]:
        """Write the last verdict of a stream whose last step was decided before."""
        return self._decide(self.index, Found(), closing=True)

    def wait(self, samples: int) -> list[ev.Event]:
        """Let time pass without sound."""
        self.idle += samples
        return self._decide(self.index, Found(), idle=samples)

    def gap(self, index: int, found: Found) -> list[ev.Event]:
        """Move the index over lost sound: what was known of the signal is not known any more."""
        length = index - self.index
        self._lately.append((index, length))
        self.gaps += 1
        self.lost += length
        self.idle = 0
        self._heard = False
        self._vitals.gap(index)
        return self._decide(index, found, gap=True)

    def _decide(
        self,
        index: int,
        found: Found,
        *,
        sound: int = 0,
        idle: int = 0,
        gap: bool = False,
        closing: bool = False,
    ) -> list[ev.Event]:
        """Judge, alarm, and return the lines of one moment in their order."""
        second = index // RATE_HZ > self.index // RATE_HZ
        self.index = index
        lines = list(found.events)
        lines += self._take_quality(found)
        self.shown = self._vitals.vitals(index)
        if sound and (second or closing):
            lines.append(_vitals_line(index, self.shown))
        judged = self._verdict.verdict(index)
        if judged.value != self.judged.value or closing:
            lines.append(_verdict_line(index, judged))
        self.judged = judged
        engine_commands = []
        while self._commands and (self._commands[0].index <= index or not sound):
            command = self._commands.popleft()
            if command.kind == "mark":
                lines.append(ev.Mark(index=index, note=command.note or ""))
            elif command.kind == "limits":
                lines.append(self._limit(command.limits))
            else:
                engine_commands.append(command)
        learnt = self._learner.tick(self.shown.rate, sound, self.board.limits)
        if learnt:
            lines.append(self._limit(learnt, "learnt "))
        readings = read(self._findings(found, gap), self.board.limits)
        tick = alarms.Tick(index, sound, idle, readings, tuple(engine_commands))
        self.board, transitions = alarms.step(self.board, tick)
        lines += map(_alarm_line, transitions)
        return sorted(lines, key=lambda line: _ORDER[type(line)])

    def _take_quality(self, found: Found) -> list[ev.Quality]:
        lines = []
        for span in found.spans:
            self._heard = True
            if self.quality is None or span.value != self.quality.value:
                self.quality = ev.Quality(index=self.index, value=span.value, reason=span.reason)
                self.quality_since = span.start
                lines.append(self.quality)
        return lines

    def _findings(self, found: Found, gap: bool) -> Findings:
        while self._lately and self._lately[0][0] < self.index - MINUTE:
            self._lately.popleft()
        quality = self.quality if self._heard else None
        return Findings(
            vitals=self.shown,
            life=self._vitals.life(self.index),
            quality=None if quality is None else quality.value,
            quality_reason="" if quality is None else quality.reason,
            judgement=self.judged,
            windows=self._windows,
            idle=self.idle,
            lost=sum(min(length, MINUTE) for _, length in self._lately),
            gap=gap,
            fault=found.fault,
            reported=self._reported,
        )

    def _limit(self, limits: Mapping[str, float], how: str = "") -> ev.Mark:
        """Change limits in force; what contradicts itself is refused, in words."""
        try:
            now = changed(self.board.limits, limits)
        except UsageError as error:
            return ev.Mark(index=self.index, note=f"limits refused: {error.what}")
        self.board = alarms.with_limits(self.board, now)
        return ev.Mark(index=self.index, note=f"limits {how}{words_of(limits)}")


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


def _alarm_line(change: Transition) -> ev.Alarm:
    return ev.Alarm(
        index=change.index,
        kind=change.alarm.kind,
        priority=change.alarm.priority,
        state=change.alarm.state,
        evidence=change.evidence,
    )
