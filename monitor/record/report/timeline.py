"""The timeline: heart rate, p(abnormal), verdict, quality, alarms and marks over one axis."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Iterator
from html import escape

from dsp.stage import RATE_HZ
from monitor import events as ev
from monitor.alarms.episodes import Episode
from monitor.alarms.table import title
from monitor.record.export.model import Record
from monitor.record.report.facts import Facts
from monitor.record.report.svg import (
    BLUE,
    GRID,
    INK,
    MUTED,
    PAPER,
    PRIORITY,
    QUALITY,
    VERDICT,
    Drawing,
    ticks,
    time_ticks,
)
from monitor.text import clock

WIDTH, LEFT, RIGHT = 960, 158, 22
RATE_TOP, RATE_HEIGHT = 14, 150
P_HEIGHT, BAND, SPACE = 84, 20, 12
COLUMNS = 800
"""Points of a curve at the most; longer sessions are thinned to median and range."""

MAX_LANES = 8
FITTING = 22
"""Letters of a lane's name that have room in the usual size; a longer name is smaller."""

Bin = tuple[float, float, float, float]
"""Index, and lowest, median and highest value there."""


def timeline(record: Record, facts: Facts) -> str:
    """Return the figure as SVG."""
    lanes = _lanes(facts.alarms)
    p_top = RATE_TOP + RATE_HEIGHT + 2 * SPACE
    bands = p_top + P_HEIGHT + SPACE
    alarms = bands + 2 * (BAND + 6)
    marks = alarms + max(len(lanes), 1) * (BAND + 4) + 4
    marked = bool(record.of(ev.Mark) or record.of(ev.Fault))
    bottom = marks + (BAND if marked else 0)
    drawing = Drawing(WIDTH, bottom + 30, "timeline")
    place = _Scale(max(record.length, 1))
    _axis(drawing, record, place, bottom)
    _rate(drawing, record, place)
    _probability(drawing, record, place, p_top)
    for row, (name, found, colours) in enumerate(
        (("verdict", facts.verdicts, VERDICT), ("signal", facts.quality, QUALITY))
    ):
        top = bands + row * (BAND + 6)
        drawing.text(LEFT - 10, top + 14, name, anchor="end")
        for start, stop, value in found:
            drawing.band(
                place(start), top, place(stop) - place(start), BAND, colours[value], _word(value)
            )
    _alarms(drawing, lanes, place, alarms, record.length)
    if marked:
        _marks(drawing, record, place, marks)
    for gap in record.of(ev.Gap):
        words = f"gap of {gap.length / RATE_HZ:.1f} s: {gap.reason}"
        x = place(gap.start)
        drawing.hatch(x, RATE_TOP, place(gap.start + gap.length) - x, bottom - RATE_TOP, words)
    return drawing.render("Timeline of the session", _describe(facts))


class _Scale:
    """Index → horizontal place."""

    def __init__(self, length: int) -> None:
        self._per_sample = (WIDTH - LEFT - RIGHT) / length

    def __call__(self, index: float) -> float:
        return LEFT + index * self._per_sample


def _word(value: str) -> str:
    return value.replace("_", " ")


def _axis(drawing: Drawing, record: Record, place: _Scale, bottom: float) -> None:
    for second in time_ticks(record.length / RATE_HZ, 10):
        x = place(second * RATE_HZ)
        drawing.line((x, RATE_TOP), (x, bottom))
        drawing.text(x, bottom + 18, clock(second), anchor="middle")


