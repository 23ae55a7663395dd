"""Verdicts against labels: sensitivity, specificity and AUC with intervals, and the worst first.

A person counts once in the width of an interval, however many recordings there are of them: the
share is that of the recordings, the number behind its interval that of the persons.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.analysis.verdict import logit
from monitor.events import VerdictValue

Z95 = 1.959964
"""Standard normal quantile of a two-sided 95 % interval."""
Interval = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Case:
    """A recording, or a person, with a label and a verdict."""

    name: str
    abnormal: bool
    verdict: VerdictValue
    p: float | None
    person: str


@dataclass(frozen=True, slots=True)
class Share:
    """``hits`` of ``of``, and the 95 % interval of their share."""

    hits: int
    of: int
    interval: Interval

    @property
    def value(self) -> float:
        """The share; NaN of nothing."""
        return self.hits / self.of if self.of else math.nan


@dataclass(frozen=True, slots=True)
class Scores:
    """Figures of labelled cases.

    Attributes
    ----------
    auc, auc_interval
        Of p, over the cases that have one.
    sensitivity, specificity
        At p 0.5, over the same.
    sensitivity_decided, specificity_decided
        Of the verdicts normal and abnormal.
    counts
        Cases by label (True: abnormal) and verdict.
    """

    auc: float
    auc_interval: Interval
    sensitivity: Share
    specificity: Share
    sensitivity_decided: Share
    specificity_decided: Share
    counts: Counter[tuple[bool, VerdictValue]]


def score(cases: Sequence[Case]) -> Scores:
    """Score labelled cases."""
    with_p = [c for c in cases if c.p is not None]
    decided = [c for c in cases if c.verdict in ("normal", "abnormal")]
    truth = np.array([c.abnormal for c in with_p], dtype=np.int64)
    ps = np.array([c.p for c in with_p], dtype=np.float64)
    found = auc(truth, ps)
    positive, negative = (len({c.person for c in with_p if c.abnormal == t}) for t in (True, False))
    return Scores(
        found,
        auc_interval(found, positive, negative),
        _share(with_p, True, [c for c in with_p if c.p is not None and c.p > 0.5]),
        _share(with_p, False, [c for c in with_p if c.p is not None and c.p <= 0.5]),
        _share(decided, True, [c for c in decided if c.verdict == "abnormal"]),
        _share(decided, False, [c for c in decided if c.verdict == "normal"]),
        Counter((c.abnormal, c.verdict) for c in cases),
    )


def worst_first(cases: Sequence[Case]) -> list[Case]:
    """Cases on the wrong side of p 0.5, the one furthest from its label first."""

    def wrong(case: Case) -> float:
        assert case.p is not None
        return -logit(case.p) if case.abnormal else logit(case.p)

    return sorted((c for c in cases if c.p is not None and wrong(c) > 0), key=wrong, reverse=True)


def _share(cases: Sequence[Case], abnormal: bool, right: Sequence[Case]) -> Share:
    own = [c for c in cases if c.abnormal == abnormal]
    hits = sum(c.abnormal == abnormal for c in right)
    share = hits / len(own) if own else math.nan
    return Share(hits, len(own), wilson(share, len({c.person for c in own})))


def auc(label: NDArray[np.int64], z: NDArray[np.float64]) -> float:
    """Area under the ROC curve (ties count half); NaN where a class is missing."""
    positive, negative = z[label == 1], z[label == 0]
    if not positive.size or not negative.size:
        return math.nan
    ordered = np.sort(negative)
    below = np.searchsorted(ordered, positive, "left")
    upto = np.searchsorted(ordered, positive, "right")
    return float((below + upto).sum() / 2 / positive.size / negative.size)


def wilson(share: float, n: int) -> Interval:
    """95 % interval of a share of ``n`` independent cases (Wilson 1927); NaN of none."""
    if not n:
        return math.nan, math.nan
    middle = (share + Z95**2 / (2 * n)) / (1 + Z95**2 / n)
    half = Z95 * math.sqrt(share * (1 - share) / n + Z95**2 / (4 * n * n)) / (1 + Z95**2 / n)
    return max(0.0, middle - half), min(1.0, middle + half)


def auc_interval(value: float, positive: int, negative: int) -> Interval:
    """95 % interval of an AUC of so many independent cases (Newcombe 2006, method 5).

    The ends are where the value lies 1.96 standard errors of Hanley and McNeil away, so that an
    AUC of 1 has an interval too.
    """
    if math.isnan(value) or not positive or not negative:
        return math.nan, math.nan
    n = (positive + negative) / 2 - 1

    def beyond(t: float) -> float:
        spread = 1 + n * (1 - t) / (2 - t) + n * t / (1 + t)
        return Z95 * math.sqrt(t * (1 - t) * spread / (positive * negative)) - abs(value - t)

    return _edge(beyond, 0.0, value), _edge(beyond, 1.0, value)


def _edge(beyond: Callable[[float], float], outside: float, inside: float) -> float:
    """Where ``beyond`` changes its sign between an end and the value, by bisection."""
    for _ in range(60):
        middle = (outside + inside) / 2
        if beyond(middle) < 0:
            outside = middle
        else:
            inside = middle
    return inside
