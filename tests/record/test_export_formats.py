"""Each export is read back by a tool made for its format, the gap and a hostile name included."""

from __future__ import annotations

import csv
import json
import sys
import warnings
from datetime import UTC, datetime

import jsonschema
import msgspec
import numpy as np
import pytest
import record_sample
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor import events as ev
from monitor.errors import UsageError
from monitor.record.export.csv import TABLES
from monitor.record.export.model import from_event_file
from monitor.record.export.wfdb import CODES, NOTE_LIMIT, Note, annotation_bytes
from monitor.record.export.write import export
from monitor.text import ascii_text

# The package wfdb calls pandas in a way that pandas 4 will drop.
pytestmark = pytest.mark.filterwarnings("ignore:The inplace keyword in DataFrame")

GAP_START, GAP_LENGTH = record_sample.GAP
HARMFUL = set("\x1b\x07\r\x00")


@pytest.fixture(scope="module")
def record(tmp_path_factory):
    sample = record_sample.write(tmp_path_factory.mktemp("in"), record_sample.HOSTILE)
    return from_event_file(sample.events, sample.sound)


@pytest.fixture(scope="module")
def wfdb():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it uses what newer pandas will drop
        return pytest.importorskip("wfdb")


def table(record, tmp_path, what):
    (path,) = export(record, "csv", tmp_path, what=[what], stem="t")
    assert not HARMFUL - {"\r"} & set(path.read_text())
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_csv_gives_every_beat_with_its_onsets_and_seconds(record, tmp_path):
    rows = table(record, tmp_path, "beats")
    beats = record.of(ev.Beat)
    assert len(rows) == len(beats)
    for row, beat in zip(rows, beats, strict=True):
        assert [row[k] for k in ("s1", "s2", "end")] == [
            "" if v is None else str(v) for v in (beat.s1, beat.s2, beat.end)
        ]
        if beat.s1 is not None:
            assert float(row["s1_s"]) == pytest.approx(beat.s1 / 2000, abs=1e-4)


def test_csv_keeps_the_gap_and_leaves_unknown_values_empty(record, tmp_path):
    (gap,) = table(record, tmp_path, "gaps")
    assert (int(gap["start"]), int(gap["length"]), gap["reason"]) == (40000, 10000, "unplugged")
    silent = [row for row in table(record, tmp_path / "v", "vitals") if row["rate"] == ""]
    assert {float(row["time_s"]) for row in silent} >= {21.0, 24.0, 28.0}
    alarm = table(record, tmp_path / "a", "episodes")[0]
    assert (alarm["kind"], alarm["acknowledged_s"]) == ("tachycardia_extreme", "63.0")


def test_csv_is_read_by_pandas_and_holds_no_formula(tmp_path):
    pandas = pytest.importorskip("pandas")
    lines = record_sample.lines()
    lines[1:1] = [ev.Mark(index=0, note='=HYPERLINK("http://x","y")')]
    source = tmp_path / "in.jsonl"
    source.write_bytes(b"\n".join(msgspec.json.encode(line) for line in lines))
    paths = export(from_event_file(source), "csv", tmp_path / "out")
    assert [path.name.split(".")[1] for path in paths] == list(TABLES)
    frames = {path.name.split(".")[1]: pandas.read_csv(path) for path in paths}
    assert frames["marks"].note[0].startswith("'=")
    assert frames["vitals"].rate.isna().sum() == 12
    assert frames["windows"].p.max() == 0.91


def test_jsonl_of_a_file_of_ours_is_the_same_byte_for_byte(tmp_path):
    sample = record_sample.write(tmp_path)
    (path,) = export(from_event_file(sample.events), "jsonl", tmp_path / "out")
    assert path.read_bytes() == sample.events.read_bytes()


def test_jsonl_cleans_a_hostile_name_and_never_replaces_its_input(record, tmp_path):
    (path,) = export(record, "jsonl", tmp_path, stem="session")
    assert len(from_event_file(path).session.name) <= 120
    assert b"\\u001b" not in path.read_bytes()
    again = from_event_file(path)
    with pytest.raises(UsageError, match="input itself"):
        export(again, "jsonl", tmp_path, stem="session", overwrite=True)


