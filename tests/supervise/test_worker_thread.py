"""Starting a thread cannot hang, whatever becomes of the thread."""

from __future__ import annotations

import _thread
import threading
from collections.abc import Callable

import pytest

from monitor.capture.attempt import AbandonableCall
from monitor.system.worker_thread import WorkerThread


def test_it_runs_and_is_waited_for() -> None:
    go, ran = threading.Event(), threading.Event()

    def run() -> None:
        go.wait(30)
        ran.set()

    thread = WorkerThread(run)
    assert thread.is_alive()
    go.set()
    thread.join(30)
    assert ran.is_set()
    assert not thread.is_alive()


def test_a_thread_that_dies_before_it_begins_is_told_and_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The supervisor waited for ever for one that had found no memory to begin."""
    monkeypatch.setattr(_thread, "start_new_thread", lambda run, arguments: 0)
    monkeypatch.setattr("monitor.system.worker_thread.WorkerThread.__init__.__defaults__", (0.01,))
    with pytest.raises(RuntimeError, match="did not begin"):
        WorkerThread(lambda: None)
    with pytest.raises(RuntimeError, match="did not begin"):
        AbandonableCall(lambda: None, lambda nothing: None, 0.0)


def test_a_thread_that_begins_too_late_does_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    late: list[Callable[[], None]] = []
    ran: list[int] = []
    monkeypatch.setattr(_thread, "start_new_thread", lambda run, arguments: late.append(run))
    with pytest.raises(RuntimeError, match="did not begin"):
        WorkerThread(lambda: ran.append(1), limit_s=0.01)
    late[0]()
    assert ran == []
