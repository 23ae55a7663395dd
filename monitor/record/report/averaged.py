"""The averaged beat: the envelope of all cycles of about the median length, laid on their S1."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dsp.stage import RATE_HZ
from monitor import events as ev
from monitor.record.export.model import Record
from monitor.record.report.svg import AMBER, BLUE, INK, Drawing, ticks

LEAD = RATE_HZ // 20
"""Samples shown before S1 (50 ms)."""

SMOOTH = RATE_HZ // 50
"""Length of the moving mean under the envelope (20 ms)."""

NEAR = 0.1
"""Cycles within this share of the median length are averaged: others would smear S2."""

LEAST, MOST = 3, 2000
WIDTH, HEIGHT, LEFT, RIGHT, TOP = 960, 200, 64, 26, 26


@dataclass(frozen=True, slots=True)
class AveragedBeat:
    """The average.

    Attributes
    ----------
    middle, low, high
        float64 [n] at 2 kHz from `LEAD` before S1: median, 10th and 90th percentile of the
        envelope; the highest median is 1.
    marks
        Median end of S1, onset and end of S2, and next S1, in samples after S1; None if unknown.
    used, found
        Cycles averaged, and complete ones found.
    """

    middle: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    marks: tuple[float | None, float | None, float | None, float]
    used: int
    found: int


def average(record: Record, sound: NDArray[np.float32]) -> AveragedBeat | None:
    """Average a session's beats; None if there are too few.

    Parameters
    ----------
    sound
        float32 [n] at 2 kHz, NaN where lost.
    """
    whole = [
        (beat, beat.s1, beat.end)
        for beat in record.of(ev.Beat)
        if beat.s1 is not None and beat.end is not None and beat.confidence >= 0.5
    ]
    if len(whole) < LEAST:
        return None
    cycle = float(np.median([end - s1 for _, s1, end in whole]))
    length = LEAD + round(cycle * (1 + NEAR))
    rows: list[NDArray[np.float64]] = []
    used: list[ev.Beat] = []
    near = [one for one in whole if abs(one[2] - one[1] - cycle) <= NEAR * cycle]
    for beat, s1, _ in near[:: -(-len(near) // MOST) or 1]:
        part = sound[max(s1 - LEAD, 0) : s1 - LEAD + length]
        if s1 < LEAD or part.size < length or not np.isfinite(part).all():
            continue
        smooth = np.convolve(np.abs(part.astype(np.float64)), np.ones(SMOOTH) / SMOOTH, "same")
        if smooth.max() > 0:
            rows.append(smooth / smooth.max())
            used.append(beat)
    if len(rows) < LEAST:
        return None
    low, middle, high = np.percentile(np.stack(rows), [10, 50, 90], axis=0)
    top = float(middle.max())
    marks = (_onset(used, "systole"), _onset(used, "s2"), _onset(used, "diastole"), cycle)
    return AveragedBeat(middle / top, low / top, high / top, marks, len(rows), len(whole))


def _onset(beats: list[ev.Beat], name: str) -> float | None:
    known = [
        getattr(beat, name) - beat.s1
        for beat in beats
        if beat.s1 is not None and getattr(beat, name) is not None
    ]
    return float(np.median(known)) if known else None


def figure(one: AveragedBeat, key: str = "averaged") -> str:
    """Return the figure as SVG; ``key`` is the prefix of its ids."""
    drawing = Drawing(WIDTH, TOP + HEIGHT + 30, key)
    across = (WIDTH - LEFT - RIGHT) / one.middle.size
    bottom = TOP + HEIGHT
    top = float(max(one.high.max(), 1.0))

    def x(sample: float) -> float:
        return LEFT + (sample + LEAD) * across

    def y(value: float) -> float:
        return bottom - value / top * HEIGHT * 0.96

    systole, s2, diastole, cycle = one.marks
    for begin, over, name, colour in (
        (0.0, systole, "S1", BLUE),
        (s2, diastole, "S2", AMBER),
        (cycle, None, "next S1", BLUE),
    ):
        if begin is None:
            continue
        width = 0.0 if over is None else (over - begin) * across
        drawing.rect(x(begin), TOP, width, HEIGHT, colour, opacity=0.14)
        drawing.line((x(begin), TOP), (x(begin), bottom), colour, dash="3 3")
        drawing.text(x(begin) + width / 2, TOP - 8, name, fill=colour, anchor="middle", bold=True)
    size = one.middle.size
    step = max(size // 500, 1)
    places = range(0, size, step)
    upper = [(LEFT + i * across, y(float(one.high[i]))) for i in places]
    lower = [(LEFT + i * across, y(float(one.low[i]))) for i in reversed(places)]
    drawing.path([*upper, *lower], fill=INK, opacity=0.14)
    drawing.path([(LEFT + i * across, y(float(one.middle[i]))) for i in places], INK, width=2)
    drawing.line((LEFT, bottom), (WIDTH - RIGHT, bottom), INK)
    last_ms = (size - LEAD) / RATE_HZ * 1000
    for ms in ticks(0, last_ms, 10):
        at = x(ms / 1000 * RATE_HZ)
        drawing.line((at, bottom), (at, bottom + 4), INK)
        drawing.text(at, bottom + 18, f"{ms:.0f} ms", anchor="middle")
    drawing.text(12, TOP + 14, "loudness")
    words = f"Median and 10 to 90 percent range of the envelope of {one.used} cycles."
    return drawing.render("Averaged beat", words)
