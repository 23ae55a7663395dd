"""The shipped student is the pinned one, within its budget."""

from __future__ import annotations

import numpy as np
import pytest

from dsp.stage import CHAIN_VERSION
from models import shipped
from models.engine import Engine
from models.engine_torchscript import open_model


@pytest.fixture(scope="module")
def student() -> Engine:
    return shipped.student()


def test_the_shipped_student_opens_and_keeps_the_papers_budget(student: Engine) -> None:
    contract = student.contract
    assert contract.parameters <= 43_334
    assert contract.multiply_adds <= 66_700_000
    assert contract.chain_version == CHAIN_VERSION
    assert contract.mfcc["n_mfcc"] == 13
    assert 0 < contract.threshold_normal < 0.5 < contract.threshold_abnormal < 1


def test_the_card_and_the_pin_name_the_same_file(student: Engine) -> None:
    assert shipped.card(shipped.STUDENT)["sha256"] == shipped.pins()[shipped.STUDENT]
    assert open_model(shipped.path_of(shipped.STUDENT)).sha256 == student.sha256


def test_silence_and_clipping_give_a_probability(student: Engine) -> None:
    windows = np.stack([np.zeros(5000), np.sign(np.sin(np.arange(5000)))]).astype(np.float32)
    p = student.probability(windows)
    assert ((p >= 0) & (p <= 1)).all()
