"""The process that plays alarm tones: what an audio library does to it, the supervisor survives.

Sound libraries abort a process that has no descriptors left, or whose configuration is gone. So
the supervisor never loads one: it tells this process what to play over a pipe, starts another one
when it dies, and ends one that hangs.

    Speaker                          the supervisor's end
    python -m monitor.sound.speaker  the process: OUTPUT and VOLUME as arguments; a line per order
                                     (a priority, ``look`` or ``stop``), a line per answer
"""

from __future__ import annotations

import contextlib
import os
import queue
import select
import subprocess
import sys
import threading
import time

from monitor.events import Priority
from monitor.sound.tones import PATTERNS

ANSWER_S = 4.0
"""Beyond the length of its burst, a process that has not answered by then hangs."""

START_S = 20.0
"""The first answer of a process may take so long: it loads the library."""

STEP_S = 0.05
DONE = "done"


class Speaker:
    """Plays bursts in another process; calls may wait, so they are for a thread of their own.

    Parameters
    ----------
    output
        Part of the name of a device; empty for the system's.
    volume
        Peak, 0 to 1.
    """

    def __init__(self, output: str, volume: float) -> None:
        self._command = [sys.executable, "-m", "monitor.sound.speaker", output, str(volume)]
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()
        self._fresh = True

    def play(self, priority: Priority, cut: threading.Event) -> None:
        """Play one burst to its end, or until ``cut`` is set.

        Raises
        ------
        OSError
            If it cannot be played.
        """
        with self._lock:
            self._order(priority, PATTERNS[priority].burst_s + ANSWER_S, cut)

    def look(self) -> str | None:
        """Why no output can be opened, "" if one can; None while a burst is played."""
        if not self._lock.acquire(blocking=False):
            return None
        try:
            self._order("look", ANSWER_S, threading.Event())
        except OSError as error:
            return str(error)
        finally:
            self._lock.release()
        return ""

    def close(self) -> None:
        """End the process."""
        process = self._process
        if process is not None:
            process.kill()

    # ------------------------------------------------------------ inside

    def _order(self, what: str, limit_s: float, cut: threading.Event) -> None:
        try:
            process = self._running()
            self._say(process, what)
            answer = self._answer(process, limit_s + (START_S if self._fresh else 0.0), cut)
        except BaseException:
            self._give_up()
            raise
        self._fresh = False
        if answer != DONE:
            raise OSError(answer)

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            self._give_up()
            self._fresh = True
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                bufsize=0,
            )
        return self._process

    def _say(self, process: subprocess.Popen[bytes], what: str) -> None:
        assert process.stdin is not None
        process.stdin.write(what.encode() + b"\n")

    def _answer(
        self, process: subprocess.Popen[bytes], limit_s: float, cut: threading.Event
    ) -> str:
        assert process.stdout is not None
        waiting = select.poll()
        waiting.register(process.stdout, select.POLLIN)
        end_s, told, line = time.monotonic() + limit_s, False, b""
        while not line.endswith(b"\n"):
            if cut.is_set() and not told:
                told = True
                self._say(process, "stop")
            if waiting.poll(STEP_S * 1000):
                data = process.stdout.read(4096)
                if not data:
                    raise OSError("the process that plays the tones died")
                line += data
            elif time.monotonic() > end_s:
                raise OSError("the audio output hangs")
        return line.decode("utf-8", "replace").strip()

    def _give_up(self) -> None:
        """End a process that is of no use, without waiting for one that cannot die."""
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(1.0)


def main(output: str, volume: float) -> None:
    """Do what is ordered until standard input closes."""
    from monitor.sound.output import look, portaudio

    play = portaudio(output, volume)
    orders: queue.SimpleQueue[str] = queue.SimpleQueue()
    cut = threading.Event()

    def read() -> None:
        for line in sys.stdin:
            order = line.strip()
            if order == "stop":
                cut.set()
            else:
                cut.clear()
                orders.put(order)
        os._exit(0)  # the supervisor has gone; a call that hangs in the library must not keep us

    threading.Thread(target=read, daemon=True).start()
    while True:
        order = orders.get()
        try:
            if order == "look":
                look(output)
            else:
                play(order, cut)  # type: ignore[arg-type]
        except Exception as error:  # noqa: BLE001 - told, whatever the library raises
            words = " ".join(str(error).split()) or type(error).__name__
        else:
            words = DONE
        sys.stdout.write(words + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]))
