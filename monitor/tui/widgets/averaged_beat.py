"""The averaged beat: how loud each moment of a cycle was, over the last beats laid on their S1."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from monitor.events import RATE_HZ
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
    marks = [" "] * width
    for name, column in (("S1", s1), ("S2", s2)):
        at = min(column // 2, width - 2)
        if at >= 0:
            marks[at : at + 2] = name
    out.append([("".join(marks), "strong")])
    return out, f"{count} beats, {cycle / RATE_HZ:.2f} s"


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
    step = max(1, round((cycle * 1.12 + LEAD) / (2 * width) / PAIR)) * PAIR
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
