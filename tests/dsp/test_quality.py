"""The quality index: what it says of what it hears, and that cuts do not matter."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsp.chain import Chain
from dsp.phantom import PRESETS, Murmur, Noise, Phantom, render
from dsp.quality import QualityIndex


def judged(sound, rate_hz=2000, cuts=None):
    """Spans of a sound that goes through the chain in blocks."""
    chain, index = Chain(rate_hz), QualityIndex()
    spans = []
    sound = np.asarray(sound, dtype=np.float32)[:, None]
    for block in np.split(sound, cuts if cuts is not None else []):
        out = chain.push(block)
        spans += index.push(chain.raw, out)
    out = chain.flush()
    return spans + index.push(chain.raw, out) + index.flush()


def values(spans, start_s=0.0, end_s=1e9):
    return [s.value for s in spans if start_s * 2000 <= s.start and s.end <= end_s * 2000]


@settings(max_examples=8, deadline=None)
@given(st.lists(st.integers(0, 24000), max_size=8))
def test_spans_do_not_depend_on_the_cuts(cuts):
    sound = render(PRESETS["noisy"]).sound[50000:74000]
    sound[6000:12000] = 0.0
    whole = judged(sound)
    assert judged(sound, cuts=sorted(cuts)) == whole


def test_spans_follow_each_other_from_the_first_sample_to_the_last():
    sound = render(PRESETS["normal"]).sound[:15300]
    spans = judged(sound)
    assert [s.start for s in spans] == list(range(0, 15300, 1000))
    assert [s.end for s in spans] == [*range(1000, 15001, 1000), 15300]


def test_after_a_reset_spans_still_lie_on_the_grid():
    index = QualityIndex()
    index.reset(12345)
    spans = index.push(np.zeros(9000), np.zeros(9000)) + index.flush()
    assert [s.start for s in spans] == [12345, *range(13000, 21345, 1000)]
    assert spans[-1].end == 21345


def test_a_clean_heart_is_good():
    assert set(values(judged(render(PRESETS["normal"]).sound))) == {"good"}


@pytest.mark.parametrize("level", [0.0, 0.3])
def test_silence_and_a_constant_are_flat_within_two_seconds(level):
    sound = render(PRESETS["normal"]).sound[:80000].copy()
    sound[40300:60000] = level
    spans = judged(sound)
    assert set(values(spans, 21.0, 29.5)) == {"flat"}
    assert set(values(spans, 0, 20.0)) == {"good"}


def test_a_silent_pause_of_a_slow_heart_is_not_flat():
    sound = render(PRESETS["slow"]).sound.copy()
    sound[np.abs(sound) < 2e-3] = 0.0
    assert "flat" not in values(judged(sound))


def test_flat_is_known_two_seconds_after_it_begins():
    index = QualityIndex()
    noise = np.random.default_rng(1).standard_normal(20000) * 0.01
    index.push(noise, noise)
    spans = index.push(np.zeros(4000), np.zeros(4000))
    assert spans[-1].value == "flat"


@pytest.mark.parametrize("rate", [40, 110, 160, 220])
def test_a_clean_heart_of_any_rate_is_good(rate):
    sound = render(Phantom(rate_per_min=rate, duration_s=30.0, seed=5)).sound
    assert set(values(judged(sound))) == {"good"}


@pytest.mark.parametrize("rate", [50, 85, 120])
@pytest.mark.parametrize("phase", ["systolic", "diastolic"])
def test_a_loud_murmur_is_good_and_a_heart_s(phase, rate):
    murmur = Murmur(phase, "holo", "plateau", (100.0, 400.0), 5)
    spans = judged(render(Phantom(rate_per_min=rate, murmurs=(murmur,), duration_s=30.0)).sound)
    assert set(values(spans)) == {"good"}
    assert all(span.like_heart for span in spans)


def test_a_heart_that_stops_is_no_heart_soon_and_never_noisy():
    sound = render(PRESETS["stop"]).sound
    spans = judged(sound)
    assert set(values(spans, 37.0, 48.0)) == {"no_heart"}
    assert "noisy" not in values(spans, 34.0, 48.5)
    assert "flat" not in values(spans)


def test_lost_contact_is_no_heart_within_two_seconds():
    phantom = Phantom(contact_loss=((20.0, 32.0),), duration_s=45.0)
    spans = judged(render(phantom).sound)
    assert set(values(spans, 22.0, 30.5)) == {"no_heart"}
    assert set(values(spans, 0.0, 19.0)) == {"good"}
    assert set(values(spans, 36.0, 45.0)) == {"good"}


def test_rubbing_that_hides_the_heart_is_noisy_and_says_so():
    phantom = Phantom(noises=(Noise("rubbing", -12.0, 15.0, 30.0),), duration_s=45.0)
    spans = [s for s in judged(render(phantom).sound) if s.start >= 36000 and s.end <= 56000]
    assert [s.value for s in spans].count("noisy") >= 0.8 * len(spans)
    assert [s.reason for s in spans].count("rubbing") > 0.7 * len(spans)


@pytest.mark.parametrize("kind", ["white", "pink", "speech"])
def test_sound_without_a_heart_is_not_good(kind):
    phantom = Phantom(stops=((-1e3, 1e3),), noises=(Noise(kind, 0.0),), duration_s=20.0)
    found = values(judged(render(phantom).sound))
    assert "good" not in found
    assert found.count("no_heart") > 0.8 * len(found)


def test_speech_is_named():
    phantom = Phantom(stops=((-1e3, 1e3),), noises=(Noise("speech", -6.0),), duration_s=20.0)
    assert {s.reason for s in judged(render(phantom).sound)} == {"speech or music"}


def test_a_softer_heart_is_believed_again():
    phantom = Phantom(gain_db=((20.0, -18.0),), floor_db=-60.0, breath_snr_db=40.0)
    assert set(values(judged(render(phantom).sound), 35.0, 60.0)) == {"good"}


def test_clipped_sound_is_clipped():
    sound = np.clip(20 * render(PRESETS["normal"]).sound, -1, 1)
    assert values(judged(sound)).count("clipped") > 60


def test_infinite_samples_do_no_harm():
    bad = np.full(20000, np.nan)
    bad[5000] = np.inf
    assert len(QualityIndex().push(bad, bad)) >= 10


def test_unequal_lengths_are_refused():
    with pytest.raises(ValueError, match="raw has 3"):
        QualityIndex().push(np.zeros(3), np.zeros(4))
