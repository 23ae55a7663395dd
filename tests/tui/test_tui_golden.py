"""What stands on the screen, whole: states, sizes, alphabets, dialogs.

Rewritten by ``python tests/tui/pictures.py``; the diff is to be read.
"""

from __future__ import annotations

import asyncio
import unicodedata

import pytest
from pictures import GOLDEN, SHOTS, Shot, groups, take

TEXTS = [shot for shot in SHOTS if not shot.manual]


@pytest.mark.parametrize("group", groups(TEXTS), ids=lambda group: group[0].name)
def test_the_screen_is_as_it_was_read_by_a_person(group: list[Shot]) -> None:
    for shot, (text, _) in zip(group, asyncio.run(take(group)), strict=True):
        rows = text.splitlines()
        assert len(rows) == shot.height
        assert max(map(len, rows)) <= shot.width
        if not shot.glyphs.unicode:
            assert text.isascii()
        assert not any(unicodedata.east_asian_width(char) in "WF" for char in text)
        assert text == (GOLDEN / f"{shot.name}.txt").read_text(encoding="utf-8"), shot.name


def test_every_golden_file_belongs_to_a_picture() -> None:
    assert {path.stem for path in GOLDEN.glob("*.txt")} == {shot.name for shot in TEXTS}


def test_the_manual_shows_the_pictures_that_the_command_makes() -> None:
    shot = next(shot for shot in SHOTS if shot.name == "screen-alarm")
    [(_, picture)] = asyncio.run(take([shot]))
    assert picture == (GOLDEN.parents[2] / "docs" / "screen" / "screen-alarm.svg").read_text(
        encoding="utf-8"
    )
