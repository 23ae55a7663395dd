"""The emission of the publications: logistic regression on Springer's four envelopes.

Springer et al. 2016 (section II-D) give the probability of each state by logistic regression on
the homomorphic, Hilbert, wavelet and power-spectral envelopes, scaled to zero mean and unit
deviation over the recording. Here the scale is that of the held-back start, then a running one,
and one softmax stands for their four one-against-rest regressions. It serves as the baseline that
the learned emission is measured against, behind the same methods.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from dsp.cycles.bands import BLOCK, FRAME, PHASE, SETTLE, Float32
from dsp.cycles.emission import HOLD
from dsp.cycles.network import CLASSES, log_softmax
from dsp.envelope import DELAY, ENVELOPES, Envelopes

Float = NDArray[np.float64]
RATE = 1 / 20
NEVER = -30.0
"""Log posterior of "none", which this emission does not know."""


class LogisticEmission:
    """Envelopes → running scale → log posteriors, float32 [25, 5] per block."""

    def __init__(self, arrays: Mapping[str, NDArray[np.float32]]) -> None:
        self._weight = np.asarray(arrays["logistic.weight"], np.float64)
        self._bias = np.asarray(arrays["logistic.bias"], np.float64)
        if self._weight.shape != (ENVELOPES, CLASSES - 1) or self._bias.shape != (CLASSES - 1,):
            raise ValueError("logistic emission: weights of the wrong shape")
        self._envelopes = Envelopes()
        self.ahead = DELAY + 1
        self.reset(0)

    def reset(self, index: int) -> None:
        """Start afresh at sample ``index``."""
        self._envelopes.reset(index)
        self.first = self._envelopes.first_frame
        heard = (self.first - PHASE) // BLOCK * BLOCK + PHASE
        self.frame = heard - self.ahead
        self.hold_end = heard + ((index + HOLD - SETTLE) // FRAME - heard) // BLOCK * BLOCK
        self.stop: int | None = None
        self._end = index
        self._rows = np.zeros((max(0, self.first - self.frame), ENVELOPES))
        self._held: list[Float] | None = []
        self._mean, self._square = np.zeros(ENVELOPES), np.ones(ENVELOPES)

    def scaled(self, x: NDArray[np.floating]) -> list[Float]:
        """Scaled envelopes [25, 4] of the blocks that are now known."""
        self._end += len(x)
        return self._take(self._envelopes.push(np.asarray(x, np.float64)), whole=False)

    def push(self, x: NDArray[np.floating]) -> list[Float32]:
        """Return the log posteriors of the blocks that are now known."""
        return [self._posterior(block) for block in self.scaled(x)]

    def push_steps(self, sizes: Sequence[int], x: NDArray[np.floating]) -> list[list[Float32]]:
        """Return what `push` would have returned for each part of ``sizes`` samples."""
        ends = zip(accumulate(sizes), sizes, strict=True)
        return [self.push(x[end - size : end]) for end, size in ends]

    def flush(self) -> list[Float32]:
        """Return those of the frames that are left."""
        return [self._posterior(block) for block in self.finish()]

    def finish(self) -> list[Float]:
        """Scaled envelopes of the frames that are left, completed by zeros."""
        self.stop = self._end // FRAME
        out = self._take(self._envelopes.flush(), whole=True)
        return out + self._release()

    def _take(self, rows: Float, *, whole: bool) -> list[Float]:
        self._rows = np.concatenate([self._rows, rows])
        if whole and len(self._rows) % BLOCK:
            self._rows = np.concatenate(
                [self._rows, np.zeros((-len(self._rows) % BLOCK, ENVELOPES))]
            )
        count = len(self._rows) // BLOCK
        blocks = list(self._rows[: count * BLOCK].reshape(count, BLOCK, ENVELOPES))
        self._rows = self._rows[count * BLOCK :]
        out: list[Float] = []
        for block in blocks:
            if self._held is None:
                self._learn(block)
                out.append(self._scale(block))
                continue
            self._held.append(block)
            if self.frame + self.ahead + len(self._held) * BLOCK >= self.hold_end:
                out += self._release()
        return out

    def _release(self) -> list[Float]:
        held, self._held = self._held, None
        if not held:
            return []
        rows = np.concatenate(held)
        known = rows[max(0, self.first - self.frame) :]
        if self.stop is not None:
            known = known[: max(1, self.stop - self.first)]
        self._mean, self._square = known.mean(axis=0), (known**2).mean(axis=0)
        return [self._scale(block) for block in held]

    def _learn(self, block: Float) -> None:
        self._mean = self._mean + RATE * (block.mean(axis=0) - self._mean)
        self._square = self._square + RATE * ((block**2).mean(axis=0) - self._square)

    def _scale(self, block: Float) -> Float:
        self.frame += BLOCK
        deviation = np.sqrt(np.maximum(self._square - self._mean**2, 1e-20))
        scaled: Float = np.clip((block - self._mean) / deviation, -10, 10)
        return scaled

    def _posterior(self, scaled: Float) -> Float32:
        out = np.full((BLOCK, CLASSES), NEVER, np.float32)
        out[:, :-1] = log_softmax((scaled @ self._weight + self._bias).astype(np.float32))
        return out
