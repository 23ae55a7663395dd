"""Where a replayed file stands: position, alarms and gaps on a bar."""

from __future__ import annotations

from monitor.events import RATE_HZ
from monitor.tui import words
from monitor.tui.state import SessionState
from monitor.tui.widgets.glyphs import Glyphs
from monitor.tui.widgets.panel import Line


def line(session: SessionState, frozen: int | None, width: int, glyphs: Glyphs) -> Line:
    """One line; the picture's own place is shown too while it is frozen."""
    status = session.status
    if status is None or status.duration_s is None:
        return []
    play = status.play
    at = status.index if play is None else play.at
    total = max(status.duration_s, at / RATE_HZ, 1e-9)
    stands = frozen is not None if play is None else play.paused
    left = f" {glyphs.pause if stands else glyphs.play} {words.at(at)} "
    if play is not None:
        left += f"{glyphs.times}{play.speed:g} "
    right = f" {words.clock(status.duration_s)} "
    room = max(1, width - len(left) - len(right))

    def place(index: float) -> int:
        return max(0, min(room - 1, int(index / RATE_HZ / total * room)))

    done = place(at)
    track = "━" if glyphs.unicode else "="
    rest = "─" if glyphs.unicode else "-"
    row = [track] * (done + 1) + [rest] * (room - done - 1)
    if play is not None:  # what is not analysed yet cannot be gone to
        known = max(done, place(play.analysed)) + 1
        row[known:] = [" "] * (room - known)
    for gap in session.gaps:
        row[place(gap.start)] = glyphs.cross[0]
    for alarm in session.alarms.log():
        if alarm.earlier_session is None:
            row[place(alarm.raised)] = glyphs.priority(alarm.priority)[0]
    for raised, priority in play.raised if play is not None else []:
        row[place(raised)] = glyphs.priority(priority)[0]
    if frozen is not None:
        row[place(frozen)] = "┃" if glyphs.unicode else "|"
    return [(left, "strong"), ("".join(row), "plain"), (right, "dim")]
