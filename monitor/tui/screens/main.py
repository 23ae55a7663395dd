"""The main screen: puts the panels together for the size of the terminal and keeps them fed.

Ten times a second `advance` asks the state what may be shown now. What a key does is here too,
and everything that concerns the core goes through `ApexbeatApp.ask`.
"""

from __future__ import annotations

import math
from functools import partial
from typing import ClassVar, cast

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal

from monitor.tui.actions import Actions
from monitor.tui.keys import bindings
from monitor.tui.layout import STACK, Layout, layout
from monitor.tui.live import home
from monitor.tui.state import SessionState
from monitor.tui.widgets import (
    alarms,
    averaged_beat,
    banner,
    brief,
    rate,
    replay_bar,
    signal,
    silence,
    title,
    trend,
    verdict,
)
from monitor.tui.widgets.footer import Footer
from monitor.tui.widgets.panel import Panel
from monitor.tui.widgets.wave_panel import WavePanel


class MainScreen(Actions):
    """Numbers, waveform, trend and alarms of one session."""

    BINDINGS: ClassVar[list[BindingType]] = bindings()
    AUTO_FOCUS = None

    def __init__(self) -> None:
        super().__init__()
        self.trend_span = 1
        self._layout = Layout(brief=True)
        self._trend_of: object = None
        self._beat_of: object = None

    def compose(self) -> ComposeResult:
        """All panels; the layout hides what a size has no room for."""
        glyphs = home(self).glyphs
        self.set_class(not glyphs.unicode, "ascii")
        yield Panel(glyphs, id="title")
        yield Panel(glyphs, id="banner")
        with Horizontal(id="numbers"):
            yield Panel(glyphs, id="rate")
            yield Panel(glyphs, id="verdict")
            yield Panel(glyphs, id="signal")
            yield Panel(glyphs, id="beat")
        yield Panel(glyphs, id="silence")
        yield WavePanel(glyphs, id="wave")
        yield Panel(glyphs, id="bar")
        yield Panel(glyphs, id="average")
        yield Panel(glyphs, id="trend")
        yield Panel(glyphs, id="log")
        yield Panel(glyphs, id="brief")
        yield Footer(glyphs, id="keys")

    def on_mount(self) -> None:
        """Fill the frames before the first message."""
        self._panels = {panel.id: panel for panel in self.query(Panel)}
        self.advance()

    def on_resize(self, event: events.Resize) -> None:
        """Choose the layout for the new size."""
        self._arrange(event.size.width, event.size.height)
        self.call_after_refresh(self.advance)

    def _arrange(self, width: int, height: int) -> None:
        """Give every part its rows and columns."""
        chosen = layout(width, height, self.has_class("replay"))
        if chosen == self._layout or not hasattr(self, "_panels"):
            return
        self._layout = chosen
        self.set_class(chosen.brief, "brief")
        self.set_class(chosen.stacked, "stacked")
        self.set_class(width < 80, "narrow")
        if chosen.brief:
            for name in ("wave", "average", "trend", "log"):
                self.panel(name).display = False
            return
        for name, rows in (
            ("silence", chosen.numbers),
            ("wave", chosen.wave),
            ("average", chosen.beat),
            ("trend", chosen.trend),
            ("log", chosen.log),
        ):
            self._rows(self.panel(name), rows, shown=name != "silence")
        self.query_one("#numbers").styles.height = chosen.numbers
        self.panel("beat").display = chosen.beat_columns > 0
        self.panel("beat").styles.width = chosen.beat_columns or 1
        self.panel("rate").styles.width = "1fr" if chosen.stacked else chosen.rate_columns
        for name, rows in zip(("rate", "verdict", "signal"), STACK, strict=True):
            self.panel(name).styles.height = rows if chosen.stacked else "1fr"

    def _rows(self, panel: Panel, rows: int, shown: bool) -> None:
        panel.styles.height = max(rows, 1)
        if shown:
            panel.display = rows > 0

    def on_screen_resume(self) -> None:
        """Back from another screen: nothing old may be seen."""
        if self.is_mounted and hasattr(self, "_panels"):
            self.advance()

    def panel(self, name: str) -> Panel:
        """A panel by its id."""
        return self._panels[name]

    def advance(self) -> None:
        """Bring every panel to what may be shown now."""
        if not hasattr(self, "_panels"):
            return
        app = home(self)
        state, now, glyphs = app.state, app.now(), app.glyphs
        session = state.shown()
        silent = state.silent(now)
        self.set_class(silent, "silent")
        app.note_shown(banner.everywhere(state))
        if self._layout.brief:
            size = self.size
            self.panel("brief").show(
                brief.lines(state, now, size.width, size.height, glyphs, app.read_only)
            )
            return
        width = self.size.width
        self.panel("title").show([title.line(state, now, width, glyphs, app.played)])
        head = banner.line(state, now, width, glyphs, flash=app.flash, details=app.details)
        self.panel("banner").show([head])
        if silent:
            panel = self.panel("silence")
            panel.show(silence.lines(state, now, panel.size.width, panel.size.height), "THE CORE")
        else:
            self._numbers(session, math.floor(now * 2) / 2)
        wave = cast(WavePanel, self.panel("wave"))
        wave.advance(state, now)
        bar = replay_bar.line(session, wave.frozen, width, glyphs) if session else []
        if bool(bar) != self.has_class("replay"):
            self.set_class(bool(bar), "replay")
            self._arrange(self.size.width, self.size.height)
        self.panel("bar").show([bar])
        if self._layout.trend:
            self._trend(session)
        self._beat(session, now, silent)
        self._log(session)
        replay = session is not None and session.play is not None
        cast(Footer, self.panel("keys")).update(*app.message(), replay, app.read_only)

    def _numbers(self, shown: SessionState | None, now: float) -> None:
        glyphs = home(self).glyphs
        details = home(self).details
        for name, heading, make in (
            ("rate", "HEART RATE /min", rate.lines),
            ("verdict", "HEART SOUND", partial(verdict.lines, details=details)),
            ("signal", "SIGNAL", signal.lines),
        ):
            panel = self.panel(name)
            size = panel.size
            if size.width and size.height:
                panel.show(make(shown, now, size.width, size.height, glyphs), heading)

    def _beat(self, shown: SessionState | None, now: float, silent: bool) -> None:
        """The averaged beat, beside the numbers or in a row of its own."""
        if not (self._layout.beat or self._layout.beat_columns):
            return
        panel = self.panel("average" if self._layout.beat else "beat")
        size, newest = panel.size, shown.beats[-1] if shown is not None and shown.beats else None
        trusted = shown is not None and not silent and shown.trusted(now)
        heart = shown.status.heart if shown is not None and shown.status is not None else ""
        made_of = (shown.id if shown else "", newest, trusted, heart, size)
        if made_of != self._beat_of and size.width > 4:
            self._beat_of = made_of
            lines, foot = averaged_beat.lines(
                shown if trusted else None, now, size.width, size.height, home(self).glyphs
            )
            panel.show(lines, "AVERAGED BEAT", foot)

    def _trend(self, shown: SessionState | None) -> None:
        panel = self.panel("trend")
        span = trend.SPANS_MIN[self.trend_span]
        size, glyphs = panel.size, home(self).glyphs
        heading = trend.heading(shown, span, size.width)
        if shown is None or shown.status is None:
            panel.show([], heading, "")
            return
        # A trend is worth its arithmetic once for each status, not ten times a second.
        made_of = (shown.id, shown.status.index, len(shown.trend), span, size)
        if made_of != self._trend_of:
            self._trend_of = made_of
            lines = trend.lines(shown, span, size.width, size.height, glyphs)
            panel.show(lines, heading, trend.times(shown, span))

    def _log(self, shown: SessionState | None) -> None:
        panel = self.panel("log")
        size = panel.size
        app, lines = home(self), []
        if shown is not None:
            lines = alarms.lines(shown, size.width, size.height, app.glyphs, app.details)
        panel.show(
            lines, alarms.heading(shown, size.width), "research and teaching · not a medical device"
        )
