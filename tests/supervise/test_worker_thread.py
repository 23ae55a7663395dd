"""Starting a thread cannot hang, whatever becomes of the thread."""

from __future__ import annotations

import threading

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
    monkeypatch.setattr(WorkerThread, "_bootstrap", lambda self: None)
    with pytest.raises(RuntimeError, match="did not begin"):
        WorkerThread(lambda: None, limit_s=0.01)


def test_a_call_without_a_thread_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(WorkerThread, "_bootstrap", lambda self: None)
    monkeypatch.setattr("monitor.system.worker_thread._Limited.wait", lambda *_: False)
    with pytest.raises(RuntimeError, match="did not begin"):
        AbandonableCall(lambda: None, lambda nothing: None, 0.0)


def test_a_thread_that_begins_too_late_does_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    go, over = threading.Event(), threading.Event()
    ran: list[int] = []
    begin = WorkerThread._bootstrap  # type: ignore[attr-defined]

    def late(thread: WorkerThread) -> None:
        go.wait(30)
        begin(thread)
        over.set()

    monkeypatch.setattr(WorkerThread, "_bootstrap", late)
    with pytest.raises(RuntimeError, match="did not begin"):
        WorkerThread(lambda: ran.append(1), limit_s=0.01)
    go.set()
    assert over.wait(30)
    assert ran == []


def test_a_thread_that_is_over_is_forgotten() -> None:
    thread = WorkerThread(lambda: None)
    thread.join(30)
    assert thread not in threading.enumerate()
