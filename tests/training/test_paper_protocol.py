"""Protocol P: the paper's samples, no sample on both sides."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from models.mfcc import MfccSettings
from training import datasets
from training.config import Config
from training.dataset_bundle import hand_annotated
from training.frontend import make_mfcc
from training.paper import protocol as paper
from training.phantoms import write_set
from training.prepare import Prepared, prepare
from training.windows import WindowTable

Parts = tuple[list[datasets.Recording], Prepared, WindowTable, np.ndarray, np.ndarray]


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Parts:
    folder = tmp_path_factory.mktemp("paper")
    recordings = datasets.load_cinc2016(write_set(folder / "set"))
    prepared = prepare("cinc2016", recordings, folder=folder)
    annotated = hand_annotated(folder / "set", recordings)
    onsets = {name: states.onsets("S1") for name, states in annotated.items()}
    return recordings, prepared, *paper.cycle_table(recordings, prepared, onsets)


def test_a_sample_is_one_cycle_padded_as_sound(parts: Parts) -> None:
    _, prepared, table, begin, length = parts
    settings = MfccSettings()
    data = paper.cycle_data(table, begin, length, prepared, Config())
    k = 7
    cycle = prepared.sound[begin[k] : begin[k] + length[k]]
    assert 2000 * 60 / 100 < length[k] < 2000 * 60 / 55
    sound = np.zeros(5000, np.float32)
    sound[: length[k]] = cycle / np.sqrt(np.mean(cycle**2))
    power = make_mfcc(settings).power(torch.from_numpy(sound)[None])[0]
    expected = 10 * torch.log10(power.clamp(min=1e-13)).T
    first = int(table.position[k]) // settings.hop_length
    found = data.grid[first : first + settings.frames].float()
    assert (found - expected).abs().max() < 0.1
    last = found[-1]  # zeros to the end
    assert (last == last[0]).all()


def test_the_split_is_ten_to_one_in_every_cell_and_shares_no_sample(parts: Parts) -> None:
    recordings, _, table, _, _ = parts
    databases = {r.name: r.database for r in recordings}
    train, test = paper.random_split(table, databases, 0)
    assert not np.intersect1d(train, test).size
    assert train.size + test.size == len(table)
    assert test.size / len(table) == pytest.approx(1 / 11, abs=0.03)
    again = paper.random_split(table, databases, 0)
    assert np.array_equal(test, again[1])
    assert not np.array_equal(test, paper.random_split(table, databases, 1)[1])
