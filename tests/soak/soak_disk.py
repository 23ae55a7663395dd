"""A real monitor on a disk that is full, on one that hangs in fsync, and its acknowledgements.

    python tests/soak/soak_disk.py [full] [hang] [order]

full    the store lies on a 2 MB tmpfs (needs the right to mount) that is filled, then cleared
hang    strace holds every fsync of the core for seconds, as a dying disk does
order   strace shows, for each acknowledgement, an fsync between the request and its answer

Analysis goes on, `cannot_record` is raised, writing resumes by itself, no line is lost. The
figures are stored in docs/results/disk.json.
"""

from __future__ import annotations

import contextlib
import json
import os
import platform
import re
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests" / "support"))

from whole_monitor import Monitor, Mounted, monitor  # noqa: E402

from monitor import events as ev  # noqa: E402
from monitor.record.schema import FILE  # noqa: E402
from monitor.record.store import Archive  # noqa: E402

RESULT = ROOT / "docs" / "results" / "disk.json"
HANG_S = 12.0
SYNCS = "fsync,fdatasync"
ACKNOWLEDGEMENTS = 20


@contextlib.contextmanager
def running(size: int = 0) -> Iterator[tuple[Path, Monitor]]:
    """A folder, and a monitor that has said something; its store on a disk of ``size`` MB."""
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        store = folder / "store"
        if size:
            stack.callback(Mounted(store, size).close)
        options = ("--set", "sound.alarms=false")
        run = stack.enter_context(monitor(folder, *options, store=store))
        yield folder, run.until(lambda m: any(isinstance(e, ev.Vitals) for e in m.lines), "vitals")


def cannot_record(run: Monitor) -> bool:
    """Whether the alarm's condition is there."""
    assert run.status is not None
    return any(a.kind == "cannot_record" and a.condition for a in run.status.alarms)


def seconds_until(run: Monitor, what: Callable[[Monitor], bool], why: str) -> float:
    """How long it takes until something holds."""
    begin_s = time.monotonic()
    run.until(what, why)
    return round(time.monotonic() - begin_s, 1)


def committed(run: Monitor) -> int:
    """Number of the last line in the store, read as anybody may."""
    with Archive(run.store) as archive:
        return archive.last(run.session)[0]


def writes_again(run: Monitor, last: int) -> float:
    """Seconds until no alarm is raised any more; then a line after ``last`` is in the store."""
    again_s = seconds_until(run, lambda m: not cannot_record(m), "writing")
    run.until(lambda m: committed(m) > last, "lines in the store")
    return again_s


def ended(run: Monitor) -> dict[str, Any]:
    """End it in order; what the store holds then."""
    assert run.stop() == 0
    with Archive(run.store) as archive:
        numbers = [n for n, _ in archive.events(run.session)]
        how = archive.sessions()[0].ended_how
    assert numbers == list(range(len(numbers))), "a line is missing"
    with contextlib.closing(sqlite3.connect(run.store / FILE)) as db:
        integrity = db.execute("PRAGMA integrity_check").fetchone()[0]
    assert integrity == "ok"
    return {"lines": len(numbers), "missing": 0, "integrity": integrity, "ended": how}


def full() -> dict[str, Any]:
    """A 2 MB disk that somebody fills, and clears after a while."""
    with running(size=2) as (_, run):
        filler = run.store / "filler"
        with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
            while True:
                file.write(b"x" * 4096)
        raised_s = seconds_until(run, cannot_record, "cannot_record")
        before = len(run.lines)
        goes_on_s = seconds_until(run, lambda m: len(m.lines) > before + 30, "analysis")
        last = committed(run)
        filler.unlink()
        again_s = writes_again(run, last)
        return {
            "cannot_record_after_s": raised_s,
            "lines_while_full": len(run.lines) - before,
            "listened_s": goes_on_s,
            "writes_again_after_s": again_s,
            **ended(run),
        }


def traced(run: Monitor, *options: str) -> subprocess.Popen[bytes]:
    """Begin to watch the core's system calls."""
    return subprocess.Popen(["strace", "-f", "-qq", *options, "-p", str(run.pid)])


def untrace(tracer: subprocess.Popen[bytes]) -> None:
    """Let the core go."""
    tracer.send_signal(signal.SIGINT)
    tracer.wait(60)


def hang() -> dict[str, Any]:
    """Every sync of the core takes HANG_S, until the tracer is gone."""
    with running() as (_, run):
        last = committed(run)
        delay = f"inject={SYNCS}:delay_enter={int(HANG_S * 1e6)}"
        tracer = traced(run, "-o", "/dev/null", "-e", f"trace={SYNCS}", "-e", delay)
        raised_s = seconds_until(run, cannot_record, "cannot_record")
        before = len(run.lines)
        run.until(lambda m: len(m.lines) > before + 15, "analysis")
        went_on = len(run.lines) - before
        untrace(tracer)
        return {
            "each_sync_s": HANG_S,
            "cannot_record_after_s": raised_s,
            "lines_while_it_hung": went_on,
            "writes_again_after_s": writes_again(run, last),
            **ended(run),
        }


def order() -> dict[str, Any]:
    """Between the request to acknowledge and its answer, the record is synced."""
    with running() as (folder, run):
        run.until(lambda m: m.has_alarm("tachycardia"), "an alarm")
        trace = folder / "trace"
        calls = f"trace={SYNCS},recvfrom,sendto"
        tracer = traced(run, "-s", "400", "-o", str(trace), "-e", calls)
        run.until(lambda _: trace.exists() and trace.stat().st_size > 0, "strace")
        for _ in range(ACKNOWLEDGEMENTS):
            run.answer(run.ask("acknowledge"))
        untrace(tracer)
        found = _synced(trace.read_text(errors="replace").splitlines())
        assert found == [True] * ACKNOWLEDGEMENTS, f"{found}"
        return {"acknowledgements": len(found), "synced_before_answer": sum(found), **ended(run)}


def _synced(lines: list[str]) -> list[bool]:
    """For each acknowledgement, in order: whether a sync ended well before its answer was sent."""
    synced = re.compile(r"(?:fsync|fdatasync)(?:\(\d+\)| resumed>\)) += 0")
    out = []
    asked = done = False
    for line in lines:
        if "recvfrom" in line and "acknowledge" in line:
            asked, done = True, False
        elif synced.search(line):
            done = True
        elif asked and "sendto" in line and "reply" in line:
            out.append(done)
            asked = False
    return out


def main() -> None:
    """Run what was asked for, all without words."""
    known = {"full": full, "hang": hang, "order": order}
    result: dict[str, Any] = json.loads(RESULT.read_text()) if RESULT.exists() else {}
    for name in sys.argv[1:] or list(known):
        result[name] = known[name]()
        print(name, json.dumps(result[name]), flush=True)
    result["command"] = "python tests/soak/soak_disk.py"
    result["machine"] = f"{platform.machine()}, {os.cpu_count()} cores"
    RESULT.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
