"""The link's troubles on the screen: a core that dies, hangs, says goodbye or talks nonsense."""

from __future__ import annotations

from pathlib import Path

import pytest
from hands import bench
from scene_core import FakeCore
from scenes import scene

from monitor.link import messages as ms


async def test_a_core_that_dies_is_said_after_two_seconds_and_found_again(tmp_path: Path) -> None:
    async with bench(tmp_path, scene("alarm")) as it:
        await it.seen("ABNORMAL")
        await it.core.stop()
        await it.until(lambda: not it.app.state.connected)
        it.clock.now += 2.1
        await it.seen("CORE NOT RESPONDING")
        assert "ABNORMAL" not in it.text
        assert "S1–S2" not in it.text
        assert "78" not in it.wave.text()
        await it.seen("abnormal heart sound")  # the log stays
        await it.press("a")
        await it.seen("not sent, the core does not respond")
        await it.press("l")
        await it.seen("CORE NOT RESPONDING for 3 s; as last heard")
        await it.press("escape")
        again = FakeCore(scene("normal"))
        await again.start(tmp_path / "core.sock")
        await it.until(lambda: it.app.state.connected)
        await it.seen("NORMAL ✓")
        await it.until(lambda: "NOT RESPONDING" not in it.text)
        await again.stop()


async def test_a_core_that_hangs_is_said_by_the_screen_itself(tmp_path: Path) -> None:
    async with bench(tmp_path, scene("normal"), size=(80, 24)) as it:
        it.core.step()
        await it.seen("NORMAL ✓")
        it.clock.now += 2.1
        await it.seen("connected, waiting for it to speak")
        await it.press("q")
        await it.seen("The core does not respond: nobody may be listening.")
        await it.press("escape")
        it.core.step()
        await it.seen("NORMAL ✓")


async def test_a_bye_is_shown_as_the_end_and_not_as_a_fault(tmp_path: Path) -> None:
    async with bench(tmp_path, scene("normal")) as it:
        it.core.say(ms.Bye(reason="ended by another screen"))
        await it.until(lambda: it.app.state.bye is not None)
        await it.core.stop()
        it.clock.now += 2.1
        await it.seen("MONITORING HAS ENDED")
        await it.seen("ended by another screen")


async def test_a_lost_signal_takes_the_numbers_away_at_once(tmp_path: Path) -> None:
    async with bench(tmp_path, scene("normal")) as it:
        await it.seen("NORMAL ✓")
        lost = scene("lost")
        it.core.scenes[0].status, it.core.scenes[0].alarms = lost.status, lost.alarms
        it.core.scenes[0].stops_at_s = 760.0
        it.core.step()
        await it.seen("NO SIGNAL since 08:12:40")
        assert "NORMAL" not in it.text
        assert "318" not in it.text


async def test_another_version_of_the_link_is_said(tmp_path: Path) -> None:
    async with bench(tmp_path, scene("normal")) as it:
        it.core.say(ms.Hello(link=99, software="9", pid=1, sessions=[]))
        await it.seen(f"the core speaks link 99, this screen {ms.LINK_VERSION}")


async def test_an_unreadable_frame_costs_the_connection_and_not_the_screen(tmp_path: Path) -> None:
    async with bench(tmp_path, scene("normal")) as it:
        for writer in list(it.core._writers):
            writer.write(b"\x00\x00\x00\x05hello")
        await it.until(lambda: it.app.state.attempts > 0 or len(it.core.attached) > 1)
        await it.until(lambda: len(it.core.attached) > 1)
        it.core.step()
        await it.seen("NORMAL ✓")


async def test_a_terminal_that_becomes_small_shows_the_numbers_and_not_the_sound(
    tmp_path: Path,
) -> None:
    """The phonocardiogram took the whole room: no rate, no alarm."""
    async with bench(tmp_path, scene("several"), size=(120, 40)) as it:
        await it.seen("PHONOCARDIOGRAM")
        await it.pilot.resize_terminal(40, 12)
        it.core.step()
        await it.seen("HIGH")
        assert "PHONOCARDIOGRAM" not in it.text
        await it.pilot.resize_terminal(120, 40)
        it.core.step()
        await it.seen("PHONOCARDIOGRAM")


@pytest.mark.parametrize("size", [(1, 1), (2, 50), (300, 2), (59, 19), (240, 70)])
async def test_any_size_of_terminal_is_survived(tmp_path: Path, size: tuple[int, int]) -> None:
    async with bench(tmp_path, scene("several"), size=(120, 40)) as it:
        await it.pilot.resize_terminal(*size)
        it.core.step()
        await it.press("question_mark", "escape", "l", "escape", "q", "escape", "space")
        await it.pilot.resize_terminal(120, 40)
        it.core.step()
        await it.seen("ABNORMAL")
