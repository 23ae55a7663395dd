"""A program called for each alarm: a list of arguments, never a shell, killed when it is late.

The alarm is JSON on its standard input and APEXBEAT_KIND, _PRIORITY, _STATE, _BED, _BED_ID,
_EVIDENCE in its environment; nothing of an alarm becomes part of the command line.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import threading
from collections.abc import Sequence

import msgspec

from monitor.integrations.dispatcher import CallFailed
from monitor.integrations.messages import AlarmMessage
from monitor.text import harmless

KEPT_BYTES = 4096
"""So much of its standard error is kept, the last."""

LOOK_S = 0.05


class Command:
    """The program of the settings.

    Parameters
    ----------
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
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            words = getattr(error, "strerror", None) or str(error)
            raise CallFailed(f"{self._argv[0]}: {words}".lower()) from None
        errors = _Tail(process)
        try:
            assert process.stdin is not None
            with contextlib.suppress(OSError), process.stdin as channel:
                channel.write(msgspec.json.encode(alarm))  # less than a pipe holds
            process.wait(self._limit_s)  # its own end: what it started may go on
        except subprocess.TimeoutExpired:
            _kill(process)
            raise CallFailed(f"killed after {self._limit_s:g} s") from None
        finally:
            errors.close()
        if process.returncode:
            last = errors.text.strip().rpartition("\n")[2]
            why = f": {harmless(last)}" if last else ""
            raise CallFailed(f"exit code {process.returncode}{why}")


class _Tail:
    """The last of what a program says on its standard error, however much it is."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stderr is not None
        self._pipe = process.stderr
        self._kept = b""
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._read, name="stderr", daemon=True)
        self._thread.start()

    @property
    def text(self) -> str:
        """As far as it was kept."""
        return self._kept.decode("utf-8", "replace")

    def close(self) -> None:
        """The program has ended; children of it may hold the pipe, and are not waited for."""
        self._over.set()
        self._thread.join()

    def _read(self) -> None:
        with contextlib.suppress(OSError, ValueError), self._pipe as pipe:
            while True:
                ready = select.select([pipe], [], [], LOOK_S)[0]
                if ready:
                    data = os.read(pipe.fileno(), 65_536)
                    if not data:
                        return
                    self._kept = (self._kept + data)[-KEPT_BYTES:]
                    if self._over.is_set():
                        return
                elif self._over.is_set():
                    return


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
    """Kill it and its children."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
