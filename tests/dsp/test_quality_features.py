"""What the quality index measures."""

import numpy as np

from dsp.phantom import PRESETS, render
from dsp.quality_features import (
    COUNT,
    NAMES,
    PER_SPAN,
    beginning,
    context,
    contexts,
    features,
    loudest,
    measure,
)  # fmt: skip


def measured(sound):
    before, out = np.zeros(40), []
    for at in range(0, len(sound) - 999, 1000):
        span = sound[None, at : at + 1000]
        out += measure(span, span, before)
        before = sound[at + 960 : at + 1000]
    return out


def vector_of(sound, here):
    return features(context(measured(sound), here))[0]


def loud_of(sound):
    return loudest(measured(sound)[-4:])


def named(vector):
    return dict(zip(NAMES, vector, strict=True))


def test_a_span_has_fifty_values_a_second_in_three_curves():
    one = measured(np.random.default_rng(1).standard_normal(1000))[0]
    assert one.curves.shape == (3, PER_SPAN)
    assert one.level.shape == (PER_SPAN,)


def test_a_heart_has_rhythm_and_noise_has_none():
    heart = named(vector_of(render(PRESETS["normal"]).sound[:10000], 5))
    noise = named(vector_of(np.random.default_rng(2).standard_normal(10000), 5))
    assert heart["rhythm"] > 0.5
    assert noise["rhythm"] < 0.35
    assert heart["q98"] > noise["q98"] + 10


def test_the_rate_is_seen_at_both_ends_of_the_range():
    for name, cycle_s in (("slow", 60 / 35), ("fast", 60 / 200)):
        found = named(vector_of(render(PRESETS[name]).sound[:10000], 5))
        assert abs(np.exp(found["rate"]) * 0.02 - cycle_s) < 0.1 * cycle_s


def test_the_vector_does_not_depend_on_loudness():
    sound = render(PRESETS["murmur"]).sound[:10000]
    loud, soft = (vector_of(gain * sound, 4) for gain in (1.0, 0.01))
    np.testing.assert_allclose(loud, soft, atol=1e-3)


def test_short_contexts_and_silence_give_finite_numbers():
    for sound in (np.zeros(3000), np.ones(1000), np.random.default_rng(3).standard_normal(1000)):
        vector = vector_of(sound, 0)
        assert vector.shape == (COUNT,)
        assert np.all(np.isfinite(vector))
    for length in (1, 2, 39, 40, 41, 999):
        short = measure(np.ones((1, length)), np.ones((1, length)), np.zeros(40))
        assert np.all(np.isfinite(features(context(short, 0))))
        assert np.isfinite(loudest(short))


def test_loudness_is_that_of_the_sounds_not_of_a_click():
    sound = 1e-3 * np.random.default_rng(4).standard_normal(3000)
    quiet = loud_of(sound)
    sound[500] = 1.0
    assert loud_of(sound) < quiet + 6
    sound[1000:1400] *= 30
    assert loud_of(sound) > quiet + 20


def test_spans_measured_and_judged_at_once_give_the_same_bits_as_one_by_one():
    sound = render(PRESETS["noisy"]).sound[:26000]
    one_by_one = measured(sound)
    spans = sound.reshape(-1, 1000)
    at_once = measure(spans, spans, np.zeros(40))
    for one, other in zip(one_by_one, at_once, strict=True):
        assert one.peak_to_peak == other.peak_to_peak
        for name in ("curves", "level", "row"):
            np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    around = contexts(at_once, 7, 2)
    single = [context(one_by_one[k : k + 10], 7) for k in range(len(spans) - 9)]
    np.testing.assert_array_equal(features(around), np.concatenate([*map(features, single)]))
    together = features(beginning(at_once[:8], 6))
    alone = [context(one_by_one[:8], k) for k in range(6)]
    np.testing.assert_array_equal(together, np.concatenate([*map(features, alone)]))
