"""Rate alarms against hand-annotated heart cycles: which are false, and which were missed.

The annotated rate at an S1 is the median of the last five cycles that end there, as the monitor's
own, within one recording. An alarm is right if that rate was beyond the limit at some moment
within its delay and five cycles before it; unknown where nothing there is annotated.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dsp.stage import RATE_HZ
from monitor.alarms.episodes import Episode
from monitor.alarms.table import RULES
from monitor.config.load import Alarms
from training.alarms.streams import Stream

KINDS = ("tachycardia", "tachycardia_extreme", "bradycardia", "bradycardia_extreme")
CYCLES = 5
DECISION_S = 2.0 + 0.5
"""From an onset to its decision, at the most, and to the end of its step."""

AFTER = 10 * RATE_HZ
"""After trouble for so long, a rate alarm may be late: its cycles are heard anew."""

WORSE = {"tachycardia": "tachycardia_extreme", "bradycardia": "bradycardia_extreme"}


@dataclass(frozen=True, slots=True)
class RateCheck:
    """What became of one alarm, or of one stretch beyond a limit that asks for one.

    Attributes
    ----------
    what
        right, false, unknown, or missed.
    seconds
        At which it was raised, or the stretch began.
    rate
        Annotated 1/min: the farthest towards the limit, None if unknown.
    """

    kind: str
    what: str
    seconds: float
    rate: float | None


@dataclass(frozen=True, slots=True)
class AnnotatedRate:
    """Rates (1/min) at indices of S1; ``part`` numbers the recording they are of."""

    index: NDArray[np.int64]
    rate: NDArray[np.float64]
    cycle: NDArray[np.int64]
    part: NDArray[np.int64]


def annotated_rate(stream: Stream, onsets: Mapping[str, NDArray[np.int64]]) -> AnnotatedRate:
    """Rate by annotation along a stream.

    Parameters
    ----------
    onsets
        Annotated S1 of each recording, at 2 kHz; those without any are missing.
    """
    rows: list[tuple[int, float, int, int]] = []
    ends = [start for _, start in stream.placed[1:]] + [stream.sound.size]
    for part, ((name, start), end) in enumerate(zip(stream.placed, ends, strict=True)):
        at = onsets.get(name, np.zeros(0, np.int64)) + start
        at = at[at < end]
        cycles = np.diff(at)
        for k in range(CYCLES - 1, len(cycles)):
            middle = int(np.median(cycles[k - CYCLES + 1 : k + 1]))
            rows.append((int(at[k + 1]), 60 * RATE_HZ / middle, middle, part))
    table = np.array(rows, dtype=np.float64).reshape(-1, 4)
    return AnnotatedRate(
        table[:, 0].astype(np.int64), table[:, 1], table[:, 2].astype(np.int64),
        table[:, 3].astype(np.int64),
    )  # fmt: skip


def check(
    stream: Stream, known: AnnotatedRate, raised: Sequence[Episode], limits: Alarms
) -> list[RateCheck]:
    """Judge every rate alarm of a stream, and find those that are missing."""
    out: list[RateCheck] = []
    for episode in raised:
        if episode.kind in KINDS:
            out.append(_judge(episode, known, limits))
    for kind in KINDS:
        # The extreme alarm of the same side stands for the other one.
        kinds = {kind, WORSE.get(kind, kind)}
        spans = [(e.start, e.condition_end) for e in raised if e.kind in kinds]
        out += _missed(stream, kind, known, spans, limits)
    return out


def _beyond(kind: str, rate: NDArray[np.float64], limits: Alarms) -> NDArray[np.bool_]:
    limit = float(getattr(limits, kind))
    out: NDArray[np.bool_] = rate > limit if kind.startswith("tachy") else rate < limit
    return out


def _judge(episode: Episode, known: AnnotatedRate, limits: Alarms) -> RateCheck:
    kind = episode.kind
    delay = RULES[kind].delay(limits)
    cycle = 60 * RATE_HZ / getattr(limits, kind)
    since = episode.start - delay - CYCLES * cycle - DECISION_S * RATE_HZ
    here = (known.index >= since) & (known.index <= episode.start)
    rates = known.rate[here]
    seconds = episode.start / RATE_HZ
    if not rates.size:
        return RateCheck(kind, "unknown", seconds, None)
    farthest = float(rates.max() if kind.startswith("tachy") else rates.min())
    right = bool(_beyond(kind, rates, limits).any())
    return RateCheck(kind, "right" if right else "false", seconds, farthest)


def _missed(
    stream: Stream,
    kind: str,
    known: AnnotatedRate,
    spans: Sequence[tuple[int, int | None]],
    limits: Alarms,
) -> list[RateCheck]:
    """Stretches beyond the limit, longer than delay, five cycles and the decision, unalarmed."""
    out = []
    beyond = _beyond(kind, known.rate, limits)
    begin = 0
    for k in range(1, len(beyond) + 1):
        if k < len(beyond) and beyond[k] == beyond[begin] and known.part[k] == known.part[begin]:
            continue
        if beyond[begin]:
            start, end = int(known.index[begin]), int(known.index[k - 1])
            cycle = int(known.cycle[begin:k].max())
            # The first five-cycle median beyond the limit has its five cycles behind it already.
            due = start + RULES[kind].delay(limits) + CYCLES * cycle + int(DECISION_S * RATE_HZ)
            troubled = any(a < due and b > start - AFTER for a, b in stream.troubled)
            met = any(a <= due and (b is None or b >= start) for a, b in spans)
            if end > due and not met and not troubled:
                rate = known.rate[begin:k]
                far = float(rate.max() if kind.startswith("tachy") else rate.min())
                out.append(RateCheck(kind, "missed", start / RATE_HZ, far))
        begin = k
    return out
