"""Alarms and acknowledgements over kill -9; the long form is tests/soak/soak_alarm_kills.py."""

from __future__ import annotations

from pathlib import Path

import pytest
import soak_alarm_kills
from store_rows import a_session

from monitor.clock import SystemClock
from monitor.events import Alarm, Command
from monitor.live.startup import unapplied
from monitor.record.store import Archive, CommandRow, Store


def test_three_kills_lose_no_alarm_and_double_none(tmp_path: Path) -> None:
    counts = soak_alarm_kills.run(3, 5, tmp_path / "store")
    assert (counts["lost"], counts["twice"]) == (0, 0)
    assert counts["raised"] > 0


@pytest.mark.parametrize("last", [-1, 0, 1])
def test_what_was_answered_and_no_line_tells_of_is_carried_out(tmp_path: Path, last: int) -> None:
    store = Store(tmp_path, SystemClock())
    store.begin(a_session("s"))
    line = Alarm(index=5, kind="clock", priority="medium", state="active", evidence="x")
    store.events("s", 0, [line] * (last + 1))
    body = '{"type":"request","id":1,"session":"s","what":"%s","alarm":"clock","note":"n"}'
    for kind, seq in (("acknowledge", 1), ("mark", 1), ("pause_audio", 1), ("acknowledge", None)):
        text = body % kind
        store.command("s", CommandRow(7, 1.0, "screen", kind, text, seq), lambda: None)
    store.command("s", CommandRow(7, 1.0, "screen", "mark", "{damaged", 9), lambda: None)
    assert store.close(30)
    archive = Archive(tmp_path)
    found = unapplied(archive, "s", archive.last("s")[0])
    archive.close()
    wanted = [Command("acknowledge", 7, "clock", None, "n"), Command("mark", 7, "clock", None, "n")]
    assert found == (wanted if last < 1 else [])
