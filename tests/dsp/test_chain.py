"""The signal path: every cut gives the same bits, the past stays, delays are compensated."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsp.chain import Chain, process
from dsp.filter import BandPass
from dsp.resample import Resampler
from dsp.spikes import SpikeRemoval


def noise(n: int, seed: int = 0) -> np.ndarray:
    x = np.random.default_rng(seed).standard_normal(n) * 0.05
    x[n // 2 : n // 2 + 40] += 0.9  # a spike
    return x


def pieces(x: np.ndarray, cuts: list[int]) -> list[np.ndarray]:
    return np.split(x, sorted(c % (len(x) + 1) for c in cuts))


STAGES = {
    "resample 4000": lambda: Resampler(4000),
    "resample 44100": lambda: Resampler(44100),
    "resample 1000": lambda: Resampler(1000),
    "resample 2500": lambda: Resampler(2500),
    "filter": BandPass,
    "spikes": SpikeRemoval,
    "chain 2000": lambda: Chain(2000),
    "chain 48000": lambda: Chain(48000),
}


@pytest.mark.parametrize("name", STAGES)
@settings(max_examples=15, deadline=None)
@given(cuts=st.lists(st.integers(0, 20000), max_size=12))
def test_every_cut_gives_the_same_bits(name: str, cuts: list[int]) -> None:
    x = noise(20000)
    if name.startswith(("resample", "chain")):
        x = x[:, None]
    whole = STAGES[name]()
    expected = np.concatenate([whole.push(x), whole.flush()])
    cut = STAGES[name]()
    got = np.concatenate([*(cut.push(p) for p in pieces(x, cuts)), cut.flush()])
    np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("size", [1, 7, 40, 997])
def test_small_blocks_give_the_same_bits(size: int) -> None:
    x = noise(9000).astype(np.float32)[:, None]
    whole = process(x, 4000)
    chain = Chain(4000)
    out = [chain.push(x[i : i + size]) for i in range(0, len(x), size)]
    np.testing.assert_array_equal(np.concatenate([*out, chain.flush()]), whole)


@pytest.mark.parametrize("name", STAGES)
def test_a_changed_future_never_changes_the_past(name: str) -> None:
    x = noise(40000)
    y = x.copy()
    y[30000:] = 7.0
    frames = name.startswith(("resample", "chain"))
    a, b = STAGES[name](), STAGES[name]()
    head = x[:30000, None] if frames else x[:30000]
    first = a.push(head)
    np.testing.assert_array_equal(b.push(head), first)
    whole = STAGES[name]()
    other = whole.push(y[:, None] if frames else y)
    np.testing.assert_array_equal(other[: first.size], first)


@pytest.mark.parametrize("rate", [1000, 2000, 2500, 4000, 8000, 11025, 44100, 48000, 192000])
def test_a_tone_keeps_its_place_and_level_at_every_rate(rate: int) -> None:
    t = np.arange(3 * rate) / rate
    x = np.sin(2 * np.pi * 100 * t).astype(np.float32)[:, None]
    r = Resampler(rate)
    y = np.concatenate([r.push(x), r.flush()])
    assert y.size == 6000
    expected = np.sin(2 * np.pi * 100 * np.arange(6000) / 2000)
    assert np.abs(y - expected)[200:-200].max() < 2e-3


@pytest.mark.parametrize("rate", [4000, 8000, 44100, 48000])
def test_what_lies_above_the_new_band_is_gone(rate: int) -> None:
    t = np.arange(2 * rate) / rate
    x = np.sin(2 * np.pi * 1300 * t)[:, None].astype(np.float32)
    r = Resampler(rate)
    y = np.concatenate([r.push(x), r.flush()])
    assert np.abs(y[400:-400]).max() < 1e-3


@pytest.mark.parametrize("rate", [999, 500, 192001])
def test_a_rate_out_of_range_is_refused(rate: int) -> None:
    with pytest.raises(ValueError, match="outside"):
        Resampler(rate)


def test_channels_are_mixed_or_chosen() -> None:
    x = np.stack([np.ones(100), np.zeros(100)], axis=1).astype(np.float32)
    assert Resampler(2000, 2).push(x)[0] == 0.5
    assert Resampler(2000, 2, channel=1).push(x)[0] == 0.0
    with pytest.raises(ValueError, match="does not exist"):
        Resampler(2000, 2, channel=2)


def test_an_offset_makes_no_click() -> None:
    f = BandPass()
    assert np.abs(f.push(np.full(4000, 0.5))).max() < 1e-9


def test_a_burst_stays_where_it_was_within_a_millisecond() -> None:
    t = np.arange(4000) / 2000
    envelope = np.exp(-(((t - 1.0) / 0.02) ** 2))
    x = envelope * np.sin(2 * np.pi * 80 * t)
    f = BandPass()
    y = np.concatenate([f.push(x), f.flush()])
    place = np.sum(t * y**2) / np.sum(y**2)
    assert abs(place - 1.0) < 0.001


def heart(rate: float, seconds: float, level: float = 0.3) -> np.ndarray:
    t = np.arange(int(2000 * seconds)) / 2000
    x = 0.002 * np.random.default_rng(1).standard_normal(t.size)
    for beat in np.arange(0.2, seconds, 60 / rate):
        for at, size in ((beat, 1.0), (beat + 0.3, 0.7)):
            x += level * size * np.exp(-(((t - at) / 0.03) ** 2)) * np.sin(300 * (t - at))
    return x


@pytest.mark.parametrize("rate", [30, 40, 55, 75, 120, 200])
def test_no_heart_sound_is_taken_for_a_spike_at_any_rate(rate: float) -> None:
    x = heart(rate, 40)
    s = SpikeRemoval()
    np.testing.assert_array_equal(np.concatenate([s.push(x), s.flush()]), x)


def test_a_spike_is_removed_and_nothing_else() -> None:
    x = heart(70, 20)
    at = 25_900
    x[at : at + 10] = 5.0
    s = SpikeRemoval()
    y = np.concatenate([s.push(x), s.flush()])
    assert not y[at : at + 10].any()
    changed = np.flatnonzero(x != y)
    assert changed.size
    assert changed[0] > at - 100
    assert changed[-1] < at + 110


def test_after_a_pause_of_the_heart_its_first_beats_are_kept() -> None:
    x = heart(70, 30)
    x[20_000:36_000] = 0.002 * np.random.default_rng(2).standard_normal(16_000)
    s = SpikeRemoval()
    np.testing.assert_array_equal(np.concatenate([s.push(x), s.flush()]), x)


def test_sound_after_silence_is_not_taken_for_spikes() -> None:
    x = np.concatenate([np.zeros(20_000), heart(70, 10)])
    s = SpikeRemoval()
    np.testing.assert_array_equal(np.concatenate([s.push(x), s.flush()]), x)


def test_the_raw_tap_walks_beside_the_output() -> None:
    x = noise(30000).astype(np.float32)[:, None]
    chain = Chain(2000)
    raw, out = [], []
    for part in [*np.array_split(x, 17), None]:
        out.append(chain.flush() if part is None else chain.push(part))
        raw.append(chain.raw)
        assert raw[-1].size == out[-1].size
    np.testing.assert_array_equal(np.concatenate(raw), x[:, 0].astype(np.float64))


def test_the_shortest_sounds_pass_whole() -> None:
    for n in (0, 1, 3, 50, 999):
        assert process(np.ones(n, dtype=np.float32), 2000).size == n
        assert process(np.ones(n, dtype=np.float32), 4000).size == -(-n // 2)
