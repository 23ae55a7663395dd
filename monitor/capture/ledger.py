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

START_LIFT_S = 0.5
"""The same in the first `FLOOR_S` of a stream, which may begin with a burst."""

SLEEP_S = 1.0
"""If the clock of the boot ran this much further than the one that sleeps, the machine slept."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """One callback of the device.

    Attributes
    ----------
    at_s
        Its time on a clock that counts sleep.
    awake_s
        Its time on a clock that stops in sleep.
    """

    frames: int
    at_s: float
    awake_s: float
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MissingFrames:
    """Frames that never came.

    Attributes
    ----------
    frame
        Delivered frames before it.
    length, uncertainty
        Frames at the device's nominal rate.
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
    discarded: int = 0


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
        self._holes: list[MissingFrames] = []

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
        watch = self._watch
        if watch is not None:
            if slept and not watch.forced:
                watch.reason = "the machine slept"
            if not self._settled(watch, point):
                return
            point = self._point(arrival.at_s)
        self._watch = self._lifted(before, point, arrival, slept)
        if self._watch is None:
            self._steady(point)
        else:
            self._settled(self._watch, point)

    def break_(self, reason: str, discarded: int = 0) -> None:
        """The stream ended; what arrives next belongs to a new one.

        Parameters
        ----------
        discarded
            Delivered frames that were thrown away (sound of another input): lost as well.
        """
        floor = self._floor()
        if self._watch is not None:
            self._watch.forced, self._watch.reason, self._watch.best = True, reason, None
        elif floor is not None:
            self._watch = _Watch(self.delivered, floor, 0.0, True, reason)
        if self._watch is not None:
            self._watch.discarded += discarded
        self._stream_since = None
        self.meter.restart()

    def end(self, at_s: float) -> None:
        """No more will come: book what is missing until ``at_s`` and make the rest certain."""
        watch = self._watch
        floor = self._floor()
        if watch is None and floor is not None:
            reason = "no samples until the end"
            watch = _Watch(self.delivered, floor, self._lift_s(), False, reason)
        if watch is not None:
            end = self._point(at_s)
            if watch.forced or end.offset_s - watch.floor.offset_s > self._lift_s():
                self._book(watch, end)
        self._watch = None
        self.certain = self.delivered

    def take_holes(self) -> list[MissingFrames]:
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

    def _lifted(self, before: int, point: _Point, arrival: Arrival, slept: bool) -> _Watch | None:
        """A watch, if this arrival may have come after a loss."""
        floor = self._floor()
        if floor is None:
            return None
        lift_s, least_s = point.offset_s - floor.offset_s, self._lift_s()
        if arrival.flags:
            return _Watch(before, floor, LEAST_S, False, "device overflow")
        if slept:
            return _Watch(before, floor, least_s, False, "the machine slept")
        if lift_s > least_s and (lift_s > START_LIFT_S or not self._starting(point)):
            return _Watch(before, floor, least_s, False, "the device stalled")
        return None

    def _starting(self, point: _Point) -> bool:
        return self._stream_since is None or point.at_s - self._stream_since <= FLOOR_S

    def _steady(self, point: _Point) -> None:
        self._recent.append(point)
        while self._recent[0].at_s < point.at_s - FLOOR_S:
            self._recent.popleft()
        self.certain = self.delivered
        self.meter.add(point.at_s, point.frames, point.offset_s, self._lift_s())

    def _settled(self, watch: _Watch, point: _Point) -> bool:
        """Tell whether it is known what was lost; if so it is booked and the floor is new."""
        lift_s = point.offset_s - watch.floor.offset_s
        if not watch.forced and lift_s <= watch.least_s / 2:
            self._stand_on(point)
            return True
        if watch.best is None or point.offset_s < watch.best.offset_s - LEAST_S:
            watch.best = point
        if point.at_s - watch.best.at_s < SETTLE_S:
            return False
        missing = 0
        if watch.forced or watch.best.offset_s - watch.floor.offset_s > watch.least_s:
            missing = self._book(watch, watch.best)
        frames = watch.best.frames + missing
        self._stand_on(_Point(watch.best.at_s, frames, watch.best.at_s - frames / self.rate_hz))
        return True

    def _stand_on(self, floor: _Point) -> None:
        self._watch = None
        self._recent.clear()
        self._recent.append(floor)

    def _book(self, watch: _Watch, found: _Point) -> int:
        elapsed_s = found.at_s - watch.floor.at_s
        expected = elapsed_s * self.meter.rate_hz
        missing = max(round(expected - (found.frames - watch.floor.frames)), 1)
        doubt = self._block + round(elapsed_s * self.rate_hz * self.meter.doubt)
        self.booked += missing
        length = missing + watch.discarded
        last = self._holes[-1] if self._holes else None
        if last is not None and last.frame == watch.frame:
            self._holes[-1] = replace(
                last, length=last.length + length, uncertainty=last.uncertainty + doubt
            )
        else:
            self._holes.append(MissingFrames(watch.frame, length, doubt, watch.reason))
        return missing
