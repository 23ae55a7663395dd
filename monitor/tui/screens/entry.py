"""A dialog with one line to write in."""

from __future__ import annotations

from collections.abc import Callable

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Input

from monitor.tui.live import home
from monitor.tui.screens.dialog import Dialog
from monitor.tui.widgets.panel import Line, Panel


class EntryScreen(Dialog[str]):
    """Gives what was written, or None where Escape was pressed."""

    def __init__(
        self,
        heading: str,
        question: str,
        *,
        value: str = "",
        longest: int = 200,
        preview: Callable[[str], tuple[str, str]] | None = None,
    ) -> None:
        super().__init__()
        self._preview = preview
        self.heading = heading
        self._question = question
        self._value = value
        self._longest = longest

    def compose(self) -> ComposeResult:
        """The question, and the line under it."""
        glyphs = home(self).glyphs
        self.set_class(not glyphs.unicode, "ascii")
        with Vertical(id="box", classes="dialog"):
            yield Panel(glyphs, id="page")
            yield Input(self._value, max_length=self._longest, id="entry")

    def on_mount(self) -> None:
        """Write at once."""
        self.query_one(Input).focus()

    def advance(self) -> None:
        """The question stays as it is."""
        if not self.is_mounted:
            return
        box, page = self.query_one("#box"), self.query_one("#page", Panel)
        rows: list[Line] = [[(self._question, "plain")]]
        if self._preview is not None:
            rows.append([self._preview(self.query_one(Input).value.strip())])
        wide = max(len(self._question), 40 if self._preview is None else 64)
        box.styles.width = min(wide + 6, self.app.size.width)
        box.styles.height = 4 + len(rows)
        page.styles.height = 1 + len(rows)
        page.show(rows)
        box.border_title = self.heading
        box.border_subtitle = page.glyphs.plain("enter take · esc leave it")

    def on_input_changed(self, event: Input.Changed) -> None:
        """Say at once what it would do."""
        self.advance()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        self.dismiss(self.result_of(event.value.strip()))

    def result_of(self, text: str) -> str:
        """What is given for the written ``text``."""
        return text
