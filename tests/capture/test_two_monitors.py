"""Two monitors on one device that only one may hold: the second says so, waits, and gets it."""

from __future__ import annotations

import threading

import pytest
from clocks import VirtualClock
from test_live_capture import RATE, FakeDevice, FakeStream

from monitor.capture.driver import CaptureSink
from monitor.capture.stream import Capture
from monitor.errors import DeviceError
from monitor.events import Block, Idle


class Held(FakeStream):
    def close(self) -> None:
        self.device.holder.clear()


class OnlyOnce(FakeDevice):
    """The same hardware for all who share ``holder``."""

    def __init__(self, clock: VirtualClock, holder: list[object]) -> None:
        super().__init__(clock)
        self.holder = holder

    def open(self, port: CaptureSink) -> FakeStream:
        if self.holder:
            raise DeviceError("fake: in use by another program", "close it, or choose another")
        self.holder.append(self)
        super().open(port)
        return Held(self)


def test_a_second_monitor_of_a_held_device_is_refused_and_the_first_is_not_disturbed() -> None:
    holder: list[object] = []
    clock = VirtualClock()
    first, second = OnlyOnce(clock, holder), OnlyOnce(clock, holder)
    first.capture.start(5)
    first.run(5)
    with pytest.raises(DeviceError, match="in use by another program; close it"):
        second.capture.start(5)
    assert second.opened == 0
    first.run(5)
    assert holder == [first]
    assert not first.lost()


def test_a_monitor_whose_device_was_taken_meanwhile_says_so_and_gets_it_back() -> None:
    holder: list[object] = []
    clock = VirtualClock()
    first, second = OnlyOnce(clock, holder), OnlyOnce(clock, holder)
    second.capture = Capture(second, clock, threading.Event(), 7000, RATE, 1)
    first.capture.start(5)
    first.run(1)
    second.capture.resume()  # as a core does that goes on with its session
    second.run(5, delivers=False)
    waited_s = sum(item.seconds for item in second.inputs if isinstance(item, Idle))
    assert waited_s > 3  # signal_lost, by the pipeline
    assert "in use by another program" in second.capture.health.reason
    assert not any(isinstance(item, Block) for item in second.inputs)
    first.capture.close()
    second.run(40)
    assert holder == [second]
    assert any(isinstance(item, Block) for item in second.inputs)
