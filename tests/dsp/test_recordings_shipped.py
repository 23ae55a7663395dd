"""The recordings in the project are what their command makes."""

import csv
import runpy
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

FOLDER = Path(__file__).parents[2] / "recordings"
MAKE = runpy.run_path(str(FOLDER / "make.py"))


@pytest.mark.parametrize("stem", MAKE["RECORDINGS"])
def test_a_shipped_recording_is_what_the_command_makes(stem):
    recording = MAKE["RECORDINGS"][stem]
    done = MAKE["render"](recording.phantom, recording.rate_hz)
    shipped, rate_hz = sf.read(FOLDER / f"{stem}.{recording.suffix}", dtype="int16")
    assert rate_hz == recording.rate_hz
    made = MAKE["pcm16"](done)
    assert len(shipped) == len(made)
    # Another processor's sine may round another way: one step of 16 bits, not more.
    assert np.max(np.abs(shipped.astype(int) - made)) <= 1
    assert np.mean(shipped != made) < 1e-3
    with (FOLDER / f"{stem}.states.csv").open(encoding="utf-8") as file:
        rows = [(int(row["sample"]), row["state"]) for row in csv.DictReader(file)]
    assert rows == done.states


def test_the_command_writes_the_files_it_names(tmp_path):
    written = MAKE["make"](tmp_path)
    assert {path.name for path in written} == {
        path.name for path in FOLDER.iterdir() if path.suffix in (".wav", ".flac", ".csv")
    }
    assert sum(path.stat().st_size for path in written) < 3_000_000
