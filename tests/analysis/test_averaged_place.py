"""Where a murmur is told to be loudest."""

from __future__ import annotations

import numpy as np
import pytest

from dsp.phantom import Murmur, Phantom, render
from dsp.stage import RATE_HZ
from monitor.analysis.averaged import AveragedBeat
from monitor.events import Beat, WaveformChunk


def place(phase: str, timing: str) -> str:
    """Of the murmur of a phantom heart whose cycles are known."""
    murmur = Murmur(phase=phase, timing=timing, shape="plateau", grade=4)  # type: ignore[arg-type]
    made = render(Phantom(duration_s=9.0, rate_per_min=70.0, murmurs=(murmur,)), RATE_HZ)
    averaged = AveragedBeat(0.5)
    averaged.picture(WaveformChunk(0, made.sound.astype(np.float32), -10.0, 0))
    onsets = [at for at, _ in made.states]
    for k, (_, state) in enumerate(made.states[:-4]):
        if state == "S1":
            s1, systole, s2, diastole, end = onsets[k : k + 5]
            averaged.beat(
                Beat(
                    index=end, s1=s1, systole=systole, s2=s2, diastole=diastole, end=end,
                    confidence=1.0,
                )
            )  # fmt: skip
    found = averaged.loudness()
    assert found is not None
    return found.place


@pytest.mark.parametrize(
    ("phase", "timing", "told"),
    [
        ("systolic", "holo", "systole"), ("systolic", "late", "systole"),
        ("systolic", "early", "early systole"), ("diastolic", "holo", "diastole"),
        ("diastolic", "early", "diastole"), ("diastolic", "mid", "diastole"),
    ],
)  # fmt: skip
def test_a_loud_murmur_is_told_where_it_is(phase: str, timing: str, told: str) -> None:
    assert place(phase, timing) == told
