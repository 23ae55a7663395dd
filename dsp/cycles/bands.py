"""Log band energies of heart sound, 100 times a second, in blocks of half a second.

In: band-passed, spike-free sound at 2 kHz. Out: one array float32 [25, 16] per block of 25 frames
(20 ms each); a frame holds the eight bands of its two halves. Windows are counted from index 0
and every block is one product of fixed shape, so the numbers do not depend on how the sound was
cut. Short-time spectra stand in for the envelopes of Springer et al. 2016, whose fourth (the
40–60 Hz power) is one of these bands; the level and colour of the device are taken away later
(`normalise.py`).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dsp.stage import RATE_HZ

Float32 = NDArray[np.float32]

FRAME = 40
"""Samples of a frame (20 ms), the grain of the hand annotations."""
BLOCK = 25
"""Frames of a block (0.5 s)."""
PHASE = 20
"""Blocks begin at frames that are PHASE modulo BLOCK: 200 samples before a step ends, so that a
step's sound, which the chain may hold back by up to 85 ms, completes the block of that step."""
SETTLE = 200
"""Samples between the end of a block and the end of its step."""

_HOP = 20
_WINDOW = 80
_MARGIN = (_WINDOW - _HOP) // 2
_EDGES_HZ = (
    (25, 25),
    (50, 50),
    (75, 75),
    (100, 100),
    (125, 150),
    (175, 200),
    (225, 300),
    (325, 400),
)
"""First and last line of each band; lines are 25 Hz apart."""

BANDS = len(_EDGES_HZ)
FEATURES = 2 * BANDS
SPAN = BLOCK * FRAME + 2 * _MARGIN
"""Samples that one block needs: from 30 before its first to 30 after its last."""
FLOOR = 1e-12
"""Power (full scale 1) that counts as silence."""
SILENCE = float(np.log(FLOOR))
_LOUDEST = np.float32(1e6)
"""What is louder (or no number) is garbage, and must not reach the running mean."""
_ABSURD = 1e9
"""Sum of squares over which samples are looked at one by one."""


def _projection() -> tuple[Float32, Float32]:
    """Return the windowed sines [80, 32] and the sum over lines [32, 8]."""
    lines = np.arange(25, 401, 25)
    time = np.arange(_WINDOW) - (_WINDOW - 1) / 2
    window = 0.5 - 0.5 * np.cos(2 * np.pi * (np.arange(_WINDOW) + 0.5) / _WINDOW)
    window = 2 * window / window.sum()
    phase = 2 * np.pi * time[:, None] * lines / RATE_HZ
    waves = np.concatenate([np.cos(phase), np.sin(phase)], axis=1) * window[:, None]
    pool = np.zeros((len(lines), BANDS))
    for band, (low, high) in enumerate(_EDGES_HZ):
        pool[(lines >= low) & (lines <= high), band] = 1.0
    return waves.astype(np.float32), np.concatenate([pool, pool]).astype(np.float32)


_WAVES, _POOL = _projection()
_WINDOWS = np.arange(2 * BLOCK)[:, None] * _HOP + np.arange(_WINDOW)


def clean(x: NDArray[np.floating]) -> Float32:
    """Single precision; what is no number or absurdly loud becomes silence."""
    single = x.astype(np.float32)
    if not float(single @ single) < _ABSURD:
        single[~(np.abs(single) < _LOUDEST)] = 0
    return single


def log_bands(sound: Float32) -> Float32:
    """Log energies of blocks.

    Parameters
    ----------
    sound : float32 [..., SPAN]
        The samples of each block with 30 more on either side.

    Returns
    -------
    float32 [..., 25, 16]
        Natural logarithm of power, bands of the first half of each frame, then of the second.
        Each block is a product of its own: the numbers do not depend on how many there are.
    """
    lines: Float32 = sound.take(_WINDOWS, axis=-1) @ _WAVES
    lines *= lines
    power = lines @ _POOL
    power += np.float32(FLOOR)
    energies: Float32 = np.log(power, out=power).reshape(*sound.shape[:-1], BLOCK, FEATURES)
    return energies


class Blocks:
    """Cuts a stream into the sound of consecutive blocks.

    After ``reset(index)`` the first frame is the first whole one; the block it lies in is
    completed by zeros in front, and ``first_frame`` tells where sound begins.
    """

    def __init__(self) -> None:
        self.reset(0)

    def reset(self, index: int) -> None:
        """Start afresh at sample ``index``."""
        self.first_frame = -(-index // FRAME)
        self.frame = (self.first_frame - PHASE) // BLOCK * BLOCK + PHASE
        lead = index - self.frame * FRAME + _MARGIN
        self._pending = np.zeros(max(lead, 0), np.float32)
        self._skip = max(-lead, 0)  # of a frame that is not whole: no window reaches them
        self.end = index

    def complete(self, samples: int) -> int:
        """Blocks that so many more samples complete."""
        size = len(self._pending) + max(0, samples - self._skip)
        return max(0, (size - SPAN) // (BLOCK * FRAME) + 1)

    def push(self, x: NDArray[np.floating]) -> list[Float32]:
        """Return the sound, float32 [SPAN], of each block that is now complete."""
        self.end += len(x)
        count = self.complete(len(x))
        skip = min(self._skip, len(x))
        self._skip -= skip
        pending = np.concatenate([self._pending, clean(x[skip:])])
        step = BLOCK * FRAME
        blocks = [pending[k * step : k * step + SPAN] for k in range(count)]
        self._pending = pending[count * step :]
        self.frame += count * BLOCK
        return blocks

    def flush(self) -> list[Float32]:
        """Return what is left, completed by zeros, as blocks (none, one or two)."""
        whole = self.end // FRAME
        count = max(0, -(-(whole - self.frame) // BLOCK))
        need = count * BLOCK * FRAME + 2 * _MARGIN
        pad = np.zeros(max(0, need - len(self._pending)), np.float32)
        pending = np.concatenate([self._pending, pad])
        step = BLOCK * FRAME
        self.frame += count * BLOCK
        self._pending = pending[:0]
        return [pending[k * step : k * step + SPAN] for k in range(count)]
