"""The rate is neither halved nor doubled, whatever share of the cycle systole takes."""

from collections import Counter

import pytest
from field_hearts import seeds

from dsp.cycles.model import CycleModel
from models import shipped
from training.segmentation.shares import SHARES, SOUNDS, heart, judged, said


@pytest.mark.timeout(1200)
def test_hardly_a_rate_is_halved_or_doubled_and_none_raises_an_extreme_alarm():
    model = CycleModel.from_arrays(shipped.cycles_arrays())
    told: Counter[str] = Counter()
    for share in SHARES:
        for place in seeds(len(SOUNDS), 60):
            _, described = heart(share, place)
            told[judged(said(model, described), described.rate_per_min)] += 1
    assert told["alarm"] == 0, told
    assert told["wrong"] <= 0.01 * told.total(), told
    assert told["wrong"] + told["wrong or right"] <= max(1, 0.01 * told.total()), told
    assert told["right"] >= 0.85 * told.total(), told
