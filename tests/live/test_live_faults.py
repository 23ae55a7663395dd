"""Every fault of a source on a scripted device in virtual time, through the whole live session.

Whatever happens, two things hold: sound is conserved (what was handed to the pipeline plus what
was booked as lost is what should have come), and without results nothing is shown as monitored.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from scripted import BLOCK, RATE, Rig

from monitor import events as ev
from monitor.clock import ClockAnchor
from monitor.link.messages import Status

BLOCK_INDEX = BLOCK * 2000 // RATE


class Tally:
    """Stands where a session folder does: sees every input, in order, and counts."""

    def __init__(self) -> None:
        self.index = 0
        self.frames = 0
        self.lost: list[ev.Lost] = []
        self.conditions: list[tuple[str, bool]] = []
        self.lines: list[ev.Event] = []

    def take(self, item: ev.Input) -> None:
        if isinstance(item, ev.Block):
            self.frames += len(item.samples)
            self.index += len(item.samples) * 2000 // RATE
        elif isinstance(item, ev.Lost):
            assert item.start == self.index, "a gap lies where the sound before it ends"
            assert item.length > 0
            self.index += item.length
            self.lost.append(item)
        elif isinstance(item, ev.Condition):
            self.conditions.append((item.kind, item.present))

    def events(self, events: tuple[ev.Event, ...]) -> None:
        self.lines += events

    def anchor(self, row: ClockAnchor) -> None:
        """Not needed."""

    def trouble(self) -> str | None:
        return None

    def close(self, limit_s: float = 0.0) -> None:
        """Nothing is open."""

    @property
    def doubt(self) -> int:
        return sum(gap.uncertainty for gap in self.lost)


class Faulty:
    """A rig with a tally, and the two things that must hold."""

    def __init__(self, folder: Path, preset: str = "tachycardia") -> None:
        self.tally = Tally()
        self.rig = Rig(folder, preset, record=lambda _: self.tally)
        self.unnoticed = 0
        self.begun_s = self.rig.clock.now

    def run(self, seconds: float, delivers: bool = True, true_hz: float = RATE) -> None:
        self.rig.run(seconds, delivers, true_hz)

    def honest(self) -> None:
        """No status claims results that are not there."""
        for status in self.rig.messages:
            if isinstance(status, Status) and status.health != "healthy":
                shown = (status.rate, status.quality, status.level_db, status.p)
                assert shown == (None, None, None, None)
                assert status.verdict == "none"

    def conserved(self, rate: float = RATE) -> None:
        """Handed out plus lost is what should have come by now."""
        session = self.rig.session
        assert session.capture.index == self.tally.index
        expected = (self.rig.clock.now - self.begun_s) * 2000 * rate / RATE
        allowed = self.tally.doubt + self.unnoticed + 2 * BLOCK_INDEX
        assert abs(self.tally.index - expected) <= allowed

    def whole(self) -> None:
        """No beat and no window lies across a gap."""
        gaps = [(gap.start, gap.start + gap.length) for gap in self.tally.lost]
        for line in self.tally.lines:
            if isinstance(line, ev.Window) and line.used:
                spans = [(line.start, line.start + 5000)]
            elif isinstance(line, ev.Beat):
                known = (line.s1, line.systole, line.s2, line.diastole, line.end)
                onsets = [onset for onset in known if onset is not None]
                spans = [(min(onsets), max(onsets))] if onsets else []
            else:
                continue
            for start, end in spans:
                assert not any(start < above and end > below for below, above in gaps)

    def alarm(self, kind: str) -> str | None:
        """State of an alarm now."""
        return {line.kind: line.state for line in self.rig.session.status().alarms}.get(kind)

    def close(self) -> None:
        self.honest()
        self.whole()
        self.rig.close()
        self.whole()


@pytest.fixture
def faulty(tmp_path: Path) -> Iterator[Faulty]:
    faulty = Faulty(tmp_path / "store")
    yield faulty
    faulty.close()


def test_no_first_frame_ever_is_a_lost_signal_and_shows_nothing(faulty: Faulty) -> None:
    faulty.run(5, delivers=False)
    assert faulty.rig.status.health != "healthy"
    assert faulty.alarm("signal_lost") == "active"
    assert faulty.tally.frames == 0


def test_a_source_that_is_suspended_is_a_lost_signal_in_two_seconds_and_one_gap(
    faulty: Faulty,
) -> None:
    faulty.run(12)
    faulty.run(2.1, delivers=False)
    assert faulty.rig.session.status().health == "alarmed"
    faulty.run(0.5, delivers=False)
    assert faulty.alarm("signal_lost") == "active"
    faulty.run(7.4, delivers=False)
    faulty.run(8)
    assert faulty.alarm("signal_lost") != "active"
    assert len(faulty.tally.lost) == 1
    faulty.conserved()


def test_five_seconds_without_the_analysis_thread_lose_nothing(faulty: Faulty) -> None:
    faulty.run(12)
    for _ in range(5 * RATE // BLOCK):
        faulty.rig.clock.now += BLOCK / RATE
        faulty.rig.device.deliver()
    faulty.run(3)
    assert faulty.tally.lost == []
    assert faulty.tally.frames == faulty.rig.device.made
    faulty.conserved()


def test_a_burst_after_five_seconds_of_nothing_loses_nothing(faulty: Faulty) -> None:
    faulty.run(12)
    faulty.rig.stall(5.0)
    faulty.run(3)
    assert faulty.tally.lost == []
    assert faulty.tally.frames == faulty.rig.device.made
    faulty.conserved()


@pytest.mark.parametrize("flags", [(), ("input_overflow",)])
def test_an_overflow_is_booked_with_and_without_a_flag(
    faulty: Faulty, flags: tuple[str, ...]
) -> None:
    faulty.run(12)
    lost_s = 0.6
    for _ in range(round(lost_s * RATE / BLOCK)):
        faulty.rig.clock.now += BLOCK / RATE
        faulty.rig.device.deliver(arrives=False)
    faulty.rig.clock.now += BLOCK / RATE
    faulty.rig.device.deliver(flags)
    faulty.run(5)
    [gap] = faulty.tally.lost
    assert abs(gap.length - lost_s * 2000) <= gap.uncertainty
    assert gap.reason == ("device overflow" if flags else "the device stalled")
    faulty.conserved()


def test_a_flag_without_a_loss_books_nothing(faulty: Faulty) -> None:
    faulty.run(12)
    faulty.rig.clock.now += BLOCK / RATE
    faulty.rig.device.deliver(("input_overflow",))
    faulty.run(5)
    assert faulty.tally.lost == []
    faulty.conserved()


def test_a_rate_that_lies_by_one_percent_is_an_alarm_and_never_a_loss(faulty: Faulty) -> None:
    faulty.run(70, true_hz=3960)
    assert faulty.tally.lost == []
    status = faulty.rig.status
    assert status.drift_ppm == pytest.approx(-10_000, abs=300)
    assert faulty.alarm("clock") == "active"
    assert [told for kind, told in faulty.tally.conditions if kind == "clock"] == [True]
    faulty.conserved(rate=3960)


def test_a_rate_that_is_off_by_half_a_percent_is_shown_and_no_alarm(faulty: Faulty) -> None:
    faulty.run(60, true_hz=3980)
    assert faulty.rig.status.drift_ppm == pytest.approx(-5_000, abs=300)
    assert faulty.alarm("clock") is None
    assert faulty.tally.lost == []


def test_wall_time_may_step_an_hour_and_nothing_happens(faulty: Faulty) -> None:
    faulty.run(12)
    before = faulty.rig.status
    faulty.rig.clock.wall_step += 3600
    faulty.run(6)
    faulty.rig.clock.wall_step -= 7200
    faulty.run(6)
    after = faulty.rig.status
    assert faulty.tally.lost == []
    assert after.clock_s - before.clock_s == pytest.approx(12, abs=0.6)
    assert after.health == "healthy"
    faulty.conserved()


def test_five_minutes_of_sleep_are_one_gap_of_five_minutes(faulty: Faulty) -> None:
    faulty.run(12)
    faulty.rig.clock.now += 300
    faulty.rig.clock.asleep += 300
    faulty.run(6)
    [gap] = faulty.tally.lost
    assert gap.reason == "the machine slept"
    assert abs(gap.length - 300 * 2000) <= gap.uncertainty
    assert faulty.rig.status.clock_s == pytest.approx(318, abs=0.6)
    faulty.conserved()


def test_a_flat_line_is_told_within_five_seconds(faulty: Faulty) -> None:
    faulty.run(12)
    device = faulty.rig.device
    for _ in range(5 * RATE // BLOCK):
        faulty.rig.clock.now += BLOCK / RATE
        assert device.port is not None
        device.port.deliver(np.zeros((BLOCK, 1), np.int16))
        faulty.rig.look()
    assert faulty.rig.status.quality == "flat"


def test_a_stream_that_was_moved_is_the_wrong_input_at_once_and_its_sound_is_not_used(
    faulty: Faulty,
) -> None:
    faulty.run(12)
    faulty.rig.device.elsewhere = "the system moved us to laptop"
    faulty.rig.device.present = False
    faulty.run(0.1)
    assert faulty.rig.session.status().rate is None
    faulty.run(1.0)
    assert faulty.alarm("wrong_input") == "active"
    before = faulty.tally.frames
    faulty.run(8)
    assert faulty.tally.frames == before
    faulty.rig.device.present = True
    faulty.run(20)
    assert faulty.alarm("wrong_input") != "active"
    assert len(faulty.tally.lost) == 1
    faulty.conserved()


class LiveMachine(RuleBasedStateMachine):
    """Random sequences of faults on a whole live session."""

    folders: Iterator[Path]

    @initialize()
    def begin(self) -> None:
        self.faulty = Faulty(next(self.folders))
        self.rig = self.faulty.rig
        self.faulty.run(3)  # time is counted from the first sample

    @rule(seconds=st.sampled_from([0.5, 3.0, 6.0]))
    def hear(self, seconds: float) -> None:
        self.faulty.run(seconds)

    @rule(seconds=st.sampled_from([0.5, 2.2, 9.0]))
    def silence(self, seconds: float) -> None:
        self.faulty.run(seconds, delivers=False)
        if seconds > 2:
            assert self.rig.session.status().health != "healthy"

    @precondition(lambda self: self.rig.device.port is not None)
    @rule(seconds=st.sampled_from([0.3, 1.5]))
    def stall(self, seconds: float) -> None:
        self.rig.stall(seconds)

    @rule(blocks=st.integers(0, 12), flagged=st.booleans())
    def overflow(self, blocks: int, flagged: bool) -> None:
        if not flagged and blocks <= 2:  # no longer than a callback may be late: not told from that
            self.faulty.unnoticed += blocks * BLOCK_INDEX
        for _ in range(blocks):
            self.rig.clock.now += BLOCK / RATE
            self.rig.device.deliver(arrives=False)
        self.rig.clock.now += BLOCK / RATE
        self.rig.device.deliver(("input_overflow",) if flagged else ())
        self.rig.look()

    @rule(ends=st.booleans())
    def unplug(self, ends: bool) -> None:
        port = self.rig.device.port
        self.rig.device.present = not ends
        if port is not None:
            port.end("the device is gone")
            self.rig.device.port = None
        self.rig.look()
        assert self.rig.session.status().health != "healthy" or port is None or not port.live

    @rule()
    def plug(self) -> None:
        self.rig.device.present = True

    @precondition(lambda self: self.rig.device.port is not None)
    @rule()
    def move(self) -> None:
        self.rig.device.elsewhere = "moved to laptop"
        self.rig.look()
        assert self.rig.session.status().health != "healthy"

    @rule(seconds=st.sampled_from([5.0, 300.0]))
    def sleep(self, seconds: float) -> None:
        self.rig.clock.now += seconds
        self.rig.clock.asleep += seconds

    @rule(seconds=st.sampled_from([-3600.0, 3600.0]))
    def step_wall(self, seconds: float) -> None:
        self.rig.clock.wall_step += seconds

    @rule(seconds=st.sampled_from([4.0, 14.0]))
    def busy(self, seconds: float) -> None:
        """The analysis thread is away; the ring holds ten seconds."""
        for _ in range(round(seconds * RATE / BLOCK)):
            self.rig.clock.now += BLOCK / RATE
            self.rig.device.deliver()
        self.rig.look()

    @invariant()
    def in_order(self) -> None:
        if hasattr(self, "faulty"):
            assert self.rig.session.capture.index == self.faulty.tally.index

    def teardown(self) -> None:
        if not hasattr(self, "faulty"):
            return
        self.plug()
        self.faulty.run(30)
        assert self.rig.session.status().health == "healthy"
        self.faulty.conserved()
        self.faulty.close()


def test_random_sequences_of_faults_conserve_sound_and_never_claim_to_monitor(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    class Machine(LiveMachine):
        folders = (tmp_path_factory.mktemp("store") for _ in iter(int, 1))

    case = Machine.TestCase
    case.settings = settings(
        max_examples=8,
        stateful_step_count=10,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    case().runTest()
