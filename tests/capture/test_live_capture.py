"""The capture over a scripted device in virtual time: faults, sound kept, sound booked."""

from __future__ import annotations

import threading
from typing import Literal

import numpy as np
import pytest
from clocks import VirtualClock
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.capture.driver import CaptureSink
from monitor.capture.health import HealthState
from monitor.capture.stream import Capture
from monitor.errors import DeviceError
from monitor.events import Block, Condition, Idle, Input, Lost

RATE = 4000
BLOCK = 80


class FakeStream:
    def __init__(self, device: FakeDevice) -> None:
        self.device = device

    def moved(self) -> str | None:
        return self.device.moved_to

    def close(self) -> None:
        if self.device.hangs:
            self.device.released.wait(20)


class FakeDevice:
    """A driver whose sound is a counter: each sample says which one it is."""

    name = "fake"
    kind: Literal["live", "phantom"] = "live"

    def __init__(self, clock: VirtualClock) -> None:
        self.clock = clock
        self.port: CaptureSink | None = None
        self.present = True
        self.moved_to: str | None = None
        self.hangs = False
        self.released = threading.Event()
        self.opened = 0
        self.made = 0
        self.inputs: list[Input] = []
        self.capture = Capture(self, clock, threading.Event())

    def resolve(self) -> tuple[int, int]:
        if self.hangs:
            self.released.wait(20)
        if not self.present:
            raise DeviceError("fake: not there")
        return RATE, 1

    def open(self, port: CaptureSink) -> FakeStream:
        self.port, self.moved_to = port, None
        self.opened += 1
        return FakeStream(self)

    # -------- the test's side

    def run(self, seconds: float, delivers: bool = True, flags: tuple[str, ...] = ()) -> None:
        for _ in range(round(seconds * RATE / BLOCK)):
            self.clock.now += BLOCK / RATE
            frames = (np.arange(self.made, self.made + BLOCK) % 30000).astype(np.int16)[:, None]
            self.made += BLOCK
            if delivers and self.port is not None:
                self.port.deliver(frames, flags)
                flags = ()
            if self.made % (4 * BLOCK) == 0:
                self.poll()
        self.poll()

    def poll(self) -> None:
        if not self.hangs:
            self.capture.settle(20)
        self.inputs += self.capture.poll()

    def burst(self, seconds: float) -> None:
        assert self.port is not None
        for _ in range(round(seconds * RATE / BLOCK)):
            frames = (np.arange(self.made, self.made + BLOCK) % 30000).astype(np.int16)[:, None]
            self.made += BLOCK
            self.port.deliver(frames)
            self.clock.now += 0.0002

    def index(self) -> int:
        """Where the inputs end, checked for continuity on the way."""
        index = 0
        frames = 0
        for item in self.inputs:
            if isinstance(item, Block):
                frames += len(item.samples)
            elif isinstance(item, Lost):
                index += -(-frames * 2000 // RATE)
                frames = 0
                assert item.start == index
                index += item.length
        return index + -(-frames * 2000 // RATE)

    def lost(self) -> list[Lost]:
        return [i for i in self.inputs if isinstance(i, Lost)]


@pytest.fixture
def device() -> FakeDevice:
    device = FakeDevice(VirtualClock())
    device.capture.start(5)
    return device


def _expected(device: FakeDevice, since: float) -> float:
    return (device.clock.now - since) * 2000


def test_a_steady_device_is_handed_out_whole_and_unchanged(device: FakeDevice) -> None:
    device.run(5)
    blocks = [i for i in device.inputs if isinstance(i, Block)]
    sound = np.concatenate([b.samples for b in blocks])[:, 0]
    assert np.array_equal(sound * 32768, np.arange(5 * RATE) % 30000)
    assert blocks[0].index == 0
    assert device.lost() == []
    assert device.capture.health.state is HealthState.HEALTHY


def test_silence_is_idle_from_half_a_second_on_and_an_alarm_before_two(
    device: FakeDevice,
) -> None:
    device.run(5)
    before = len(device.inputs)
    device.run(1.4, delivers=False)
    assert device.capture.health.state is HealthState.HEALTHY
    device.run(0.2, delivers=False)
    assert device.capture.health.state is HealthState.ALARMED
    device.run(0.5, delivers=False)
    idle = [i.seconds for i in device.inputs[before:] if isinstance(i, Idle)]
    assert sum(idle) == pytest.approx(2.0, abs=0.3)
    assert device.lost() == []


def test_a_suspended_device_goes_on_by_itself_and_the_gap_is_booked(device: FakeDevice) -> None:
    begin = device.clock.now
    device.run(5)
    device.run(2.5, delivers=False)
    device.run(3)
    [gap] = device.lost()
    assert abs(gap.length - 5000) <= gap.uncertainty
    assert abs(device.index() - _expected(device, begin)) <= gap.uncertainty
    assert device.opened == 1


def test_a_backlog_after_a_stall_is_kept_whole_with_no_gap(device: FakeDevice) -> None:
    device.run(5)
    device.clock.now += 2.5
    device.poll()
    device.burst(2.5)
    device.run(3)
    assert device.lost() == []
    assert device.index() == device.made // 2


def test_a_stream_that_ended_is_opened_again_and_the_gap_booked(device: FakeDevice) -> None:
    begin = device.clock.now
    device.run(5)
    assert device.port is not None
    device.port.end("the stream ended")
    device.run(4)
    assert device.opened == 2
    [gap] = device.lost()
    assert gap.reason == "the stream ended"
    assert abs(device.index() - _expected(device, begin)) <= gap.uncertainty
    assert device.capture.health.reconnects == 1


def test_a_device_that_is_gone_is_tried_until_it_is_back(device: FakeDevice) -> None:
    begin = device.clock.now
    device.run(5)
    assert device.port is not None
    device.present = False
    device.port.end("the stream ended")
    device.port = None
    device.run(30, delivers=False)
    assert device.capture.health.state is HealthState.ESCALATED
    device.present = True
    device.run(12)
    assert device.capture.health.state is HealthState.HEALTHY
    [gap] = device.lost()
    assert abs(device.index() - _expected(device, begin)) <= gap.uncertainty


def test_a_moved_stream_is_refused_and_its_sound_counts_as_lost(device: FakeDevice) -> None:
    begin = device.clock.now
    device.run(5)
    device.moved_to = "moved to the laptop's microphone"
    device.present = False
    device.run(8)
    blocks = [i for i in device.inputs if isinstance(i, Block)]
    assert sum(len(b.samples) for b in blocks) <= 5 * RATE + 4 * BLOCK
    assert Condition("wrong_input", True, "moved to the laptop's microphone") in device.inputs
    device.present, device.moved_to = True, None
    device.run(15)
    assert Condition("wrong_input", False, "gone") in device.inputs
    assert abs(device.index() - _expected(device, begin)) <= device.lost()[0].uncertainty


def test_a_call_that_hangs_is_abandoned_and_never_waited_for(device: FakeDevice) -> None:
    device.run(5)
    assert device.port is not None
    device.hangs = True
    device.port.end("the stream ended")
    device.port = None
    device.run(60, delivers=False)
    assert device.capture.failed
    device.released.set()


def test_without_a_thread_to_open_the_device_it_is_tried_again(
    device: FakeDevice, monkeypatch: pytest.MonkeyPatch
) -> None:
    device.run(5)
    assert device.port is not None
    with monkeypatch.context() as patch:
        patch.setattr("monitor.system.worker_thread.WorkerThread.__init__", _no_thread)
        device.port.end("the stream ended")
        device.port = None
        device.run(5, delivers=False)
        assert "no thread" in device.capture.health.reason
    device.run(20)
    assert device.capture.health.state is HealthState.HEALTHY


def _no_thread(*_: object) -> None:
    raise RuntimeError("no thread")


def test_a_hung_device_that_wakes_up_in_time_is_used_again(device: FakeDevice) -> None:
    device.run(5)
    assert device.port is not None
    device.port.end("the stream ended")
    device.hangs, device.port = True, None
    device.run(12, delivers=False)
    assert device.capture.health.state is HealthState.ESCALATED
    device.hangs = False
    device.released.set()
    device.run(20)
    assert device.capture.health.state is HealthState.HEALTHY


def test_no_first_frame_ever_is_an_alarm_and_opens_again(device: FakeDevice) -> None:
    device.run(8, delivers=False)
    assert device.opened == 2
    assert sum(i.seconds for i in device.inputs if isinstance(i, Idle)) > 2
    assert device.capture.health.state is not HealthState.HEALTHY


def test_an_analysis_that_was_away_for_five_seconds_loses_nothing(device: FakeDevice) -> None:
    device.run(5)
    device.clock.now += 0.0
    assert device.port is not None
    for _ in range(250):
        device.clock.now += BLOCK / RATE
        frames = (np.arange(device.made, device.made + BLOCK) % 30000).astype(np.int16)[:, None]
        device.made += BLOCK
        device.port.deliver(frames)
    device.run(3)
    assert device.lost() == []
    assert device.index() == device.made // 2


def test_an_analysis_that_was_away_for_a_minute_counts_what_it_skipped(
    device: FakeDevice,
) -> None:
    device.run(5)
    assert device.port is not None
    for _ in range(3000):
        device.clock.now += BLOCK / RATE
        frames = (np.arange(device.made, device.made + BLOCK) % 30000).astype(np.int16)[:, None]
        device.made += BLOCK
        device.port.deliver(frames)
    device.run(20)
    [gap] = device.lost()
    assert gap.uncertainty == 0
    assert gap.length == pytest.approx(50 * 2000, abs=200)
    assert device.index() == device.made // 2
    assert [i.present for i in device.inputs if isinstance(i, Condition)] == [True, False]


def test_sleep_of_the_machine_is_one_gap(device: FakeDevice) -> None:
    begin = device.clock.now
    device.run(5)
    device.clock.now += 300
    device.clock.asleep += 300
    device.run(5)
    [gap] = device.lost()
    assert gap.reason == "the machine slept"
    assert abs(device.index() - _expected(device, begin)) <= gap.uncertainty


def test_wall_time_may_jump_an_hour_without_any_trace(device: FakeDevice) -> None:
    device.run(5)
    device.clock.wall_step += 3600
    device.run(5)
    assert device.lost() == []


def test_a_device_that_cannot_be_opened_at_the_start_is_an_error() -> None:
    device = FakeDevice(VirtualClock())
    device.present = False
    with pytest.raises(DeviceError, match="not there"):
        device.capture.start(5)


_steps = st.lists(
    st.tuples(st.sampled_from(["run", "silent", "burst", "end", "gone", "moved"]), st.floats(1, 9)),
    max_size=8,
)


@settings(max_examples=30, deadline=None)
@given(steps=_steps)
def test_delivered_plus_lost_is_what_should_have_come(steps: list[tuple[str, float]]) -> None:
    device = FakeDevice(VirtualClock())
    device.capture.start(5)
    begin = device.clock.now
    device.run(2)
    for what, length in steps:
        seconds = round(length, 1)
        if what == "silent":
            device.run(seconds, delivers=False)
        elif what == "burst" and seconds < 2 and device.port is not None:
            device.clock.now += seconds
            device.burst(seconds)
        elif what == "end" and device.port is not None:
            device.port.end("ended")
        elif what == "gone" and device.port is not None:
            device.present = False
            device.port.end("ended")
            device.run(seconds)
            device.present = True
        elif what == "moved":
            device.moved_to = "moved"
        device.run(seconds)
    device.run(25)
    assert device.capture.health.state is HealthState.HEALTHY
    lost = device.lost()
    assert all(g.length > 0 for g in lost)
    doubt = sum(g.uncertainty for g in lost) + 2 * BLOCK
    assert abs(device.index() - _expected(device, begin)) <= doubt
