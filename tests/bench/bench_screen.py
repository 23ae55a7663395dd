"""What the screen costs, and how soon it answers a key.

    python tests/bench/bench_screen.py [--seconds 30] [--presses 60] [--nice N] [--json FILE]

Real processes throughout: a core on a phantom at the pace of life, its supervisor, and the screen
on a pseudo-terminal of 120 x 40 that is read. CPU is what the kernel booked for each process. The
time from a key to the screen is taken while ``replay --screen`` runs at 20 times the pace of life.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import select
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pexpect

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests" / "support"))

from process_tree import cpu_s, rss_mib  # noqa: E402
from whole_monitor import Monitor, monitor  # noqa: E402

COLUMNS, ROWS = 120, 40
RECORDING = ROOT / "recordings" / "tachycardia.flac"
SCREEN = """
import pathlib, sys
from monitor.tui import terminal
from monitor.tui.app import ApexbeatApp
from monitor.tui.connection import Connection
def make(glyphs):
    return ApexbeatApp(Connection(pathlib.Path(sys.argv[1])), glyphs=glyphs,
                       frames_per_s=float(sys.argv[2]))
sys.exit(terminal.run(make, pathlib.Path(sys.argv[3])))
"""


def read_for(child: pexpect.spawn[bytes], seconds: float) -> int:
    """Read the terminal for a while; bytes."""
    end, size = time.monotonic() + seconds, 0
    while (left := end - time.monotonic()) > 0:
        if select.select([child.child_fd], [], [], left)[0]:
            size += len(os.read(child.child_fd, 65536))
    return size


def cost(one: Monitor, rate: float, seconds: float, folder: Path) -> dict[str, Any]:
    """CPU and memory of each process at so many frames a second."""
    child = pexpect.spawn(
        sys.executable, ["-c", SCREEN, str(one.address), str(rate), str(folder / "screen.log")],
        env={**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor", "LANG": "C.UTF-8"},
        dimensions=(ROWS, COLUMNS), timeout=60,
    )  # fmt: skip
    read_for(child, 6.0)
    pids = {"core": one.pid, "supervisor": one.process.pid, "screen": child.pid}
    before, began = {name: cpu_s(pid) for name, pid in pids.items()}, time.monotonic()
    size = read_for(child, seconds)
    wall = time.monotonic() - began
    used = {name: 100 * (cpu_s(pid) - before[name]) / wall for name, pid in pids.items()}
    memory = {name: round(rss_mib(pid)) for name, pid in pids.items()}
    child.kill(signal.SIGTERM)
    child.expect(pexpect.EOF)
    child.wait()
    return {
        "frames_per_s": rate,
        "percent_of_a_core": {name: round(share, 2) for name, share in used.items()},
        "bytes_per_s": round(size / wall),
        "memory_mb": memory,
    }


def latency(presses: int) -> dict[str, Any]:
    """Milliseconds from a key to the changed screen, replaying at 20 times."""
    child = pexpect.spawn(
        sys.executable,
        ["-m", "monitor.cli.main", "replay", "--screen", str(RECORDING), "--pace", "20x"],
        env={**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor", "LANG": "C.UTF-8"},
        dimensions=(ROWS, COLUMNS), timeout=60,
    )  # fmt: skip
    heading = re.compile("PHONOCARDIOGRAM · ([\\d.]+) s".encode())
    seen = b""

    def until(done: Callable[[], bool], limit_s: float) -> bool:
        nonlocal seen
        end = time.monotonic() + limit_s
        while (left := end - time.monotonic()) > 0:
            if select.select([child.child_fd], [], [], left)[0]:
                seen = seen[-200:] + os.read(child.child_fd, 65536)
                if done():
                    return True
        return False

    def span() -> bytes:
        found = heading.findall(seen)
        return found[-1] if found else b""

    assert until(lambda: bool(span()), 60)
    taken, now = [], span()
    for number in range(presses):
        if number % 8 == 0:  # the play-head must not stand at the end of the file
            os.write(child.child_fd, b"[[[[")
        until(lambda: False, 0.37)
        began = time.perf_counter()
        os.write(child.child_fd, b">" if number % 2 else b"<")
        assert until(lambda was=now: span() not in {was, b""}, 10)  # type: ignore[misc]
        taken.append(1000 * (time.perf_counter() - began))
        now = span()
    child.send("q")
    child.expect(pexpect.EOF)
    taken.sort()
    return {
        "presses": presses,
        "p50_ms": round(statistics.median(taken), 1),
        "p95_ms": round(taken[int(0.95 * (len(taken) - 1))], 1),
        "worst_ms": round(taken[-1], 1),
    }


def main() -> None:
    """Measure, and print or store."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--presses", type=int, default=60)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--nice", type=int, default=0, help="priority of everything measured")
    asked = parser.parse_args()
    os.nice(asked.nice)
    result: dict[str, Any] = {
        "conditions": f"{COLUMNS} x {ROWS}, phantom at the pace of life, {platform.machine()}, "
        f"{os.cpu_count()} shared cores, Python {platform.python_version()}",
        "command": f"python tests/bench/bench_screen.py --nice {asked.nice}",
    }
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with monitor(folder, "--set", "sound.alarms=false", phantom="murmur") as one:
            one.detach()
            result["cost"] = [cost(one, rate, asked.seconds, folder) for rate in (10.0, 20.0)]
    result["key_to_screen"] = latency(asked.presses)
    result["load_average"] = [round(load, 1) for load in os.getloadavg()]
    text = json.dumps(result, indent=1)
    print(text)
    if asked.json is not None:
        asked.json.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
