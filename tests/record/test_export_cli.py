"""`apexbeat export` and `apexbeat report` as a user calls them, on files and on the store."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import record_sample
from store_rows import put_session

from monitor import events as ev
from monitor.cli.main import run
from monitor.clock import ClockAnchor, SystemClock
from monitor.config.load import Settings
from monitor.errors import EXIT_NO_INPUT, EXIT_RECORD, EXIT_SOME_FAILED, EXIT_USAGE
from monitor.record.export.model import from_event_file
from monitor.record.export.stored import from_store
from monitor.record.store import Store


@pytest.fixture
def sample(tmp_path):
    return record_sample.write(tmp_path / "in", record_sample.HOSTILE)


@pytest.fixture
def store(tmp_path):
    """A store with one session: the sample's events, a model's path and a patient's label."""
    folder = tmp_path / "store"
    kept = Store(folder, SystemClock())
    id = "20260504T030201-abc123"
    put_session(
        kept, id, record_sample.lines(), "stopped", device="usb-stethoscope",
        started=1777863721.0, label="CANARY-PATIENT",
    )  # fmt: skip
    for index, wall in ((0, 1777863721.0), (120000, 1777863781.3)):
        kept.anchor(id, ClockAnchor(index, 0.0, 0.0, wall, ""))
    assert kept.close()
    return folder


@pytest.mark.parametrize("to", ["csv", "jsonl", "wfdb", "edf", "fhir"])
def test_every_format_is_written_and_its_files_are_named(sample, tmp_path, capsys, to):
    out = tmp_path / "out"
    call = ["export", str(sample.events), "--to", to, "-o", str(out), "--name", "x"]
    assert run([*call, "--audio", str(sample.sound)]) == 0
    named = capsys.readouterr().out.split()
    assert sorted(named) == sorted(str(path) for path in out.iterdir())
    assert run(call) == EXIT_USAGE
    assert "exists; allow it with --overwrite" in capsys.readouterr().err
    assert run([*call, "--overwrite"]) == 0


def test_one_table_of_csv_can_be_chosen(sample, tmp_path, capsys):
    call = ["export", str(sample.events), "--to", "csv", "-o", str(tmp_path), "--name", "x"]
    assert run([*call, "--what", "gaps"]) == 0
    assert [path.name for path in tmp_path.glob("*.csv")] == ["x.gaps.csv"]
    assert run([*call, "--what", "hearts"]) == EXIT_USAGE
    assert "choose from beats, vitals" in capsys.readouterr().err


def test_a_wall_time_can_be_given_and_a_wrong_one_is_named(sample, tmp_path, capsys):
    call = ["export", str(sample.events), "--to", "csv", "-o", str(tmp_path), "--name", "x"]
    assert run([*call, "--what", "gaps", "--start", "2026-05-04T03:02:01+02:00"]) == 0
    assert "2026-05-04T01:02:21.000+00:00" in (tmp_path / "x.gaps.csv").read_text()
    assert run([*call, "--start", "\x1b[2Jyesterday"]) == EXIT_USAGE
    error = capsys.readouterr().err
    assert "--start yesterday is not a date" in error
    assert "\x1b" not in error


def test_a_report_is_written_where_it_is_wanted(sample, tmp_path, capsys):
    page = tmp_path / "r.html"
    assert run(["report", str(sample.events), "--audio", str(sample.sound), "-o", str(page)]) == 0
    assert capsys.readouterr().out.strip() == str(page)
    assert page.read_text("utf-8").count("<audio") == 3
    assert run(["report", str(sample.events), "-o", str(page)]) == EXIT_USAGE


def test_a_report_never_takes_the_place_of_a_device(sample, tmp_path, capsys):
    pipe = tmp_path / "pipe.html"
    os.mkfifo(pipe)
    assert run(["report", str(sample.events), "-o", str(pipe), "--overwrite"]) == EXIT_USAGE
    assert "no regular file" in capsys.readouterr().err
    assert pipe.is_fifo()


@pytest.mark.parametrize("command", [["export", "--to", "jsonl"], ["report"]])
def test_what_is_no_session_is_one_line_and_an_exit_code(command, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    elsewhere = ["--store", str(tmp_path / "no")]
    assert run([*command, "missing.jsonl", *elsewhere]) == EXIT_NO_INPUT
    assert run([*command, "20260101", *elsewhere]) == EXIT_NO_INPUT
    (tmp_path / "bad.jsonl").write_text('{"type":"session"}\n')
    assert run([*command, "bad.jsonl"]) == EXIT_SOME_FAILED
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 3
    assert lines[2].startswith("apexbeat: bad.jsonl, line 1: ")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bad.jsonl"]


def test_a_folder_that_cannot_be_made_is_a_fault_of_the_record(sample, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    call = ["export", str(sample.events), "--to", "csv", "-o", str(tmp_path / "file" / "x")]
    assert run(call) == EXIT_RECORD
    assert "cannot write in" in capsys.readouterr().err


def test_a_session_of_the_store_is_the_event_file_it_would_have_been(store):
    record = from_store(store, "20260504")
    first, *lines, end = record_sample.lines()
    assert list(record.events) == lines
    assert record.end == end
    assert (record.session.name, record.session.models) == (first.name, first.models)
    assert record.session.settings == Settings().for_event_file()
    assert record.wall(60000) == pytest.approx(1777863751.15)


def test_the_newest_session_of_the_store_can_be_exported_and_reported(store, tmp_path, capsys):
    here = ["last", "--store", str(store)]
    assert run(["export", *here, "--to", "jsonl", "-o", str(tmp_path), "--name", "x"]) == 0
    assert len(from_event_file(tmp_path / "x.jsonl").of(ev.Alarm)) == 7
    assert run(["report", *here, "-o", str(tmp_path / "x.html")]) == 0
    assert "2026-05-04 03:02:01 UTC" in (tmp_path / "x.html").read_text("utf-8")


def test_the_label_of_a_patient_is_in_no_export_and_no_report(store, tmp_path, capsys):
    here = ["last", "--store", str(store)]
    out = tmp_path / "out"
    for to in ("csv", "jsonl", "wfdb", "edf", "fhir"):
        assert run(["export", *here, "--to", to, "-o", str(out)]) == 0
    assert run(["report", *here, "-o", str(out / "r.html")]) == 0
    written = [path for path in out.iterdir() if path.is_file()]
    assert len(written) == 18
    assert not [path for path in written if b"CANARY" in path.read_bytes()]
    assert "CANARY" not in "".join(capsys.readouterr())


def test_the_help_of_the_commands_loads_no_heavy_library():
    code = (
        "import sys; from monitor.cli.main import run\n"
        "run(['export', '--help']); run(['report', '--help'])\n"
        "print([m for m in ('torch', 'scipy', 'numpy', 'textual', 'edfio') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path.cwd()
    )
    assert done.stdout.splitlines()[-1] == "[]"
