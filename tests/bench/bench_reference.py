"""The reference of every figure: fixed work in numpy and Python, measured in the same run.

It does what an analysis does (short numpy calls, FFTs, a recursion, plain Python), so that a
ratio to it stays when the machine is slower or crowded. CPU seconds of this process are counted:
wall time of a shared machine says little.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from scipy.signal import butter, sosfilt


def work() -> float:
    """A checksum of fixed work: about 20 ms."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal(2000)
    sos = butter(3, [20, 400], "bandpass", fs=2000, output="sos")
    total = 0.0
    for k in range(40):
        y = sosfilt(sos, x)
        total += float(np.abs(np.fft.rfft(y)).max())
        for part in np.split(y, 20):
            total += float(part.max() - part.min())
        table: dict[int, int] = {}
        for i in range(1500):
            table[i % 50] = table.get(i % 50, 0) + i * k
        total += len(table)
    return total


class Reference:
    """CPU seconds of `work`, as often as it was asked for."""

    def __init__(self) -> None:
        work()
        self.samples: list[float] = []
        for _ in range(5):
            self.again()

    def again(self) -> None:
        """Measure once more: call it between the figures, so that it lives through the same."""
        begun = time.process_time()
        work()
        self.samples.append(time.process_time() - begun)

    @property
    def seconds(self) -> float:
        """Median so far."""
        return float(np.median(self.samples))

    def ratio(self, seconds: float) -> float:
        """A figure in units of the reference."""
        return seconds / self.seconds


def cpu_of(call: Callable[[], object]) -> float:
    """CPU seconds of this process, all threads, that a call takes."""
    begun = time.process_time()
    call()
    return time.process_time() - begun
