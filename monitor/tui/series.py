"""Rate and p(abnormal) over minutes to hours, once a second, for the trend.

The older half is thinned by two when the store is full, so 12 hours and more stay in flat memory.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from monitor.events import RATE_HZ

FULL = 40_000
_STEP = 2000


class Series:
    """(index at 2 kHz, rate in 1/min, p), NaN where unknown."""

    def __init__(self) -> None:
        self._rows = np.empty((FULL, 3))
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def restart(self, rows: Iterable[tuple[int, float | None, float | None]]) -> None:
        """Take the trend of a snapshot."""
        self._count = 0
        for index, rate, p in rows:
            self.add(index, rate, p)

    def add(self, index: int, rate: float | None, p: float | None) -> bool:
        """Note one moment; less than a second after the last one it is left out (False)."""
        if self._count and index < self._rows[self._count - 1, 0] + _STEP:
            return False
        if self._count == FULL:
            half = FULL // 2
            kept = np.concatenate([self._rows[:half:2], self._rows[half:]])
            self._count = len(kept)
            self._rows[: self._count] = kept
        self._rows[self._count] = (
            index,
            np.nan if rate is None else rate,
            np.nan if p is None else p,
        )
        self._count += 1
        return True

    def rates(self) -> NDArray[np.float64]:
        """Heart rates that are kept, 1/min, unknown ones left out."""
        rates: NDArray[np.float64] = self._rows[: self._count, 1]
        return rates[~np.isnan(rates)]

    def beyond(self, limit: float, *, above: bool) -> tuple[float, float, float]:
        """How long the rate was beyond ``limit``, the longest stretch of it, and of how long.

        Seconds; a stretch is cut where the rate was not known.
        """
        index, rate = self._rows[: self._count, 0], self._rows[: self._count, 1]
        if self._count < 2:
            return 0.0, 0.0, 0.0
        step = np.minimum(np.diff(index, append=index[-1] + _STEP), 5 * _STEP) / _STEP
        with np.errstate(invalid="ignore"):
            out = rate > limit if above else rate < limit
        run = np.cumsum(step * out)
        before = np.maximum.accumulate(np.where(out, 0.0, run))
        longest = float((run - before).max())
        return float(run[-1]), longest, float(step[~np.isnan(rate)].sum())

    def columns(
        self, end: int, span: int, count: int
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Mean rate and p of ``count`` columns over the ``span`` samples before ``end``.

        Columns without a value are NaN; a hole of up to 2.5 s between two values is bridged,
        so that one value a second draws a line when a column is shorter than that.
        """
        rows = self._rows[: self._count]
        rows = rows[(rows[:, 0] > end - span - 5000) & (rows[:, 0] <= end)]
        place = (rows[:, 0] - (end - span)) / span * count
        at = np.clip(np.ceil(place) - 1, 0, count - 1).astype(int)
        inside = place > 0
        width = span / count
        reach = int(np.ceil(2.5 * RATE_HZ / width)) if width < 5000 else 1
        return tuple(  # type: ignore[return-value]
            _mean(at[inside], rows[inside, k], count, reach) for k in (1, 2)
        )


def _mean(
    at: NDArray[np.int_], values: NDArray[np.float64], count: int, reach: int
) -> NDArray[np.float64]:
    known = ~np.isnan(values)
    total = np.bincount(at[known], values[known], minlength=count)
    number = np.bincount(at[known], minlength=count)
    mean: NDArray[np.float64] = np.full(count, np.nan)
    np.divide(total, number, out=mean, where=number > 0)
    have = np.flatnonzero(number)
    for a, b in pairwise(have):
        if 1 < b - a <= reach:
            mean[a + 1 : b] = mean[a]
    return mean
