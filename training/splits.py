"""Who trains and who is tested: by group, by database, or (the paper's) at random.

Groups hold everything that may share a person; no group stands on both sides, ever. Splits are a
function of the table and a seed alone.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from training.datasets import DATABASES, Recording

FOLDS = 5
PAIRS = tuple(combinations(range(FOLDS), 2))
"""Folds of protocol N: both of a pair are held out."""


@dataclass(frozen=True, slots=True)
class Split:
    """Names of the recordings that train and that are held out."""

    train: frozenset[str]
    test: frozenset[str]


def group_folds(
    recordings: Sequence[Recording], folds: int = FOLDS, seed: int = 0
) -> list[frozenset[str]]:
    """Deal whole groups into folds, stratified by database and class.

    Large groups first, each into the fold that has least of what the group brings; ties are
    broken at random by the seed.

    Returns
    -------
    Names of the recordings of each fold.
    """
    rng = np.random.default_rng(seed)
    groups: dict[str, list[Recording]] = defaultdict(list)
    for r in recordings:
        groups[r.group].append(r)
    total = Counter((r.database, r.label) for r in recordings)
    names = sorted(groups)
    order = rng.permutation(len(names))
    ranked = sorted((names[i] for i in order), key=lambda g: -len(groups[g]))
    have: list[Counter[tuple[str, int]]] = [Counter() for _ in range(folds)]
    dealt: list[set[str]] = [set() for _ in range(folds)]
    for group in ranked:
        brings = Counter((r.database, r.label) for r in groups[group])
        load = [
            sum(n * have[k][cell] / total[cell] for cell, n in brings.items())
            + 1e-6 * len(dealt[k])
            for k in range(folds)
        ]
        k = int(np.argmin(load))
        have[k].update(brings)
        dealt[k].update(r.name for r in groups[group])
    return [frozenset(d) for d in dealt]


def folds_of(protocol: str) -> int:
    """Number of folds of a protocol."""
    return {"S": FOLDS, "N": len(PAIRS), "D": len(DATABASES), "all": 1, "P": 1}[protocol]


def split(recordings: Sequence[Recording], protocol: str, fold: int) -> Split:
    """One split of a protocol.

    Parameters
    ----------
    protocol
        ``S``: fold 0..4 of groups. ``N``: pair 0..9 of those folds is held out, for teachers of
        students that are scored on one of the two. ``D``: database 0..5 is held out.
        Further sets are dealt into folds of their own; where databases are left out they train.
        ``all``: everything trains, nothing is held out.

    Raises
    ------
    ValueError
        For an unknown protocol or fold.
    """
    usable = [r for r in recordings if r.scored]
    names = frozenset(r.name for r in usable)
    inside = [r for r in usable if not r.further]
    further = [r for r in usable if r.further]
    if protocol == "S":
        # Folds of cinc2016 are the same whatever else trains.
        test = group_folds(inside)[fold] | group_folds(further)[fold]
    elif protocol == "N":
        first, second = (split(recordings, "S", k).test for k in PAIRS[fold])
        test = first | second
    elif protocol == "D":
        test = frozenset(r.name for r in usable if r.database == DATABASES[fold])
    elif protocol == "all":
        test = frozenset()
    else:
        raise ValueError(f"unknown protocol {protocol!r}")
    return Split(names - test, test)
