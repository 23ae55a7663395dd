"""An archive on one core, on two, on a Dask cluster, and on one whose worker and scheduler die.

    python tests/bench/archive.py DATA [--every 25] [--json docs/results/archive.json]

takes every n-th recording of the folder DATA, and says seconds, speed-up, cost and bytes per
recording, and whether all results are the same byte for byte.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests" / "support"))

from cluster_processes import Cluster  # noqa: E402

ENVIRONMENT = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}


CPU: dict[str, float] = {}
"""Processor seconds of the processes that were waited for, by result."""


def subset(data: Path, every: int, folder: Path) -> int:
    """Copy every n-th recording; gives how many."""
    from monitor.replay.inputs import search

    chosen = search(data).files[::every]
    for path in chosen:
        target = folder / path.relative_to(data)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    return len(chosen)


def lines_of(path: Path) -> int:
    """Recordings in a result so far."""
    return path.read_bytes().count(b"\n") if path.exists() else 0


def judge(
    folder: Path, path: Path, *options: str, each: Callable[[int, Any], None] | None = None
) -> float:
    """Run the command to its end; gives wall seconds, and adds those of processors to `CPU`."""
    command = [sys.executable, "-m", "monitor.cli.main", "archive", str(folder), "-o", str(path)]
    began_s, before = time.perf_counter(), os.times()
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen([*command, *options], cwd=ROOT, env=ENVIRONMENT, stderr=errors)
        while process.poll() is None:
            time.sleep(0.05)
            if each is not None:
                each(lines_of(path), process)
        errors.seek(0)
        print(errors.read().decode()[-200:].strip())
    after = os.times()
    used_s = after.children_user + after.children_system
    CPU[path.stem] = used_s - before.children_user - before.children_system
    return time.perf_counter() - began_s


def main() -> int:
    """Measure."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("data", type=Path)
    options.add_argument("--every", type=int, default=25)
    options.add_argument("--json", type=Path)
    wanted = options.parse_args()
    with tempfile.TemporaryDirectory() as name:
        found = measure(wanted.data.resolve(), wanted.every, Path(name))
    text = json.dumps(found, indent=1)
    print(text)
    if wanted.json is not None:
        wanted.json.write_text(text + "\n")
    return 0 if found["same_bytes"] else 1


def measure(data: Path, every: int, work: Path) -> dict[str, Any]:
    """All runs."""
    folder = work / "archive"
    count = subset(data, every, folder)
    names = ("one", "two", "resumed", "calm", "cluster")
    results = {name: work / f"{name}.jsonl" for name in names}
    took = {name: judge(folder, results[name], "--jobs", jobs)
            for name, jobs in (("one", "1"), ("two", "2"))}  # fmt: skip
    took["resumed"] = _interrupted(folder, results["resumed"], count)
    for name, faults in (("calm", False), ("cluster", True)):
        took[name] = _on_cluster(folder, results[name], count, work / f"{name}-dask", faults)
    rows = [json.loads(line) for line in results["one"].read_text().splitlines()]
    sound_s = sum(row["duration_s"] or 0.0 for row in rows)
    return {
        "command": f"python tests/bench/archive.py DATA --every {every}",
        "conditions": f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores shared"
        f" with other work, load {os.getloadavg()[0]:.1f}, Python {platform.python_version()};"
        " seconds include the start of every process",
        "recordings": count,
        "failed": sum(row["error"] is not None for row in rows),
        "sound_s": round(sound_s, 1),
        "seconds": {name: round(s, 1) for name, s in took.items()},
        "times_real_time": {name: round(sound_s / s, 1) for name, s in took.items()},
        "cost_per_recording_s": {name: round(s / count, 3) for name, s in took.items()},
        "processor_s_per_recording": {
            name: round(CPU[name] / count, 4) for name in ("one", "two", "calm")
        },
        "bytes_per_recording": {
            "sound": round(sum(p.stat().st_size for p in folder.rglob("*.*")) / count),
            "result": round(results["one"].stat().st_size / count),
            "events": _event_bytes(folder, work / "events"),
        },
        "speed_up_on_two": round(took["one"] / took["two"], 2),
        "calm": "4 worker processes, the scheduler beside them",
        "cluster": "4 worker processes, one killed with -9, scheduler killed with -9 and restarted",
        "resumed": "killed with -9 at a third, gone on with --resume",
        "same_bytes": len({path.read_bytes() for path in results.values()}) == 1,
    }


def _interrupted(folder: Path, path: Path, count: int) -> float:
    def kill(done: int, process: Any) -> None:
        if done >= count // 3:
            process.send_signal(signal.SIGKILL)

    first_s = judge(folder, path, "--jobs", "2", each=kill)
    print(f"killed after {lines_of(path)} of {count}")
    return first_s + judge(folder, path, "--jobs", "2", "--resume")


def _event_bytes(folder: Path, out: Path) -> int:
    """Bytes of an event file, on average over a tenth of the recordings."""
    some = [path for path in sorted(folder.rglob("*.*")) if path.suffix in (".flac", ".wav")][::10]
    words = [sys.executable, "-m", "monitor.cli.main", "replay", "--events", str(out)]
    subprocess.run([*words, *map(str, some)], cwd=ROOT, env=ENVIRONMENT, capture_output=True)
    sizes = [path.stat().st_size for path in out.rglob("*.jsonl")]
    return round(sum(sizes) / max(len(sizes), 1))


def _on_cluster(folder: Path, path: Path, count: int, work: Path, faults: bool) -> float:
    work.mkdir()
    before = os.times()
    cluster = Cluster(work, 4)
    cluster.start()
    cluster.wait()
    done_things: set[str] = set()

    def trouble(done: int, _process: Any) -> None:
        if not faults:
            return
        if done >= count // 4 and "worker" not in done_things:
            done_things.add("worker")
            cluster.kill_worker()
        if done >= count // 2 and "scheduler" not in done_things:
            done_things.add("scheduler")
            threading.Thread(target=cluster.restart).start()

    try:
        took_s = judge(folder, path, "--cluster", cluster.address, each=trouble)
    finally:
        cluster.stop()
    assert done_things == ({"worker", "scheduler"} if faults else set())
    after = os.times()  # of the command, the workers and the scheduler
    used_s = after.children_user + after.children_system
    CPU[path.stem] = used_s - before.children_user - before.children_system
    return took_s


if __name__ == "__main__":
    sys.exit(main())
