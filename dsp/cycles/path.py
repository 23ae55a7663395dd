"""Finds the best path at the head of a lattice and reads its borders backwards.

A border is ``(frame, state)``: from that frame on the heart is in that state (S1, systole, S2,
diastole) or not to be heard (NONE). The lattice keeps scores only; what was chosen is found
again here, for the few cycles that are read.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dsp.cycles import lattice as at
from dsp.cycles.bands import BLOCK
from dsp.cycles.durations import NEVER, SOUND_FRAMES
from dsp.cycles.lattice import S2_AFTER, Lattice

S1, SYSTOLE, S2, DIASTOLE, NONE = range(5)
Border = tuple[int, int]


@dataclass(frozen=True, slots=True)
class _End:
    """An unfinished cycle at the head: class, position of S1, and whether S2 has come."""

    row: int
    s1: int
    has_s2: bool


class PathReader:
    """Reads the best path of one lattice."""

    def __init__(self, lattice: Lattice) -> None:
        self._lattice = lattice
        d = lattice.durations
        head = self._head = lattice.head
        self._reach = d.cycle_survival.shape[1] - 1
        span = np.arange(head - self._reach, head)
        age = head - span
        self._span = slice(head - self._reach, head)
        self._waiting = np.ascontiguousarray(d.systole_survival[:, age])
        self._alive = np.ascontiguousarray(d.cycle_survival[:, age])
        shown = span[None, :] + d.shortest[:, None]
        self._done_at = np.minimum(shown, head - 1) * len(lattice.rows) + lattice.rows[:, None]
        self._done = np.where(shown < head, self._alive, NEVER)
        open_span = int(d.shortest.max()) + 1
        self._open = slice(head - open_span, head)
        self._open_alive = np.ascontiguousarray(self._alive[:, -open_span:])
        self._from_s2 = np.log(2.0 / d.systole.shape[1])

    def read(self, after: int, until: int) -> list[Border]:
        """Borders of the best path later than frame ``after`` and not after ``until``."""
        lattice = self._lattice
        lines = lattice.lines
        score, end = self._heads()
        none = float(lines[at.NONE, self._head - 1])
        begun = float(lines[at.BEGUN, self._head - 1])
        out: list[Border] = []
        window = (after - lattice.base, until - lattice.base)
        if none >= score and none >= begun:
            self._lost(self._head - 1, out, window)
        elif begun > score:
            self._start(self._head - 1, out)
        else:
            self._cycle(end.row, end.s1, end.has_s2, self._head, out, window)
            self._back(self._class_before(end.row, end.s1), end.s1, out, window)
        base = lattice.base
        return [(p + base, state) for p, state in out[::-1] if window[0] < p <= window[1]]

    def _heads(self) -> tuple[float, _End]:
        """Best unfinished cycle at the head, and its score."""
        lattice = self._lattice
        lines, span = lattice.lines, self._span
        base = np.add(lattice.switched[span].T, lines[at.A1, span], order="C")
        waiting = base + self._waiting
        waiting += lines[at.SYSTOLE, self._head]
        done = lattice.w.reshape(-1).take(self._done_at)
        done += self._done
        # the S2 of a young cycle, anywhere between S1 and the head
        young_span = self._open
        best_q = np.maximum.accumulate(lines[at.Q, young_span][::-1])[::-1]
        young = base[:, -best_q.size : -S2_AFTER] + self._open_alive[:, :-S2_AFTER]
        young += best_q[S2_AFTER:] + self._from_s2
        options = []
        for table, first, has_s2 in (
            (waiting, span.start, False), (done, span.start, True), (young, young_span.start, True)
        ):  # fmt: skip
            row, column = divmod(int(table.argmax()), table.shape[1])
            options.append((float(table[row, column]), _End(row, first + column, has_s2)))
        return max(options, key=lambda option: option[0])

    def _s2_of(self, row: int, s1: int, end: int) -> int:
        """Position of the best S2 of a cycle of class ``row`` that begins at position ``s1``."""
        density = self._lattice.durations.systole[row]
        known = self._lattice.lines[at.Q, s1 : min(s1 + len(density), end, self._head)]
        return s1 + int((known + density[: len(known)]).argmax())

    def _sound(self, line: int, density: NDArray[np.float64], begin: int) -> int:
        """Position at which the sound that begins at ``begin`` ends."""
        ahead = self._lattice.lines[line, begin + 2 : begin + SOUND_FRAMES + 1]
        return begin + 2 + int((ahead + density[: len(ahead)]).argmax())

    def _cycle(
        self, row: int, s1: int, has_s2: bool, end: int, out: list[Border], window: tuple[int, int]
    ) -> None:
        """Append the borders of a cycle, newest first, unless none of them is wanted."""
        if s1 > window[1]:
            return
        d = self._lattice.durations
        last = end
        if has_s2:
            s2 = last = self._s2_of(row, s1, end)
            out.append((self._sound(at.SOUND2, d.sound2, s2), DIASTOLE))
            out.append((s2, S2))
        end1 = min(self._sound(at.SOUND1, d.sound1, s1), last - 1)
        out += [(end1, SYSTOLE), (s1, S1)]

    def _back(self, row: int, place: int, out: list[Border], window: tuple[int, int]) -> None:
        """Append what lies before position ``place``, where a cycle of class ``row`` ends."""
        lattice = self._lattice
        d = lattice.durations
        reach = d.cycle.shape[1]
        while place > max(window[0], reach):
            options = lattice.w[place - reach + 1 : place + 1, row] + d.cycle[row, ::-1]
            choice = int(options.argmax())
            if lattice.lines[at.FREE, place] >= options[choice]:
                self._free(place, out, window)
                return
            s1 = place - (reach - 1 - choice) - int(d.shortest[row])
            if s1 < 0:
                return
            self._cycle(row, s1, True, place, out, window)
            row, place = self._class_before(row, s1), s1

    def _class_before(self, row: int, s1: int) -> int:
        """Class of the cycle that ends where one of class ``row`` begins."""
        lattice = self._lattice
        return int((lattice.v[s1] + lattice.durations.switch[:, row]).argmax())

    def _free(self, place: int, out: list[Border], window: tuple[int, int]) -> None:
        """Append what lies before a first S1 at ``place``."""
        lattice = self._lattice
        found = lattice.lines[at.NONE, place] + lattice.penalties.find
        if found >= lattice.lines[at.BEGUN, place]:
            self._lost(place, out, window)
        else:
            self._start(place, out)

    def _lost(self, place: int, out: list[Border], window: tuple[int, int]) -> None:
        """Append the stretch without a heart before ``place``, and what lies before it."""
        lattice = self._lattice
        entries = lattice.lines[at.ENTRY, : place - BLOCK + 1]
        entry = int(entries.argmax())
        wanted = lattice.lines[at.NONE, place] - lattice.lines[at.LOST, place]
        if entries[entry] < wanted - 1e-6:
            return  # lost before what is remembered, so long settled
        out.append((entry, NONE))
        if entry + lattice.base > lattice.first:
            self._back(int(lattice.v[entry].argmax()), entry, out, window)

    def _start(self, place: int, out: list[Border]) -> None:
        """Append the beginning of a stream whose first S1 is at ``place``."""
        lattice = self._lattice
        lines = lattice.lines
        origin = max(lattice.first - lattice.base, 0)
        q = lines[at.Q, origin : place - S2_AFTER + 1]
        s2 = origin + int(q.argmax()) if q.size else origin
        if not q.size or q[s2 - origin] - lines[at.SYSTOLE, origin] <= 0:
            out.append((origin, DIASTOLE))
            return
        out.append((self._sound(at.SOUND2, lattice.durations.sound2, s2), DIASTOLE))
        if s2 > origin:  # else its onset lies before the start
            out.append((s2, S2))
            out.append((origin, SYSTOLE))
