"""A box whose content scrolls, on terminals with and without block characters.

Textual draws the ends of a scroll bar with eighths of a block. A terminal that shows ASCII only
gets a bar of whole, coloured cells instead.
"""

from __future__ import annotations

from typing import ClassVar

from textual.containers import VerticalScroll
from textual.scrollbar import ScrollBarRender

from monitor.tui.widgets.glyphs import Glyphs


class _WholeCells(ScrollBarRender):
    VERTICAL_BARS: ClassVar[list[str]] = [" "] * 8
    HORIZONTAL_BARS: ClassVar[list[str]] = [" "] * 8


class Scroll(VerticalScroll):
    """A box that scrolls up and down and never takes the focus."""

    def __init__(self, glyphs: Glyphs, *, id: str, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes, can_focus=False)
        if not glyphs.unicode:
            # The way that Textual's documentation gives for one widget.
            self.vertical_scrollbar.renderer = _WholeCells  # type: ignore[misc]
