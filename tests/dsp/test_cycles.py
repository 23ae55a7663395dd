"""The streaming heart-cycle decoder, with the shipped model and phantom hearts."""

import dataclasses
import itertools
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import models.shipped
from dsp import phantom
from dsp.chain import process
from dsp.cycles.beat import Beat
from dsp.cycles.decoder import CycleDecoder, Decoded
from dsp.cycles.model import CycleModel


@cache
def model():
    return CycleModel.from_arrays(models.shipped.cycles_arrays())


@cache
def heart(rate=75.0, seconds=20.0, seed=3):
    description = phantom.Phantom(duration_s=seconds, rate_per_min=rate, seed=seed)
    rendered = phantom.render(description)
    return process(rendered.sound.astype(np.float32), 2000), rendered.beats


def decode(sound, cuts=(), index=0):
    decoder = CycleDecoder(model())
    decoder.reset(index)
    out = Decoded([], [])
    for part in np.split(sound, sorted(cuts)):
        settled = decoder.push(part)
        out.beats.extend(settled.beats)
        out.s1.extend(settled.s1)
    settled = decoder.flush()
    return Decoded(out.beats + settled.beats, out.s1 + settled.s1)


def onsets(beats, name):
    return [getattr(b, name) for b in beats if getattr(b, name) is not None]


def missed_and_invented(wanted, found, tolerance=120):
    wanted, found = np.array(wanted), np.array(found)
    apart = np.abs(wanted[:, None] - found[None, :])
    if not apart.size:
        return len(wanted), len(found)
    return int((apart.min(axis=1) > tolerance).sum()), int((apart.min(axis=0) > tolerance).sum())


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(0, 40_000), max_size=30))
def test_beats_do_not_depend_on_how_the_sound_is_cut(cuts):
    sound, _ = heart()
    assert decode(sound, cuts) == decode(sound)


def test_many_steps_at_once_give_the_same_bits_as_one_by_one():
    x, _ = heart(seconds=14.0)
    sizes = [700, *[1000] * 25, 300, len(x) - 26_000]
    parts = np.split(x, np.cumsum(sizes)[:-1])
    one_by_one, at_once = CycleDecoder(model()), CycleDecoder(model())
    single = [one_by_one.push(part) for part in parts]
    together = at_once.push_steps(sizes, x)
    assert [(d.beats, d.s1) for d in together] == [(d.beats, d.s1) for d in single]
    np.testing.assert_array_equal(at_once.assembler._posteriors, one_by_one.assembler._posteriors)


def test_single_samples_give_the_same_beats():
    sound = heart()[0][:7_000]
    assert decode(sound, range(1, 7_000)) == decode(sound)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 40_000), st.integers(0, 2**31))
def test_a_changed_future_never_changes_the_past(at, seed):
    sound, _ = heart()
    other = sound.copy()
    other[at:] = np.random.default_rng(seed).standard_normal(len(sound) - at)
    first, second = CycleDecoder(model()), CycleDecoder(model())
    assert first.push(sound[:at]) == second.push(other[:at])


@pytest.mark.parametrize("rate", [35.0, 75.0, 160.0, 200.0])
def test_every_sound_of_a_clean_phantom_is_found_within_60_ms_and_none_invented(rate):
    sound, truth = heart(rate)
    beats = decode(sound).beats
    for name in ("s1", "s2"):
        wanted = [v for v in onsets(truth, name) if 200 < v < len(sound) - 100]
        missed, _ = missed_and_invented(wanted, onsets(beats, name))
        _, invented = missed_and_invented(onsets(truth, name), onsets(beats, name))
        assert missed == 0
        assert invented == 0


def test_a_recording_of_five_seconds_yields_the_beats_of_its_first_and_last_second():
    sound, truth = heart(seconds=5.0)
    beats = decode(sound).beats
    for low, high in ((200, 2_000), (8_000, 9_800)):
        for name in ("s1", "s2"):
            wanted = [v for v in onsets(truth, name) if low <= v < high]
            assert missed_and_invented(wanted, onsets(beats, name))[0] == 0


def test_cut_cycles_are_beats_with_unknown_borders():
    sound, truth = heart()
    whole = next(b for b in truth[2:] if b.s2 is not None)
    beats = decode(sound[whole.systole + 40 : whole.systole + 12_000]).beats
    assert beats[0].s1 is None
    assert beats[0].s2 is not None
    assert beats[-1].end is None


def test_onsets_are_settled_within_two_seconds_after_the_start():
    sound, _ = heart()
    decoder = CycleDecoder(model())
    for begin in range(0, len(sound), 1000):
        settled = decoder.push(sound[begin : begin + 1000])
        if begin + 1000 > 10_000:
            assert all(begin + 1000 - s1 <= decoder.delay for s1 in settled.s1)


