"""The main screen: puts the panels together for the size of the terminal and keeps them fed.

Ten times a second `advance` asks the state what may be shown now. What a key does is here too,
and everything that concerns the core goes through `ApexbeatApp.ask`.
"""

from __future__ import annotations

import math
from typing import ClassVar, cast

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal

from monitor.tui import words
from monitor.tui.actions import Actions
from monitor.tui.keys import bindings
from monitor.tui.live import home
from monitor.tui.state import SessionState
from monitor.tui.widgets import (
    alarms,
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

CLASSES = ("brief", "small", "medium", "large", "huge")


def size_class(width: int, height: int) -> str:
    """Which of the layouts fits: each is complete at its smallest size."""
    if width < 60 or height < 20:
        return "brief"
    if width < 80 or height < 24:
        return "small"
    if width < 100 or height < 34:
        return "medium"
    return "huge" if width >= 160 and height >= 50 else "large"


class MainScreen(Actions):
    """Numbers, waveform, trend and alarms of one session."""

    BINDINGS: ClassVar[list[BindingType]] = bindings()
    AUTO_FOCUS = None

    def __init__(self) -> None:
        super().__init__()
        self.trend_span = 1
        self._layout = ""
        self._trend_of: object = None

    def compose(self) -> ComposeResult:
        """All panels; the style sheet hides what a size has no room for."""
        glyphs = home(self).glyphs
        self.set_class(not glyphs.unicode, "ascii")
        yield Panel(glyphs, id="title")
        yield Panel(glyphs, id="banner")
        with Horizontal(id="numbers"):
            yield Panel(glyphs, id="rate")
            yield Panel(glyphs, id="verdict")
            yield Panel(glyphs, id="signal")
        yield Panel(glyphs, id="silence")
        yield Panel(glyphs, id="note")
        yield WavePanel(glyphs, id="wave")
        yield Panel(glyphs, id="bar")
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
        name = size_class(event.size.width, event.size.height)
        if name != self._layout:
            self._layout = name
            for other in CLASSES:
                self.set_class(other == name, other)
        self.call_after_refresh(self.advance)

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
        if self._layout == "brief":
            size = self.size
            self.panel("brief").show(brief.lines(state, now, size.width, size.height, glyphs))
            return
        width = self.size.width
        self.panel("title").show([title.line(state, now, width, glyphs)])
        self.panel("banner").show([banner.line(state, now, width, glyphs, flash=app.flash)])
        if silent:
            panel = self.panel("silence")
            panel.show(silence.lines(state, now, panel.size.width, panel.size.height), "THE CORE")
        else:
            self._numbers(session, math.floor(now * 2) / 2)
        wave = cast(WavePanel, self.panel("wave"))
        if self._layout != "small":
            wave.advance(state, now)
        else:
            note = " waveform: needs 80 × 24 or more"
            self.panel("note").show([[(words.cut(note, width), "dim")]])
        bar = replay_bar.line(session, wave.frozen, width, glyphs) if session else []
        self.set_class(bool(bar), "replay")
        self.panel("bar").show([bar])
        if self._layout in {"large", "huge"}:
            self._trend(session)
        self._log(session)
        replay = session is not None and session.play is not None
        cast(Footer, self.panel("keys")).update(*app.message(), replay)

    def _numbers(self, shown: SessionState | None, now: float) -> None:
        glyphs = home(self).glyphs
        for name, heading, make in (
            ("rate", "HEART RATE /min", rate.lines),
            ("verdict", "HEART SOUND", verdict.lines),
            ("signal", "SIGNAL", signal.lines),
        ):
            panel = self.panel(name)
            size = panel.size
            if size.width and size.height:
                panel.show(make(shown, now, size.width, size.height, glyphs), heading)

    def _trend(self, shown: SessionState | None) -> None:
        panel = self.panel("trend")
        span = trend.SPANS_MIN[self.trend_span]
        name = f"{span} min" if span < 60 else f"{span // 60} h"
        heading = f"TREND · {name} · rate /min above, p(abnormal) below"
        size, glyphs = panel.size, home(self).glyphs
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
        lines = alarms.lines(shown, size.width, size.height, home(self).glyphs) if shown else []
        panel.show(
            lines, alarms.heading(shown, size.width), "research and teaching · not a medical device"
        )
