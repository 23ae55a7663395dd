"""The play-head of a replay: which moment of the file is shown now.

It moves by a clock that is handed in, over what has been analysed so far, and waits there. Pause,
speed and seek change where it stands and how fast it moves; the analysis never hears of them.
"""

from __future__ import annotations

from dsp.stage import RATE_HZ
from monitor.clock import Clock

SLOWEST, FASTEST = 0.05, 100.0


class Playhead:
    """Where a replay stands.

    Parameters
    ----------
    clock
        Monotonic seconds.
    speed
        1.0 is the pace of the recording.

    Attributes
    ----------
    paused, speed
        How it moves.
    """

    def __init__(self, clock: Clock, speed: float = 1.0) -> None:
        self._clock = clock
        self._from = 0.0  # index at the moment `_since`
        self._since = clock.monotonic()
        self.paused = False
        self.speed = min(max(speed, SLOWEST), FASTEST)

    def at(self, limit: int) -> int:
        """Absolute index (2 kHz) now; never past ``limit``, where it waits."""
        now = self._clock.monotonic()
        if not self.paused:
            self._from += (now - self._since) * RATE_HZ * self.speed
        self._since = now
        # Time spent waiting for the analysis is not caught up with.
        self._from = min(self._from, float(limit))
        return int(self._from)

    def pause(self, on: bool, limit: int) -> None:
        """Stand still, or go on."""
        self.at(limit)
        self.paused = on

    def pace(self, speed: float, limit: int) -> None:
        """Move at another speed from here on.

        Raises
        ------
        ValueError
            If it is out of range.
        """
        if not SLOWEST <= speed <= FASTEST:
            raise ValueError(f"a speed is between {SLOWEST:g} and {FASTEST:g}")
        self.at(limit)
        self.speed = speed

    def seek(self, index: int, limit: int) -> int:
        """Stand at ``index``, or at the nearest end of what there is; return where."""
        self._from = float(min(max(index, 0), limit))
        self._since = self._clock.monotonic()
        return int(self._from)
