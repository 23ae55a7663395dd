"""Limits with their effect: what a limit would have done, on a ruler, and while it is written."""

from __future__ import annotations

from pathlib import Path

import pytest
from hands import bench
from scene import SETTINGS
from scenes import scene

from monitor.tui import limits
from monitor.tui.series import Series
from monitor.tui.state import SessionState
from monitor.tui.widgets.glyphs import ASCII, UNICODE


def known(*rates: float | None) -> SessionState:
    state = SessionState("s", settings=dict(SETTINGS))
    state.trend.restart([(n * 2000, rate, None) for n, rate in enumerate(rates)])
    return state


def test_how_long_the_rate_was_beyond_a_limit_and_the_longest_stretch() -> None:
    series = Series()
    assert series.beyond(100, above=True) == (0.0, 0.0, 0.0)
    rates = [90.0] * 5 + [130.0] * 4 + [None] + [130.0] * 3 + [90.0] * 7
    series.restart([(n * 2000, rate, None) for n, rate in enumerate(rates)])
    assert series.beyond(120, above=True) == (7.0, 4.0, 19.0)
    assert series.beyond(95, above=False) == (12.0, 7.0, 19.0)


def test_the_effect_says_whether_the_alarm_would_have_been_raised() -> None:
    state = known(*[80.0] * 30, *[130.0] * 12, *[80.0] * 30, *[160.0] * 4)
    assert limits.effect(state, "tachycardia", 120) == "16 s of 76 s: alarm"
    assert limits.effect(state, "tachycardia_extreme", 150) == "4 s of 76 s: no alarm"
    assert limits.effect(state, "bradycardia", 50) == "not once in 76 s"
    assert limits.effect(SessionState("s"), "bradycardia", 50) == "no rate heard yet"


def test_a_limit_that_is_being_written_is_tried_out_before_it_is_taken() -> None:
    state = known(*[80.0] * 30)
    assert limits.try_out(state, "tachycardia", "75")[0] == "so far beyond it: 30 s of 30 s: alarm"
    assert limits.try_out(state, "tachycardia", "45")[1] == "medium"
    assert "number" in limits.try_out(state, "tachycardia", "x")[0]
    assert limits.try_out(state, "tachycardia", "")[0] == ""


@pytest.mark.parametrize("glyphs", [UNICODE, ASCII])
@pytest.mark.parametrize("width", [24, 58])
def test_the_ruler_fits_and_names_every_limit(glyphs: object, width: int) -> None:
    state = known(20.0, 80.0, 400.0)
    rows = ["".join(text for text, _ in line) for line in limits.ruler(state, width, glyphs)]  # type: ignore[arg-type]
    assert {len(row) for row in rows} == {width}
    assert "120" in rows[2]
    assert "150" in rows[2]
    assert glyphs is UNICODE or all(row.isascii() for row in rows)


async def test_settings_are_known_to_a_screen_that_attaches_late(tmp_path: Path) -> None:
    async with bench(tmp_path, scene("normal")) as it:
        await it.press("s")
        await it.seen("14 of the last 15 windows")
        await it.press("2", *("backspace",) * 3, "7", "4")
        await it.seen("so far beyond it: 5 min of 13 min: alarm")
        await it.press("enter")
        assert (await it.asked("limits")).limits == {"tachycardia": 74.0}
        await it.seen("limit changed")
        await it.press("k")
        assert (await it.asked("remember")).settings == {
            "alarms.tachycardia": 74.0, "alarms.tachycardia_extreme": 150.0,
            "alarms.bradycardia": 50.0, "alarms.bradycardia_extreme": 40.0,
            "alarms.profile": "adult",
        }  # fmt: skip
        await it.seen("kept for next time")


def test_an_older_core_tells_no_settings_and_nothing_is_made_up() -> None:
    state = SessionState("s")
    state.trend.restart([(n * 2000, 130.0, None) for n in range(30)])
    assert limits.others(state) == []
    assert limits.effect(state, "tachycardia", 120) == "30 s of 30 s"


async def test_the_profile_is_changed_and_an_alarm_switched_off_with_a_reason(
    tmp_path: Path,
) -> None:
    async with bench(tmp_path, scene("normal")) as it:
        await it.press("s")
        await it.seen("profile adult")
        await it.press("p")
        assert (await it.asked("limits")).profile == "child"
        await it.seen("limits of profile child")
        await it.press("o", *"irregular: known", "enter")
        asked = await it.asked("switch")
        assert (asked.alarm, asked.note) == ("irregular", "known")
        await it.seen("irregular off: known")
