"""The continuity ledger: what a device delivered, and what never came.

Arrivals (frames, time of the callback) go in; out come the frames that are certain, the holes
between them, and the measured rate. Pure: every time is an argument, in seconds of a clock that
goes on while the machine sleeps.

How a hole is told from a late callback: each arrival has an *offset*, its time less the time that
all frames so far last. Late callbacks lift it for a moment, a backlog that comes in a burst brings
it down again; frames that are gone lift it for good. So a lifted arrival freezes what is certain
until the offset is down again (nothing was lost) or has found its new floor for `SETTLE_S` (the
difference of the floors is the hole). A device clock that is fast or slow moves the floor slowly:
that is drift, measured, and never a hole.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace

from monitor.capture.drift import RateMeter

FLOOR_S = 1.0
"""The floor is the least offset of this many seconds."""

SETTLE_S = 0.5
"""A new floor must hold for this long before a hole is booked."""

LIFT_S = 0.06
"""An offset this far above the floor (or two blocks, if those are longer) stops certainty."""

LEAST_S = 0.002
"""Holes that a flag announced are booked from this length on."""

SLEEP_S = 1.0
"""If the clock of the boot ran this much further than the one that sleeps, the machine slept."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """One callback of the device.

    Attributes
    ----------
    frames
        Frames that it brought.
    at_s
        Its time on a clock that counts sleep.
    awake_s
        Its time on a clock that stops in sleep.
    flags
        What the device said.
    """

    frames: int
    at_s: float
    awake_s: float
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Hole:
    """Frames that never came.

    Attributes
    ----------
    frame
        Delivered frames before it.
    length, uncertainty
        Frames at the device's nominal rate.
    reason
        Words for the record.
    """

    frame: int
    length: int
    uncertainty: int
    reason: str


@dataclass(frozen=True, slots=True)
class _Point:
    at_s: float
    frames: int  # delivered and booked
    offset_s: float


@dataclass(slots=True)
class _Watch:
    """Certainty stands still at ``frame`` until the offset has settled."""

    frame: int
    floor: _Point
    least_s: float
    forced: bool
    reason: str
    best: _Point | None = None


class Ledger:
    """Delivered plus booked is what should have come.

    Parameters
    ----------
    rate_hz
        Nominal rate of the device.
    """

    def __init__(self, rate_hz: int) -> None:
        self.rate_hz = rate_hz
        self.delivered = 0
        self.booked = 0
        self.certain = 0
        self.meter = RateMeter(rate_hz)
        self._recent: deque[_Point] = deque()
        self._watch: _Watch | None = None
        self._last: Arrival | None = None
        self._stream_since: float | None = None
        self._block = 0
        self._holes: list[Hole] = []

    @property
    def drift_ppm(self) -> float | None:
        """How much faster than its nominal rate the device runs; None before it is known."""
        return self.meter.drift_ppm

    def arrive(self, arrival: Arrival) -> None:
        """Book one callback."""
        before = self.delivered
        self.delivered += arrival.frames
        point = self._point(arrival.at_s)
        if self._stream_since is None:
            self._stream_since = arrival.at_s
        slept = self._slept(arrival)
        self._last = arrival
        self._block = max(arrival.frames, self._block - self._block // 64)
        if self._watch is None:
            self._open_watch(before, point, arrival, slept)
        elif slept and not self._watch.forced:
            self._watch.reason = "the machine slept"
        if self._watch is None:
            self._steady(point)
        else:
            self._settle(self._watch, point)

    def break_(self, reason: str) -> None:
        """The stream ended; what arrives next belongs to a new one."""
        floor = self._floor()
        if self._watch is not None:
            self._watch.forced, self._watch.reason, self._watch.best = True, reason, None
        elif floor is not None:
            self._watch = _Watch(self.delivered, floor, 0.0, True, reason)
        self._stream_since = None
        self.meter.restart()

    def end(self, at_s: float) -> None:
        """No more will come: book what is missing until ``at_s`` and make the rest certain."""
        floor = self._watch.floor if self._watch else self._floor()
        if floor is not None:
            where = self._watch.frame if self._watch else self.delivered
            reason = self._watch.reason if self._watch else "no samples until the end"
            offset_s = at_s - (self.delivered + self.booked) / self.rate_hz
            end = _Point(at_s, self.delivered + self.booked, offset_s)
            if end.offset_s - floor.offset_s > self._lift_s():
                self._book(where, floor, end, reason)
        self._watch = None
        self.certain = self.delivered

    def take_holes(self) -> list[Hole]:
        """The holes that became certain since the last call, in order."""
        holes, self._holes = self._holes, []
        return holes

    # ------------------------------------------------------------ inside

    def _point(self, at_s: float) -> _Point:
        frames = self.delivered + self.booked
        return _Point(at_s, frames, at_s - frames / self.rate_hz)

    def _floor(self) -> _Point | None:
        return min(self._recent, key=lambda p: p.offset_s) if self._recent else None

    def _lift_s(self) -> float:
        return max(LIFT_S, 2 * self._block / self.rate_hz)

    def _slept(self, arrival: Arrival) -> bool:
        last = self._last
        if last is None:
            return False
        return (arrival.at_s - last.at_s) - (arrival.awake_s - last.awake_s) > SLEEP_S

    def _open_watch(self, before: int, point: _Point, arrival: Arrival, slept: bool) -> None:
        floor = self._floor()
        if floor is None or self._stream_since is None:
            return
        lift_s = point.offset_s - floor.offset_s
        if arrival.flags:
            self._watch = _Watch(before, floor, LEAST_S, False, "device overflow")
        elif slept:
            self._watch = _Watch(before, floor, self._lift_s(), False, "the machine slept")
        elif lift_s > self._lift_s() and point.at_s - self._stream_since > FLOOR_S:
            self._watch = _Watch(before, floor, self._lift_s(), False, "the device stalled")

    def _steady(self, point: _Point) -> None:
        self._recent.append(point)
        while self._recent[0].at_s < point.at_s - FLOOR_S:
            self._recent.popleft()
        self.certain = self.delivered
        self.meter.add(point.at_s, point.frames, point.offset_s)

    def _settle(self, watch: _Watch, point: _Point) -> None:
        lift_s = point.offset_s - watch.floor.offset_s
        if not watch.forced and lift_s <= watch.least_s / 2:
            self._resume(point)
            return
        if watch.best is None or point.offset_s < watch.best.offset_s - LEAST_S:
            watch.best = point
        if point.at_s - watch.best.at_s < SETTLE_S:
            return
        if watch.forced or watch.best.offset_s - watch.floor.offset_s > watch.least_s:
            self._book(watch.frame, watch.floor, watch.best, watch.reason)
        self._resume(self._point(point.at_s))

    def _resume(self, point: _Point) -> None:
        self._watch = None
        self._recent.clear()
        self._steady(point)

    def _book(self, frame: int, floor: _Point, found: _Point, reason: str) -> None:
        elapsed_s = found.at_s - floor.at_s
        expected = elapsed_s * self.meter.rate_hz
        missing = round(expected - (found.frames - floor.frames))
        missing = max(missing, 1)
        doubt = self._block + round(elapsed_s * self.rate_hz * self.meter.doubt)
        self.booked += missing
        last = self._holes[-1] if self._holes else None
        if last is not None and last.frame == frame:
            self._holes[-1] = replace(
                last, length=last.length + missing, uncertainty=last.uncertainty + doubt
            )
        else:
            self._holes.append(Hole(frame, missing, doubt, reason))
