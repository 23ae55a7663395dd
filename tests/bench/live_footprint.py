"""CPU and memory of ``apexbeat live --headless`` at the pace of life.

    python tests/bench/live_footprint.py [--seconds 60] [--out FOLDER]

CPU of supervisor and core over some time, and their resident memory at its end, by /proc. CPU times
say the same on a busy machine, wall times are not used.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "support"))

from outcome import RESULTS, Outcome, command, machine  # noqa: E402
from process_tree import cpu_s  # noqa: E402
from whole_monitor import monitor  # noqa: E402

PHANTOM = "murmur_tachycardia"
SETTLE_S = 20.0
"""Start, models and first verdict are over by then."""

LIMIT_CORE, LIMIT_MIB = 5.0, 350.0


def memory(pid: int) -> tuple[float, float]:
    """Resident memory, and the part of it that no other process shares, MiB."""
    rows = dict(
        line.split(":") for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    )
    size = {name: int(row.split()[0]) / 1024 for name, row in rows.items()}
    return size["Rss"], size["Private_Clean"] + size["Private_Dirty"]


def whole(seconds: float, out: Outcome, folder: Path) -> None:
    """The command as a user starts it."""
    with monitor(folder, "--set", "sound.alarms=false", phantom=PHANTOM) as run:
        run.detach()
        time.sleep(SETTLE_S)
        measure(seconds, out, {"supervisor": run.process.pid, "core": run.pid})


def measure(seconds: float, out: Outcome, family: dict[str, int]) -> None:
    """What these processes take meanwhile."""
    before = {name: cpu_s(pid) for name, pid in family.items()}
    begun = time.monotonic()
    time.sleep(seconds)
    passed = time.monotonic() - begun
    table, total, sizes = "The command", 0.0, 0.0
    shared = 0.0
    for name, pid in family.items():
        share = 100 * (cpu_s(pid) - before[name]) / passed
        rss, own = memory(pid)
        total += share
        sizes += own
        shared = max(shared, rss - own)
        out.add(table, name, f"{share:.2f} % of a core, {rss:.0f} MiB resident, {own:.0f} its own")
    out.add(table, "CPU of both", f"{total:.2f} % of a core", target=f"< {LIMIT_CORE:g} %",
            held=total < LIMIT_CORE)  # fmt: skip
    sizes += shared
    out.add(table, "memory of both, shared pages once", f"{sizes:.0f} MiB",
            target=f"< {LIMIT_MIB:g} MiB", held=sizes < LIMIT_MIB)  # fmt: skip


def main(arguments: list[str] | None = None) -> int:
    """Measure; 1 if a target was missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--out", type=Path, default=RESULTS)
    asked = parser.parse_args(arguments)
    given = sys.argv[1:] if arguments is None else arguments
    out = Outcome("footprint", command("tests/bench/live_footprint.py", given), machine())
    with tempfile.TemporaryDirectory() as folder:
        whole(asked.seconds, out, Path(folder))
    out.write(asked.out)
    print(out.markdown())
    return int(bool(out.missed))


if __name__ == "__main__":
    sys.exit(main())
