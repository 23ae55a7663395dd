"""Alarms as rows: the short list at the foot of the main screen, and the cells of the log."""

from __future__ import annotations

from monitor.events import RATE_HZ
from monitor.link.messages import AlarmLine
from monitor.tui import words
from monitor.tui.alarmbook import is_active, needs_answer, urgency
from monitor.tui.state import SessionState
from monitor.tui.widgets.glyphs import Glyphs
from monitor.tui.widgets.panel import Line, spread


def shape(line: AlarmLine, glyphs: Glyphs) -> str:
    """Shape of a line: the priority while it is active, a circle when it is over."""
    return glyphs.priority(line.priority) if is_active(line) else glyphs.cleared


def state_words(line: AlarmLine, session: SessionState, room: int = 1000) -> str:
    """What has become of it, in words; what does not fit ``room`` is left out from the end."""
    book = session.alarms
    if book.key(line) in book.asked or (line.acknowledge_pending and line.acknowledged is None):
        return "acknowledging"
    gone = "" if line.gone is None else f" {session.time(line.gone, line.gone_wall)}"
    if line.state == "acknowledged" and line.acknowledged is not None:
        answered = session.time(line.acknowledged, line.acknowledged_wall)
        return f"acknowledged {answered}" + (f", gone{gone}" if gone else "")
    if line.state == "inactive" or line.gone is not None:
        gone, lasted = f"gone{gone}", _lasted(line)
        after = f" after {lasted}" if lasted else ""
        rest = ", not acknowledged" if needs_answer(line) else ""
        fitting = (w for w in (gone + after + rest, gone + rest, gone) if len(w) <= room)
        return next(fitting, gone)
    return words.STATES.get(line.state, line.state)


def _lasted(line: AlarmLine) -> str:
    """How long its condition was there: by the clock where one was kept."""
    wall = line.raised_wall if line.since_wall is None else line.since_wall
    if wall is not None and line.gone_wall is not None:
        return words.lasted(max(0.0, line.gone_wall - wall))
    index = line.raised if line.since < 0 else line.since
    return "" if line.gone is None else words.lasted((line.gone - index) / RATE_HZ)


def reason(line: AlarmLine, details: bool) -> str:
    """What to do about an open one; its evidence, if that is asked for or it is over."""
    advice = words.advice(line.kind)
    if is_active(line) and line.condition:
        return (line.now or line.evidence) if details or not advice else advice
    return f"{line.evidence}; gone: {line.ended}" if details and line.ended else line.evidence


def lines(
    session: SessionState, width: int, height: int, glyphs: Glyphs, details: bool = False
) -> list[Line]:
    """The active ones first, then the newest of the log, as many as fit."""
    book = session.alarms
    rows = sorted(book.log(), key=lambda a: (not is_active(a), urgency(a) if is_active(a) else ()))
    out: list[Line] = []
    for line in rows[:height]:
        ink = line.priority if is_active(line) else "dim"
        left: Line = [
            (
                f" {shape(line, glyphs):<4}{session.since(line)} {line.priority:<7}",
                ink,
            ),
            (f"{words.kind(line.kind)} ", "strong" if needs_answer(line) else "plain"),
        ]
        if line.count > 1:
            left.append((f"{glyphs.times}{line.count} ", "plain"))
        if line.earlier_session is not None:
            left.append(("(earlier session) ", "dim"))
        room = width - sum(len(text) for text, _ in left) - 2
        state = f" {state_words(line, session, room)} "
        right: Line = [(state, "dim" if not is_active(line) else "plain")]
        left.append((f" {glyphs.plain(reason(line, details))}", "dim"))
        out.append(spread(left, right, width, glyphs.ellipsis))
    if not out:
        out.append([(" none in this session", "dim")])
    off = session.status.off if session.status is not None else {}
    rows_off: list[Line] = [
        [(words.cut(f" off: {words.kind(kind)}, {reason}", width, glyphs.ellipsis), "medium")]
        for kind, reason in off.items()
    ]
    return out[: max(1, height - len(rows_off))] + rows_off


def heading(session: SessionState | None, width: int) -> str:
    """Counts for the frame."""
    if session is None:
        return "ALARMS"
    book = session.alarms
    counts = f"ALARMS · {len(book.active())} active"
    if session.status is None or session.status.play is None:
        counts += f" · {book.unanswered()} to acknowledge"
    here = sum(a.earlier_session is None for a in book.log())
    here = max(here, session.status.alarm_count if session.status else 0)
    return counts if width < 70 else f"{counts} · {here} in this session"
