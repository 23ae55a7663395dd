"""What persons are called by the recordings of several places; see ``gate.py``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monitor.analysis.person import Judged, judge_person, person_logit
from monitor.analysis.verdict import Thresholds, sigmoid
from training.calibrate import UNSURE_P
from training.datasets import Recording


def by_person(recordings: Sequence[Recording]) -> dict[str, list[Recording]]:
    """Recordings of each person."""
    own: dict[str, list[Recording]] = {}
    for r in recordings:
        own.setdefault(r.group, []).append(r)
    return own


def persons(
    recordings: Sequence[Recording], z: Mapping[str, float], rule: str, most: int = 0, seed: int = 0
) -> tuple[list[str], NDArray[np.int64], NDArray[np.float64]]:
    """Persons, whether a murmur is heard anywhere, and their logit by a rule (NaN: no verdict).

    Parameters
    ----------
    most
        Recordings of each person that are looked at, drawn at random (0: all). In CirCor persons
        with a murmur have more recordings, and a maximum grows with their number.
    """
    rng = np.random.default_rng(seed)
    own = by_person(recordings)
    names = sorted(own)
    truth = np.array([max(r.label for r in own[n]) for n in names])
    score = []
    for n in names:
        mine = own[n]
        if most and len(mine) > most:
            mine = [mine[k] for k in rng.permutation(len(mine))[:most]]
        known = [z[r.name] for r in mine if r.name in z]
        score.append(person_logit(known, rule) if known else np.nan)
    return names, truth, np.array(score)


def places_heard(
    recordings: Sequence[Recording], z: Mapping[str, float], places: int = 4
) -> dict[str, Any]:
    """Share of children with a murmur, and without, by what they are called after some places.

    Half by half: every second child by name; those of whom all ``places`` have a verdict.
    """
    own = by_person(recordings)
    out: dict[str, Any] = {}
    for half, words in enumerate(("choosing half", "other half")):
        for murmur in (True, False):
            some = [own[name] for name in sorted(own)[half::2]]
            whole = [
                [z[r.name] for r in mine]
                for mine in some
                if len(mine) == places
                and all(r.name in z for r in mine)
                and (max(r.label for r in mine) > 0) == murmur
            ]
            row: dict[str, Any] = {"persons": len(whole)}
            for heard in range(1, places + 1) if whole else ():
                row[f"{heard} of {places}"] = _called(whole, heard)
            out[f"{'murmur' if murmur else 'no murmur'}, {words}"] = row
    return out


def _called(persons: Sequence[Sequence[float]], heard: int) -> dict[str, float]:
    """What is said after ``heard`` of the places, the mean over all choices of them."""
    limits = Thresholds(*UNSURE_P)
    told = [
        [limits.judge(sigmoid(person_logit(some))) for some in combinations(z, heard)]
        for z in persons
    ]
    return {
        value: float(np.mean([np.mean([one == value for one in mine]) for mine in told]))
        for value in ("normal", "unsure", "abnormal")
    }


def judged_in_part(recordings: Sequence[Recording], z: Mapping[str, float]) -> dict[str, Any]:
    """Persons with a verdict of whom some recordings have none, and what they are called."""
    own = by_person(recordings)
    limits = Thresholds(*UNSURE_P)
    counts: Counter[str] = Counter()
    for mine in own.values():
        places: list[Judged] = [
            (r.name, limits.judge(sigmoid(z[r.name])), sigmoid(z[r.name]))
            if r.name in z
            else (r.name, "none", None)
            for r in mine
        ]
        found = judge_person(places, limits)
        if found.not_judged and found.judged:
            murmur = "murmur" if max(r.label for r in mine) > 0 else "no murmur"
            counts[f"{murmur}, {found.value}"] += 1
            counts[f"{murmur}, fewer than half judged"] += 2 * found.judged < found.recordings
    return dict(sorted(counts.items()))
