"""Keeps the machine from going to sleep while it monitors, and says where that is refused.

The helper that holds the inhibition ends with us, however we end: it reads a pipe that we hold.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence

SYSTEMD = (
    "systemd-inhibit", "--what=sleep:idle:handle-lid-switch", "--who=apexbeat",
    "--why=monitoring a heart", "--mode=block", "cat",
)  # fmt: skip


class SleepInhibitor:
    """Holds the inhibition from construction until `release`.

    Parameters
    ----------
    command
        The helper; None takes the platform's.
    """

    def __init__(self, command: Sequence[str] | None = None) -> None:
        self._helper: subprocess.Popen[bytes] | None = None
        self._refusal: str | None = None
        self._name = ""
        if command is None:
            mac = ("caffeinate", "-i", "-w", str(os.getpid()))
            command = mac if sys.platform == "darwin" else SYSTEMD
        self._name = command[0]
        try:
            self._helper = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        except OSError:
            self._refusal = f"{command[0]} is not there"

    @property
    def refusal(self) -> str | None:
        """Why the machine may go to sleep all the same; None if it will not."""
        if self._helper is not None and self._helper.poll() is not None:
            return f"{self._name} was refused"
        return self._refusal

    def release(self) -> None:
        """Let the machine sleep again."""
        helper, self._helper = self._helper, None
        if helper is not None:
            assert helper.stdin is not None
            helper.stdin.close()
            helper.terminate()
            helper.wait()
