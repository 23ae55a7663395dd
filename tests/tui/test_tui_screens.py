"""Help, log, device, settings and quit screens, palette and mouse, against a stand-in core."""

from __future__ import annotations

from pathlib import Path

import pytest
from hands import bench
from scene import alarm
from scenes import scene

from monitor.tui.keys import KEYS


async def test_the_help_names_every_key(tmp_path: Path) -> None:
    async with bench(tmp_path, scene("normal"), size=(120, 60)) as it:
        await it.press("question_mark")
        for key in KEYS:
            await it.seen(key.long)
        await it.press("escape")
        await it.until(lambda: KEYS[0].long not in it.text)
        await it.press("f1", "down", "up", "pagedown", "pageup", "q")
        assert len(it.app.screen_stack) == 1


async def test_the_alarm_log_filters_searches_acknowledges_and_jumps(tmp_path: Path) -> None:
    played = scene("several")
    played.alarms[2] = alarm(6, "poor_signal", "low", 740, "noisy: rubbing, 14 s")
    async with bench(tmp_path, played) as it:
        await it.press("l")
        await it.seen("shown: all, 6")
        await it.press("f")
        await it.seen("shown: active, 3")
        await it.press("f", "f")
        await it.seen("shown: high, 2")
        await it.press("f", "f", "f")
        await it.press("slash", *"rubbing", "enter")
        await it.seen('"rubbing", 2')
        await it.press("a")
        assert (await it.asked("acknowledge")).alarm == "poor_signal"
        await it.press("enter")
        await it.seen("FROZEN 0 s at 08:12:21")


async def test_a_jump_to_sound_that_is_not_here_says_so(tmp_path: Path) -> None:
    async with bench(tmp_path, scene("normal")) as it:
        await it.press("l", "down", "end", "home", "enter")
        await it.seen("the sound of that moment is not on this screen")
        assert "FROZEN" not in it.text


async def test_d_shows_the_device_and_adds_another(tmp_path: Path) -> None:
    async with bench(tmp_path, scene("normal")) as it:
        await it.press("d")
        await it.seen("+12 ppm against this machine")
        await it.press("n", "n", *"mic2", "enter")
        assert (await it.asked("add")).device == "mic2"


async def test_s_changes_a_limit_and_refuses_one_that_cannot_be(tmp_path: Path) -> None:
    async with bench(tmp_path, scene("normal")) as it:
        it.app.state.shown().settings.update(
            {"alarms.tachycardia": 120.0, "alarms.bradycardia": 50.0}
        )
        await it.press("s")
        await it.seen("above  120 /min")
        await it.press("2", *["backspace"] * 3, *"130", "enter")
        assert (await it.asked("limits")).limits == {"tachycardia": 130.0}
        await it.seen("above  130 /min")
        await it.press("2", *["backspace"] * 3, *"30", "enter")
        await it.seen("must lie below")
        await it.press("2", *["backspace"] * 3, *"abc", "enter")
        await it.seen("abc is no number")
        assert len([r for r in it.core.requests if r.what == "limits"]) == 1


async def test_tab_shows_the_next_device_and_the_banner_keeps_the_alarms_of_all(
    tmp_path: Path,
) -> None:
    first, second = scene("normal"), scene("alarm")
    second.session, second.status["device"] = "second", "Second Microphone"
    async with bench(tmp_path, first, second) as it:
        await it.seen("1/2 USB Stethoscope")
        await it.seen("abnormal heart sound on Second Microphone")
        await it.press("tab")
        await it.seen("2/2 Second Microphone")
        await it.seen("◆ MEDIUM  abnormal heart sound  since")


async def test_a_read_only_screen_asks_for_nothing(tmp_path: Path) -> None:
    async with bench(tmp_path, scene("alarm"), read_only=True) as it:
        for key in ("a", "A", "p", "m", "r"):
            assert f" {key} " not in it.text.splitlines()[-1]
            await it.press(key)
            await it.seen("this screen is read-only")
            it.clock.now += 5
            it.core.step()
            await it.until(lambda: "read-only" not in it.text)
        await it.press("q", "e")
        assert it.app.is_running
        assert it.core.requests == []


@pytest.mark.parametrize("key", ["k", "e"])
async def test_q_asks_whether_the_monitoring_goes_on(tmp_path: Path, key: str) -> None:
    async with bench(tmp_path, scene("normal")) as it:
        await it.press("q")
        await it.seen("LEAVE THE SCREEN")
        await it.press("escape")
        assert it.core.requests == []
        await it.pilot.press("ctrl+c", key)
        if key == "e":
            await it.asked("stop")
        await it.until(lambda: it.app.return_value == 0)
        assert bool(it.core.requests) is (key == "e")


async def test_enter_leaves_and_the_monitoring_goes_on_whichever_command_opened_the_screen(
    tmp_path: Path,
) -> None:
    async with bench(tmp_path, scene("normal")) as it:
        await it.pilot.press("q", "enter")
        await it.until(lambda: it.app.return_value == 0)
        assert it.core.requests == []


async def test_the_command_palette_knows_the_keys(tmp_path: Path) -> None:
    async with bench(tmp_path, scene("normal")) as it:
        await it.press("ctrl+p")
        await it.press(*"pause")
        await it.seen("pause audio (p)")


async def test_the_mouse_clicks_keys_of_the_footer(tmp_path: Path) -> None:
    async with bench(tmp_path, scene("alarm")) as it:
        column = it.text.splitlines()[-1].index("a acknowledge")
        await it.pilot.click("#keys", offset=(column + 2, 0))
        await it.asked("acknowledge")


async def test_what_the_start_had_to_say_stands_on_the_screen_one_by_one(tmp_path: Path) -> None:
    notes = ["the machine may go to sleep", "session x ended unexpectedly"]
    async with bench(tmp_path, scene("normal"), notes=notes) as it:
        await it.seen(notes[0])
        assert notes[1] not in it.text
        it.clock.now += 4.1
        await it.seen(notes[1])
        it.clock.now += 4.1
        await it.seen("? help")
        assert notes[1] not in it.text
