"""Programs beside the screen, which the command that opens it knows how to start.

The screen itself knows the link and the events, and touches no device: what plays a clip, or says
how loud the inputs are, runs as a process of its own and is told here as a command line.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

FindClip = Callable[[str, int, str], list[str] | str]
"""(session, index at which the alarm was raised, kind) → command that plays it, or why none can."""


@dataclass(frozen=True)
class Helpers:
    """What this screen may start; None and empty where it may not."""

    clip: FindClip | None = None


class Player:
    """Plays at most one clip at a time.

    Parameters
    ----------
    say
        Takes one line when it has ended, empty where all was well.
    """

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._process: asyncio.subprocess.Process | None = None
        self._task: asyncio.Task[None] | None = None
        self.what: object = None
        """What is played now."""

    def play(self, what: object, command: Sequence[str]) -> None:
        """Play in the place of what is played now."""
        self.stop()
        self.what = what
        self._task = asyncio.create_task(self._run(what, command))

    async def _run(self, what: object, command: Sequence[str]) -> None:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        self._process = process
        try:
            _, errors = await process.communicate()
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
        if self.what is what:
            self.what = None
            last = errors.decode(errors="replace").strip().rpartition("\n")[2]
            self._say(last if process.returncode else "")

    def stop(self) -> None:
        """Fall silent."""
        self.what = None
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
        if self._task is not None:
            self._task.cancel()
        self._process = self._task = None
