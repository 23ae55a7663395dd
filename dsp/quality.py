"""How good the signal is, as a stream: flat, clipped, noisy, no_heart or good.

In: mono 2 kHz sound before the band-pass and the filtered sound of the same indices. Out: one
`Span` for every 1 000 samples counted from index 0, with a reason in words. A span is judged
with what came before it and `AHEAD` spans after it; after a start the first spans wait for
`START` spans and are judged backwards. Nothing depends on how the sound was cut.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Literal

import numpy as np

from dsp.stage import STEP, FloatArray

QualityValue = Literal["flat", "clipped", "noisy", "no_heart", "good"]

AHEAD = 2
"""Spans after a span that its judgement may use."""

START = 8
"""Spans that are heard before the first is judged."""

FLAT_PEAK_TO_PEAK = 1.0e-4
"""Less than this within a span is silence: three steps of 16 bits, full scale 1."""

FLAT_RUN = 3
"""Spans in a row: silence of 1.5 s is longer than any diastole at 30/min."""

CLIP_LEVEL = 0.98
CLIP_SAMPLES = 20
"""Samples of a span at full scale that make it clipped."""


@dataclass(frozen=True, slots=True)
class Span:
    """Quality from ``start`` to ``end`` (absolute samples at 2 kHz)."""

    start: int
    end: int
    value: QualityValue
    reason: str


@dataclass(frozen=True, slots=True)
class _Measures:
    """What is kept of one span."""

    start: int
    end: int
    flat: bool
    clipped: bool


class QualityIndex:
    """Raw and filtered 2 kHz sound in, spans of quality out.

    Attributes
    ----------
    delay
        Samples that a span's begin waits at the most for its judgement, after the start.
    """

    delay = STEP * (1 + AHEAD)

    def __init__(self) -> None:
        self.reset(0)

    def reset(self, index: int) -> None:
        """Start afresh; the next sample has the absolute index ``index``."""
        self._index = index
        self._raw: FloatArray = np.zeros(0)
        self._filtered: FloatArray = np.zeros(0)
        self._waiting: deque[_Measures] = deque()
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
            spans += self._span(raw[done : done + take], filtered[done : done + take])
            done += take
        self._raw, self._filtered = raw[done:].copy(), filtered[done:].copy()
        return spans

    def flush(self) -> list[Span]:
        """Judge what is left; the last span may be shorter."""
        spans: list[Span] = []
        if self._raw.size:
            spans = self._span(self._raw, self._filtered)
            self._raw, self._filtered = np.zeros(0), np.zeros(0)
        while self._waiting:
            spans.append(self._judge())
        return spans

    def _span(self, raw: FloatArray, filtered: FloatArray) -> list[Span]:
        raw, filtered = np.nan_to_num(raw), np.nan_to_num(filtered)
        start, self._index = self._index, self._index + raw.size
        self._waiting.append(
            _Measures(
                start,
                self._index,
                bool(np.ptp(raw) < FLAT_PEAK_TO_PEAK),
                int(np.count_nonzero(np.abs(raw) >= CLIP_LEVEL)) >= CLIP_SAMPLES,
            )
        )
        if not self._started and len(self._waiting) < START:
            return []
        self._started = True
        spans = []
        while len(self._waiting) > AHEAD:
            spans.append(self._judge())
        return spans

    def _judge(self) -> Span:
        """The oldest span that waits."""
        run = self._flat_run
        for measures in self._waiting:
            if not measures.flat:
                break
            run += 1
        this = self._waiting.popleft()
        self._flat_run = self._flat_run + 1 if this.flat else 0
        if this.flat and run >= FLAT_RUN:
            return Span(this.start, this.end, "flat", f"flat for {run * STEP / 2000:.0f} s")
        if this.clipped:
            return Span(this.start, this.end, "clipped", "louder than full scale")
        return Span(this.start, this.end, "good", "")
