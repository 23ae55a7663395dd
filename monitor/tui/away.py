"""Another program in the terminal of the screen, which is away until that ends.

The screen goes on listening to its core and draws nothing meanwhile. Ctrl-C is for the program.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from collections.abc import Iterator, Sequence
from types import FrameType
from typing import Any

from textual.app import App, SuspendNotSupported


async def run_away(app: App[Any], command: Sequence[str], before: str, after: str) -> bool:
    """Run a program in the terminal until it has ended and Enter was pressed.

    Parameters
    ----------
    before, after
        Lines printed before it, and when it has ended.

    Returns
    -------
    False where the screen cannot leave its terminal, such as one in a browser.
    """
    with app.batch_update():  # nothing is drawn
        try:
            with app.suspend(), _interrupts_ignored():
                await _run(command, before, after)
        except SuspendNotSupported:
            return False
    return True


async def _run(command: Sequence[str], before: str, after: str) -> None:
    terminal = sys.__stderr__  # descriptor 2 is a log while the screen is up
    assert terminal is not None
    terminal.write(f"{before}\n")
    terminal.flush()
    process = await asyncio.create_subprocess_exec(
        *command, stdout=terminal.fileno(), stderr=terminal.fileno()
    )
    await process.wait()
    terminal.write(f"{after}\n")
    terminal.flush()
    await asyncio.to_thread(sys.stdin.readline)


@contextlib.contextmanager
def _interrupts_ignored() -> Iterator[None]:
    def nothing(number: int, frame: FrameType | None) -> None:
        """Unlike SIG_IGN this is not handed down to the program."""

    kept = signal.signal(signal.SIGINT, nothing)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, kept)
