"""Delivered plus booked is what should have come, within the uncertainty that was stated."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.capture.ledger import Arrival, Ledger, MissingFrames
from monitor.capture.timeline import Timeline

RATE = 4000
BLOCK = 80  # 20 ms


class Device:
    """A device in virtual time: makes `true_hz` frames a second, some of which get lost."""

    def __init__(self, true_hz: float = RATE, seed: int = 0) -> None:
        self.ledger = Ledger(RATE)
        self.true_hz = true_hz
        self.now_s = 100.0
        self.asleep_s = 0.0
        self.made = 0.0
        self.lost = 0
        self.rng = np.random.default_rng(seed)
        self.holes: list[MissingFrames] = []

    def run(self, seconds: float, flags: tuple[str, ...] = ()) -> None:
        for _ in range(round(seconds * self.true_hz / BLOCK)):
            self._tick(self.now_s + BLOCK / self.true_hz, BLOCK, flags)
            flags = ()

    def _tick(self, at_s: float, frames: int, flags: tuple[str, ...] = ()) -> None:
        self.now_s = at_s
        late_s = float(self.rng.exponential(0.002))
        self.ledger.arrive(
            Arrival(frames, self.now_s + late_s, self.now_s + late_s - self.asleep_s, flags)
        )
        self.holes += self.ledger.take_holes()

    def lose(self, seconds: float, slept: bool = False) -> None:
        self.now_s += seconds
        self.lost += round(seconds * self.true_hz)
        if slept:
            self.asleep_s += seconds

    def stall(self, seconds: float) -> None:
        """Nothing comes, then all of it in a burst."""
        blocks = round(seconds * self.true_hz / BLOCK)
        self.now_s += blocks * BLOCK / self.true_hz
        for _ in range(blocks):
            self._tick(self.now_s + 0.0005, BLOCK)
        self.now_s -= blocks * 0.0005


def test_a_steady_device_has_no_holes_and_everything_is_certain() -> None:
    device = Device()
    device.run(60)
    assert device.holes == []
    assert device.ledger.certain == device.ledger.delivered


@pytest.mark.parametrize("lost_s", [0.1, 0.5, 3.0, 300.0])
def test_lost_sound_is_booked_within_its_uncertainty_and_where_it_was(lost_s: float) -> None:
    device = Device()
    device.run(90)
    where = device.ledger.delivered
    device.lose(lost_s)
    device.run(3)
    [hole] = device.holes
    assert hole.frame == where
    assert abs(hole.length - lost_s * RATE) <= hole.uncertainty
    assert hole.uncertainty <= BLOCK + (lost_s + 2) * RATE * 0.001
    assert device.ledger.certain == device.ledger.delivered


def test_a_stall_whose_backlog_comes_in_a_burst_is_no_hole() -> None:
    device = Device()
    device.run(10)
    device.stall(5.0)
    device.run(5)
    assert device.holes == []
    assert device.ledger.certain == device.ledger.delivered


def test_nothing_is_certain_past_a_stall_until_it_is_known_whether_sound_was_lost() -> None:
    device = Device()
    device.run(10)
    where = device.ledger.delivered
    device.lose(3.0)
    device.run(0.3)
    assert device.holes == []
    assert device.ledger.certain == where


@pytest.mark.parametrize("rate_hz", [3960.0, 4040.0, 4001.0])
def test_a_clock_that_is_off_is_measured_and_never_booked(rate_hz: float) -> None:
    device = Device(true_hz=rate_hz)
    device.run(300)
    assert device.holes == []
    assert device.ledger.drift_ppm == pytest.approx((rate_hz / RATE - 1) * 1e6, abs=40)


def test_a_long_loss_is_measured_with_the_rate_that_the_device_really_has() -> None:
    device = Device(true_hz=3960.0)
    device.run(300)
    device.lose(300.0)
    device.run(3)
    [hole] = device.holes
    assert abs(hole.length - 300 * 3960) <= hole.uncertainty


def test_small_losses_that_no_flag_told_are_within_the_doubt_of_a_long_one() -> None:
    device = Device()
    device.run(30)
    device.lose(0.05)  # bends the rate that is measured
    device.run(6)
    device.lose(300.0)
    device.run(3)
    [hole] = device.holes
    assert abs(hole.length - 300 * RATE) <= hole.uncertainty


def test_sleep_of_the_machine_is_named_and_booked() -> None:
    device = Device()
    device.run(60)
    device.lose(300.0, slept=True)
    device.run(3)
    [hole] = device.holes
    assert hole.reason == "the machine slept"
    assert abs(hole.length - 300 * RATE) <= hole.uncertainty


def test_a_small_loss_is_booked_where_a_flag_announced_it() -> None:
    device = Device()
    device.run(10)
    device.lose(0.03)
    device.run(3, flags=("input_overflow",))
    [hole] = device.holes
    assert hole.reason == "device overflow"
    assert abs(hole.length - 0.03 * RATE) <= hole.uncertainty


def test_a_flag_without_loss_books_nothing() -> None:
    device = Device()
    device.run(10)
    device.run(3, flags=("input_overflow",))
    assert device.holes == []


def test_a_new_stream_is_a_hole_even_if_it_came_at_once() -> None:
    device = Device()
    device.run(10)
    device.ledger.break_("the stream was opened again")
    device.lose(1.5)
    device.run(3)
    [hole] = device.holes
    assert hole.reason == "the stream was opened again"
    assert abs(hole.length - 1.5 * RATE) <= hole.uncertainty


def test_what_is_missing_at_the_end_is_booked_at_the_end() -> None:
    device = Device()
    device.run(10)
    device.ledger.end(device.now_s + 4.0)
    [hole] = device.ledger.take_holes()
    assert abs(hole.length - 4 * RATE) <= hole.uncertainty


_fault = st.one_of(
    st.tuples(st.just("lose"), st.floats(0.1, 20)),
    st.tuples(st.just("stall"), st.floats(0.1, 8)),
    st.tuples(st.just("break"), st.floats(0.5, 10)),
)


@settings(max_examples=40, deadline=None)
@given(faults=st.lists(_fault, max_size=6), seed=st.integers(0, 1000))
def test_sound_is_conserved_whatever_goes_wrong(faults: list[tuple[str, float]], seed: int) -> None:
    device = Device(seed=seed)
    start_s = device.now_s
    device.run(4)
    for kind, seconds in faults:
        if kind == "stall":
            device.stall(seconds)
        else:
            if kind == "break":
                device.ledger.break_("opened again")
            device.lose(seconds)
        device.run(4)
    ledger = device.ledger
    expected = (device.now_s - start_s) * RATE
    doubt = sum(h.uncertainty for h in device.holes) + BLOCK
    assert abs(ledger.delivered + ledger.booked - expected) <= doubt
    assert ledger.booked == sum(h.length for h in device.holes)
    assert ledger.certain == ledger.delivered
    assert [h.frame for h in device.holes] == sorted(h.frame for h in device.holes)


@given(
    rate=st.sampled_from([1000, 3999, 4000, 44100, 48000]),
    steps=st.lists(st.tuples(st.integers(0, 9999), st.integers(1, 99999)), max_size=10),
)
def test_the_index_counts_delivered_and_lost_samples_without_a_remainder(
    rate: int, steps: list[tuple[int, int]]
) -> None:
    timeline = Timeline(rate)
    expected = 0
    for frames, lost in steps:
        timeline.advance(frames)
        expected += -(-frames * 2000 // rate)
        assert timeline.index == expected
        gap = timeline.lose(lost, 10, "test")
        assert gap.start == expected
        expected += gap.length
        assert timeline.index == expected
