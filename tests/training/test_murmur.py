"""Made-up murmurs: only in normal windows, only between two heart sounds."""

from __future__ import annotations

import numpy as np
import torch

from training.murmur import DIASTOLE, SYSTOLE, add_murmur, frame_states

FRAMES, BANDS = 122, 20


def _windows(n: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Windows of -40 dB with sounds of 0 dB, cycles of 40 frames: 5 S1, 10 systole, 5 S2, 20."""
    cycle = torch.tensor([1] * 5 + [2] * 10 + [3] * 5 + [4] * 20, dtype=torch.uint8)
    states = cycle.repeat(4)[:FRAMES].expand(n, FRAMES).contiguous()
    loud = ((states == 1) | (states == 3)).float()[:, :, None]
    return (-40 + 40 * loud).expand(n, FRAMES, BANDS).contiguous(), states, torch.zeros(n).long()


def test_a_murmur_lies_in_one_phase_is_audible_and_makes_the_window_abnormal() -> None:
    db, states, label = _windows(200)
    out, called = add_murmur(db, states, label, 1.0, np.random.default_rng(1))
    assert (called == 1).all()
    assert not label.any()
    raised = (out - db).amax(dim=2)
    sounds = (states == 1) | (states == 3)
    assert (raised[sounds] == 0).all()
    in_systole = raised[:, states[0] == SYSTOLE].amax(dim=1)
    in_diastole = raised[:, states[0] == 4].amax(dim=1)
    assert ((in_systole > 0) ^ (in_diastole > 0)).all()
    assert (torch.maximum(in_systole, in_diastole) > 3).all()
    assert 0.6 < (in_systole > 0).float().mean() < 0.9


def test_a_diastolic_murmur_lies_in_diastole_and_in_a_band_of_its_own() -> None:
    db, states, label = _windows(400)
    out, called = add_murmur(db, states, label, 1.0, np.random.default_rng(1), diastolic=True)
    assert (called == 1).all()
    raised = out - db
    assert (raised[states != DIASTOLE] == 0).all()
    inside = raised[:, states[0] == DIASTOLE]
    assert (inside.amax(dim=(1, 2)) > 3).all()
    low, high = inside[:, :, :4].amax(dim=(1, 2)), inside[:, :, 10:].amax(dim=(1, 2))
    rumbles = low > high
    assert 0.3 < rumbles.float().mean() < 0.7
    begin = inside[:, :2].amax(dim=(1, 2))
    assert begin[rumbles].mean() < begin[~rumbles].mean()


def test_abnormal_windows_and_those_without_known_systole_stay_as_they_are() -> None:
    db, states, label = _windows(50)
    label[:25] = 1
    states[25:] = 0
    out, called = add_murmur(db, states, label, 1.0, np.random.default_rng(2))
    assert torch.equal(out, db)
    assert torch.equal(called, label)


def test_the_share_of_windows_is_the_one_asked_for() -> None:
    db, states, label = _windows(2000)
    _, called = add_murmur(db, states, label, 0.3, np.random.default_rng(3))
    assert abs(called.float().mean() - 0.3) < 0.04


def test_a_frame_has_the_state_at_its_middle() -> None:
    states = frame_states(10, 40, 128, [(0, np.array([0, 100, 400]), [1, 2])])
    middles = np.arange(10) * 40 + 64
    expected = np.where(middles < 100, 1, np.where(middles < 400, 2, 0))
    assert states.tolist() == expected.tolist()
