"""Event files: schema, types, whole or not at all."""

from __future__ import annotations

import json
import os
import stat

import jsonschema
import msgspec
import pytest
from pipeline_fakes import blocks, heart, pipeline, run

from dsp.stage import RATE_HZ
from monitor import events as ev
from monitor.alarms.table import TABLE
from monitor.errors import InputError, RecordError
from monitor.record.eventfile import EventFile, encode, prepare, read, schema

VALIDATOR = jsonschema.Draft202012Validator(schema())

EXAMPLES = [
    ev.Session(index=0, schema=1, software="apexbeat 1", models={"student": "ab"},
               settings={"alarms.tachycardia": 120.0, "x": None, "y": True}, name="a.wav",
               rate=4000, channels=2),
    ev.Gap(index=5, start=1, length=4, uncertainty=1, reason="overflow"),
    ev.Fault(index=5, what="x"),
    ev.Quality(index=5, value="no_heart", reason=""),
    ev.Beat(index=5, s1=None, systole=1, s2=2, diastole=3, end=4, confidence=0.5),
    ev.Window(index=5, start=1, p=None, used=False, reason="cut"),
    ev.Heart(index=5, value="heard", reason=""),
    ev.Pause(index=5, start=1, length=7000),
    ev.Vitals(index=5, rate=60.0, spread=None, systole_ms=300.0, diastole_ms=None),
    ev.Verdict(index=5, value="none", p=None, windows=0, age_s=None),
    ev.Mark(index=5, note="cough"),
    ev.Alarm(index=5, kind="heart_lost", priority="high", state="latched", evidence="x"),
    ev.End(index=9, counts={"beat": 1}, complete=True),
]  # fmt: skip


def test_an_index_counts_samples_of_the_signal_chain() -> None:
    assert ev.RATE_HZ == RATE_HZ


@pytest.mark.parametrize("event", EXAMPLES, ids=lambda e: type(e).__name__)
def test_the_schema_and_the_types_hold_the_same_keys(event):
    line = json.loads(encode(event))
    VALIDATOR.validate(line)
    for key in line:
        broken = {k: v for k, v in line.items() if k != key}
        assert not VALIDATOR.is_valid(broken), f"without {key}"
    assert not VALIDATOR.is_valid(line | {"more": 1})
    assert next(iter(line)) == "type"


def test_every_type_of_line_has_an_example():
    assert {type(e) for e in EXAMPLES} == set(ev.Event.__args__)


def test_every_kind_of_alarm_is_in_the_schema():
    alarm = next(e for e in EXAMPLES if isinstance(e, ev.Alarm))
    for rule in TABLE:
        VALIDATOR.validate(msgspec.to_builtins(msgspec.structs.replace(alarm, kind=rule.kind)))
    assert not VALIDATOR.is_valid(msgspec.to_builtins(msgspec.structs.replace(alarm, kind="no")))


def test_every_line_of_a_pipeline_fits_the_schema_and_reads_back(tmp_path):
    sound, beats = heart(12.0)
    lost = ev.Lost(24_000, 3000, 40, "x")
    more = [
        lost,
        ev.Idle(3.0),
        ev.Command("mark", 0, note="é[bold]\n"),
        ev.Command("acknowledge", 0),
    ]
    events = run(pipeline(beats), [*blocks(sound, 997), *more, *blocks(sound[:5000], 997)])
    with EventFile(tmp_path / "a.jsonl") as file:
        file.write(events)
    for line in (tmp_path / "a.jsonl").read_bytes().splitlines():
        VALIDATOR.validate(json.loads(line))
    assert list(read(tmp_path / "a.jsonl")) == events


def test_a_file_has_its_name_only_when_it_is_whole(tmp_path):
    path = tmp_path / "a.jsonl"
    file = EventFile(path)
    file.write(EXAMPLES)
    assert os.listdir(tmp_path) == ["a.jsonl.part"]
    file.commit()
    assert os.listdir(tmp_path) == ["a.jsonl"]


def test_what_fails_leaves_nothing(tmp_path):
    def interrupted():
        with EventFile(tmp_path / "a.jsonl") as file:
            file.write(EXAMPLES)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert os.listdir(tmp_path) == []


def test_an_existing_file_is_refused_and_kept_without_overwrite(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text("mine")
    with pytest.raises(RecordError, match="exists already; use --overwrite"):
        EventFile(path)
    with EventFile(path, overwrite=True) as file:
        file.write(EXAMPLES)
        assert path.read_text() == "mine"
    assert path.read_text() != "mine"


def test_a_file_that_came_in_between_is_not_overwritten(tmp_path):
    path = tmp_path / "a.jsonl"
    with pytest.raises(RecordError, match="exists already"), EventFile(path):
        path.write_text("another's")
    assert path.read_text() == "another's"
    assert os.listdir(tmp_path) == ["a.jsonl"]


def test_a_folder_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RecordError, match="file"):
        prepare(tmp_path / "file" / "folder", [], False)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_told(tmp_path):
    tmp_path.chmod(stat.S_IRUSR | stat.S_IXUSR)
    with pytest.raises(RecordError, match="not writable"):
        prepare(tmp_path, [], False)


def test_a_full_disk_is_told_and_leaves_nothing_under_the_final_name(tmp_path):
    if not os.path.exists("/dev/full"):
        pytest.skip("no /dev/full here")
    file = EventFile(tmp_path / "a.jsonl")
    file._file.close()
    file._file = open("/dev/full", "wb")  # noqa: SIM115
    with pytest.raises(RecordError, match="no space left"):
        file.write(EXAMPLES * 1000)
    file.abort()
    assert os.listdir(tmp_path) == []


def test_a_line_that_is_no_event_is_named(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_bytes(encode(EXAMPLES[0]) + b'{"type":"beat"}\n')
    with pytest.raises(InputError, match="line 2"):
        list(read(path))
