"""apexbeat replay and its inputs: each bad one is one clear line and the right exit code."""

from __future__ import annotations

import json
import os
import struct

import jsonschema
import numpy as np
import pytest
import soundfile as sf

from dsp.phantom import Phantom, render
from monitor.record.eventfile import schema

HEART = render(Phantom(duration_s=12.0, seed=4), 4000).sound.astype(np.float32)


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    path = tmp_path_factory.mktemp("good") / "good.wav"
    sf.write(path, HEART, 4000)
    return path


def refused(call, path, *words, events):
    """One failed input alone: exit 3, one line that names it, no event file."""
    code, out, err = call(path, "--events", events)
    lines = err.splitlines()
    assert code == 3
    assert out == ""
    assert len(lines) == 2, err
    assert path.name in lines[0]
    for word in words:
        assert word in lines[0]
    assert lines[1] == "apexbeat: no usable input; see above"
    assert os.listdir(events) == [] if events.exists() else True


def write(path, content):
    path.write_bytes(content)
    return path


def wav_with_data_length(good, path, length):
    content = bytearray(good.read_bytes())
    at = content.find(b"data") + 4
    content[at : at + 4] = struct.pack("<I", length)
    return write(path, bytes(content))


def flac(good, path):
    sf.write(path, HEART, 4000)
    return path


BAD = {
    "missing": (lambda g, d: d / "none.wav", ["no such file"]),
    "folder without audio": (lambda g, d: _folder(d), ["no audio"]),
    "empty file": (lambda g, d: write(d / "e.wav", b""), ["empty"]),
    "text named wav": (lambda g, d: write(d / "t.wav", b"hello world " * 50), ["not a sound"]),
    "not audio": (lambda g, d: write(d / "notes.txt", b"hello"), ["not a sound"]),
    "no frames": (lambda g, d: _written(d / "n.wav", HEART[:0], 4000), ["no sound"]),
    "500 Hz": (lambda g, d: _written(d / "slow.wav", HEART[:2000], 500), ["500 Hz", "1000"]),
    "384 kHz": (lambda g, d: _written(d / "f.wav", HEART[:2000], 384_000), ["384000 Hz"]),
}  # fmt: skip


DAMAGED = {
    "truncated wav": (lambda g, d: write(d / "c.wav", g.read_bytes()[:40_000]), "cut short", 5.0),
    "truncated flac": (
        lambda g, d: write(d / "c.flac", flac(g, d / "x.bin.flac").read_bytes()[:20_000]),
        "cut short", 5.0),
    "damaged flac": (lambda g, d: _damaged(flac(g, d / "d.flac")), "damaged", 12),
    "header too long": (lambda g, d: wav_with_data_length(g, d / "l.wav", 10**6), "cut short", 12),
    "header too short": (
        lambda g, d: wav_with_data_length(g, d / "s.wav", 4000), "tells of less", 12),
    "header of nothing": (lambda g, d: wav_with_data_length(g, d / "z.wav", 0), "no length", 12),
}  # fmt: skip


@pytest.mark.parametrize("name", DAMAGED)
def test_of_a_damaged_file_what_is_there_is_judged_and_the_rest_told(name, good, call, tmp_path):
    make, words, seconds = DAMAGED[name]
    sounds = tmp_path / "in"
    sounds.mkdir()
    path = make(good, sounds)
    code, out, err = call(path, "--events", tmp_path / "ev", "--json")
    [summary] = map(json.loads, out.splitlines())
    assert code == 0
    assert len(err.splitlines()) == 1
    assert words in err
    assert path.name in err
    assert summary["complete"] is False
    assert summary["duration_s"] == pytest.approx(seconds, abs=1.0)
    end = json.loads((tmp_path / "ev" / f"{path.stem}.jsonl").read_text().splitlines()[-1])
    assert end["complete"] is False


def _folder(folder):
    (folder / "texts").mkdir()
    (folder / "texts" / "readme.txt").write_text("x")
    return folder / "texts"