def test_the_start_is_settled_after_five_seconds():
    sound, truth = heart()
    decoder = CycleDecoder(model())
    assert decoder.push(sound[:9_000]).s1 == []
    settled = decoder.push(sound[9_000:10_000])
    wanted = [v for v in onsets(truth, "s1") if 100 < v < 6_500]
    assert missed_and_invented(wanted, settled.s1)[0] == 0


def test_each_s1_is_told_once_and_in_order_and_is_the_s1_of_a_beat():
    decoded = decode(heart(rate=100.0)[0])
    assert decoded.s1 == sorted(set(decoded.s1))
    assert decoded.s1 == onsets(decoded.beats, "s1")


def test_borders_of_a_beat_rise_and_a_beat_ends_where_the_next_begins():
    beats = decode(heart()[0]).beats
    for beat in beats:
        known = [v for v in dataclasses.astuple(beat)[:5] if v is not None]
        assert known == sorted(set(known))
        assert 0.0 <= beat.confidence <= 1.0
    for one, following in itertools.pairwise(beats):
        assert one.end == following.s1


@pytest.mark.parametrize("index", [1_000, 4_321, 123_457])
def test_after_a_gap_onsets_are_absolute(index):
    sound, truth = heart()
    beats = decode(sound, index=index).beats
    wanted = [v + index for v in onsets(truth, "s1") if v > 200]
    assert missed_and_invented(wanted, onsets(beats, "s1"))[0] == 0


@pytest.mark.parametrize(
    "sound",
    [
        np.zeros(40_000),
        np.full(40_000, 0.5),
        np.random.default_rng(1).standard_normal(40_000) * 0.01,
        np.random.default_rng(2).standard_normal(40_000) * 1e-7,
    ],
    ids=["silence", "offset", "noise", "faint noise"],
)
def test_nothing_is_found_where_there_is_no_heart(sound):
    assert decode(process(sound.astype(np.float32), 2000)).beats == []


def test_garbage_is_survived_and_the_heart_found_again_after_it():
    sound, truth = heart(seconds=40.0)
    broken = sound.copy()
    broken[10_000:14_000] = np.nan
    broken[14_000:16_000] = np.inf
    broken[16_000:17_000] = 1e30
    beats = decode(broken).beats
    assert all(np.isfinite(b.confidence) for b in beats)
    wanted = [v for v in onsets(truth, "s1") if v > 40_000]
    assert missed_and_invented(wanted, onsets(beats, "s1"))[0] == 0


def test_an_empty_stream_has_no_beats():
    assert decode(np.zeros(0)) == Decoded([], [])
    assert decode(np.zeros(39)) == Decoded([], [])


def test_what_is_remembered_does_not_grow():
    decoder = CycleDecoder(model())
    sound, _ = heart()

    def held():
        lattice, emission = decoder._lattice, decoder._emission
        return lattice.lines.nbytes + lattice.v.nbytes + emission._blocks._pending.nbytes

    decoder.push(sound)
    size = held()
    for _ in range(20):
        decoder.push(sound)
        assert held() <= size + 4 * 1_000 * 4


def test_level_does_not_matter():
    sound, _ = heart()
    loud, soft = decode(sound), decode(sound * 0.05)
    assert loud.s1 == pytest.approx(soft.s1, abs=40)


def test_a_model_survives_its_arrays():
    arrays = model().to_arrays()
    again = CycleModel.from_arrays(arrays).to_arrays()
    assert arrays.keys() == again.keys()
    for name, array in arrays.items():
        np.testing.assert_array_equal(array, again[name])


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"version": np.array(99)}, ValueError),
        ({"kind": np.array("guess")}, ValueError),
        ({"network.1.weight": np.zeros((3, 3), np.float32)}, ValueError),
        ({"network.0.bias": np.full(32, np.nan, np.float32)}, ValueError),
        ({"scoring": np.zeros(2)}, ValueError),
    ],
)
def test_a_wrong_model_is_refused(change, error):
    with pytest.raises(error):
        CycleDecoder(CycleModel.from_arrays({**model().to_arrays(), **change}))


def test_a_beat_knows_nothing_it_was_not_told():
    assert Beat(None, None, 5, None, None, 0.5).s1 is None


@pytest.mark.parametrize("kind", ["white", "speech", "rubbing"])
def test_no_sound_is_told_twice_however_noisy_it_is(kind):
    described = phantom.Phantom(
        duration_s=60.0, rate_per_min=80.0, seed=4, noises=(phantom.Noise(kind, -5.0),)
    )
    sound = process(phantom.render(described).sound.astype(np.float32), 2000)
    decoder = CycleDecoder(model())
    beats = [
        beat
        for begin in range(0, len(sound), 1000)
        for beat in decoder.push(sound[begin : begin + 1000]).beats
    ]
    beats += decoder.flush().beats
    for name in ("s1", "s2"):
        told = onsets(beats, name)
        assert np.diff(told).min() > 240
