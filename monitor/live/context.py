"""What every live session of one core shares: clock, store, link and inbox."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from monitor.clock import Clock
from monitor.link.messages import FromCore
from monitor.record.store import Store


@dataclass(frozen=True, slots=True)
class SessionContext:
    """Shared by the sessions of a core."""

    clock: Clock
    store: Store
    publish: Callable[[FromCore], None]
    later: Callable[[Callable[[], None]], None]
    """Runs something on the analysis thread; callable from any thread."""
    boot_id: str
