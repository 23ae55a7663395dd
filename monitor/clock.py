"""Time as an argument: what needs a clock takes one of these."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Protocol


class Clock(Protocol):
    """Seconds from three clocks; wall time is for people, never for order."""

    def monotonic(self) -> float:
        """Seconds that stop while the machine sleeps."""
        ...

    def boot(self) -> float:
        """Seconds that go on while the machine sleeps."""
        ...

    def wall(self) -> float:
        """Seconds since 1970, UTC."""
        ...

    def sleep(self, seconds: float) -> None:
        """Let ``seconds`` pass."""
        ...


@dataclass(frozen=True, slots=True)
class ClockAnchor:
    """What the clocks said at an absolute index (2 kHz); ``boot_id`` names the boot."""

    index: int
    monotonic: float
    boot: float
    wall: float
    boot_id: str


class SystemClock:
    """The machine's own clocks."""

    def monotonic(self) -> float:
        """Seconds that stop while the machine sleeps."""
        return time.monotonic()

    def boot(self) -> float:
        """Seconds that go on while the machine sleeps (where the system has such a clock)."""
        if hasattr(time, "CLOCK_BOOTTIME"):
            return time.clock_gettime(time.CLOCK_BOOTTIME)
        return time.monotonic()

    def wall(self) -> float:
        """Seconds since 1970, UTC."""
        return time.time()

    def sleep(self, seconds: float) -> None:
        """Let ``seconds`` pass."""
        time.sleep(seconds)
