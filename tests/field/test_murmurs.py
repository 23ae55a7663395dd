"""A heart with a loud murmur is heard: long sounds at the pace of a heart are its own."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from field_hearts import hear, seeds

from dsp.phantom import Murmur, render
from monitor import events as ev
from training.phantoms import heart


@pytest.mark.parametrize("seed", seeds(3, 40))
def test_a_loud_murmur_of_all_of_systole_has_a_verdict(seed):
    rng = np.random.default_rng([41, seed])
    low = float(rng.uniform(60, 200))
    loud = Murmur(
        "systolic", "holo", str(rng.choice(["plateau", "diamond"])), (low, low + 200.0), 5
    )
    phantom = replace(
        heart(7000 + seed, murmur=False, duration_s=20.0),
        rate_per_min=float(rng.uniform(50, 130)),
        murmurs=(loud,),
    )
    sound = render(phantom).sound
    said = hear(0.5 * sound / np.abs(sound).max())
    assert said.verdict != "none"
    assert said.of(ev.Heart)[-1].value == "heard"
    assert [value for value in said.rates if abs(value - phantom.rate_per_min) > 8] == []
