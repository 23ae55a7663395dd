"""The terminal around the screen: is there one, which alphabet has it, and is it left clean.

PortAudio and other libraries write to file descriptor 2, and so does Textual: while the screen is
up, Textual gets a duplicate of the terminal and descriptor 2 points at a log. SIGINT, SIGTERM and
SIGHUP end the screen in order; where the terminal is not read, so that the event loop stands still,
a timer restores it after the latter two and leaves all the same. A terminal that is closed counts
as SIGHUP, also where it is not ours and the kernel sends none. Ctrl-C on a screen that is up is a
key and no signal; SIGINT is what it sends while the screen is still being made.
"""

from __future__ import annotations

import contextlib
import errno
import os
import select
import signal
import sys
import termios
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import FrameType
from typing import Protocol

from monitor.errors import EXIT_INTERRUPTED, EXIT_OK, ApexbeatError, UsageError
from monitor.tui.widgets.glyphs import ASCII, UNICODE, Glyphs

GRACE_S = 2.0
"""How long the event loop may take to leave after a signal."""
_RESTORE = (
    b"\x1b[?2004l\x1b[?7h\x1b[?1000l\x1b[?1003l\x1b[?1015l\x1b[?1006l\x1b[?1004l\x1b[<u"
    b"\x1b[?1049l\x1b[?25h\x1b[0m"
)
"""Paste, wrap, mouse, focus, keyboard protocol, alternate screen, cursor and colours as before."""


class Program(Protocol):
    """A program that draws on a terminal."""

    def run(self) -> int | None:
        """Draw until it leaves; return the exit code, None for 0."""
        ...

    def leave(self, code: int) -> None:
        """End with ``code``; may be called from a signal handler."""
        ...


def alphabet(environment: Mapping[str, str] = os.environ) -> Glyphs:
    """ASCII where the locale has no UTF-8 or the console no braille; Unicode otherwise.

    ``APEXBEAT_ASCII=1`` forces ASCII, ``APEXBEAT_ASCII=0`` Unicode.
    """
    forced = environment.get("APEXBEAT_ASCII", "")
    if forced:
        return UNICODE if forced == "0" else ASCII
    if environment.get("TERM") == "linux":
        return ASCII
    names = (environment.get(name, "") for name in ("LC_ALL", "LC_CTYPE", "LANG"))
    locale = next((name for name in names if name), "C.UTF-8")
    return UNICODE if locale.lower().replace("-", "").endswith("utf8") else ASCII


def check(environment: Mapping[str, str] = os.environ) -> int:
    """File descriptor of the terminal to draw on (2, else 1).

    Raises
    ------
    UsageError
        Where there is none, or one that cannot move its cursor.
    """
    remedy = "use --headless, `apexbeat log --follow`, or a terminal with cursor control"
    if environment.get("TERM", "") in {"", "dumb", "unknown"}:
        name = environment.get("TERM", "") or "not set"
        raise UsageError(f"this terminal cannot show a screen (TERM is {name})", remedy)
    if not os.isatty(0):
        raise UsageError("the screen needs a terminal to read keys from (stdin is none)", remedy)
    for descriptor in (2, 1):
        if os.isatty(descriptor):
            return descriptor
    raise UsageError("the screen needs a terminal to draw on (stdout and stderr are none)", remedy)


def run(make: Callable[[Glyphs], Program], log: Path, goes_on: bool = True) -> int:
    """Run the app that ``make`` returns until it exits; return the exit code.

    ``goes_on`` says whether a core goes on monitoring without the screen.

    Raises
    ------
    UsageError
        As `check`.
    ApexbeatError
        If the screen itself fails; the traceback is in ``log``.
    KeyboardInterrupt
        If SIGINT ended it.
    """
    descriptor = check()
    _give_size(descriptor)
    glyphs = alphabet()
    before = termios.tcgetattr(0)
    with _terminal_for_textual(descriptor, glyphs, log) as tty:
        app = make(glyphs)
        try:
            with _signals(app, tty, before) as came, _hang_up(tty):
                result = app.run()
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            return EXIT_INTERRUPTED  # the terminal was closed, and nobody reads what we say
        finally:
            with contextlib.suppress(termios.error):  # the terminal is gone
                termios.tcsetattr(0, termios.TCSANOW, before)
    if signal.SIGINT in came:
        raise KeyboardInterrupt
    failure = getattr(app, "_exception", None)
    if failure is not None:
        words = f"the screen failed ({type(failure).__name__}: {failure})"
        if not goes_on:
            raise ApexbeatError(words, f"the trace is in {log}")
        raise ApexbeatError(
            f"{words}, the monitoring goes on",
            f"`apexbeat attach` opens it again; the trace is in {log}",
        )
    return EXIT_OK if result is None else result


