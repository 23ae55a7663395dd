"""A note for a mark: the moment is that of the key, however long the writing takes."""

from __future__ import annotations

from monitor.tui.live import home
from monitor.tui.screens.entry import EntryScreen


class NoteScreen(EntryScreen):
    """Gives the note, which may be empty, or None."""

    def __init__(self, pressed_at: float) -> None:
        super().__init__("MARK THIS MOMENT", "What do you see? The note may stay empty.")
        self._pressed_at = pressed_at

    def result_of(self, text: str) -> str:
        """The note; if the writing took long it says so, for the index is the core's."""
        late = home(self).now() - self._pressed_at
        return f"{text} (key pressed {late:.0f} s earlier)".strip() if late >= 2 else text
