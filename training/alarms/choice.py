"""Which rule of the abnormal-sound alarm: the curve, and a choice that never meets its judge.

A rule is (threshold, persistence, hold): the mean logit of the last 15 windows and so many of
them must reach the threshold, and that must last for ``hold`` seconds before the signal. The rule
of a fold is chosen on the subjects of the other folds, the false-alarm limit first; what the
chosen rules give together on the folds they never saw is an honest figure for the choice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from monitor.analysis.verdict import logit
from training.alarms.measure import StreamResult, mean

WINDOWS = 15
SPAN_S = 30.0
"""The last windows count only within 30 s of each other (``monitor.analysis.verdict``)."""

STALE_S = 15.0 + 2.5
"""A verdict vanishes so long after the last window's begin."""

NORMAL_LIMIT = 0.10
"""Share of normal subjects that may be alarmed, pooled and within databases."""


@dataclass(frozen=True, slots=True, order=True)
class Rule:
    """One setting of the rule."""

    threshold: float
    persistence: int
    hold_s: float


def first_alarm(windows: Sequence[tuple[float, float]], rule: Rule) -> float | None:
    """Seconds to the abnormal-sound alarm under a rule; None without one.

    Parameters
    ----------
    windows
        (seconds, p) of used windows in order.
    """
    if len(windows) < WINDOWS:
        return None
    at = np.array([t for t, _ in windows])
    p = np.array([p for _, p in windows])
    z = np.array([logit(value) for value in p])
    over = np.convolve(p >= rule.threshold, np.ones(WINDOWS, int), "valid")
    middle = np.convolve(z, np.full(WINDOWS, 1 / WINDOWS), "valid")
    near = at[WINDOWS - 1 :] - at[: len(at) - WINDOWS + 1] <= SPAN_S
    there = near & (over >= rule.persistence) & (middle >= logit(rule.threshold) - 1e-9)
    times = at[WINDOWS - 1 :]
    since: float | None = None
    for k, present in enumerate(there):
        if not present:
            since = None
            continue
        since = float(times[k]) if since is None else since
        follows = float(times[k + 1]) if k + 1 < len(times) else float(times[k])
        if min(follows, float(times[k]) + STALE_S) >= since + rule.hold_s:
            return since + rule.hold_s
    return None


def curve(heard: Sequence[StreamResult], rules: Sequence[Rule]) -> list[dict[str, Any]]:
    """Normal and abnormal subjects alarmed, pooled and within databases, under other rules."""
    rows = []
    for rule in rules:
        at = [first_alarm(h.windows, rule) for h in heard]
        rows.append(
            {"threshold": rule.threshold, "persistence": rule.persistence, "hold_s": rule.hold_s}
            | _shares(heard, at)
        )
    return rows


def chosen(heard: Sequence[StreamResult], rules: Sequence[Rule]) -> dict[str, Any]:
    """The rule that all subjects choose, and what the folds' own choices give on unseen ones."""
    at = {rule: [first_alarm(h.windows, rule) for h in heard] for rule in rules}
    folds = sorted({h.fold for h in heard})
    unseen: list[float | None] = [None] * len(heard)
    own = {}
    for fold in folds:
        others = [k for k, h in enumerate(heard) if h.fold != fold]
        rule = _best(heard, at, others)
        own[fold] = _words(rule)
        for k, h in enumerate(heard):
            if h.fold == fold and rule is not None:
                unseen[k] = at[rule][k]
    everybody = _best(heard, at, range(len(heard)))
    seen = {} if everybody is None else _shares(heard, at[everybody])
    return {
        "by all": _words(everybody),
        "on all": seen,
        "by the other folds": own,
        "on unseen folds": _shares(heard, unseen),
    }


def _best(
    heard: Sequence[StreamResult], at: dict[Rule, list[float | None]], of: Sequence[int] | range
) -> Rule | None:
    """The rule within the limit that alarms most abnormal subjects within databases."""
    best: tuple[float, float, Rule] | None = None
    for rule, times in at.items():
        shares = _shares([heard[k] for k in of], [times[k] for k in of])
        if max(shares["normal_alarmed"], shares["normal_alarmed_within"]) > NORMAL_LIMIT:
            continue
        found = (shares["abnormal_alarmed_within"], -shares["normal_alarmed_within"], rule)
        best = found if best is None or found > best else best
    return None if best is None else best[2]


def _words(rule: Rule | None) -> str:
    if rule is None:
        return "none within the limit"
    return f"{rule.persistence} of {WINDOWS} at {rule.threshold:g}, held {rule.hold_s:g} s"


def _shares(heard: Sequence[StreamResult], at: Sequence[float | None]) -> dict[str, Any]:
    times = [t for t, h in zip(at, heard, strict=True) if t is not None and h.label == 1]
    return {
        "normal_alarmed": _share(heard, at, 0),
        "abnormal_alarmed": _share(heard, at, 1),
        "normal_alarmed_within": _within(heard, at, 0),
        "abnormal_alarmed_within": _within(heard, at, 1),
        "median_s": round(float(np.median(times)), 1) if times else None,
    }


def _share(heard: Sequence[StreamResult], at: Sequence[float | None], label: int) -> float:
    rang = (t is not None for t, h in zip(at, heard, strict=True) if h.label == label)
    return round(mean(rang), 3)


def _within(heard: Sequence[StreamResult], at: Sequence[float | None], label: int) -> float:
    shares = []
    for database in sorted({h.database for h in heard}):
        pairs = [(h, t) for h, t in zip(heard, at, strict=True) if h.database == database]
        shares.append(_share([h for h, _ in pairs], [t for _, t in pairs], label))
    return round(mean(shares), 3)
