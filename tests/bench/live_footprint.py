"""CPU and memory of ``apexbeat live --headless`` at the pace of life, and where they go.

    python tests/bench/live_footprint.py [--seconds 60] [--out FOLDER]

The command itself is measured by /proc: CPU of supervisor and core over some time, resident
memory at its end. A second core, run inside a process of ours, tells its threads
apart; a third tells what each part adds to memory as it is loaded. CPU times say the same on a
busy machine, wall times are not used.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "support"))

from outcome import RESULTS, Outcome, command, machine  # noqa: E402
from process_tree import children, command_line  # noqa: E402

PHANTOM = "murmur_tachycardia"
SETTLE_S = 20.0
"""Start, models and first verdict are over by then."""

TICK_S = 1 / os.sysconf("SC_CLK_TCK")
LIMIT_CORE, LIMIT_MIB = 5.0, 350.0

MEMORY = (
    ("interpreter", ""),
    ("numpy", "import numpy"),
    ("scipy.signal", "import scipy.signal"),
    ("torch", "import torch"),
    ("the core's own modules", "import monitor.live.core"),
    ("models opened and asked once",
     "from monitor.assembly import open_models; from monitor.config.load import Settings; "
     "m = open_models(Settings()); m.engine.probability(numpy.zeros((1, 5000), 'float32'))"),
)  # fmt: skip


def cpu_s(folder: Path) -> float:
    """User and system time of a process or thread."""
    fields = (folder / "stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * TICK_S


def memory(pid: int) -> tuple[float, float]:
    """Resident memory, and the part of it that no other process shares, MiB."""
    rows = dict(
        line.split(":") for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    )
    size = {name: int(row.split()[0]) / 1024 for name, row in rows.items()}
    return size["Rss"], size["Private_Clean"] + size["Private_Dirty"]


def whole(seconds: float, out: Outcome, folder: Path) -> None:
    """The command as a user starts it."""
    process = subprocess.Popen(
        [sys.executable, "-m", "monitor.cli.main", "live", "--headless", "--phantom", PHANTOM,
         "--store", str(folder / "store"), "--set", "sound.alarms=false"],
        stderr=subprocess.DEVNULL, env={**os.environ, "XDG_RUNTIME_DIR": str(folder)},
    )  # fmt: skip
    time.sleep(SETTLE_S)
    core = next(pid for pid in children(process.pid) if b"monitor.live.core" in command_line(pid))
    family = {"supervisor": process.pid, "core": core}
    before = {name: cpu_s(Path(f"/proc/{pid}")) for name, pid in family.items()}
    begun = time.monotonic()
    time.sleep(seconds)
    passed = time.monotonic() - begun
    table, total, sizes = "The command", 0.0, 0.0
    shared = 0.0
    for name, pid in family.items():
        share = 100 * (cpu_s(Path(f"/proc/{pid}")) - before[name]) / passed
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
    process.terminate()
    process.wait(30)


def threads(seconds: float) -> dict[str, float]:
    """Percent of a core by thread of a core that runs here."""
    from monitor.clock import SystemClock
    from monitor.config.load import Settings
    from monitor.live.core import Core
    from monitor.supervise.job import Job

    found: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        os.environ["XDG_RUNTIME_DIR"] = folder
        job = Job(store=f"{folder}/store", sources=[f"phantom:{PHANTOM}"], settings=Settings())
        core = Core(job, SystemClock())
        own = Path("/proc/self/task")

        def look() -> None:
            time.sleep(SETTLE_S)
            alive = [t.native_id for t in threading.enumerate()]
            before = {n: cpu_s(own / str(n)) for n in alive if (own / str(n)).exists()}
            whole_s, begun = cpu_s(Path("/proc/self")), time.monotonic()
            time.sleep(seconds)
            passed = time.monotonic() - begun
            for thread in threading.enumerate():
                if not (own / str(thread.native_id)).exists():  # it has just ended
                    continue
                spent = cpu_s(own / str(thread.native_id)) - before.get(thread.native_id, 0.0)
                name = "analysis" if thread is threading.main_thread() else thread.name
                found[name] = found.get(name, 0.0) + 100 * spent / passed
            found["whole"] = 100 * (cpu_s(Path("/proc/self")) - whole_s) / passed
            core._stop("measured")

        threading.Thread(target=look, name="measure", daemon=True).start()
        core.run()
    return found


def loaded() -> list[tuple[str, float]]:
    """Resident memory after each part of `MEMORY` is loaded, MiB."""
    found, space = [], {}
    for words, code in MEMORY:
        exec(code, space)
        found.append((words, memory(os.getpid())[0]))
    return found


def child(what: str, seconds: float) -> object:
    """Run ``threads`` or ``loaded`` in a fresh process."""
    done = subprocess.run(
        [sys.executable, __file__, "--child", what, "--seconds", str(seconds)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return json.loads(done.stdout.splitlines()[-1])


def main(arguments: list[str] | None = None) -> int:
    """Measure; 1 if a target was missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--out", type=Path, default=RESULTS)
    parser.add_argument("--child", choices=["threads", "loaded"])
    asked = parser.parse_args(arguments)
    if asked.child:
        print(json.dumps(threads(asked.seconds) if asked.child == "threads" else loaded()))
        return 0
    given = sys.argv[1:] if arguments is None else arguments
    out = Outcome("footprint", command("tests/bench/live_footprint.py", given), machine())
    with tempfile.TemporaryDirectory() as folder:
        whole(asked.seconds, out, Path(folder))
    shares = child("threads", asked.seconds)
    assert isinstance(shares, dict)
    for name, share in sorted(shares.items(), key=lambda row: -row[1]):
        out.add("CPU of the core by thread", name, f"{share:.2f} % of a core")
    sizes, last = child("loaded", asked.seconds), 0.0
    assert isinstance(sizes, list)
    for name, size in sizes:
        out.add("Memory of a core as it is loaded", name, f"+{size - last:.0f} MiB, {size:.0f} MiB")
        last = size
    out.write(asked.out)
    print(out.markdown())
    return int(bool(out.missed))


if __name__ == "__main__":
    sys.exit(main())
