"""Files as the field has them, kind by kind, five hearts each: what is said of them is right."""

from __future__ import annotations

import json
from functools import cache

import field_files as ff
import numpy as np
import pytest
import soundfile as sf
from scipy.signal import lfilter

from monitor.cli.main import run
from monitor.config.load import Settings
from monitor.replay.batch import Options, replay_file

SEEDS = range(5)


@pytest.fixture(scope="module")
def judged(models, tmp_path_factory):
    """Replay a file; return its summary, and the lines of its event file."""
    events = tmp_path_factory.mktemp("events")

    def judging(path):
        summary = replay_file(path, Settings(), models, Options(events=events, overwrite=True))
        text = (events / f"{path.stem}.jsonl").read_text(encoding="utf-8")
        return summary, [json.loads(line) for line in text.splitlines()]

    return judging


def write(path, sound, rate_hz, **kwargs):
    sf.write(path, sound, rate_hz, **kwargs)
    return path


def same(one, other):
    """The same heart is heard: beats, rate, p."""
    assert one.beats == pytest.approx(other.beats, abs=1)
    assert one.rate == pytest.approx(other.rate, abs=1)
    assert one.verdict.value == other.verdict.value
    assert one.verdict.p == pytest.approx(other.verdict.p, abs=0.005)


@pytest.fixture(scope="module")
def whole(judged, tmp_path_factory):
    """A heart, and what is said of a plain WAV of it: summary and lines."""
    path = tmp_path_factory.mktemp("whole") / "whole.wav"

    @cache
    def making(seed, rate_hz=None):
        made = ff.heart(seed, rate_hz=rate_hz)
        summary, lines = judged(write(path, made.sound, made.rate_hz))
        assert summary.rate == pytest.approx(made.per_minute, rel=0.08)
        assert summary.complete
        assert summary.warnings == []
        return made, summary, lines

    return making


# ------------------------------------------------------------ H: channels


def noise(seed, size, level):
    return level * np.random.default_rng([39, seed]).standard_normal(size)


