"""The shipped recordings give the events that were checked in, whole and in order."""

from __future__ import annotations

import csv

import golden
import msgspec
import pytest

IDS = [path.stem for path in golden.recordings()]


@pytest.fixture(scope="module")
def model_folder(tmp_path_factory):
    return tmp_path_factory.mktemp("model")


def expected(stem):
    path = golden.FOLDER / f"{stem}.jsonl"
    return [msgspec.json.decode(line) for line in path.read_bytes().splitlines()]


@pytest.mark.parametrize("path", golden.recordings(), ids=IDS)
def test_a_shipped_recording_gives_its_golden_events(path, model_folder):
    ours, wanted = golden.lines(path, model_folder), expected(path.stem)
    for number, (line, other) in enumerate(zip(ours, wanted, strict=False), 1):
        assert golden.same(line, other), f"line {number}"
    assert len(ours) == len(wanted)


def alarms(stem):
    lines = [line for line in expected(stem) if line["type"] == "alarm"]
    return [(line["kind"], line["state"]) for line in lines]


def raised(stem):
    return [kind for kind, state in alarms(stem) if state == "active"]


def test_a_normal_heart_raises_nothing():
    assert alarms("normal") == []


def test_a_murmur_raises_abnormal_sound_and_nothing_else():
    raised = [("abnormal_sound", "pending"), ("abnormal_sound", "active")]
    assert alarms("systolic_murmur") == raised


def test_a_fast_heart_raises_tachycardia_and_clears_it():
    assert alarms("tachycardia") == [
        ("tachycardia", "pending"), ("tachycardia", "active"), ("tachycardia", "inactive"),
    ]  # fmt: skip


def test_a_slow_heart_raises_bradycardia_and_clears_it():
    assert alarms("bradycardia") == [
        ("bradycardia", "pending"), ("bradycardia", "active"), ("bradycardia", "inactive"),
    ]  # fmt: skip


def test_a_heart_that_stops_is_lost_and_the_alarm_latches_when_it_comes_back():
    found = [a for a in alarms("heart_stops") if a[0] == "heart_lost"]
    assert found == [("heart_lost", "active"), ("heart_lost", "latched")]


def test_silence_after_beats_is_a_lost_heart_and_rubbing_is_named():
    # A chest piece off the chest and a heart that stopped sound alike: the graver one is raised.
    assert raised("noisy_contact_loss") == ["heart_lost"]
    reasons = [
        line["reason"] for line in expected("noisy_contact_loss") if line["type"] == "quality"
    ]
    assert "rubbing" in reasons


CLEAN = ["normal", "systolic_murmur", "tachycardia", "bradycardia"]


@pytest.mark.parametrize("stem", CLEAN)
@pytest.mark.parametrize("sound", ["S1", "S2"])
def test_every_sound_of_a_clean_recording_is_found_within_60_ms_and_none_invented(stem, sound):
    lines = expected(stem)
    with (golden.RECORDINGS / f"{stem}.states.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    truth = [int(r["sample"]) for r in rows if r["state"] == sound and r["sample"] != "0"]
    heard = [line[sound.lower()] for line in lines if line["type"] == "beat"]
    heard = [onset for onset in heard if onset is not None]
    missed = [t for t in truth if not any(abs(t - h) <= 120 for h in heard)]
    border = range(120, lines[-1]["index"] - 120)  # what the border cuts may be told or not
    extra = [h for h in heard if h in border and not any(abs(t - h) <= 120 for t in truth)]
    assert (missed, extra) == ([], [])
    assert len(truth) > 50
