"""Disks that hang, fill up or lose the store: analysis goes on, and somebody is told."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from waiting import until
from whole_monitor import Monitor, Mounted, monitor

from monitor import events as ev
from monitor.record.schema import FILE
from monitor.record.store import Archive

pytestmark = pytest.mark.timeout(600)


def _cannot(run: Monitor) -> bool:
    return run.status is not None and not run.status.can_record


def _can(run: Monitor) -> bool:
    return run.status is not None and run.status.can_record


def _events(store: Path, kind: str) -> list[ev.Event]:
    archive = Archive(store)
    found = [line for row in archive.sessions() for _, line in archive.events(row.id, (kind,))]
    archive.close()
    return found


def test_while_the_disk_hangs_analysis_goes_on_whatever_is_asked_for(
    tmp_path: Path, mounted: Callable[..., Mounted]
) -> None:
    """Pressing r on a frozen disk stopped the analysis, and then the supervisor killed the core."""
    disk = mounted(64, "ext4")
    with monitor(tmp_path, store=disk.folder / "store") as run:
        run.until(lambda m: m.has_alarm("tachycardia"), "an alarm to acknowledge")
        core = run.pid
        disk.freeze()
        try:
            record = run.ask("record", on=True)
            mark = run.ask("mark", note="while it hangs")
            acknowledged = run.ask("acknowledge", alarm="tachycardia")
            run.until(_cannot, "cannot record")
            reply = run.answer(record)
            assert not reply.ok
            for _ in range(3):
                run.analyses()
            assert {reply.id for reply in run.replies} == {record}  # nothing was claimed
        finally:
            disk.thaw()
        assert run.answer(mark).ok
        assert run.answer(acknowledged).ok
        run.until(_can, "it records again")
        run.until(lambda m: m.status is not None and m.status.recording, "the sound too")
        assert run.attach().pid == core
    assert any(isinstance(e, ev.Mark) for e in _events(run.store, "mark"))
    assert list((run.store / "sessions").glob("*/inputs.jsonl"))


def test_a_full_disk_is_told_and_what_it_refused_is_written_when_there_is_room(
    tmp_path: Path, mounted: Callable[..., Mounted]
) -> None:
    disk = mounted(8)
    with monitor(tmp_path, store=disk.folder / "store") as run:
        filler = disk.folder / "filler"
        with filler.open("wb") as file:
            try:
                while True:
                    file.write(b"x" * 65536)
                    file.flush()
            except OSError:
                pass
        run.until(_cannot, "cannot record")
        run.until(lambda m: m.has_alarm("tachycardia"), "an alarm is raised all the same")
        filler.unlink()
        run.until(_can, "it records again")
        session = run.session

        def clip() -> bool:
            return bool(list((run.store / "clips" / session).glob("*-tachycardia.flac")))

        until(clip, "the clip of the alarm is written too")
    raised = [e for e in _events(run.store, "alarm") if getattr(e, "kind", "") == "tachycardia"]
    assert raised


@pytest.mark.parametrize("how", ["deleted", "moved", "replaced", "folder deleted"])
def test_a_store_that_is_taken_away_while_it_is_used_is_told_and_made_anew(
    tmp_path: Path, how: str
) -> None:
    """Everything went on as if all were recorded, into a file without a name."""
    with monitor(tmp_path) as run:
        run.until(_can)
        store, session = run.store, run.session
        if how == "deleted":
            for path in store.glob(FILE + "*"):
                path.unlink(missing_ok=True)  # the store itself takes one away once it is open
        elif how == "moved":
            (store / FILE).rename(tmp_path / "elsewhere.db")
        elif how == "replaced":
            sqlite3.connect(tmp_path / "other.db").close()
            shutil.copy(store / FILE, tmp_path / "other.db")
            (tmp_path / "other.db").replace(store / FILE)
        else:
            shutil.rmtree(store, ignore_errors=True)
        run.until(_cannot, "cannot record")
        run.until(lambda m: m.has_alarm("cannot_record"), "and it is an alarm")
        run.until(_can, "a new one is used")
        mark = run.ask("mark", note="after it")
        assert run.answer(mark).ok
        run.analyses()
    archive = Archive(store)
    row = archive.session(session)
    kinds = [type(line).__name__ for _, line in archive.events(session)]
    archive.close()
    assert row is not None
    assert row.ended_how == "terminated"
    assert "Mark" in kinds


def test_a_write_ahead_log_deleted_after_a_crash_is_a_damaged_store_not_an_empty_one(
    tmp_path: Path,
) -> None:
    """The start went on with an empty store, and said nothing."""
    with monitor(tmp_path) as run:
        run.until(lambda m: m.has_alarm("tachycardia"), "something to lose")
        run.process.send_signal(signal.SIGKILL)
        run.process.wait()
        os.kill(run.pid, signal.SIGKILL)
        until(lambda: not Path(f"/proc/{run.pid}").exists() or _is_dead(run.pid), "it is dead")
        for name in ("-wal", "-shm"):
            (run.store / (FILE + name)).unlink(missing_ok=True)
        again = Monitor(run.store, run.runtime)
        again.attach()
        assert again.end() == 0
    assert list(run.store.glob(FILE + ".damaged-*"))


def _is_dead(pid: int) -> bool:
    try:
        return " Z " in Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return True
