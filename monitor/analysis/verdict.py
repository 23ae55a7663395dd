"""From windows to a verdict: live over the last good ones, and over a whole record.

p is the posterior at equal priors; the mean is of its logit. Two thresholds of the model's
contract, found on held-out subjects, leave room between them for *unsure*. One rule says when
there is a verdict: enough windows in which a heart was heard, and a rate. A record has one if
its stream had one; it is the mean over all windows that counted. Alarms look at windows of a
good signal only.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from math import exp, isfinite, log
from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from dsp.stage import RATE_HZ
from dsp.windows import WINDOW
from monitor.config import load as st
from monitor.events import IN_NOISE, VerdictValue

if TYPE_CHECKING:
    from monitor.analysis.stages import ModelContract

CLIP = 5e-5
"""Nearest that a p may come to 0 or 1 before its logit is taken: half a digit of an event file."""


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Two probabilities of the model's contract: normal below, abnormal above."""

    normal: float
    abnormal: float

    @classmethod
    def of(cls, contract: ModelContract) -> Thresholds:
        """Those of a model."""
        return cls(contract.threshold_normal, contract.threshold_abnormal)

    def judge(self, p: float) -> VerdictValue:
        """Name what p stands for."""
        if p >= self.abnormal:
            return "abnormal"
        return "normal" if p <= self.normal else "unsure"


class Judgement(msgspec.Struct, frozen=True):
    """A verdict with its evidence.

    Attributes
    ----------
    value, p
        The verdict, and the probability of the mean logit (None without windows).
    ps
        p of the windows it rests on.
    threshold
        The upper threshold of the model.
    age_s
        Seconds since the end of the last of them, None for a record.
    evidence
        Words.
    count
        Windows of a whole record, whose p are not kept.
    """

    value: VerdictValue
    p: float | None
    ps: tuple[float, ...]
    threshold: float
    age_s: float | None
    evidence: str
    count: int = 0

    @property
    def windows(self) -> int:
        """Good windows it rests on."""
        return self.count or len(self.ps)

    def over(self, limit: float) -> int:
        """How many of them reach ``limit``."""
        return sum(p >= limit for p in self.ps)


@lru_cache(maxsize=10_001)  # p has four decimals, and each counts in many verdicts
def logit(p: float) -> float:
    """ln(p / (1 − p)), with p kept off 0 and 1."""
    p = min(max(p, CLIP), 1 - CLIP)
    return log(p / (1 - p))


def sigmoid(z: float) -> float:
    """1 / (1 + e^−z)."""
    return 1 / (1 + exp(-z))


def mean_logit(ps: Sequence[float]) -> float:
    """Mean of the logits of ``ps`` (at least one)."""
    return sum(map(logit, ps)) / len(ps)


@dataclass
class _Last:
    """The last windows of one kind, and what was made of them."""

    windows: deque[tuple[int, float, bool]]
    judged: tuple[bool, Judgement] | None = None
    """Whether there was a rate, and what was judged; None where windows came or went since."""


@dataclass
class _Record:
    """Sums over all windows that counted; ``valid`` once the stream had a verdict."""

    windows: int = 0
    over: int = 0
    noisy: int = 0
    logits: float = 0.0
    valid: bool = False
    reason: str = field(default="no window in which a heart was heard")


class VerdictTracker:
    """Keeps the last good windows of one stream, and sums over all of them.

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
        self._all = _Last(deque(maxlen=settings.windows))
        self._strict = _Last(deque(maxlen=settings.windows))
        self._record = _Record()
        self._rate_at = -1

    def window(self, start: int, p: float, noisy: bool = False) -> None:
        """Take the next window that counts; one whose p is not a number does not."""
        if not isfinite(p):
            return
        for last in (self._all,) if noisy else (self._all, self._strict):
            last.windows.append((start, p, noisy))
            last.judged = None
        self._record.windows += 1
        self._record.over += p >= self._thresholds.abnormal
        self._record.noisy += noisy
        self._record.logits += logit(p)

    def rate_known(self, index: int) -> None:
        """Note that a rate is known at ``index``."""
        self._rate_at = index

    def verdict(self, index: int) -> Judgement:
        """Judge at the end of the step ``index``."""
        judged = self._judge(self._all, index)
        if judged.value != "none":
            self._record.valid = True
        elif not self._record.valid:
            self._record.reason = judged.evidence
        return judged

    def strict(self, index: int) -> Judgement:
        """The same over windows of a good signal only: what alarms look at."""
        return self._judge(self._strict, index)

    def record(self) -> Judgement:
        """Judge all that came, by the mean logit over its windows."""
        record = self._record
        if not record.valid:
            return replace(_nothing(self._thresholds, record.reason), count=record.windows)
        p = sigmoid(record.logits / record.windows)
        words = _words(
            record.over, record.windows, record.noisy, p, self._thresholds, self._settings
        )
        value = self._thresholds.judge(p)
        return Judgement(value, p, (), self._thresholds.abnormal, None, words, count=record.windows)

    def _judge(self, last: _Last, index: int) -> Judgement:
        keep = last.windows
        while keep and keep[0][0] < keep[-1][0] - self._settings.span_s * RATE_HZ:
            keep.popleft()
            last.judged = None
        if keep and index - keep[-1][0] - WINDOW > self._settings.stale_s * RATE_HZ:
            keep.clear()
            last.judged = None
        if not keep:
            return _nothing(self._thresholds, "no window in which a heart was heard")
        age_s = (index - keep[-1][0] - WINDOW) / RATE_HZ
        rated = self._rate_at >= keep[0][0]
        if last.judged is None or last.judged[0] != rated:  # two steps of three: no window
            _, ps, noisy = zip(*keep, strict=True)
            last.judged = rated, _judge(ps, sum(noisy), rated, self._thresholds, self._settings)
        return replace(last.judged[1], age_s=age_s)


def _nothing(thresholds: Thresholds, why: str) -> Judgement:
    return Judgement("none", None, (), thresholds.abnormal, None, why)


def _judge(
    ps: tuple[float, ...], noisy: int, rated: bool, thresholds: Thresholds, settings: st.Verdict
) -> Judgement:
    if len(ps) < settings.least or not rated:
        few = len(ps) < settings.least
        why = f"listening, {len(ps)} of {settings.windows}" if few else "no rate"
        return Judgement("none", None, ps, thresholds.abnormal, None, why)
    p = sigmoid(mean_logit(ps))
    over = sum(q >= thresholds.abnormal for q in ps)
    words = _words(over, len(ps), noisy, p, thresholds, settings)
    return Judgement(thresholds.judge(p), p, ps, thresholds.abnormal, None, words)


def _words(
    over: int, windows: int, noisy: int, p: float, thresholds: Thresholds, settings: st.Verdict
) -> str:
    words = f"{over} of {windows} windows ≥ {thresholds.abnormal:.2f}, mean p {p:.2f}"
    if 2 * noisy > windows:
        words += f", {IN_NOISE}"
    return f"few: {words}" if windows < settings.few else words
