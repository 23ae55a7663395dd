"""Names in any script; tables and settings in any encoding, with any separator."""

from __future__ import annotations

import os
from pathlib import Path

import field_files as ff
import pytest
import soundfile as sf

from monitor.cli.main import run

SEEDS = range(5)

# ------------------------------------------------------------ Q: text


TEXTS = {
    "BOM": ("utf-8-sig", "0.10\t0.22\tS1\n0.40\t0.50\tS2\n"),
    "UTF-16": ("utf-16", "0.10\t0.22\tS1\n0.40\t0.50\tS2\n"),
    "UTF-16 without a mark": ("utf-16-le", "0.10\t0.22\tS1\n0.40\t0.50\tS2\n"),
    "decimal comma": ("utf-8", "0,10\t0,22\tS1\n0,40\t0,50\tS2\n"),
    "semicolon": ("utf-8", "0,10;0,22;S1\n0,40;0,50;S2\n"),
    "blanks": ("utf-8", "0,10 0,22 S1\n0,40 0,50 S2\n"),
    "Windows": ("cp1252", "0,10\t0,22\tS1\r\n0,30\t0,31\tGeräusch\r\n0,40\t0,50\tS2\r\n"),
}


@pytest.mark.parametrize("kind", TEXTS)
def test_labels_of_any_encoding_are_read(kind, tmp_path):
    from monitor.replay.annotation import read

    encoding, text = TEXTS[kind]
    path = tmp_path / "labels.txt"
    path.write_bytes(text.encode(encoding))
    assert list(read(path).onsets) == [(200, 1), (800, 2)]


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("first", ["", "sep=;\n"])
def test_tables_of_states_have_any_separator(separator, first, tmp_path):
    from monitor.replay.annotation import read

    path = tmp_path / "states.csv"
    lines = ("sample", "state"), ("200", "S1"), ("480", "systole"), ("800", "S2")
    text = first + "".join(f"{a}{separator}{b}\n" for a, b in lines)
    path.write_bytes(text.encode("utf-8-sig"))
    assert list(read(path).onsets) == [(200, 1), (800, 2)]


SETTINGS = "[alarms]\ntachycardia = 130.5\n"


@pytest.mark.parametrize(
    "data",
    [SETTINGS.encode("utf-8-sig"), SETTINGS.encode("utf-16"), SETTINGS.encode("utf-16-be"),
     SETTINGS.replace(".", ",").encode(), SETTINGS.replace("5\n", "5;\n").encode(),
     SETTINGS.replace("= ", "=\t").replace(".5", ",5 # fast").encode()],
    ids=["BOM", "UTF-16", "UTF-16-BE", "comma", "semicolon", "tab and comma"],
)  # fmt: skip
def test_settings_of_any_encoding_are_read_and_written_back(data, tmp_path):
    from monitor.config.edit import remember
    from monitor.config.load import load

    path = tmp_path / "apexbeat.toml"
    path.write_bytes(data)
    assert load(path).settings.alarms.tachycardia == 130.5
    remember({"alarms.bradycardia": 45.0}, path)
    assert load(path).settings.alarms.tachycardia == 130.5
    assert load(path).settings.alarms.bradycardia == 45.0


def test_tables_are_written_with_semicolons_where_they_are_wanted(tmp_path, capsys):
    made = ff.heart(1, 6.0)
    sf.write(tmp_path / "a.wav", made.sound, made.rate_hz)
    assert run(["replay", str(tmp_path / "a.wav"), "--events", str(tmp_path)]) == 0
    call = ["export", str(tmp_path / "a.jsonl"), "--to", "csv", "--what", "beats"]
    assert run([*call, "-o", str(tmp_path / "p")]) == 0
    assert run([*call, "-o", str(tmp_path / "s"), "--csv", "semicolon"]) == 0
    plain = (tmp_path / "p" / "a_wav.beats.csv").read_text().splitlines()
    other = (tmp_path / "s" / "a_wav.beats.csv").read_text().splitlines()
    assert [line.replace(",", ";").replace(".", ",") for line in plain] == other
    capsys.readouterr()


# ------------------------------------------------------------ P: names


def test_names_in_any_script_make_exports_and_reports_of_their_own(tmp_path, capsys, monkeypatch):
    made = ff.heart(2, 6.0)
    names = ["心音一.wav", "心音二.wav", "Сердце 3.wav"]
    for name in names:
        sf.write(tmp_path / name, made.sound, made.rate_hz)
    assert (
        run(["replay", *(str(tmp_path / n) for n in names), "--events", str(tmp_path / "e")]) == 0
    )
    out = tmp_path / "out"
    for name in names:
        events = tmp_path / "e" / f"{Path(name).stem}.jsonl"
        for to in ("csv", "jsonl", "wfdb"):
            assert run(["export", str(events), "--to", to, "-o", str(out)]) == 0
    written = sorted(os.listdir(out))
    assert {"心音一_wav.beats.csv", "心音二_wav.beats.csv", "Сердце_3_wav.beats.csv"} <= set(
        written
    )
    assert len([name for name in written if name.endswith(".hea")]) == 3
    assert all(name.isascii() for name in written if name.endswith((".hea", ".beat", ".alarm")))
    monkeypatch.chdir(out)
    assert run(["report", str(tmp_path / "e" / "心音一.jsonl")]) == 0
    assert (out / "心音一_wav.html").is_file()
    assert run(["report", str(tmp_path / "e" / "心音一.jsonl")]) == 2
    capsys.readouterr()
