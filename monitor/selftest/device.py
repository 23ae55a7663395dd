"""``apexbeat selftest --device``: is this a chest? Device, level, clipping, continuity, a heart.

Listens for `LISTEN_S` through the same capture and pipeline as a session, and records nothing.
That the model answers its reference window as it must was checked when it was opened.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from monitor import events as ev
from monitor.assembly import Models, build_pipeline
from monitor.capture.driver import Driver
from monitor.capture.stream import Capture
from monitor.clock import Clock
from monitor.config.load import Settings
from monitor.events import RATE_HZ
from monitor.live.source import OPEN_S
from monitor.selftest.installation import Failed

LISTEN_S = 15.0
QUIET_DB = -60.0
"""A peak below this is a membrane that touches nothing, or a gain that is down."""

BEATS = 5
"""Whole cycles that prove a heart."""


@dataclass
class _Observation:
    peak_db: float = float("-inf")
    clipped: int = 0
    samples: int = 0
    lost: list[ev.Lost] = field(default_factory=list)
    beats: int = 0
    rate: float | None = None
    quality: list[str] = field(default_factory=list)
    moved: str = ""

    def take(self, item: ev.Input, output: ev.Output) -> None:
        if isinstance(item, ev.Lost):
            self.lost.append(item)
        elif isinstance(item, ev.Condition) and item.kind == "wrong_input" and item.present:
            self.moved = item.evidence
        self.note(output)

    def note(self, output: ev.Output) -> None:
        for picture in output.pictures:
            self.peak_db = max(self.peak_db, picture.level_db)
            self.clipped += picture.clipped
            self.samples += len(picture.samples)
        for line in output.events:
            if isinstance(line, ev.Beat) and None not in (line.s1, line.s2, line.end):
                self.beats += 1
            elif isinstance(line, ev.Vitals) and line.rate is not None:
                self.rate = line.rate
            elif isinstance(line, ev.Quality):
                self.quality.append(line.value)


def checks(
    driver: Driver, settings: Settings, models: Models, clock: Clock
) -> list[tuple[str, Callable[[], str]]]:
    """Listen, then return title and check; a check returns words or raises ``Failed``.

    Raises
    ------
    DeviceError
        If the device cannot be opened.
    """
    capture = Capture(driver, clock, threading.Event())
    capture.start(OPEN_S)
    try:
        heard = _listen(capture, settings, models, clock)
    finally:
        capture.close()

    def device() -> str:
        if heard.moved:
            raise Failed(heard.moved)
        if not heard.samples:
            raise Failed(f"{driver.name}: no samples in {LISTEN_S:.0f} s")
        return f"{driver.name}, {capture.rate_hz} Hz, {capture.channels} ch"

    def level() -> str:
        if heard.peak_db < QUIET_DB:
            raise Failed(f"peak {heard.peak_db:.0f} dB: nothing is heard; is the gain down?")
        return f"peak {heard.peak_db:.0f} dB full scale"

    def clipping() -> str:
        if heard.clipped:
            raise Failed(f"{heard.clipped} samples at full scale: lower the gain of the device")
        return "none"

    def continuity() -> str:
        if heard.lost:
            lost_s = sum(gap.length for gap in heard.lost) / RATE_HZ
            raise Failed(f"{len(heard.lost)} gaps, {lost_s:.2f} s ({heard.lost[0].reason})")
        return f"{heard.samples / RATE_HZ:.1f} s without a gap"

    def heart() -> str:
        last = heard.quality[-1] if heard.quality else "unknown"
        if heard.beats < BEATS:
            raise Failed(f"NO_HEART: {heard.beats} whole cycles, signal {last}; move the membrane")
        rate = "--" if heard.rate is None else f"{heard.rate:.0f}/min"
        return f"{heard.beats} whole cycles, {rate}, signal {last}"

    return [
        ("device", device),
        ("level", level),
        ("clipping", clipping),
        ("continuity", continuity),
        ("heart", heart),
    ]


def _listen(capture: Capture, settings: Settings, models: Models, clock: Clock) -> _Observation:
    pipe = build_pipeline(settings, models, capture.driver.name, capture.rate_hz, capture.channels)
    heard = _Observation()
    until_s = clock.monotonic() + LISTEN_S
    while clock.monotonic() < until_s:
        clock.sleep(0.1)
        for item in capture.poll():
            heard.take(item, pipe.push(item))
    heard.note(pipe.finish())  # what the device still holds is no gap
    return heard
