"""A sound of anything but a heart has no verdict, no rate and no physiological alarm."""

from __future__ import annotations

import numpy as np
import pytest
from field_hearts import PHYSIOLOGICAL, hear, hum, seeds
from field_sounds import OTHER

from monitor import events as ev


@pytest.mark.parametrize("kind", OTHER)
@pytest.mark.parametrize("seed", seeds(1, 10))
def test_what_is_no_heart_has_no_verdict(kind, seed):
    said = hear(OTHER[kind](1000 + seed, 30.0))
    assert said.verdict == "none"
    assert said.rates == []
    assert said.raised(*PHYSIOLOGICAL) == []
    assert "heard" not in said.hearts


@pytest.mark.parametrize("hz", [50, 60])
def test_hum_alone_is_no_heart(hz):
    rng = np.random.default_rng(hz)
    said = hear(hum(60_000, hz, -6) + 1e-3 * rng.standard_normal(60_000))
    assert said.verdict == "none"
    assert said.rates == []


def test_an_open_input_is_no_sound():
    said = hear(np.zeros(40_000))
    assert said.verdict == "none"
    assert said.of(ev.Heart)[-1].value == "no_sound"
