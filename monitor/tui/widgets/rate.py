"""Heart rate in big digits, with rhythm and the length of systole."""

from __future__ import annotations

from monitor.tui import words
from monitor.tui.state import SessionState
from monitor.tui.widgets.digits import big
from monitor.tui.widgets.glyphs import Glyphs
from monitor.tui.widgets.panel import Line


def lines(
    session: SessionState | None, now: float, width: int, height: int, glyphs: Glyphs
) -> list[Line]:
    """Digits as large as ``height`` allows, then rhythm and S1–S2."""
    rate = session.rate(now) if session else None
    text = "--" if rate is None else f"{rate:.0f}"
    known = rate is not None and session is not None and session.status is not None
    ink = _ink(session) if known else "dim"
    digits = big(text[:3], height - 1, unicode=glyphs.unicode)
    while digits and len(digits) > 3 and len(digits[0]) > width:
        digits = big(text[:3], len(digits) - 2, unicode=glyphs.unicode)
    out: list[Line] = [[(_centre(row, width), ink)] for row in digits]
    out += [[] for _ in range(height - 1 - len(out))]
    status = session.status if session and known else None
    rhythm = words.rhythm(status.spread if status else None)
    systole = words.number(status.systole_ms if status else None)
    foot = f"{rhythm}  S1–S2 {systole} ms"
    if status is not None and status.other_rate is not None and status.rate is not None:
        low, high = sorted((status.rate, status.other_rate))
        foot = f"{low:.0f} or {high:.0f} /min"
    if len(foot) > width:
        foot = f"{rhythm[:7]} {systole} ms" if len(rhythm) > 2 else f"S1–S2 {systole}"
    out.append([(words.cut(foot, width), "plain" if status else "dim")])
    return out


def _ink(session: SessionState | None) -> str:
    """Colour of an alarm about the rate, the digits' own otherwise."""
    if session is not None:
        for line in session.alarms.active():
            if line.condition and line.kind.startswith(("tachycardia", "bradycardia")):
                return line.priority
    return "strong"


def _centre(row: str, width: int) -> str:
    return " " * max(0, (width - len(row)) // 2) + row
