"""The long run in minutes of virtual time: every fault of the plan once."""

from __future__ import annotations

from pathlib import Path

from outcome import Outcome
from soak_plan import soak
from soak_rig import _Windows

from monitor import events as ev
from monitor.assembly import Models


def test_three_minutes_with_every_fault_miss_and_double_no_window(
    tmp_path: Path, models: Models
) -> None:
    out = Outcome("soak", "short", {})
    soak(hours=0.06, folder=tmp_path / "store", out=out, models=models, phase_s=36.0)
    assert out.missed == []
    [rows] = out.rows.values()
    found = {row.what: row.figure for row in rows}
    assert int(found["windows"]) > 100
    assert "gap" in found["lines by type"]


def test_a_doubled_and_a_missed_window_are_seen() -> None:
    windows = _Windows()
    for s1 in (1000, 3000):
        beat = ev.Beat(
            index=9000, s1=s1, systole=None, s2=None, diastole=None, end=None, confidence=1.0
        )
        windows.take(beat)
    for start in (1000, 1000):
        windows.take(ev.Window(index=9000, start=start, p=None, used=False, reason=None))
    windows.end()
    assert (windows.doubled, windows.missed) == (1, 1)
