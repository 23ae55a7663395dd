"""From arrivals to inputs: ring, ledger and timeline of one live source, used by its owner only.

Callbacks write into ``ring`` and append to ``arrivals``; `book` enters those in the ledger;
`hand_out` gives what is certain, sound and gaps in order.
"""

from __future__ import annotations

from collections import deque

import numpy as np

from dsp.stage import RATE_HZ
from monitor.capture.ledger import Arrival, Ledger, MissingFrames
from monitor.capture.ring import RING_S, Ring
from monitor.capture.timeline import Timeline
from monitor.clock import Clock
from monitor.events import Block, Input

MOST_S = 1.0
"""Sound handed out at once at the most."""

FULL_SCALE = 32768.0


class SampleAssembler:
    """Sound of one device, over all the streams that it was opened with.

    Parameters
    ----------
    start_index
        Absolute index (2 kHz) of the first sample.

    Attributes
    ----------
    skipped
        Frames that the analysis was too slow for.
    """

    def __init__(self, rate_hz: int, channels: int, start_index: int, clock: Clock) -> None:
        self.ring = Ring(round(RING_S * rate_hz), channels)
        self.arrivals: deque[Arrival] = deque()
        self.skipped = 0
        self._clock = clock
        self._rate_hz = rate_hz
        self._ledger = Ledger(rate_hz)
        self._timeline = Timeline(rate_hz, start_index)
        self._flags: tuple[str, ...] = ()
        self._pending: list[MissingFrames] = []
        self._came_s: float | None = None

    @property
    def begun(self) -> bool:
        """Whether a sample ever came."""
        return self._came_s is not None

    @property
    def index(self) -> int:
        """Absolute index of the next sample to be handed out."""
        return self._timeline.index

    @property
    def index_now(self) -> int:
        """Absolute index of this moment: of the newest sample, plus the time since it came."""
        waiting = self._ledger.delivered - self.ring.read
        since_s = 0.0 if self._came_s is None else self._clock.boot() - self._came_s
        return self.index + round(waiting * RATE_HZ / self._rate_hz + since_s * RATE_HZ)

    @property
    def behind_s(self) -> float:
        """Seconds of certain sound that were not handed out yet."""
        return max(0, self._ledger.certain - self.ring.read) / self._rate_hz

    @property
    def drift_ppm(self) -> float | None:
        """The device's clock against ours."""
        return self._ledger.drift_ppm

    def book(self) -> bool:
        """Enter what arrived in the ledger; tell whether anything did."""
        came = False
        while self.arrivals:
            arrival = self.arrivals.popleft()
            self._ledger.arrive(arrival)
            self._came_s = arrival.at_s
            self._flags += tuple(f for f in arrival.flags if f not in self._flags)
            came = True
        self._pending += self._ledger.take_holes()
        return came

    def give_up(self, reason: str, discard: bool) -> None:
        """The stream ended; with ``discard`` what was not handed out yet is lost as well."""
        self.book()
        skipped = self.ring.skip(self.ring.written) if discard else 0
        self._ledger.break_(reason, skipped)

    def end(self) -> None:
        """No more will come: what is missing until now becomes a gap."""
        self.book()
        self._ledger.end(self._clock.boot())
        self._pending += self._ledger.take_holes()

    def hand_out(self) -> list[Input]:
        """Sound and gaps that are certain, at most `MOST_S` of sound."""
        inputs: list[Input] = []
        most = self.ring.oldest + round(MOST_S * self._rate_hz)
        limit = min(self._ledger.certain, most)
        while self._pending and self._pending[0].frame <= limit:
            hole = self._pending.pop(0)
            inputs += self._sound(hole.frame)
            inputs.append(self._timeline.lose(hole.length, hole.uncertainty, hole.reason))
        return inputs + self._sound(limit)

    def _sound(self, until: int) -> list[Input]:
        taken = self.ring.take(until)
        inputs: list[Input] = []
        if taken.lost:
            self.skipped += taken.lost
            inputs.append(self._timeline.lose(taken.lost, 0, "analysis was too slow"))
        if len(taken.frames):
            samples = taken.frames.astype(np.float32) / np.float32(FULL_SCALE)
            inputs.append(Block(samples, self._rate_hz, taken.start, self._flags))
            self._flags = ()
            self._timeline.advance(len(samples))
        return inputs
