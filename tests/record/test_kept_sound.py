"""Clips of a live session in its report, and sound as WAV and FLAC."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

import apexbeat
from monitor.cli.main import run
from monitor.clock import SystemClock
from monitor.errors import InputError
from monitor.events import RATE_HZ, Alarm, WaveformChunk
from monitor.record.clips import Clips, kept_clips
from monitor.record.export.model import Record, from_event_file
from monitor.record.export.write import export
from monitor.record.report.excerpts import choose
from monitor.record.report.facts import gather
from monitor.record.report.write import render

TACHYCARDIA = Path(__file__).parents[2] / "recordings" / "tachycardia.flac"
STEP = 1000


@pytest.fixture(scope="module")
def heard(tmp_path_factory):
    """A recording, its event file, and the clips that a live session would have kept."""
    folder = tmp_path_factory.mktemp("kept")
    assert run(["replay", str(TACHYCARDIA), "--events", str(folder)]) == 0
    result = apexbeat.analyze(TACHYCARDIA)
    clips = Clips(folder, "s", SystemClock(), set)
    alarms = [e for e in result.events if isinstance(e, Alarm)]
    for start in range(0, len(result.sound), STEP):
        for alarm in alarms:
            if start < alarm.index <= start + STEP:
                clips.alarm(alarm)
        clips.picture(WaveformChunk(start, result.sound[start : start + STEP], -10.0, 0))
    clips.close()
    return result, from_event_file(folder / "tachycardia.jsonl"), folder / "clips" / "s"


def test_a_clip_says_where_in_the_session_it_lies(heard) -> None:
    result, _, folder = heard
    [one] = kept_clips(folder)
    assert one.kind == "tachycardia"
    assert 0 <= one.index - one.start <= 11 * RATE_HZ
    sound = one.read()
    expected = result.sound[one.start : one.start + len(sound)]
    np.testing.assert_allclose(sound, np.clip(expected, -1, 1), atol=2e-7)


def test_the_report_of_a_session_without_its_sound_holds_its_clips(heard) -> None:
    _, record, folder = heard
    page = render(replace(record, clips=folder))
    assert "clips kept around its alarms" in page
    assert page.count("<audio") == 1
    assert "Before the alarm fast heart rate" in page
    marked = re.search(r"(\d+) first heart sounds are marked", page)
    assert marked is not None
    assert int(marked[1]) >= 8  # five seconds above 120/min
    assert "<audio" not in render(record)
    assert "No sound came with these events" in render(record)


def test_what_a_person_kept_is_in_the_report_of_a_recorded_session_too(heard, tmp_path) -> None:
    result, record, _ = heard
    clips = Clips(tmp_path, "s", SystemClock(), set)
    for start in range(0, 40 * RATE_HZ, STEP):
        clips.picture(WaveformChunk(start, result.sound[start : start + STEP], -10.0, 0))
    clips.keep(40 * RATE_HZ)
    clips.close()
    unheard = Alarm(index=3000, kind="alarms_unheard", priority="medium", state="active",
                    evidence="")  # fmt: skip
    mine = replace(record, clips=tmp_path / "clips" / "s", events=(unheard, *record.events))
    moments = choose(mine, gather(mine), result.sound)
    kept = [one for one in moments if "by hand" in one.why]
    assert [(one.start, one.stop) for one in kept] == [(30 * RATE_HZ, 40 * RATE_HZ)]
    assert not [one for one in moments if "cannot be heard" in one.why]
    assert [one for one in moments if "fast heart rate" in one.why]


def test_a_clip_that_does_not_say_where_it_lies_is_no_picture_but_is_exported(
    heard, tmp_path
) -> None:
    _, record, folder = heard
    [one] = kept_clips(folder)
    sf.write(tmp_path / one.path.name, one.read(), RATE_HZ, subtype="PCM_24")
    (tmp_path / "000000000001-broken.flac").write_bytes(b"no sound")
    old = replace(record, clips=tmp_path)
    assert "No clip of these alarms is left" in render(old)
    [path] = export(old, "flac", tmp_path / "out")
    assert path.name == f"tachycardia_flac.{one.path.stem}.flac"


@pytest.mark.parametrize("kind", ["wav", "flac"])
def test_what_is_exported_is_what_was_heard(heard, kind, tmp_path) -> None:
    result, record, folder = heard
    [path] = export(replace(record, sound=TACHYCARDIA), kind, tmp_path)
    assert path.name == f"tachycardia_flac.{kind}"
    sound, rate = sf.read(path, dtype="float32")
    assert rate == 8000
    assert len(sound) == 4 * len(result.sound)
    inside = np.abs(result.sound) < 0.99
    assert np.abs(sound[::4] - result.sound)[inside].max() < 1e-3
    again = apexbeat.analyze(path)
    assert again.rate == pytest.approx(result.rate, abs=0.5)
    assert len(again.beats) == pytest.approx(len(result.beats), abs=2)
    [clip] = export(replace(record, clips=folder), kind, tmp_path / "clips")
    assert sf.info(clip).frames == 4 * len(kept_clips(folder)[0].read())


def test_without_sound_and_clips_it_is_one_line(heard, tmp_path, capsys) -> None:
    _, record, _ = heard
    assert isinstance(record, Record)
    with pytest.raises(InputError, match="neither its sound nor clips"):
        export(record, "wav", tmp_path)
    assert list(tmp_path.iterdir()) == []
    events = tmp_path / "ev"
    assert run(["replay", str(TACHYCARDIA), "--events", str(events)]) == 0
    call = ["export", str(events / "tachycardia.jsonl"), "--to", "wav", "-o", str(tmp_path)]
    capsys.readouterr()
    assert run(call) == 1
    assert len(capsys.readouterr().err.splitlines()) == 1
    assert run([*call, "--audio", str(TACHYCARDIA)]) == 0
    assert (tmp_path / "tachycardia_flac.wav").is_file()
