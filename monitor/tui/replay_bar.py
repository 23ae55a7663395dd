"""Where a replayed file stands: position, alarms and gaps on a bar."""

from __future__ import annotations

from monitor.tui import words
from monitor.tui.glyphs import Glyphs
from monitor.tui.panel import Line
from monitor.tui.state import SessionState


def line(session: SessionState, frozen: int | None, width: int, glyphs: Glyphs) -> Line:
    """One line; the picture's own place is shown too while it is frozen."""
    status = session.status
    if status is None or status.duration_s is None:
        return []
    total = max(status.duration_s, status.index / words.RATE_HZ, 1e-9)
    left = f" {glyphs.pause if frozen is not None else glyphs.play} {words.at(status.index)} "
    right = f" {words.clock(status.duration_s)} "
    room = max(1, width - len(left) - len(right))

    def place(index: float) -> int:
        return max(0, min(room - 1, int(index / words.RATE_HZ / total * room)))

    done = place(status.index)
    track = "━" if glyphs.unicode else "="
    rest = "─" if glyphs.unicode else "-"
    row = [track] * (done + 1) + [rest] * (room - done - 1)
    for gap in session.gaps:
        row[place(gap.start)] = glyphs.cross[0]
    for alarm in session.alarms.log():
        if alarm.earlier_session is None:
            row[place(alarm.raised)] = glyphs.priority(alarm.priority)[0]
    if frozen is not None:
        row[place(frozen)] = "┃" if glyphs.unicode else "|"
    return [(left, "strong"), ("".join(row), "plain"), (right, "dim")]
