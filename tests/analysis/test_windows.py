"""Windows of 2.5 s from each S1."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsp.windows import KEEP, WINDOW, Windows

RNG = np.random.default_rng(3)
SOUND = RNG.normal(size=60_000)
S1 = list(range(700, 60_000, 1700))


def cut(mode, size, onsets=tuple(S1), lag=3000):
    """Push the sound in pieces, each onset ``lag`` samples late."""
    stage, out, told = Windows(mode), [], 0
    for at in range(0, len(SOUND), size):
        end = min(at + size, len(SOUND))
        new = [s for s in onsets[told:] if s + lag <= end]
        told += len(new)
        out += stage.push(SOUND[at:end], new)
    out += stage.push(np.zeros(0), list(onsets[told:]))
    return out, stage.flush()


def test_each_s1_gives_the_five_thousand_samples_after_it():
    windows, rest = cut("full", 1000)
    assert [start for start, _ in windows] == [s for s in S1 if s + WINDOW <= len(SOUND)]
    assert rest == [s for s in S1 if s + WINDOW > len(SOUND)]
    for start, x in windows:
        assert x.dtype == np.float32
        np.testing.assert_array_equal(x, SOUND[start : start + WINDOW].astype(np.float32))


@pytest.mark.parametrize("mode", ["full", "cycle"])
@given(size=st.integers(1, 20_000).filter(lambda n: n > 30))
def test_windows_do_not_depend_on_the_cut(mode, size):
    ours, rest = cut(mode, size)
    whole, other = cut(mode, len(SOUND))
    assert [s for s, _ in ours] == [s for s, _ in whole]
    assert rest == other
    for (_, a), (_, b) in zip(ours, whole, strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_cycle_is_normalised_over_its_real_samples_and_padded_with_zeros():
    windows, rest = cut("cycle", 1000)
    assert len(windows) + len(rest) == len(S1)
    for _, x in windows[:-1]:
        assert not x[1700:].any()
        assert abs(float(x[:1700].mean())) < 1e-5
        assert float(x[:1700].std()) == pytest.approx(1, abs=1e-4)


def test_a_long_cycle_is_cut_at_the_length_of_a_window():
    windows, _ = cut("cycle", 1000, (1000, 9000, 20_000))
    assert [start for start, _ in windows] == [1000, 9000, 20_000]
    assert windows[0][1].all()


def test_silence_in_a_cycle_does_not_divide_by_zero():
    stage = Windows("cycle")
    ((_, x),) = stage.push(np.zeros(5000), [0])
    assert not x.any()


def test_memory_stays_flat_and_a_forgotten_onset_is_an_error():
    stage = Windows()
    for _ in range(40):
        stage.push(np.zeros(5000), [])
    assert stage.index - stage._first < KEEP + 10_000
    with pytest.raises(ValueError, match="older"):
        stage.push(np.zeros(0), [0])


def test_reset_moves_the_index_and_forgets():
    stage = Windows()
    stage.push(np.ones(3000), [100])
    stage.reset(50_000)
    assert stage.flush() == []
    ((start, x),) = stage.push(SOUND[:6000], [50_500])
    assert start == 50_500
    np.testing.assert_array_equal(x, SOUND[500:5500].astype(np.float32))


def test_an_unknown_mode_is_refused():
    with pytest.raises(ValueError, match="half"):
        Windows("half")
