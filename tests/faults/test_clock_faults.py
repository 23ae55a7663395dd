"""A wall clock that is set: nothing recorded before moves, and the order of sessions stays."""

from __future__ import annotations

from pathlib import Path

import pytest
from scripted import Rig
from store_rows import a_session

from monitor import events as ev
from monitor.cli.log_lines import Times
from monitor.clock import ClockAnchor, SystemClock
from monitor.record.export.model import Anchor, Record
from monitor.record.store import Archive, Store

RATE_HZ = 2000
HOUR_S = 3600.0
STEPS_S = [3 * HOUR_S, -3 * HOUR_S, HOUR_S, -HOUR_S, 90 * 86_400.0, -90 * 86_400.0, 1.0]


def _record(*anchors: Anchor) -> Record:
    line = ev.Session(
        index=0, schema=1, software="", models={}, settings={}, name="", rate=0, channels=0
    )
    return Record(line, (), None, anchors)


@pytest.mark.parametrize("step_s", STEPS_S)
def test_a_step_moves_no_time_before_it_and_every_time_after_it(step_s: float) -> None:
    """An event 30 s before a change of an hour was shown half an hour off."""
    begun = 1_700_000_000.0
    at = 60 * RATE_HZ
    record = _record(
        Anchor(0, begun),
        Anchor(at - 1, begun + 60),
        Anchor(at, begun + 60 + step_s),
        Anchor(2 * at, begun + 120 + step_s),
    )
    for second in (0, 30, 59):
        assert record.wall(second * RATE_HZ) == pytest.approx(begun + second, abs=0.01)
    for second in (60, 61, 90, 120, 300):
        assert record.wall(second * RATE_HZ) == pytest.approx(begun + second + step_s, abs=0.01)


@pytest.mark.parametrize("step_s", STEPS_S[:-1])
def test_without_an_anchor_at_the_step_what_came_before_keeps_its_time(step_s: float) -> None:
    """A core that was killed while the clock was set leaves none."""
    begun, at = 1_700_000_000.0, 60 * RATE_HZ
    record = _record(Anchor(0, begun), Anchor(at, begun + 60 + step_s))
    assert record.wall(30 * RATE_HZ) == pytest.approx(begun + 30, abs=0.01)
    assert record.wall(90 * RATE_HZ) == pytest.approx(begun + 90 + step_s, abs=0.01)


def test_a_clock_that_drifts_is_no_clock_that_was_set() -> None:
    record = _record(Anchor(0, 1000.0), Anchor(600 * RATE_HZ, 1000.0 + 606.0))  # one per cent
    assert record.wall(300 * RATE_HZ) == pytest.approx(1303.0)


def test_a_wall_time_within_an_hour_that_came_twice_is_the_later_one() -> None:
    anchors = [
        ClockAnchor(0, 0, 0, 10_000.0, "b"),
        ClockAnchor(7200 * RATE_HZ - 1, 0, 0, 17_200.0, "b"),
        ClockAnchor(7200 * RATE_HZ, 0, 0, 13_600.0, "b"),
    ]
    times = Times(anchors, 10_000.0)
    assert times.index(11_000.0) == 1000 * RATE_HZ
    assert times.index(14_000.0) == (7200 + 400) * RATE_HZ


@pytest.mark.parametrize("step_s", STEPS_S)
def test_a_session_anchors_every_step_of_the_clock(tmp_path: Path, step_s: float) -> None:
    rig = Rig(tmp_path / "store", "normal")
    started = rig.clock.wall()
    rig.run(15)
    rig.clock.wall_step += step_s
    rig.run(15)
    rig.close()
    archive = Archive(tmp_path / "store")
    anchors = archive.anchors("s")
    archive.close()
    record = _record(*(Anchor(one.index, one.wall) for one in anchors))
    for second in (1, 5, 10, 14):
        assert record.wall(second * RATE_HZ) == pytest.approx(started + second, abs=0.6)
    for second in (16, 20, 29):
        assert record.wall(second * RATE_HZ) == pytest.approx(started + second + step_s, abs=0.6)


def test_the_order_of_sessions_and_the_last_one_do_not_depend_on_the_wall_clock(
    tmp_path: Path,
) -> None:
    """After the clock was set back, "last" was the session of the day before."""
    store = Store(tmp_path, SystemClock())
    for name, started in (("first", 2000.0), ("second", 9000.0), ("third", 100.0)):
        store.begin(a_session(name, started=started))
    assert store.close(30)
    archive = Archive(tmp_path)
    assert [row.id for row in archive.sessions()] == ["third", "second", "first"]
    assert [row.id for row in archive.open_sessions()] == ["first", "second", "third"]
    archive.close()
