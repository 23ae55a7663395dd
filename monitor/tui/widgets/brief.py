"""What is left on a small terminal: rate, verdict, signal and the most urgent alarm."""

from __future__ import annotations

from monitor.tui import words
from monitor.tui.state import ScreenState
from monitor.tui.widgets import banner, signal, verdict
from monitor.tui.widgets.glyphs import Glyphs
from monitor.tui.widgets.panel import Line, clip


def lines(
    state: ScreenState,
    now: float,
    width: int,
    height: int,
    glyphs: Glyphs,
    read_only: bool = False,
) -> list[Line]:
    """As many lines as there are, most important first."""
    session = state.shown()
    if state.silent(now):
        out: list[Line] = [[("CORE NOT RESPONDING", "high")]]
    else:
        rate = session.rate(now) if session else None
        out = [[(f"{words.number(rate)} /min", "strong")]]
    alarms = banner.everywhere(state)
    if alarms:
        out.append(banner.line(state, now, width, glyphs, flash=False))
    if not state.silent(now):
        for part in (verdict.lines, signal.lines):
            rows = [row for row in part(session, now, width, 4, glyphs) if any(t for t, _ in row)]
            out += rows[:2]
    out += [
        [("small terminal: 60 × 20 or more", "dim")],
        [(f"? help{'' if read_only else '  a acknowledge'}  q quit", "dim")],
    ]
    return [clip(line, width) for line in out[:height]]
