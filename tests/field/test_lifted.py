"""A stethoscope that is lifted for some seconds is no pause of the heart."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from field_hearts import RATE, hear, seeds

from dsp.phantom import PRESETS, render
from dsp.phantom_noise import noise_source
from monitor import events as ev

HEART, HANDLING, ROOM, HANDLING_S = 0.05, 0.1, 0.003, 0.4


@pytest.mark.parametrize("seed", seeds(4))
def test_lifted_and_put_back(seed):
    """Handling is heard at either end, the room between: each was a pause alarm."""
    rng = np.random.default_rng([23, seed])
    beating = replace(
        PRESETS["normal"], duration_s=45, profile=(), rate_per_min=float(rng.uniform(55, 110))
    )
    sound = render(beating, RATE).sound
    sound *= HEART / np.sqrt(np.mean(sound**2))
    begin, length = (round(s * RATE) for s in (rng.uniform(18, 24), rng.uniform(3.4, 4.6)))
    lost = slice(begin, begin + length)
    sound[lost] *= 0.003
    sound[lost] += ROOM * noise_source("pink", RATE, rng).next(length)
    size = round(HANDLING_S * RATE)
    for at in (lost.start, lost.stop - size):
        sound[at : at + size] += HANDLING * noise_source("rubbing", RATE, rng).next(size)
    said = hear(np.clip(sound, -0.99, 0.99))
    assert said.of(ev.Pause) == []
    kinds = ("pause", "heart_lost", "bradycardia", "bradycardia_extreme")
    assert [kind for kind in kinds if said.raised(kind)] == []