def test_wfdb_reads_back_sounds_gap_and_alarms(record, tmp_path, wfdb):
    export(record, "wfdb", tmp_path, stem="s-1")
    base = str(tmp_path / "s-1")
    signal = wfdb.rdrecord(base)
    assert (signal.fs, signal.sig_len, signal.sig_name) == (2000, record.length, ["PCG"])
    lost = np.isnan(signal.p_signal[:, 0])
    assert np.flatnonzero(lost).tolist() == list(range(GAP_START, GAP_START + GAP_LENGTH))
    beats = wfdb.rdann(base, "beat")
    assert beats.fs == 2000
    read = list(zip(beats.sample.tolist(), beats.symbol, beats.aux_note, strict=True))
    for beat in record.of(ev.Beat):
        if beat.s1 is not None and beat.systole is not None:
            assert (beat.s1, "(", "S1") in read
            assert (beat.systole, ")", "S1") in read
        if beat.s2 is not None:
            assert (beat.s2, "(", "S2") in read
    signs = [(sample, note) for sample, symbol, note in read if symbol == "~"]
    assert (GAP_START, "gap of 10000 samples, +-320: unplugged") in signs
    assert (GAP_START + GAP_LENGTH, "gap ends") in signs
    assert (140000, "quality noisy: rubbing") in signs
    alarms = wfdb.rdann(base, "alarm")
    assert alarms.sample.tolist() == [alarm.index for alarm in record.of(ev.Alarm)]
    assert alarms.aux_note[2].startswith("abnormal_sound medium active: 12 of 15 windows >= 0.80")
    assert not HARMFUL & set("".join(signal.comments))


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.one_of(st.integers(0, 2000), st.integers(0, 2**30)),
            st.sampled_from(sorted(CODES)),
            st.text(max_size=300),
        ),
        min_size=1,
        max_size=12,
    )
)
def test_wfdb_gives_back_any_annotation_at_its_sample(tmp_path_factory, wfdb, listed):
    notes, here = [], 1
    for step, symbol, text in listed:
        here += step % (2**31 - 1 - here)
        notes.append(Note(here, 0, symbol, "x" + text))
    folder = tmp_path_factory.mktemp("any")
    (folder / "a.beat").write_bytes(annotation_bytes(notes))
    read = wfdb.rdann(str(folder / "a"), "beat")
    assert read.fs == 2000
    assert read.sample.tolist() == [note.sample for note in notes]
    assert read.symbol == [note.symbol for note in notes]
    assert read.aux_note == [ascii_text(note.text, NOTE_LIMIT) for note in notes]


def test_wfdb_keeps_an_alarm_of_the_first_sample(tmp_path, wfdb):
    lines = record_sample.lines()
    refused = ev.Alarm(
        index=0, kind="model_refused", priority="high", state="active", evidence="no model"
    )
    source = tmp_path / "in.jsonl"
    source.write_bytes(b"\n".join(msgspec.json.encode(line) for line in [lines[0], refused]))
    export(from_event_file(source), "wfdb", tmp_path, stem="s")
    assert wfdb.rdann(str(tmp_path / "s"), "alarm").aux_note == [
        "model_refused high active: no model"
    ]


def test_wfdb_without_sound_has_annotations_and_a_header_only(tmp_path, wfdb):
    sample = record_sample.write(tmp_path)
    record = from_event_file(sample.events).begun(datetime(2026, 5, 4, 3, 2, 1, tzinfo=UTC))
    paths = export(record, "wfdb", tmp_path / "out", stem="s")
    assert {path.suffix for path in paths} == {".hea", ".beat", ".alarm"}
    head = wfdb.rdheader(str(tmp_path / "out" / "s"))
    assert (head.fs, head.sig_len, head.n_sig) == (2000, 180000, 0)
    assert head.base_datetime == datetime(2026, 5, 4, 3, 2, 1)


