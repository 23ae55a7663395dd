"""Recordings of one's own: from a plain folder and a table to a model that the monitor replays."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner
from train_command import call

from dsp.phantom import render
from models import shipped
from monitor.cli.main import run as apexbeat
from monitor.events import Beat
from training import finetune
from training.cli import cli
from training.errors import TrainingError
from training.evaluate import HeldOut
from training.networks import build
from training.own import OwnSet
from training.phantoms import heart

PERSONS = 20
KINDS = ("wav", "flac", "ogg")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty persons at two places; every second one has a murmur at one of them."""
    folder = tmp_path_factory.mktemp("own")
    lines = ["recording;class;patient"]
    for i in range(PERSONS):
        for at in ("AV", "MV"):
            murmur = bool(i % 2) and at == "MV"
            drawn = render(heart(9000 + 2 * i + (at == "MV"), murmur))
            sound = np.repeat(0.5 * drawn.sound / np.abs(drawn.sound).max(), 1 + i % 2)
            path = folder / "set" / f"p{i:02d}" / f"{at}.{KINDS[i % 3]}"
            path.parent.mkdir(parents=True, exist_ok=True)
            channels = np.stack([sound, np.zeros_like(sound)], 1) if i == 3 else sound
            soundfile.write(path, channels, 2000 * (1 + i % 2))
            lines.append(f"p{i:02d}/{at};{'MR' if murmur else 'N'};p{i:02d}")
    (folder / "set" / "notes.txt").write_text("no sound")
    (folder / "labels.csv").write_text("\n".join([*lines, "elsewhere;N;p99"]) + "\n")
    return folder


@pytest.fixture(autouse=True)
def _cache(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APEXBEAT_CACHE", str(place / "cache"))
    monkeypatch.chdir(place)


DATA = ("--data", "set", "--labels", "labels.csv", "--normal", "N")


@pytest.mark.timeout(600)  # twenty seconds of computing, on a machine that others use too
def test_a_plain_folder_is_trained_on_evaluated_exported_and_replayed(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = call("prepare", *DATA)
    assert "40 recordings with a label, 10 abnormal, 30 normal, of 20 persons" in told
    assert "1 lines of the table name no recording" in told
    call("grid", "small-kd", *DATA)
    cells = [json.loads(path.read_text()) for path in Path("results/cells").iterdir()]
    assert len(cells) == 5
    persons = [{name.partition("/")[0] for name in cell["records"]} for cell in cells]
    assert sum(map(len, persons)) == len(set().union(*persons)) == PERSONS
    table = call("evaluate", "small-kd", *DATA)
    assert re.search(r"^40 labelled recordings: 10 abnormal, 30 normal$", table, re.MULTILINE)
    assert re.search(r"^20 labelled persons: 10 abnormal, 10 normal$", table, re.MULTILINE)
    assert min(float(x) for x in re.findall(r"AUC +([\d.]+) ", table)) > 0.8
    call("export", "small-kd", *DATA, "--out", "my.pt")
    card = json.loads(Path("my.json").read_text())
    assert card["trained_on"].startswith("40 recordings of 20 persons in set (10 abnormal)")
    assert "cinc2016" not in Path("MODEL_CARD_my.md").read_text()
    assert apexbeat(["replay", "set", "--model", "my.pt", *DATA[2:], "--jobs", "1"]) == 0
    out = capsys.readouterr().out
    assert "40 labelled recordings" in out
    assert "20 labelled persons" in out


def test_cells_of_other_labels_are_not_taken_for_these(place: Path) -> None:
    call("grid", "small-teacher", *DATA, "--folds", "0", "--results", "other")
    changed = Path("changed.csv")
    changed.write_text(Path("labels.csv").read_text().replace("p02/AV;N", "p02/AV;MR"))
    more = ("--data", "set", "--labels", changed, "--normal", "N", "--results", "other")
    for words in (("grid", "small-teacher", "--folds", "0"), ("evaluate", "small-teacher")):
        with pytest.raises(TrainingError, match="other recordings or labels"):
            call(words[0], words[1], *more, *words[2:])
    one, other = (
        OwnSet(Path("set"), Path(name), None, ("N",)) for name in (DATA[3], "changed.csv")
    )
    assert one.cache == other.cache  # the sound is heard once
    assert one.runs != other.runs


def test_they_are_heard_as_the_monitor_hears_them(place: Path) -> None:
    import apexbeat as library

    own = OwnSet(Path("set"), Path("labels.csv"), None, ("N",))
    prepared, onsets = own._heard(iter)
    for recording in own.recordings[::5]:
        result = library.analyze(recording.path)
        np.testing.assert_array_equal(prepared.of(recording.name), result.sound)
        beats = (e.s1 for e in result.events if isinstance(e, Beat) and e.s1 is not None)
        assert onsets[recording.name].tolist() == sorted(beats)


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ("file,label\np00/AV,normal\n", "1 persons with a recording labelled normal"),
        ("file,label\np00/AV,MR\n", "'MR' in line 2: neither normal nor abnormal"),
        ("name;x\n", "no column label"),
        ("file,label\nx,normal\n", "0 persons with a recording labelled normal"),
    ],
)
def test_what_is_wrong_with_a_table_is_said_in_words(table: str, told: str, place: Path) -> None:
    path = place / "wrong.csv"
    path.write_text(table)
    with pytest.raises(TrainingError, match=told):
        call("prepare", "--data", "set", "--labels", path)


