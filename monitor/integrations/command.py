"""A program called for each alarm: a list of arguments, never a shell, killed when it is late.

The alarm is JSON on its standard input and APEXBEAT_KIND, _PRIORITY, _STATE, _BED, _BED_ID,
_EVIDENCE in its environment; nothing of an alarm becomes part of the command line.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Sequence

import msgspec

from monitor.integrations.dispatcher import CallFailed
from monitor.integrations.messages import AlarmMessage
from monitor.text import harmless


class Command:
    """The program of the settings.

    Parameters
    ----------
    argv
        Program and arguments.
    limit_s
        Seconds after which it, and what it started, is killed.
    """

    def __init__(self, argv: Sequence[str], limit_s: float) -> None:
        self._argv, self._limit_s = list(argv), limit_s

    def __call__(self, alarm: AlarmMessage) -> None:
        """Call it and wait.

        Raises
        ------
        CallFailed
            If it cannot be started, is late, or ends with anything but 0.
        """
        try:
            process = subprocess.Popen(
                self._argv,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                env=os.environ | _variables(alarm),
                start_new_session=sys.platform != "win32",
            )
        except (OSError, ValueError) as error:
            words = getattr(error, "strerror", None) or str(error)
            raise CallFailed(f"{self._argv[0]}: {words}".lower()) from None
        try:
            _, errors = process.communicate(msgspec.json.encode(alarm), self._limit_s)
        except subprocess.TimeoutExpired:
            _kill(process)
            raise CallFailed(f"killed after {self._limit_s:g} s") from None
        if process.returncode:
            last = errors.decode("utf-8", "replace").strip().rpartition("\n")[2]
            why = f": {harmless(last)}" if last else ""
            raise CallFailed(f"exit code {process.returncode}{why}")


def _variables(alarm: AlarmMessage) -> dict[str, str]:
    words = {
        "KIND": alarm.kind,
        "PRIORITY": alarm.priority,
        "STATE": alarm.state,
        "BED": alarm.name or alarm.bed,
        "BED_ID": alarm.bed,
        "EVIDENCE": alarm.evidence,
    }
    return {f"APEXBEAT_{name}": value for name, value in words.items()}


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Kill it and its children; its pipes are closed without waiting for who holds them."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if sys.platform == "win32":
            process.kill()
        else:
            os.killpg(process.pid, signal.SIGKILL)
    for pipe in (process.stdin, process.stderr):
        if pipe is not None:
            with contextlib.suppress(OSError):
                pipe.close()
    process.wait()
