"""The one widget that the panels are made of: lines of (text, ink), drawn by ``render_line``.

A panel's content is made by a pure function and given to `show`; nothing is drawn again when it
is the same as before, which is what keeps ten frames a second cheap. An ink is a name, and the
style sheet gives it a colour; words and shapes carry the meaning without it.
"""

from __future__ import annotations

from typing import ClassVar

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip
from textual.widget import Widget

from monitor.tui.widgets.glyphs import UNICODE, Glyphs

Piece = tuple[str, str]
"""Text and the name of its ink."""
Line = list[Piece]

INKS = (
    "plain",
    "dim",
    "strong",
    "good",
    "low",
    "medium",
    "high",
    "wave",
    "second",
    "on-high",
    "on-medium",
    "on-low",
)


def width_of(line: Line) -> int:
    """Columns of a line; letters of some scripts take two."""
    return sum(cell_len(text) for text, _ in line)


def spread(left: Line, right: Line, width: int, ellipsis: str = "") -> Line:
    """``left`` and ``right`` at the two ends of ``width`` columns; ``right`` is kept whole."""
    room = width - width_of(right)
    if width_of(left) > room - 1:
        left = clip(left, max(0, room - 1 - len(ellipsis)))
        if ellipsis and left:
            left.append((ellipsis, left[-1][1]))
    return [*left, (" " * max(0, room - width_of(left)), "plain"), *right]


def clip(line: Line, width: int) -> Line:
    """The first ``width`` columns."""
    out: Line = []
    for text, ink in line:
        if width <= 0:
            break
        wide = cell_len(text)
        out.append((text if wide <= width else set_cell_size(text, width), ink))
        width -= wide
    return out


class Panel(Widget):
    """Lines of text in a frame."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {f"ink--{ink}" for ink in INKS}

    def __init__(self, glyphs: Glyphs = UNICODE, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.glyphs = glyphs
        self._lines: list[Line] = []
        self._inks: dict[str, Style] = {}

    def notify_style_update(self) -> None:
        """Forget the colours of the former theme."""
        super().notify_style_update()
        self._inks = {}

    def ink(self, name: str) -> Style:
        """Colour of an ink in the theme in force."""
        if name not in self._inks:
            self._inks[name] = self.get_component_rich_style(f"ink--{name}")
        return self._inks[name]

    def show(
        self, lines: list[Line], title: str | None = None, subtitle: str | None = None
    ) -> None:
        """Draw ``lines`` if they are others than before."""
        if title is not None:
            self._set_title(title)
        if subtitle is not None:
            self._set_subtitle(subtitle)
        if lines != self._lines:
            self._lines = lines
            self.refresh()

    def _set_title(self, title: str) -> None:
        title = _markup_safe(self.glyphs.plain(title))
        if title != self.border_title:
            self.border_title = title

    def _set_subtitle(self, subtitle: str) -> None:
        subtitle = _markup_safe(self.glyphs.plain(subtitle))
        if subtitle != self.border_subtitle:
            self.border_subtitle = subtitle

    def render_line(self, y: int) -> Strip:
        """One line of the content, as wide as the panel."""
        width = self.size.width
        base = self.ink("plain")
        if y >= len(self._lines):
            return Strip.blank(width, base)
        segments = [Segment(self.glyphs.plain(text), self.ink(ink)) for text, ink in self._lines[y]]
        return Strip(segments).adjust_cell_length(width, base)

    def text(self) -> str:
        """The content as it stands, for tests."""
        return "\n".join("".join(t for t, _ in line) for line in self._lines)


def _markup_safe(text: str) -> str:
    return text.replace("[", "\\[")
