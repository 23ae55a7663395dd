"""Listening: the right band, the right rate, never more than a little waiting, never in the way."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scenes import scene

from monitor.link.client import Gone
from monitor.link.messages import Hello, Snapshot, Wave
from monitor.playing import BANDS_HZ, HEARD
from monitor.sound import listening
from monitor.sound.listen import MOST_S, START_S, Interpolator, Listen
from monitor.sound.listening import Follower

RATE = 48_000


def _tone(hz: float, seconds: float = 2.0) -> np.ndarray:
    return 0.25 * np.sin(2 * np.pi * hz * np.arange(round(seconds * 2000)) / 2000)


def waiting_s(listen: Listen) -> float:
    """Seconds of sound that wait to be heard."""
    return listen._waiting / listen._rate_hz


def _heard_db(band: str, hz: float) -> float:
    listen = Listen(band, 0.0, RATE)
    listen.push(_tone(hz))
    sound = listen.pull(2 * RATE)[RATE // 2 :]
    return float(20 * np.log10(np.sqrt(np.mean(sound**2)) / (0.25 / np.sqrt(2)) + 1e-9))


@pytest.mark.parametrize(
    ("band", "hz", "low_db", "high_db"),
    [
        ("bell", 60, -1, 1), ("bell", 350, -90, -25),
        ("diaphragm", 40, -90, -25), ("diaphragm", 250, -1, 1),
        ("wide", 40, -1, 1), ("wide", 350, -1, 1),
    ],
)  # fmt: skip
def test_a_band_passes_what_it_names(band: str, hz: float, low_db: float, high_db: float) -> None:
    assert low_db <= _heard_db(band, hz) <= high_db


def test_a_tone_keeps_its_pitch_at_the_rate_of_the_output() -> None:
    listen = Listen("wide", 0.0, RATE)
    listen.push(_tone(100.0))
    sound = listen.pull(2 * RATE)[RATE:]
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(sound.size)))
    assert np.argmax(spectrum) == pytest.approx(100.0 * sound.size / RATE, abs=1)
    images = spectrum[round(1000 * sound.size / RATE) :].max()
    assert 20 * np.log10(images / spectrum.max()) < -60


@given(cuts=st.lists(st.integers(0, 700), max_size=8), factor=st.sampled_from([1, 4, 24]))
@settings(max_examples=25, deadline=None)
def test_interpolation_does_not_depend_on_how_the_sound_is_cut(
    cuts: list[int], factor: int
) -> None:
    sound = np.random.default_rng(1).normal(size=1000)
    whole = Interpolator(factor).push(sound)
    assert whole.size == factor * sound.size
    pieces, at, up = [], 0, Interpolator(factor)
    for cut in [*sorted(min(c, 1000) for c in cuts), 1000]:
        pieces.append(up.push(sound[at : max(cut, at)]))
        at = max(cut, at)
    np.testing.assert_allclose(np.concatenate(pieces), whole, atol=1e-12)


@given(steps=st.lists(st.tuples(st.booleans(), st.integers(1, 2 * RATE)), max_size=30))
@settings(max_examples=40, deadline=None)
def test_what_waits_is_bounded_and_every_frame_is_accounted_for(
    steps: list[tuple[bool, int]],
) -> None:
    listen, given_, taken = Listen("wide", 0.0, 8000), 0, 0
    for pushes, count in steps:
        if pushes:
            listen.push(np.ones(count % 2000 + 1))
            given_ += 4 * (count % 2000 + 1)
        else:
            before, missing = waiting_s(listen), listen.silent
            assert listen.pull(count).size == count
            taken += round((before - waiting_s(listen)) * 8000)
            assert listen.silent - missing <= count
        assert 0 <= waiting_s(listen) <= MOST_S
    assert given_ == taken + listen.dropped + round(waiting_s(listen) * 8000)


def test_nothing_is_heard_before_enough_waits_and_a_hole_is_silence() -> None:
    listen = Listen("wide", 0.0, RATE)
    listen.push(_tone(100, START_S / 2))
    assert not listen.pull(1000).any()
    assert listen.silent == 0
    listen.push(_tone(100, START_S))
    assert listen.pull(RATE).any()
    listen.pull(RATE)
    assert listen.silent > 0
    assert not listen.pull(1000).any()


def test_gain_is_fixed_and_ends_at_full_scale() -> None:
    listen = Listen("wide", 40.0, RATE)
    listen.push(_tone(100))
    assert np.abs(listen.pull(RATE)).max() == 1.0


def test_all_bands_are_settings() -> None:
    from monitor.config.load import build

    for band in BANDS_HZ:
        assert build({"sound": {"listen": band}}).sound.listen == band


def test_waves_of_the_first_session_are_played_once() -> None:
    listen, follower = Listen("wide", 0.0, 2000), Follower("")
    piece = np.full(1000, 8000, "<i2").tobytes()
    follower.take(Wave(session="b", start=0, pairs=b"", samples=piece), listen)
    assert waiting_s(listen) == 0
    follower.take(Hello(link=1, software="", pid=1, sessions=["b", "c"]), listen)
    for session, start in (("b", 0), ("c", 1000), ("b", 1000), ("b", 1000), ("b", 0)):
        follower.take(Wave(session=session, start=start, pairs=b"", samples=piece), listen)
    assert waiting_s(listen) == 1.0


def snapshot(index: int) -> Snapshot:
    found = scene("normal").snapshot(10.0)
    status = msgspec.structs.replace(found.status, session="a", index=index)
    return msgspec.structs.replace(found, status=status)


def test_a_play_head_that_is_moved_back_is_followed() -> None:
    listen, follower = Listen("wide", 0.0, 2000), Follower("a")
    piece = np.full(1000, 8000, "<i2").tobytes()
    for start in (0, 1000):
        follower.take(Wave(session="a", start=start, pairs=b"", samples=piece), listen)
    follower.take(snapshot(2000), listen)  # a link that was lost and found: nothing is heard again
    follower.take(Wave(session="a", start=1000, pairs=b"", samples=piece), listen)
    assert waiting_s(listen) == 1.0
    follower.take(snapshot(1000), listen)
    assert waiting_s(listen) == 0
    follower.take(Wave(session="a", start=1000, pairs=b"", samples=piece), listen)
    assert waiting_s(listen) == 0.5


def test_what_plays_says_why_it_cannot_and_when_it_can_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    over, lines = threading.Event(), list[str]()

    class Output:
        """The first try finds none; the first core is not there either."""

        tries = 0
        playing = True
        listen = Listen("wide", 0, RATE)

        def __init__(self, *_: object) -> None:
            Output.tries += 1
            if Output.tries < 3:
                raise OSError("no audio output")

        def close(self) -> None:
            pass

    class Core:
        """It ends the whole at once."""

        def __enter__(self) -> Core:
            return self

        def __exit__(self, *_: object) -> None:
            pass

        def receive(self, _: float) -> None:
            over.set()

    def connect(*_: object, **more: object) -> Core:
        if Output.tries == 3:
            raise Gone
        return Core()

    monkeypatch.setattr("monitor.sound.player.Player", Output)
    monkeypatch.setattr(listening.Client, "connect", connect)
    monkeypatch.setattr(listening, "RETRY_S", 0)
    listening.follow(listening.Hearing(address=str(tmp_path)), over, lines.append)
    assert lines == ["no audio output", "the core is gone; waiting for it", HEARD]


def test_a_helper_that_ended_is_started_again_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/true")
    helper = listening.Helper(listening.Hearing(address="/nowhere"), 2, again_s=0.01)
    tick = threading.Event()
    for _ in range(3000):
        if helper.starts > 1:
            break
        tick.wait(0.01)
    helper.close(30)
    assert helper.starts > 1


def test_a_helper_that_cannot_be_started_stops_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """The supervisor died of it."""
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    helper = listening.Helper(listening.Hearing(address="/nowhere"), 2, again_s=0.01)
    helper.close(30)
    assert helper.starts == 0
