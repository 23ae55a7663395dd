"""Alarms as rows: the short list at the foot of the main screen, and the cells of the log."""

from __future__ import annotations

from monitor.link.messages import AlarmLine
from monitor.tui import words
from monitor.tui.alarmbook import AlarmBook, is_active, needs_answer, urgency
from monitor.tui.state import SessionState
from monitor.tui.widgets.glyphs import Glyphs
from monitor.tui.widgets.panel import Line, spread


def shape(line: AlarmLine, glyphs: Glyphs) -> str:
    """Shape of a line: the priority while it is active, a circle when it is over."""
    return glyphs.priority(line.priority) if is_active(line) else glyphs.cleared


def state_words(line: AlarmLine, book: AlarmBook) -> str:
    """What has become of it, in words."""
    if book.key(line) in book.asked or (line.acknowledge_pending and line.acknowledged is None):
        return "acknowledging"
    if line.state == "acknowledged" and line.acknowledged is not None:
        return f"acknowledged {words.at(line.acknowledged)}"
    if line.state == "inactive":
        when = f" {words.at(line.cleared)}" if line.cleared is not None else ""
        return f"cleared{when}"
    if not line.condition and needs_answer(line):
        return words.STATES["latched"]
    return words.STATES.get(line.state, line.state)


def lines(session: SessionState, width: int, height: int, glyphs: Glyphs) -> list[Line]:
    """The active ones first, then the newest of the log, as many as fit."""
    book = session.alarms
    rows = sorted(book.log(), key=lambda a: (not is_active(a), urgency(a) if is_active(a) else ()))
    out: list[Line] = []
    for line in rows[:height]:
        ink = line.priority if is_active(line) else "dim"
        left: Line = [
            (f" {shape(line, glyphs):<4}{words.at(line.raised)} {line.priority:<7}", ink),
            (f"{words.kind(line.kind)} ", "strong" if needs_answer(line) else "plain"),
        ]
        if line.count > 1:
            left.append((f"{glyphs.times}{line.count} ", "plain"))
        if line.earlier_session is not None:
            left.append(("(earlier session) ", "dim"))
        right: Line = [(f" {state_words(line, book)} ", "dim" if not is_active(line) else "plain")]
        left.append((f" {glyphs.plain(line.evidence)}", "dim"))
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
    counts = f"ALARMS · {len(book.active())} active · {book.unanswered()} to acknowledge"
    here = sum(a.earlier_session is None for a in book.log())
    return counts if width < 70 else f"{counts} · {here} in this session"
