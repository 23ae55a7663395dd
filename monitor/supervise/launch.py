"""Runs a supervisor: in the foreground (`--headless`), or behind a screen as its own process.

spawn(job)                start one in the background, wait until its core has begun
supervise(job, began)     be one
python -m monitor.supervise.launch   what `spawn` starts: a job on stdin, `StartReport` on stdout
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
from monitor.errors import EXIT_INTERRUPTED, ApexbeatError, RecordError
from monitor.sound.audible import audible
from monitor.sound.listening import Hearing, Helper
from monitor.sound.output import AlarmSound
from monitor.sound.speaker import Speaker
from monitor.supervise.job import LOG, Job, StartReport
from monitor.supervise.sd_notify import Watchdog
from monitor.supervise.supervisor import END_S, CoreFailed, Supervisor
from monitor.system.background import Background, log_lines, log_stderr, unfailing_stderr
from monitor.system.store_lock import SUPERVISOR, StoreLock, holder

RENEW_S = 1.0
"""Seconds between two looks at our own lock."""

TAKE_OVER_S = 5.0
"""A supervisor that was killed lets its lock go within this."""

WAIT_S = 0.1
"""Seconds between two looks whether a person does not want to wait for a start."""


def log_path(store: Path) -> Path:
    """The log of cores and of their supervisor; its folder is made."""
    with contextlib.suppress(OSError):  # the store itself says what is wrong
        store.mkdir(mode=0o700, parents=True, exist_ok=True)
    return store / LOG


def supervise(job: Job, began: Callable[[StartReport], None]) -> int:
    """Be the supervisor of ``job`` until it is over; the exit code.

    Parameters
    ----------
    began
        Called each time a core has begun, on a thread of its own; an `OSError` that it raises
        the first time means that nobody is there any more to be told, and ends the core.

    Raises
    ------
    CoreFailed
        If the core could not begin.
    RecordError
        If another supervisor keeps the store.
    """
    clock = SystemClock()
    store = Path(job.store)
    lock = _lock(store, job.adopt)
    # A child that is made by fork leaves us going if its program cannot be read from the disk.
    setattr(subprocess, "_USE_VFORK", False)  # noqa: B010 - typeshed calls it final
    sound = job.settings.sound
    speaker = Speaker(sound.output, sound.volume)
    alarms = AlarmSound(None, _silence, clock)
    if sound.alarms:
        check = audible(speaker, sound.output)
        alarms = AlarmSound(speaker.play, _Bell(job.terminal).ring, clock, check)
    watchdog = Watchdog(clock)
    helpers: list[Helper] = []
    teller = Background()
    told = False

    def tell(begun: StartReport) -> None:
        nonlocal told
        first, told = not told, True
        try:
            began(begun)
        except OSError:
            if first:
                supervisor.stop(EXIT_INTERRUPTED)

    def ready(begun: StartReport) -> None:
        teller.put(lambda: tell(begun))
        watchdog.ready(f"monitoring {' '.join(begun.sessions)}")
        if sound.listen != "off" and not helpers:
            hearing = Hearing(
                address=begun.address,
                band=sound.listen,
                output=sound.output,
                gain_db=sound.listen_gain_db,
            )
            helpers.append(Helper(hearing, 2))

    keeper = Background(1)
    renewed_s = clock.monotonic()

    def alive() -> None:
        nonlocal renewed_s
        watchdog.alive()
        if lock is not None and clock.monotonic() - renewed_s > RENEW_S:
            renewed_s = clock.monotonic()
            keeper.put(lambda: _renew(lock))

    supervisor = Supervisor(job, alarms, store / LOG, clock, ready, alive=alive)
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
        speaker.close()
        teller.close(1.0)
        if lock is not None:
            lock.release()
    if not silent:
        os._exit(code)  # a burst that hangs must not keep us
    return code


def _lock(store: Path, adopt: bool) -> StoreLock | None:
    """Be the one supervisor of a store; None where it cannot be made (the core says why).

    One that is to adopt a core was told by the core that its supervisor does not answer: a
    process that holds the lock all the same is stopped or hangs, and is ended.
    """
    try:
        store.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError:
        return None
    try:
        return StoreLock(store, SUPERVISOR)
    except RecordError:
        if not adopt:
            raise
    process = holder(store, SUPERVISOR)
    if process:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, getattr(signal, "SIGKILL", signal.SIGTERM))
    clock = SystemClock()
    end_s = clock.monotonic() + TAKE_OVER_S
    while True:
        try:
            return StoreLock(store, SUPERVISOR)
        except RecordError:
            if clock.monotonic() > end_s:
                raise
        clock.sleep(0.05)


def _renew(lock: StoreLock) -> None:
    with contextlib.suppress(RecordError):  # its name without a file holds all the same
        lock.renew()


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


def spawn(job: Job, held: InterruptsHeld | None = None) -> StartReport:
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
    process = subprocess.Popen(
        [sys.executable, "-m", "monitor.supervise.launch"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # its own log, once it has read its job
        start_new_session=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    with contextlib.suppress(BrokenPipeError), process.stdin as channel:
        channel.write(msgspec.json.encode(job))
    with process.stdout as answer:
        while not select.select([answer], [], [], WAIT_S)[0]:
            if held is not None and held.asked:
                _end(process)
                held.check()
        line = answer.readline()
    if not line:
        raise ApexbeatError("the supervisor died at its start", f"see {log}")
    begun = msgspec.json.decode(line, type=StartReport)
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


def main() -> int:
    """Read a job, say how it began, supervise."""
    job = msgspec.json.decode(sys.stdin.buffer.read(), type=Job)
    try:
        os.close(log_stderr(Path(job.store) / LOG))
    except OSError:
        unfailing_stderr()
    log_lines("supervisor")
    first = True

    def began(begun: StartReport) -> None:
        nonlocal first
        if first:
            first = False
            _say(begun)

    try:
        return supervise(job, began)
    except ApexbeatError as error:
        with contextlib.suppress(OSError):  # whoever started us has gone
            _say(StartReport(error=str(error), code=error.exit_code))
        return error.exit_code


def _say(begun: StartReport) -> None:
    os.write(1, msgspec.json.encode(begun) + b"\n")  # no buffer keeps what nobody reads
    with open(os.devnull, "wb") as nowhere:  # whoever read it must not wait for more
        os.dup2(nowhere.fileno(), 1)


def _silence() -> bool:
    """Sound is switched off."""
    return False


class _Bell:
    """The bell of a terminal.

    The terminal is opened once: so it rings where there are no descriptors left, and never in
    another terminal that has got the name of one that was closed.
    """

    def __init__(self, terminal: str) -> None:
        self._handle: int | None = None
        if terminal:
            # A terminal that somebody has stopped (Ctrl-S) is not waited for.
            flags = os.O_WRONLY | getattr(os, "O_NOCTTY", 0) | getattr(os, "O_NONBLOCK", 0)
            with contextlib.suppress(OSError):
                self._handle = os.open(terminal, flags)

    def ring(self) -> bool:
        """Ring once; False if there is no terminal, or it was closed."""
        if self._handle is None:
            return False
        try:
            os.write(self._handle, b"\a")
        except OSError:
            return False
        return True


if __name__ == "__main__":
    sys.exit(main())
