"""A live source: a driver's callbacks in, the inputs of a pipeline out, whatever goes wrong.

`Capture.poll` is called often by the analysis thread. It books arrivals in the ledger, hands out
the sound that is certain, the gaps and the time without samples, watches the health of the
source, and opens the device again when that is called for. Nothing here waits for the device.
"""

from __future__ import annotations

import threading

from monitor.capture.attempt import AbandonableCall
from monitor.capture.driver import CaptureSink, Driver, OpenStream
from monitor.capture.feed import SampleAssembler
from monitor.capture.health import (
    HUNG_S,
    SILENT_AT_START_S,
    Action,
    Health,
    HealthState,
)
from monitor.clock import Clock
from monitor.errors import DeviceError
from monitor.events import Condition, Idle, Input

IDLE_FROM_S = 0.5
"""Silence shorter than this is a late callback, not idleness."""

IDLE_STEP_S = 0.25
"""Idleness is told in pieces of at least this."""

LOST_S = 2.0
"""When silence has lasted so long, that is told at once: it is an alarm."""

DRIFT_LIMIT_PPM = 9_900.0
"""A device this far off its rate is a technical alarm: 1 %, less what the measurement is off."""

DRIFT_CLEAR_PPM = 9_500.0
"""It clears below this."""

BEHIND_S = 5.0
"""Analysis this late is a technical alarm."""

_Opened = tuple[CaptureSink, OpenStream]


class Capture:
    """One live source.

    Parameters
    ----------
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
        self._feed: SampleAssembler | None = None
        self._port: CaptureSink | None = None
        self._stream: OpenStream | None = None
        self._attempt: AbandonableCall[_Opened] | None = None
        self._wrong = False
        self._conditions: dict[str, bool] = {}
        self._idle_since = clock.boot()
        self._idle_told = 0.0
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
        came, inputs = self._take(now_s)
        if self._wrong and came:
            self._wrong = False
        inputs += self._tell_idle(now_s, came)
        self._watch(now_s)
        return inputs + self._tell_conditions()

    @property
    def behind_s(self) -> float:
        """Seconds of certain sound that were not handed out yet."""
        return 0.0 if self._feed is None else self._feed.behind_s

    @property
    def silent_s(self) -> float:
        """Seconds since samples last came; 0 while they do."""
        silent_s = self.clock.boot() - self._idle_since
        return silent_s if silent_s >= IDLE_FROM_S else 0.0

    @property
    def drift_ppm(self) -> float | None:
        """The device's clock against ours."""
        return None if self._feed is None else self._feed.drift_ppm

    @property
    def index(self) -> int:
        """Absolute index of the next sample to be handed out."""
        return self.start_index if self._feed is None else self._feed.index

    @property
    def index_now(self) -> int:
        """Absolute index of this moment."""
        return self.start_index if self._feed is None else self._feed.index_now

    @property
    def begun(self) -> bool:
        """Whether a sample ever came."""
        return self._feed is not None and self._feed.begun

    @property
    def failed(self) -> bool:
        """Whether only a new process can help."""
        return self.health.state is HealthState.FAILED

    def end(self) -> list[Input]:
        """Stop; what is left and what is missing until now. May be called once."""
        self.health.end()
        if self._port is not None:
            self._port.live = False
        inputs: list[Input] = []
        if self._feed is not None:
            self._feed.end()
            while part := self._feed.hand_out():
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
            AbandonableCall(stream.close, lambda _: None, self.clock.boot()).wait(limit_s)

    # ------------------------------------------------------------ sound

    def _take(self, now_s: float) -> tuple[bool, list[Input]]:
        """Whether samples arrived, and what is certain."""
        if self._feed is None:
            return False, []
        came = self._feed.book()
        if came:
            self.health.samples(now_s)
        return came, self._feed.hand_out()

    def _tell_idle(self, now_s: float, came: bool) -> list[Input]:
        if came and not self._wrong:
            self._idle_since, self._idle_told = now_s, 0.0
            return []
        silent_s = now_s - self._idle_since
        lost = self._idle_told < LOST_S <= silent_s
        if silent_s < IDLE_FROM_S or (silent_s - self._idle_told < IDLE_STEP_S and not lost):
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
            try:
                self._attempt = self._try_open(self._stream)
            except (RuntimeError, MemoryError) as error:  # no thread for it now
                self.health.open_failed(now_s, f"not opened: {error}")
            else:
                self._stream = None

    def _give_up(self, reason: str, discard: bool = False) -> None:
        """Take nothing more from the present stream; sound of another input is thrown away."""
        if self._port is None or not self._port.live:
            return
        self._port.live = False
        if self._feed is not None:
            self._feed.give_up(reason, discard)

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
        except Exception as error:  # noqa: BLE001 - whatever a device does, we go on trying
            self.health.open_failed(now_s, str(error) or type(error).__name__)

    def _prepare(self, rate_hz: int, channels: int) -> SampleAssembler:
        self.rate_hz, self.channels = rate_hz, channels
        self._feed = SampleAssembler(rate_hz, channels, self.start_index, self.clock)
        return self._feed

    def _try_open(self, old: OpenStream | None) -> AbandonableCall[_Opened]:
        def call() -> _Opened:
            if old is not None:
                old.close()
            rate_hz, channels = self.driver.resolve()
            if self.rate_hz and (rate_hz, channels) != (self.rate_hz, self.channels):
                raise DeviceError(
                    f"{self.driver.name}: came back with {rate_hz} Hz, {channels} channels",
                    f"it was opened with {self.rate_hz} Hz, {self.channels}",
                )
            feed = self._feed or self._prepare(rate_hz, channels)
            port = CaptureSink(feed.ring, feed.arrivals, rate_hz, self.clock, self.wake)
            return port, self.driver.open(port)

        def undo(opened: _Opened) -> None:
            opened[0].live = False
            opened[1].close()

        return AbandonableCall(call, undo, self.clock.boot())

    def _adopt(self, opened: _Opened) -> None:
        now_s = self.clock.boot()
        if self._port is None:  # the first samples may take longer
            self._idle_since = now_s + SILENT_AT_START_S - LOST_S
        self._port, self._stream = opened
        self.health.opened(now_s)

    def _tell_conditions(self) -> list[Input]:
        drift = self.drift_ppm or 0.0
        off = self._conditions.get("clock", False)
        limit = DRIFT_CLEAR_PPM if off else DRIFT_LIMIT_PPM
        found = {
            "wrong_input": (self._wrong, self.health.reason or "another input"),
            "clock": (abs(drift) > limit, f"device clock off by {drift / 1e4:+.1f} %"),
            "behind": (self.behind_s > BEHIND_S, f"analysis {self.behind_s:.1f} s late"),
        }
        told: list[Input] = []
        for kind, (present, evidence) in found.items():
            if present != self._conditions.get(kind, False):
                self._conditions[kind] = present
                told.append(Condition(kind, present, evidence if present else "gone"))
        return told
