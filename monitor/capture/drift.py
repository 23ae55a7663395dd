"""The rate that a device really has, from the times of its callbacks.

Callbacks are late by chance and never early, so the least late one of each `CELL_S` stands for
it; a straight line through those gives the rate. Crystals are off by tens of parts in a million,
devices that lie about their rate by a percent.
"""

from __future__ import annotations

from collections import deque

import numpy as np

CELL_S = 5.0
"""One point for the line in each of these spans."""

SPAN_S = 1800.0
"""The line looks back this far."""

KNOWN_S = 30.0
"""A rate is given from this span on."""

NOMINAL_DOUBT = 0.002
"""Share by which a device may be off its nominal rate before it was measured."""


class RateMeter:
    """Line through (time, frames) of the least late callbacks.

    Parameters
    ----------
    nominal_hz
        The rate that the device says it has.
    """

    def __init__(self, nominal_hz: int) -> None:
        self.nominal_hz = nominal_hz
        self._cells: deque[tuple[float, int]] = deque()
        self._cell_start: float | None = None
        self._best: tuple[float, float, int] | None = None
        self._rate_hz: float | None = None
        self._doubt = NOMINAL_DOUBT
        self._jitter_s = 0.0

    @property
    def rate_hz(self) -> float:
        """The measured rate, the nominal one before it is known."""
        return self.nominal_hz if self._rate_hz is None else self._rate_hz

    @property
    def doubt(self) -> float:
        """By what share the rate may be wrong."""
        return self._doubt

    @property
    def drift_ppm(self) -> float | None:
        """Measured against nominal, parts in a million; None before it is known."""
        return None if self._rate_hz is None else (self._rate_hz / self.nominal_hz - 1) * 1e6

    def add(self, at_s: float, frames: int, offset_s: float, jitter_s: float) -> None:
        """One callback at ``at_s`` after which ``frames`` were delivered or booked.

        ``jitter_s`` is how late a callback may be before that is told from a loss: a loss below
        it bends the line.
        """
        self._jitter_s = jitter_s
        if self._cell_start is None:
            self._cell_start = at_s
        if self._best is None or offset_s < self._best[0]:
            self._best = (offset_s, at_s, frames)
        if at_s - self._cell_start >= CELL_S:
            self._cells.append(self._best[1:])
            self._cell_start, self._best = at_s, None
            self._fit()

    def restart(self) -> None:
        """A new stream began: forget the line, keep the rate until a new one is known."""
        self._cells.clear()
        self._cell_start = self._best = None

    def _fit(self) -> None:
        while self._cells[-1][0] - self._cells[0][0] > SPAN_S:
            self._cells.popleft()
        span_s = self._cells[-1][0] - self._cells[0][0]
        if span_s < KNOWN_S:
            return
        points = np.array(self._cells, dtype=np.float64)
        t = points[:, 0] - points[:, 0].mean()
        n = points[:, 1] - points[:, 1].mean()
        self._rate_hz = float((t * n).sum() / (t * t).sum())
        self._doubt = self._jitter_s / span_s
