"""The base of all dialogs: a framed panel of lines in the middle, over the dimmed screen."""

from __future__ import annotations

from typing import ClassVar, TypeVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen

from monitor.tui.live import Live, home
from monitor.tui.widgets.panel import Line, Panel, width_of

Result = TypeVar("Result")


class Dialog(Live, ModalScreen[Result]):
    """Shows what `lines` gives; Escape closes it."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "close", "close", show=False)]
    AUTO_FOCUS = None
    heading = ""

    def lines(self) -> list[Line]:
        """The content; made anew at each frame."""
        return []

    def foot(self) -> str:
        """What stands in the frame at the bottom."""
        return "esc close"

    def compose(self) -> ComposeResult:
        glyphs = home(self).glyphs
        self.set_class(not glyphs.unicode, "ascii")
        panel = Panel(glyphs, id="dialog")
        panel.add_class("dialog")
        yield panel

    def on_mount(self) -> None:
        self.advance()

    def advance(self) -> None:
        """Draw the content and fit the frame to it."""
        if not self.is_mounted:
            return
        lines, foot = self.lines(), self.foot()
        panel = self.query_one("#dialog", Panel)
        least = max(len(self.heading) + 4, len(foot), 24)
        width = max([width_of(line) for line in lines] + [least])
        panel.styles.width = min(width + 6, self.app.size.width)
        panel.styles.height = min(len(lines) + 2, max(1, self.app.size.height - 3))
        app = home(self)
        if app.state.silent(app.now()):
            foot = f"CORE NOT RESPONDING · {foot}"
        panel.show(lines, self.heading, foot)

    def action_close(self) -> None:
        """Close without a result."""
        self.dismiss(None)

    def on_click(self, event: events.Click) -> None:
        """A click beside the panel closes it."""
        if event.widget is self:
            self.action_close()
