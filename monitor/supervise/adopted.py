"""A core that is not our child: what a supervisor needs of a process, by its number."""

from __future__ import annotations

import os
import select
import signal


class AdoptedCore:
    """Speaks like the part of `subprocess.Popen` that a supervisor uses.

    Parameters
    ----------
    pid
        Of a process that lives now.
    """

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._handle: int | None = None
        if hasattr(os, "pidfd_open"):
            try:
                self._handle = os.pidfd_open(pid)  # names this process, whoever gets its number
            except OSError:
                self._handle = None

    def poll(self) -> int | None:
        """None while it lives; its exit code is not ours to know."""
        if self._handle is not None:
            waiting = select.poll()
            waiting.register(self._handle, select.POLLIN)
            return 0 if waiting.poll(0) else None  # also one that nobody has waited for
        return None if self._signal(0) else 0

    def terminate(self) -> None:
        """Ask it to end."""
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it."""
        self._signal(getattr(signal, "SIGKILL", signal.SIGTERM))

    def _signal(self, number: int) -> bool:
        try:
            if self._handle is not None:
                signal.pidfd_send_signal(self._handle, number)
            else:
                os.kill(self.pid, number)
        except ProcessLookupError:
            return False
        return True
