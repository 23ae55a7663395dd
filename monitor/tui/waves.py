"""The waveform as the screen keeps it, and the moment that its right edge shows.

`WaveStore` holds minimum and maximum of every 8 samples (250 pairs a second) of the last half
hour, addressed by absolute sample index at 2 kHz; what never came stays unknown. `PlayHead` turns
arrivals twice a second into an even movement: it runs behind the newest sample by a fixed
hold-back, and never past it, so a stream that stops stands still at once.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from monitor.events import RATE_HZ
from monitor.link.messages import Wave

PAIR = 8
"""Samples in one pair (`monitor.link.messages.Wave`)."""
HOLD_BACK = 6000
"""Samples (3 s) by which a live picture is late: a cycle is known 2.5 s after its first sound
(median; 2.8 s for 95 of 100), and a picture in which the newest sounds bear no names misleads."""

REPLAY_HOLD_BACK = 1200
"""The same of a replay, analysed ahead: a step of 1000 and what the machine may be late."""
AFTER_ALARM = 2000
"""Samples shown after the moment of an alarm."""
KEPT_S = 1800
SOUND_KEPT_S = 120
"""The sound itself, for the spectrogram, is kept for a shorter time."""
_UNKNOWN = -32768


class WaveStore:
    """Ring of pairs by absolute index; ``end`` is the sample after the newest one."""

    def __init__(self, seconds: float = KEPT_S) -> None:
        self._size = int(seconds * RATE_HZ / PAIR)
        self._pairs = np.full((self._size, 2), _UNKNOWN, dtype=np.int16)
        self._end = 0
        self._sound_size = int(min(seconds, SOUND_KEPT_S) * RATE_HZ)
        self._sound = np.full(self._sound_size, _UNKNOWN, dtype=np.int16)
        self._sound_end = 0

    @property
    def end(self) -> int:
        """Absolute index (2 kHz) after the newest sample."""
        return self._end * PAIR

    def add(self, wave: Wave) -> None:
        """Take one message; an older or repeated one only fills what was unknown or rewrites it."""
        pairs = np.frombuffer(wave.pairs, dtype="<i2").reshape(-1, 2)[-self._size :]
        start = wave.start // PAIR
        stop = start + len(pairs)
        if stop <= self._end - self._size:
            return
        if start > self._end:
            lost = np.arange(max(self._end, start - self._size), start) % self._size
            self._pairs[lost] = _UNKNOWN
        self._pairs[np.arange(start, stop) % self._size] = np.maximum(pairs, _UNKNOWN + 1)
        self._end = max(self._end, stop)
        self._add_sound(wave)

    def _add_sound(self, wave: Wave) -> None:
        size = self._sound_size
        sound = np.frombuffer(wave.samples, dtype="<i2")[-size:]
        stop = wave.start + len(sound)
        if not len(sound) or stop <= self._sound_end - size:
            return
        if wave.start > self._sound_end:
            lost = np.arange(max(self._sound_end, wave.start - size), wave.start) % size
            self._sound[lost] = _UNKNOWN
        self._sound[np.arange(wave.start, stop) % size] = np.maximum(sound, _UNKNOWN + 1)
        self._sound_end = max(self._sound_end, stop)

    def sound(self, start: int, stop: int) -> NDArray[np.float64]:
        """Samples at 2 kHz, full scale ±1, NaN where unknown or no longer kept."""
        at = np.arange(start, stop)
        known = (at >= max(0, self._sound_end - self._sound_size)) & (at < self._sound_end)
        sound = self._sound[at % self._sound_size]
        known &= sound != _UNKNOWN
        return np.where(known, sound / 32767, np.nan)

    def holds(self, index: int) -> bool:
        """Whether the sound at ``index`` is here."""
        pair = index // PAIR
        inside = max(0, self._end - self._size) <= pair < self._end
        return inside and bool(self._pairs[pair % self._size, 0] != _UNKNOWN)

    def columns(
        self, start: int, count: int, samples: int
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Minimum and maximum of ``count`` consecutive spans of ``samples``, full scale ±1.

        ``start`` and ``samples`` are multiples of `PAIR`. Unknown spans are NaN.
        """
        per = samples // PAIR
        first = start // PAIR
        at = np.arange(first, first + count * per)
        known = (at >= max(0, self._end - self._size)) & (at < self._end)
        pairs = self._pairs[at % self._size]
        known &= pairs[:, 0] != _UNKNOWN
        low = np.where(known, pairs[:, 0], np.inf).reshape(count, per).min(axis=1)
        high = np.where(known, pairs[:, 1], -np.inf).reshape(count, per).max(axis=1)
        empty = np.isinf(low)
        return (
            np.where(empty, np.nan, low / 32767),
            np.where(empty, np.nan, high / 32767),
        )


class PlayHead:
    """Where the right edge of a live picture stands, from irregular arrivals.

    The offset between index and clock follows the earliest arrivals, and forgets at 1 % so that
    a device that runs slow is followed; a jump (gap, new start) is taken at once.
    """

    def __init__(self, hold_back: int = HOLD_BACK) -> None:
        self._hold_back = hold_back
        self._offset: float | None = None
        self._arrived = 0.0

    def arrived(self, end: int, now: float) -> None:
        """Sound up to ``end`` came at ``now`` (monotonic seconds)."""
        seen = end - RATE_HZ * now
        if self._offset is None or abs(seen - self._offset) > 2 * RATE_HZ:
            self._offset = seen
        else:
            leak = 0.01 * RATE_HZ * max(0.0, now - self._arrived)
            self._offset = max(seen, self._offset - leak)
        self._arrived = now

    def at(self, now: float, end: int) -> int:
        """Index of the right edge at ``now``; never after ``end``, the newest sample."""
        if self._offset is None:
            return end
        return max(0, min(end, int(self._offset + RATE_HZ * now) - self._hold_back))
