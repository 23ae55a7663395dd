"""One verdict for a person with several recordings: places of the chest, or visits.

A murmur is often heard at one place and not at the others, so the recording that sounds most
abnormal decides: of three rules it ranks persons of CirCor best, also where only two recordings of
each are looked at (``training/experiments/gate.py``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from monitor.analysis.verdict import Judgement, Thresholds, logit, sigmoid


def _mean(z: Sequence[float]) -> float:
    return sum(z) / len(z)


RULES: dict[str, Callable[[Sequence[float]], float]] = {
    "maximum": max,
    "mean": _mean,
    "mean of both": lambda z: (max(z) + _mean(z)) / 2,
}
"""From the logits of a person's recordings to the person's."""
RULE = "maximum"


def person_logit(z: Sequence[float], rule: str = RULE) -> float:
    """Logit of a person from those of the recordings (at least one)."""
    return RULES[rule](z)


def judge_person(recordings: Sequence[Judgement], thresholds: Thresholds) -> Judgement:
    """Judge a person by the verdicts of all recordings; those without a verdict say nothing.

    Returns
    -------
    ``none`` where no recording has a verdict; ``ps`` holds p of the recordings that have one.
    """
    ps = tuple(r.p for r in recordings if r.value != "none" and r.p is not None)
    if not ps:
        words = f"none of {len(recordings)} recordings has a verdict"
        return Judgement("none", None, (), thresholds.abnormal, None, words)
    p = sigmoid(person_logit([logit(p) for p in ps]))
    over = sum(q >= thresholds.abnormal for q in ps)
    words = f"{over} of {len(ps)} recordings ≥ {thresholds.abnormal:.2f}, together p {p:.2f}"
    silent = len(recordings) - len(ps)
    if silent:
        words += f", {silent} without a verdict"
    return Judgement(thresholds.judge(p), p, ps, thresholds.abnormal, None, words)
