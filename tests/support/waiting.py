"""Waiting for what another thread or process does, and a port for it."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable

PATIENCE_S = 120.0


def until(condition: Callable[[], object], what: str = "it", limit_s: float = PATIENCE_S) -> None:
    """Wait until something holds; fail with ``what`` where it does not."""
    end_s = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < end_s, f"did not come in {limit_s:.0f} s: {what}"
        time.sleep(0.02)


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
