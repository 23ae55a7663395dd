"""What a screen may know of the program that shows it, and how it is redrawn with the frames."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Protocol, cast

if TYPE_CHECKING:
    from textual.dom import DOMNode
    from textual.geometry import Size
    from textual.screen import Screen

    from monitor.link import messages as ms
    from monitor.link import requests as rq
    from monitor.playing import Band
    from monitor.tui.helpers import Helpers, Player
    from monitor.tui.requests import Answered
    from monitor.tui.state import ScreenState, SessionState
    from monitor.tui.widgets.glyphs import Glyphs
    from monitor.tui.widgets.title import PlayedSound


class Live:
    """A screen that is redrawn with the frames."""

    def advance(self) -> None:
        """Bring it to what may be shown now."""


class Program(Protocol):
    """The program around the screens: `monitor.tui.app.ApexbeatApp`."""

    glyphs: Glyphs
    state: ScreenState
    helpers: Helpers
    player: Player[object]
    hearing: Player[tuple[str, Band]]
    read_only: bool
    details: bool
    flash: bool
    theme: Any

    @property
    def played(self) -> PlayedSound | None: ...
    @property
    def size(self) -> Size: ...
    def now(self) -> float: ...
    def frame(self) -> None: ...
    def say(self, text: str, ink: str = "plain") -> None: ...
    def hear(self, session: str, band: Band | None) -> None: ...
    def examine(self, command: Sequence[str]) -> None: ...
    def message(self) -> tuple[str, str]: ...
    def may_change(self) -> bool: ...
    def ask(
        self, request: rq.AnyRequest, *, done: str = "", after: Callable[[], None] | None = None
    ) -> bool: ...
    def send(self, request: rq.AnyRequest, answered: Answered) -> bool: ...
    def acknowledge(self, session: SessionState, line: ms.AlarmLine) -> None: ...
    def note_shown(self, pairs: Iterable[tuple[SessionState, ms.AlarmLine]]) -> None: ...
    def was_seen(self, session: SessionState, line: ms.AlarmLine) -> bool: ...
    def push_screen(
        self, screen: Screen[Any], callback: Callable[[Any], Any] | None = None
    ) -> Any: ...
    def exit(self, result: int | None = None) -> None: ...


def home(node: DOMNode) -> Program:
    """The program that ``node`` is part of."""
    return cast("Program", node.app)
