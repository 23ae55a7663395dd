"""The averaged beat: how loud each moment of a cycle was, over the last beats laid on their S1.

Below it stands how loud S2, systole and diastole are against S1, in dB, as a table of recordings
has it (`monitor.loudness`), over the beats of the last seconds.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from monitor.events import RATE_HZ
from monitor.loudness import PartLevels, part_levels
from monitor.tui.state import SessionState
from monitor.tui.waves import PAIR
from monitor.tui.widgets import braille
from monitor.tui.widgets.glyphs import Glyphs
from monitor.tui.widgets.panel import Line

BEATS = 24
"""Beats that are averaged, at the most."""

LEAST = 3
NEAR = 0.1
"""Only cycles within this share of the median length: others would smear S2."""

RECENT = 20 * RATE_HZ
"""Samples before now; older beats say nothing of the heart as it is."""

LEAD = RATE_HZ // 16
"""Samples shown before S1."""

SURE = 0.5

LEVELS = 12 * RATE_HZ
"""Samples before the newest one in which beats have a level."""


def lines(
    session: SessionState | None, now: float, width: int, height: int, glyphs: Glyphs
) -> tuple[list[Line], str]:
    """``height`` rows, the last of them names S1 and S2; and what stands in the frame."""
    if session is None or session.status is None or not session.trusted(now):
        return [], ""
    if session.status.heart != "heard":
        return [[], [(" no heart heard now", "dim")]][:height], ""
    found = average(session, width)
    if found is None or height < 2:
        return [[], [(" too few beats of one length", "dim")]][:height], ""
    loudness, s1, s2, count, cycle = found
    dots = braille.envelope(-loudness, loudness, height - 1)
    out: list[Line] = [[(row, "wave")] for row in braille.rows(dots, unicode=glyphs.unicode)]
    loud = levels(session)
    end = round((LEAD + cycle) / _step(cycle, width))
    out.append([(_marks(s1 // 2, s2 // 2, end // 2, loud, width, glyphs), "strong")])
    words = f"{count} beats, {cycle / RATE_HZ:.2f} s"
    return out, words if loud is None else f"{words}, dB of S1"


def _marks(s1: int, s2: int, end: int, loud: PartLevels | None, width: int, glyphs: Glyphs) -> str:
    """S1 and S2 below their places, with the levels of what follows where there is room."""
    marks = [" "] * width

    def put(words: str, at: int, last: int) -> int:
        if at < 0 or at + len(words) > min(last, width):
            return at
        marks[at : at + len(words)] = words
        return at + len(words)

    def between(db: float, first: int, last: int) -> None:
        words = glyphs.plain(f"{db:.0f}".replace("-", "−"))
        put(words, max(first + 1, (first + last - len(words)) // 2), last)

    after = put("S1", min(s1, width - 2), width)
    if s2 < 0:
        return "".join(marks)
    second = put("S2", min(s2, width - 2), width)
    if loud is not None:
        between(loud.systole_db, after, s2)
        second = put(glyphs.plain(f" {loud.s2_db:.0f}".replace("-", "−")), second, end)
        between(loud.diastole_db, second, end)
    return "".join(marks)


def _step(cycle: float, width: int) -> int:
    """Samples of a column, of two in each cell."""
    return max(1, round((cycle * 1.12 + LEAD) / (2 * width) / PAIR)) * PAIR


def levels(session: SessionState) -> PartLevels | None:
    """How loud the parts of the last beats are against S1, medians; None without their sound."""
    end = session.waves.end
    first = max(0, end - LEVELS)
    sound = session.waves.sound(first, end)
    found = []
    for beat in list(session.beats)[-2 * BEATS :]:
        s1, systole, s2 = beat.s1, beat.systole, beat.s2
        diastole, stop = beat.diastole, beat.end
        if s1 is None or systole is None or s2 is None or diastole is None or stop is None:
            continue
        piece = sound[s1 - first : stop - first]
        if beat.confidence < SURE or s1 < first or stop > end or np.isnan(piece).any():
            continue
        found.append(part_levels(piece, s1, systole, s2, diastole, stop))
    return PartLevels(*np.median(found, axis=0).tolist()) if found else None


def average(
    session: SessionState, width: int
) -> tuple[NDArray[np.float64], int, int, int, float] | None:
    """Loudness of the columns of ``width`` cells (loudest 1), columns of S1 and S2 (-1 where it
    is not known), how many beats, and the length of a cycle in samples; None with too few."""
    since = 0 if session.status is None else session.status.index - RECENT
    known = [
        (beat.s1, beat.s2, beat.end - beat.s1)
        for beat in list(session.beats)[-2 * BEATS :]
        if beat.s1 is not None and beat.end is not None and beat.confidence >= SURE
        and beat.s1 >= since
    ]  # fmt: skip
    if len(known) < LEAST:
        return None
    cycle = float(np.median([length for _, _, length in known]))
    near = [one for one in known if abs(one[2] - cycle) <= NEAR * cycle][-BEATS:]
    step = _step(cycle, width)
    rows = []
    for s1, _, _ in near:
        low, high = session.waves.columns((s1 - LEAD) // PAIR * PAIR, 2 * width, step)
        row = np.fmax(-low, high)
        used = row[: round((cycle + LEAD) / step)]
        if len(used) and not np.isnan(used).any():
            rows.append(row)
    if len(rows) < LEAST:
        return None
    with np.errstate(all="ignore"):
        loudness = np.nanmedian(np.stack(rows), axis=0)
    top = float(np.nanmax(loudness))
    if not top > 0:
        return None
    after = [s2 - s1 for s1, s2, _ in near if s2 is not None]
    s2_at = -1 if not after else round((LEAD + float(np.median(after))) / step)
    return loudness / top, round(LEAD / step), s2_at, len(rows), cycle
