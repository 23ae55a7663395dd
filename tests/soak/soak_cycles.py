"""``python tests/soak/soak_cycles.py``: the cycle decoder alone over a day of phantom sound.

Prints resident memory and speed (CPU time) as the day goes on.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))

from dsp.chain import process
from dsp.cycles.decoder import CycleDecoder
from dsp.cycles.model import CycleModel
from dsp.phantom import PRESETS, render
from dsp.stage import RATE_HZ, STEP
from models import shipped

PIECE_S = 300.0


def resident_mib() -> float:
    """Resident memory of this process (Linux)."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 2**20


def main() -> None:
    """Run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hours", type=float, default=24.0)
    hours = parser.parse_args().hours
    phantom = dataclasses.replace(PRESETS["normal"], duration_s=PIECE_S)
    piece = process(render(phantom, RATE_HZ).sound.astype(np.float32), RATE_HZ)
    decoder = CycleDecoder(CycleModel.from_arrays(shipped.cycles_arrays()))
    pieces = max(1, round(hours * 3600 / PIECE_S))
    shown = {0, *(round(pieces * part / 4) - 1 for part in range(1, 5))}
    begun, beats = time.process_time(), 0
    for k in range(pieces):
        for start in range(0, len(piece), STEP):
            beats += len(decoder.push(piece[start : start + STEP]).beats)
        if k in shown:
            heard_s = (k + 1) * PIECE_S
            speed = heard_s / (time.process_time() - begun)
            print(
                f"{heard_s / 3600:.1f} h: {resident_mib():.1f} MiB, {beats} beats, "
                f"{speed:.0f} times real time"
            )


if __name__ == "__main__":
    main()
