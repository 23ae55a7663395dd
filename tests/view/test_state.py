"""What is kept for a screen that attaches late."""

from __future__ import annotations

import pytest

from monitor.view import state as live_state
from monitor.view.state import ScreenHistory


def test_the_trend_is_fine_for_minutes_and_coarse_for_a_day(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(live_state, "TREND_FINE", 30)
    monkeypatch.setattr(live_state, "TREND_COARSE", 5)
    shown = ScreenHistory()
    assert shown.trend == []
    points = [(2000 * s, 70.0 + s if s % 3 else None, None if s % 2 else 0.5) for s in range(100)]
    for index, rate, p in points:
        shown.point(index, rate, p)
    fine = points[-30:]
    coarse = [point for point in points if point[0] // 2000 % 10 == 0][-5:]
    assert shown.trend == [point for point in coarse if point[0] < fine[0][0]] + fine
