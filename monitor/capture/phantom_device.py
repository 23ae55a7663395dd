"""A phantom heart as a live device: delivers in real time what `dsp.phantom` makes.

It goes through the same ring, ledger and health as a microphone; nothing after it knows.
"""

from __future__ import annotations

import threading
from typing import Literal

import numpy as np

from dsp.phantom import PRESETS, PhantomStream
from monitor.capture.driver import CaptureSink
from monitor.clock import Clock
from monitor.errors import DeviceError

RATE_HZ = 4000
BLOCK_S = 0.1


class PhantomDevice:
    """One preset, endless.

    Raises
    ------
    DeviceError
        If there is no such phantom.
    """

    kind: Literal["live", "phantom"] = "phantom"

    def __init__(self, preset: str, clock: Clock) -> None:
        if preset not in PRESETS:
            raise DeviceError(
                f"unknown synthetic heart {preset!r}", f"choose from {', '.join(sorted(PRESETS))}"
            )
        self.name = preset
        self._clock = clock

    def resolve(self) -> tuple[int, int]:
        """Rate and channels."""
        return RATE_HZ, 1

    def open(self, port: CaptureSink) -> _Playing:
        """Begin to play from the start."""
        return _Playing(PhantomStream(PRESETS[self.name], RATE_HZ), port, self._clock)


class _Playing:
    def __init__(self, stream: PhantomStream, port: CaptureSink, clock: Clock) -> None:
        self._stream, self._port, self._clock = stream, port, clock
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="phantom", daemon=True)
        self._thread.start()

    def moved(self) -> str | None:
        return None

    def close(self) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        count = round(BLOCK_S * RATE_HZ)
        due_s = self._clock.monotonic()
        while not self._over.is_set():
            sound = self._stream.read(count)
            due_s += BLOCK_S
            self._over.wait(max(0.0, due_s - self._clock.monotonic()))
            frames = np.clip(np.round(sound * 32768.0), -32768, 32767).astype(np.int16)
            self._port.deliver(frames[:, None])
