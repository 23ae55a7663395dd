"""The owner's end of the level meter: starts its process, reads it, starts it again if it hangs.

with LevelMeter() as meter:
    while True: show(meter.read(1.0))
"""

from __future__ import annotations

import contextlib
import os
import select
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import NoReturn

import msgspec

from monitor.capture.meter import Level
from monitor.errors import DeviceError
from monitor.system.closing import Closing

SILENT_S = 10.0
"""A meter that says nothing for so long hangs and is started anew."""

METER = (sys.executable, "-m", "monitor.capture.meter")

_decoder: msgspec.json.Decoder[list[Level] | str] = msgspec.json.Decoder(list[Level] | str)


class LevelMeter(Closing):
    """Levels of all input devices, from a process that may hang or die.

    Parameters
    ----------
    skip
        Identities of devices that must not be opened.
    """

    def __init__(self, skip: Sequence[str] = (), command: Sequence[str] = METER) -> None:
        self._command = [*command, *skip]
        self._rest = b""
        self._heard_s = 0.0
        self._process = self._start()

    def read(self, timeout_s: float) -> list[Level] | None:
        """The newest levels, None if none came in time.

        Raises
        ------
        DeviceError
            If the sound system fails or does not answer; the next call tries again.
        """
        assert self._process.stdout is not None
        deadline = time.monotonic() + timeout_s
        while b"\n" not in self._rest:
            left_s = deadline - time.monotonic()
            if left_s < 0 or not select.select([self._process.stdout], [], [], left_s)[0]:
                if time.monotonic() - self._heard_s > SILENT_S:
                    self._again("the sound system does not answer")
                return None
            data = os.read(self._process.stdout.fileno(), 65536)
            if not data:
                self._again("the level meter died")
            self._heard_s = time.monotonic()
            self._rest += data
        *lines, self._rest = self._rest.split(b"\n")
        levels = _decoder.decode(lines[-1])
        if isinstance(levels, str):
            self._again(levels)
        return levels

    def close(self) -> None:
        """End the process."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()
        self._process.kill()
        self._process.wait()

    def _start(self) -> subprocess.Popen[bytes]:
        self._heard_s = time.monotonic()
        return subprocess.Popen(
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # PortAudio writes there what it tries
        )

    def _again(self, words: str) -> NoReturn:
        self.close()
        self._rest = b""
        self._process = self._start()
        raise DeviceError(words, "restart the sound server or plug the device in again")
