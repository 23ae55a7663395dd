"""A live source: a driver's callbacks in, the inputs of a pipeline out, whatever goes wrong.

`Capture.poll` is called often by the analysis thread. It books arrivals in the ledger, hands out
the sound that is certain, the gaps and the time without samples, watches the health of the
source, and opens the device again when that is called for. Nothing here waits for the device.
"""

from __future__ import annotations

import threading
from collections import deque

import numpy as np

from dsp.stage import RATE_HZ
from monitor.capture.attempt import Attempt
from monitor.capture.driver import Driver, OpenStream, Port
from monitor.capture.health import (
    HUNG_S,
    SILENT_AT_START_S,
    SILENT_S,
    Action,
    Health,
    HealthState,
)
from monitor.capture.ledger import Arrival, Hole, Ledger
from monitor.capture.ring import RING_S, Ring
from monitor.capture.timeline import Timeline
from monitor.clock import Clock
from monitor.errors import ApexbeatError, DeviceError
from monitor.events import Block, Condition, Idle, Input

IDLE_FROM_S = 0.5
"""Silence shorter than this is a late callback, not idleness."""

IDLE_STEP_S = 0.25
"""Idleness is told in pieces of at least this."""

MOST_S = 1.0
"""Sound handed out by one poll at the most."""

DRIFT_LIMIT_PPM = 10_000.0
"""A device this far off its rate is a technical alarm."""

BEHIND_S = 5.0
"""Analysis this late is a technical alarm."""

FULL_SCALE = 32768.0

_Opened = tuple[int, int, Port, OpenStream]


