"""What a report says in numbers: durations, rate, quality, verdict, alarms."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from dsp.stage import RATE_HZ
from monitor import events as ev
from monitor.episodes import Episode, heard, spans
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
    p, windows, judged
        σ(mean logit) over all used windows, None without; how many; the verdict on the whole by
        the thresholds of the model's card, None where these or windows are missing.
    last
        The last verdict that was not none, None without.
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
    p: float | None
    windows: int
    judged: ev.VerdictValue | None
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


def gather(record: Record, card: Mapping[str, object] | None = None) -> Facts:
    """Collect the facts of a record; ``card`` is that of the model that judged it."""
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
    ps = [one.p for one in record.of(ev.Window) if one.used and one.p is not None]
    p = _mean_logit(ps)
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
        p=p,
        windows=len(ps),
        judged=_judged(p, card or {}),
        last=next((one for one in reversed(verdicts) if one.value != "none"), None),
        alarms=record.alarms,
    )


def _median(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return statistics.median(known) if known else None


def _judged(p: float | None, card: Mapping[str, object]) -> ev.VerdictValue | None:
    normal, abnormal = card.get("threshold_normal"), card.get("threshold_abnormal")
    if p is None or not isinstance(normal, float) or not isinstance(abnormal, float):
        return None
    if p >= abnormal:
        return "abnormal"
    return "normal" if p <= normal else "unsure"


def _mean_logit(ps: list[float]) -> float | None:
    """σ of the mean logit (the record-level rule); p has 4 decimals, so 0 and 1 are moved in."""
    if not ps:
        return None
    logits = [math.log(q / (1 - q)) for q in (min(max(p, 5e-5), 1 - 5e-5) for p in ps)]
    return 1 / (1 + math.exp(-statistics.fmean(logits)))
