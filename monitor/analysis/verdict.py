"""From windows to a verdict: live over the last good ones, and over a whole record.

p is the posterior at equal priors; the mean is of its logit. Two thresholds of the model's
contract, found on held-out subjects, leave room between them for *unsure*.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import exp, isfinite, log

from dsp.stage import RATE_HZ
from dsp.windows import WINDOW
from monitor.config import load as st
from monitor.events import VerdictValue

CLIP = 5e-5
"""Nearest that a p may come to 0 or 1 before its logit is taken: half a digit of an event file."""


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Two probabilities of the model's contract: normal below, abnormal above."""

    normal: float
    abnormal: float

    def judge(self, p: float) -> VerdictValue:
        """Name what p stands for."""
        if p >= self.abnormal:
            return "abnormal"
        return "normal" if p <= self.normal else "unsure"


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict with its evidence.

    Attributes
    ----------
    value, p
        The verdict, and the probability of the mean logit (None without windows).
    ps
        p of the good windows it rests on.
    threshold
        The upper threshold of the model.
    age_s
        Seconds since the end of the last of them, None for a record.
    evidence
        Words.
    """

    value: VerdictValue
    p: float | None
    ps: tuple[float, ...]
    threshold: float
    age_s: float | None
    evidence: str

    @property
    def windows(self) -> int:
        """Good windows it rests on."""
        return len(self.ps)

    def over(self, limit: float) -> int:
        """How many of them reach ``limit``."""
        return sum(p >= limit for p in self.ps)


def logit(p: float) -> float:
    """ln(p / (1 − p)), with p kept off 0 and 1."""
    p = min(max(p, CLIP), 1 - CLIP)
    return log(p / (1 - p))


def sigmoid(z: float) -> float:
    """1 / (1 + e^−z)."""
    return 1 / (1 + exp(-z))


def mean_logit(ps: Sequence[float]) -> float:
    """Mean of the logits of ``ps`` (at least one)."""
    return sum(logit(p) for p in ps) / len(ps)


class VerdictTracker:
    """Keeps the last good windows of one stream.

    Parameters
    ----------
    settings
        How many windows, and how old they may be.
    thresholds
        Of the model.
    """

    def __init__(self, settings: st.Verdict, thresholds: Thresholds) -> None:
        self._settings = settings
        self._thresholds = thresholds
        self._windows: deque[tuple[int, float]] = deque(maxlen=settings.windows)
        self._judged: tuple[tuple[float, ...], Judgement] | None = None

    def window(self, start: int, p: float) -> None:
        """Take the next good window; one whose p is not a number is none."""
        if isfinite(p):
            self._windows.append((start, p))

    def verdict(self, index: int) -> Judgement:
        """Judge at the end of the step ``index``."""
        keep = self._windows
        while keep and keep[0][0] < keep[-1][0] - self._settings.span_s * RATE_HZ:
            keep.popleft()
        if keep and index - keep[-1][0] - WINDOW > self._settings.stale_s * RATE_HZ:
            keep.clear()
        if not keep:
            return _nothing(self._thresholds)
        age_s = (index - keep[-1][0] - WINDOW) / RATE_HZ
        ps = tuple(p for _, p in keep)
        if self._judged is None or self._judged[0] != ps:  # two steps of three bring no window
            judged = _judge(ps, self._thresholds, self._settings, self._settings.least, age_s)
            self._judged = ps, judged
        return replace(self._judged[1], age_s=age_s)


def judge_record(ps: list[float], thresholds: Thresholds, settings: st.Verdict) -> Judgement:
    """Judge a whole record by the mean logit over all its used windows.

    One good window is enough for a verdict here (short recordings have no more); the evidence
    says that it rests on few.
    """
    if not ps:
        return _nothing(thresholds)
    return _judge(ps, thresholds, settings, 1, None)


def _nothing(thresholds: Thresholds) -> Judgement:
    return Judgement("none", None, (), thresholds.abnormal, None, "no good window")


def _judge(
    ps: Sequence[float],
    thresholds: Thresholds,
    settings: st.Verdict,
    least: int,
    age_s: float | None,
) -> Judgement:
    p = sigmoid(mean_logit(ps))
    over = sum(q >= thresholds.abnormal for q in ps)
    words = f"{over} of {len(ps)} windows ≥ {thresholds.abnormal:.2f}, mean p {p:.2f}"
    if len(ps) < settings.few:
        words = f"few: {words}"
    value = "none" if len(ps) < least else thresholds.judge(p)
    return Judgement(value, p, tuple(ps), thresholds.abnormal, age_s, words)
