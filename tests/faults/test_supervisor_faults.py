"""The last line of defence under what kills a core: it lives, sounds, and starts the core again."""

from __future__ import annotations

import json
import os
import re
import resource
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from process_limits import address_space, limited
from process_tree import children
from waiting import until
from whole_monitor import PATIENCE_S, Monitor, Mounted, monitor, of_store

from monitor.config.load import Settings
from monitor.link.client import Client, Gone
from monitor.record.schema import FILE
from monitor.record.store import Archive
from monitor.supervise.job import EXIT_RESTART, Job, StartReport
from monitor.supervise.launch import spawn
from monitor.supervise.supervisor import CORE

pytestmark = pytest.mark.timeout(600)


def _log(run: Monitor) -> str:
    path = run.store / "core.log"
    return path.read_text(encoding="utf-8") if path.exists() else ""


def _sessions(store: Path) -> list[tuple[str, str | None]]:
    archive = Archive(store)
    rows = [(row.id, row.ended_how) for row in archive.sessions()]
    archive.close()
    return rows


def test_without_descriptors_no_core_starts_and_the_supervisor_lives_until_one_can(
    tmp_path: Path,
) -> None:
    """It died of the very table of descriptors that had killed the core."""
    with monitor(tmp_path) as run:
        session = run.session
        with limited(run.process.pid, resource.RLIMIT_NOFILE, 3):
            dead = run.kill_core()
            until(lambda: "Too many open files" in _log(run), "a start that fails is told")
            assert run.process.poll() is None
        run.attach(other_than=dead).analyses()
        assert run.session == session
    said = r"^\d{4}-\d\d-\d\d \S+ supervisor\[\d+\] WARNING the core was restarted"
    assert re.search(said, _log(run), re.MULTILINE)


def test_without_memory_no_core_starts_and_the_supervisor_lives_until_one_can(
    tmp_path: Path,
) -> None:
    """It waited for ever for a thread that had found no memory to begin."""
    with monitor(tmp_path) as run:
        session, pid = run.session, run.process.pid
        with limited(pid, resource.RLIMIT_AS, address_space(pid)):
            dead = run.kill_core()
            until(lambda: "no core can be started" in _log(run), "a start that fails is told")
            assert run.process.poll() is None
        run.attach(other_than=dead).analyses()
        assert run.session == session


def test_on_a_read_only_disk_no_core_starts_and_the_supervisor_lives_and_sounds(
    tmp_path: Path, mounted: Callable[..., Mounted]
) -> None:
    disk = mounted(64, "ext4")
    with monitor(tmp_path, store=disk.folder / "store") as run:
        dead = run.kill_core()
        disk.make_read_only()
        pid = run.process.pid
        seen: set[int] = set()

        def several() -> bool:
            seen.update(children(pid))
            return len(seen - {dead}) >= 4

        until(several, "it tries again, and plays tones")
        assert run.process.poll() is None


def test_a_supervisor_whose_standard_error_is_full_or_gone_goes_on(tmp_path: Path) -> None:
    with monitor(tmp_path) as run:
        assert run.process.stderr is not None
        run.process.stderr.close()
        run.process.stderr = None
        dead = run.kill_core()
        run.attach(other_than=dead).analyses()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL, signal.SIGSEGV])
def test_a_core_that_ends_without_being_asked_is_started_again(
    tmp_path: Path, number: signal.Signals
) -> None:
    """SIGTERM from anybody ended the monitoring, with exit code 0 and no word."""
    with monitor(tmp_path) as run:
        session, dead = run.session, run.pid
        os.kill(run.pid, number)
        run.attach(other_than=dead).analyses()
        assert run.session == session
    assert _sessions(run.store) == [(session, "terminated")]


@pytest.mark.parametrize("supervised", [True, False])
def test_a_signal_ends_a_core_that_has_just_begun_only_if_no_supervisor_comes(
    tmp_path: Path, supervised: bool
) -> None:
    """Its session had an orderly end, and the supervisor's next core began another."""
    store = tmp_path / "store"
    job = Job(store=str(store), sources=["phantom:normal"], settings=Settings())
    process = subprocess.Popen(
        CORE, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        env={**os.environ, "XDG_RUNTIME_DIR": str(tmp_path)},
    )  # fmt: skip
    assert process.stdin is not None
    assert process.stdout is not None
    with process.stdin as channel:
        channel.write(msgspec.json.encode(job))
    with process.stdout as answer:
        begun = msgspec.json.decode(answer.readline(), type=StartReport)
    process.terminate()
    if supervised:
        time.sleep(0.5)  # several rounds of the core
        client = Client.connect(Path(begun.address), "supervisor", waves=False)
        assert process.wait(PATIENCE_S) == EXIT_RESTART
        client.close()
    else:
        assert process.wait(PATIENCE_S) == 0
    (session,) = begun.sessions
    assert _sessions(store) == [(session, None if supervised else "terminated")]


