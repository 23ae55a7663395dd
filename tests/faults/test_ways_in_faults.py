"""What comes in is checked before it is used: folders, stores, files; what goes out is bounded."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import soundfile
from store_rows import a_session

from monitor import events as ev
from monitor.cli.main import run
from monitor.clock import SystemClock
from monitor.config.load import Settings
from monitor.errors import InputError, NoInputError
from monitor.record.export import edf, wfdb
from monitor.record.export.model import Record
from monitor.record.opening import open_store
from monitor.record.retention import forget_folders
from monitor.record.schema import FILE
from monitor.record.store import Archive, Store
from monitor.replay.inputs import collect
from monitor.sessionfolder import format as ff
from monitor.sessionfolder.reader import FolderSource
from monitor.sessionfolder.segments import SegmentWriter

ROOT = Path(__file__).parents[2]
RATE = 4000
SOUND = {"input": "sound", "frames": RATE}


def session_folder(folder: Path) -> dict[str, Any]:
    """Make one of a second; return its first file, to be changed."""
    info = ff.FolderInfo(
        version=ff.VERSION, session="s", name="n", source="live", device="d", rate_hz=RATE,
        channels=1, software="a", models={}, settings=Settings(), started=1.0,
    )  # fmt: skip
    writer = SegmentWriter(folder / ff.SOUND, RATE, 1)
    writer.write(np.zeros((RATE, 1), np.int16))
    writer.close()
    values: dict[str, Any] = msgspec.to_builtins(info)
    keep(folder, values, [SOUND])
    return values


def keep(folder: Path, info: object, lines: list[object]) -> None:
    (folder / ff.INFO).write_bytes(msgspec.json.encode(info))
    encoded = [msgspec.json.encode(line) + b"\n" for line in lines]
    (folder / ff.INPUTS).write_bytes(b"".join(encoded))


@pytest.mark.parametrize(
    ("key", "value"),
    [("channels", 0), ("channels", -1), ("channels", 10**9), ("rate_hz", 0), ("rate_hz", 10**12),
     ("index", -1), ("index", 10**18)],
)  # fmt: skip
def test_a_session_folder_with_impossible_numbers_is_refused(
    tmp_path: Path, key: str, value: int
) -> None:
    info = session_folder(tmp_path)
    assert len(list(FolderSource(tmp_path))) == 1
    keep(tmp_path, info | {key: value}, [SOUND])
    with pytest.raises(InputError, match=key):
        FolderSource(tmp_path)


def test_a_session_folder_with_settings_out_of_bounds_is_refused(tmp_path: Path) -> None:
    info = session_folder(tmp_path)
    for section, key, value in (
        ("alarms", "tachycardia", 1e9), ("alarms", "tachycardia_extreme", 100.0),
        ("verdict", "windows", 0),
    ):  # fmt: skip
        settings = info["settings"] | {section: info["settings"][section] | {key: value}}
        keep(tmp_path, info | {"settings": settings}, [SOUND])
        with pytest.raises(InputError, match=r"tachycardia|windows"):
            FolderSource(tmp_path)


@pytest.mark.parametrize(
    "line",
    [
        {"input": "sound", "frames": -5},
        {"input": "sound", "frames": 10**18},
        {"input": "idle", "seconds": -5.0},
        {"input": "idle", "seconds": 1e300},
        {"input": "lost", "start": 0, "length": -100, "uncertainty": 0, "reason": "x"},
        {"input": "lost", "start": 0, "length": 10**15, "uncertainty": 0, "reason": "x"},
        {"input": "lost", "start": -1, "length": 1, "uncertainty": 0, "reason": "x"},
        {"input": "command", "kind": "mark", "index": -9, "note": "x"},
        {"input": "command", "kind": "mark", "index": 0, "note": "x" * ff.LONGEST_LINE},
    ],
    ids=lambda line: str(line)[:40],
)
def test_an_impossible_line_of_a_session_folder_is_named(tmp_path: Path, line: object) -> None:
    keep(tmp_path, session_folder(tmp_path), [SOUND, line])
    with pytest.raises(InputError, match=r"line 2: "):
        list(FolderSource(tmp_path))


def test_a_piece_of_sound_that_is_none_of_its_session_is_refused(tmp_path: Path) -> None:
    session_folder(tmp_path)
    [piece] = (tmp_path / ff.SOUND).iterdir()
    for frames, channels, rate in ((RATE, 2, RATE), (RATE, 1, 8000), (61 * RATE, 1, RATE)):
        soundfile.write(piece, np.zeros((frames, channels)), rate)
        with pytest.raises(InputError, match=r"where the session has|longer than a piece"):
            list(FolderSource(tmp_path))


# ---------------------------------------------------------------- stores


@pytest.mark.parametrize(
    "script",
    [
        "CREATE TRIGGER t AFTER INSERT ON events BEGIN DELETE FROM events; END",
        "ALTER TABLE events RENAME TO other; CREATE VIEW events AS SELECT * FROM other",
        "CREATE VIEW v AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i FROM n)"
        " SELECT i FROM n",
        "CREATE VIRTUAL TABLE v USING fts5(x)",
    ],
    ids=["trigger", "view of a table", "view", "virtual table"],
)
def test_a_store_with_triggers_or_views_is_refused_and_kept_aside(
    tmp_path: Path, script: str
) -> None:
    open_store(tmp_path).connection.close()
    other = sqlite3.connect(tmp_path / FILE)
    other.executescript(script)
    other.close()
    with pytest.raises(NoInputError, match=r"holds the (trigger|view|table)"):
        Archive(tmp_path)
    opened = open_store(tmp_path)
    opened.connection.close()
    assert opened.damaged is not None


def test_a_session_whose_row_makes_no_sense_is_not_gone_on_with(tmp_path: Path) -> None:
    store = Store(tmp_path, SystemClock())
    store.begin(a_session("good"))
    store.begin(a_session("loud", channels=10**9))
    store.begin(a_session("slow", rate_hz=0))
    store.begin(a_session("../../elsewhere"))
    assert store.close()
    with Archive(tmp_path) as archive:
        assert [one.id for one in archive.open_sessions() if one.usable] == ["good"]


def test_no_name_of_a_session_leads_a_purge_out_of_its_store(tmp_path: Path) -> None:
    store, dear = tmp_path / "store", tmp_path / "dear"
    (store / "clips").mkdir(parents=True)
    (store / "sessions" / "s").mkdir(parents=True)
    dear.mkdir()
    (dear / "letter").touch()
    forget_folders(store, ["../../dear", "..", ".", "*", "", str(dear), "s"])
    assert (dear / "letter").exists()
    assert store.is_dir()
    assert not (store / "sessions" / "s").exists()


# ---------------------------------------------------------------- files that are none


def refused(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert run(list(words)) != 0
    [line] = [line for line in capsys.readouterr().err.splitlines() if "no usable" not in line]
    assert line.startswith("apexbeat: ")
    return line


def test_a_fifo_or_device_is_refused_where_a_file_belongs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """They were waited for, or read until the memory was full."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    events = tmp_path / "e.jsonl"
    events.write_bytes(
        msgspec.json.encode(SESSION) + b"\n" + msgspec.json.encode(ev.Mark(index=0, note="x"))
    )
    for path in map(str, (fifo, "/dev/zero")):
        assert "not a regular file" in refused(capsys, "config", "--config", path)
        where = ("outward.mqtt_password_file", "outward.webhook_header_file", "outward.mqtt_ca")
        for key in where:
            outward(key, path)
        words = ("export", str(events), "--audio", path, "--to", "edf", "-o", str(tmp_path / "o"))
        assert "not a regular file" in refused(capsys, *words)
    assert "is a device" in refused(capsys, "replay", "/dev/zero")


