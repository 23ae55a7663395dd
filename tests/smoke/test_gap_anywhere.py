"""What the long run found: a gap may end at any index."""

from __future__ import annotations

import numpy as np

from dsp.cycles.bands import Blocks


def test_bands_start_afresh_at_every_index_of_a_step() -> None:
    sound = np.random.default_rng(1).standard_normal(40_000)
    whole = Blocks()
    first = whole.frame
    everything = {first + 25 * k: block for k, block in enumerate(whole.push(sound))}
    for index in range(4000, 5000):
        blocks = Blocks()
        blocks.reset(index)
        start = blocks.frame
        _, second, *_ = blocks.push(sound[index:])
        assert np.array_equal(second, everything[start + 25])
