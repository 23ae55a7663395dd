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

from monitor import events as ev
from monitor.errors import InputError
from monitor.link.address import address_of
from monitor.link.client import Client, Gone
from monitor.link.messages import EventLine, FromCore, Hello, Reply, Status
from monitor.record.schema import FILE
from monitor.record.store import Archive

ROOT = Path(__file__).parents[2]
RESULT = ROOT / "docs" / "results" / "disk.json"
PATIENCE_S = 120.0
HANG_S = 12.0
SYNCS = "fsync,fdatasync"
ACKNOWLEDGEMENTS = 20


class Monitor:
    """A core of its own, and a screen that listens to it."""

    def __init__(self, store: Path, runtime: Path) -> None:
        self.store = store
        os.environ["XDG_RUNTIME_DIR"] = str(runtime)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "monitor.cli.main", "live", "--phantom", "fast", "--headless",
             "--store", str(store), "--set", "sound.alarms=false"],
            cwd=ROOT, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        self.client, self.pid = self._attach()
        self.status: Status | None = None
        self.lines: list[ev.Event] = []
        self.replies: list[Reply] = []

    def _attach(self) -> tuple[Client, int]:
        end_s = time.monotonic() + PATIENCE_S
        while time.monotonic() < end_s:
            with contextlib.suppress(InputError, Gone):
                client = Client.connect(address_of(self.store), "soak", waves=False)
                hello = client.receive(10)
                if isinstance(hello, Hello):
                    return client, hello.pid
                client.close()
            time.sleep(0.05)
        raise AssertionError("no core came up")

    def until(self, condition: Callable[[], bool], what: str) -> float:
        """Listen until something is so; seconds it took."""
        begin_s = time.monotonic()
        while not condition():
            assert time.monotonic() - begin_s < PATIENCE_S, f"waited for: {what}"
            self.take(self.client.receive(0.1))
        return time.monotonic() - begin_s

    def take(self, message: FromCore | None) -> None:
        """Take one message of the core."""
        if isinstance(message, Status):
            self.status = message
        elif isinstance(message, EventLine):
            self.lines.append(message.event)
        elif isinstance(message, Reply):
            self.replies.append(message)

    @property
    def cannot_record(self) -> bool:
        """Whether the alarm is raised."""
        assert self.status is not None
        return any(a.kind == "cannot_record" and a.condition for a in self.status.alarms)

    def committed(self) -> int:
        """Number of the last line in the store, read as anybody may."""
        with Archive(self.store) as archive:
            return archive.last(archive.sessions()[0].id)[0]

    def stop(self) -> dict[str, Any]:
        """End it in order; what the store holds then."""
        assert self.status is not None
        self.client.request(self.status.session, "stop")
        self.process.wait(60)
        self.client.close()
        with Archive(self.store) as archive:
            numbers = [n for n, _ in archive.events(archive.sessions()[0].id)]
            how = archive.sessions()[0].ended_how
        assert numbers == list(range(len(numbers))), "a line is missing"
        with contextlib.closing(sqlite3.connect(self.store / FILE)) as db:
            integrity = db.execute("PRAGMA integrity_check").fetchone()[0]
        assert integrity == "ok"
        return {"lines": len(numbers), "missing": 0, "integrity": integrity, "ended": how}


@contextlib.contextmanager
def folders() -> Iterator[tuple[Path, Path]]:
    """A store and a runtime folder."""
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder)
        (base / "run").mkdir()
        yield base / "store", base / "run"


def full() -> dict[str, Any]:
    """A 2 MB disk that somebody fills, and clears after a while."""
    with folders() as (store, runtime):
        store.mkdir()
        subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=2m,mode=0700", "none", str(store)], check=True
        )
        try:
            monitor = Monitor(store, runtime)
            monitor.until(lambda: any(isinstance(e, ev.Vitals) for e in monitor.lines), "vitals")
            filler = store / "filler"
            with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
                while True:
                    file.write(b"x" * 4096)
            raised_s = monitor.until(lambda: monitor.cannot_record, "cannot_record")
            before = len(monitor.lines)
            goes_on_s = monitor.until(lambda: len(monitor.lines) > before + 30, "analysis")
            committed = monitor.committed()
            filler.unlink()
            again_s = monitor.until(lambda: not monitor.cannot_record, "writing")
            monitor.until(lambda: monitor.committed() > committed, "lines in the store")
            return {
                "cannot_record_after_s": round(raised_s, 1),
                "lines_while_full": len(monitor.lines) - before,
                "listened_s": round(goes_on_s, 1),
                "writes_again_after_s": round(again_s, 1),
                **monitor.stop(),
            }
        finally:
            subprocess.run(["umount", "-l", str(store)], check=True)


def hang() -> dict[str, Any]:
    """Every sync of the core takes HANG_S, until the tracer is gone."""
    with folders() as (store, runtime):
        monitor = Monitor(store, runtime)
        monitor.until(lambda: any(isinstance(e, ev.Vitals) for e in monitor.lines), "vitals")
        committed = monitor.committed()
        tracer = subprocess.Popen(
            ["strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={SYNCS}",
             "-e", f"inject={SYNCS}:delay_enter={int(HANG_S * 1e6)}", "-p", str(monitor.pid)]
        )  # fmt: skip
        raised_s = monitor.until(lambda: monitor.cannot_record, "cannot_record")
        before = len(monitor.lines)
        monitor.until(lambda: len(monitor.lines) > before + 15, "analysis")
        went_on = len(monitor.lines) - before
        tracer.send_signal(signal.SIGINT)
        tracer.wait(60)
        again_s = monitor.until(lambda: not monitor.cannot_record, "writing")
        monitor.until(lambda: monitor.committed() > committed, "lines in the store")
        return {
            "each_sync_s": HANG_S,
            "cannot_record_after_s": round(raised_s, 1),
            "lines_while_it_hung": went_on,
            "writes_again_after_s": round(again_s, 1),
            **monitor.stop(),
        }


def order() -> dict[str, Any]:
    """Between the request to acknowledge and its answer, the record is synced."""
    with folders() as (store, runtime):
        monitor = Monitor(store, runtime)
        monitor.until(lambda: bool(monitor.status and monitor.status.alarms), "an alarm")
        assert monitor.status is not None
        trace = runtime / "trace"
        tracer = subprocess.Popen(
            ["strace", "-f", "-qq", "-s", "400", "-o", str(trace),
             "-e", f"trace={SYNCS},recvfrom,sendto", "-p", str(monitor.pid)]
        )  # fmt: skip
        monitor.until(lambda: trace.exists() and trace.stat().st_size > 0, "strace")
        for _ in range(ACKNOWLEDGEMENTS):
            number = monitor.client.request(monitor.status.session, "acknowledge")
            monitor.until(lambda n=number: any(r.id == n for r in monitor.replies), "an answer")  # type: ignore[misc]
        tracer.send_signal(signal.SIGINT)
        tracer.wait(60)
        kept = trace.read_text(errors="replace").splitlines()
        found = _synced(kept)
        assert found == [True] * ACKNOWLEDGEMENTS, f"{found}"
        return {
            "acknowledgements": len(found), "synced_before_answer": sum(found), **monitor.stop()
        }  # fmt: skip


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
