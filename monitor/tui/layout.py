"""Where the parts of the main screen stand, for every size of terminal. Pure.

The numbers take what they need, the waveform at least half of the rest; what is left goes to trend
and alarms. A terminal too narrow for three boxes side by side has them one below the other.
"""

from __future__ import annotations

from dataclasses import dataclass

LEAST = (60, 20)
"""Columns and rows from which the boxes stand side by side."""

STACKED = (40, 32)
"""Columns and rows from which they may stand one below the other."""

BARS = 3
"""Rows of title, banner and keys."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Rows of each part with its frame, 0 where there is none; columns of boxes.

    Attributes
    ----------
    brief
        Too small for anything but words.
    stacked
        The boxes of the numbers stand one below the other.
    numbers, wave, beat, trend, log
        Rows. ``beat`` is that of the averaged beat in a row of its own.
    rate_columns, beat_columns
        Columns of the box of the rate, and of the averaged beat beside the numbers.
    """

    brief: bool = False
    stacked: bool = False
    numbers: int = 0
    wave: int = 0
    beat: int = 0
    trend: int = 0
    log: int = 0
    rate_columns: int = 0
    beat_columns: int = 0


def layout(width: int, height: int, bar: bool = False) -> Layout:
    """The layout of ``width`` columns and ``height`` rows; ``bar`` is that of a replay."""
    stacked = width < LEAST[0]
    if height < LEAST[1] or width < STACKED[0] or (stacked and height < STACKED[1]):
        return Layout(brief=True)
    numbers = _numbers(width, height)
    rest = height - BARS - bar - numbers
    beside = 0 if width < 110 or numbers < 8 else min(72, round(width * 0.29))
    beat = 0
    if not beside and rest >= 34:
        beat = min(12, rest // 5)
        rest -= beat
    log = min(12, max(4, round(rest * 0.18)))
    trend = min(16, max(8, round(rest * 0.24))) if rest >= 21 else 0
    return Layout(
        stacked=stacked,
        numbers=numbers,
        wave=rest - log - trend,
        beat=beat,
        trend=trend,
        log=log,
        rate_columns=24 if width < 80 else 26 if width < 110 else min(40, width // 4),
        beat_columns=beside,
    )


STACK = (7, 5, 5)
"""Rows of rate, verdict and signal that stand one below the other."""


def _numbers(width: int, height: int) -> int:
    if width < LEAST[0]:
        return sum(STACK)
    for least, rows in ((66, 11), (48, 9), (34, 8)):
        if height >= least:
            return rows
    return 6