def _give_size(descriptor: int) -> None:
    """Call a terminal that does not know its size (a serial line) one of 24 rows, 80 columns.

    Textual takes it for 24 rows in one place and for 25 in another, and would draw without end.
    """
    with contextlib.suppress(termios.error):  # it was closed; who draws on it will say so
        rows, columns = termios.tcgetwinsize(descriptor)
        if not rows or not columns:
            termios.tcsetwinsize(descriptor, (rows or 24, columns or 80))


@contextlib.contextmanager
def _terminal_for_textual(descriptor: int, glyphs: Glyphs, log: Path) -> Iterator[int]:
    """Give Textual its own descriptor of the terminal, and point descriptor 2 at ``log``."""
    tty = os.dup(descriptor)
    old = os.dup(2)
    try:
        target = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    except OSError:
        target = os.open(os.devnull, os.O_WRONLY)
    sys.stderr.flush()
    os.dup2(target, 2)
    os.close(target)
    kept = sys.__stderr__
    encoding = "utf-8" if glyphs.unicode else "ascii"
    # Textual's driver writes to sys.__stderr__.
    stream = os.fdopen(os.dup(tty), "w", encoding=encoding, errors="replace")
    sys.__stderr__ = stream  # type: ignore[misc]
    try:
        yield tty
    finally:
        sys.__stderr__ = kept  # type: ignore[misc]
        with contextlib.suppress(OSError):  # a terminal that was closed takes no more
            stream.close()
        sys.stderr.flush()
        os.dup2(old, 2)
        os.close(old)
        os.close(tty)
        _silence_closed()


def _silence_closed() -> None:
    """Let what is still said go nowhere, if the terminal is closed: writing to it is an error."""
    null = os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
    for descriptor in (1, 2):
        poll = select.poll()
        poll.register(descriptor, 0)
        if poll.poll(0):
            os.dup2(null, descriptor)
    os.close(null)


@contextlib.contextmanager
def _signals(app: Program, tty: int, before: list[object]) -> Iterator[set[int]]:
    """End in order on a signal; gives those that came."""
    came: set[int] = set()

    def abandon() -> None:
        with contextlib.suppress(termios.error, OSError):
            termios.tcsetattr(tty, termios.TCSANOW, before)  # type: ignore[arg-type]
        with contextlib.suppress(OSError):
            os.set_blocking(tty, False)
            os.write(tty, _RESTORE)
        os._exit(EXIT_INTERRUPTED)

    def leave(number: int, frame: FrameType | None) -> None:
        if number in came:
            return
        came.add(number)
        if number != signal.SIGINT:  # whoever sends that waits for what it ends
            timer = threading.Timer(GRACE_S, abandon)
            timer.daemon = True
            timer.start()
        app.leave(EXIT_INTERRUPTED)

    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    kept = {number: signal.signal(number, leave) for number in numbers}
    try:
        yield came
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def _hang_up(tty: int) -> Iterator[None]:
    """Send SIGHUP to ourselves when the terminal is closed; the kernel does so for ours alone."""
    stopped, stop = os.pipe()
    poll = select.poll()
    poll.register(tty, 0)  # a hang-up is always told
    poll.register(stopped, 0)

    def watch() -> None:
        if stopped not in dict(poll.poll()):
            os.kill(os.getpid(), signal.SIGHUP)

    thread = threading.Thread(target=watch, name="hang-up", daemon=True)
    thread.start()
    try:
        yield
    finally:
        os.close(stop)
        thread.join()
        os.close(stopped)
