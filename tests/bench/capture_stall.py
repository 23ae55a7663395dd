"""A stall of the whole interpreter (GIL held) while a virtual microphone plays a counter.

    python tests/bench/capture_stall.py [--seconds 5] [--out FOLDER]

Compared: capture on a thread of the process that stalls, with a short and a long buffer asked of
the device, and capture in a process of its own. The counter in the sound tells to the frame what
was lost; the ledger is judged by it. Needs PulseAudio (see tests/support/virtual_microphone.py).
"""

from __future__ import annotations

import argparse
import ctypes
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
sys.path[:0] = [str(ROOT / "tests" / name) for name in ("support",)]

import numpy as np  # noqa: E402
import soundfile as sf  # noqa: E402
from outcome import RESULTS, Outcome, command, machine  # noqa: E402
from virtual_microphone import VirtualMicrophone, missing  # noqa: E402

from monitor.clock import SystemClock  # noqa: E402
from monitor.events import Block, Lost  # noqa: E402

RATE = 48_000
PERIOD = 30_011
"""The counter comes round after so many frames (0.6 s); a loss is known modulo that."""

BEFORE_S, AFTER_S = 6.0, 6.0

LONG_S = 60.0
"""Longer than the buffers of device and sound server."""


def capture(latency_s: float, stall_s: float, more_s: float) -> dict[str, float]:
    """Record, stall, record on; what was lost by the ledger and by the counter, in frames."""
    from monitor.capture import microphone
    from monitor.capture.stream import Capture

    microphone.LATENCY_S = latency_s
    clock = SystemClock()
    source = Capture(microphone.find("vmic", 10, RATE, 1), clock, threading.Event())
    source.start(10)
    items: list[object] = []

    def poll(seconds: float) -> None:
        end = clock.monotonic() + seconds
        while clock.monotonic() < end:
            items.extend(source.poll())
            time.sleep(0.05)

    poll(BEFORE_S)
    cpu_s = time.process_time()
    before = clock.monotonic()
    if stall_s:
        ctypes.PyDLL(None).usleep(round(stall_s * 1e6))  # PyDLL keeps the GIL
    stalled_s = clock.monotonic() - before
    poll(AFTER_S + more_s)
    cpu_s = time.process_time() - cpu_s
    items += source.end()
    source.close()
    return judge(items, cpu_s, stalled_s) | {"rss_mib": _rss_mib()}


def judge(items: list[object], cpu_s: float, stalled_s: float) -> dict[str, float]:
    """Compare ledger and counter."""
    parts = [item.samples[:, 0] for item in items if isinstance(item, Block)]
    counter = np.round(np.concatenate(parts) * 32768).astype(int)
    counter = counter[counter > 0]  # the player was late there: not sound that was lost
    jumps = np.diff(counter) - 1
    jumps = jumps[jumps != 0] % PERIOD
    lost = [item for item in items if isinstance(item, Lost)]
    return {
        "jumps": int(np.count_nonzero(jumps)),
        "lost_mod": int(jumps.sum() % PERIOD),
        "booked": sum(item.length for item in lost) * RATE // 2000,
        "doubt": sum(item.uncertainty for item in lost) * RATE // 2000,
        "gaps": len(lost),
        "frames": len(counter),
        "cpu_s": cpu_s,
        "stalled_s": stalled_s,
    }


def _rss_mib() -> float:
    statm = Path("/proc/self/statm").read_text().split()
    return int(statm[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def run(
    latency_s: float, stall_s: float, own_process: bool, env: dict[str, str]
) -> dict[str, float]:
    """One case, in a fresh process; with ``own_process`` its owner stalls in its place."""
    held = 0.0 if own_process else stall_s
    child = subprocess.Popen(
        [sys.executable, __file__, "--child", str(latency_s), str(held), str(stall_s - held)],
        env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    if own_process:
        time.sleep(BEFORE_S)
        ctypes.PyDLL(None).usleep(round(stall_s * 1e6))
    out, _ = child.communicate(timeout=120)
    found: dict[str, float] = json.loads(out.splitlines()[-1])
    return found


def main(arguments: list[str] | None = None) -> int:
    """Run all cases; 1 if the ledger was wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--out", type=Path, default=RESULTS)
    parser.add_argument("--child", nargs=3, type=float, metavar=("LATENCY", "STALL", "MORE"))
    asked = parser.parse_args(arguments)
    if asked.child:
        print(json.dumps(capture(*asked.child)))
        return 0
    if missing():
        print(f"skipped: not installed: {missing()}")
        return 0
    given = sys.argv[1:] if arguments is None else arguments
    out = Outcome("stall", command("tests/bench/capture_stall.py", given), machine())
    with tempfile.TemporaryDirectory() as name, VirtualMicrophone(Path(name) / "vm") as heard:
        file = Path(name) / "counter.wav"
        counter = (np.arange(RATE * 150) % PERIOD + 1).astype(np.int16)
        sf.write(file, counter, RATE, subtype="PCM_16")
        env = {**heard.env, "PYTHONPATH": os.pathsep.join(sys.path)}
        short, long = asked.seconds, LONG_S
        for words, latency_s, own, stall_s in (
            ("thread, 0.2 s asked of the device (the product)", 0.2, False, short),
            ("process of its own, 0.2 s", 0.2, True, short),
            ("thread, 6 s asked of the device", 6.0, False, short),
            ("thread, 0.2 s (the product)", 0.2, False, long),
            ("process of its own, 0.2 s", 0.2, True, long),
        ):
            table = f"GIL held for {stall_s:g} s, {RATE} Hz"
            player = heard.play(file, latency_ms=1000)
            found = run(latency_s, stall_s, own, env)
            player.kill()
            lost = found["lost_mod"]
            booked, doubt = found["booked"], found["doubt"]
            off = min((booked - lost) % PERIOD, (lost - booked) % PERIOD)
            figure = (
                f"{found['jumps']:.0f} jumps, booked {booked / RATE:.3f} s ± {doubt / RATE:.3f} s, "
                f"ledger off by {off / RATE * 1e3:.1f} ms; CPU {found['cpu_s']:.2f} s, "
                f"{found['rss_mib']:.0f} MiB"
            )
            held = off <= doubt + RATE // 2000 * 2
            ours = latency_s == 0.2
            out.add(table, words, figure, target="booked what was lost, within its uncertainty",
                    held=held if ours else None)  # fmt: skip
    out.write(asked.out)
    print(out.markdown())
    return int(bool(out.missed))


if __name__ == "__main__":
    sys.exit(main())
