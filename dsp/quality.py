"""How good the signal is, as a stream: flat, clipped, noisy, no_heart or good.

In: mono 2 kHz sound before the band-pass and the filtered sound of the same indices. Out: one
`Span` for every 1 000 samples counted from index 0, with a reason in words. A span is judged
with up to `BEHIND` spans before it and `AHEAD` after it; after a start or a gap the first spans
wait for `START` spans and are judged backwards. Nothing depends on how the sound was cut.

What is measured stands in `dsp.quality_features`, the fitted judgement in `dsp.quality_judge`.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

from dsp.quality_features import HOP, Measures, features, loudness, measure
from dsp.quality_judge import Judge, QualityValue
from dsp.quality_table import PARAMETERS
from dsp.stage import RATE_HZ, STEP, FloatArray

AHEAD = 2
"""Spans after a span that its judgement may use."""

BEHIND = 7
"""Spans before it."""

START = 8
"""Spans that are heard before the first is judged."""

LOUD_SPANS = AHEAD + 2
"""Spans in which the loudest sound is looked for: 2 s, the longest cycle."""

FLAT_PEAK_TO_PEAK = 1.0e-4
"""Less than this within a span is silence: three steps of 16 bits, full scale 1."""

FLAT_RUN = 3
"""Spans in a row: silence of 1.5 s is longer than any diastole at 30/min."""


@dataclass(frozen=True, slots=True)
class Span:
    """Quality from ``start`` to ``end`` (absolute samples at 2 kHz)."""

    start: int
    end: int
    value: QualityValue
    reason: str


@dataclass(frozen=True, slots=True)
class _Heard:
    """One span that was heard."""

    start: int
    end: int
    flat: bool
    measures: Measures


class QualityIndex:
    """Raw and filtered 2 kHz sound in, spans of quality out.

    Attributes
    ----------
    delay
        Samples that a span's begin waits at the most for its judgement, after the start.
    """

    delay = STEP * (1 + AHEAD)

    def __init__(self) -> None:
        self._judge = Judge(PARAMETERS)
        self.reset(0)

    def reset(self, index: int) -> None:
        """Start afresh; the next sample has the absolute index ``index``."""
        self._index = index
        self._raw: FloatArray = np.zeros(0)
        self._filtered: FloatArray = np.zeros(0)
        self._before: FloatArray = np.zeros(HOP)
        self._waiting: deque[_Heard] = deque()
        self._past: deque[_Heard] = deque(maxlen=BEHIND)
        self._started = False
        self._flat_run = 0

    def push(self, raw: FloatArray, filtered: FloatArray) -> list[Span]:
        """Consume float64 [n] of both; return the spans that are now certain.

        Raises
        ------
        ValueError
            If the two are not of one length.
        """
        if raw.size != filtered.size:
            raise ValueError(f"raw has {raw.size} samples, filtered {filtered.size}")
        raw = np.concatenate([self._raw, raw])
        filtered = np.concatenate([self._filtered, filtered])
        spans: list[Span] = []
        done = 0
        while raw.size - done >= (take := STEP - self._index % STEP):
            self._hear(raw[done : done + take], filtered[done : done + take])
            spans += self._certain()
            done += take
        self._raw, self._filtered = raw[done:].copy(), filtered[done:].copy()
        return spans

    def flush(self) -> list[Span]:
        """Judge what is left; the last span may be shorter."""
        if self._raw.size:
            self._hear(self._raw, self._filtered)
            self._raw, self._filtered = np.zeros(0), np.zeros(0)
        spans = []
        while self._waiting:
            spans.append(self._next())
        return spans

    def _hear(self, raw: FloatArray, filtered: FloatArray) -> None:
        if not np.isfinite(raw.sum() + filtered.sum()):
            raw, filtered = (np.nan_to_num(x, posinf=0.0, neginf=0.0) for x in (raw, filtered))
        start, self._index = self._index, self._index + raw.size
        measures = measure(raw, filtered, self._before)
        flat = measures.peak_to_peak < FLAT_PEAK_TO_PEAK
        self._before = np.concatenate([self._before, filtered[-HOP:]])[-HOP:]
        self._waiting.append(_Heard(start, self._index, flat, measures))

    def _certain(self) -> list[Span]:
        if not self._started and len(self._waiting) < START:
            return []
        self._started = True
        spans = []
        while len(self._waiting) > AHEAD:
            spans.append(self._next())
        return spans

    def _next(self) -> Span:
        """Judge the oldest span that waits."""
        run = self._flat_run
        for heard in self._waiting:
            if not heard.flat:
                break
            run += 1
        around = [heard.measures for heard in (*self._past, *self._waiting)]
        here = len(self._past)
        this = self._waiting.popleft()
        self._past.append(this)
        self._flat_run = self._flat_run + 1 if this.flat else 0
        stop = min(here + 1 + AHEAD, len(around))
        loud = loudness(around[max(0, stop - LOUD_SPANS) : stop])
        value, reason = self._judge(features(around, here), loud)
        if this.flat and run >= FLAT_RUN:
            return Span(this.start, this.end, "flat", f"flat for {run * STEP / RATE_HZ:.0f} s")
        return Span(this.start, this.end, value, reason)
