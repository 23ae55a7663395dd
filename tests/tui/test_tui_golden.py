"""What stands on the screen, whole: states, sizes, alphabets, dialogs.

Rewritten by ``python tests/support/pictures.py``; the diff is to be read.
"""

from __future__ import annotations

import asyncio
import re
import unicodedata

import pytest
from pictures import GOLDEN, IN_MANUAL, MANUAL, PAGE, SHOTS, Shot, groups, manual_with_keys, take


@pytest.mark.parametrize("group", groups(SHOTS), ids=lambda group: group[0].name)
def test_the_screen_is_as_it_was_read_by_a_person(group: list[Shot]) -> None:
    for shot, (text, picture) in zip(group, asyncio.run(take(group)), strict=True):
        rows = text.splitlines()
        assert len(rows) == shot.height
        assert max(map(len, rows)) <= shot.width
        if not shot.glyphs.unicode:
            assert text.isascii()
        assert not any(unicodedata.east_asian_width(char) in "WF" for char in text)
        assert text == (GOLDEN / f"{shot.name}.txt").read_text(encoding="utf-8"), shot.name
        if shot.manual:
            assert picture == (MANUAL / f"{shot.name}.svg").read_text(encoding="utf-8"), shot.name


def test_every_golden_file_belongs_to_a_picture() -> None:
    others = ("guide-", "recording-")
    found = {path.stem for path in GOLDEN.glob("*.txt") if not path.name.startswith(others)}
    assert found == {shot.name for shot in SHOTS}


def test_every_picture_of_the_manual_is_made_by_the_command() -> None:
    assert {shot.name for shot in SHOTS} >= IN_MANUAL
    assert {path.stem for path in MANUAL.glob("*.svg")} >= IN_MANUAL


def test_the_manual_names_every_key_and_only_pictures_that_exist() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert manual_with_keys(page) == page
    shown = re.findall(r"\]\(pictures/([^)]+)\.svg\)", page)
    live = {path.stem for path in MANUAL.glob("live-*.svg")}  # support/live_pictures.py
    assert set(shown) <= IN_MANUAL | live | {"guide-choose-80x24"}
