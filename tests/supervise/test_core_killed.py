"""A real core that is killed: it goes on with its session, and nothing in the store is lost."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from real_core import attach, until
from store_rows import a_session

from monitor import events as ev
from monitor.clock import SystemClock
from monitor.config.load import Settings
from monitor.link.client import Gone
from monitor.link.messages import Snapshot
from monitor.record.store import Archive, Store
from monitor.supervise.job import Job, StartReport


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    folder = tmp_path / "store"
    process = subprocess.Popen(
        [
            sys.executable, "-m", "monitor.cli.main", "live", "--phantom", "fast", "--headless",
            "--store", str(folder), "--set", "sound.alarms=false",
        ],
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    yield folder
    process.terminate()
    process.wait(30)


def test_a_killed_core_goes_on_with_its_session_and_books_the_time_between(store: Path) -> None:
    client, pid = attach(store)
    with client:
        first = until(client, ev.Vitals)
    snapshot = next(m for m in first if isinstance(m, Snapshot))
    session = snapshot.status.session
    os.kill(pid, signal.SIGKILL)
    client, _ = attach(store, other_than=pid)
    with client:
        again = until(client, ev.Vitals)
        snapshot = next(m for m in again if isinstance(m, Snapshot))
        assert snapshot.status.session == session
        client.request(session, "stop")
        with contextlib.suppress(Gone):
            while client.receive(5) is not None:
                pass
    archive = Archive(store)
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
    assert row.ended_how == "stopped by test"


def test_what_a_start_that_was_killed_told_nobody_the_next_one_tells(tmp_path: Path) -> None:
    """It had noted the end of the run before; the next start named only the killed one."""
    store = Store(tmp_path, SystemClock())
    store.begin(a_session())
    store.end_unexpectedly("s1", 0)
    assert store.close()
    words = "session s1 ended unexpectedly"
    assert [words in _core_begins(tmp_path).notes for _ in range(2)] == [True, False]


def _core_begins(store: Path) -> StartReport:
    """What a core says at its start; it has stopped since."""
    job = Job(store=str(store), sources=["phantom:normal"], settings=Settings())
    core = subprocess.Popen(
        [sys.executable, "-m", "monitor.live.core"],
        env={**os.environ, "XDG_RUNTIME_DIR": str(store)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert core.stdin is not None
    assert core.stdout is not None
    with core:
        core.stdin.write(msgspec.json.encode(job))
        core.stdin.close()
        begun = msgspec.json.decode(core.stdout.readline(), type=StartReport)
        client, _ = attach(store)
        with client:
            until(client, ev.Quality)
        core.terminate()
    assert core.returncode == 0
    return begun
