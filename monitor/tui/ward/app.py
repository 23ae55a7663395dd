"""The screen of a ward: many beds that report to a broker, alarms first. It only shows.

What is heard comes from a thread; four times a second it is taken and what changed is drawn.
"""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Protocol

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen

from monitor.clock import Clock, SystemClock
from monitor.integrations.beds import Ward
from monitor.integrations.listen import ReceivedMessage
from monitor.tui.base import TerminalApp
from monitor.tui.ward import lines as ward_lines
from monitor.tui.widgets import theme
from monitor.tui.widgets.glyphs import UNICODE, Glyphs
from monitor.tui.widgets.panel import Panel

FRAMES_PER_S = 4
TURN_S = 5.0
"""Where there are more beds than fit, others are shown so often."""

REST_S = 30.0
"""After a key they stay for so long."""


class Ear(Protocol):
    """What the screen needs of a `Listening`."""

    def take(self) -> list[ReceivedMessage]:
        """What was heard since the last time."""
        ...


class WardScreen(Screen[None]):
    """Title, banner, beds, log, keys."""

    AUTO_FOCUS = None

    def __init__(self, glyphs: Glyphs) -> None:
        super().__init__()
        self._glyphs = glyphs

    def compose(self) -> ComposeResult:
        self.set_class(not self._glyphs.unicode, "ascii")
        for name in ("title", "banner", "beds", "ward-log", "keys"):
            yield Panel(self._glyphs, id=name)


class WardApp(TerminalApp):
    """Shows the beds of one broker.

    Parameters
    ----------
    ear
        Started and stopped by whoever made it.
    bell
        Ring the terminal's bell when an alarm of high priority is raised or a bed falls silent.
    """

    CSS_PATH = "../apexbeat.tcss"
    CSS = "#ward-log { height: 9; } #beds { height: 1fr; }"
    TITLE = "apexbeat ward"
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q,ctrl+c,ctrl+q", "quit_now", "leave", priority=True),
        Binding("down,pagedown,space", "page(1)", "further beds"),
        Binding("up,pageup", "page(-1)", "back"),
        Binding("home", "page(0)", "most urgent"),
    ]

    def __init__(
        self,
        ear: Ear,
        broker: str,
        *,
        glyphs: Glyphs = UNICODE,
        clock: Clock | None = None,
        theme_name: str = theme.DARK.name,
        frames_per_s: float = FRAMES_PER_S,
        bell: bool = False,
    ) -> None:
        super().__init__(glyphs, theme_name)
        self.ward = Ward()
        self._ear, self._broker, self._bell = ear, broker, bell
        self._clock = clock or SystemClock()
        self._frames_per_s = frames_per_s
        self._trouble = ""
        self._turn, self._turned_s = 0, float("-inf")
        self._log_rows = 0

    def get_default_screen(self) -> Screen[None]:
        """The only screen."""
        return WardScreen(self.glyphs)

    def on_mount(self) -> None:
        """Start to draw."""
        self.ward.link(False, self._clock.monotonic())
        if self._frames_per_s:
            self.set_interval(1 / self._frames_per_s, self.frame)

    def frame(self) -> None:
        """Take what was heard, and draw what changed."""
        now, wall = self._clock.monotonic(), self._clock.wall()
        fresh = []
        for heard in self._ear.take():
            if heard.topic:
                fresh += self.ward.receive(heard.topic, heard.body, heard.retained, now, wall)
            else:
                self._trouble = heard.body.decode("utf-8", "replace")
                self.ward.link(not heard.body, now)
        fresh += self.ward.tick(now, wall)
        if self._bell and any(entry.priority == "high" for entry in fresh):
            self.bell()
        self._draw(now)

    def _draw(self, now: float) -> None:
        glyphs, ward = self.glyphs, self.ward
        screen = self.screen_stack[0]
        if not screen.query("#beds"):
            return
        panels = {name: screen.query_one(f"#{name}", Panel) for name in
                  ("title", "banner", "beds", "ward-log", "keys")}  # fmt: skip
        rows = ward.rows(now)
        width = self.size.width
        line = ward_lines.title(rows, self._broker, ward, width, glyphs)
        panels["title"].show([line])
        panels["banner"].show([ward_lines.banner(ward, rows, self._trouble, now, width, glyphs)])
        layout = ward_lines.plan(len(rows), width, self.size.height)
        if panels["ward-log"].styles.height is None or layout.log != self._log_rows:
            self._log_rows = layout.log
            panels["ward-log"].styles.height = layout.log
        size = panels["beds"].size
        if now - self._turned_s > TURN_S:
            self._turn, self._turned_s = self._turn + 1, now
        panels["beds"].show(
            ward_lines.beds(rows, size.width, size.height, self._turn, glyphs),
            "BEDS · most urgent first",
        )
        size = panels["ward-log"].size
        entries = ward.log
        panels["ward-log"].show(
            ward_lines.log(entries, size.width, size.height, glyphs),
            f"ALARMS · {len(entries)} · newest first",
            "research and teaching · not a medical device",
        )
        keys = " q leave  down further beds  up back  home most urgent"
        panels["keys"].show([[(keys, "dim")]])

    def action_page(self, way: int) -> None:
        """Show other beds."""
        self._turn = max(0, self._turn + way) if way else 0
        self._turned_s = self._clock.monotonic() + REST_S - TURN_S
        self.frame()

    def action_quit_now(self) -> None:
        """Leave; nothing is changed by it."""
        self.exit(0)


def run(ear: Ear, broker: str, log: Path, *, bell: bool = False) -> int:
    """Show the beds until the user quits; return the exit code.

    Raises
    ------
    UsageError
        If the terminal cannot show a screen.
    """
    from monitor.tui import terminal

    def make(glyphs: Glyphs) -> WardApp:
        return WardApp(ear, broker, glyphs=glyphs, theme_name=theme.preferred(), bell=bell)

    return terminal.run(make, log=log)
