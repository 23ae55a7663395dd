"""A real core that is killed: it goes on with its session, and nothing in the store is lost."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from monitor import events as ev
from monitor.errors import InputError
from monitor.link.address import address_of
from monitor.link.client import Client, Gone
from monitor.link.messages import EventLine, FromCore, Hello, Snapshot
from monitor.record.store import Archive

PATIENCE_S = 90.0


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


def _attach(store: Path, other_than: int = 0) -> tuple[Client, int]:
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        with contextlib.suppress(InputError, Gone):
            client = Client.connect(address_of(store), "test", waves=False)
            with contextlib.ExitStack() as stack:
                stack.enter_context(client)
                hello = client.receive(5)
                if isinstance(hello, Hello) and hello.pid != other_than:
                    stack.pop_all()
                    return client, hello.pid
        time.sleep(0.05)
    raise AssertionError("no core came up")


def _until(client: Client, kind: type[ev.Event]) -> list[FromCore]:
    seen: list[FromCore] = []
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        message = client.receive(0.5)
        if message is not None:
            seen.append(message)
        if isinstance(message, EventLine) and isinstance(message.event, kind):
            return seen
    raise AssertionError(f"no {kind.__name__} came")


def test_a_killed_core_goes_on_with_its_session_and_books_the_time_between(store: Path) -> None:
    client, pid = _attach(store)
    with client:
        first = _until(client, ev.Vitals)
    snapshot = next(m for m in first if isinstance(m, Snapshot))
    session = snapshot.status.session
    os.kill(pid, signal.SIGKILL)
    client, _ = _attach(store, other_than=pid)
    with client:
        again = _until(client, ev.Vitals)
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