class Capture:
    """One live source.

    Parameters
    ----------
    driver
        The device.
    clock
        Time.
    wake
        Set whenever the device delivered or ended.
    start_index
        Absolute index (2 kHz) of the first sample.
    rate_hz, channels
        What the device must have, 0 to take its own at the first opening.
    """

    def __init__(
        self,
        driver: Driver,
        clock: Clock,
        wake: threading.Event,
        start_index: int = 0,
        rate_hz: int = 0,
        channels: int = 0,
    ) -> None:
        self.driver = driver
        self.clock = clock
        self.wake = wake
        self.start_index = start_index
        self.rate_hz = rate_hz
        self.channels = channels
        self.health = Health(clock.boot())
        self.skipped = 0
        self._arrivals: deque[Arrival] = deque()
        self._port: Port | None = None
        self._stream: OpenStream | None = None
        self._attempt: Attempt[_Opened] | None = None
        self._wrong = False
        self._conditions: dict[str, bool] = {}
        self._pending: list[Hole] = []
        self._idle_since = clock.boot()
        self._idle_told = 0.0
        self._came_s: float | None = None
        if rate_hz:
            self._prepare(rate_hz, channels)

    # ------------------------------------------------------------ for the owner

    def start(self, limit_s: float) -> None:
        """Open the device for the first time.

        Raises
        ------
        DeviceError
            If it cannot be opened, or does not answer within ``limit_s``.
        """
        attempt = self._try_open(None)
        if not attempt.wait(limit_s):
            attempt.abandon()
            raise DeviceError(
                f"{self.driver.name}: the sound system does not answer",
                "restart the sound server or unplug and plug the device",
            )
        self._adopt(attempt.result())

    def resume(self) -> None:
        """Open the device in the background: the session goes on, whenever it comes back."""
        self._attempt = self._try_open(None)

    def settle(self, limit_s: float) -> bool:
        """Wait until no call into the device is running; tell whether that is so."""
        return self._attempt is None or self._attempt.wait(limit_s)

    def poll(self) -> list[Input]:
        """What happened since the last call, in order."""
        now_s = self.clock.boot()
        came = self._book(now_s)
        inputs = self._hand_out() if self.rate_hz else []
        if self._wrong and came:
            self._wrong = False
        inputs += self._tell_idle(now_s, came)
        self._watch(now_s)
        return inputs + self._tell_conditions()

    @property
    def behind_s(self) -> float:
        """Seconds of certain sound that were not handed out yet."""
        if not self.rate_hz:
            return 0.0
        return max(0, self._ledger.certain - self._ring.read) / self.rate_hz

    @property
    def silent_s(self) -> float:
        """Seconds since samples last came; 0 while they do."""
        silent_s = self.clock.boot() - self._idle_since
        return silent_s if silent_s >= IDLE_FROM_S else 0.0

    @property
    def drift_ppm(self) -> float | None:
        """The device's clock against ours."""
        return self._ledger.drift_ppm if self.rate_hz else None

    @property
    def index(self) -> int:
        """Absolute index of the next sample to be handed out."""
        return self._timeline.index if self.rate_hz else self.start_index

    @property
    def begun(self) -> bool:
        """Whether a sample ever came."""
        return self._came_s is not None

    @property
    def index_now(self) -> int:
        """Absolute index of this moment: of the newest sample, plus the time since it came."""
        if not self.rate_hz:
            return self.start_index
        waiting = self._ledger.delivered - self._ring.read
        since_s = self.clock.boot() - self._came_s if self._came_s is not None else 0.0
        return self.index + round(waiting * RATE_HZ / self.rate_hz + since_s * RATE_HZ)

    def end(self) -> list[Input]:
        """Stop; what is left and what is missing until now. May be called once."""
        now_s = self.clock.boot()
        self._book(now_s)
        self.health.end()
        if self._port is not None:
            self._port.live = False
        if not self.rate_hz:
            return []
        self._ledger.end(now_s)
        inputs: list[Input] = []
        while part := self._hand_out(final=True):
            inputs += part
        return inputs

    def close(self, limit_s: float = 1.0) -> None:
        """Close the device, or leave it behind if that hangs."""
        self.health.end()
        if self._port is not None:
            self._port.live = False
        if self._attempt is not None:
            self._attempt.abandon()
        stream, self._stream = self._stream, None
        if stream is not None:
            Attempt(stream.close, lambda _: None, self.clock.boot()).wait(limit_s)

    # ------------------------------------------------------------ sound

    def _prepare(self, rate_hz: int, channels: int) -> None:
        self.rate_hz, self.channels = rate_hz, channels
        self._ring = Ring(round(RING_S * rate_hz), channels)
        self._ledger = Ledger(rate_hz)
        self._timeline = Timeline(rate_hz, self.start_index)
        self._flags: tuple[str, ...] = ()

    def _book(self, now_s: float) -> bool:
        came = False
        while self._arrivals:
            arrival = self._arrivals.popleft()
            self._ledger.arrive(arrival)
            self._came_s = arrival.at_s
            self._flags += tuple(f for f in arrival.flags if f not in self._flags)
            came = True
        if came:
            self._pending += self._ledger.take_holes()
            self.health.samples(now_s)
        return came

    def _hand_out(self, final: bool = False) -> list[Input]:
        """Sound and gaps that are certain, at most `MOST_S` of sound."""
        if final:
            self._pending += self._ledger.take_holes()
        inputs: list[Input] = []
        limit = min(self._ledger.certain, self._ring.oldest + round(MOST_S * self.rate_hz))
        while self._pending and self._pending[0].frame <= limit:
            hole = self._pending.pop(0)
            inputs += self._sound(hole.frame)
            inputs.append(self._timeline.lose(hole.length, hole.uncertainty, hole.reason))
        return inputs + self._sound(limit)

    def _sound(self, until: int) -> list[Input]:
        taken = self._ring.take(until)
        inputs: list[Input] = []
        if taken.lost:
            self.skipped += taken.lost
            inputs.append(self._timeline.lose(taken.lost, 0, "analysis was too slow"))
        if len(taken.frames):
            samples = taken.frames.astype(np.float32) / np.float32(FULL_SCALE)
            inputs.append(Block(samples, self.rate_hz, taken.start, self._flags))
            self._flags = ()
            self._timeline.advance(len(samples))
        return inputs

    def _tell_idle(self, now_s: float, came: bool) -> list[Input]:
        if came and not self._wrong:
            self._idle_since, self._idle_told = now_s, 0.0
            return []
        silent_s = now_s - self._idle_since
        if silent_s < IDLE_FROM_S or silent_s - self._idle_told < IDLE_STEP_S:
            return []
        told, self._idle_told = silent_s - self._idle_told, silent_s
        return [Idle(told)]

    # ------------------------------------------------------------ health

    def _watch(self, now_s: float) -> None:
        port = self._port
        if port is not None and port.live:
            if port.ended is not None:
                self._give_up(port.ended)
                self.health.lost(now_s, port.ended)
            elif self._stream is not None and (where := self._stream.moved()) is not None:
                self._wrong = True
                self._give_up(where, discard=True)
                self.health.lost(now_s, where)
        self._look_at_attempt(now_s)
        if self.health.tick(now_s) is Action.REOPEN and self._attempt is None:
            self._give_up(self.health.reason or "opened again")
            self._attempt = self._try_open(self._stream)
            self._stream = None

    def _give_up(self, reason: str, discard: bool = False) -> None:
        """Take nothing more from the present stream; sound of another input is thrown away."""
        if self._port is None or not self._port.live:
            return
        self._port.live = False
        self._book(self.clock.boot())
        skipped = self._ring.skip(self._ring.written) if discard else 0
        self._ledger.break_(reason, skipped)

    def _look_at_attempt(self, now_s: float) -> None:
        attempt = self._attempt
        if attempt is None:
            return
        if not attempt.done:
            if now_s - attempt.since_s > HUNG_S:
                attempt.abandon()
                self._attempt = None
                self.health.hung(now_s, "the sound system")
            return
        self._attempt = None
        try:
            self._adopt(attempt.result())
        except ApexbeatError as error:
            self.health.open_failed(now_s, str(error))

    def _try_open(self, old: OpenStream | None) -> Attempt[_Opened]:
        def call() -> _Opened:
            if old is not None:
                old.close()
            rate_hz, channels = self.driver.resolve()
            if self.rate_hz and (rate_hz, channels) != (self.rate_hz, self.channels):
                raise DeviceError(
                    f"{self.driver.name}: came back with {rate_hz} Hz, {channels} channels",
                    f"it was opened with {self.rate_hz} Hz, {self.channels}",
                )
            if not self.rate_hz:
                self._prepare(rate_hz, channels)
            port = Port(self._ring, self._arrivals, rate_hz, self.clock, self.wake)
            return rate_hz, channels, port, self.driver.open(port)

        def undo(opened: _Opened) -> None:
            opened[2].live = False
            opened[3].close()

        return Attempt(call, undo, self.clock.boot())

    def _adopt(self, opened: _Opened) -> None:
        now_s = self.clock.boot()
        if self._port is None:  # the first samples may take longer
            self._idle_since = now_s + SILENT_AT_START_S - SILENT_S
        _, _, self._port, self._stream = opened
        self.health.opened(now_s)

    def _tell_conditions(self) -> list[Input]:
        drift = self.drift_ppm or 0.0
        found = {
            "wrong_input": (self._wrong, self.health.reason or "another input"),
            "clock": (abs(drift) > DRIFT_LIMIT_PPM, f"device clock off by {drift / 1e4:+.1f} %"),
            "behind": (self.behind_s > BEHIND_S, f"analysis {self.behind_s:.1f} s late"),
        }
        told: list[Input] = []
        for kind, (present, evidence) in found.items():
            if present != self._conditions.get(kind, False):
                self._conditions[kind] = present
                told.append(Condition(kind, present, evidence if present else "gone"))
        return told

    @property
    def failed(self) -> bool:
        """Whether only a new process can help."""
        return self.health.state is HealthState.FAILED
