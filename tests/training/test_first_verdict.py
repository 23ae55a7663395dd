"""What is known of a recording after its first five seconds."""

from __future__ import annotations

import numpy as np

from models.mfcc import SAMPLES
from training.experiments.first_verdict import soon
from training.windows import WindowTable


def test_only_windows_that_end_within_five_seconds_of_their_recording_count() -> None:
    begins = np.array([0, 3000, 5000, 5001, 30, 5002])  # samples of 2 kHz; windows of 2.5 s
    recording = np.array([0, 0, 0, 0, 1, 1])
    length = np.array([40_000, 12_000])
    table = WindowTable(
        position=begins + np.array([0, 40_000])[recording],
        room=length[recording] - begins,
        recording=recording,
        names=("first", "second"),
        labels=np.array([0, 1]),
    )
    assert SAMPLES == 5000
    lengths = {"first": 40_000, "second": 12_000}
    assert soon(table, np.arange(6), lengths).tolist() == [0, 1, 2, 4]
    assert soon(table, np.array([1, 3, 5]), lengths).tolist() == [1]
