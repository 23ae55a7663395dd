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
    assert open_model(shipped.path_of(shipped.STUDENT)).sha256 == shipped.pins()[shipped.STUDENT]
    assert student.sha256 in shipped.pins().values()


def test_silence_and_clipping_give_a_probability(student: Engine) -> None:
    windows = np.stack([np.zeros(5000), np.sign(np.sin(np.arange(5000)))]).astype(np.float32)
    p = student.probability(windows)
    assert ((p >= 0) & (p <= 1)).all()


def test_the_onnx_file_beside_it_gives_the_same_logits(student: Engine) -> None:
    pytest.importorskip("onnxruntime")
    from models import engine_onnx

    name = "student.onnx"
    onnx = engine_onnx.open_model(shipped.path_of(name), shipped.pins()[name])
    windows = np.random.default_rng(2).standard_normal((10, 5000)).astype(np.float32)
    assert np.abs(onnx.logits(windows) - student.logits(windows)).max() < 1e-5
    assert onnx.contract == student.contract


def test_a_flat_frequency_response_or_a_tilted_one_changes_little(student: Engine) -> None:
    """What takes the device out: a gain per band moves each coefficient's mean only."""
    rng = np.random.default_rng(3)
    t = np.arange(5000) / 2000
    beats = np.exp(-((t % 0.8) ** 2) / 0.001) + 0.7 * np.exp(-((t % 0.8 - 0.3) ** 2) / 0.0006)
    sound = rng.standard_normal(5000) * (0.05 + beats)
    spectrum = np.fft.rfft(sound)
    tilt = 10 ** (np.linspace(6, -12, spectrum.size) / 20)
    tilted = np.fft.irfft(spectrum * tilt, 5000)
    plain, other = student.probability(np.stack([sound, tilted]).astype(np.float32))
    assert abs(plain - other) < 0.2
