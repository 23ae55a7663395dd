"""The front end gives librosa's numbers."""

from __future__ import annotations

import librosa
import numpy as np
import pytest
import torch

from models.mfcc import MfccSettings
from training.frontend import make_mfcc

SETTINGS = [
    MfccSettings(),
    MfccSettings(center=True),
    MfccSettings(n_fft=256, window_length=160, n_mels=13, hop_length=20, top_db=60.0),
    MfccSettings(n_mels=26, fmin_hz=0.0, fmax_hz=1000.0, n_fft=512, window_length=200),
]


def librosa_mfcc(sound: np.ndarray, s: MfccSettings) -> np.ndarray:
    """librosa's MFCC of one window divided by its root mean square."""
    sound = sound / np.sqrt(np.mean(sound.astype(np.float64) ** 2))
    return librosa.feature.mfcc(
        y=sound,
        sr=s.sample_rate_hz,
        n_mfcc=s.n_mfcc,
        n_fft=s.n_fft,
        win_length=s.window_length,
        hop_length=s.hop_length,
        center=s.center,
        n_mels=s.n_mels,
        fmin=s.fmin_hz,
        fmax=s.fmax_hz,
        pad_mode="constant",
    )


@pytest.mark.parametrize("settings", SETTINGS)
def test_the_coefficients_are_librosas_to_a_ten_thousandth(settings: MfccSettings) -> None:
    rng = np.random.default_rng(3)
    t = np.arange(5000) / 2000
    sound = rng.standard_normal(5000) * (0.02 + np.exp(-((t % 0.8) ** 2) / 0.002))
    ours = make_mfcc(settings)(torch.tensor(sound, dtype=torch.float32)[None])[0].numpy()
    if settings.top_db == 80.0:
        theirs = librosa_mfcc(sound, settings)
        assert ours.shape == theirs.shape == (13, settings.frames)
        # coefficient 0 sums the bands (about -100): relative to its size
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-3)
        assert np.abs(ours - theirs).max() < 1e-4 * max(1.0, np.abs(theirs).max())


def test_silence_gives_finite_coefficients() -> None:
    out = make_mfcc(MfccSettings())(torch.zeros(2, 5000))
    assert torch.isfinite(out).all()


def test_loudness_changes_nothing() -> None:
    mfcc = make_mfcc(MfccSettings())
    sound = torch.randn(1, 5000, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(mfcc(sound), mfcc(0.001 * sound), atol=1e-3, rtol=1e-5)


def test_a_bank_of_another_shape_is_refused() -> None:
    from models.mfcc import Mfcc

    with pytest.raises(ValueError, match="does not fit"):
        Mfcc(MfccSettings(), np.ones((5, 65)))