def test_what_gives_labels_away_or_is_missing_is_told(place: Path, tmp_path: Path) -> None:
    rows = []
    for i in range(10):
        path = tmp_path / f"{i}.{'wav' if i % 2 else 'flac'}"
        soundfile.write(path, np.zeros(100), 2000)
        rows.append(f"{i},{i % 2}")
    table = tmp_path / "labels.csv"
    table.write_text("\n".join(["file,label", *rows]))
    notes = " ".join(OwnSet(tmp_path, table).notes)
    assert "gives the label away" in notes
    assert "10 recordings name no person" in notes


def test_options_of_ones_own_need_a_table_and_a_system_that_trains_on_it_alone(place: Path) -> None:
    result = CliRunner().invoke(cli, ["prepare", "--data", "set", "--person", "x"])
    assert "need --labels" in result.output
    with pytest.raises(TrainingError, match="trains on pascal, yaseen2018 besides"):
        call("grid", "kd-student-2d-wide", *DATA)
    result = CliRunner().invoke(cli, ["grid", "small-kd", *DATA, "--protocol", "D"])
    assert "of the public sets" in result.output


# ------------------------------------------------------------ fine-tuning


def test_the_shipped_student_is_trained_further_and_guarded(place: Path) -> None:
    call("phantoms", "old", "--hearts", "2")
    more = [*DATA, "--old", "old", "--out", "tuned.pt", "--epochs", "1", "--windows", "64"]
    with pytest.raises(TrainingError, match=r"gains nothing on held-out persons: AUC 1\.000"):
        call("finetune", *more)  # the shipped student knows these murmurs already
    assert not list(place.glob("tuned*"))
    call("finetune", *more, "--anyway")
    card = json.loads(Path("tuned.json").read_text())
    assert "begun with the weights of student.pt" in card["trained_on"]
    [figures] = card["figures"].values()
    assert figures["own, AUC before"] == 1.0
    assert apexbeat(["replay", "set/p00/AV.wav", "--model", "tuned.pt"]) == 0


def test_a_student_file_can_be_trained_further_as_it_is() -> None:
    path = shipped.path_of(shipped.STUDENT)
    config, network = finetune.student_of(path)  # compares its logits with those of the file
    assert sum(p.numel() for p in network.parameters()) == 43_146
    assert config.options["norm"] is False
    wrong = replace(config, options=config.options | {"widths": [4, 4, 4, 4]})
    with pytest.raises(TrainingError, match="layers are not those"):
        finetune._copy_weights(path, build(wrong))


@pytest.mark.parametrize(
    ("own", "old", "words"),
    [
        ((0.8, 0.9), (0.85, 0.84), ""),
        ((0.8, 0.8), (0.85, 0.90), "gains nothing"),
        ((0.8, 0.9), (0.85, 0.82), r"old figures fall: AUC 0.850 → 0.820 \(-0.030\)"),
        ((0.8, float("nan")), (0.85, 0.85), "gains nothing"),
    ],
)
def test_nothing_is_written_where_nothing_is_gained_or_too_much_is_lost(
    own: tuple[float, float], old: tuple[float, float], words: str
) -> None:
    none = HeldOut((), *[np.zeros(0)] * 5)  # type: ignore[arg-type]
    outcome = finetune.Outcome(
        finetune.Change(*own), (0.5, 1.0), (0.0, 0.1), finetune.Change(*old), none
    )
    finetune._guard(outcome, anyway=True)
    if not words:
        finetune._guard(outcome, anyway=False)
        return
    with pytest.raises(TrainingError, match=words):
        finetune._guard(outcome, anyway=False)