def outward(key: str, path: str) -> None:
    """A file of the settings in place of which stands something else."""
    from monitor.config.load import Outward
    from monitor.errors import UsageError
    from monitor.integrations.publisher import Publisher

    more: dict[str, Any] = {"mqtt_host": "127.0.0.1", "mqtt_tls": True}
    if "webhook" in key:
        more = {"webhook": "http://127.0.0.1/"}
    with pytest.raises(UsageError, match="not a regular file"):
        Publisher(Outward(**{key.partition(".")[2]: path}, **more), Path("/nowhere"))


def test_a_fifo_or_device_in_a_folder_of_recordings_is_left_out(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.wav")
    os.mkfifo(tmp_path / "b.hea")
    (tmp_path / "c.wav").symlink_to("/dev/zero")
    (tmp_path / "d.hea").write_text("d 1 2000 100\nb.hea 16 1 16 0 0 0 0 PCG\n")
    (tmp_path / "e.wav").symlink_to(ROOT / "recordings" / "normal.wav")
    assert [one.name for one in collect([tmp_path]).files] == ["e.wav"]


# ---------------------------------------------------------------- what is written


SESSION = ev.Session(
    index=0, schema=1, software="a", models={}, settings={}, name="n", rate=RATE, channels=1
)


def test_an_edf_grows_with_what_it_holds(tmp_path: Path) -> None:
    """One second with 5 000 marks made each of an hour's as large: 436 MB."""
    edfio = pytest.importorskip("edfio")

    def written(marks: int) -> Path:
        end = ev.End(index=3600 * ev.RATE_HZ, counts={}, complete=True)
        listed = tuple(ev.Mark(index=4000 + n % 2000, note=f"mark {n}") for n in range(marks))
        path = tmp_path / f"{marks}.edf"
        edf.write(Record(SESSION, listed, end), None, path)
        return path

    few, many = written(0), written(5000)
    assert many.stat().st_size - few.stat().st_size < 300_000
    notes = [(one.onset, one.text) for one in edfio.read_edf(many).annotations]
    assert len(notes) == 5002
    assert (2.0005, "mark: mark 1") in notes
    assert notes[-1] == (3600.0, "end of the recording")


def test_wfdb_annotations_span_more_than_a_signed_long(tmp_path: Path) -> None:
    reader = pytest.importorskip("wfdb")
    samples = [0, 2**31 + 5, 2**34 + 7]
    notes = [wfdb.Note(sample, 0, "~", "x") for sample in samples]
    (tmp_path / "r.beat").write_bytes(wfdb.annotation_bytes(notes))
    assert reader.rdann(str(tmp_path / "r"), "beat").sample.tolist() == samples


@pytest.mark.parametrize("words", [("--version",), ("--help",), ("config",), ("devices",)])
@pytest.mark.parametrize("output", ["full", "closed"])
def test_a_closed_or_full_standard_output_is_one_line(words: tuple[str, ...], output: str) -> None:
    code = "import sys; from monitor.cli.main import entry; sys.argv[1:] = sys.argv[2:]; entry()"
    close: Callable[[], None] | None = (lambda: os.close(1)) if output == "closed" else None
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [sys.executable, "-c", code, "-", *words],
            stdout=full, stderr=subprocess.PIPE, text=True, cwd=ROOT, preexec_fn=close,
        )  # fmt: skip
    [line] = done.stderr.splitlines()
    assert line.startswith("apexbeat: standard output: ")
    assert done.returncode == 6
