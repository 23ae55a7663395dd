"""The waveform, its gain, its marks and the spectrogram, without a terminal."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scenes import scene
from shown import heard, plain

from monitor import events as ev
from monitor.link import messages as ms
from monitor.tui.state import ScreenState
from monitor.tui.waves import HOLD_BACK, PlayHead, WaveStore
from monitor.tui.widgets import spectrogram, wave
from monitor.tui.widgets.glyphs import UNICODE


def pairs(start: int, count: int, low: int = -100, high: int = 100) -> ms.Wave:
    data = np.array([[low, high]] * count, dtype="<i2").tobytes()
    return ms.Wave(session="s", start=start, pairs=data)


def test_sound_that_never_came_is_unknown_in_the_waveform() -> None:
    store = WaveStore(seconds=10)
    store.add(pairs(0, 125))
    store.add(pairs(3000, 125))
    low, _ = store.columns(0, 4, 1000)
    assert np.isnan(low).tolist() == [False, True, True, False]
    assert store.end == 4000
    assert store.holds(500)
    assert not store.holds(1500)


def test_the_ring_forgets_what_is_older_than_it_is_long() -> None:
    store = WaveStore(seconds=2)
    for start in range(0, 20_000, 1000):
        store.add(pairs(start, 125))
    low, _ = store.columns(0, 20, 1000)
    assert np.isnan(low).sum() == 16
    assert not np.isnan(low[-4:]).any()


def test_columns_take_minimum_and_maximum() -> None:
    store = WaveStore(seconds=10)
    store.add(pairs(0, 125, low=-32767, high=0))
    store.add(pairs(1000, 125, low=0, high=32767))
    low, high = store.columns(0, 1, 2000)
    assert low[0] == -1
    assert high[0] == 1


@given(st.lists(st.floats(0.3, 0.7), min_size=5, max_size=40))
def test_the_picture_never_shows_what_has_not_come_and_never_runs_back(waits: list[float]) -> None:
    head, now, end, shown = PlayHead(), 0.0, 0, 0
    for wait in waits:
        now += wait
        end += 1000
        head.arrived(end, now)
        for later in (0.0, 0.1, 0.2):
            at = head.at(now + later, end)
            assert at <= end
            assert at >= shown or shown - at < 60  # the offset may leak by 1 %
            shown = at


def test_a_steady_stream_is_shown_with_a_fixed_hold_back() -> None:
    head = PlayHead()
    for step in range(1, 20):
        head.arrived(step * 1000, step * 0.5)
    assert head.at(19 * 0.5, 19_000) == pytest.approx(19_000 - HOLD_BACK, abs=20)


def test_a_moved_picture_is_the_same_picture_moved() -> None:
    session = heard(scene("normal")).shown()
    assert session is not None
    samples = wave.grid(5.0, 60)
    one = wave.lines(session, 1_500_000, samples, 4.0, 60, 9, UNICODE)
    two = wave.lines(session, 1_500_000 + 2 * samples, samples, 4.0, 60, 9, UNICODE)
    assert [plain(row)[1:] for row in one[:-1]] == [plain(row)[:-1] for row in two[:-1]]


def test_s1_and_s2_stand_under_their_onsets_and_uncertain_ones_are_small() -> None:
    played = scene("normal")
    session = heard(played).shown()
    assert session is not None
    samples, width = wave.grid(5.0, 118), 118
    head = session.waves.end - 6000
    row = plain(wave.lines(session, head, samples, 4.0, width, 9, UNICODE)[-1])
    start = wave.first_column(head, samples, width)
    for beat in session.beats:
        for onset, word in ((beat.s1, "S1"), (beat.s2, "S2")):
            cell = ((onset or 0) - start) // (2 * samples)
            if 0 <= cell < width - 1:
                expected = word if beat.confidence >= 0.5 else word.lower()
                assert row[cell : cell + 2] == expected


def test_lost_sound_is_crosses_and_sound_that_did_not_reach_the_screen_dots() -> None:
    played = scene("normal")
    state = ScreenState()
    snapshot = played.snapshot(760)
    end = snapshot.status.index
    for start in (end - 9000, end - 5000, end - 1000):
        state.receive(played.wave(start, start + 1000), 1000)
    session = state.shown()
    assert session is not None
    session.status = snapshot.status
    session.event(
        ev.Gap(index=end - 5000, start=end - 8000, length=3000, uncertainty=9, reason="x"),
        1000.0,
    )
    row = "".join(plain(line) for line in wave.lines(session, end, 40, 4.0, 118, 3, UNICODE)[:-1])
    assert row.count("╳") in {3000 // 80, 3000 // 80 + 1}
    assert row.count("·") >= 3000 // 80


def test_the_gain_follows_the_sound_without_pumping() -> None:
    gain = wave.auto_gain(0.1, 4.0)
    assert 0.6 <= 0.1 * gain <= 0.95
    assert wave.auto_gain(0.09, gain) == gain
    assert wave.auto_gain(0.0, gain) == gain
    assert wave.auto_gain(1.0, gain) == wave.GAINS[0]


def test_the_spectrogram_puts_a_tone_into_its_band() -> None:
    store = WaveStore(seconds=10)
    tone = np.sin(2 * np.pi * 200 * np.arange(8000) / 2000)
    for start in range(0, 8000, 1000):
        sound = np.round(tone[start : start + 1000] * 20_000).astype("<i2")
        store.add(ms.Wave(session="s", start=start, pairs=b"\0" * 500, samples=sound.tobytes()))
    levels = spectrogram.columns(store.sound(2000 - 64, 2000 + 40 * 80 + 64), 40, 80, 19)
    assert levels.shape == (19, 40)
    # 200 Hz is a quarter of the four octaves from 400 Hz down.
    assert set(levels.argmax(axis=0)) <= {4, 5}
    assert np.isnan(store.sound(7990, 8010)[10:]).all()


def test_a_core_that_sends_no_samples_is_said_in_the_spectrogram() -> None:
    session = heard(scene("normal")).shown()
    assert session is not None
    session.waves = WaveStore(seconds=10)
    session.waves.add(pairs(0, 125))
    rows = spectrogram.lines(session, 1000, 40, 100, 9, UNICODE)
    assert "no sound for a spectrogram" in "".join(map(plain, rows))
