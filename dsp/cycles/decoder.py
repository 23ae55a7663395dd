"""Heart cycles as a stream: filtered sound in, beats out.

The decoder decides each onset at most 2.0 s (4 000 samples) after it: when the sound up to a step's
end has come, every border up to 3 000 samples before is settled. After a start or a gap 5 s
are held back and decided backwards; ``flush`` settles the rest. Source of the decoding: Schmidt
et al. 2010, Springer et al. 2016 (`lattice.py` tells what differs).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from dsp.cycles.assemble import Assembler
from dsp.cycles.bands import BLOCK, FRAME, SETTLE, Float32
from dsp.cycles.beat import Beat
from dsp.cycles.lattice import GAINS, HISTORY, Lattice
from dsp.cycles.model import CycleModel
from dsp.cycles.network import CLASSES
from dsp.cycles.onsets import OnsetRefiner
from dsp.cycles.path import S1, S2, Border, PathReader
from dsp.stage import RATE_HZ

DECIDED = 3_000
"""Samples before the end of a step up to which borders are settled."""
MOVED = 2
"""Frames by which a border may have moved to before what was settled without being lost."""
UNHEARD = 1
"""Frames before the end in which no onset is told: nothing of the sound has been heard."""
_LAG = (DECIDED - SETTLE) // FRAME


@dataclass(slots=True)
class Decoded:
    """What a call settled: complete beats, and the onsets of S1 (of beats to come as well).

    ``settled`` is the index before which every onset has been told; what comes after is open.
    """

    beats: list[Beat]
    s1: list[int]
    settled: int = 0


@dataclass(slots=True)
class _Read:
    """A block of posteriors, and the borders that were read back after it, up to ``until``."""

    posterior: Float32
    borders: list[Border] = field(default_factory=list)
    until: int | None = None


class CycleDecoder:
    """A `Stage` from filtered sound (float [m], 2 kHz) to beats.

    Parameters
    ----------
    model
        Emission, durations, calibration.
    whole_s
        For comparison only: settle nothing before `flush`, for recordings of up to so many seconds
        (offline decoding).

    Examples
    --------
    Ten seconds of a synthetic heart at 71/min; the last beats are decided by ``flush``:

    >>> from dsp.chain import process
    >>> from dsp.phantom import PRESETS, render
    >>> from models import shipped
    >>> decoder = CycleDecoder(CycleModel.from_arrays(shipped.cycles_arrays()))
    >>> sound = process(render(PRESETS["normal"]).sound[:20_000].astype(np.float32), 2000)
    >>> beats = decoder.push(sound).beats + decoder.flush().beats
    >>> len(beats)
    12
    >>> abs(beats[1].s1 / 2000 - 0.93) < 0.02  # seconds; the true onset is at 0.93
    True
    """

    def __init__(self, model: CycleModel, *, whole_s: float = 0.0) -> None:
        self._emission = model.new_emission()
        self._whole = whole_s > 0
        history = HISTORY + round(whole_s * RATE_HZ / FRAME)
        self._lattice = Lattice(model.tables, model.penalties, history)
        self._refiner = OnsetRefiner(model.onsets, history * FRAME)
        self.assembler = Assembler(model.calibration, self._refiner)
        self._reader = PathReader(self._lattice)
        scoring = model.scoring
        self._floor = np.float32(scoring.floor)
        self._gains = (GAINS * scoring.scale).astype(np.float32)
        self._bias = scoring.bias() @ self._gains
        self.reset(0)

    @property
    def delay(self) -> int:
        """Samples from an onset to its decision at the most, but for the start."""
        return 4_000

    def reset(self, index: int) -> None:
        """Start afresh; the next sample is ``index``. Call `flush` before, or lose the rest."""
        self._emission.reset(index)
        self._lattice.reset(self._emission.frame, self._emission.first)
        self.assembler.reset(self._emission.frame)
        self._refiner.reset(index)
        self._settled = self._read_to = self._emission.first - 1
        self._frame = self._emission.frame

    def push(self, x: NDArray[np.floating]) -> Decoded:
        """Consume filtered sound, float [m]; return what is now settled."""
        return self.push_steps([len(x)], x)[0]

    def push_steps(self, sizes: Sequence[int], x: NDArray[np.floating]) -> list[Decoded]:
        """Return what `push` would have returned for each part of ``sizes`` samples."""
        self._refiner.push(x)
        steps = [[self._read(p) for p in part] for part in self._emission.push_steps(sizes, x)]
        self._expect([one for part in steps for one in part])
        return [self._decode(part) for part in steps]

    def _read(self, posterior: Float32) -> _Read:
        """Advance by one block, and read back what it settles."""
        self._advance(posterior, BLOCK)
        heard = self._frame + self._emission.ahead
        if heard < self._emission.hold_end or self._whole:
            return _Read(posterior)
        return self._read_back(posterior, heard - _LAG)

    def _read_back(self, posterior: Float32, until: int) -> _Read:
        borders = self._reader.read(self._read_to - MOVED, until)
        self._read_to = until
        return _Read(posterior, borders, until)

    def _expect(self, read: list[_Read]) -> None:
        borders = (border for one in read for border in one.borders)
        self._refiner.expect([(at, state == S2) for at, state in borders if state in (S1, S2)])

    def _decode(self, read: list[_Read]) -> Decoded:
        out = Decoded([], [])
        for one in read:
            self.assembler.remember(one.posterior)
            if one.until is not None:
                self._settle(one.borders, one.until, out)
        out.settled = self._settled * FRAME
        return out

    def flush(self) -> Decoded:
        """Settle everything up to the end of the sound."""
        read = [_Read(posterior) for posterior in self._emission.flush()]
        for one in read:
            self._advance(one.posterior, BLOCK)
        stop = self._emission.stop
        assert stop is not None  # known once the emission is flushed
        silence = np.zeros((BLOCK, CLASSES), np.float32)
        self._advance(silence, 0)
        read.append(self._read_back(silence, stop - 1 - UNHEARD))
        self._expect(read)
        out = self._decode(read)
        self.assembler.finish(out.beats)
        return out

    def _advance(self, posterior: Float32, rows: int) -> None:
        """Hand one block of log posteriors on; rows after the end of the sound count nothing."""
        gains = np.maximum(posterior, self._floor) @ self._gains
        gains -= self._bias
        frame = self._frame
        if self._emission.stop is not None:
            rows = min(rows, max(0, self._emission.stop - frame))
            gains[rows:] = 0
        if frame < self._emission.first:
            gains[: self._emission.first - frame] = 0
        self._frame += BLOCK
        self._lattice.push(gains)

    def _settle(self, borders: list[Border], frame: int, out: Decoded) -> None:
        """Settle the borders up to ``frame``."""
        for at, state in borders:
            if self.assembler.wants(at, state, self._settled):
                self.assembler.add(max(at, self._settled + 1), state, out.beats, out.s1)
        self.assembler.expire(frame, out.beats)
        self._settled = frame
