"""Teacher → distill → export → replay on phantom hearts, and what goes wrong on the way."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from train_command import call

from dsp.phantom import render
from monitor.cli.main import run as apexbeat
from training import cells, datasets
from training.config import Config
from training.dataset_bundle import DatasetBundle, open_cinc2016
from training.errors import TrainingError
from training.fit import fit
from training.phantoms import heart
from training.prepare import prepare
from training.sampler import Sampler

SHIPPED = Path(__file__).parents[2] / "recordings" / "normal.wav"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the set and a cache of its own."""
    folder = tmp_path_factory.mktemp("training")
    call("phantoms", folder / "set")
    return folder


@pytest.fixture(autouse=True)
def _cache(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APEXBEAT_CACHE", str(place / "cache"))


@pytest.mark.timeout(600)  # twenty seconds of computing, on a machine that others use too
def test_a_distilled_student_tells_murmur_from_normal_through_the_monitor(
    place: Path, tmp_path: Path
) -> None:
    common = ["--data", place / "set"]
    assert "16 recordings" in call("prepare", *common)
    call("grid", "small-kd", *common, "--folds", "0,1", "--results", place / "results")
    names = {p.name for p in (place / "results/cells").iterdir()}
    assert names == {f"small-kd__S__{k}__0.json" for k in (0, 1)}
    seen = ["--data", place / "set", "--results", place / "results"]
    assert '"mean_auc"' in call("evaluate", "small-kd", *seen)
    assert "difference 0" in call("compare", "small-kd", "small-kd", *seen)
    assert "protocol-S.md" in call("report", *seen)
    student = tmp_path / "out" / "student.pt"
    call("export", "small-kd", *common, "--results", place / "results", "--out", student)
    # The card beside it is enough to trust it; the shipped phantom's murmur is not asserted.
    assert apexbeat(["replay", str(SHIPPED), "--model", str(student)]) == 0
    card = json.loads(student.with_suffix(".json").read_text())
    assert card["distilled_from"].startswith("small-teacher")
    for_people = student.with_name("MODEL_CARD.md").read_text()
    assert "## Held-out figures" in for_people
    # What learnt from made-up hearts does not say that it knows people.
    assert "nothing about persons" in card["trained_on"]
    assert "cinc2016" not in for_people
    verdicts = [record_p(student, card["sha256"], seed, murmur) for seed, murmur in NEW_HEARTS]
    with_murmur = [p for p, (_, murmur) in zip(verdicts, NEW_HEARTS, strict=True) if murmur]
    without = [p for p, (_, murmur) in zip(verdicts, NEW_HEARTS, strict=True) if not murmur]
    assert min(with_murmur) > 0.5 > max(without)


NEW_HEARTS = [(7001, False), (7002, True), (7003, False), (7004, True)]


def record_p(model: Path, sha256: str, seed: int, murmur: bool) -> float:
    """p of a whole recording by the monitor's pipeline, from its window events."""
    from dsp.cycles.model import CycleModel
    from models import shipped
    from models.engine_torchscript import open_model
    from monitor.analysis.pipeline import Pipeline
    from monitor.config.load import Settings
    from monitor.events import Block, Window

    drawn = render(heart(seed, murmur))
    sound = (0.5 * drawn.sound / np.abs(drawn.sound).max()).astype(np.float32)[:, None]
    decoder = CycleModel.from_arrays(shipped.cycles_arrays())
    pipeline = Pipeline(Settings(), open_model(model, sha256), decoder, "heart", 2000, 1)
    events = list(pipeline.push(Block(sound, 2000, 0)).events) + list(pipeline.finish().events)
    used = [e.p for e in events if isinstance(e, Window) and e.used and e.p]
    assert len(used) >= 5
    return float(1 / (1 + np.exp(-np.mean([np.log(p / (1 - p)) for p in used]))))


@pytest.fixture(scope="module")
def world(place: Path) -> DatasetBundle:
    return open_cinc2016(place / "set", Config().mfcc, cache=place / "cache")


def test_a_training_that_was_killed_ends_like_one_that_was_not(
    world: DatasetBundle, tmp_path: Path
) -> None:
    config = Config(network="temporal", options={"norm": True}, epochs=3, windows_per_epoch=128)
    train = np.arange(len(world.data.table))
    sampler = Sampler(world.recordings, world.data.table, train, {})
    whole = fit(config, world.data, train, sampler, seed=1)

    class Killed(Exception):
        pass

    def kill(epoch: int, loss: float) -> None:
        if epoch == 1:
            raise Killed

    path = tmp_path / "last.pt"
    with pytest.raises(Killed):
        fit(config, world.data, train, sampler, seed=1, checkpoint=path, on_epoch=kill)
    resumed = fit(config, world.data, train, sampler, seed=1, checkpoint=path)
    assert resumed.losses == whole.losses
    for a, b in zip(
        whole.network.state_dict().values(), resumed.network.state_dict().values(), strict=True
    ):
        assert torch.equal(a, b)


def test_a_checkpoint_of_another_configuration_is_refused(
    world: DatasetBundle, tmp_path: Path
) -> None:
    small = Config(network="temporal", epochs=1, windows_per_epoch=64)
    train = np.arange(len(world.data.table))
    sampler = Sampler(world.recordings, world.data.table, train, {})
    path = tmp_path / "last.pt"
    fit(small, world.data, train, sampler, seed=1, checkpoint=path)
    other = Config(network="temporal", epochs=2, windows_per_epoch=64)
    with pytest.raises(TrainingError, match="another configuration"):
        fit(other, world.data, train, sampler, seed=1, checkpoint=path)
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(TrainingError, match="no readable checkpoint"):
        fit(small, world.data, train, sampler, seed=1, checkpoint=path)


def test_a_finished_cell_of_another_configuration_is_not_taken_for_this_one(
    world: DatasetBundle, place: Path, tmp_path: Path
) -> None:
    cell = cells.Cell("small-teacher", "S", 0, 0)
    tmp_path.joinpath(f"{cell.name}.json").write_text(json.dumps({"key": "other"}))
    with pytest.raises(TrainingError, match="another configuration"):
        cells.run_cell(cell, world, tmp_path)


def test_the_grid_of_power_gives_the_coefficients_of_the_exported_front_end(
    world: DatasetBundle,
) -> None:
    from training.augment import cut
    from training.batches import heard
    from training.frontend import make_mfcc

    config, table = Config(), world.data.table
    whole = [i for i in range(len(table)) if table.position[i] % 40 == 0][:3] or [0]
    for i in whole:
        first = torch.tensor([round(int(table.position[i]) / 40)])
        db = cut(world.data.grid, first, config.mfcc.frames)
        begin = int(first) * 40
        sound = torch.from_numpy(np.array(world.prepared.sound[begin : begin + 5000]))[None]
        ours, theirs = heard(config, db)[0], make_mfcc(config.mfcc)(sound)[0]
        ours, theirs = (x - x.mean(dim=1, keepdim=True) for x in (ours, theirs))
        assert (ours - theirs).abs().max() < 0.5  # dB; float16 grid
        assert (ours - theirs).abs().mean() < 0.05


def test_a_corrupt_recording_is_left_out_and_named(place: Path, tmp_path: Path) -> None:
    recordings = datasets.load_cinc2016(place / "set")[:3]
    broken = tmp_path / "broken.flac"
    broken.write_bytes(b"no sound")
    odd = datasets.Recording("broken", "a", 0, 1, "a-x", broken)
    done = prepare("some", [*recordings, odd], folder=tmp_path)
    assert list(done.refused) == ["broken"]
    assert len(done.start) == 3


def test_a_changed_file_makes_the_cache_anew(place: Path, tmp_path: Path) -> None:
    recording = datasets.load_cinc2016(place / "set")[0]
    copy = tmp_path / "x.flac"
    copy.write_bytes(recording.path.read_bytes())
    mine = datasets.Recording("x", "a", 0, 1, "a-x", copy)
    assert prepare("some", [mine], folder=tmp_path).length["x"] == 24_000
    soundfile.write(copy, np.zeros(4000), 2000)
    assert prepare("some", [mine], folder=tmp_path).length["x"] == 4000


@pytest.mark.parametrize("damage", ["no table", "label", "annotation", "no annotation", "twice"])
def test_a_damaged_set_is_one_clear_line(place: Path, tmp_path: Path, damage: str) -> None:
    folder = tmp_path / "set"
    folder.mkdir()
    for name in ("recordings.csv", "training-a.states.csv", "training-b.states.csv"):
        folder.joinpath(name).write_text((place / "set" / name).read_text())
    for name in ("training-a", "training-b"):
        folder.joinpath(name).symlink_to(place / "set" / name)
    table, states = folder / "recordings.csv", folder / "training-a.states.csv"
    words = {
        "no table": "recordings.csv is missing",
        "label": "unknown label 'odd'",
        "annotation": "names 'a9999'",
        "no annotation": "states.csv is missing",
        "twice": "stands twice",
    }[damage]
    if damage == "no table":
        table.unlink()
    elif damage == "label":
        table.write_text(table.read_text().replace(",normal,", ",odd,", 1))
    elif damage == "annotation":
        states.write_text(states.read_text() + "a9999,0,S1\n")
    elif damage == "no annotation":
        states.unlink()
    else:
        table.write_text(table.read_text() + table.read_text().splitlines()[-1] + "\n")
    with pytest.raises(TrainingError, match=words) as refused:
        open_cinc2016(folder, Config().mfcc, cache=tmp_path / "cache")
    assert "\n" not in str(refused.value)


def test_a_full_disk_is_one_clear_line_and_leaves_no_half_cache(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from training import prepare as room

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(room, "read_sound", full)
    with pytest.raises(TrainingError, match="No space left"):
        prepare("some", datasets.load_cinc2016(place / "set"), folder=tmp_path)
    assert not list((tmp_path / "prepared").iterdir())
