"""The alarm log: every occurrence, filtered, acknowledged row by row, a way back to the moment."""

from __future__ import annotations

from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen

from monitor.link.messages import AlarmLine
from monitor.tui import words
from monitor.tui.alarmbook import is_active, needs_answer
from monitor.tui.live import Live, home
from monitor.tui.screens.entry import EntryScreen
from monitor.tui.state import SessionState
from monitor.tui.waves import AFTER_ALARM
from monitor.tui.widgets import alarms, banner, title
from monitor.tui.widgets.glyphs import Glyphs
from monitor.tui.widgets.panel import Line, Panel

FILTERS = ("all", "active", "to acknowledge", "high", "medium", "low")


def chosen(session: SessionState, name: str, text: str) -> list[AlarmLine]:
    """The rows that a filter and a word leave, active ones first."""
    rows = session.alarms.log()
    if name == "active":
        rows = [a for a in rows if is_active(a)]
    elif name == "to acknowledge":
        rows = [a for a in rows if needs_answer(a)]
    elif name != "all":
        rows = [a for a in rows if a.priority == name]
    word = text.lower()
    return [a for a in rows if word in f"{words.kind(a.kind)} {a.kind} {a.evidence}".lower()]


def row(line: AlarmLine, session: SessionState, width: int, glyphs: Glyphs, *, here: bool) -> Line:
    """One alarm as a row: shape, time, priority, what, what became of it, evidence."""
    ink = line.priority if is_active(line) else "dim"
    text = words.kind(line.kind) + (f" {glyphs.times}{line.count}" if line.count > 1 else "")
    state = alarms.state_words(line, session)
    if line.earlier_session is not None:
        text += " (old)"
    when = session.since(line)
    pointer = glyphs.play if here else " "
    body = f"{text:<24} {state:<38}"
    if width >= 110:
        body += f" {glyphs.plain(line.evidence)}"
    return [
        (f"{pointer} ", "strong"),
        (f"{alarms.shape(line, glyphs):<4}{when} {line.priority:<7}", ink),
        (
            words.cut(body, max(0, width - 14 - len(when)), glyphs.ellipsis),
            "strong" if here else "plain",
        ),
    ]


def facts(line: AlarmLine, session: SessionState) -> str:
    """All of the chosen one in a line: why it came, what it is now, why it went, what to do."""
    parts = [line.evidence]
    if line.now and line.condition and line.now != line.evidence:
        parts.append(f"now: {line.now}")
    if line.gone is not None:
        parts.append(f"gone {session.time(line.gone, line.gone_wall)}: {line.ended}")
    if line.acknowledged is not None:
        answered = session.time(line.acknowledged, line.acknowledged_wall)
        parts.append(f"acknowledged {answered}")
    if is_active(line) and words.advice(line.kind):
        parts.insert(0, words.advice(line.kind))
    if line.count > 1:
        parts.append(f"came {line.count} times")
    if line.earlier_session is not None:
        parts.append(f"of session {line.earlier_session}")
    return " · ".join(parts)


