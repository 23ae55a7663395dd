"""The line under the title: the most urgent alarm, how many more, and AUDIO PAUSED."""

from __future__ import annotations

from rich.cells import cell_len

from monitor.link.messages import AlarmLine
from monitor.tui import words
from monitor.tui.alarmbook import needs_answer, urgency
from monitor.tui.state import ScreenState, SessionState
from monitor.tui.widgets.glyphs import Glyphs
from monitor.tui.widgets.panel import Line, clip, spread, width_of

_HERTZ = {"high": 2.0, "medium": 0.5}
"""How often an unanswered alarm flashes (IEC 60601-1-8: 1.4–2.8 and 0.4–0.8 a second)."""


def everywhere(state: ScreenState) -> list[tuple[SessionState, AlarmLine]]:
    """Active alarms of all sessions, most urgent first."""
    found = [(s, a) for s in state.sessions.values() for a in s.alarms.active()]
    return sorted(found, key=lambda pair: urgency(pair[1]))


def line(
    state: ScreenState,
    now: float,
    width: int,
    glyphs: Glyphs,
    *,
    flash: bool = True,
    details: bool = False,
) -> Line:
    """One line, full width: what is wrong, since when, what to do (or the evidence)."""
    paused = _paused(state, now)
    alarms = everywhere(state)
    if not alarms:
        calm = [(" no active alarm", "dim")] if state.shown() else [("", "dim")]
        return spread(calm, paused, width)
    session, alarm = alarms[0]
    open_now = needs_answer(alarm)
    pending = session.alarms.key(alarm) in session.alarms.asked or alarm.acknowledge_pending
    lit = not open_now or not flash or _lit(alarm.priority, now)
    ink = f"on-{alarm.priority}" if open_now and lit else alarm.priority
    shape = glyphs.priority(alarm.priority)
    head = f" {shape} {alarm.priority.upper()}  {words.kind(alarm.kind)}"
    if session.id != state.current:
        name = session.status.device if session.status else session.id
        head += f" on {name}"
    note = " (acknowledging)" if pending and open_now else ""
    if alarm.state == "acknowledged":
        note = f" {glyphs.tick} acknowledged"
    elif not alarm.condition:
        gone = f" {session.time(alarm.gone, alarm.gone_wall)}" if alarm.gone is not None else ""
        note = note or (
            f" (gone{gone}, not acknowledged)" if alarm.answerable else f" (gone{gone})"
        )
    more = f"  {len(alarms) - 1} more " if len(alarms) > 1 else ""
    since = f"  since {session.since(alarm)}"
    right: Line = [(more, ink), *paused]
    room = width - width_of(right)
    more_words = words.advice(alarm.kind)
    if details or not more_words or not alarm.condition:
        more_words = alarm.evidence if not alarm.now or not alarm.condition else alarm.now
    evidence = glyphs.plain(more_words)
    short = f"{head}{note}{since}"
    for text in (f"{short}  {evidence}", short, f"{head}{note}", head):
        if cell_len(text) <= room or text is head:
            break
    if len(text) + 12 < room and evidence not in text and note + since in text:
        text = words.cut(f"{text}  {evidence}", room - 1, glyphs.ellipsis)
    return clip([(words.fit(text, max(0, room), ""), ink)], max(0, room)) + right


def _lit(priority: str, now: float) -> bool:
    hertz = _HERTZ.get(priority)
    return hertz is None or int(now * hertz * 2) % 2 == 0


def _paused(state: ScreenState, now: float) -> Line:
    left = 0.0
    for session in state.sessions.values():
        if session.status is not None:
            left = max(left, session.status.audio_paused_s - session.age(now))
    return [(f" AUDIO PAUSED {words.countdown(left)} ", "on-low")] if left > 0 else []
