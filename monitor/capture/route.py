"""Which source a sound server feeds us from: the only thing that tells of a silent move.

PulseAudio and PipeWire move a recording stream to another microphone when its own goes away, and
PortAudio never hears of it. ``pactl`` knows. It is asked when a stream was opened, and again
whenever the server says that something changed; every call has a time limit.
"""

from __future__ import annotations

import os
import re
import subprocess
import threading
from dataclasses import dataclass
from itertools import pairwise

ASK_S = 2.0
"""Time limit of one question."""

RETRY_S = 1.0
"""Seconds between questions while the server does not tell by itself."""

_OUTPUT = re.compile(r"^Source Output #(\d+)$", re.MULTILINE)
_SOURCE = re.compile(r"^\s*Source: (\d+)$", re.MULTILINE)
_PID = re.compile(r'^\s*application\.process\.id = "(\d+)"$', re.MULTILINE)


@dataclass(frozen=True, slots=True)
class RecordingStream:
    """One recording stream of this process: its number, and the source it is fed from."""

    number: int
    source: str


def parse(outputs: str, sources: str, pid: int) -> list[RecordingStream]:
    """Streams of process ``pid`` out of ``pactl list source-outputs`` and ``… sources short``."""
    names = {}
    for line in sources.splitlines():
        fields = line.split("\t")
        if len(fields) > 1:
            names[fields[0]] = fields[1]
    starts = [match.start() for match in _OUTPUT.finditer(outputs)]
    found = []
    for start, end in pairwise([*starts, len(outputs)]):
        part = outputs[start:end]
        number, source, owner = _OUTPUT.search(part), _SOURCE.search(part), _PID.search(part)
        if number and source and owner and int(owner[1]) == pid:
            found.append(RecordingStream(int(number[1]), names.get(source[1], f"#{source[1]}")))
    return found


def ask() -> list[RecordingStream] | None:
    """Recording streams of this process; None where there is no server that tells."""
    texts = []
    for what in (["source-outputs"], ["sources", "short"]):
        try:
            done = subprocess.run(
                ["pactl", "list", *what],
                capture_output=True,
                text=True,
                errors="replace",
                timeout=ASK_S,
                check=True,
                env={**os.environ, "LC_ALL": "C"},
            )
        except (OSError, subprocess.SubprocessError):
            return None
        texts.append(done.stdout)
    return parse(texts[0], texts[1], os.getpid())


class PulseRouteWatcher:
    """Watches one stream from a thread of its own.

    Parameters
    ----------
    number
        Of the stream, as the server counts.
    pinned
        The source that it must be fed from.
    """

    def __init__(self, number: int, pinned: str) -> None:
        self._number, self._pinned = number, pinned
        self._moved: str | None = None
        self._over = threading.Event()
        self._subscription: subprocess.Popen[str] | None = None
        self._thread = threading.Thread(target=self._run, name="route", daemon=True)
        self._thread.start()

    @property
    def moved(self) -> str | None:
        """Words if it is fed from another source now."""
        return self._moved

    def close(self) -> None:
        """Watch no more."""
        self._over.set()
        subscription = self._subscription
        if subscription is not None:
            subscription.kill()

    def _run(self) -> None:
        while not self._over.is_set():
            self._look()
            self._follow()
            self._over.wait(RETRY_S)

    def _follow(self) -> None:
        """Look whenever the server says that a stream or a source changed, until it is gone."""
        try:
            process = subprocess.Popen(
                ["pactl", "subscribe"],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                errors="replace",
                env={**os.environ, "LC_ALL": "C"},
            )
        except OSError:
            return
        self._subscription = process
        assert process.stdout is not None
        with process.stdout as lines:
            if self._over.is_set():
                process.kill()
            self._look()  # what happened before the subscription stood
            for line in lines:
                if self._over.is_set():
                    break
                if "on source" in line:
                    self._look()
        process.kill()
        process.wait()

    def _look(self) -> None:
        for fed in ask() or []:
            if fed.number == self._number:
                same = fed.source == self._pinned
                self._moved = None if same else f"the system moved us to {fed.source}"
