"""A dialog with one line to write in."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.widgets import Input

from monitor.tui.dialog import Dialog
from monitor.tui.panel import Line


class EntryScreen(Dialog[str]):
    """Gives what was written, or None where Escape was pressed."""

    def __init__(self, heading: str, question: str, *, value: str = "", longest: int = 200) -> None:
        super().__init__()
        self.heading = heading
        self._question = question
        self._value = value
        self._longest = longest

    def compose(self) -> ComposeResult:
        """The question, and the line under it."""
        yield from super().compose()
        yield Input(self._value, max_length=self._longest, id="entry")

    def on_mount(self) -> None:
        """Write at once."""
        super().on_mount()
        self.query_one(Input).focus()

    def lines(self) -> list[Line]:
        """The question."""
        return [[(self._question, "plain")]]

    def foot(self) -> str:
        """Keys."""
        return "enter take · esc leave it"

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Give it."""
        self.dismiss(event.value.strip())
