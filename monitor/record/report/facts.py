"""What a report says in numbers: durations, rate, quality, verdict, alarms."""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from dataclasses import dataclass

from dsp.stage import RATE_HZ
from monitor import events as ev
from monitor.alarms.episodes import Episode, heard, spans
from monitor.record.export.model import Record

Span = tuple[int, int, str]


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that is said of a session; times in samples at 2 kHz.

    Attributes
    ----------
    length, heard, lost
        All samples, those that came, those that did not.
    beats
        Heart cycles found, incomplete ones too.
    rate
        (lowest, median, highest) of the rate in 1/min, None without one.
    systole_ms, diastole_ms
        Medians, None without.
    quality, verdicts
        Spans (start, end, value), cut at gaps.
    share
        Quality → share of the heard time.
    whole
        The verdict on the whole, told by the last line of verdict; None where the session did not
        end in order, or its file is of before November 2026.
    last
        The last verdict of the stream that was not none, None without.
    alarms
        Episodes in order of their start.
    """

    length: int
    heard: int
    lost: int
    beats: int
    rate: tuple[float, float, float] | None
    systole_ms: float | None
    diastole_ms: float | None
    quality: tuple[Span, ...]
    share: dict[str, float]
    verdicts: tuple[Span, ...]
    whole: ev.Verdict | None
    last: ev.Verdict | None
    alarms: tuple[Episode, ...]

    @property
    def hours(self) -> float:
        """Hours of sound that came."""
        return self.heard / RATE_HZ / 3600

    def per_hour(self, priority: ev.Priority | None = None) -> float | None:
        """Alarms of a priority (None: all) per hour of sound; None without sound."""
        if not self.heard:
            return None
        chosen = [a for a in self.alarms if priority is None or a.priority == priority]
        return len(chosen) / self.hours


def gather(record: Record) -> Facts:
    """Collect the facts of a record."""
    gaps = record.of(ev.Gap)
    lost = sorted((gap.start, gap.start + gap.length) for gap in gaps)
    present = sum(b - a for a, b in heard(0, record.length, lost))
    vitals = record.of(ev.Vitals)
    rates = [one.rate for one in vitals if one.rate is not None]
    changes = [(one.index, str(one.value)) for one in record.of(ev.Quality)]
    if changes:
        changes[0] = (0, changes[0][1])  # the first is known at the end of its step only
    quality = spans(changes, record.length, gaps)
    verdicts = record.of(ev.Verdict)
    return Facts(
        length=record.length,
        heard=present,
        lost=record.length - present,
        beats=len(record.of(ev.Beat)),
        rate=(min(rates), statistics.median(rates), max(rates)) if rates else None,
        systole_ms=_median(one.systole_ms for one in vitals),
        diastole_ms=_median(one.diastole_ms for one in vitals),
        quality=tuple(quality),
        share={
            value: sum(b - a for a, b, v in quality if v == value) / max(present, 1)
            for value in ("good", "noisy", "clipped", "no_heart", "flat")
        },
        verdicts=tuple(spans(((v.index, str(v.value)) for v in verdicts), record.length, gaps)),
        whole=next((one for one in reversed(verdicts) if one.record), None),
        last=next(
            (one for one in reversed(verdicts) if one.value != "none" and not one.record), None
        ),
        alarms=record.alarms,
    )


def _median(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return statistics.median(known) if known else None