def test_edf_keeps_time_through_the_gap(record, tmp_path):
    edfio = pytest.importorskip("edfio")
    (path,) = export(record, "edf", tmp_path, stem="s")
    edf = edfio.read_edf(path)
    assert edf.duration == record_sample.SECONDS
    sound, rate, present = edf.signals
    assert not np.round(sound.data[GAP_START : GAP_START + GAP_LENGTH], 4).any()
    assert np.abs(sound.data[GAP_START + GAP_LENGTH :]).max() > 0.1
    assert (present.data == 0).nonzero()[0].tolist() == list(range(200, 250))
    known = {v.index // 2000 - 1: v.rate for v in record.of(ev.Vitals)}
    read = [None if value < 0 else value for value in rate.data]
    for second, value in known.items():
        assert read[second] == (None if value is None else pytest.approx(value, abs=0.01))
    notes = {(a.onset, a.duration, a.text) for a in edf.annotations}
    assert (20.0, 5.0, "gap, +-0.160 s: unplugged") in notes
    assert sum(text == "S1" for _, _, text in notes) == sum(
        beat.s1 is not None for beat in record.of(ev.Beat)
    )
    assert any(
        t.startswith("alarm abnormal heart sound medium: 12 of 15 windows >=") for _, _, t in notes
    )
    assert not any(HARMFUL & set(text) for _, _, text in notes)


def test_edf_is_read_alike_by_edflib(record, tmp_path):
    pyedflib = pytest.importorskip("pyedflib")
    (path,) = export(
        record.begun(datetime(2026, 5, 4, 3, 2, 1, tzinfo=UTC)), "edf", tmp_path, stem="s"
    )
    with pyedflib.EdfReader(str(path)) as edf:
        assert edf.getSignalLabels() == ["PCG", "Heart rate", "Sound present"]
        assert edf.getStartdatetime() == datetime(2026, 5, 4, 3, 2, 1)
        onsets, durations, texts = edf.readAnnotations()
        where = texts.tolist().index("gap, +-0.160 s: unplugged")
        assert (onsets[where], float(durations[where])) == (20.0, 5.0)
        assert edf.readSignal(0).size == record.length


def test_a_discontiguous_edf_loses_its_gap_in_a_reader_so_none_is_written(tmp_path):
    edfio = pytest.importorskip("edfio")
    path = tmp_path / "d.edf"
    note = [edfio.EdfAnnotation(0.5, None, "begin")]
    edfio.Edf([edfio.EdfSignal(np.arange(8.0), 2)], annotations=note).write(path)
    whole = path.read_bytes()
    holed = whole.replace(b"EDF+C", b"EDF+D", 1).replace(b"+2\x14\x14", b"+7\x14\x14", 1)
    assert holed != whole.replace(b"EDF+C", b"EDF+D", 1)
    path.write_bytes(holed)
    assert edfio.read_edf(path).duration == 4  # five lost seconds are gone without a word


def test_fhir_observations_are_valid_and_the_lost_minute_says_so(tmp_path):
    bundle_type = pytest.importorskip("fhir.resources.R4B.bundle").Bundle
    lines = record_sample.lines(record_sample.HOSTILE)
    gap = ev.Gap(index=180000, start=180000, length=240000, uncertainty=320, reason="unplugged")
    lines[-1:] = [gap, msgspec.structs.replace(lines[-1], index=420000)]
    source = tmp_path / "in.jsonl"
    source.write_bytes(b"\n".join(msgspec.json.encode(line) for line in lines))
    record = from_event_file(source)
    observed, alerts = export(record, "fhir", tmp_path, stem="s")
    bundle = bundle_type.model_validate_json(observed.read_text("utf-8"))
    device, *minutes = [entry.resource for entry in bundle.entry]
    assert device.get_resource_type() == "Device"
    assert [one.valueQuantity and float(one.valueQuantity.value) for one in minutes] == [
        pytest.approx(72.3, abs=1), pytest.approx(158, abs=1), None, None,
    ]  # fmt: skip
    assert minutes[2].dataAbsentReason.coding[0].code == "not-performed"
    assert minutes[0].extension[0].valueRange.high.value == 60
    assert not HARMFUL & set(observed.read_text("utf-8") + alerts.read_text("utf-8"))


def test_fhir_has_wall_times_where_they_are_known(record, tmp_path):
    bundle_type = pytest.importorskip("fhir.resources.R4B.bundle").Bundle
    begun = record.begun(datetime(2026, 5, 4, 3, 2, 1, tzinfo=UTC))
    observed, alerts = export(begun, "fhir", tmp_path, stem="s")
    bundle = bundle_type.model_validate_json(observed.read_text("utf-8"))
    first = bundle.entry[1].resource
    assert first.effectivePeriod.start == datetime(2026, 5, 4, 3, 2, 1, tzinfo=UTC)
    alert = json.loads(alerts.read_text("utf-8"))["entry"][1]["resource"]
    assert alert["occurrencePeriod"] == {"start": "2026-05-04T03:02:58.000+00:00"}


CONCEPT = {"type": "object", "anyOf": [{"required": ["coding"]}, {"required": ["text"]}]}
DEVICE_ALERT = {  # the elements of DeviceAlert in FHIR 6.0.0-ballot4 that can occur here
    "type": "object",
    "additionalProperties": False,
    "required": ["resourceType", "id", "status", "code", "subject", "presence"],
    "properties": {
        "resourceType": {"const": "DeviceAlert"},
        "id": {"type": "string", "pattern": r"^[A-Za-z0-9\-.]{1,64}$"},
        "extension": {"type": "array"},
        "status": {"enum": ["in-progress", "completed", "entered-in-error", "unknown"]},
        "type": CONCEPT,
        "priority": CONCEPT,
        "code": CONCEPT,
        "subject": {"type": "object"},
        "presence": {"type": "boolean"},
        "occurrencePeriod": {"type": "object"},
        "device": {"type": "object", "required": ["reference"]},
        "acknowledged": {"type": "boolean"},
        "label": {"type": "string", "minLength": 1},
        "signal": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["activationState"],
                "properties": {"activationState": CONCEPT, "presence": CONCEPT},
                "additionalProperties": False,
            },
        },
    },
}


