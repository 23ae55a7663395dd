"""Alarm quality: false alarms per hour, subjects alarmed, time to alarm, on held-out subjects.

Every stream is played into the monitor's own pipeline with the model of the fold that never met
its subject. What another rule of the abnormal-sound alarm would give is computed from the same
windows by `training.alarms.choice`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from dsp.cycles.model import CycleModel
from dsp.stage import RATE_HZ
from models.engine import Engine
from monitor.alarms.episodes import TECHNICAL, episodes
from monitor.assembly import Models, build_pipeline
from monitor.config.load import Settings
from monitor.events import Block, Event, Window
from training.alarms.rates import KINDS as RATE_KINDS
from training.alarms.rates import RateCheck, annotated_rate, check
from training.alarms.streams import Stream

BLOCK = 10 * RATE_HZ


class StreamResult(msgspec.Struct, frozen=True):
    """What the monitor said of one stream.

    Attributes
    ----------
    alarms
        (kind, seconds from the start) of every physiological alarm that became active.
    windows
        (seconds at which it was judged, p) of every used window, in order.
    fold
        Whose model judged.
    rates
        Rate alarms against the annotated rate.
    """

    group: str
    database: str
    label: int
    hours: float
    repeated: float
    alarms: tuple[tuple[str, float], ...]
    windows: tuple[tuple[float, float], ...]
    fold: int = 0
    rates: tuple[RateCheck, ...] = ()


def listen(
    stream: Stream,
    engine: Engine,
    cycles: CycleModel,
    onsets: Mapping[str, NDArray[np.int64]],
    fold: int = 0,
) -> StreamResult:
    """Play one stream into the monitor; ``onsets`` are the annotated S1 of its recordings."""
    settings = Settings()
    pipeline = build_pipeline(settings, Models(engine, cycles), stream.group, RATE_HZ, 1)
    events: list[Event] = []
    for begin in range(0, stream.sound.size, BLOCK):
        part = stream.sound[begin : begin + BLOCK, None]
        events += pipeline.push(Block(part, RATE_HZ, begin)).events
    events += pipeline.finish().events
    raised = [episode for episode in episodes(events) if episode.kind not in TECHNICAL]
    rates = check(stream, annotated_rate(stream, onsets), raised, settings.alarms)
    used = [
        (e.index / RATE_HZ, e.p)
        for e in events
        if isinstance(e, Window) and e.used and e.p is not None
    ]
    return StreamResult(
        stream.group, stream.database, stream.label, stream.hours, stream.repeated,
        tuple((e.kind, e.start / RATE_HZ) for e in raised), tuple(used), fold, tuple(rates),
    )  # fmt: skip


def figures(heard: Sequence[StreamResult]) -> dict[str, Any]:
    """Figures at the default setting, pooled and as the mean within databases."""
    databases = sorted({h.database for h in heard})
    by = {d: _figures([h for h in heard if h.database == d]) for d in databases}
    keys = ("false_per_hour", "normal_alarmed", "abnormal_alarmed")
    within = {k: mean(by[d][k] for d in databases) for k in keys}
    return {"pooled": _figures(heard), "mean_within": within, "databases": by}


def _figures(heard: Sequence[StreamResult]) -> dict[str, Any]:
    normal = [h for h in heard if h.label == 0]
    abnormal = [h for h in heard if h.label == 1]
    hours = sum(h.hours for h in normal)
    false = [kind for h in normal for kind, _ in h.alarms if kind not in RATE_KINDS]
    times = [min(s for k, s in h.alarms if k == "abnormal_sound") for h in abnormal if rang(h)]
    return {
        "normal": len(normal),
        "abnormal": len(abnormal),
        "normal_hours": round(hours, 2),
        "repeated": round(mean(h.repeated for h in heard), 3),
        "false_per_hour": round(len(false) / hours, 3) if hours else float("nan"),
        "false_kinds": {k: false.count(k) for k in sorted(set(false))},
        "rate_alarms": _rate_alarms(heard),
        "normal_alarmed": round(mean(rang(h) for h in normal), 3),
        "normal_alarmed_by_minute": _by_minute(normal),
        "abnormal_alarmed": round(mean(rang(h) for h in abnormal), 3),
        "seconds_to_alarm": {
            "median": round(float(np.median(times)), 1) if times else None,
            "p95": round(float(np.quantile(times, 0.95)), 1) if times else None,
        },
    }


def _by_minute(heard: Sequence[StreamResult]) -> dict[int, float]:
    """Share of the subjects with an abnormal-sound alarm up to a minute of their stream."""
    if not heard:
        return {}
    first = [min((s for k, s in h.alarms if k == "abnormal_sound"), default=None) for h in heard]
    last = round(60 * max(h.hours for h in heard))
    minutes = [m for m in (1, 2, 3, 4, 5, 10, 15, 20, 30, 45, 60) if m <= last]
    return {m: round(mean(s is not None and s <= 60 * m for s in first), 3) for m in minutes}


def _rate_alarms(heard: Sequence[StreamResult]) -> dict[str, Any]:
    """How many rate alarms were right, false (with the annotated rate), unknown, or missed."""
    found = [one for h in heard for one in h.rates]
    what = [one.what for one in found]
    wrong = [
        (one.kind, one.what, round(one.rate, 1))
        for one in found
        if one.what in ("false", "missed") and one.rate is not None
    ]
    return {w: what.count(w) for w in ("right", "false", "unknown", "missed")} | {"wrong": wrong}


def rang(heard: StreamResult) -> bool:
    """Whether the abnormal-sound alarm was raised."""
    return any(kind == "abnormal_sound" for kind, _ in heard.alarms)


def mean(values: Iterable[float]) -> float:
    """Mean of those that are known, NaN without any."""
    known = [float(v) for v in values if np.isfinite(v)]
    return float(np.mean(known)) if known else float("nan")
