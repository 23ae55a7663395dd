"""The key that plays the heart: one band after the other, off, and why nothing is heard."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from hands import bench
from scenes import scene

from monitor.cli.screen_helpers import helpers
from monitor.config.load import Settings, build
from monitor.playing import BANDS_HZ, HEARD
from monitor.tui.helpers import Helpers

LONG = [sys.executable, "-c", "import sys; sys.stdin.read()"]


async def test_h_plays_each_band_and_then_nothing(tmp_path: Path) -> None:
    asked: list[tuple[str, str]] = []

    def hear(session: str, band: str) -> list[str] | str:
        asked.append((session, band))
        return LONG

    async with bench(tmp_path, scene("normal"), helpers=Helpers(hear=hear)) as it:
        session = it.core.scenes[0].session
        for band in BANDS_HZ:
            await it.press("h")
            await it.seen(f"hearing {band}")
            assert it.app.hearing.what == asked[-1] == (session, band)
        await it.press("h")
        await it.seen("hearing: off")
        assert it.app.hearing.what is None
        assert len(asked) == 3
        await it.press("h")
    assert it.app.hearing.what is None  # no sound outlives the screen


@pytest.mark.parametrize(
    ("found", "words"),
    [
        ("the monitor plays it already", "the monitor plays it already"),
        ([sys.executable, "-c", "raise SystemExit('no output')"], "hearing: no output"),
        ([sys.executable, "-c", "print('the monitoring has ended')"], "hearing: the sound has"),
        ([*LONG[:2], "print('no audio output: none', flush=True); input()"], "no audio output"),
    ],
)
async def test_why_nothing_is_heard_is_said(
    tmp_path: Path, found: list[str] | str, words: str
) -> None:
    hear = Helpers(hear=lambda session, band: found)
    async with bench(tmp_path, scene("normal"), helpers=hear) as it:
        await it.press("h")
        await it.seen(words)


async def test_the_first_line_says_where_no_sound_comes_out(tmp_path: Path) -> None:
    says = f"print('no audio output', flush=True); input(); print({HEARD!r}, flush=True); input()"
    hear = Helpers(hear=lambda session, band: [*LONG[:2], says])
    async with bench(tmp_path, scene("normal"), helpers=hear) as it:
        await it.press("h")
        await it.seen("no sound wide")
        program = it.app.hearing._program
        assert program is not None
        assert program._process.stdin is not None
        program._process.stdin.write(b"\n")
        program._process.stdin.flush()
        await it.seen(f"hearing: {HEARD}")
        await it.seen("hearing wide")


async def test_a_page_in_a_browser_says_where_the_heart_is_heard(tmp_path: Path) -> None:
    async with bench(tmp_path, scene("normal")) as it:
        await it.press("h")
        await it.seen("this screen plays no sound")


async def test_another_device_on_the_screen_is_the_one_that_is_heard(tmp_path: Path) -> None:
    two = scene("normal"), scene("alarm")
    hear = Helpers(hear=lambda session, band: LONG)
    async with bench(tmp_path, *two, helpers=hear) as it:
        await it.press("h", "h")
        await it.press("tab")
        await it.seen("hearing bell")
        assert it.app.hearing.what == (it.app.state.current, "bell")


def test_a_monitor_that_plays_already_is_not_played_twice(tmp_path: Path) -> None:
    address = tmp_path / "link.sock"
    hear = helpers(tmp_path, Settings(), address).hear
    assert hear is not None
    command = hear("s1", "bell")
    assert isinstance(command, list)
    assert str(address) in command[-1]
    plays = helpers(tmp_path, build({"sound": {"listen": "bell"}}), address).hear
    assert plays is not None
    assert "plays it already" in str(plays("s1", "wide"))
