"""A core that is not our child: what a supervisor needs of a process, by its number."""

from __future__ import annotations

import os
import signal
import subprocess

from monitor.clock import Clock

LOOK_S = 0.05
KILLED = -9


class AdoptedCore:
    """Speaks like the part of `subprocess.Popen` that a supervisor uses.

    Attributes
    ----------
    ends_well
        The core said goodbye: when it is gone, it ended in order.
    """

    def __init__(self, pid: int, clock: Clock) -> None:
        self.pid = pid
        self.ends_well = False
        self._clock = clock

    def terminate(self) -> None:
        """Ask it to end."""
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it."""
        self._signal(getattr(signal, "SIGKILL", signal.SIGTERM))

    def wait(self, timeout: float | None = None) -> int:
        """Wait until it is gone: 0 if it ended in order.

        Raises
        ------
        TimeoutExpired
            If it is still there.
        """
        end_s = None if timeout is None else self._clock.monotonic() + timeout
        while self._signal(0):
            if end_s is not None and self._clock.monotonic() > end_s:
                raise subprocess.TimeoutExpired("core", timeout or 0.0)
            self._clock.sleep(LOOK_S)
        return 0 if self.ends_well else KILLED

    def _signal(self, number: int) -> bool:
        try:
            os.kill(self.pid, number)
        except ProcessLookupError:
            return False
        return True