def test_fhir_alarms_are_device_alerts_of_the_sixth_release(record, tmp_path):
    _, path = export(record, "fhir", tmp_path, stem="s")
    alerts = [entry["resource"] for entry in json.loads(path.read_text("utf-8"))["entry"][1:]]
    for alert in alerts:
        jsonschema.validate(alert, DEVICE_ALERT)
    assert [
        (
            one["code"]["text"],
            one["presence"],
            one["acknowledged"],
            one["signal"][0]["presence"]["coding"][0]["code"],
        )
        for one in alerts
    ] == [
        ("very fast heart rate", True, True, "ack"),
        ("abnormal heart sound", False, False, "latched"),
    ]


def test_a_missing_library_is_one_line_that_says_how_to_install_it(record, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "edfio", None)
    with pytest.raises(UsageError, match=r"pip install 'apexbeat\[export\]'"):
        export(record, "edf", tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("to", "what"), [("pdf", ()), ("csv", ("heart",)), ("edf", ("beats",))])
def test_an_unknown_format_or_table_is_a_usage_error(record, tmp_path, to, what):
    with pytest.raises(UsageError):
        export(record, to, tmp_path, what=what)


@pytest.mark.parametrize("to", ["csv", "jsonl", "wfdb", "edf", "fhir"])
def test_a_session_without_any_event_can_be_exported(tmp_path, to):
    lines = record_sample.lines()
    source = tmp_path / "in.jsonl"
    empty = [lines[0], ev.End(index=0, counts={}, complete=False)]
    source.write_bytes(b"\n".join(msgspec.json.encode(line) for line in empty))
    assert export(from_event_file(source), to, tmp_path / "out", stem="s")
