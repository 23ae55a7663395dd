"""By default nothing listens, nobody else may read, and a label stays in the store."""

from __future__ import annotations

import io
import os
import shutil
import stat
import subprocess
from pathlib import Path

import pytest
from whole_monitor import monitor

from monitor import events as ev
from monitor.cli.main import run
from monitor.record.schema import FILE

CANARY = "Canary-Patient-7f3a"


def listeners(*pids: int) -> list[str]:
    """Internet sockets, listening or not connected, of these processes."""
    said = subprocess.run(["ss", "-Hlntup"], capture_output=True, text=True, check=True).stdout
    return [line for line in said.splitlines() if any(f"pid={pid}," in line for pid in pids)]


@pytest.mark.skipif(shutil.which("ss") is None, reason="needs ss (iproute2)")
def test_nothing_listens_nobody_else_reads_and_a_label_stays_in_the_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def apexbeat(*words: str) -> str:
        assert run(list(words)) == 0
        said = capfd.readouterr()
        return said.out + said.err

    with monitor(tmp_path, "--record", "--set", "sound.alarms=false") as live:
        live.until(lambda m: any(isinstance(line, ev.Vitals) for line in m.lines), "vitals")
        assert listeners(live.process.pid, live.pid) == []
        assert live.stop() == 0
    store, session = live.store, live.session
    assert "events for 90 days, sound and clips for 7" in live.errors
    for path in [store, *store.rglob("*")]:
        mode = stat.S_IMODE(path.stat().st_mode)
        assert mode == (0o700 if path.is_dir() else 0o600), f"{path.name}: {mode:o}"
    # A label, then everything that makes words of a session.
    where = ("--store", str(store))
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{CANARY}\n"))
    apexbeat("log", "label", session, *where)
    out = tmp_path / "out"
    words = apexbeat("log", session, *where, "--all") + apexbeat("log", "--sessions", *where)
    words += apexbeat("log", "--sessions", "--json", *where) + apexbeat("log", "shift", *where)
    words += apexbeat("report", session, *where, "-o", str(out / "r.html"))
    for form in ("csv", "jsonl", "wfdb", "fhir"):
        words += apexbeat("export", session, "--to", form, "-o", str(out / form), *where)
    assert CANARY not in words
    assert apexbeat("log", "label", session, "--show", *where).strip() == CANARY
    found = {
        path.relative_to(tmp_path).parts[-1]
        for path in tmp_path.rglob("*")
        if CANARY in path.name or (path.is_file() and CANARY.encode() in path.read_bytes())
    }
    assert found - {f"{FILE}-wal"} == {FILE}
    assert os.listdir(out)
