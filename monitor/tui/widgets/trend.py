"""Heart rate and p(abnormal) over the last minutes to hours, with the time and the alarms."""

from __future__ import annotations

import time

import numpy as np
from numpy.typing import NDArray

from monitor.events import RATE_HZ
from monitor.tui import words
from monitor.tui.state import SessionState
from monitor.tui.widgets import braille
from monitor.tui.widgets.glyphs import Glyphs
from monitor.tui.widgets.panel import Line

SPANS_MIN = (2, 10, 60, 240, 720)
AXIS = 6
STEPS_S = (10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 14400)
WHOLE = 80
"""Columns from which the heading is written out."""
LABEL = 14
"""Columns from one time to the next, at the least."""


def lines(
    session: SessionState, span_min: int, width: int, height: int, glyphs: Glyphs
) -> list[Line]:
    """Rate above, p below (each with its axis), alarm marks, and the time."""
    if session.status is None or height < 5 or width < 20:
        return []
    plot = width - AXIS
    end, span = right_edge(session.status.index, span_min, plot), span_min * 60 * RATE_HZ
    rate, p = session.trend.columns(end, span, 2 * plot)
    p_height = max(2, round((height - 2) * 0.4))
    rate_height = height - 2 - p_height
    bottom, top = rate_range(rate)
    out = _curve(rate, bottom, top, rate_height, "wave", glyphs)
    out += _curve(p, 0.0, 1.0, p_height, "second", glyphs, name="p")
    out.append(_marks(session, end, span, plot, glyphs))
    out.append(_ticks(session, end, span, plot, glyphs))
    return out


def right_edge(index: int, span_min: int, plot: int) -> int:
    """End of the newest column: columns stand on a fixed grid, so the curve moves as one."""
    column = max(1, span_min * 60 * RATE_HZ // (2 * plot))
    return -(-index // column) * column


def rate_range(rate: NDArray[np.float64]) -> tuple[float, float]:
    """Axis of the rate: 40 to 120, widened in steps of 20 to what is there."""
    known = rate[~np.isnan(rate)]
    if not len(known):
        return 40.0, 120.0
    bottom = min(40.0, 20.0 * np.floor(known.min() / 20))
    top = max(120.0, 20.0 * np.ceil(known.max() / 20))
    return float(bottom), float(top)


def _curve(
    values: NDArray[np.float64],
    bottom: float,
    top: float,
    height: int,
    ink: str,
    glyphs: Glyphs,
    name: str = "",
) -> list[Line]:
    rows = braille.rows(braille.line(values, bottom, top, height), unicode=glyphs.unicode)
    out: list[Line] = []
    axis = "┤" if glyphs.unicode else "|"
    for number, row in enumerate(rows):
        share = number / max(1, height - 1)
        value = top - share * (top - bottom)
        middle = height > 4 and height % 2 and number == height // 2
        label = f"{value:g}" if number in {0, height - 1} or middle else ""
        if number == 0:
            label = f"{name} {label}".strip()
        out.append([(f"{label:>{AXIS - 1}}{axis}", "dim"), (row, ink)])
    return out


def _marks(session: SessionState, end: int, span: int, plot: int, glyphs: Glyphs) -> Line:
    """Where alarms were raised, by the shape of their priority."""
    row = [" "] * plot
    for alarm in reversed(session.alarms.log()):
        place = int((alarm.raised - (end - span)) / span * plot)
        if alarm.earlier_session is None and 0 <= place < plot:
            row[place] = glyphs.priority(alarm.priority)[0]
    return [(f"{'alarm ':>{AXIS}}", "dim"), ("".join(row), "plain")]


def _ticks(session: SessionState, end: int, span: int, plot: int, glyphs: Glyphs) -> Line:
    """Times under the columns that they are of, at round moments."""
    status = session.status
    assert status is not None
    zero = 0.0 if status.play is not None else status.wall - status.index / RATE_HZ
    first, last = zero + (end - span) / RATE_HZ, zero + end / RATE_HZ
    offset = 0 if status.play is not None else time.localtime(last).tm_gmtoff
    seconds = next((s for s in STEPS_S if s * plot / (span / RATE_HZ) >= LABEL), STEPS_S[-1])
    row = [" "] * plot
    moment = -(-(first + offset) // seconds) * seconds - offset
    while moment <= last:
        at = int((moment - first) / (span / RATE_HZ) * plot)
        text = session.time(round((moment - zero) * RATE_HZ))
        text = text if seconds % 60 or status.play is not None else text[:-3]
        text = ("┴" if glyphs.unicode else "^") + text
        if at >= 0 and at + len(text) <= plot and moment >= 0:
            row[at : at + len(text)] = text
        moment += seconds
    return [(" " * AXIS, "dim"), ("".join(row), "dim")]


def heading(session: SessionState | None, span_min: int, width: int) -> str:
    """What the trend shows, and the newest values of both curves."""
    name = f"{span_min} min" if span_min < 60 else f"{span_min // 60} h"
    status = None if session is None else session.status
    if status is None:
        return f"TREND · last {name}"
    known = status.heart == "heard" and not status.few
    rate, p = words.number(status.rate), words.number(status.p if known else None, ".2f")
    if width < WHOLE:
        return f"TREND · {name} · rate {rate} /min · p(abnormal) {p}"
    return f"TREND · last {name} · above: rate, now {rate} /min · below: p(abnormal), now {p}"


def times(session: SessionState, span_min: int) -> str:
    """From when to when there is something to see, for the frame."""
    if session.status is None:
        return ""
    end = session.status.index
    begin = max(0, end - span_min * 60 * RATE_HZ)
    return f"{session.time(begin)} to {session.time(end)}"
