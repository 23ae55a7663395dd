"""The key that begins an examination: with which words, and where it cannot."""

from __future__ import annotations

from pathlib import Path

from hands import bench
from scenes import scene

from monitor.cli.exam import exam
from monitor.cli.screen_helpers import helpers
from monitor.config.load import Settings, build
from monitor.tui.helpers import Helpers


def _nothing(*_: str) -> list[str]:
    raise AssertionError("no examination was to begin")


async def test_a_screen_without_a_terminal_of_its_own_says_how_to_examine(tmp_path: Path) -> None:
    for beside in (Helpers(), Helpers(examine=lambda *_: ["true"])):
        async with bench(tmp_path, scene("normal"), helpers=beside) as it:
            await it.press("n")
            await it.seen("an examination needs a")


async def test_a_read_only_screen_examines_nobody(tmp_path: Path) -> None:
    beside = Helpers(examine=_nothing)
    async with bench(tmp_path, scene("normal"), helpers=beside, read_only=True) as it:
        await it.press("n")
        assert "examine a person" not in it.text


def test_an_examination_hears_and_judges_as_the_monitor_does(tmp_path: Path) -> None:
    address = tmp_path / "link.sock"
    own = build({"verdict": {"windows": 14}, "capture": {"rate_hz": 8000},
                 "screen": {"theme": "light"}})  # fmt: skip
    for settings, source, device in ((own, "phantom", "slow"), (Settings(), "live", "USB (2)")):
        examine = helpers(tmp_path, settings, address).examine
        assert examine is not None
        words = examine(source, device, "child")
        assert ("verdict.windows=14" in words) == ("capture.rate_hz=8000" in words)
        assert ("verdict.windows=14" in words) == (settings is own)
        assert not any("screen" in word for word in words)
        parsed = exam.make_context("exam", words[words.index("exam") + 1 :]).params
        assert parsed[{"phantom": "phantom", "live": "device"}[source]] == device
        assert parsed["profile"] == "child"  # what is asked for begins with it
        assert f"record.folder={tmp_path}" in parsed["overrides"]
