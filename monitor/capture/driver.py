"""What a live device is to the capture: something that opens, delivers and may hang.

A driver's calls run on threads that can be abandoned (`attempt`); its callback writes into a
`CaptureSink` and returns.
"""

from __future__ import annotations

import threading
from collections import deque
from typing import Literal, Protocol

from monitor.capture.ledger import Arrival
from monitor.capture.ring import Int16Array, Ring
from monitor.clock import Clock

MANY_ARRIVALS = 4096
"""Callbacks kept for the ledger one by one; more are folded into the last."""


class CaptureSink:
    """Where the callback of one opened stream delivers; dead once the stream is given up.

    Parameters
    ----------
    ring, arrivals
        Of the capture; they outlive the stream.
    rate_hz
        To open the device with; so are the ring's channels.
    wake
        Set when something came.
    """

    def __init__(
        self,
        ring: Ring,
        arrivals: deque[Arrival],
        rate_hz: int,
        clock: Clock,
        wake: threading.Event,
    ) -> None:
        self.rate_hz = rate_hz
        self.channels = ring.channels
        self.live = True
        self.ended: str | None = None
        self._ring = ring
        self._arrivals = arrivals
        self._clock = clock
        self._wake = wake

    def deliver(self, frames: Int16Array, flags: tuple[str, ...] = ()) -> None:
        """Frames int16 [n, channels] came; never waits. Called by the device's callback."""
        if not self.live:
            return
        arrival = Arrival(len(frames), self._clock.boot(), self._clock.monotonic(), flags)
        self._ring.write(frames)
        if len(self._arrivals) >= MANY_ARRIVALS:
            arrival = self._fold(arrival)
        self._arrivals.append(arrival)
        self._wake.set()

    def end(self, reason: str) -> None:
        """The stream ended by itself. Called by the device's callback."""
        if self.live and self.ended is None:
            self.ended = reason
            self._wake.set()

    def _fold(self, arrival: Arrival) -> Arrival:
        try:
            last = self._arrivals.pop()
        except IndexError:  # the reader took all of them just now
            return arrival
        return Arrival(
            last.frames + arrival.frames,
            arrival.at_s,
            arrival.awake_s,
            last.flags + tuple(f for f in arrival.flags if f not in last.flags),
        )


class OpenStream(Protocol):
    """A stream that was opened."""

    def moved(self) -> str | None:
        """Words if the operating system took the stream to another device; never waits."""
        ...

    def close(self) -> None:
        """Stop and close; may hang."""
        ...


class Driver(Protocol):
    """One device, named by an identity that survives unplugging."""

    @property
    def name(self) -> str:
        """For people."""
        ...

    @property
    def kind(self) -> Literal["live", "phantom"]:
        """What a status calls its source."""
        ...

    def resolve(self) -> tuple[int, int]:
        """Find the device now: its rate in Hz and channels; may hang.

        Raises
        ------
        DeviceError
            If it is not there.
        """
        ...

    def open(self, port: CaptureSink) -> OpenStream:
        """Open and start it; may hang.

        Raises
        ------
        DeviceError
            If it is in use or refuses.
        """
        ...
