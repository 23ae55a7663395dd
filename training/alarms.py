"""Alarm quality: false alarms per hour, subjects alarmed, time to alarm, on held-out subjects.

Every stream is played into the monitor's own pipeline with the model of the fold that never met
its subject. What the rule of the abnormal-sound alarm would give with another persistence or
another threshold is computed from the same windows.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dsp.cycles.model import CycleModel
from models.engine import Engine
from monitor.analysis.pipeline import Pipeline
from monitor.analysis.verdict import logit
from monitor.events import Block, Event, Window
from monitor.record.episodes import TECHNICAL, episodes
from monitor.settings import Settings
from training.alarm_streams import RATE_HZ, Stream

RATE_KINDS = ("tachycardia", "tachycardia_extreme", "bradycardia", "bradycardia_extreme")
BLOCK = 10 * RATE_HZ
SPAN = 30 * RATE_HZ
"""The last windows count only within 30 s of each other (``monitor.analysis.verdict``)."""
WINDOWS = 15


@dataclass(frozen=True, slots=True)
class Heard:
    """What the monitor said of one stream.

    Attributes
    ----------
    alarms
        (kind, seconds from the start) of every physiological alarm that became active.
    windows
        (seconds at which it was judged, p) of every used window, in order.
    """

    group: str
    database: str
    label: int
    hours: float
    repeated: float
    alarms: tuple[tuple[str, float], ...]
    windows: tuple[tuple[float, float], ...]


def listen(stream: Stream, engine: Engine, cycles: CycleModel) -> Heard:
    """Play one stream into the monitor."""
    pipeline = Pipeline(Settings(), engine, cycles, stream.group, RATE_HZ, 1)
    events: list[Event] = []
    for begin in range(0, stream.sound.size, BLOCK):
        part = stream.sound[begin : begin + BLOCK, None]
        events += pipeline.push(Block(part, RATE_HZ, begin)).events
    events += pipeline.finish().events
    raised = [(e.kind, e.start / RATE_HZ) for e in episodes(events) if e.kind not in TECHNICAL]
    used = [
        (e.index / RATE_HZ, e.p)
        for e in events
        if isinstance(e, Window) and e.used and e.p is not None
    ]
    return Heard(
        stream.group, stream.database, stream.label, stream.hours, stream.repeated,
        tuple(raised), tuple(used),
    )  # fmt: skip


def first_alarm(
    windows: Sequence[tuple[float, float]], threshold: float, enough: int
) -> float | None:
    """Seconds to the abnormal-sound alarm under another rule; None without one.

    Parameters
    ----------
    windows
        (seconds, p) of used windows in order.
    threshold
        p from which a window counts, and which the mean logit must reach.
    enough
        How many of the last 15.
    """
    for k in range(WINDOWS, len(windows) + 1):
        last = windows[k - WINDOWS : k]
        if (last[-1][0] - last[0][0]) * RATE_HZ > SPAN:
            continue
        ps = [p for _, p in last]
        over = sum(p >= threshold for p in ps)
        if over >= enough and np.mean([logit(p) for p in ps]) >= logit(threshold):
            return last[-1][0]
    return None


def figures(heard: Sequence[Heard]) -> dict[str, Any]:
    """Figures at the default setting, pooled and as the mean within databases."""
    databases = sorted({h.database for h in heard})
    by = {d: _figures([h for h in heard if h.database == d]) for d in databases}
    keys = ("false_per_hour", "normal_alarmed", "abnormal_alarmed")
    mean = {k: _mean(by[d][k] for d in databases) for k in keys}
    return {"pooled": _figures(heard), "mean_within": mean, "databases": by}


def _figures(heard: Sequence[Heard]) -> dict[str, Any]:
    normal = [h for h in heard if h.label == 0]
    abnormal = [h for h in heard if h.label == 1]
    hours = sum(h.hours for h in normal)
    false = [kind for h in normal for kind, _ in h.alarms if kind not in RATE_KINDS]
    times = [min(s for k, s in h.alarms if k == "abnormal_sound") for h in abnormal if _rang(h)]
    return {
        "normal": len(normal),
        "abnormal": len(abnormal),
        "normal_hours": round(hours, 2),
        "repeated": round(_mean(h.repeated for h in heard), 3),
        "false_per_hour": round(len(false) / hours, 3) if hours else float("nan"),
        "false_kinds": {k: false.count(k) for k in sorted(set(false))},
        "rate_alarms": sum(k in RATE_KINDS for h in heard for k, _ in h.alarms),
        "normal_alarmed": round(_mean(_rang(h) for h in normal), 3),
        "abnormal_alarmed": round(_mean(_rang(h) for h in abnormal), 3),
        "seconds_to_alarm": {
            "median": round(float(np.median(times)), 1) if times else None,
            "p95": round(float(np.quantile(times, 0.95)), 1) if times else None,
        },
    }


def _rang(heard: Heard) -> bool:
    return any(kind == "abnormal_sound" for kind, _ in heard.alarms)


def _mean(values: Iterable[float]) -> float:
    known = [float(v) for v in values if np.isfinite(v)]
    return float(np.mean(known)) if known else float("nan")


def curve(
    heard: Sequence[Heard], thresholds: Sequence[float], persistence: Sequence[int]
) -> list[dict[str, Any]]:
    """Normal and abnormal subjects alarmed, pooled and within databases, under other rules."""
    rows = []
    for enough in persistence:
        for threshold in thresholds:
            at = [first_alarm(h.windows, threshold, enough) for h in heard]
            times = [t for t, h in zip(at, heard, strict=True) if t is not None and h.label == 1]
            rows.append(
                {
                    "persistence": enough,
                    "threshold": threshold,
                    "normal_alarmed": _share(heard, at, 0),
                    "abnormal_alarmed": _share(heard, at, 1),
                    "normal_alarmed_within": _within(heard, at, 0),
                    "abnormal_alarmed_within": _within(heard, at, 1),
                    "median_s": round(float(np.median(times)), 1) if times else None,
                }
            )
    return rows


def _share(heard: Sequence[Heard], at: Sequence[float | None], label: int) -> float:
    rang = (t is not None for t, h in zip(at, heard, strict=True) if h.label == label)
    return round(_mean(rang), 3)


def _within(heard: Sequence[Heard], at: Sequence[float | None], label: int) -> float:
    shares = []
    for database in {h.database for h in heard}:
        pairs = [(h, t) for h, t in zip(heard, at, strict=True) if h.database == database]
        shares.append(_share([h for h, _ in pairs], [t for _, t in pairs], label))
    return round(_mean(shares), 3)
