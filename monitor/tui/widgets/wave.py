"""The live phonocardiogram: minimum to maximum of the filtered sound in braille, S1 and S2 below.

Columns stand on a fixed grid of sample indices, so a picture that moves by one column is the
same picture moved: nothing shimmers. What the picture does not know it does not draw: sound that
was lost is a row of crosses, sound that only did not reach this screen a row of dots.
"""

from __future__ import annotations

from collections import deque
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from dsp.cycles import matching as onsets
from monitor import events as ev
from monitor.events import RATE_HZ
from monitor.tui import words
from monitor.tui.state import SessionState
from monitor.tui.waves import PAIR
from monitor.tui.widgets import braille
from monitor.tui.widgets.glyphs import Glyphs
from monitor.tui.widgets.panel import Line

GAINS = tuple(float(step * 2**power) for power in range(1, 10) for step in (1, 1.5))
"""× 2 to × 768, by a third to a half: a stethoscope's sound fills the picture at × 4 to × 64."""
DECIDED = 6000
"""Samples after which a beat that was not found will not be."""
SPANS_S = (2.0, 5.0, 10.0, 20.0, 60.0)


def grid(span_s: float, width: int) -> int:
    """Samples of one dot column so that ``width`` cells show about ``span_s``."""
    return max(1, round(span_s * RATE_HZ / (2 * max(1, width)) / PAIR)) * PAIR


