"""Programs beside the screen, which the command that opens it knows how to start.

The screen itself knows the link and the events, and touches no device: what plays a clip, or says
how loud the inputs are, runs as a process of its own and is told here as a command line.
"""

from __future__ import annotations

import asyncio
import subprocess
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from monitor.playing import Band

_What = TypeVar("_What")

FindClip = Callable[[str, int, str], list[str] | str]
"""(session, index at which the alarm was raised, kind) → command that plays it, or why none can."""

HearSession = Callable[[str, Band], list[str] | str]
"""(session, band) → command that plays the sound of the session, or why none can."""

Examine = Callable[[str, str, str], list[str]]
"""(source, device, age group) → command that examines a person with it."""

END_S = 2.0


@dataclass(frozen=True)
class Helpers:
    """What this screen may start; None where it may not."""

    clip: FindClip | None = None
    hear: HearSession | None = None
    examine: Examine | None = None


class Program:
    """One process: its lines and its end are told in the event loop that started it.

    Parameters
    ----------
    command
        Its words. It is to end when its standard input closes.
    line
        Gets each line of its output.
    ended
        Gets its exit code, once, unless it was closed before.
    errors
        Whether lines of its standard error are told too.
    """

    def __init__(
        self,
        command: Sequence[str],
        line: Callable[[str], None],
        ended: Callable[[int], None],
        *,
        errors: bool = True,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._line, self._ended = line, ended
        self._closed = False
        self._process = subprocess.Popen(
            list(command),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT if errors else subprocess.DEVNULL,
        )
        threading.Thread(target=self._read, name="beside", daemon=True).start()

    def close(self) -> None:
        """End it, and tell nothing more."""
        self._closed = True
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(0 if self._process.returncode is not None else END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def stop(self) -> None:
        """End it at once."""
        self._process.kill()
        self.close()

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as output:
            for raw in output:
                self._tell(self._line, raw.decode(errors="replace").rstrip("\r\n"))
        self._tell(self._ended, self._process.wait())

    def _tell(self, call: Callable[..., None], value: object) -> None:
        def tell() -> None:
            if not self._closed:
                call(value)

        if not self._closed:
            try:
                self._loop.call_soon_threadsafe(tell)
            except RuntimeError:  # the loop is over, and so is the screen
                self._closed = True


class Player(Generic[_What]):
    """Plays at most one clip, or the sound of one session, at a time.

    Parameters
    ----------
    say
        Takes one line when it has ended, empty where all was well.
    tell
        Takes each line that it says while it plays.
    """

    def __init__(
        self, say: Callable[[str], None], tell: Callable[[str], None] = lambda line: None
    ) -> None:
        self._say, self._tell = say, tell
        self._program: Program | None = None
        self._last = ""
        self.what: _What | None = None
        """What is played now."""

    def play(self, what: _What, command: Sequence[str]) -> None:
        """Play in the place of what is played now."""
        self.stop()
        self.what, self._last = what, ""
        self._program = Program(command, self._heard, self._over)

    def _heard(self, line: str) -> None:
        self._last = line
        self._tell(line)

    def _over(self, code: int) -> None:
        self.stop()
        self._say((self._last or f"exit {code}") if code else "")

    def stop(self) -> None:
        if self._program is not None:
            self._program.stop()
        self._program = None
        self.what = None
