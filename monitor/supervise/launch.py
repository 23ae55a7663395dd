"""Runs a supervisor: in the foreground (`--headless`), or behind a screen as its own process.

spawn(job)                start one in the background, wait until its core has begun
supervise(job, began)     be one
python -m monitor.supervise.launch   what `spawn` starts: a job on stdin, `Begun` on stdout
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import msgspec

from monitor.clock import SystemClock
from monitor.errors import EXIT_INTERRUPTED, ApexbeatError
from monitor.sound.listening import Hearing, Helper
from monitor.sound.output import AlarmSound, portaudio
from monitor.supervise.job import Begun, Job
from monitor.supervise.sd_notify import Watchdog
from monitor.supervise.supervisor import END_S, CoreFailed, Supervisor

WAIT_S = 0.1
LOG = "core.log"
LOG_LIMIT = 2**20
"""A log longer than this is begun anew; the last one is kept beside it, bytes."""


def log_path(store: Path) -> Path:
    """The log of cores and of their supervisor, private to the user, of bounded length."""
    path = store / LOG
    with contextlib.suppress(OSError):  # the store itself says, in a better line, what is wrong
        store.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600))
        if path.stat().st_size > LOG_LIMIT:
            path.replace(path.with_name(LOG + ".1"))
    return path


def supervise(job: Job, began: Callable[[Begun], None]) -> int:
    """Be the supervisor of ``job`` until it is over; the exit code.

    Raises
    ------
    CoreFailed
        If the core could not begin.
    """
    clock = SystemClock()
    sound = job.settings.sound
    play = portaudio(sound.output, sound.volume) if sound.alarms else None
    alarms = AlarmSound(play, _bell(job.terminal) if sound.alarms else _silence, clock)
    watchdog = Watchdog(clock)

    helpers: list[Helper] = []

    def ready(begun: Begun) -> None:
        began(begun)
        watchdog.ready(f"monitoring {' '.join(begun.sessions)}")
        if sound.listen != "off" and not helpers:
            hearing = Hearing(
                address=begun.address,
                band=sound.listen,
                output=sound.output,
                gain_db=sound.listen_gain_db,
            )
            helpers.append(Helper(hearing, 2, clock))

    def alive() -> None:
        watchdog.alive()
        for helper in helpers:
            helper.tick()

    log = log_path(Path(job.store))
    supervisor = Supervisor(job, alarms, log, clock, ready, alive=alive)
    signal.signal(signal.SIGTERM, lambda *_: supervisor.stop(0))
    signal.signal(signal.SIGINT, lambda *_: supervisor.stop(EXIT_INTERRUPTED))
    if hasattr(signal, "SIGHUP"):
        signal.signal(signal.SIGHUP, lambda *_: supervisor.stop(0))
    try:
        code = supervisor.run()
    finally:
        for helper in helpers:
            helper.close()
        watchdog.close()
        silent = alarms.close()
    if not silent:
        os._exit(code)  # a burst that hangs in the audio library must not keep us
    return code


class InterruptsHeld:
    """Ctrl-C, SIGTERM and SIGHUP are noted and not obeyed, so that none comes between two steps.

    A context; `check` obeys what was noted, where that leaves nothing behind.
    """

    def __init__(self) -> None:
        self.asked = False
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        """Hold them."""
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        """Let them through again."""
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def check(self) -> None:
        """Raise KeyboardInterrupt if one came."""
        if self.asked:
            raise KeyboardInterrupt

    def _note(self, *_: object) -> None:
        self.asked = True


def spawn(job: Job, held: InterruptsHeld | None = None) -> Begun:
    """Start a supervisor of its own session and wait until it monitors.

    Parameters
    ----------
    held
        Asked while it waits: what began is ended if the person did not want to wait.

    Raises
    ------
    ApexbeatError
        If the core could not begin.
    KeyboardInterrupt
        If the person interrupted it; nothing runs then.
    """
    log = log_path(Path(job.store))
    with open(log if log.exists() else os.devnull, "ab") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "monitor.supervise.launch"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            start_new_session=True,
        )
    assert process.stdin is not None
    assert process.stdout is not None
    with process.stdin as channel:
        channel.write(msgspec.json.encode(job))
    with process.stdout as answer:
        while not select.select([answer], [], [], WAIT_S)[0]:
            if held is not None and held.asked:
                _end(process)
                held.check()
        line = answer.readline()
    if not line:
        raise ApexbeatError("the supervisor died at its start", f"see {log}")
    begun = msgspec.json.decode(line, type=Begun)
    if begun.error:
        raise CoreFailed(begun)
    process.returncode = 0  # it lives on without us: no complaint when we forget it
    return begun


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a supervisor that has not begun to monitor, and with it its core."""
    process.terminate()
    try:
        process.wait(END_S + 2.0)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def quiet_stderr(log: Path) -> int:
    """Point file descriptor 2 at the log (PortAudio writes there); return the old one."""
    kept = os.dup(2)
    with contextlib.suppress(OSError):
        handle = os.open(log, os.O_WRONLY | os.O_APPEND)
        os.dup2(handle, 2)
        os.close(handle)
    return kept


def main() -> int:
    """Read a job, say how it began, supervise."""
    job = msgspec.json.decode(sys.stdin.buffer.read(), type=Job)
    first = True

    def began(begun: Begun) -> None:
        nonlocal first
        if first:
            first = False
            _say(begun)

    try:
        return supervise(job, began)
    except ApexbeatError as error:
        _say(Begun(error=str(error), code=error.exit_code))
        return error.exit_code


def _say(begun: Begun) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(begun) + b"\n")
    sys.stdout.buffer.flush()
    with open(os.devnull, "wb") as nowhere:  # whoever read it must not wait for more
        os.dup2(nowhere.fileno(), 1)


def _silence() -> None:
    """Sound is switched off."""


def _bell(terminal: str) -> Callable[[], None]:
    def ring() -> None:
        if not terminal:
            return
        with contextlib.suppress(OSError):  # the terminal was closed: there is nobody to hear it
            handle = os.open(terminal, os.O_WRONLY | os.O_NOCTTY | os.O_NONBLOCK)
            try:
                os.write(handle, b"\a")
            finally:
                os.close(handle)

    return ring


if __name__ == "__main__":
    sys.exit(main())
