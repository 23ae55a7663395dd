"""Hours of monitoring in virtual time: memory, descriptors and threads must not grow.

    python tests/soak/soak_live_memory.py [HOURS]

Prints resident memory after each hour of sound, and the slope over the second half.
"""

from __future__ import annotations

import os
import sys
import tempfile
import threading
from collections import deque
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "live"))

from scripted import Rig

PART_S = 600.0


def resident_mb() -> float:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return float("nan")


def main() -> None:
    hours = float(sys.argv[1]) if len(sys.argv) > 1 else 24.0
    with tempfile.TemporaryDirectory() as folder:
        rig = Rig(Path(folder), "murmur_tachycardia")
        rig.messages = deque(maxlen=10)  # type: ignore[assignment]
        object.__setattr__(rig.session._ties, "publish", rig.messages.append)
        points = []
        for part in range(round(hours * 3600 / PART_S)):
            rig.run(PART_S)
            points.append(((part + 1) * PART_S / 3600, resident_mb()))
            descriptors = len(os.listdir("/proc/self/fd"))
            print(
                f"{points[-1][0]:6.2f} h  {points[-1][1]:8.2f} MB  {descriptors} descriptors  "
                f"{threading.active_count()} threads  dropped {rig.store.writer.dropped}",
                flush=True,
            )
        half = np.array(points[len(points) // 2 :])
        slope = np.polyfit(half[:, 0], half[:, 1], 1)[0]
        print(f"slope over the second half: {slope:.3f} MB per hour of sound")
        rig.close()


if __name__ == "__main__":
    main()
