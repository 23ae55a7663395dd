"""Mains hum, found from the sound and taken out: 50 or 60 Hz and their harmonics, as a stream.

A line is found by its phase: in the quieter half of the last 4 s (between the heart sounds) the
phase stays where it was, whatever the heart does. Frequency, amplitude and phase are fitted there
and the sinusoid is subtracted: a filter a quarter of a hertz wide that does not ring after a
heart sound. Where no line is found the sound passes bit for bit. Blocks of 0.25 s are counted
from index 0, and each is cleaned by what was heard before it; the first 2 s wait for each other.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from statistics import median

import numpy as np
from numpy.typing import NDArray

from dsp.stage import RATE_HZ, FloatArray

BLOCK = 500
"""Samples between two fits."""

FRAME, HOP = 200, 100
PER_BLOCK = BLOCK // HOP
HISTORY = 80
"""Frames heard: 4 s."""

START = 8 * BLOCK
"""Samples held back after a start."""

MAINS_HZ = (50, 60)
HIGHEST_HZ = 400
FOUND, FOUND_AT_START, LOST = 0.75, 0.8, 0.55
"""Length of the mean phasor of the quieter frames: 1 for a line, about 0.3 for noise. ``LOST`` is
enough for a line that was there before, or stands beside another of its mains."""

LEAST = 0.008
"""Amplitude from which a line is taken out, as a share of the usual peak."""

SEARCH = 2000
"""Samples between two looks for a hum where none is known."""

FOLLOW = 0.2
"""Share of a new frequency that is believed."""

MISSES = 2
"""Blocks in a row that subtracting made louder: the hum is over."""

LINES_HZ = np.array(sorted({m * k for m in MAINS_HZ for k in range(1, HIGHEST_HZ // m + 1)}))
_OFF_HZ = np.linspace(-0.5, 0.5, 21)
_WINDOW = np.hanning(FRAME + 1)[:-1] / (FRAME / 4)  # a sinusoid of amplitude 1 becomes 1
_TURN = 2j * np.pi / RATE_HZ
_BASIS = (_WINDOW[:, None] * np.exp(-_TURN * np.outer(np.arange(FRAME), LINES_HZ))).view(float)
_CENTRES = HOP * np.arange(PER_BLOCK)
_AGO_S = np.arange(1 - HISTORY, 1) * HOP / RATE_HZ
_OFF_TURNS = np.exp(-2j * np.pi * np.outer(_OFF_HZ, _AGO_S))

ComplexArray = NDArray[np.complex128]


@dataclass(slots=True)
class _Line:
    """A line ``off`` Hz beside ``LINES_HZ[column]``; its phasor at the centre ``at`` of a frame."""

    column: int
    off: float
    phasor: complex
    at: int
    misses: int = 0

    def phasors(self, at: NDArray[np.int64]) -> ComplexArray:
        """What the frames around ``at`` hold of it."""
        out: ComplexArray = self.phasor * np.exp(_TURN * self.off * (at - self.at))
        return out

    def wave(self, start: int, size: int) -> FloatArray:
        """The sinusoid from the absolute sample ``start`` on."""
        n = np.arange(start, start + size)
        turns = 2 * np.pi / RATE_HZ * (LINES_HZ[self.column] * n + self.off * (n - self.at))
        wave: FloatArray = self.phasor.real * np.cos(turns) - self.phasor.imag * np.sin(turns)
        return wave


@cache
def _phase(start: int) -> ComplexArray:
    """Of each line at the frames of a block whose first begins ``start`` into a second.

    The lines are whole hertz: their phase repeats after a second.
    """
    starts = start + HOP * np.arange(PER_BLOCK)
    phase: ComplexArray = np.exp(-_TURN * np.outer(starts % RATE_HZ, LINES_HZ))
    return phase


class HumRemoval:
    """2 kHz sound in, the same without mains hum out.

    Attributes
    ----------
    delay
        Samples held back, the start (2 s) excepted.
    """

    delay = 0

    def __init__(self) -> None:
        self.reset(0)

    def reset(self, index: int) -> None:
        """Start afresh; the next sample has the absolute index ``index``."""
        self._first = index
        self._started = False
        self._held: FloatArray = np.zeros(0)
        self._begin = index - index % BLOCK  # of the block that is being filled
        self._fill = index % BLOCK
        self._sound: FloatArray = np.zeros(HOP + self._fill)  # of the block, and a hop before it
        self._hum: FloatArray | None = None  # of the block
        self._frames: ComplexArray = np.zeros((HISTORY, LINES_HZ.size), complex)
        self._heard = 0  # frames of it, the newest last
        self._peaks: deque[float] = deque(maxlen=HISTORY // PER_BLOCK)
        self._lines: list[_Line] = []
        self._marks: deque[tuple[int, int]] = deque([(index, 0)], maxlen=256)

    def over(self, start: int, end: int) -> int:
        """Mains frequency whose hum was taken out somewhere in [start, end), 0 if none was."""
        marks = list(self._marks)
        ends = [at for at, _ in marks[1:]] + [end]
        for (at, hz), until in zip(marks, ends, strict=True):
            if hz and at < end and until > start:
                return hz
        return 0

    def push(self, x: FloatArray) -> FloatArray:
        """Consume float64 [n]; return what is certain."""
        if self._started:
            return self._stream(x)
        self._held = np.concatenate([self._held, x])
        if self._fill + self._held.size < START:
            return np.zeros(0)
        return self._start()

    def flush(self) -> FloatArray:
        """Return what was held: under 2 s no hum is found."""
        held, self._held = self._held, np.zeros(0)
        self._started = True
        return held

    def _start(self) -> FloatArray:
        """Hear the first 2 s, clean them by what was heard in them, go on."""
        held, self._held = self._held, np.zeros(0)
        size = START - self._fill
        first = held[:size]
        self._take(first)
        self._fit(FOUND_AT_START)
        self._started = True
        if self._lines:
            first = first - self._wave(self._first, size)
            self._marks[0] = (self._first, self._mains)
        return np.concatenate([first, self._stream(held[size:])])

    def _stream(self, x: FloatArray) -> FloatArray:
        return np.concatenate([np.zeros(0), *self._take(x)])

    def _take(self, x: FloatArray) -> list[FloatArray]:
        """Fill blocks; return the sound cleaned by what was known at the begin of each."""
        out = []
        blocks = self._hear(x)
        while x.size:
            part, x = x[: BLOCK - self._fill], x[BLOCK - self._fill :]
            here = slice(self._fill, self._fill + part.size)
            out.append(part if self._hum is None else part - self._hum[here])
            self._fill = here.stop
            if self._fill == BLOCK:
                self._close_block(*next(blocks))
        return out

    def _hear(self, x: FloatArray) -> Iterator[tuple[ComplexArray, float]]:
        """The last 4 s of frames and the peak, of each block that ``x`` completes.

        A product of its own for each block.
        """
        sound = np.concatenate([self._sound, x])
        count = (sound.size - HOP) // BLOCK
        self._sound = sound[count * BLOCK :]
        if not count:
            return iter(())
        item = sound.itemsize
        windows: FloatArray = np.ndarray(
            (count, PER_BLOCK, FRAME), float, sound, strides=(BLOCK * item, HOP * item, item)
        )
        heard = (windows.copy() @ _BASIS).view(complex)
        begin = self._begin - HOP
        heard *= [_phase((begin + k * BLOCK) % RATE_HZ) for k in range(count)]
        line = np.concatenate([self._frames, heard.reshape(-1, LINES_HZ.size)])
        starts = range(PER_BLOCK, (count + 1) * PER_BLOCK, PER_BLOCK)
        peaks = np.abs(sound[HOP : HOP + count * BLOCK]).reshape(count, BLOCK).max(axis=1)
        return zip((line[k : k + HISTORY] for k in starts), peaks.tolist(), strict=True)

    def _close_block(self, frames: ComplexArray, peak: float) -> None:
        self._frames, heard = frames, frames[-PER_BLOCK:]
        self._heard = min(self._heard + PER_BLOCK, HISTORY)
        self._peaks.append(peak)
        self._begin += BLOCK
        self._fill = 0
        if not self._started:
            return
        for line in self._lines:
            rest = heard[:, line.column] - line.phasors(self._begin - BLOCK + _CENTRES)
            louder = np.abs(rest).min() > np.abs(heard[:, line.column]).min()
            line.misses = line.misses + 1 if louder else 0
        over = any(line.misses >= MISSES for line in self._lines)
        if over:
            self._lines = []  # what was heard before it ended must not find it again
            self._heard = 0
        if over or self._lines or self._begin % SEARCH == 0:
            self._fit(FOUND)

    @property
    def _mains(self) -> int:
        """50 or 60 while hum is taken out, 0 otherwise."""
        lines = [int(LINES_HZ[line.column]) for line in self._lines]
        return next((m for m in MAINS_HZ if lines and all(hz % m == 0 for hz in lines)), 0)

    def _wave(self, start: int, size: int) -> FloatArray:
        total = np.zeros(size)
        for line in self._lines:
            total += line.wave(start, size)
        return total

    def _fit(self, found: float) -> None:
        """Look for lines in the frames heard, and make the hum of the next block."""
        known = {line.column: line for line in self._lines}
        self._lines = self._find(found, known) if self._heard * HOP >= START - BLOCK else []
        self._hum = self._wave(self._begin, BLOCK) if self._lines else None
        if self._mains != self._marks[-1][1] and self._started:
            self._marks.append((self._begin, self._mains))

    def _find(self, found: float, known: dict[int, _Line]) -> list[_Line]:
        frames = self._frames[HISTORY - self._heard :]
        size = np.abs(frames)
        order = np.sort(size, axis=0)
        quiet = size <= (order[(len(order) - 1) // 2] + order[len(order) // 2]) / 2
        phasors = frames * (quiet / np.maximum(size, 1e-12))
        sums = np.abs(_OFF_TURNS[:, -len(frames) :] @ phasors) / np.add.reduce(quiet, axis=0)
        heard = sums.max(axis=0)
        if not known and heard.max() < found:
            return []
        best = sums.argmax(axis=0)
        least = LEAST * median(self._peaks)
        sure = [LINES_HZ[c] for c in np.flatnonzero(heard >= found)] + [LINES_HZ[c] for c in known]
        lines = []
        for column, hz in enumerate(LINES_HZ):
            beside = any(hz % m == 0 and other % m == 0 for m in MAINS_HZ for other in sure)
            if heard[column] < LOST or not beside:
                continue
            own = frames[:, column], quiet[:, column]
            off = _fitted_off(*own, float(_OFF_HZ[best[column]]))
            before = known.get(column)
            if before is not None:  # the mains is steadier than any one fit
                off = before.off + FOLLOW * (off - before.off)
            phasor = _fitted_phasor(*own, off)
            if abs(phasor) >= (0.5 * least if before else least) > 0:
                missed = before.misses if before else 0
                lines.append(_Line(column, off, phasor, self._begin - HOP, missed))
        return _of_one_mains(lines)


def _fitted_off(frames: ComplexArray, quiet: NDArray[np.bool_], off: float) -> float:
    """Hz beside the line, from the phase of the frames that agree with the quiet ones."""
    turned, kept, ago = _turned(frames, quiet, off)
    angle = np.angle(turned[kept] * np.conj(turned[quiet].mean()))
    t = ago[kept] - ago[kept].mean()
    return off + float((t * angle).sum() / max((t * t).sum(), 1e-9)) / (2 * np.pi)


def _fitted_phasor(frames: ComplexArray, quiet: NDArray[np.bool_], off: float) -> complex:
    turned, kept, _ = _turned(frames, quiet, off)
    return complex(turned[kept].mean())


def _turned(
    frames: ComplexArray, quiet: NDArray[np.bool_], off: float
) -> tuple[ComplexArray, NDArray[np.bool_], FloatArray]:
    """Frames turned back to the last one, which of them agree, and their times."""
    ago = _AGO_S[-len(frames) :]
    turned: ComplexArray = frames * np.exp(-2j * np.pi * off * ago)
    away = np.abs(turned - turned[quiet].mean())
    return turned, away <= 2 * np.median(away[quiet]), ago


def _of_one_mains(lines: list[_Line]) -> list[_Line]:
    """The lines of the mains frequency that has more of them, by amplitude."""

    def family(mains: int) -> list[_Line]:
        return [line for line in lines if LINES_HZ[line.column] % mains == 0]

    return max(map(family, MAINS_HZ), key=lambda own: sum(abs(line.phasor) for line in own))
