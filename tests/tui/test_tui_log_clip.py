"""Clips from the alarm log: found, played by a process of its own, stopped, and said why not."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from hands import bench
from scenes import scene

from monitor.cli.screen_helpers import helpers
from monitor.config.load import Settings, build
from monitor.sound.play_clip import PEAK, louder, main
from monitor.tui.helpers import Helpers

LONG = [sys.executable, "-c", "import time; time.sleep(60)"]


async def test_c_plays_the_clip_of_the_chosen_alarm_and_stops_it(tmp_path: Path) -> None:
    asked: list[tuple[str, int, str]] = []

    def find(session: str, index: int, kind: str) -> list[str] | str:
        asked.append((session, index, kind))
        return LONG

    async with bench(tmp_path, scene("several"), helpers=Helpers(clip=find)) as it:
        await it.press("l", "c")
        await it.seen("playing (c stops)")
        assert asked == [(it.core.scenes[0].session, 758 * 2000, "tachycardia_extreme")]
        await it.press("c")
        await it.until(lambda: "playing" not in it.text)
        await it.press("end", "c")  # one of an earlier session: its clip is of that session
        await it.seen("playing (c stops)")
        assert asked[-1] == ("20261122-190000-f3", 400 * 2000, "heart_lost")
        await it.press("escape")
        assert it.app.player.what is None


@pytest.mark.parametrize(
    ("found", "words"),
    [
        ("no clip of this alarm", "no clip of this alarm"),
        ([sys.executable, "-c", "raise SystemExit('no output')"], "clip: no output"),
    ],
)
async def test_why_nothing_is_heard_is_said(
    tmp_path: Path, found: list[str] | str, words: str
) -> None:
    async with bench(tmp_path, scene("alarm"), helpers=Helpers(clip=lambda *_: found)) as it:
        await it.press("l", "c")
        await it.seen(words)


async def test_a_screen_without_helpers_says_where_clips_are_heard(tmp_path: Path) -> None:
    async with bench(tmp_path, scene("alarm")) as it:
        await it.press("l", "c")
        await it.seen("open the log where the monitor runs")


def test_the_clip_is_the_file_that_the_record_writes(tmp_path: Path) -> None:
    find = helpers(tmp_path, Settings(), tmp_path).clip
    assert find is not None
    assert "written 20 s after it" in find("s", 2000, "tachycardia")
    path = tmp_path / "clips" / "s" / "000000002000-tachycardia.flac"
    path.parent.mkdir(parents=True)
    path.touch()
    assert str(path) in find("s", 2000, "tachycardia")
    off = helpers(tmp_path, build({"record": {"clips": False}}), tmp_path).clip
    assert off is not None
    assert "record.clips is off" in off("s", 1, "tachycardia")


def test_a_quiet_clip_is_played_loud_at_the_rate_of_the_output() -> None:
    sound = 0.01 * np.sin(2 * np.pi * 100 * np.arange(4000) / 2000).astype(np.float32)
    heard = louder(sound, 2000, 44_100)
    assert len(heard) == pytest.approx(2 * 44_100, abs=50)
    assert np.abs(heard).max() == pytest.approx(PEAK, rel=0.1)
    assert not louder(np.zeros(100, np.float32), 2000, 48_000).any()


def test_what_cannot_be_read_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(tmp_path / "absent.flac")]) == 3
    assert capsys.readouterr().err.startswith("the clip cannot be read (")
