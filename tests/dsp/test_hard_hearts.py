"""Hearts at which decoders go wrong, with the shipped model: clicks, equal halves, pauses, pairs.

The hearts are phantoms of seeds that nothing was fitted or chosen on.
"""

from functools import cache

import numpy as np
import pytest

import models.shipped
from dsp import phantom
from dsp.chain import process
from dsp.cycles.decoder import CycleDecoder
from dsp.cycles.model import CycleModel
from dsp.phantom import Noise, Phantom, Sounds, Tone

STILL = {"variability": 0.0, "respiratory": 0.0, "breath_depth": 0.0, "breath_snr_db": 40.0}
CLICKS = Sounds(s1_tone=Tone(150.0, 0.03), s2_tone=Tone(165.0, 0.03), s2_db=-1.0)
ALIKE = Sounds(s1_tone=Tone(60.0, 0.11), s2_tone=Tone(60.0, 0.09), s2_db=-1.0)
TONES = Sounds(s1_tone=Tone(45.0, 0.11), s2_tone=Tone(60.0, 0.09), s2_db=-2.0)


@cache
def model():
    return CycleModel.from_arrays(models.shipped.cycles_arrays())


def hear(description):
    rendered = phantom.render(description)
    sound = process(rendered.sound.astype(np.float32), 2000)
    decoder = CycleDecoder(model())
    return decoder.push(sound).beats + decoder.flush().beats, rendered.beats


def onsets(beats, name="s1"):
    return np.array([v for b in beats if (v := getattr(b, name)) is not None])


def rate(beats):
    return 120_000 / float(np.median([b.end - b.s1 for b in beats if b.s1 and b.end]))


@pytest.mark.parametrize("per_min", [60.0, 70.0, 85.0])
def test_clicks_of_mechanical_valves_are_heart_sounds(per_min):
    beats, truth = hear(Phantom(duration_s=30.0, rate_per_min=per_min, sounds=CLICKS, **STILL))
    assert rate(beats) == pytest.approx(per_min, rel=0.02)
    wanted = [v for v in onsets(truth) if 400 < v < 59_000]
    assert all(np.abs(onsets(beats) - v).min() < 120 for v in wanted)


@pytest.mark.parametrize("per_min", [70.0, 80.0, 95.0])
def test_a_systole_as_long_as_diastole_does_not_double_the_rate(per_min):
    heart = Phantom(duration_s=30.0, rate_per_min=per_min, systole_share=0.5, sounds=ALIKE, **STILL)
    beats, _ = hear(heart)
    assert rate(beats) == pytest.approx(per_min, rel=0.02)


def test_a_pause_holds_no_beats_and_is_no_cycle():
    stops = ((10.0, 14.5), (24.0, 28.5))
    heart = Phantom(duration_s=40.0, rate_per_min=75.0, sounds=TONES, stops=stops, **STILL)
    beats, truth = hear(heart)
    told, true = onsets(beats), onsets(truth)
    for begin, end in stops:
        last, first = true[true < 2000 * begin].max(), true[true >= 2000 * end].min()
        assert not ((told > last + 200) & (told < first - 200)).any()
        assert np.abs(told - first).min() < 120
        assert np.abs(told - last).min() < 120
    assert max(b.end - b.s1 for b in beats if b.s1 and b.end) < 3 * 2000


def test_bigeminy_keeps_its_pairs():
    heart = Phantom(
        duration_s=40.0, rate_per_min=75.0, pattern=(0.625, 1.375), sounds=TONES, **STILL
    )
    beats, _ = hear(heart)
    cycles = np.diff(onsets(beats)) / 2
    assert np.mean(cycles) == pytest.approx(800, rel=0.03)
    assert np.quantile(cycles, [0.25, 0.75]) == pytest.approx([500, 1100], abs=25)


@pytest.mark.parametrize("per_min", [60.0, 100.0, 170.0])
def test_onsets_of_phantoms_are_exact_to_a_few_milliseconds(per_min):
    beats, truth = hear(
        Phantom(duration_s=30.0, rate_per_min=per_min, noises=(Noise("pink", 22.0),), seed=77)
    )
    errors = []
    for name in ("s1", "s2"):
        told = onsets(beats, name)
        errors += [np.abs(told - v).min() / 2 for v in onsets(truth, name) if 400 < v < 59_000]
    assert np.median(errors) <= 5
    assert np.quantile(errors, 0.95) <= 15


def test_the_rate_moves_smoothly():
    beats, _ = hear(Phantom(duration_s=30.0, rate_per_min=170.0, **STILL))
    cycles = np.array([b.end - b.s1 for b in beats if b.s1 and b.end][3:-3])
    assert np.quantile(np.abs(120_000 / cycles - 170.0), 0.9) < 4
