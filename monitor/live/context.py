"""What a live session is tied to: clock, store, link, inbox, and a folder for its sound."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from monitor import events as ev
from monitor.clock import Clock
from monitor.link.messages import FromCore
from monitor.record.store import AnchorRow, Store


class Folder(Protocol):
    """Takes the inputs of a session, to be replayed (see ``record.folder``)."""

    def take(self, item: ev.Input) -> None: ...
    def events(self, events: tuple[ev.Event, ...]) -> None: ...
    def anchor(self, row: AnchorRow) -> None: ...
    def trouble(self) -> str | None: ...
    @property
    def made(self) -> bool: ...
    def close(self, limit_s: float = ...) -> None: ...


@dataclass(frozen=True, slots=True)
class Ties:
    """What a session is tied to."""

    clock: Clock
    store: Store
    publish: Callable[[FromCore], None]
    later: Callable[[Callable[[], None]], None]
    """Runs something on the analysis thread; callable from any thread."""
    boot_id: str
