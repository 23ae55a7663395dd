"""Heart rate and p(abnormal) over the last minutes to hours, alarms marked at their time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from monitor.tui import words
from monitor.tui.state import SessionState
from monitor.tui.widgets import braille
from monitor.tui.widgets.glyphs import Glyphs
from monitor.tui.widgets.panel import Line

SPANS_MIN = (2, 10, 60, 240, 720)
AXIS = 6


def lines(
    session: SessionState, span_min: int, width: int, height: int, glyphs: Glyphs
) -> list[Line]:
    """Rate above, p below (each with its axis), and one row of alarm marks."""
    if session.status is None or height < 4 or width < 20:
        return []
    plot = width - AXIS
    end, span = right_edge(session.status.index, span_min, plot), span_min * 60 * 2000
    rate, p = session.trend.columns(end, span, 2 * plot)
    p_height = max(1, (height - 1) // 3)
    rate_height = height - 1 - p_height
    bottom, top = rate_range(rate)
    out = _curve(rate, bottom, top, rate_height, "wave", glyphs, ".0f")
    out += _curve(p, 0.0, 1.0, p_height, "second", glyphs, ".0f", name="p")
    out.append(_marks(session, end, span, plot, glyphs))
    return out


def right_edge(index: int, span_min: int, plot: int) -> int:
    """End of the newest column: columns stand on a fixed grid, so the curve moves as one."""
    column = max(1, span_min * 60 * 2000 // (2 * plot))
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
    form: str,
    name: str = "",
) -> list[Line]:
    rows = braille.rows(braille.line(values, bottom, top, height), unicode=glyphs.unicode)
    out: list[Line] = []
    axis = "┤" if glyphs.unicode else "|"
    for number, row in enumerate(rows):
        if height == 1:
            label = f"{name} 0–{top:{form}}"
        else:
            share = number / (height - 1)
            value = top - share * (top - bottom)
            shown = number in {0, height - 1} or (height > 4 and number == height // 2)
            label = f"{name if number == 0 else ''} {value:{form}}" if shown else ""
        out.append([(f"{label.strip():>{AXIS - 1}}{axis}", "dim"), (row, ink)])
    return out


def _marks(session: SessionState, end: int, span: int, plot: int, glyphs: Glyphs) -> Line:
    """Where alarms were raised, by the shape of their priority."""
    row = [" "] * plot
    for alarm in reversed(session.alarms.log()):
        place = int((alarm.raised - (end - span)) / span * plot)
        if alarm.earlier_session is None and 0 <= place < plot:
            row[place] = glyphs.priority(alarm.priority)[0]
    return [(f"{'alarm ':>{AXIS}}", "dim"), ("".join(row), "plain")]


def times(session: SessionState, span_min: int) -> str:
    """From when to when the trend goes, for its frame."""
    if session.status is None:
        return ""
    end = session.status.index
    return f"{words.at(end - span_min * 60 * 2000)} to {words.at(end)}"
