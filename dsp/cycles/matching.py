"""Onsets of S1 and S2, found against annotated: which are the same, which missed, which extra.

Pure; a replay and its screen use it alike. One found onset answers at most one annotated one of
the same sound within the tolerance (as the segmentation challenge counts: Schmidt et al. 2010).
"""

from __future__ import annotations

from collections.abc import Sequence

Onset = tuple[int, int]
"""Absolute index (2 kHz), and 1 or 2 for S1 or S2."""

TOLERANCE = 200
"""Samples: 100 ms."""


def match(
    found: Sequence[Onset], annotated: Sequence[Onset], tolerance: int = TOLERANCE
) -> tuple[list[Onset], list[Onset], list[Onset]]:
    """Compare two lists of onsets, each in order.

    Returns
    -------
    The annotated ones that were found, those that were missed, and what was found beside them.
    """
    same: list[Onset] = []
    missed: list[Onset] = []
    extra: list[Onset] = []
    for sound in (1, 2):
        ours = [at for at, kind in found if kind == sound]
        theirs = [at for at, kind in annotated if kind == sound]
        number = 0
        for at in theirs:
            while number < len(ours) and ours[number] < at - tolerance:
                extra.append((ours[number], sound))
                number += 1
            if number < len(ours) and ours[number] <= at + tolerance:
                same.append((at, sound))
                number += 1
            else:
                missed.append((at, sound))
        extra += [(at, sound) for at in ours[number:]]
    return sorted(same), sorted(missed), sorted(extra)
