"""How far a beat's two sounds stand out: evidence that a rate is neither halved nor doubled.

A decoder that doubles the rate takes every sound for an S1 and finds an S2 in the silence
between; one that halves it leaves sounds over. Hearts that beat 140/min and more have an S2 of at
least 9 dB over the rest of the cycle in CirCor (156 recordings).
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np

from dsp.cycles.beat import Beat
from dsp.stage import RATE_HZ, FloatArray

FRAME = RATE_HZ // 100
"""Samples of one value of loudness (10 ms)."""

SOUND = 14
"""Values from the onset of a sound that belong to it."""

TINY = 1e-14

SECOND_HEARD_DB = 6.0
"""An S2 that stands out less is none."""

LEFT_OVER_DB = 3.0
"""A sound in the rest of the cycle that is nearer to the weaker of the two may be a beat."""

ALIKE_DB, ALIKE_SHARE = 2.0, 0.03
"""Sounds so alike, and halves of a cycle so equal, are not told apart."""

LEFT_OVER_BELOW = 55.0
"""Rates (1/min) below which sounds that are left over are looked for."""


class Contrast(msgspec.Struct, frozen=True, gc=False):
    """Loudness within one cycle, in dB.

    Attributes
    ----------
    first_over_second, second_over_rest
        S1 over S2, and S2 over the median of what lies outside of both.
    left_over
        The weaker of the two over the loudest outside of both.
    systole
        Share of the cycle from S1 to S2.
    """

    first_over_second: float
    second_over_rest: float
    left_over: float
    systole: float


def contrast_of(x: FloatArray, beat: Beat) -> Contrast | None:
    """Measure one beat.

    Parameters
    ----------
    x
        float64, the filtered sound from the beat's S1 to its end.

    Returns
    -------
    None if the beat is not whole, or too short to be measured.
    """
    if beat.s1 is None or beat.s2 is None or beat.end is None:
        return None
    count, second = x.size // FRAME, (beat.s2 - beat.s1) // FRAME
    if second < SOUND // 2 or second >= count:
        return None
    x = x[: count * FRAME].reshape(count, FRAME)
    level = 10 * np.log10(np.add.reduce(x * x, axis=1) / FRAME + TINY)
    # An onset comes up to 20 ms early or late: what is next to a sound is not outside of it.
    values: list[float] = level.tolist()
    rest = sorted(values[SOUND : second - 2] + values[second + SOUND : -2])
    if len(rest) < 3:
        return None
    s1, s2 = max(values[:second][:SOUND]), max(values[second : second + SOUND])
    middle = (rest[(len(rest) - 1) // 2] + rest[len(rest) // 2]) / 2
    return Contrast(s1 - s2, s2 - middle, min(s1, s2) - rest[-1], second / count)


def other_rate(rate: float, found: Sequence[Contrast], rates: tuple[float, float]) -> float | None:
    """The half or the double of ``rate`` that the last beats do not exclude, None if they do.

    Parameters
    ----------
    found
        Contrasts of the last beats.
    rates
        Lowest and highest plausible rate.
    """
    if not found:
        return None
    second = _median([c.second_over_rest for c in found])
    if second < SECOND_HEARD_DB:
        return rate / 2 if rate / 2 >= rates[0] else None
    alike = abs(_median([c.first_over_second for c in found])) <= ALIKE_DB
    equal = abs(_median([c.systole for c in found]) - 0.5) <= ALIKE_SHARE
    left = rate < LEFT_OVER_BELOW and _median([c.left_over for c in found]) < LEFT_OVER_DB
    if (alike and equal) or left:
        return 2 * rate if 2 * rate <= rates[1] else None
    return None


def _median(values: Sequence[float]) -> float:
    return sorted(values)[len(values) // 2]
