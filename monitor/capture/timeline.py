"""From a device's frames to the one clock: absolute samples at 2 kHz since the session began.

A run of frames between two gaps lasts ceil(frames · 2000 / rate) samples, as the resampler gives
them out; a gap adds its length.
"""

from __future__ import annotations

from dsp.stage import RATE_HZ
from monitor.events import Lost


class Timeline:
    """Counts what was handed out and what was lost, exactly.

    Parameters
    ----------
    rate_hz
        Nominal rate of the device.
    start
        Absolute index of the first frame.
    """

    def __init__(self, rate_hz: int, start: int = 0) -> None:
        self.rate_hz = rate_hz
        self._run_start = start
        self._run_frames = 0

    @property
    def index(self) -> int:
        """Absolute index of the next sample."""
        return self._run_start - (-self._run_frames * RATE_HZ // self.rate_hz)

    def advance(self, frames: int) -> None:
        """``frames`` of sound were handed out."""
        self._run_frames += frames

    def lose(self, length: int, uncertainty: int, reason: str) -> Lost:
        """``length`` frames never came; the next frame starts a new run."""
        start = self.index
        samples = max(1, round(length * RATE_HZ / self.rate_hz))
        doubt = -(-uncertainty * RATE_HZ // self.rate_hz)
        self._run_start, self._run_frames = start + samples, 0
        return Lost(start, samples, doubt, reason)