CHANNELS = {
    "antiphase": (lambda s, n: (s, -s), {1, 2}, "inverted"),
    "inverted and softer": (lambda s, n: (s, -0.4 * s), {1, 2}, "inverted"),
    "one silent": (lambda s, n: (np.zeros_like(s), s), {2}, "1 is silent"),
    "alike": (lambda s, n: (s, s), {0}, "agree: mixed"),
    "alike but for noise": (
        lambda s, n: (s + 0.002 * n, s + 0.002 * n[::-1]), {0}, "agree: mixed"),
    "delayed": (lambda s, n: (s, np.roll(s, len(s) // 1000)), {1, 2}, "later"),
    "one much cleaner": (lambda s, n: (0.2 * s + 0.3 * n, s + 0.001 * n), {2}, "cleaner"),
}  # fmt: skip


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("kind", CHANNELS)
def test_channels_are_looked_at_and_the_choice_is_told(kind, seed, judged, whole, tmp_path):
    made, alone, _ = whole(seed, rate_hz=(2000, 4000, 8000)[seed % 3])
    mix, allowed, words = CHANNELS[kind]
    pair = np.stack(mix(made.sound, noise(seed, len(made.sound), 1.0)), axis=1)
    summary, lines = judged(write(tmp_path / "pair.wav", np.clip(pair, -1, 1), made.rate_hz))
    settings = lines[0]["settings"]
    assert settings["analysis.channel"] in allowed
    assert words in summary.channel
    assert settings["analysis.channel_reason"] == summary.channel
    assert lines[0]["channels"] == 2
    assert "flat" not in summary.quality_s
    assert summary.rate == pytest.approx(alone.rate, abs=1)
    assert summary.beats == pytest.approx(alone.beats, abs=1)


@pytest.mark.parametrize("seed", SEEDS)
def test_two_hearts_are_told_and_one_is_taken(seed, judged, tmp_path):
    rates = 58.0 + 3 * seed, 88.0 + 5 * seed
    sounds = [ff.heart(seed + 50 * k, 16.0, 4000, rates[k]).sound for k in (0, 1)]
    summary, _ = judged(write(tmp_path / "two.wav", np.stack(sounds, axis=1), 4000))
    assert "two hearts" in summary.channel
    assert "--channel" in summary.channel
    assert summary.rate is not None
    assert min(abs(summary.rate / rate - 1) for rate in rates) < 0.1


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("ecg_first", [False, True])
def test_an_ecg_beside_the_sound_is_a_reference(seed, ecg_first, judged, whole, tmp_path):
    # Eko DUO: sound and electrocardiogram as the two channels of one WAV
    made, alone, heard = whole(seed, rate_hz=(2000, 4000, 8000)[seed % 3])
    beats = [line["s1"] for line in heard if line["type"] == "beat"]
    first_s = min(b for b in beats if b is not None) / 2000 - 0.05
    wave = ff.ecg(seed, 14.0, made.rate_hz, made.per_minute, first_s)
    pair = np.stack([wave, made.sound] if ecg_first else [made.sound, wave], axis=1)
    summary, lines = judged(write(tmp_path / "duo.wav", pair, made.rate_hz))
    assert lines[0]["settings"]["analysis.channel"] == (2 if ecg_first else 1)
    assert "electrocardiogram" in summary.channel
    same(summary, alone)
    assert summary.reference.rate == pytest.approx(made.per_minute, rel=0.03)
    assert summary.reference.waves == pytest.approx(14 * made.per_minute / 60, abs=2)
    assert -40 <= summary.reference.r_s1_ms <= 220


def test_a_channel_that_is_asked_for_is_taken(whole, models, tmp_path):
    made, *_ = whole(1)
    pair = np.stack([made.sound, np.zeros_like(made.sound)], axis=1)
    path = write(tmp_path / "pair.wav", pair, made.rate_hz)
    events = tmp_path / "out"
    assert run(["replay", str(path), "--channel", "2", "--events", str(events)]) == 0
    lines = [json.loads(line) for line in (events / "pair.jsonl").read_text().splitlines()]
    assert [line["value"] for line in lines if line["type"] == "quality"] == ["flat"]
    assert "analysis.channel_reason" not in lines[0]["settings"]
    assert run(["replay", str(path), "--channel", "0", "--events", str(events), "--overwrite"]) == 0
    line = json.loads((events / "pair.jsonl").read_text().splitlines()[0])
    assert line["settings"]["analysis.channel"] == 0


# ------------------------------------------------------------ I, J, S: lengths that lie, cut short


LIES = {
    "0": 0, "0x7FFFFFFF": 0x7FFFFFFF, "sox 0x7FFFF000": 0x7FFFF000, "arecord": 0x80000000,
    "ffmpeg 0xFFFFFFFF": 0xFFFFFFFF, "0x7FFFFFFE": 0x7FFFFFFE, "0xFFFFFFFE": 0xFFFFFFFE,
}  # fmt: skip


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("lie", LIES)
def test_a_length_that_lies_is_read_to_the_end(lie, seed, judged, whole, tmp_path):
    made, alone, _ = whole(seed)
    path = tmp_path / "lie.wav"
    path.write_bytes(ff.riff(ff.pcm(made.sound), made.rate_hz, LIES[lie]))
    summary, lines = judged(path)
    same(summary, alone)
    assert summary.duration_s == alone.duration_s
    assert len(summary.warnings) == 1
    assert not summary.complete
    assert lines[-1]["complete"] is False


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("kind", ["odd", "wrapped", "AIFF of a pipe"])
def test_a_length_that_is_odd_or_wrapped_is_read_to_the_end(kind, seed, judged, whole, tmp_path):
    made, alone, _ = whole(seed)
    data = ff.pcm(made.sound)
    path = tmp_path / ("x.aiff" if kind.startswith("AIFF") else "x.wav")
    if kind == "AIFF of a pipe":
        swapped = np.frombuffer(data, "<i2").astype(">i2").tobytes()
        path.write_bytes(ff.aiff(swapped, made.rate_hz, 0x7F000000))
    else:
        wrapped = (len(data) + 3 * 2**32) % 2**32 // 3 if kind == "wrapped" else 4097 + 2 * seed
        path.write_bytes(ff.riff(data, made.rate_hz, wrapped))
    summary, _ = judged(path)
    same(summary, alone)
    assert len(summary.warnings) == 1
    assert not summary.complete


CUTS = {
    "wav": {}, "flac": {}, "ogg": {"rate_hz": 16_000}, "au": {}, "w64": {}, "aiff": {},
    "caf": {"subtype": "PCM_16"}, "rf64": {"format": "RF64"},
}  # fmt: skip


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("kind", CUTS)
def test_a_file_cut_short_is_judged_as_far_as_it_goes(kind, seed, judged, tmp_path):
    options = dict(CUTS[kind])
    made = ff.heart(seed, 14.0, options.pop("rate_hz", None))
    path = write(tmp_path / f"cut.{kind}", made.sound, made.rate_hz, **options)
    content = path.read_bytes()
    path.write_bytes(content[: round(len(content) * (0.5 + 0.08 * seed))])
    summary, lines = judged(path)
    assert 5 < summary.duration_s < 13
    assert summary.rate == pytest.approx(made.per_minute, rel=0.1)
    [words] = summary.warnings
    assert "cut short" in words
    assert not summary.complete
    assert lines[-1]["complete"] is False


@pytest.mark.parametrize("seed", SEEDS)
def test_a_flac_without_a_count_is_decoded_to_the_end(seed, judged, whole, tmp_path):
    made, alone, _ = whole(seed)
    path = write(tmp_path / "piped.flac", made.sound, made.rate_hz)
    content = bytearray(path.read_bytes())
    content[21] &= 0xF0  # the count of STREAMINFO: 36 bits of which 4 are here
    content[22:26] = bytes(4)
    path.write_bytes(content)
    summary, _ = judged(path)
    same(summary, alone)
    assert summary.duration_s == alone.duration_s


def test_what_cannot_be_judged_at_all_is_a_failed_input(tmp_path, capsys):
    path = tmp_path / "head.wav"
    path.write_bytes(ff.riff(b"", 4000, 80_000))
    good = write(tmp_path / "good.wav", ff.heart(1).sound, ff.heart(1).rate_hz)
    assert run(["replay", str(path)]) == 3
    assert "holds no sound" in capsys.readouterr().err
    assert run(["replay", str(path), str(good)]) == 1


# ------------------------------------------------------------ L, M: level and clipping


LEVELS = {
    "int16 units": (32767.0, "FLOAT"), "24-bit units": (2.0**23, "FLOAT"), "1e-5": (2e-5, "FLOAT"),
    "over full scale": (7.0, "FLOAT"), "double, 1e-4": (2e-4, "DOUBLE"),
}  # fmt: skip


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("kind", LEVELS)
def test_the_result_does_not_depend_on_full_scale(kind, seed, judged, whole, tmp_path):
    made, alone, _ = whole(seed)
    factor, subtype = LEVELS[kind]
    path = write(tmp_path / "level.wav", factor * made.sound, made.rate_hz, subtype=subtype)
    summary, _ = judged(path)
    same(summary, alone)
    assert summary.quality_s == pytest.approx(alone.quality_s, abs=1.0)
    assert summary.complete
    assert summary.warnings == []


@pytest.mark.parametrize("seed", SEEDS)
def test_eight_bits_are_heard(seed, judged, whole, tmp_path):
    made, alone, _ = whole(seed)
    path = write(tmp_path / "eight.wav", made.sound, made.rate_hz, subtype="PCM_U8")
    summary, _ = judged(path)
    assert summary.rate == pytest.approx(alone.rate, abs=1)
    assert summary.gaps == 0
    assert "clipped" not in summary.quality_s


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("rate_hz", [2000, 8000, 44_100])
@pytest.mark.parametrize("level", [0.9, 0.5, 0.05])
def test_clipping_is_told_at_any_level(level, rate_hz, seed, judged, tmp_path):
    made = ff.heart(seed, 12.0, rate_hz)
    cut = np.percentile(np.abs(made.sound), 93)
    clipped = np.clip(made.sound, -cut, cut) / cut * level
    summary, _ = judged(write(tmp_path / "clipped.wav", clipped, rate_hz))
    share = summary.quality_s.get("clipped", 0.0) / sum(summary.quality_s.values())
    assert share > 0.9
    assert summary.verdict.value == "none"
    soft, _ = judged(write(tmp_path / "soft.wav", made.sound * level, rate_hz))
    assert "clipped" not in soft.quality_s


# ------------------------------------------------------------ N: dropouts


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("fill", ["zeros", "held", "repeated"])
def test_dropouts_are_gaps(fill, seed, judged, tmp_path):
    made = ff.heart(seed, 16.0)
    rng = np.random.default_rng([40, seed])
    sound = np.round(made.sound * 32767) / 32768
    length = round(float(rng.uniform(0.03, 0.4)) * made.rate_hz)
    places = [round(s * made.rate_hz) for s in (3.1, 6.7, 11.3)]
    for at in places:
        if fill == "zeros":
            sound[at : at + length] = 0
        elif fill == "held":
            sound[at : at + length] = sound[at - 1]
        else:
            buffer = min(length, round(0.04 * made.rate_hz))
            sound[at : at + length] = np.resize(sound[at - buffer : at], length)
    summary, lines = judged(write(tmp_path / "drop.wav", sound, made.rate_hz))
    gaps = [line for line in lines if line["type"] == "gap"]
    found = {round(line["start"] / 2000, 1) for line in gaps}
    assert found <= {3.1, 6.7, 11.3}
    assert len(found) >= 2
    assert summary.gaps == len(gaps)
    assert all(line["reason"].startswith("dropout") for line in gaps)
    middle = np.median([line["length"] for line in gaps])
    assert middle == pytest.approx(length * 2000 / made.rate_hz, rel=0.1, abs=3)
    assert lines[-1]["index"] == pytest.approx(16 * 2000, abs=1)
    [words] = summary.warnings
    assert "dropout" in words
    assert summary.complete


@pytest.mark.parametrize("seed", SEEDS)
def test_silence_that_a_heart_fades_into_is_no_dropout(seed, judged, tmp_path):
    rng = np.random.default_rng([41, seed])
    rate_hz = ff.RATES_HZ[seed]
    sound = np.zeros(12 * rate_hz)
    for at in np.arange(0.3, 11, float(rng.uniform(0.6, 1.0))):
        for shift, hz in ((0.0, 45), (0.3, 60)):
            size = round(0.1 * rate_hz)
            begin = round((at + shift) * rate_hz)
            wave = 0.4 * np.hanning(size) * np.sin(2 * np.pi * hz * np.arange(size) / rate_hz)
            sound[begin : begin + size] += wave[: len(sound) - begin]
    summary, _ = judged(write(tmp_path / "silent.wav", sound, rate_hz))
    assert summary.gaps == 0
    assert summary.warnings == []


# ------------------------------------------------------------ short recordings


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("seconds", [3.6, 4.2, 5.0])
def test_three_cycles_make_a_rate_with_its_uncertainty(seconds, seed, judged, tmp_path):
    made = ff.heart(seed, 20.0)
    at = round((2 + seed) * made.rate_hz)
    part = made.sound[at : at + round(seconds * made.rate_hz)]
    summary, lines = judged(write(tmp_path / "short.wav", part, made.rate_hz))
    whole = [line for line in lines if line["type"] == "beat" and None not in (
        line["s1"], line["end"]) and line["confidence"] >= 0.5]  # fmt: skip
    if len(whole) >= 3:
        assert summary.rate == pytest.approx(made.per_minute, rel=0.1)
        assert 0 < summary.rate_uncertainty < 40
    else:
        assert seconds * made.per_minute / 60 < 5
        assert summary.rate is None


# ------------------------------------------------------------ part of a file


def test_a_part_of_a_long_file_is_that_part(judged, whole, tmp_path, capsys):
    made, alone, _ = whole(3)
    long = np.concatenate([noise(1, 30 * made.rate_hz, 0.01), made.sound, made.sound])
    path = write(tmp_path / "long.flac", np.clip(long, -1, 1), made.rate_hz)
    events = tmp_path / "ev"
    call = ["replay", str(path), "--start", "0:30", "--duration", "14", "--events", str(events)]
    assert run([*call, "--json"]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary["duration_s"] == 14.0
    assert summary["complete"]
    assert summary["beats"] == pytest.approx(alone.beats, abs=1)
    line = json.loads((events / "long.jsonl").read_text().splitlines()[0])
    assert line["settings"]["part.start_s"] == 30.0
    assert run(["report", str(events / "long.jsonl"), "--audio", str(path),
                "-o", str(tmp_path / "r.html")]) == 0  # fmt: skip
    assert run(["replay", str(path), "--start", "9:00"]) == 3
    assert "ends before" in capsys.readouterr().err
    for wrong in (["--start", "x"], ["--duration", "0"], ["--raw", "4000:s16"]):
        assert run(["replay", str(path), *wrong]) == 2


def test_steep_filters_leave_no_flat_tops(judged, tmp_path):
    made = ff.heart(4, 12.0, 8000)
    low = lfilter(np.ones(8) / 8, 1.0, made.sound)
    summary, _ = judged(write(tmp_path / "low.wav", low, 8000))
    assert "clipped" not in summary.quality_s