def _damaged(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    return write(path, bytes(content))


def _written(path, sound, rate, **kwargs):
    sf.write(path, sound, rate, **kwargs)
    return path


@pytest.mark.parametrize("name", BAD)
def test_a_bad_input_is_one_line_and_leaves_nothing(name, good, call, tmp_path):
    make, words = BAD[name]
    sounds = tmp_path / "in"
    sounds.mkdir()
    refused(call, make(good, sounds), *words, events=tmp_path / "events")


def replayed(call, path, events, *more):
    """Replay one good file; return its lines, each checked against the schema."""
    code, out, err = call(path, "--events", events, *more)
    assert (code, err) == (0, ""), err
    validator = jsonschema.Draft202012Validator(schema())
    lines = [json.loads(line) for line in (events / f"{path.stem}.jsonl").read_text().splitlines()]
    for line in lines:
        validator.validate(line)
    assert lines[-1]["complete"]
    return lines, out


def values(lines, kind, key="value"):
    return [line[key] for line in lines if line["type"] == kind]


FORMATS = [
    ("wav", 1, "PCM_U8"), ("wav", 1, "PCM_16"), ("wav", 1, "PCM_24"), ("wav", 1, "PCM_32"),
    ("wav", 1, "FLOAT"), ("wav", 1, "DOUBLE"), ("flac", 1, "PCM_24"), ("aiff", 1, "PCM_16"),
    ("ogg", 1, "VORBIS"), ("wav", 2, "PCM_16"),
]  # fmt: skip


@pytest.mark.parametrize(("suffix", "channels", "subtype"), FORMATS)
def test_every_common_format_is_heard(suffix, channels, subtype, call, tmp_path):
    sound = np.repeat(HEART[:, None], channels, axis=1)
    path = _written(tmp_path / f"a.{suffix}", sound, 4000, subtype=subtype)
    lines, _ = replayed(call, path, tmp_path / "ev")
    assert lines[0]["channels"] == channels
    assert values(lines, "vitals", "rate")[-1] == pytest.approx(70, abs=5)


def test_192_khz_is_heard(call, tmp_path):
    sound = render(Phantom(duration_s=5.0, seed=4), 192_000).sound
    lines, _ = replayed(call, _written(tmp_path / "a.wav", sound, 192_000), tmp_path / "ev")
    assert lines[-1]["index"] == 10_000
    assert len(values(lines, "beat", "s1")) >= 5


def test_one_channel_can_be_chosen_and_one_that_is_not_there_is_an_error(call, tmp_path):
    sound = np.stack([np.zeros_like(HEART), HEART], axis=1)
    path = _written(tmp_path / "a.wav", sound, 4000)
    lines, _ = replayed(call, path, tmp_path / "second", "--channel", "2")
    assert values(lines, "vitals", "rate")[-1] == pytest.approx(70, abs=5)
    lines, _ = replayed(call, path, tmp_path / "first", "--channel", "1")
    assert values(lines, "quality") == ["flat"]
    code, _, err = call(path, "--channel", "3")
    assert code == 3
    assert "channel" in err


def test_samples_that_are_not_numbers_are_a_technical_condition_and_never_normal(call, tmp_path):
    sound = HEART.copy()
    sound[:] = np.nan
    path = _written(tmp_path / "nan.wav", sound, 4000, subtype="FLOAT")
    lines, out = replayed(call, path, tmp_path / "ev")
    assert set(values(lines, "verdict")) == {"none"}
    assert "analysis_fault" in values(lines, "alarm", "kind")
    assert values(lines, "fault", "what")
    assert "NORMAL" not in out
    assert "faults" in out
    sound = HEART.copy()
    sound[20_000:20_050] = np.inf
    path = _written(tmp_path / "inf.wav", sound, 4000, subtype="FLOAT")
    lines, _ = replayed(call, path, tmp_path / "ev")
    assert "analysis_fault" in values(lines, "alarm", "kind")


def test_silence_has_no_heart_and_is_no_failure(call, tmp_path):
    path = _written(tmp_path / "zero.wav", np.zeros_like(HEART), 4000)
    lines, out = replayed(call, path, tmp_path / "ev")
    assert values(lines, "quality") == ["flat"]
    assert set(values(lines, "verdict")) == {"none"}
    assert "NONE" in out


def test_half_a_second_is_no_failure(call, tmp_path):
    path = _written(tmp_path / "short.wav", HEART[:2000], 4000)
    lines, _ = replayed(call, path, tmp_path / "ev")
    assert lines[-1]["index"] == 1000
    assert values(lines, "verdict") == ["none"]


def test_a_short_recording_yields_the_beats_of_its_first_and_last_second(call, tmp_path):
    made = render(Phantom(duration_s=5.0, seed=9), 2000)
    path = _written(tmp_path / "five.wav", made.sound, 2000)
    lines, _ = replayed(call, path, tmp_path / "ev")
    heard = [line for line in lines if line["type"] == "beat"]
    for name in ("s1", "s2"):
        truth = [v for b in made.beats if (v := getattr(b, name)) is not None]
        found = [b[name] for b in heard if b[name] is not None]
        for onset in truth:
            assert any(abs(onset - f) <= 120 for f in found), (name, onset)
        # What sounds at the very border may be told as cut by it.
        assert len([f for f in found if 120 < f < 9880]) <= len(truth)
    assert any(line["used"] for line in lines if line["type"] == "window")


def test_a_broken_file_does_not_stop_the_others(good, call, tmp_path):
    bad = write(tmp_path / "bad.wav", b"no sound")
    code, out, err = call(bad, good, tmp_path / "none.wav", "--events", tmp_path / "ev")
    assert code == 1
    assert out.startswith("good.wav")
    assert os.listdir(tmp_path / "ev") == ["good.jsonl"]
    assert err.splitlines()[-1].startswith("1 analysed, 2 failed")


def test_json_tells_every_input_in_one_line_each(good, call, tmp_path):
    bad = write(tmp_path / "bad.wav", b"no sound")
    code, out, _ = call(bad, good, "--json")
    first, second = map(json.loads, out.splitlines())
    assert code == 1
    assert "not a sound" in first["error"]
    assert second["name"] == "good.wav"
    assert second["verdict"] in ("normal", "abnormal", "unsure")
    assert second["windows"] > 3
    assert first.keys() == second.keys()
    assert second["rate"] == pytest.approx(70, abs=5)


def test_a_folder_is_searched_for_audio_and_other_files_are_ignored(good, call, tmp_path):
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    write(inner / "one.WAV", good.read_bytes())
    write(tmp_path / "a" / "two.wav", good.read_bytes())
    write(tmp_path / "a" / "notes.csv", b"x")
    code, _, _ = call(tmp_path / "a", "--events", tmp_path / "ev")
    assert code == 0
    assert sorted(os.listdir(tmp_path / "ev")) == ["one.jsonl", "two.jsonl"]


def test_no_input_is_told(call):
    code, out, err = call()
    assert (code, out) == (3, "")
    assert err == "apexbeat: no input given; name audio files or folders with audio\n"


def test_equal_names_in_two_folders_keep_their_folders(good, call, tmp_path):
    for folder in ("p1", "p2"):
        (tmp_path / folder).mkdir()
        write(tmp_path / folder / "AV.wav", good.read_bytes())
    write(tmp_path / "p1" / "MV.wav", good.read_bytes())
    code, out, _ = call(tmp_path, "--events", tmp_path / "ev", "--json")
    assert code == 0
    assert [json.loads(line)["name"] for line in out.splitlines()] == [
        "p1/AV.wav", "MV.wav", "p2/AV.wav",
    ]  # fmt: skip
    found = sorted(path.relative_to(tmp_path / "ev") for path in (tmp_path / "ev").rglob("*.jsonl"))
    assert [path.as_posix() for path in found] == ["MV.jsonl", "p1/AV.jsonl", "p2/AV.jsonl"]
    one, two = tmp_path / "p1" / "AV.wav", tmp_path / "p2" / "AV.wav"
    code, out, _ = call(one, two, "--events", tmp_path / "named", "--json")
    assert code == 0
    assert [json.loads(line)["name"] for line in out.splitlines()] == ["p1/AV.wav", "p2/AV.wav"]


def test_two_inputs_of_one_event_file_are_refused_before_the_first_is_read(good, call, tmp_path):
    one = write(tmp_path / "a.wav", b"not even sound")
    other = write(tmp_path / "a.flac", b"not even sound")
    code, out, err = call(one, other, "--events", tmp_path / "ev")
    assert (code, out) == (2, "")
    assert len(err.splitlines()) == 1
    assert "a.jsonl" in err
    assert not (tmp_path / "ev").exists()


def test_an_event_file_that_exists_is_refused_without_overwrite(good, call, tmp_path):
    old = write(tmp_path / "good.jsonl", b"mine")
    code, out, err = call(good, "--events", tmp_path)
    assert (code, out) == (6, "")
    assert err == f"apexbeat: {old}: exists already; use --overwrite or another folder\n"
    assert old.read_bytes() == b"mine"
    assert call(good, "--events", tmp_path, "--overwrite")[0] == 0
    assert old.read_bytes() != b"mine"
    assert os.listdir(tmp_path) == ["good.jsonl"]


def test_an_output_that_cannot_be_written_is_told(good, call, tmp_path):
    code, out, err = call(good, "--events", write(tmp_path / "file", b"") / "ev")
    assert (code, out) == (6, "")
    assert len(err.splitlines()) == 1


def test_a_model_that_is_refused_is_exit_code_5(good, call, tmp_path):
    model = write(tmp_path / "m.pt", b"no model")
    for more in ([], ["--sha256", "0" * 64]):
        code, out, err = call(good, "--model", model, *more)
        assert (code, out) == (5, "")
        assert len(err.splitlines()) == 1
        assert "m.pt" in err


@pytest.mark.parametrize(
    "arguments",
    [["--pace", "fat"], ["--pace", "-1x"], ["--pace", "0x"], ["--jobs", "0"], ["--nothing"],
     ["--set", "alarms.tachycardia=fast"], ["--set", "alarms.nothing=1"], ["--set", "x"],
     ["--set", "alarms.bradycardia=130.0"], ["--config", "/nowhere/at/all.toml"]],
)  # fmt: skip
def test_a_wrong_call_is_one_line_and_exit_code_2(arguments, good, call):
    code, out, err = call(good, *arguments)
    assert (code, out) == (2, "")
    assert len(err.splitlines()) == 1


def test_outside_text_cannot_reach_the_terminal(good, call, tmp_path):
    name = "a\x1b[2J\nb[bold].wav"
    write(tmp_path / name, good.read_bytes())
    code, out, err = call(tmp_path, "--events", tmp_path / "ev")
    assert code == 0
    assert "\x1b" not in out + err
    assert "a b[bold].wav" in out
    line = (tmp_path / "ev" / name.replace(".wav", ".jsonl")).read_text().splitlines()[0]
    assert json.loads(line)["name"] == "a b[bold].wav"
    code, _, err = call(tmp_path / "x\x1b[2J.wav")
    assert code == 3
    assert "\x1b" not in err


def test_a_folder_in_it_that_cannot_be_read_fails_alone(good, call, tmp_path, monkeypatch):
    """One lost+found refused the whole archive."""
    (tmp_path / "set" / "closed").mkdir(parents=True)
    (tmp_path / "set" / "heart.wav").write_bytes(good.read_bytes())
    scandir = os.scandir

    def refuse(path):
        if str(path).endswith("closed"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    code, out, err = call(tmp_path / "set")
    assert code == 1
    assert "heart.wav" in out
    assert err.splitlines()[0].endswith("closed: permission denied")