class LogScreen(Live, Screen[int]):
    """Gives the index of the moment to jump to, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,l", "close", show=False),
        Binding("down,j", "move(1)", show=False),
        Binding("up,k", "move(-1)", show=False),
        Binding("pagedown", "move(10)", show=False),
        Binding("pageup", "move(-10)", show=False),
        Binding("home", "move(-100000)", show=False),
        Binding("end", "move(100000)", show=False),
        Binding("f", "filter", show=False),
        Binding("slash", "search", show=False),
        Binding("a", "acknowledge", show=False),
        Binding("enter", "jump", show=False),
        Binding("c", "clip", show=False),
    ]
    AUTO_FOCUS = None

    def __init__(self) -> None:
        super().__init__()
        self._filter = 0
        self._text = ""
        self._at: tuple[str | None, int] | None = None
        self._top = 0

    def compose(self) -> ComposeResult:
        """Title and banner stay; the rest is rows."""
        glyphs = home(self).glyphs
        self.set_class(not glyphs.unicode, "ascii")
        yield Panel(glyphs, id="title")
        yield Panel(glyphs, id="banner")
        yield Panel(glyphs, id="rows")
        yield Panel(glyphs, id="detail")
        yield Panel(glyphs, id="keys")

    def on_mount(self) -> None:
        self.call_after_refresh(self.advance)

    def on_resize(self) -> None:
        """Fill it anew."""
        self.call_after_refresh(self.advance)

    def _rows(self) -> list[AlarmLine]:
        session = home(self).state.shown()
        return chosen(session, FILTERS[self._filter], self._text) if session else []

    def _place(self, rows: list[AlarmLine]) -> int:
        session = home(self).state.shown()
        if session is None:
            return 0
        keys = [session.alarms.key(line) for line in rows]
        return keys.index(self._at) if self._at in keys else 0

    def advance(self) -> None:
        """Draw the rows around the chosen one."""
        if not self.is_mounted:
            return
        app = home(self)
        state, now, glyphs = app.state, app.now(), app.glyphs
        width = self.size.width
        self.query_one("#title", Panel).show([title.line(state, now, width, glyphs, app.played)])
        head = banner.line(state, now, width, glyphs, flash=app.flash)
        if state.silent(now):
            silent = f" CORE NOT RESPONDING for {words.age(state.silent_s(now))}; as last heard"
            head = [(silent.ljust(width), "on-high")]
        self.query_one("#banner", Panel).show([head])
        panel = self.query_one("#rows", Panel)
        session, rows = state.shown(), self._rows()
        height = max(1, panel.size.height)
        at = self._place(rows)
        self._top = max(0, min(max(self._top, at - height + 1), at, max(0, len(rows) - height)))
        lines = [
            row(line, session, panel.size.width, glyphs, here=self._top + n == at)
            for n, line in enumerate(rows[self._top : self._top + height])
            if session is not None
        ]
        empty: list[Line] = [[(" no alarm here", "dim")]]
        panel.show(lines or empty, self._heading(session, len(rows)))
        detail: Line = []
        if rows and session is not None:
            detail = [(f" {facts(rows[at], session)}", "plain")]
        if rows and session is not None and app.player.what == session.alarms.key(rows[at]):
            detail.insert(0, (f" {glyphs.play} playing (c stops)", "strong"))
        self.query_one("#detail", Panel).show([detail])
        message, ink = app.message()
        answer = "" if app.read_only else "  a acknowledge"
        keys = f" esc back{answer}  enter moment  c clip  f filter  / search  ↑ ↓ move"
        foot: Line = [(f" {message}", ink)] if message else [(keys, "dim")]
        self.query_one("#keys", Panel).show([foot])

    def _heading(self, session: SessionState | None, count: int) -> str:
        search = f' · "{self._text}"' if self._text else ""
        return f"{alarms.heading(session, 0)} · shown: {FILTERS[self._filter]}{search}, {count}"

    def action_move(self, rows: int) -> None:
        """Choose another row."""
        have = self._rows()
        session = home(self).state.shown()
        if have and session is not None:
            at = max(0, min(self._place(have) + rows, len(have) - 1))
            self._at = session.alarms.key(have[at])
        self.advance()

    def action_filter(self) -> None:
        """The next filter."""
        self._filter = (self._filter + 1) % len(FILTERS)
        self.advance()

    def action_search(self) -> None:
        """Ask for a word."""
        self.app.push_screen(
            EntryScreen("SEARCH", "A word of the alarm or its evidence.", value=self._text),
            self._searched,
        )

    def _searched(self, text: str | None) -> None:
        if text is not None:
            self._text = text
        self.advance()

    def action_acknowledge(self) -> None:
        """Acknowledge the chosen one."""
        app, rows = home(self), self._rows()
        session = app.state.shown()
        if not rows or session is None:
            return
        line = rows[self._place(rows)]
        if needs_answer(line):
            app.acknowledge(session, line)
        else:
            app.say("this one needs no acknowledgement")
        self.advance()

    def action_jump(self) -> None:
        """Back to the main screen, its picture frozen at the moment."""
        rows = self._rows()
        session = home(self).state.shown()
        if not rows or session is None:
            return
        line = rows[self._place(rows)]
        if line.earlier_session is not None:
            home(self).say("of an earlier session: its sound is not on this screen")
            return
        self.dismiss(line.raised + AFTER_ALARM)

    def action_clip(self) -> None:
        """Play the sound around the chosen alarm, on the machine of this screen; again: stop."""
        app, rows = home(self), self._rows()
        session = app.state.shown()
        if not rows or session is None:
            return
        line = rows[self._place(rows)]
        key = session.alarms.key(line)
        if app.player.what == key:
            app.player.stop()
        elif app.helpers.clip is None:
            app.say("this screen plays no clips: open the log where the monitor runs")
        else:
            owner = line.earlier_session or session.id
            found = app.helpers.clip(owner, line.raised, line.kind)
            if isinstance(found, str):
                app.say(found, "medium")
            else:
                app.player.play(key, found)
        self.advance()

    def action_close(self) -> None:
        home(self).player.stop()
        self.dismiss(None)

    def on_click(self, event: events.Click) -> None:
        """A click on a row chooses it."""
        panel = self.query_one("#rows", Panel)
        session, rows = home(self).state.shown(), self._rows()
        number = self._top + event.screen_y - panel.content_region.y
        if event.widget is panel and session is not None and 0 <= number < len(rows):
            self._at = session.alarms.key(rows[number])
            self.advance()