def _thinned(points: list[tuple[int, float | None]]) -> Iterator[list[Bin]]:
    """Give unbroken runs of at most `COLUMNS` bins in all."""
    size = -(-len(points) // COLUMNS) or 1
    run: list[Bin] = []
    for start in range(0, len(points), size):
        part = points[start : start + size]
        values = [value for _, value in part if value is not None]
        if values:
            run.append((part[0][0], min(values), statistics.median(values), max(values)))
        elif run:
            yield run
            run = []
    if run:
        yield run


def _rate(drawing: Drawing, record: Record, place: _Scale) -> None:
    vitals = record.of(ev.Vitals)
    known = [one.rate for one in vitals if one.rate is not None]
    low = min([50.0, *known]) - 8
    high = max([110.0, *known]) + 8
    scale = RATE_HEIGHT / (high - low)

    def y(rate: float) -> float:
        return RATE_TOP + (high - rate) * scale

    drawing.text(12, RATE_TOP + 14, "heart rate", size=13, fill=INK, bold=True)
    drawing.text(12, RATE_TOP + 30, "/min")
    for rate in ticks(low, high, 5):
        drawing.line((LEFT, y(rate)), (WIDTH - RIGHT, y(rate)))
        drawing.text(LEFT - 10, y(rate) + 4, f"{rate:.0f}", anchor="end")
    for key in ("alarms.tachycardia", "alarms.bradycardia"):
        limit = record.session.settings.get(key)
        if isinstance(limit, (int, float)) and low < limit < high:
            drawing.line(
                (LEFT, y(limit)), (WIDTH - RIGHT, y(limit)), PRIORITY["medium"], dash="5 4"
            )
            drawing.text(WIDTH - RIGHT - 4, y(limit) - 4, f"limit {limit:g}", size=11, anchor="end")
    for run in _thinned([(one.index, one.rate) for one in vitals]):
        upper = [(place(i), y(most)) for i, _, _, most in run]
        lower = [(place(i), y(least)) for i, least, _, _ in reversed(run)]
        if any(least < most for _, least, _, most in run):
            drawing.path([*upper, *lower], fill=BLUE, opacity=0.18)
        line = [(place(i), y(middle)) for i, _, middle, _ in run]
        if len(line) == 1:
            drawing.dot(*line[0], 2, BLUE)
        drawing.path(line, BLUE, width=2)
    if not known:
        drawing.text((LEFT + WIDTH) / 2, RATE_TOP + 80, "no heart rate was found", anchor="middle")


def _probability(drawing: Drawing, record: Record, place: _Scale, top: float) -> None:
    def y(p: float) -> float:
        return top + (1 - p) * P_HEIGHT

    drawing.text(12, top + 14, "p(abnormal)", size=13, fill=INK, bold=True)
    drawing.text(12, top + 30, "each window")
    for p in (0.0, 0.5, 1.0):
        drawing.line((LEFT, y(p)), (WIDTH - RIGHT, y(p)))
        drawing.text(LEFT - 10, y(p) + 4, f"{p:g}", anchor="end")
    windows = [one for one in record.of(ev.Window) if one.p is not None]
    if len(windows) > COLUMNS:
        for run in _thinned([(w.start, w.p if w.used else None) for w in windows]):
            upper = [(place(i), y(most)) for i, _, _, most in run]
            lower = [(place(i), y(least)) for i, least, _, _ in reversed(run)]
            drawing.path([*upper, *lower], fill=INK, opacity=0.18)
            drawing.path([(place(i), y(m)) for i, _, m, _ in run], INK, width=1.5)
        return
    for one in windows:
        x = place(one.start)
        if one.used:
            drawing.dot(x, y(one.p or 0.0), 2.4, INK)
        else:
            drawing.dot(x, y(one.p or 0.0), 2.2, PAPER, MUTED)


def _lanes(alarms: Iterable[Episode]) -> dict[str, list[Episode]]:
    """Episodes by kind; past `MAX_LANES` kinds share a lane."""
    lanes: dict[str, list[Episode]] = {}
    for one in alarms:
        kind = one.kind if one.kind in lanes or len(lanes) < MAX_LANES - 1 else "other"
        lanes.setdefault(kind, []).append(one)
    return lanes


def _alarms(
    drawing: Drawing, lanes: dict[str, list[Episode]], place: _Scale, top: float, length: int
) -> None:
    if not lanes:
        drawing.text(LEFT - 10, top + 14, "alarms", anchor="end")
        drawing.text(LEFT + 6, top + 14, "none", size=11)
    for row, (kind, found) in enumerate(lanes.items()):
        y = top + row * (BAND + 4)
        name = title(kind)
        drawing.text(LEFT - 10, y + 14, name, size=min(12, 12 * FITTING / len(name)), anchor="end")
        drawing.line((LEFT, y + BAND / 2), (WIDTH - RIGHT, y + BAND / 2), GRID)
        for one in found:
            stop = length if one.end is None else one.end
            gone = stop if one.condition_end is None else min(one.condition_end, stop)
            x, over = place(one.start), place(gone)
            colour = PRIORITY[one.priority]
            if gone < stop:  # latched: the condition is gone, the alarm waits for a person
                late = max(place(stop) - over, 3)
                drawing.rect(over, y + 6, late, BAND - 12, colour, opacity=0.45, tip=_tip(one))
            drawing.rect(x, y + 2, max(over - x, 3), BAND - 4, colour, radius=3, tip=_tip(one))
            if over - x > 60:
                ink = INK if one.priority == "medium" else PAPER
                drawing.text(x + 6, y + 14, one.priority, size=11, fill=ink)
            if one.acknowledged is not None:
                at = place(one.acknowledged)
                drawing.line((at, y), (at, y + BAND), INK, width=2)
                drawing.dot(at, y + BAND / 2, 3.5, PAPER, INK)


def _tip(one: Episode) -> str:
    words = f"{one.title}, {one.priority}, from {clock(one.start / RATE_HZ)}: {one.evidence}"
    if one.condition_end is not None:
        latched = ", latched" if one.end != one.condition_end else ""
        words += f"; gone at {clock(one.condition_end / RATE_HZ)}{latched}: {one.ended}"
    return words


def _marks(drawing: Drawing, record: Record, place: _Scale, top: float) -> None:
    drawing.text(LEFT - 10, top + 14, "marks, faults", anchor="end")
    for mark in record.of(ev.Mark):
        x = place(mark.index)
        tip = f"<title>{escape(mark.note)}</title>"
        drawing.raw(f'<path d="M{x:.1f} {top + 2}l5 14h-10Z" fill="{BLUE}">{tip}</path>')
    for fault in record.of(ev.Fault):
        drawing.rect(place(fault.index) - 1.5, top + 2, 3, 14, PRIORITY["high"], tip=fault.what)


def _describe(facts: Facts) -> str:
    words = [f"{clock(facts.length / RATE_HZ)} long."]
    if facts.rate is not None:
        low, middle, high = facts.rate
        words.append(f"Heart rate {low:.0f} to {high:.0f}, median {middle:.0f} per minute.")
    else:
        words.append("No heart rate was found.")
    words.append(f"{len(facts.alarms)} alarms.")
    words += [_tip(one) + "." for one in facts.alarms[:5]]
    if facts.lost:
        words.append(f"{facts.lost / RATE_HZ:.1f} s of sound were lost.")
    return " ".join(words)
