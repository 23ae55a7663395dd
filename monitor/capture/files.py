"""Files and streams of sound as a source, in blocks; a file is never held whole.

What can be read is read, whatever the header says: `FileSource.complete` and its `warnings` tell
what is missing. The channels and the level are looked at first (`monitor.decoding.channels`),
dropouts become gaps. A file that holds no sound at all is an ``InputError`` of one line.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dsp.stage import RATE_HZ
from monitor.capture.dropouts import DropoutFinder
from monitor.capture.source import SourceKind
from monitor.decoding.channels import Choice, choose
from monitor.decoding.decoder import NO_HINTS, Frames, Hints, Missing
from monitor.decoding.look import LOOK_S, STREAM_LOOK_S, begin, joined, level_scale
from monitor.decoding.opening import open_decoder
from monitor.decoding.pipe import STDIN
from monitor.errors import InputError
from monitor.events import Block, Lost
from monitor.system.closing import Closing
from monitor.text import harmless

BLOCK_S = 30.0
"""Seconds read at once when nobody waits for them: most recordings whole."""

LARGEST_BLOCK, LARGEST_LOOK = 2**20, 2**23
"""Samples of all channels that are held at once."""

STREAM_BLOCK_S = 0.25
"""Seconds read at once from a pipe: whoever plays into it waits."""


@dataclass(frozen=True, slots=True)
class Part:
    """Which part of a recording: from ``start_s`` on, for ``length_s`` (None: to the end)."""

    start_s: float = 0.0
    length_s: float | None = None


WHOLE = Part()
"""All of it."""


class FileSource(Closing):
    """One file or stream of sound.

    Parameters
    ----------
    path
        The file; ``-`` is standard input.
    block_s, block_frames
        How much a block holds: in seconds, or in frames.
    channel
        Channel to take, counted from 1; 0 the mean of all, None looks for what is best.
    hints
        What the file does not tell.
    name
        For people and for the event file; by default the file's.

    Attributes
    ----------
    choice
        What was found about the channels; None where there is one, or one was asked for.
    warnings
        What is wrong with the file, in words; final once all was read.

    Raises
    ------
    InputError
        If it is missing, empty, no sound, or of an impossible rate.
    """

    kind: SourceKind = "replay"

    def __init__(
        self,
        path: Path,
        block_s: float = BLOCK_S,
        block_frames: int | None = None,
        *,
        channel: int | None = None,
        hints: Hints = NO_HINTS,
        part: Part = WHOLE,
        name: str = "",
    ) -> None:
        self.path, self._hints, self._part = path, hints, part
        self.name = harmless(name or ("stdin" if path in STDIN else path.name))
        self._decoder = open_decoder(path, hints)
        self.rate_hz, self.channels = self._decoder.rate_hz, self._decoder.channels
        self.is_stream = not self._decoder.rereadable
        at_most = max(1, LARGEST_BLOCK // self.channels)
        self._block = min(at_most, block_frames or max(1, round(block_s * self.rate_hz)))
        self._held: list[Frames | Missing] = []
        self.warnings: list[str] = []
        self.choice: Choice | None = None
        self._look_at_channels = channel is None
        self._channel = channel or 0
        self._scale = 1.0
        try:
            self._check()
            self._begin()
            self._look()
        except BaseException:
            self._decoder.close()
            raise

    @property
    def duration_s(self) -> float | None:
        """Length in seconds as the header tells, None where it does not."""
        frames = self._decoder.frames
        length_s = None if frames is None else frames / self.rate_hz - self._part.start_s
        if self._part.length_s is None:
            return length_s
        return self._part.length_s if length_s is None else min(length_s, self._part.length_s)

    @property
    def has_ecg(self) -> bool:
        """Whether an electrocardiogram lies beside the sound, and can be read."""
        beside = self._decoder.has_ecg or (self.choice is not None and self.choice.ecg is not None)
        return beside and not self.is_stream

    @property
    def start_s(self) -> float:
        """Begin of the part that is read."""
        return self._part.start_s

    @property
    def notes(self) -> dict[str, str | int | float]:
        """What the first line of the event file tells of it."""
        told: dict[str, str | int | float] = {}
        if self.choice is not None:
            told["analysis.channel_reason"] = self.choice.words
        if self._part.start_s:
            told["part.start_s"] = self._part.start_s
        if self._part.length_s is not None:
            told["part.length_s"] = self._part.length_s
        return told

    @property
    def complete(self) -> bool:
        """Whether nothing is known to be missing; final once all was read."""
        return not self._decoder.trouble

    def __iter__(self) -> Iterator[Block | Lost]:
        """Yield the sound in blocks, and what is missing of it.

        Raises
        ------
        InputError
            If nothing of it can be read.
        """
        cutter = _Cutter(self.rate_hz, self._block, self._channel)
        left = self._frames_wanted()
        while left > 0 and not isinstance(piece := self._next(left), _End):
            left -= piece.frames if isinstance(piece, Missing) else len(piece)
            yield from cutter.push(piece)
        yield from cutter.flush()
        self._told(cutter)

    def close(self) -> None:
        """Close the file."""
        self._decoder.close()

    # ------------------------------------------------------------ before the first block

    def _check(self) -> None:
        if self._decoder.frames == 0:
            raise InputError(f"{self.path}: holds no sound")
        if self._channel > self.channels:
            raise InputError(
                f"{self.path}: channel {self._channel} of {self.channels} does not exist"
            )

    def _begin(self) -> None:
        """Go to the part that is wanted."""
        wanted = round(self._part.start_s * self.rate_hz)
        if wanted and self._decoder.skip(wanted) < wanted:
            raise InputError(f"{self.path}: ends before {self._part.start_s:g} s")

    def _frames_wanted(self) -> float:
        length_s = self._part.length_s
        return math.inf if length_s is None else round(length_s * self.rate_hz)

    def _look(self) -> None:
        """Look at channels and level, where there is something to be found."""
        many = self.channels > 1 and self._look_at_channels
        look_s = min(LOOK_S, LARGEST_LOOK / self.channels / self.rate_hz)
        if not many and self._decoder.bounded:
            return
        if self.is_stream:
            seen = self._held = list(begin(self._decoder, min(look_s, STREAM_LOOK_S), self._block))
        else:
            with open_decoder(self.path, self._hints) as other:
                other.skip(round(self._part.start_s * self.rate_hz))
                seen = list(begin(other, min(look_s, self._part.length_s or look_s), self._block))
        frames = joined(seen)
        if frames is None:
            return
        if many:
            self.choice = choose(frames, self.rate_hz, self._decoder.labels)
            self._channel = self.choice.channel
        if not self._decoder.bounded:
            self._scale = level_scale(_taken(frames, self._channel))

    # ------------------------------------------------------------ block by block

    def _next(self, left: float) -> Frames | Missing | _End:
        count = round(STREAM_BLOCK_S * self.rate_hz) if self.is_stream else self._block
        piece = self._held.pop(0) if self._held else self._decoder.read(int(min(count, left)))
        if isinstance(piece, Missing):
            return Missing(int(min(piece.frames, left)), piece.reason)
        if not len(piece):
            return _END
        piece = piece[: int(min(len(piece), left))]
        return piece if self._scale == 1.0 else piece * np.float32(self._scale)

    def _told(self, cutter: _Cutter) -> None:
        """Note at the end what was wrong."""
        if not cutter.heard:
            why = self._decoder.trouble
            raise InputError(f"{self.path}: holds no sound" + (f" ({why})" if why else ""))
        if self._decoder.trouble:
            self.warnings.append(self._decoder.trouble)
        for words, count in cutter.dropouts.items():
            many = "1 dropout" if count == 1 else f"{count} dropouts"
            self.warnings.append(f"{many} ({words}), told as gaps")


class _End:
    """Nothing more comes."""


_END = _End()


class _Cutter:
    """Frames in, blocks of one size and gaps out; before a gap and at the end a shorter one."""

    def __init__(self, rate_hz: int, block: int, channel: int) -> None:
        self._rate_hz, self._block, self._channel = rate_hz, block, channel
        self._finder = DropoutFinder(rate_hz)
        self._waiting: list[Frames] = []
        self._at = 0  # frames of the file before what waits
        self._given = 0  # frames delivered
        self._ready = 0  # of those that wait, known to be sound
        self.heard = False
        self.dropouts: Counter[str] = Counter()

    def push(self, piece: Frames | Missing) -> Iterator[Block | Lost]:
        if isinstance(piece, Missing):
            yield from self.flush()
            self._finder = DropoutFinder(self._rate_hz)
            yield self._lost(piece.frames, piece.reason)
            return
        if self._channel and piece.shape[1] > 1:  # what is not heard must not be judged either
            only = np.zeros_like(piece)
            only[:, self._channel - 1] = piece[:, self._channel - 1]
            piece = only
        self._waiting.append(piece)
        for stretch in self._finder.push(_taken(piece, self._channel)):
            yield from self._give(stretch.frames, stretch.words)

    def flush(self) -> Iterator[Block | Lost]:
        for stretch in self._finder.flush():
            yield from self._give(stretch.frames, stretch.words)
        yield from self._sound(1)

    def _give(self, count: int, words: str) -> Iterator[Block | Lost]:
        if words:
            yield from self._sound(1)
            self.dropouts[words] += 1
            self._take(count)
            yield self._lost(count, f"dropout: {words}")
            return
        self._ready += count
        yield from self._sound(self._block)

    def _sound(self, least: int) -> Iterator[Block]:
        """Blocks of what is ready, while that is at least so many frames."""
        while self._ready >= least:
            part = self._take(min(self._ready, self._block))
            self._ready -= len(part)
            self.heard = True
            yield Block(part, self._rate_hz, self._given)
            self._given += len(part)
            self._at += len(part)

    def _take(self, count: int) -> Frames:
        """The next frames that wait, ``count`` of them."""
        parts: list[Frames] = []
        while count:
            first = self._waiting[0]
            parts.append(first[:count])
            if len(first) > count:
                self._waiting[0] = first[count:]
            else:
                del self._waiting[0]
            count -= len(parts[-1])
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def _lost(self, frames: int, reason: str) -> Lost:
        start = -(-self._at * RATE_HZ // self._rate_hz)
        self._at += frames
        return Lost(start, -(-self._at * RATE_HZ // self._rate_hz) - start, 0, reason)


def _taken(frames: Frames, channel: int) -> NDArray[np.float32]:
    """The channel that is analysed, or the mean of all."""
    if frames.shape[1] == 1:
        return frames[:, 0]
    if channel:
        return frames[:, channel - 1]
    mean: NDArray[np.float32] = frames.mean(axis=1, dtype=np.float32)
    return mean
