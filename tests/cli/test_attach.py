"""``apexbeat attach`` on a core whose supervisor it does not know yet."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

import pytest

import monitor.cli.leaving
import monitor.cli.screen_helpers
import monitor.link.client
import monitor.supervise.launch
import monitor.tui.app
from monitor.cli.main import run
from monitor.link.messages import Hello
from monitor.system.store_lock import SUPERVISOR, StoreLock


class _Core:
    """A core that has begun so lately that nobody watches over it."""

    def receive(self, timeout: float) -> Hello:
        return Hello(link=1, software="test", pid=1, sessions=[], supervised=False)


@pytest.mark.parametrize("held", [True, False], ids=["supervisor", "none"])
def test_a_supervisor_that_is_there_is_left_in_peace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, held: bool
) -> None:
    started = []
    monkeypatch.setattr(
        monitor.link.client.Client, "connect", lambda *_, **__: nullcontext(_Core())
    )
    monkeypatch.setattr(monitor.supervise.launch, "spawn", started.append)
    monkeypatch.setattr(monitor.tui.app, "run", lambda *_, **__: 0)
    monkeypatch.setattr(monitor.cli.screen_helpers, "helpers", lambda *_: [])
    monkeypatch.setattr(monitor.cli.leaving, "tell", lambda _: None)
    lock = StoreLock(tmp_path, SUPERVISOR) if held else None
    try:
        assert run(["attach", "--store", str(tmp_path)]) == 0
    finally:
        if lock is not None:
            lock.release()
    assert len(started) == (0 if held else 1)
