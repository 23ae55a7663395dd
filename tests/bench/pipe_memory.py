"""Memory while a long stereo recording at 44.1 kHz comes through a pipe.

    python tests/bench/pipe_memory.py [--hours 24] [--seconds 3600] [--out docs/results]

Ten minutes of a phantom are made once and written into ``apexbeat replay -`` again and again, as
a WAV whose header gives no length; the memory of that process is read from /proc as it goes.
"""

from __future__ import annotations

import argparse
import json
import os
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "support"))

from outcome import RESULTS, Outcome, command, machine  # noqa: E402
from process_tree import rss_mib  # noqa: E402

from dsp.phantom import PRESETS, PhantomStream  # noqa: E402

RATE_HZ = 44_100
PIECE_S = 600
LIMIT_MIB = 450
WARM_S = 1800
"""Sound after which memory must be flat."""


def piece() -> bytes:
    """Ten minutes of stereo: a heart, and the same with noise of its own."""
    mono = PhantomStream(PRESETS["normal"], RATE_HZ).read(PIECE_S * RATE_HZ)
    mono = mono / np.abs(mono).max() * 0.5
    other = mono + 0.001 * np.random.default_rng(0).standard_normal(len(mono))
    frames = np.stack([mono, other], axis=1)
    return np.round(np.clip(frames, -1, 1) * 32767).astype("<i2").tobytes()


def main() -> int:
    """Run; 1 if memory was not flat, or too large."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hours", type=float, default=24.0)
    parser.add_argument("--seconds", type=float, default=float("inf"), help="stop after so long")
    parser.add_argument("--out", type=Path, default=RESULTS)
    asked = parser.parse_args()
    part = piece()
    head = b"RIFF\xff\xff\xff\xffWAVEfmt " + struct.pack(
        "<IHHIIHH", 16, 1, 2, RATE_HZ, 4 * RATE_HZ, 4, 16
    )
    seen: list[tuple[float, float]] = []
    with tempfile.TemporaryDirectory() as folder:
        call = [sys.executable, "-m", "monitor.cli.main", "replay", "-", "--json",
                "--events", folder]  # fmt: skip
        env = {**os.environ, "OMP_NUM_THREADS": "1"}
        begun = time.monotonic()
        process = subprocess.Popen(
            call, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT, env=env
        )
        assert process.stdin is not None
        process.stdin.write(head + b"data\xff\xff\xff\xff")
        written_s = 0.0
        step = 4 * RATE_HZ * 60
        wanted_s = asked.hours * 3600
        while written_s < wanted_s:
            for at in range(0, len(part), step):
                process.stdin.write(part[at : at + step])
                written_s += 60
                seen.append((written_s, rss_mib(process.pid)))
                if time.monotonic() - begun > asked.seconds:
                    wanted_s = written_s
                if written_s >= wanted_s:
                    break
        process.stdin.close()
        assert process.stdout is not None
        summary = json.loads(process.stdout.read())
        process.wait()
        took_s = time.monotonic() - begun
    times, sizes = np.array(seen).T
    late = times >= min(WARM_S, times[-1] / 2)
    slope = float(np.polyfit(times[late] / 3600, sizes[late], 1)[0])
    out = Outcome("pipe", command("tests/bench/pipe_memory.py", sys.argv[1:]), machine())
    name = f"{written_s / 3600:.2f} h of stereo at 44.1 kHz through a pipe"
    per_day = sizes.max() + 24 * max(0.0, slope)
    out.add(name, "largest memory, and after 24 h at the growth below",
            f"{sizes.max():.0f} MiB, {per_day:.0f} MiB", target=f"under {LIMIT_MIB} MiB",
            held=bool(per_day < LIMIT_MIB))  # fmt: skip
    out.add(name, "growth after the first half hour", f"{slope:.2f} MiB/h",
            target="under 1 MiB/h", held=bool(slope < 1.0))  # fmt: skip
    heard_s = summary["duration_s"]
    out.add(name, "sound heard, in so much time", f"{heard_s / 3600:.2f} h, {took_s:.0f} s",
            target="all of it", held=bool(abs(heard_s - written_s) < 1))  # fmt: skip
    out.write(asked.out)
    print(out.markdown())
    return int(bool(out.missed))


if __name__ == "__main__":
    sys.exit(main())
