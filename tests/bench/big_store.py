"""A store of 2 GB: how long it takes to open it for a monitor, and to list what is in it.

    python tests/bench/big_store.py [GIGABYTES]

Sessions of eight hours with every line that a monitor writes, made in SQL. Times are of wall and
of this process or the command's own processor; stored in docs/results/big_store.json.
"""

from __future__ import annotations

import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from monitor.clock import SystemClock
from monitor.record.opening import open_store
from monitor.record.schema import FILE
from monitor.record.store import Store

ROOT = Path(__file__).parents[2]
RESULT = ROOT / "docs" / "results" / "big_store.json"
HOURS = 8
SECONDS = HOURS * 3600
LIMIT_S = 1.0

_SESSION = """
INSERT INTO sessions VALUES (?, 'phantom', 'phantom', 'phantom', 4000, 1, 'apexbeat 0', '{}', '{}',
  NULL, ?, ?, ?, 'stopped', NULL, NULL)
"""
_SERIES = "WITH RECURSIVE t(k) AS (SELECT 0 UNION ALL SELECT k + 1 FROM t WHERE k < {last}) "
_BEATS = """INSERT INTO events SELECT :s, 4 * k, 2000 * k, 'beat', json_object('type', 'beat',
  'index', 2000 * k, 's1', 2000 * k - 3000, 'systole', 2000 * k - 2800, 's2', 2000 * k - 2400,
  'diastole', 2000 * k - 2200, 'end', 2000 * k - 1000, 'confidence', 0.987), NULL FROM t"""
_WINDOWS = """INSERT INTO events SELECT :s, 4 * k + 1, 2000 * k, 'window', json_object('type',
  'window', 'index', 2000 * k, 'start', 2000 * k - 6000, 'p', 0.1234, 'used', json('true'),
  'reason', NULL), NULL FROM t"""
_VITALS = """INSERT INTO events SELECT :s, 4 * k + 2, 2000 * k, 'vitals', json_object('type',
  'vitals', 'index', 2000 * k, 'rate', 78.5, 'spread', 0.021, 'systole_ms', 301.5, 'diastole_ms',
  463.0), NULL FROM t"""
_NOTED = """INSERT INTO events SELECT :s, 4 * 60 * k + 3, 120000 * k, 'quality', json_object('type',
  'quality', 'index', 120000 * k, 'value', 'good', 'reason', ''), NULL FROM t"""
_ANCHORS = (
    "INSERT INTO anchors SELECT :s, 120000 * k, 60.0 * k, 60.0 * k, :w + 60.0 * k, 'b' FROM t"
)


def make(folder: Path, size: int) -> int:
    """A store of at least ``size`` bytes; how many sessions it took."""
    db = open_store(folder).connection
    db.execute("PRAGMA synchronous = OFF")
    number = 0
    while (folder / FILE).stat().st_size < size:
        begin = time.time() - SECONDS * (number + 1)
        name = time.strftime("%Y%m%dT%H%M%S", time.gmtime(begin)) + f"-{number:06x}"
        values = {"s": name, "w": begin}
        db.execute("BEGIN")
        db.execute(_SESSION, (name, begin, begin + SECONDS, SECONDS * 2000))
        for sql in (_BEATS, _WINDOWS, _VITALS):
            db.execute(_SERIES.format(last=SECONDS - 1) + sql, {"s": name})
        db.execute(_SERIES.format(last=SECONDS // 60 - 1) + _NOTED, {"s": name})
        db.execute(_SERIES.format(last=SECONDS // 60) + _ANCHORS, values)
        db.execute("COMMIT")
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        number += 1
    db.close()
    return number


def timed(work: Callable[[], object]) -> dict[str, float]:
    """Wall and processor seconds of ``work``, its children's included."""
    who = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)

    def used() -> float:
        return sum(u.ru_utime + u.ru_stime for u in map(resource.getrusage, who))

    wall_s, cpu_s = time.perf_counter(), used()
    work()
    return {
        "wall_s": round(time.perf_counter() - wall_s, 3), "cpu_s": round(used() - cpu_s, 3),
    }  # fmt: skip


def command(*words: str) -> Callable[[], object]:
    """A call of `apexbeat`, its output read and thrown away."""
    call = [sys.executable, "-m", "monitor.cli.main", *words]
    return lambda: subprocess.run(call, cwd=ROOT, check=True, capture_output=True)


def main() -> None:
    """Make, measure, store."""
    gigabytes = float(sys.argv[1]) if len(sys.argv) > 1 else 2.0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sessions = make(folder, int(gigabytes * 2**30))
        size = (folder / FILE).stat().st_size
        where = ("--store", name)
        stores: list[Store] = []
        figures = {
            "opened for a monitor": timed(lambda: stores.append(Store(folder, SystemClock()))),
        }
        stores[0].close()
        figures |= {
            "apexbeat log --sessions": timed(command("log", "--sessions", *where)),
            "apexbeat log": timed(command("log", *where)),
            "apexbeat log shift": timed(command("log", "shift", *where)),
            "apexbeat --help, for comparison": timed(command("--help")),
        }
    result: dict[str, Any] = {
        "command": f"python tests/bench/big_store.py {gigabytes:g}",
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "load": round(os.getloadavg()[0], 1),
        "bytes": size,
        "sessions": sessions,
        "hours of each": HOURS,
        "limit_s": LIMIT_S,
        "figures": figures,
    }
    RESULT.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
