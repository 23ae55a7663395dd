"""One test for each transition of a source's health."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.capture.health import (
    BACK_OFF_S,
    HUNG_LIMIT,
    SILENT_AT_START_S,
    SILENT_S,
    Action,
    Health,
    HealthState,
)


def _healthy() -> Health:
    health = Health(0.0)
    health.samples(1.0)
    assert health.state is HealthState.HEALTHY
    return health


def test_starting_is_not_healthy_and_waits_two_and_a_half_seconds() -> None:
    health = Health(0.0)
    assert health.state is HealthState.RECOVERING
    health.tick(SILENT_AT_START_S - 0.01)
    assert health.state is HealthState.RECOVERING
    health.tick(SILENT_AT_START_S)
    assert health.state is HealthState.ALARMED


def test_healthy_becomes_alarmed_within_two_seconds_without_samples() -> None:
    health = _healthy()
    assert health.tick(1.0 + SILENT_S - 0.01) is Action.NONE
    assert health.state is HealthState.HEALTHY
    health.tick(1.0 + SILENT_S)
    assert SILENT_S < 2
    assert health.state is HealthState.ALARMED
    assert "no samples" in health.reason


def test_healthy_becomes_alarmed_at_once_when_the_stream_ends() -> None:
    health = _healthy()
    health.lost(1.5, "the device is gone")
    assert (health.state, health.reason) == (HealthState.ALARMED, "the device is gone")


def test_alarmed_becomes_healthy_by_samples_alone() -> None:
    health = _healthy()
    health.tick(3.0)
    health.samples(3.5)
    assert health.state is HealthState.HEALTHY
    assert health.reconnects == 1
    assert health.tick(4.5) is Action.NONE


def test_alarmed_becomes_recovering_after_the_first_back_off() -> None:
    health = _healthy()
    health.lost(2.0, "gone")
    assert health.tick(2.0 + BACK_OFF_S[0] - 0.01) is Action.NONE
    assert health.tick(2.0 + BACK_OFF_S[0]) is Action.REOPEN
    assert health.state is HealthState.RECOVERING


def test_recovering_becomes_healthy_by_samples() -> None:
    health = _healthy()
    health.lost(2.0, "gone")
    health.tick(3.0)
    health.opened(3.1)
    assert health.state is HealthState.RECOVERING
    health.samples(4.0)
    assert (health.state, health.reconnects) == (HealthState.HEALTHY, 1)


def test_recovering_becomes_alarmed_when_opening_fails_and_waits_longer_each_time() -> None:
    health = _healthy()
    now = 2.0
    health.lost(now, "gone")
    for wait in BACK_OFF_S[:-1]:
        assert health.state is not HealthState.ESCALATED
        assert health.tick(now + wait - 0.01) is Action.NONE
        assert health.tick(now + wait) is Action.REOPEN
        now += wait
        health.open_failed(now, "no such device")


def test_an_opened_stream_without_samples_counts_as_a_failure() -> None:
    health = _healthy()
    health.lost(2.0, "gone")
    health.tick(3.0)
    health.opened(3.0)
    health.tick(3.0 + SILENT_AT_START_S)
    assert health.state is HealthState.ALARMED
    assert health.attempts == 1


def test_four_failures_escalate_and_it_goes_on_trying() -> None:
    health = _healthy()
    health.lost(2.0, "gone")
    now = 2.0
    for _ in range(10):
        while health.tick(now) is not Action.REOPEN:
            now += 0.5
        health.open_failed(now, "no such device")
    assert health.state is HealthState.ESCALATED
    while health.tick(now) is not Action.REOPEN:
        now += 0.5
    health.opened(now)
    health.samples(now)
    assert (health.state, health.attempts) == (HealthState.HEALTHY, 0)


def test_a_hung_call_escalates_and_the_third_in_a_row_fails() -> None:
    health = _healthy()
    for _ in range(HUNG_LIMIT - 1):
        health.hung(10.0, "open")
        assert health.state is HealthState.ESCALATED
    health.hung(10.0, "open")
    assert health.state is HealthState.FAILED
    assert health.tick(10.0) is Action.RESTART


def test_ended_stays_ended_whatever_comes() -> None:
    health = _healthy()
    health.end()
    health.samples(3.0)
    health.lost(3.0, "gone")
    health.open_failed(3.0, "x")
    health.hung(3.0, "x")
    assert health.tick(100.0) is Action.NONE
    assert health.state is HealthState.ENDED


_event = st.sampled_from(["samples", "lost", "opened", "open_failed", "hung", "tick"])


@given(steps=st.lists(st.tuples(_event, st.floats(0, 5)), max_size=60))
def test_healthy_means_samples_came_within_the_last_two_seconds(
    steps: list[tuple[str, float]],
) -> None:
    health, now, last = Health(0.0), 0.0, None
    for what, wait in steps:
        now += wait
        if what == "samples":
            health.samples(now)
            last = now
        elif what == "opened":
            health.opened(now)
        elif what == "tick":
            health.tick(now)
        else:
            getattr(health, what)(now, "why")
        health.tick(now)
        if health.state is HealthState.HEALTHY:
            assert last is not None
            assert now - last < SILENT_AT_START_S


@pytest.mark.parametrize("state", list(HealthState))
def test_states_are_the_words_of_the_status_message(state: HealthState) -> None:
    assert state.value in "healthy alarmed recovering escalated failed ended"
