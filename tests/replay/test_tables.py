"""Tables of a replay: rows that pandas reads, labels, persons, sensitivity, specificity, AUC."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
from scipy.stats import binomtest
from sklearn.metrics import roc_auc_score

import apexbeat
from monitor.analysis.verdict import Thresholds
from monitor.cli.replay_table import RecordingTable, person_lines
from monitor.errors import UsageError
from monitor.replay import labels as lb
from monitor.replay import scores as sc
from monitor.replay.persons import judge_persons
from monitor.replay.rows import KEYS, Row

RECORDINGS = Path(__file__).parents[2] / "recordings"
LABELS = """\
file,label,patient
p1/AV.wav,normal,p1
p1/MV.wav,abnormal,p1
p2/AV,normal,p2
p3/AV.wav,,p3
elsewhere.wav,abnormal,p9
"""


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """Three persons at one or two places, and a file that is no sound."""
    folder = tmp_path_factory.mktemp("study")
    for name, source in (("p1/AV", "normal"), ("p1/MV", "systolic_murmur"),
                         ("p2/AV", "normal"), ("p3/AV", "normal")):  # fmt: skip
        path = folder / f"{name}.wav"
        path.parent.mkdir(exist_ok=True)
        found = next(p for p in RECORDINGS.glob(f"{source}.*") if p.suffix != ".csv")
        sound, rate = soundfile.read(found, dtype="float32")
        soundfile.write(path, sound[: 12 * rate], rate)
    (folder / "broken.wav").write_bytes(b"no sound")
    (folder / "labels.csv").write_text(LABELS)
    return folder


def test_json_csv_and_the_library_give_the_same_rows(study, call, tmp_path):
    table = tmp_path / "table.csv"
    code, out, err = call(study, "--json", "--csv", table, "--jobs", "1")
    assert code == 1
    rows = [json.loads(line) for line in out.splitlines()]
    assert all(tuple(row) == KEYS for row in rows)
    assert all(not isinstance(cell, list | dict) for row in rows for cell in row.values())
    frame = pd.read_json(io.StringIO(out), lines=True)
    assert list(frame.columns) == list(KEYS)
    assert len(frame) == 5
    assert frame.set_index("name").verdict.isna().to_dict()["broken.wav"]
    written = pd.read_csv(table)
    assert list(written.columns) == list(KEYS)
    assert list(written.name) == list(frame.name)
    assert written.p.dropna().tolist() == pytest.approx(frame.p.dropna().tolist(), abs=1e-9)
    for row in rows:
        if row["error"] is None:
            mine = apexbeat.analyze(row["file"]).to_dict()
            assert mine | {"name": row["name"]} == row
    assert "broken.wav: not a sound" in err


def test_one_table_ends_a_replay_of_several_and_alone_stands_for_many(study, call, tmp_path):
    code, out, _ = call(study)
    assert code == 1
    assert len(re.findall(r"^  verdict  ", out, re.MULTILINE)) == 4
    table = out[out.index("\nrecording ") :].splitlines()[1:]
    assert [line.split()[0] for line in table[1:6]] == [
        "broken.wav", "p1/AV.wav", "MV.wav", "p2/AV.wav", "p3/AV.wav",
    ]  # fmt: skip
    assert "failed    not a sound" in out
    assert table[6].startswith("5 recordings, 0:48 of sound: ")
    assert table[6].endswith("1 failed") or "alarms in" in table[6]
    for number in range(10):
        (tmp_path / f"{number}.wav").symlink_to(study / "p1" / "AV.wav")
    code, out, _ = call(tmp_path, "--jobs", "1")
    assert code == 0
    assert len(out.splitlines()) == 12


def test_labels_and_persons_are_scored(study, call, tmp_path):
    table = tmp_path / "t.csv"
    code, out, err = call(study, "--labels", study / "labels.csv", "--csv", table)
    assert code == 1
    assert "3 labelled recordings: 1 abnormal, 2 normal" in out
    assert "left out: 1 recording without a label, 1 label without a recording (line 6)" in out
    assert "2 labelled persons: 1 abnormal, 1 normal" in out
    assert re.search(r"^p1 +2 of 2  \w+ +.*recordings", out, re.MULTILINE)
    rows = list(csv.DictReader(io.StringIO(table.read_text())))
    known = {row["file"].rpartition("study")[2].partition("/")[2]: row for row in rows}
    assert [row["label"] for row in known.values()] == ["", "normal", "abnormal", "normal", ""]
    assert len({row["person_verdict"] for row in rows if row["person"] == "p1"}) == 1
    assert {row["person_judged"] for row in rows if row["person"] == "p1"} == {"2"}
    assert "no person" not in err
    by_folder = call(study, "--person", "folder")[1]
    by_pattern = call(study, "--person", r"(p\d)/")[1]
    persons = re.search(r"\nperson .*persons: .*\n", by_folder, re.DOTALL)
    assert persons is not None
    assert persons[0] in by_pattern


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--labels", "{study}/none.csv"], "cannot be read"),
        (["--normal", "N"], "--normal needs --labels"),
        (["--person", "(("], "no regular expression"),
        (["--person", "q(.)/"], "no recording has a person"),
        (["--watch", "--csv", "x.csv"], "--watch and --csv cannot be used together"),
        (["--csv", "{study}/labels.csv"], "exists"),
        (["--csv", "{study}/no/t.csv"], "no such folder"),
    ],
)
def test_what_cannot_be_is_said_before_the_first_sound_is_read(study, call, words, told):
    code, out, err = call(study, *(word.format(study=study) for word in words))
    assert code in (2, 6)
    assert out == ""
    assert told in err
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a,b\n1,2\n", "no column file or path or name"),
        ("file,b\n1,2\n", "no column label or class or abnormal"),
        ("file,label\nx.wav,maybe\ny.wav,MR\n", "'maybe' in line 2, 'MR' in line 3"),
        ("file,label\nx.wav,1\nx.wav,0\n", "lines 2 and 3 both name x.wav"),
        ("", "no column"),
    ],
)
def test_what_is_wrong_with_a_table_is_said(text, told, tmp_path):
    path = tmp_path / "labels.csv"
    path.write_text(text)
    with pytest.raises(UsageError, match=told):
        lb.read_labels(path).of(tmp_path / "x.wav")


def test_a_recording_is_found_by_as_much_of_its_path_as_the_table_gives(tmp_path):
    path = tmp_path / "labels.csv"
    path.write_text("\ufeffFile;Class;Subject\na\\x.wav;N;1\nb/x.wav;MR;2\n12.5;AS;3\ny;N;4\n")
    table = lb.read_labels(path, normal=["n"])
    found = [table.of(Path("/d") / name) for name in
             ("a/x.wav", "b/x.flac", "12.5.wav", "z/y.m4a", "c/x.wav")]  # fmt: skip
    assert [None if one is None else (one.abnormal, one.person) for one in found] == [
        (False, "1"), (True, "2"), (True, "3"), (False, "4"), None,
    ]  # fmt: skip
    assert table.unused == []


def test_figures_are_those_of_others():
    rng = np.random.default_rng(0)
    truth, p = rng.random(200) < 0.3, rng.integers(0, 40, 200) / 40
    verdict = np.where(p > 0.6, "abnormal", np.where(p > 0.4, "unsure", "normal"))
    cases = [
        sc.Case(str(i), bool(t), v, float(q), str(i))
        for i, (t, v, q) in enumerate(zip(truth, verdict, p, strict=True))
    ]
    found = sc.score(cases)
    assert found.auc == pytest.approx(roc_auc_score(truth, p))
    hits = int((p[truth] > 0.5).sum())
    theirs = binomtest(hits, int(truth.sum())).proportion_ci(method="wilson")
    assert found.sensitivity.interval == pytest.approx((theirs.low, theirs.high), abs=1e-5)
    assert (found.sensitivity.hits, found.sensitivity.of) == (hits, truth.sum())
    assert found.specificity_decided.of == int((~truth & ((p > 0.6) | (p <= 0.4))).sum())
    assert sum(found.counts.values()) == 200
    wrong = [c for c in cases if c.abnormal is (c.p < 0.5) and c.p != 0.5]
    assert len(sc.worst_first(cases)) == len(wrong)
    assert sc.worst_first(cases)[0].p in (0.0, max(p[~truth]))


def test_persons_not_recordings_make_an_interval_narrow():
    def cases(persons):
        return [sc.Case("", i % 2 == 0, "normal", 0.2 + 0.6 * (i % 4 == 0), str(i % persons))
                for i in range(80)]  # fmt: skip

    many, few = sc.score(cases(80)), sc.score(cases(8))
    assert many.auc == few.auc
    assert few.auc_interval[0] < many.auc_interval[0] < many.auc < many.auc_interval[1]
    assert few.sensitivity.interval[0] < many.sensitivity.interval[0]
    perfect = sc.auc_interval(1.0, 5, 5)
    assert 0.4 < perfect[0] < 0.9
    assert perfect[1] == 1.0
    assert np.isnan(sc.score([]).auc)


def test_a_person_is_judged_by_all_recordings_and_a_broken_one_is_not_judged():
    def row(p, verdict):
        return Row(name="x", file="x", verdict=verdict, p=p, windows=9, evidence="words")

    rows = [("a", row(0.2, "normal")), ("b", row(0.3, "normal")), ("a", row(0.9, "abnormal")),
            ("b", Row(name="y", file="y", error="broken")), ("c", row(None, "none")),
            ("d", Row(name="z", file="z", error="broken"))]  # fmt: skip
    found = judge_persons(rows, Thresholds(0.4, 0.6))
    assert [(one.name, one.verdict.scope, one.verdict.value) for one in found] == [
        ("a", "2 of 2", "abnormal"), ("b", "1 of 2", "normal"), ("c", "0 of 1", "none"),
    ]  # fmt: skip
    lines = list(person_lines(found))
    assert "1 of 2  NORMAL" in lines[2]
    assert lines[2].endswith("1 of 2 not judged: y")
    assert lines[-1] == "3 persons: 1 abnormal, 1 normal, 1 none; 1 judged in part"


def test_a_narrow_terminal_gets_short_evidence():
    row = Row(name="13918_AV.flac", file="x", duration_s=10, rate=104, quality=1.0, p=0.48,
              verdict="unsure", windows=13, evidence="1 of 13 windows ≥ 0.56, mean p 0.48",
              alarm_kinds="tachycardia 2, poor_signal")  # fmt: skip
    narrow = RecordingTable([row.name], 80).line(row)
    assert narrow.startswith("13918_AV.flac     0:10   104  100 %  UNSURE    p 0.48, 13 windows")
    assert len(RecordingTable([row.name], 80).head()) < 80
    assert "1 of 13 windows" in RecordingTable([row.name], 120).line(row)
    assert narrow.endswith("fast heart rate ×2, heart not heard")
