"""A core is found whatever the environment of whoever asks, and whatever was cleaned away."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from waiting import until
from whole_monitor import PATIENCE_S, Monitor, monitor, of_store

from monitor.errors import RecordError
from monitor.link.address import LONGEST, address_of, place_of
from monitor.record.schema import FILE
from monitor.record.store import Archive
from monitor.system.store_lock import CORE, StoreLock, holder

pytestmark = pytest.mark.timeout(600)


def test_whoever_has_another_environment_finds_the_core(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A monitor started by systemd could not be attached to from a shell."""
    (tmp_path / "link").symlink_to(tmp_path / "store")
    with monitor(tmp_path) as run, tempfile.TemporaryDirectory(prefix="other-") as other:
        monkeypatch.setenv("XDG_RUNTIME_DIR", other)
        assert address_of(run.store) == run.address
        assert address_of(tmp_path / "link") == run.address
        assert address_of(run.store) != place_of(run.store)


def test_a_socket_that_was_cleaned_away_is_made_again(tmp_path: Path) -> None:
    with monitor(tmp_path) as run:
        core = run.pid
        shutil.rmtree(run.runtime / "apexbeat")
        until(run.address.exists, "it is there again")
        assert run.attach().pid == core
        run.analyses()


def test_a_runtime_folder_with_a_name_that_is_too_long_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = tmp_path / ("x" * 120)
    long.mkdir()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(long))
    place = place_of(tmp_path / "store")
    assert len(os.fsencode(place)) <= LONGEST
    run = Monitor(tmp_path / "store", long)
    try:
        run.attach().analyses()
    finally:
        assert run.end() == 0


@pytest.mark.parametrize("name", [CORE, FILE, "core.log", "core.address"])
def test_a_link_in_the_place_of_a_file_of_the_store_is_not_followed(
    tmp_path: Path, name: str
) -> None:
    """What it pointed at was emptied, or written to."""
    dear = tmp_path / "dear"
    dear.write_text("dear")
    store = tmp_path / "store"
    store.mkdir(mode=0o700)
    (store / name).symlink_to(dear)
    (tmp_path / "run").mkdir()
    run = Monitor(store, tmp_path / "run")
    if name in (CORE, FILE):
        _, errors = run.process.communicate(timeout=PATIENCE_S)
        assert run.process.returncode == 6
        [line] = [line for line in errors.splitlines() if line.startswith("apexbeat: ")]
        assert "link" in line
    else:
        run.attach()
        assert run.end() == 0
    assert dear.read_text() == "dear"
    until(lambda: of_store(store) == [], "nothing is left")


def test_a_core_that_nobody_could_reach_leaves_no_session_behind(tmp_path: Path) -> None:
    """A path too long left a session that "ended unexpectedly" each time."""
    store, runtime = tmp_path / "store", tmp_path / "run"
    runtime.mkdir()
    run = Monitor(store, runtime, phantom="nobody")
    _, errors = run.process.communicate(timeout=PATIENCE_S)
    assert run.process.returncode == 4
    assert len([line for line in errors.splitlines() if line.startswith("apexbeat: ")]) == 1
    archive = Archive(store)
    assert archive.sessions() == []
    archive.close()


def test_a_folder_that_everybody_may_write_in_is_refused_in_one_line(tmp_path: Path) -> None:
    store = tmp_path / "store"
    store.mkdir()
    store.chmod(0o777)
    with pytest.raises(RecordError, match="everybody may write"):
        StoreLock(store)


def test_a_file_system_without_locks_is_told_as_such(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was taken for another monitor, of process "unknown"."""
    import fcntl

    def refuse(*_: object) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with pytest.raises(RecordError, match="files cannot be locked there"):
        StoreLock(tmp_path)


def test_a_lock_is_held_though_its_file_was_deleted_and_tells_by_whom(tmp_path: Path) -> None:
    words = (
        "import sys, pathlib; from monitor.system.store_lock import StoreLock;"
        "lock = StoreLock(pathlib.Path(sys.argv[1])); print('held', flush=True); sys.stdin.read()"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", words, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert other.stdout is not None
    assert other.stdout.readline() == b"held\n"
    (tmp_path / CORE).unlink()
    for _ in range(3):
        with pytest.raises(RecordError, match=f"process {other.pid}"):
            StoreLock(tmp_path)
    assert holder(tmp_path) == other.pid
    other.communicate()
    StoreLock(tmp_path).release()
