"""What every screen of the product is: its alphabet, its colours, and how a signal ends it."""

from __future__ import annotations

import asyncio

from textual.app import App

from monitor.tui.widgets import theme
from monitor.tui.widgets.glyphs import Glyphs


class TerminalApp(App[int]):
    """An app in our colours that a signal ends in order, even before it has drawn anything."""

    def __init__(self, glyphs: Glyphs, theme_name: str) -> None:
        super().__init__(ansi_color=True)
        self.glyphs = glyphs
        self._loop_to_tell: asyncio.AbstractEventLoop | None = None
        self._told_to_leave: int | None = None
        self.register_theme(theme.DARK)
        self.register_theme(theme.LIGHT)
        self.theme = theme_name

    def leave(self, code: int) -> None:
        """End with ``code``, at once or as soon as it runs; may be called from a signal handler."""
        self._told_to_leave = code
        if self._loop_to_tell is not None:
            self._loop_to_tell.call_soon_threadsafe(self.exit, code)

    def on_mount(self) -> None:
        """Obey a signal that came earlier; Textual calls this beside a subclass's own."""
        self._loop_to_tell = asyncio.get_running_loop()
        if self._told_to_leave is not None:
            self.exit(self._told_to_leave)
