"""Sets that train beside cinc2016: which recordings, which folds, and whose windows."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from models.mfcc import SAMPLES, MfccSettings
from training import cells, datasets, ship
from training import extra_datasets as further
from training.batches import Data, plain_batch
from training.config import Config
from training.dataset_bundle import DatasetBundle
from training.datasets import Recording
from training.errors import TrainingError
from training.evaluate import further_auc
from training.prepare import Prepared
from training.splits import split
from training.windows import WindowTable

MFCC = MfccSettings()
HOP = MFCC.hop_length


def _recording(name: str, database: str, label: int, **more: object) -> Recording:
    known: dict[str, object] = {"quality": 0, "group": name, "path": Path("x")}
    return Recording(name=name, database=database, label=label, **(known | more))  # type: ignore[arg-type]


def _world(names: list[str], database: str, seed: int) -> DatasetBundle:
    rows = 400
    grid = torch.from_numpy(
        np.random.default_rng(seed).standard_normal((rows, MFCC.n_mels)).astype(np.float16)
    )
    count = len(names)
    table = WindowTable(
        np.arange(count, dtype=np.int64) * 10 * HOP, np.full(count, SAMPLES + HOP),
        np.arange(count), tuple(names), np.arange(count) % 2,
    )  # fmt: skip
    recordings = tuple(_recording(n, database, i % 2) for i, n in enumerate(names))
    prepared = Prepared(np.zeros(0, np.float32), {}, {}, {})
    return DatasetBundle(
        recordings, prepared, Data(grid, table, torch.ones(rows, dtype=torch.uint8))
    )


def test_windows_of_the_second_set_are_its_own_after_joining() -> None:
    first, second = _world(["a1", "a2"], "a", 0), _world(["p1", "p2", "p3"], "pascal", 1)
    both = further.joined(first, second, HOP)
    config = Config()
    theirs = plain_batch(config, second.data, np.arange(3))
    joined = plain_batch(config, both.data, both.data.table.of(frozenset({"p1", "p2", "p3"})))
    assert torch.equal(theirs, joined)
    assert both.data.states is not None
    assert both.data.states.sum() == 400
    assert [r.name for r in both.recordings] == ["a1", "a2", "p1", "p2", "p3"]


def test_folds_of_cinc2016_do_not_change_and_patients_stay_together() -> None:
    inside = [_recording(f"a{i}", "a", i % 2) for i in range(40)]
    more = [_recording(f"p{i}", "pascal", i % 2, group=f"pascal-{i // 3}") for i in range(30)]
    tested: list[str] = []
    for fold in range(5):
        alone, together = (split(rows, "S", fold) for rows in (inside, [*inside, *more]))
        assert together.test & {r.name for r in inside} == alone.test
        held = {r.group for r in more if r.name in together.test}
        assert not held & {r.group for r in more if r.name in together.train}
        tested += [n for n in together.test if n.startswith("p")]
    assert sorted(tested) == sorted(r.name for r in more)
    assert {r.name for r in more} <= split([*inside, *more], "D", 0).train


def test_of_pascal_only_noisy_recordings_with_a_label_train(tmp_path: Path) -> None:
    (tmp_path / "recordings.csv").write_text(
        "name,class,noisy,rate_hz\n"
        "set_b/murmur__112_1306243000964_A,murmur,0,4000\n"
        "set_b/murmur_noisymurmur_112_1306243000964_B,murmur,1,4000\n"
        "set_b/normal_noisynormal_101_1305030823364_B,normal,1,4000\n"
        "set_b/extrastole__127_1306764300147_C2,extrastole,0,4000\n"
        "set_a/artifact__201012172012,artifact,0,4000\n"
    )
    every = datasets.load_pascal(tmp_path)
    assert [r.group for r in every[:3]] == ["pascal-112", "pascal-112", "pascal-101"]
    assert [r.label for r in further.fit_to_train(every)] == [1, 0]


def test_a_place_of_circor_is_labelled_by_what_is_heard_there_and_grouped_by_person(
    tmp_path: Path,
) -> None:
    (tmp_path / "recordings.csv").write_text(
        "name,person,patient,location,label,timing\n"
        "1_AV,7,1,AV,abnormal,Holosystolic\n"
        "1_MV,7,1,MV,unknown,Holosystolic\n"
        "2_MV,7,2,MV,normal,\n"
    )
    every = datasets.load_circor(tmp_path)
    assert [r.label for r in every] == [1, -1, 0]
    assert {r.group for r in every} == {"circor-7"}
    assert [r.name for r in further.fit_to_train(every)] == ["1_AV", "2_MV"]
    assert datasets.FURTHER["circor"] is datasets.load_circor


def test_an_unknown_set_and_a_teacher_of_other_sets_are_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = _world(["a1", "a2"], "a", 0)
    monkeypatch.setattr(further, "open_cinc2016", lambda *args, **more: world)
    with pytest.raises(TrainingError, match="unknown set 'nobody'"):
        further.open_world(tmp_path, Config(also=("nobody",)))
    config = replace(cells.system("kd-student-2d"), also=("pascal",))
    with pytest.raises(TrainingError, match="trains on other sets"):
        cells.teacher_of(config, world, cells.Cell("kd-student-2d", "S", 0, 0))


def test_held_out_recordings_of_further_sets_stand_apart_and_are_named_in_the_card(
    tmp_path: Path,
) -> None:
    world = _world(["p1", "p2", "p3", "p4"], "pascal", 1)
    scores = {"p1": (-1.0, 2), "p2": (1.5, 1), "p3": (0.5, 1), "a1": (9.0, 1)}
    found = cells.further_scores(world, scores)
    assert found == {"pascal": {"p1": [-1.0, 2, 0], "p2": [1.5, 1, 1], "p3": [0.5, 1, 0]}}
    assert further_auc([{"further": found}, {"records": {}}]) == {"pascal": 1.0}
    words = ship.trained_on(tmp_path, Config(also=("pascal", "yaseen2018")))
    assert "cinc2016" in words
    assert "PASCAL" in words
    assert "Yaseen" in words


@pytest.mark.parametrize(
    ("name", "page"), [("student", "MODEL_CARD.md"), ("light", "MODEL_CARD_light.md")]
)
def test_a_shipped_card_is_that_of_its_file_and_says_what_the_model_does_not_know(
    name: str, page: str
) -> None:
    folder = Path(ship.__file__).parents[1] / "models" / "shipped"
    card = json.loads((folder / f"{name}.json").read_text())
    text = (folder / page).read_text(encoding="utf-8")
    assert text == ship.model_card(card)
    assert "benign murmurs" in text
