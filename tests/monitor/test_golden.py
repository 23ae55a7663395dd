"""The shipped recordings give the events that were checked in, whole and in order."""

from __future__ import annotations

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
    assert alarms("systolic_murmur") == [("abnormal_sound", "active")]


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


def test_silence_after_beats_is_a_lost_heart_and_rubbing_is_poor_signal():
    # A chest piece off the chest and a heart that stopped sound alike: the graver one is raised.
    assert raised("noisy_contact_loss") == ["heart_lost", "poor_signal"]
