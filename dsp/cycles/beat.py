"""One heart cycle, as the decoder reports it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Beat:
    """Onsets of one heart cycle, in absolute samples at 2 kHz.

    A boundary that was not heard (cut by start, gap, noise or end of the sound) is None.

    Attributes
    ----------
    s1, systole, s2, diastole, end
        Onset of S1, end of S1 (systole), onset of S2, end of S2 (diastole), and the next S1.
    confidence
        Probability (0..1) that the cycle's S1 and S2 are right.
    """

    s1: int | None
    systole: int | None
    s2: int | None
    diastole: int | None
    end: int | None
    confidence: float