def first_column(head: int, samples: int, width: int) -> int:
    """Index at the left edge of ``width`` cells whose right edge has just taken in ``head``."""
    return (head // samples - 2 * width) * samples


def auto_gain(peak: float, before: float) -> float:
    """Gain that lets ``peak`` (full scale 1) fill 60 to 95 % of the height.

    ``before`` is kept while it does, so the picture does not pump.
    """
    if not peak > 0:
        return before
    if before in GAINS and 0.55 <= peak * before <= 1.0:
        return before
    fitting = [gain for gain in GAINS if peak * gain <= 0.95]
    return fitting[-1] if fitting else GAINS[0]


def peak(low: NDArray[np.float64], high: NDArray[np.float64]) -> float:
    """What the picture is scaled to: the 98th percentile of the columns' largest amplitude."""
    size = np.fmax(-low, high)
    size = size[~np.isnan(size)]
    return float(np.percentile(size, 98)) if len(size) else 0.0


def lines(
    session: SessionState,
    head: int,
    samples: int,
    gain: float,
    width: int,
    height: int,
    glyphs: Glyphs,
) -> list[Line]:
    """``height`` rows: the curve, then the marks of the beats, then those of an annotation."""
    start = first_column(head, samples, width)
    low, high = session.waves.columns(start, 2 * width, samples)
    below = 2 if session.annotated else 1
    dots = braille.envelope(low * gain, high * gain, height - below)
    rows = braille.rows(dots, unicode=glyphs.unicode)
    out: list[Line] = [[(row, "wave")] for row in rows]
    middle = (height - below - 1) // 2
    out[middle] = _holes(session, rows[middle], low, start, samples, glyphs)
    out.append(marks(session, start, samples, width))
    if session.annotated:
        out.append(against(session, head, start, samples, width))
    return out


def _holes(
    session: SessionState,
    row: str,
    low: NDArray[np.float64],
    start: int,
    samples: int,
    glyphs: Glyphs,
) -> Line:
    """The middle row, with the cells that have no sound replaced by crosses or dots."""
    unknown = np.isnan(low)
    empty: NDArray[np.bool_] = unknown[0::2] & unknown[1::2]
    if not empty.any():
        return [(row, "wave")]
    cell = 2 * samples
    lost: NDArray[np.bool_] = np.zeros(len(row), dtype=np.bool_)
    for gap in session.gaps:
        first = (gap.start - start) // cell
        last = -(-(gap.start + gap.length - start) // cell)
        if last > 0 and first < len(row):
            lost[max(0, first) : last] = True
    began = max(0, -(start // cell))
    cells: list[tuple[str, str]] = []
    for at, char in enumerate(row):
        if not empty[at]:
            cells.append((char, "wave"))
        elif lost[at]:
            cells.append((glyphs.cross, "high"))
        elif at >= began:
            cells.append((glyphs.missing, "dim"))
        else:
            cells.append((" ", "plain"))
    return merged(cells)


def marks(session: SessionState, start: int, samples: int, width: int) -> Line:
    """S1 and S2 at their onsets (s1, s2 where the decoder is unsure), M where a person marked."""
    cell = 2 * samples
    found: list[tuple[int, str]] = []
    for beat in _since(session.beats, start):
        for onset, name in ((beat.s1, "S1"), (beat.s2, "S2")):
            if onset is not None and start <= onset < start + cell * width:
                word = name if beat.confidence >= 0.5 else name.lower()
                found.append(((onset - start) // cell, word))
    found.sort()
    row = [" "] * width
    short = crowded(found)
    for at, word in found:
        text = word
        if short:
            text = word[-1] if cell <= 200 else ("|" if word[-1] == "1" else "")
        for offset, char in enumerate(text):
            if at + offset < width:
                row[at + offset] = char
    for mark in session.marks:
        at = (mark.index - start) // cell
        if 0 <= at < width:
            row[at] = "M"
    return [("".join(row), "strong")]


def against(session: SessionState, head: int, start: int, samples: int, width: int) -> Line:
    """The annotation under the marks: S1 and S2 where both agree, -1 missed, +1 extra."""
    cell = 2 * samples
    reach = (start - 2 * onsets.TOLERANCE, min(head, start + cell * width))
    found = sorted(
        (at, sound)
        for beat in _since(session.beats, reach[0])
        for at, sound in ((beat.s1, 1), (beat.s2, 2))
        if at is not None and reach[0] <= at < reach[1]
    )
    # The newest beats are not certain yet: what is not found there is not missed.
    known = max(head - DECIDED, found[-1][0] + onsets.TOLERANCE if found else 0)
    annotated = [onset for onset in session.annotated if reach[0] <= onset[0] < known]
    row: list[tuple[str, str]] = [(" ", "plain")] * width
    results = zip(
        onsets.match(found, annotated), ("S", "-", "+"), ("second", "high", "high"), strict=True
    )
    for places, sign, ink in results:
        for at, sound in places:
            column = (at - start) // cell
            for offset, char in enumerate(f"{sign}{sound}"):
                if column >= 0 and column + offset < width:
                    row[column + offset] = (char, ink)
    return merged(row)


def merged(row: list[tuple[str, str]]) -> Line:
    """Neighbours of one ink as one piece."""
    line: Line = []
    for char, ink in row:
        if line and line[-1][1] == ink:
            line[-1] = (line[-1][0] + char, ink)
        else:
            line.append((char, ink))
    return line


def crowded(found: list[tuple[int, str]]) -> bool:
    """Whether the words would touch: then only 1 and 2 are written, or a stroke at each S1."""
    return any(b - a < 3 for (a, _), (b, _) in pairwise(found))


def _since(beats: deque[ev.Beat], start: int) -> list[ev.Beat]:
    """The beats of the picture; they are kept in order, so the search runs from the newest."""
    out: list[ev.Beat] = []
    for beat in reversed(beats):
        bounds = (beat.end, beat.diastole, beat.s2, beat.systole, beat.s1)
        onsets = [bound for bound in bounds if bound is not None]
        if onsets and onsets[0] < start:
            break
        out.append(beat)
    return out


def nothing(text: str, width: int, height: int, glyphs: Glyphs) -> list[Line]:
    """The picture of a stream that is not there: a line of crosses with the reason in it."""
    middle = (height - 1) // 2
    text = f" {words.cut(text, max(0, width - 8), glyphs.ellipsis)} "
    side = max(0, width - len(text)) // 2
    out: list[Line] = [[] for _ in range(height)]
    rest = max(0, width - side - len(text))
    out[middle] = [(glyphs.cross * side, "high"), (text, "high"), (glyphs.cross * rest, "high")]
    return out
