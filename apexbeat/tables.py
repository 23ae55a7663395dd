"""Rows of the tables of a `Result`, made from events; times in seconds from the start."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, TypeVar

from monitor import events as ev
from monitor.alarms.episodes import episodes
from monitor.events import RATE_HZ

_Kind = TypeVar("_Kind")


@dataclass(frozen=True, slots=True)
class Beat:
    """One heart cycle; onsets in seconds, None where unknown; confidence from 0 to 1."""

    s1_s: float | None
    systole_s: float | None
    s2_s: float | None
    diastole_s: float | None
    end_s: float | None
    confidence: float


@dataclass(frozen=True, slots=True)
class Interval:
    """The interval between two S1; ``missing``: a beat between them may not have been heard."""

    start_s: float
    rr_s: float
    missing: bool


@dataclass(frozen=True, slots=True)
class Vitals:
    """Rate in 1/min, spread as a share, intervals in ms; None where not known."""

    at_s: float
    rate: float | None
    spread: float | None
    systole_ms: float | None
    diastole_ms: float | None


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch of one value, and the reason in words."""

    start_s: float
    end_s: float
    value: str
    reason: str


@dataclass(frozen=True, slots=True)
class Window:
    """A window of 2.5 s; ``reason`` says why it does not count."""

    start_s: float
    p: float | None
    used: bool
    reason: str | None


@dataclass(frozen=True, slots=True)
class Alarm:
    """One alarm; ``end_s`` is None if it was still active at the end."""

    kind: str
    priority: str
    start_s: float
    end_s: float | None
    evidence: str


def beats(events: Sequence[ev.Event]) -> list[Beat]:
    """Every heart cycle, in chronological order."""
    return [
        Beat(_s(e.s1), _s(e.systole), _s(e.s2), _s(e.diastole), _s(e.end), e.confidence)
        for e in sorted(_of(events, ev.Beat), key=lambda e: e.onset)
    ]


def rr(events: Sequence[ev.Event]) -> list[Interval]:
    """Intervals between consecutive S1."""
    cycles = beats(events)
    return [
        Interval(a.s1_s, round(b.s1_s - a.s1_s, 4), missing=a.end_s != b.s1_s)
        for a, b in pairwise(cycles)
        if a.s1_s is not None and b.s1_s is not None
    ]


def vitals(events: Sequence[ev.Event]) -> list[Vitals]:
    """One row a second."""
    return [
        Vitals(e.index / RATE_HZ, e.rate, e.spread, e.systole_ms, e.diastole_ms)
        for e in _of(events, ev.Vitals)
    ]


def quality(events: Sequence[ev.Event]) -> list[Stretch]:
    """Stretches of one signal quality."""
    return _stretches(events, ev.Quality)


def heart(events: Sequence[ev.Event]) -> list[Stretch]:
    """Stretches in which a heart is heard or not."""
    return _stretches(events, ev.Heart)


def windows(events: Sequence[ev.Event]) -> list[Window]:
    """Every window."""
    return [Window(e.start / RATE_HZ, e.p, e.used, e.reason) for e in _of(events, ev.Window)]


def alarms(events: Sequence[ev.Event]) -> list[Alarm]:
    """Every alarm that was raised."""
    return [
        Alarm(one.kind, one.priority, one.start / RATE_HZ, _s(one.condition_end), one.evidence)
        for one in episodes(events)
    ]


MAKERS: dict[str, tuple[type, Callable[[Sequence[ev.Event]], list[Any]]]] = {
    "beats": (Beat, beats),
    "rr": (Interval, rr),
    "vitals": (Vitals, vitals),
    "quality": (Stretch, quality),
    "heart": (Stretch, heart),
    "windows": (Window, windows),
    "alarms": (Alarm, alarms),
}
"""Tables by name: the type of a row, and what makes the rows."""


def _of(events: Sequence[ev.Event], kind: type[_Kind]) -> list[_Kind]:
    return [event for event in events if isinstance(event, kind)]


def _s(index: int | None) -> float | None:
    return None if index is None else index / RATE_HZ


def _stretches(
    events: Sequence[ev.Event], kind: type[ev.Quality] | type[ev.Heart]
) -> list[Stretch]:
    """From lines on change to stretches; the first one begins with the sound."""
    lines = _of(events, kind)
    last = max((event.index for event in events), default=0)
    starts = [0 if at == 0 else line.index for at, line in enumerate(lines)]
    ends = [*starts[1:], last]
    return [
        Stretch(start / RATE_HZ, end / RATE_HZ, line.value, line.reason)
        for start, end, line in zip(starts, ends, lines, strict=True)
    ]
