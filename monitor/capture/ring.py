"""The last seconds of sound as int16, between the device's callback and the analysis thread.

One writer, one reader, no lock: the writer claims, copies, then counts; the reader copies, then
looks whether the writer's claim came round to what it copied. Positions are absolute frames since
the ring was made, so sound that the reader was too late for is counted to the frame.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Int16Array = NDArray[np.int16]

RING_S = 10.0
"""Length of a ring in seconds of sound."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What one read gave.

    Attributes
    ----------
    lost
        Frames overwritten before they could be read; they lie before ``frames``.
    start
        Absolute frame of ``frames[0]``.
    frames
        int16 [n, channels].
    """

    lost: int
    start: int
    frames: Int16Array


class Ring:
    """Ring of frames with an absolute index."""

    def __init__(self, capacity: int, channels: int) -> None:
        if capacity < 1 or channels < 1:
            raise ValueError("a ring needs at least one frame and one channel")
        self._data: Int16Array = np.zeros((capacity, channels), dtype=np.int16)
        self._capacity = capacity
        self._claimed = 0
        self._written = 0
        self._read = 0

    @property
    def channels(self) -> int:
        """Channels of a frame."""
        return int(self._data.shape[1])

    @property
    def written(self) -> int:
        """Frames written since the ring was made."""
        return self._written

    @property
    def oldest(self) -> int:
        """Absolute frame that the next read can begin with."""
        return min(max(self._read, self._claimed - self._capacity), self._written)

    @property
    def read(self) -> int:
        """Frames read or lost since the ring was made."""
        return self._read

    def write(self, frames: Int16Array) -> None:
        """Append int16 [n, channels]; never waits. Called by the device's callback only."""
        count = frames.shape[0]
        start = self._written
        self._claimed = start + count
        if count > self._capacity:  # only the end of it can stay
            start += count - self._capacity
            frames = frames[-self._capacity :]
        at = start % self._capacity
        first = min(frames.shape[0], self._capacity - at)
        self._data[at : at + first] = frames[:first]
        self._data[: frames.shape[0] - first] = frames[first:]
        self._written = self._claimed

    def take(self, until: int) -> Taken:
        """Read up to absolute frame ``until`` (or to what is written). Called by the reader only.

        Sound that was overwritten is counted as lost, never given out changed.
        """
        end = min(until, self._written)
        start = min(self.oldest, end)
        while True:
            frames = self._copy(start, end)
            oldest = min(max(start, self._claimed - self._capacity), end)
            if oldest == start:
                break
            start = oldest  # the writer came round while we copied
        lost = max(start - self._read, 0)
        self._read = max(end, self._read)
        return Taken(lost, start, frames)

    def skip(self, until: int) -> int:
        """Pass over what was not read before ``until``; return how many frames that were."""
        end = max(min(until, self._written), self._read)
        skipped = end - self._read
        self._read = end
        return skipped

    def _copy(self, start: int, end: int) -> Int16Array:
        count = end - start
        if count <= 0:
            return np.zeros((0, self.channels), dtype=np.int16)
        at = start % self._capacity
        first = min(count, self._capacity - at)
        return np.concatenate([self._data[at : at + first], self._data[: count - first]])