@pytest.mark.parametrize("number", [signal.SIGSTOP, signal.SIGKILL])
def test_a_supervisor_that_is_stopped_or_dead_is_an_alarm_and_attach_takes_over(
    tmp_path: Path, number: signal.Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody noticed; the core ran on without anybody to sound its alarms."""
    with monitor(tmp_path) as run:
        monkeypatch.setenv("XDG_RUNTIME_DIR", str(run.runtime))
        run.until(lambda m: m.status is not None)
        run.process.send_signal(number)
        run.until(lambda m: m.has_alarm("supervisor_lost"), "the alarm")
        core = run.pid
        run.attach(orphan=True)
        assert run.hello is not None
        assert not run.hello.supervised
        begun = spawn(Job(store=str(run.store), sources=[], settings=Settings(), adopt=True))
        assert begun.sessions == [run.session]
        run.until(lambda m: not m.has_alarm("supervisor_lost"), "the alarm goes")
        run.process.wait(PATIENCE_S)  # there is one supervisor: the stopped one was ended
        assert run.attach(orphan=True).pid == core
        run.kill_core()
        run.attach(other_than=core, orphan=True).analyses()  # the new one keeps it alive
        run.ask("stop")
        until(lambda: of_store(run.store) == [], "all has ended")


def test_a_second_start_on_a_store_is_refused_in_one_line_and_leaves_nothing(
    tmp_path: Path,
) -> None:
    with monitor(tmp_path) as run:
        second = Monitor(run.store, run.runtime)
        _, errors = second.process.communicate(timeout=PATIENCE_S)
        assert second.process.returncode == 6
        assert errors.strip().splitlines()[-1].startswith("apexbeat: ")
        assert "keeps this store" in errors
        assert len(_sessions(run.store)) == 1
        run.analyses()


@pytest.mark.parametrize("name", ["core.lock", "supervisor.lock"])
def test_a_second_start_is_refused_though_somebody_deleted_a_lock(
    tmp_path: Path, name: str
) -> None:
    """A second core wrote the same store."""
    with monitor(tmp_path) as run:
        (run.store / name).unlink()
        second = Monitor(run.store, run.runtime)
        _, errors = second.process.communicate(timeout=PATIENCE_S)
        assert "keeps this store" in errors
        run.analyses()
        until((run.store / name).exists, "the lock is made again")


def test_a_core_whose_starter_has_gone_before_it_heard_of_it_is_ended(tmp_path: Path) -> None:
    """It monitored on, and nobody knew."""
    store = tmp_path / "store"
    job = Job(store=str(store), sources=["phantom:normal"], settings=Settings())
    process = subprocess.Popen(
        [sys.executable, "-m", "monitor.supervise.launch"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        env={**os.environ, "XDG_RUNTIME_DIR": str(tmp_path)}, start_new_session=True,
    )  # fmt: skip
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdout.close()
    with process.stdin as channel:
        channel.write(msgspec.json.encode(job))
    assert process.wait(PATIENCE_S) == 130
    until(lambda: of_store(store) == [], "the core has ended")


def test_a_flood_of_requests_delays_neither_analysis_nor_the_beats_of_the_supervisor(
    tmp_path: Path,
) -> None:
    with monitor(tmp_path) as run:
        flood = Client.connect(run.address, "flood", waves=False)
        sent = 0
        run.until(lambda m: m.status is not None)
        assert run.status is not None
        first = run.status.index
        while run.status.index < first + 20_000:
            try:
                for _ in range(200):
                    flood.send_now(_mark(run.session, sent))
                    sent += 1
            except Gone:
                flood.close()
                flood = Client.connect(run.address, "flood", waves=False)
            run._take(run._client.receive(0.05))  # type: ignore[union-attr]
        flood.close()
        assert not run.has_alarm("supervisor_lost")
        assert not run.has_alarm("behind")
        assert run.attach().hello is not None
    assert sent > 1000


def _mark(session: str, number: int) -> object:
    from monitor.link.requests import AddMark

    return AddMark(id=number, session=session, note="x")


def test_what_was_really_heard_stands_in_the_record(tmp_path: Path) -> None:
    """A machine without an output, and without a terminal whose bell could ring."""
    environment = {
        "PULSE_SERVER": "unix:/nowhere",
        "ALSA_CONFIG_PATH": "/nowhere",
        "JACK_NO_START_SERVER": "1",
    }
    before = {name: os.environ.get(name) for name in environment}
    os.environ.update(environment)
    try:
        with monitor(tmp_path) as run:
            run.until(lambda m: m.has_alarm("alarms_unheard"), "it is said before one is due")
            run.until(lambda m: m.has_alarm("tachycardia"), "one is due")

            def told() -> bool:
                run._take(run._client.receive(0.1))  # type: ignore[union-attr]
                return any(row["by"] == "nothing" for row in _sounded(run))

            until(told, "the record says that nobody heard it")
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _sounded(run: Monitor) -> list[dict[str, object]]:
    connection = sqlite3.connect(run.store / FILE)
    rows = connection.execute("SELECT body FROM commands WHERE kind = 'sounded'").fetchall()
    connection.close()
    return [json.loads(body) for (body,) in rows]
