"""A further device, chosen by its level while the core listens to all of them."""

from __future__ import annotations

from pathlib import Path

from hands import bench
from scenes import scene
from test_tui_first import level

from monitor.link import messages as ms


async def test_levels_are_asked_for_while_the_list_is_open_and_the_chosen_one_is_added(
    tmp_path: Path,
) -> None:
    async with bench(tmp_path, scene("normal"), size=(80, 24)) as it:
        await it.press("d", "n")
        assert (await it.asked("levels")).on is True
        await it.seen("listening to the devices")
        found = [
            level("USB Stethoscope", None, trouble="is monitored"),
            level("Second", -31.0),
        ]
        it.core.say(ms.Levels(devices=found))
        await it.seen("▶ USB Stethoscope")
        await it.seen("is monitored")
        await it.press("enter")
        await it.seen("is monitored already")
        await it.press("down")
        await it.seen("▶ Second")
        await it.press("enter")
        assert (await it.asked("add")).device == "Second"
        assert (await it.asked("levels", 2)).on is False


async def test_a_list_that_is_not_told_any_more_disappears(tmp_path: Path) -> None:
    async with bench(tmp_path, scene("normal")) as it:
        await it.press("d", "n")
        it.core.say(ms.Levels(devices=[level("Second", -31.0)]))
        await it.seen("Second")
        it.clock.now += 3.5
        await it.seen("listening to the devices")
        it.core.say(ms.Levels(devices=[], trouble="the sound system does not answer"))
        await it.seen("the sound system does not answer")
        await it.press("n", *"Third", "enter")
        assert (await it.asked("add")).device == "Third"


async def test_a_read_only_screen_opens_no_devices(tmp_path: Path) -> None:
    async with bench(tmp_path, scene("normal"), read_only=True) as it:
        await it.press("d", "n")
        await it.seen("this screen is read-only")
        assert it.core.requests == []
