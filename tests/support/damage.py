"""Damage a store at random places; start on each, and see that nothing dear is overwritten.

    python tests/support/damage.py [TIMES] [SEED]

Prints what became of the copies, and stores it in docs/results/damage.json.
"""

from __future__ import annotations

import json
import os
import platform
import random
import shutil
import sys
import tempfile
from collections import Counter
from pathlib import Path

from store_rows import a_session, an_alarm

from monitor import events as ev
from monitor.clock import ClockAnchor, SystemClock
from monitor.errors import ApexbeatError, RecordError
from monitor.record.schema import FILE
from monitor.record.store import Archive, CommandRow, Store

RESULT = Path(__file__).parents[2] / "docs" / "results" / "damage.json"
LENGTHS = (1, 8, 64, 512, 4096)


def make(folder: Path, lines: int = 600) -> bytes:
    """The bytes of a whole store."""
    store = Store(folder, SystemClock())
    for name in ("s1", "s2"):
        store.begin(a_session(name))
        for k in range(lines):
            store.events(name, k, [an_alarm(k)], b"{}" if k % 50 == 0 else None)
            if k % 10 == 0:
                store.anchor(name, ClockAnchor(k, 1.0, 1.0, 1.0, "b"))
                store.command(name, CommandRow(k, 1.0, "c", "mark", "{}"), lambda: None)
    assert store.close(30)
    return (folder / FILE).read_bytes()


def one(folder: Path, whole: bytes, rng: random.Random) -> str:
    """Damage a copy at one place, start on it, read and write; what became of it."""
    data = bytearray(whole)
    at, length = rng.randrange(len(data)), rng.choice(LENGTHS)
    old = data[at : at + length]
    data[at : at + length] = rng.randbytes(len(old))
    damaged = bytes(data)
    folder.mkdir()
    (folder / FILE).write_bytes(damaged)
    try:
        store = Store(folder, SystemClock())
    except RecordError:
        assert (folder / FILE).read_bytes() == damaged, "a refused file was changed"
        return "refused"
    kept = store.damaged
    if kept is not None:
        assert kept.read_bytes() == damaged, "what was moved aside was changed"
    try:
        store.begin(a_session("new"))
        store.events("new", 0, [ev.Mark(index=1, note="after")])
    finally:
        closed = store.close(30)
    assert closed
    later = store.damaged
    with Archive(folder) as archive:
        names = {row.id for row in archive.sessions()}
        assert "new" in names, "a new session was not recorded"
        told = 0
        for name in names:
            told += sum(isinstance(e, ev.Fault) for _, e in archive.events(name))
    if kept is not None:
        return "moved aside at the start"
    if later is not None:
        return "moved aside when it was written"
    if not {"s1", "s2"} <= names:
        return "opened, a session's name changed"
    return "opened, damaged lines told" if told else "opened, damage within values"


def run(times: int, seed: int, folder: Path) -> Counter[str]:
    """So many copies, each damaged at one place."""
    whole = make(folder / "whole")
    rng = random.Random(seed)
    found: Counter[str] = Counter()
    for k in range(times):
        copy = folder / f"copy{k}"
        try:
            found[one(copy, whole, rng)] += 1
        except ApexbeatError as error:
            found[f"cannot be read: {type(error).__name__}"] += 1
        shutil.rmtree(copy)
    return found


def main() -> None:
    """Run and store."""
    times = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    # Thousands of synced commits: on a memory file system where there is one.
    where = "/dev/shm" if Path("/dev/shm").is_dir() else None
    with tempfile.TemporaryDirectory(dir=where) as folder:
        found = run(times, seed, Path(folder))
    result = {
        "command": f"python tests/support/damage.py {times} {seed}",
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "places": times,
        "lengths": LENGTHS,
        "crashed": 0,
        "overwritten": 0,
        "outcome": dict(found.most_common()),
    }
    RESULT.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
