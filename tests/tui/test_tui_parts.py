"""The parts of the screen that need no terminal: dots, digits, words, layouts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

import apexbeat
from monitor.analysis.averaged import AveragedBeat
from monitor.events import RATE_HZ, Beat, WaveformChunk
from monitor.link.messages import Wave
from monitor.tui import words
from monitor.tui.layout import BARS, layout
from monitor.tui.state import SessionState
from monitor.tui.terminal import alphabet
from monitor.tui.widgets import averaged_beat, braille
from monitor.tui.widgets.digits import big
from monitor.tui.widgets.glyphs import ASCII, UNICODE, Glyphs

RECORDINGS = Path(__file__).parents[2] / "recordings"
STEP = 1000


def test_a_full_raster_is_full_braille_and_an_empty_one_blank() -> None:
    assert braille.rows(np.ones((4, 2), dtype=bool), unicode=True) == ["⣿"]
    assert braille.rows(np.zeros((4, 2), dtype=bool), unicode=True) == [" "]
    assert braille.rows(np.ones((4, 2), dtype=bool), unicode=False) == ["#"]


@pytest.mark.parametrize(
    ("row", "column", "char"), [(0, 0, "⠁"), (3, 0, "⡀"), (0, 1, "⠈"), (3, 1, "⢀")]
)
def test_each_dot_of_a_cell_has_its_bit(row: int, column: int, char: str) -> None:
    dots = np.zeros((4, 2), dtype=bool)
    dots[row, column] = True
    assert braille.rows(dots, unicode=True) == [char]


def test_an_envelope_leaves_unknown_columns_empty_and_cuts_at_the_edge() -> None:
    low = np.array([-2.0, np.nan, -0.1, 0.0])
    high = np.array([2.0, np.nan, 0.1, 0.0])
    dots = braille.envelope(low, high, 2)
    assert dots[:, 0].all()
    assert not dots[:, 1].any()
    assert 0 < dots[:, 3].sum() <= dots[:, 2].sum() < 8


@given(st.integers(0, 299), st.integers(1, 12), st.booleans())
def test_big_digits_fit_their_height_and_are_rectangular(
    value: int, height: int, uni: bool
) -> None:
    rows = big(str(value), height, unicode=uni)
    assert len(rows) <= max(1, height)
    assert len({len(row) for row in rows}) == 1


def test_every_digit_looks_different_in_both_alphabets() -> None:
    for uni in (True, False):
        for height in (3, 5):
            assert len({tuple(big(digit, height, unicode=uni)) for digit in "0123456789-"}) == 11


def test_unknown_is_two_dashes_and_never_zero() -> None:
    assert words.number(None) == words.age(None) == words.rhythm(None) == "--"


def test_a_countdown_reaches_zero_only_at_its_end() -> None:
    assert [words.countdown(s) for s in (119.2, 60, 0.1, 0)] == ["2:00", "1:00", "0:01", "0:00"]


def test_the_session_clock_goes_beyond_a_day() -> None:
    assert words.clock(100_000) == "27:46:40"


@given(st.text(max_size=30), st.integers(0, 20))
def test_a_cut_text_is_never_wider_than_its_room(text: str, width: int) -> None:
    assert cell_len(words.cut(text, width)) <= width


def test_the_ascii_alphabet_is_ascii_and_tells_the_priorities_apart() -> None:
    assert all(part.isascii() for part in (ASCII.high, ASCII.medium, ASCII.low, ASCII.levels))
    for glyphs in (UNICODE, ASCII):
        assert len({glyphs.high, glyphs.medium, glyphs.low, glyphs.cleared}) == 4
    assert ASCII.plain("≥ 0.80 · ü") == ">= 0.80 | ?"


@pytest.mark.parametrize(
    ("environment", "glyphs"),
    [
        ({"LANG": "en_US.UTF-8"}, UNICODE),
        ({"LANG": "de_DE.utf8"}, UNICODE),
        ({}, UNICODE),
        ({"LC_ALL": "C", "LANG": "en_US.UTF-8"}, ASCII),
        ({"LANG": "de_DE.ISO-8859-1"}, ASCII),
        ({"LANG": "en_US.UTF-8", "TERM": "linux"}, ASCII),
        ({"LANG": "C", "APEXBEAT_ASCII": "0"}, UNICODE),
        ({"LANG": "en_US.UTF-8", "APEXBEAT_ASCII": "1"}, ASCII),
    ],
)
def test_the_alphabet_follows_the_locale(environment: dict[str, str], glyphs: Glyphs) -> None:
    assert alphabet(environment) is glyphs


@given(st.integers(1, 300), st.integers(1, 120), st.booleans())
def test_the_parts_fill_the_screen_and_the_waveform_has_most_of_it(
    width: int, height: int, bar: bool
) -> None:
    found = layout(width, height, bar)
    if found.brief:
        assert width < 60 or height < 20
        return
    parts = (found.numbers, found.wave, found.beat, found.trend, found.log)
    assert sum(parts) + BARS + bar == height
    assert found.wave >= max(6, found.trend, found.log, found.beat)
    assert found.rate_columns + found.beat_columns < width


@pytest.mark.parametrize(
    ("width", "height", "rows"),
    [(60, 20, 7), (80, 24, 11), (72, 85, 30), (120, 40, 16), (160, 50, 22), (240, 70, 30),
     (45, 80, 25)],
)  # fmt: skip
def test_the_waveform_grows_with_the_window(width: int, height: int, rows: int) -> None:
    assert layout(width, height).wave >= rows


def test_the_averaged_beat_has_the_levels_that_a_recording_of_its_last_seconds_has() -> None:
    result = apexbeat.analyze(RECORDINGS / "systolic_murmur.flac")
    until = 30 * RATE_HZ
    state = SessionState("s")
    for start in range(0, until, STEP):
        sound = result.sound[start : start + STEP]
        pairs = sound.reshape(-1, 8)
        state.waves.add(Wave(
            session="s", start=start, samples=_int16(sound),
            pairs=_int16(np.stack([pairs.min(1), pairs.max(1)], 1)),
        ))  # fmt: skip
    state.beats.extend(e for e in result.events if isinstance(e, Beat) and (e.end or 1e9) < until)
    first = until - averaged_beat.LEVELS
    alike = AveragedBeat(averaged_beat.SURE)
    alike.picture(WaveformChunk(first, result.sound[first:until], 0.0, 0))
    for beat in state.beats:
        if beat.s1 is not None and beat.s1 >= first:
            alike.beat(beat)
    found, expected = averaged_beat.levels(state), alike.loudness()
    assert found is not None
    assert expected is not None
    for key in found._fields:
        assert getattr(found, key) == pytest.approx(getattr(expected, key), abs=0.11), key
    state.beats.clear()
    assert averaged_beat.levels(state) is None


def _int16(sound: np.ndarray) -> bytes:
    return np.round(sound * 32767).astype("<i2").tobytes()
