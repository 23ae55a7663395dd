"""The phantom heart: its sound, its truth, its stream."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import signal

from dsp.phantom import PRESETS, Murmur, Noise, Phantom, PhantomStream, render
from dsp.phantom_beat import durations

QUIET = Phantom(
    duration_s=30.0, breath_snr_db=200.0, breath_depth=0.0, floor_db=-120.0, variability=0.0,
    respiratory=0.0,
)  # fmt: skip


def rms(x):
    return float(np.sqrt(np.mean(np.square(x))))


def band(x, low, high, rate_hz=2000):
    sos = signal.butter(4, (low, high), "bandpass", fs=rate_hz, output="sos")
    return signal.sosfiltfilt(sos, x)


@settings(max_examples=20, deadline=None)
@given(
    st.lists(st.integers(1, 9000), min_size=1, max_size=12),
    st.sampled_from(["noisy", "murmur", "ectopic", "fast"]),
    st.sampled_from([1000, 2000, 4000, 44100]),
)
def test_a_stream_sounds_the_same_however_it_is_read(counts, name, rate_hz):
    stream = PhantomStream(PRESETS[name], rate_hz)
    parts = np.concatenate([stream.read(count) for count in counts])
    whole = PhantomStream(PRESETS[name], rate_hz).read(sum(counts))
    np.testing.assert_array_equal(parts, whole)


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_renders_finite_sound_and_consistent_truth(name):
    phantom = PRESETS[name]
    done = render(phantom)
    assert done.sound.dtype == np.float64
    assert len(done.sound) == phantom.duration_s * 2000
    assert np.all(np.isfinite(done.sound))
    assert 0.1 < np.max(np.abs(done.sound)) <= 1.0
    assert done.states[0][0] == 0
    assert [index for index, _ in done.states] == sorted(index for index, _ in done.states)
    for beat in done.beats:
        marks = [beat.s1, beat.systole, beat.s2, beat.diastole, beat.end]
        known = [mark for mark in marks if mark is not None]
        assert known == sorted(set(known))


def test_the_same_seed_gives_the_same_heart_and_another_seed_another():
    one, two = render(PRESETS["normal"]), render(PRESETS["normal"])
    np.testing.assert_array_equal(one.sound, two.sound)
    other = render(replace(PRESETS["normal"], seed=99))
    assert [b.s1 for b in other.beats] != [b.s1 for b in one.beats]


def test_the_truth_does_not_depend_on_the_rate_and_the_heart_sounds_alike():
    slow, fast = render(QUIET, 2000), render(QUIET, 8000)
    assert slow.beats == fast.beats
    assert rms(slow.sound - fast.sound[::4]) < 1e-6


def test_rate_is_the_one_asked_for():
    for rate in (30.0, 75.0, 220.0):
        beats = render(replace(QUIET, rate_per_min=rate)).beats
        cycles = np.diff([beat.s1 for beat in beats if beat.s1 is not None])
        assert np.median(cycles) == pytest.approx(60 * 2000 / rate, abs=1)


def test_a_profile_steps_and_ramps():
    phantom = replace(QUIET, profile=((10.0, 60.0), (10.0, 120.0), (20.0, 120.0), (30.0, 60.0)))
    beats = render(phantom).beats
    cycle = {b.s1 / 2000: (b.end - b.s1) / 2000 for b in beats if b.end and b.s1 is not None}
    assert all(abs(c - 1.0) < 0.01 for t, c in cycle.items() if t < 9.9)
    assert all(abs(c - 0.5) < 0.01 for t, c in cycle.items() if 10.1 < t < 19.9)
    assert any(0.6 < c < 0.8 for t, c in cycle.items() if t > 20)


def test_energy_of_the_sounds_lies_in_the_states_of_the_truth():
    done = render(QUIET)
    inside = np.zeros(len(done.sound), dtype=bool)
    for beat in done.beats:
        for first, last in ((beat.s1, beat.systole), (beat.s2, beat.diastole)):
            if first is not None and last is not None:
                inside[first:last] = True
    body = slice(2400, -2400)
    power = done.sound[body] ** 2
    assert power[inside[body]].sum() > 0.999 * power.sum()
    assert 0.15 < inside[body].mean() < 0.4


def test_s1_and_s2_are_low_and_s2_is_higher():
    done = render(QUIET)
    hz = {}
    for name in ("s1", "s2"):
        spectrum = 0.0
        for beat in done.beats[1:-1]:
            piece = np.zeros(2000)
            start = getattr(beat, name)
            piece[:180] = done.sound[start : start + 180]
            spectrum = spectrum + np.abs(np.fft.rfft(piece)) ** 2
        hz[name] = np.average(np.arange(1001), weights=spectrum)
    assert 30 < hz["s1"] < 80
    assert hz["s1"] < hz["s2"] < 130


@pytest.mark.parametrize(
    ("phase", "timing", "loud", "silent"),
    [
        ("systolic", "holo", "systole", "diastole"),
        ("systolic", "mid", "systole", "diastole"),
        ("diastolic", "holo", "diastole", "systole"),
        ("diastolic", "early", "diastole", "systole"),
    ],
)
def test_a_murmur_lies_in_its_phase_and_band(phase, timing, loud, silent):
    murmur = Murmur(phase, timing, "plateau", (150.0, 350.0), 3)
    done = render(replace(QUIET, murmurs=(murmur,)))
    spans = {
        "systole": [(b.systole, b.s2) for b in done.beats[1:-1]],
        "diastole": [(b.diastole, b.end) for b in done.beats[1:-1]],
    }
    power = {
        name: np.mean(np.concatenate([done.sound[a:b] ** 2 for a, b in where]))
        for name, where in spans.items()
    }
    assert power[loud] > 100 * power[silent]
    piece = np.concatenate([done.sound[a:b] for a, b in spans[loud]])
    assert rms(band(piece, 150, 350)) > 0.8 * rms(piece)


def test_a_louder_grade_is_louder():
    levels = [
        rms(render(replace(QUIET, murmurs=(Murmur(grade=grade),))).sound) for grade in range(1, 7)
    ]
    assert levels == sorted(levels)


def test_noise_has_the_ratio_asked_for():
    for kind in ("white", "pink", "speech", "rubbing", "hum"):
        phantom = replace(QUIET, duration_s=120.0)
        noise = (Noise(kind, 10.0),)
        clean, noisy = render(phantom), render(replace(phantom, noises=noise))
        ratio = rms(band(clean.sound, 20, 400)) / rms(band(noisy.sound - clean.sound, 20, 400))
        assert 20 * np.log10(ratio) == pytest.approx(10.0, abs=1.5), kind


def test_the_heart_stops_and_starts_again():
    done = render(replace(QUIET, stops=((10.0, 20.0),)))
    onsets = np.array([b.s1 / 2000 for b in done.beats if b.s1 is not None])
    assert not np.any((onsets >= 10) & (onsets < 20))
    assert 20.0 in onsets
    assert rms(done.sound[2000 * 12 : 2000 * 19]) < 1e-6
    last = max((b for b in done.beats if b.s1 is not None and b.s1 < 20000), key=lambda b: b.s1)
    assert last.end is None
    assert [(e.kind, e.start, e.end) for e in done.events] == [("asystole", 20000, 40000)]


def test_a_phantom_without_a_beat_is_silence_with_its_truth():
    done = render(replace(QUIET, stops=((-10.0, 100.0),)))
    assert done.beats == []
    assert done.states == [(0, "diastole")]
    assert [(e.start, e.end) for e in done.events] == [(0, 60000)]


def test_contact_loss_silences_the_heart_and_is_in_events_and_states():
    done = render(replace(QUIET, contact_loss=((10.0, 15.0),)))
    assert rms(done.sound[21000:29500]) < 0.02 * rms(done.sound[:19000])
    assert [(e.kind, e.start, e.end) for e in done.events] == [("contact_loss", 20000, 30000)]
    assert (20000, "noise-begin") in done.states
    assert (30000, "noise-end") in done.states
    assert not [row for row in done.states if 20000 < row[0] < 30000]


def test_loud_noise_hides_the_heart_in_the_states_and_soft_noise_does_not():
    loud = render(replace(QUIET, noises=(Noise("white", -6.0, 5.0, 9.0),)))
    soft = render(replace(QUIET, noises=(Noise("white", 10.0, 5.0, 9.0),)))
    assert (10000, "noise-begin") in loud.states
    assert "noise-begin" not in [state for _, state in soft.states]


def test_irregular_and_ectopic_rhythms_are_irregular():
    def spread(phantom):
        onsets = [b.s1 for b in render(replace(phantom, duration_s=120.0)).beats if b.s1]
        return float(np.std(np.diff(onsets)) / np.mean(np.diff(onsets)))

    assert spread(PRESETS["normal"]) < 0.05
    assert spread(PRESETS["irregular"]) > 0.12
    assert spread(PRESETS["ectopic"]) > 0.1


def test_spikes_are_short_and_counted():
    done = render(replace(QUIET, spikes_per_min=20.0, spike_db=9.0))
    spikes = [e for e in done.events if e.kind == "spike"]
    assert 3 < len(spikes) < 25
    for spike in spikes:
        assert np.max(np.abs(done.sound[spike.start : spike.start + 6])) > 0.2


def test_a_gain_step_is_heard_and_full_scale_is_the_limit():
    done = render(replace(QUIET, gain_db=((10.0, 6.0), (20.0, 40.0))))
    first, second = rms(done.sound[:19000]), rms(done.sound[21000:39000])
    assert 20 * np.log10(second / first) == pytest.approx(6.0, abs=0.5)
    assert np.max(np.abs(done.sound)) == 1.0


def test_a_repeating_course_repeats():
    phantom = replace(QUIET, stops=((5.0, 10.0),), contact_loss=((12.0, 14.0),), repeat_s=15.0)
    done = render(phantom)
    assert [e.start for e in done.events if e.kind == "contact_loss"] == [24000, 54000]
    onsets = np.array([b.s1 / 2000 for b in done.beats if b.s1 is not None])
    assert not np.any((onsets % 15 >= 5) & (onsets % 15 < 10))


def test_a_stream_nobody_asks_for_truth_keeps_its_memory_flat(monkeypatch):
    monkeypatch.setattr("dsp.phantom.KEPT", 64)
    stream = PhantomStream(replace(PRESETS["fast"], spikes_per_min=600.0))
    for _ in range(40):
        stream.read(2000)
    timings, spikes = stream.take_truth()
    assert len(timings) <= 64
    assert len(spikes) <= 64
    assert len(timings) > 30


def test_durations_leave_room_at_every_rate():
    for rate in range(30, 251, 5):
        cycle = 60.0 / rate
        s1, to_s2, s2 = durations(cycle)
        assert 0.05 < s1 < to_s2 - 0.03
        assert s2 > 0.045
        assert to_s2 + s2 < cycle - 0.015


def test_a_rate_below_1000_hz_is_refused():
    with pytest.raises(ValueError, match="1000 Hz"):
        PhantomStream(Phantom(), 500)
