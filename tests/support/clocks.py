"""Clocks that tests move."""

from __future__ import annotations

from collections.abc import Callable


class VirtualClock:
    """Stands still but for sleeping; the machine may sleep, wall time may be set."""

    def __init__(self, now: float = 1000.0, wall_step: float = 1.7e9) -> None:
        self.now = now
        self.asleep = 0.0
        self.wall_step = wall_step
        self.sleeps = 0

    def monotonic(self) -> float:
        return self.now - self.asleep

    def boot(self) -> float:
        return self.now

    def wall(self) -> float:
        return self.now + self.wall_step

    def sleep(self, seconds: float) -> None:
        assert seconds >= 0
        self.now += seconds
        self.sleeps += 1


class PlayingClock(VirtualClock):
    """Time passes by sleeping, and the device plays meanwhile."""

    def __init__(self) -> None:
        super().__init__()
        self.play: Callable[[], None] = lambda: None

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        self.play()


class HeldClock(VirtualClock):
    """Nobody sleeps by it."""

    def sleep(self, seconds: float) -> None:
        raise AssertionError
