"""How good the signal is, as a stream: flat, clipped, noisy, no_heart or good.

In: mono 2 kHz sound before the band-pass and the filtered sound of the same indices. Out: one
`Span` for every 1 000 samples counted from index 0, with a reason in words. A span is judged
with up to `BEHIND` spans before it and `AHEAD` after it; after a start or a gap the first spans
wait for `START` spans and are judged backwards. Nothing depends on how the sound was cut: of a
long block all spans are measured at once, but each by itself.

What is measured stands in `dsp.quality_features`, the fitted judgement in `dsp.quality_judge`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, islice

import numpy as np

from dsp.flattops import NONE, FlatTops, Tops, share
from dsp.quality_features import (
    HOP,
    PER_SPAN,
    Contexts,
    Measures,
    attack,
    beginning,
    context,
    contexts,
    features,
    loudest,
    measure,
)
from dsp.quality_judge import QUIET_DB, Judge, QualityValue, Scores, like_heart, scores, shipped
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
    """Quality from ``start`` to ``end`` (absolute samples at 2 kHz).

    Attributes
    ----------
    under_db
        How far the loudest sound in the span itself is under the heart's, None before there is one.
    like_heart
        The sounds around it may be a heart's.
    """

    start: int
    end: int
    value: QualityValue
    reason: str
    under_db: float | None = None
    like_heart: bool = True

    @property
    def quiet(self) -> bool:
        """Whatever is around it, nothing in the span itself is as loud as a heart sound."""
        return self.value != "good" and self.under_db is not None and self.under_db > QUIET_DB


@dataclass(frozen=True, slots=True)
class _PendingSpan:
    """One span that was heard."""

    start: int
    end: int
    flat: bool
    measures: Measures
    tops: Tops


class QualityIndex:
    """Raw and filtered 2 kHz sound in, spans of quality out.

    Parameters
    ----------
    flat_tops
        Where the frames of the same sound are heard; None does not look for clipping below full
        scale.

    Attributes
    ----------
    delay
        Samples that a span's begin waits at the most for its judgement, after the start.
    """

    delay = STEP * (1 + AHEAD)

    def __init__(self, flat_tops: FlatTops | None = None) -> None:
        self._judge = Judge(shipped())
        self._flat_tops = flat_tops
        self.reset(0)

    def reset(self, index: int) -> None:
        """Start afresh; the next sample has the absolute index ``index``."""
        self._index = index
        self._raw: FloatArray = np.zeros(0)
        self._filtered: FloatArray = np.zeros(0)
        self._before: FloatArray = np.zeros(HOP)
        self._waiting: deque[_PendingSpan] = deque()
        self._past: deque[_PendingSpan] = deque(maxlen=BEHIND)
        self._evidence: dict[int, tuple[Scores, bool]] = {}
        self._started = False
        self._flat_run = 0

    def push(self, raw: FloatArray, filtered: FloatArray) -> list[Span]:
        """Consume float64 [n] of both; return the spans that are now certain.

        Raises
        ------
        ValueError
            If the two are not of one length.
        """
        return self.push_steps([raw.size], raw, filtered)[0]

    def push_steps(
        self, sizes: Sequence[int], raw: FloatArray, filtered: FloatArray
    ) -> list[list[Span]]:
        """Return what `push` would have returned for each part of ``sizes`` samples.

        Raises
        ------
        ValueError
            If the two are not of one length.
        """
        if raw.size != filtered.size:
            raise ValueError(f"raw has {raw.size} samples, filtered {filtered.size}")
        ends = [self._index + self._raw.size + end for end in accumulate(sizes)]
        heard = deque(self._take(raw, filtered))
        out: list[list[Span]] = []
        for end in ends:
            spans: list[Span] = []
            while heard and heard[0].end <= end:
                spans += self._certain(heard.popleft())
            out.append(spans)
        return out

    def flush(self) -> list[Span]:
        """Judge what is left; the last span may be shorter."""
        if self._raw.size:
            self._waiting += self._hear(self._raw[None], self._filtered[None])
            self._raw, self._filtered = np.zeros(0), np.zeros(0)
        spans = []
        while self._waiting:
            spans.append(self._next())
        return spans

    def _take(self, raw: FloatArray, filtered: FloatArray) -> list[_PendingSpan]:
        """Measure the spans that this sound completes; keep the rest."""
        raw = np.concatenate([self._raw, raw])
        filtered = np.concatenate([self._filtered, filtered])
        heard = []
        done = -self._index % STEP  # the rest of a span that a reset cut
        if 0 < done <= raw.size:
            heard = self._hear(raw[None, :done], filtered[None, :done])
        elif done:
            done = 0
        if not self._index % STEP and (whole := (raw.size - done) // STEP):
            part, shape = slice(done, done + whole * STEP), (whole, STEP)
            heard += self._hear(raw[part].reshape(shape), filtered[part].reshape(shape))
            done = part.stop
        self._raw, self._filtered = raw[done:].copy(), filtered[done:].copy()
        self._look_ahead(heard)
        return heard

    def _hear(self, raw: FloatArray, filtered: FloatArray) -> list[_PendingSpan]:
        """Measure spans, float64 [n, samples] of each kind."""
        if not np.isfinite(raw.sum() + filtered.sum()):
            raw, filtered = (np.nan_to_num(x, posinf=0.0, neginf=0.0) for x in (raw, filtered))
        heard = []
        for measures in measure(raw, filtered, self._before):
            start, self._index = self._index, self._index + raw.shape[1]
            flat = measures.peak_to_peak < FLAT_PEAK_TO_PEAK
            tops = NONE if self._flat_tops is None else self._flat_tops.take(start)
            heard.append(_PendingSpan(start, self._index, flat, measures, tops))
        self._before = np.concatenate([self._before, filtered[-1, -HOP:]])[-HOP:]
        return heard

    def _look_ahead(self, heard: list[_PendingSpan]) -> None:
        """Look at once at all spans whose whole context is now heard."""
        if len(heard) < 2:
            return  # nothing is gained
        line = [*self._past, *self._waiting, *heard]
        cut = line[0].measures.level.size < PER_SPAN  # by a reset
        measures = [one.measures for one in line[cut:]]
        if not (self._started or cut) and len(line) >= START:
            found = _look(beginning(measures[:START], START - AHEAD))
            self._evidence |= zip((one.start for one in line), found, strict=False)
        if len(measures) > BEHIND + AHEAD:
            found = _look(contexts(measures, BEHIND, AHEAD))
            self._evidence |= zip((one.start for one in line[cut + BEHIND :]), found, strict=False)

    def _certain(self, heard: _PendingSpan) -> list[Span]:
        """Take the next span; return those that it makes certain."""
        self._waiting.append(heard)
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
        this = self._waiting[0]
        ready = self._evidence.pop(this.start, None)
        said, like = self._look_around() if ready is None else ready
        around = [*self._past, *islice(self._waiting, 1 + AHEAD)]
        loud = loudest([heard.measures for heard in around[-LOUD_SPANS:]])
        self._past.append(self._waiting.popleft())
        self._flat_run = self._flat_run + 1 if this.flat else 0
        value, reason = self._judge(said, loud, share([heard.tops for heard in around]))
        if this.flat and run >= FLAT_RUN:
            value, reason = "flat", f"flat for {run * STEP / RATE_HZ:.0f} s"
        under_db = self._judge.under_db(loudest([this.measures]))
        return Span(this.start, this.end, value, reason, under_db, like)

    def _look_around(self) -> tuple[Scores, bool]:
        """Look at the oldest span that waits, whatever there is around it."""
        around = [heard.measures for heard in (*self._past, *self._waiting)]
        return _look(context(around, len(self._past)))[0]


def _look(around: Contexts) -> list[tuple[Scores, bool]]:
    """Scores of each judged span, and whether it may be a heart's."""
    vectors = features(around)
    return list(zip(scores(shipped(), vectors), like_heart(vectors, attack(around)), strict=True))
