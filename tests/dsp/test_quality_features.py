"""What the quality index measures."""

import numpy as np

from dsp.phantom import PRESETS, render
from dsp.quality_features import COUNT, NAMES, PER_SPAN, features, loudness, measure


def measured(sound):
    before, out = np.zeros(40), []
    for at in range(0, len(sound) - 999, 1000):
        out.append(measure(sound[at : at + 1000], sound[at : at + 1000], before))
        before = sound[at + 960 : at + 1000]
    return out


def named(vector):
    return dict(zip(NAMES, vector, strict=True))


def test_a_span_has_fifty_values_a_second_in_three_curves():
    one = measured(np.random.default_rng(1).standard_normal(1000))[0]
    assert one.curves.shape == (3, PER_SPAN)
    assert one.level.shape == (PER_SPAN,)


def test_a_heart_has_rhythm_and_noise_has_none():
    heart = named(features(measured(render(PRESETS["normal"]).sound[:10000]), 5))
    noise = named(features(measured(np.random.default_rng(2).standard_normal(10000)), 5))
    assert heart["rhythm"] > 0.5
    assert noise["rhythm"] < 0.35
    assert heart["q98"] > noise["q98"] + 10


def test_the_rate_is_seen_at_both_ends_of_the_range():
    for name, cycle_s in (("slow", 60 / 35), ("fast", 60 / 200)):
        found = named(features(measured(render(PRESETS[name]).sound[:10000]), 5))
        assert abs(np.exp(found["rate"]) * 0.02 - cycle_s) < 0.1 * cycle_s


def test_the_vector_does_not_depend_on_loudness():
    sound = render(PRESETS["murmur"]).sound[:10000]
    loud, soft = (features(measured(gain * sound), 4) for gain in (1.0, 0.01))
    np.testing.assert_allclose(loud, soft, atol=1e-3)


def test_short_contexts_and_silence_give_finite_numbers():
    for sound in (np.zeros(3000), np.ones(1000), np.random.default_rng(3).standard_normal(1000)):
        vector = features(measured(sound), 0)
        assert vector.shape == (COUNT,)
        assert np.all(np.isfinite(vector))
    for length in (1, 2, 39, 40, 41, 999):
        short = measure(np.ones(length), np.ones(length), np.zeros(40))
        assert np.all(np.isfinite(features([short], 0)))
        assert np.isfinite(loudness([short]))


def test_loudness_is_that_of_the_sounds_not_of_a_click():
    sound = 1e-3 * np.random.default_rng(4).standard_normal(3000)
    quiet = loudness(measured(sound))
    sound[500] = 1.0
    assert loudness(measured(sound)) < quiet + 6
    sound[1000:1400] *= 30
    assert loudness(measured(sound)) > quiet + 20
