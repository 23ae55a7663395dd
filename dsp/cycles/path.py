"""Finds the best path at the head of a lattice and reads its borders backwards.

A border is ``(frame, state)``: from that frame on the heart is in that state (S1, systole, S2,
diastole) or not to be heard (NONE). Nothing is stored for this but the length of the best cycle
and the best class before each S1; the inner borders are found again where they are needed.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dsp.cycles.durations import NEVER, SOUND_FRAMES
from dsp.cycles.lattice import HEAD, Lattice

S1, SYSTOLE, S2, DIASTOLE, NONE = range(5)
Border = tuple[int, int]

_OPEN = 70
"""Positions before the head where S2 may still be missing."""


def _s2_of(lattice: Lattice, row: int, s1: int) -> int:
    """Position of the best S2 of a cycle of class ``row`` that begins at position ``s1``."""
    density = lattice.durations.systole[row]
    known = lattice.q[s1 : min(s1 + len(density), HEAD)]
    return s1 + int((known + density[: len(known)]).argmax())


def _sound(line: NDArray[np.float64], density: NDArray[np.float64], at: int) -> int:
    """Position at which the sound that begins at ``at`` ends."""
    ahead = line[at + 2 : at + SOUND_FRAMES + 1]
    return at + 2 + int((ahead + density[: len(ahead)]).argmax())


def _cycle(lattice: Lattice, s1: int, s2: int | None) -> list[tuple[int, int]]:
    """Borders (positions) of a cycle."""
    d = lattice.durations
    out = [(s1, S1)]
    end1 = _sound(lattice.sound1, d.sound1, s1)
    if s2 is None:
        return [*out, (end1, SYSTOLE)] if end1 < HEAD else out
    out += [
        (min(end1, s2 - 1), SYSTOLE),
        (s2, S2),
        (_sound(lattice.sound2, d.sound2, s2), DIASTOLE),
    ]
    return out


def _heads(lattice: Lattice) -> tuple[float, int, int, int | None]:
    """Best unfinished cycle: score, class, position of S1, and of S2 if it has come."""
    d = lattice.durations
    reach = d.cycle_survival.shape[1] - 1
    span = np.arange(HEAD - reach, HEAD)
    age = HEAD - span
    base = lattice.switched[:, span] + lattice.a1[span]
    waiting = base + (lattice.systole[HEAD] + d.systole_survival[:, age])
    best_row, best_at = divmod(int(waiting.argmax()), len(span))
    found: tuple[float, int, int, int | None] = (
        float(waiting[best_row, best_at]), best_row, int(span[best_at]), None
    )  # fmt: skip
    # cycles whose S2 window is wholly behind the head
    at = np.minimum(span[None, :] + d.shortest[:, None], HEAD - 1)
    done = lattice.w[lattice.rows[:, None], at] + d.cycle_survival[:, age]
    done[span[None, :] + d.shortest[:, None] >= HEAD] = NEVER
    row, column = divmod(int(done.argmax()), len(span))
    if done[row, column] > found[0]:
        s1 = int(span[column])
        found = (float(done[row, column]), row, s1, _s2_of(lattice, row, s1))
    return _young(lattice, found)


def _young(
    lattice: Lattice, found: tuple[float, int, int, int | None]
) -> tuple[float, int, int, int | None]:
    """Better of ``found`` and the young cycles whose S2 window reaches over the head."""
    d = lattice.durations
    span = np.arange(HEAD - _OPEN, HEAD)
    row = lattice.switched[:, span].argmax(axis=0)
    wide = d.systole.shape[1]
    ahead = np.concatenate([lattice.q[HEAD - _OPEN : HEAD], np.full(wide, NEVER)])
    view = np.lib.stride_tricks.sliding_window_view(ahead, wide)[: len(span)]
    options = view + d.systole[row]
    choice = options.argmax(axis=1)
    each = np.arange(len(span))
    score = (
        lattice.switched[row, span] + lattice.a1[span] + options[each, choice]
        + d.cycle_survival[row, HEAD - span]
    )  # fmt: skip
    at = int(score.argmax())
    if score[at] <= found[0]:
        return found
    return float(score[at]), int(row[at]), int(span[at]), int(span[at] + choice[at])


def best_path(lattice: Lattice, after: int) -> list[Border]:
    """Borders of the best path later than frame ``after``, oldest first."""
    score, row, s1, s2 = _heads(lattice)
    origin = lattice.first - lattice.base
    none = lattice.lost[HEAD - 1]
    start = float(lattice.begun[HEAD - 1]) if origin > 0 else NEVER
    out: list[tuple[int, int]] = []
    if max(none, start) >= score:
        at = HEAD - 1
        _free(lattice, at, none >= start, out, after)
    else:
        out += _cycle(lattice, s1, s2)[::-1]
        _back(lattice, int(lattice.before[row, s1]), s1, out, after)
    shifted = [(at + lattice.base, state) for at, state in out[::-1]]
    return [(frame, state) for frame, state in shifted if frame > after]


def _back(lattice: Lattice, row: int, at: int, out: list[tuple[int, int]], after: int) -> None:
    """Append (newest first) what lies before the S1, or the end of a cycle, at position ``at``."""
    while at + lattice.base > after and at > 0:
        came = int(lattice.came[row, at])
        if came < 0:
            lost = lattice.lost[at] + lattice.penalties.find >= lattice.begun[at]
            _free(lattice, at, bool(lost), out, after)
            return
        s1 = at - came - int(lattice.durations.shortest[row])
        if s1 < 0:
            return
        out += _cycle(lattice, s1, _s2_of(lattice, row, s1))[::-1]
        at, row = s1, int(lattice.before[row, s1])


def _free(lattice: Lattice, at: int, lost: bool, out: list[tuple[int, int]], after: int) -> None:
    """Append what lies before ``at``: a stretch without a heart, or the start of the stream."""
    origin = max(lattice.first - lattice.base, 0)
    if lost:
        entry = int(lattice.entry[: at + 1].argmax())
        if lattice.entry[entry] < lattice.lost[at] - lattice.none[at] - 1e-6:
            return  # lost before what is remembered, so long decided
        out.append((entry, NONE))
        if entry + lattice.base <= lattice.first:
            return
        _back(lattice, int(lattice.v[:, entry].argmax()), entry, out, after)
        return
    stop = at - 5
    if stop <= origin:
        out.append((origin, DIASTOLE))
        return
    gain = lattice.systole[origin:stop] - lattice.systole[origin] + lattice.s2_gain[origin:stop]
    s2 = origin + int(gain.argmax())
    if gain[s2 - origin] <= 0:
        out.append((origin, DIASTOLE))
        return
    out += [(_sound(lattice.sound2, lattice.durations.sound2, s2), DIASTOLE), (s2, S2)]
    if s2 > origin:
        out.append((origin, SYSTOLE))
