"""A real core that is killed: it goes on with its session, and nothing in the store is lost."""

from __future__ import annotations

from pathlib import Path

from store_rows import a_session
from whole_monitor import Monitor, monitor

from monitor import events as ev
from monitor.clock import SystemClock
from monitor.record.store import Archive, Store


def _heard(run: Monitor) -> None:
    """Wait for a line of vitals that has not been seen."""
    run.lines.clear()
    run.until(lambda m: any(isinstance(line, ev.Vitals) for line in m.lines), "vitals")


def test_a_killed_core_goes_on_with_its_session_and_books_the_time_between(tmp_path: Path) -> None:
    with monitor(tmp_path, "--set", "sound.alarms=false") as run:
        _heard(run)
        session, dead = run.session, run.kill_core()
        run.attach(other_than=dead)
        assert run.session == session
        _heard(run)
        run.stop()
    archive = Archive(run.store)
    lines = list(archive.events(session))
    [row] = archive.sessions()
    archive.close()
    assert [number for number, _ in lines] == list(range(len(lines)))
    indices = [event.index for _, event in lines]
    assert indices == sorted(indices)
    gaps = [event for _, event in lines if isinstance(event, ev.Gap)]
    assert gaps[0].reason == "the core was restarted"
    # On a machine so busy that the models take over ten seconds to open, the ring runs over too.
    assert {gap.reason for gap in gaps[1:]} <= {"analysis was too slow"}
    assert gaps[0].length > 1000
    assert row.ended_how == "stopped by screen"


def test_what_a_start_that_was_killed_told_nobody_the_next_one_tells(tmp_path: Path) -> None:
    """It had noted the end of the run before; the next start named only the killed one."""
    store = Store(tmp_path / "store", SystemClock())
    store.begin(a_session())
    store.end_unexpectedly("s1", 0)
    assert store.close()
    (tmp_path / "run").mkdir()
    words = "session s1 ended unexpectedly"
    assert [words in _said(store.folder, tmp_path / "run") for _ in range(2)] == [True, False]


def _said(store: Path, runtime: Path) -> str:
    """What a start says; the monitoring has ended since."""
    run = Monitor(store, runtime, "--set", "sound.alarms=false", phantom="normal")
    run.attach().until(lambda m: any(isinstance(line, ev.Quality) for line in m.lines))
    assert run.end() == 0
    return run.errors
