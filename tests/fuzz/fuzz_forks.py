"""Runs cases in forked children: a crash, a hang or hunger for memory ends the child, not the run.

A child takes a batch of cases, one after the other, and writes what became of each into a pipe:
the case it dies in is the one that it announced last. What is left of the batch goes to the next
child. Loaded libraries come with the fork; torch must not be among them unless it runs on one
thread.
"""

from __future__ import annotations

import faulthandler
import os
import resource
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from process_limits import address_space

SECONDS = 10
EXTRA_MIB = 300
BATCH = 25


@dataclass(frozen=True)
class Case:
    """One input: its name tells how to make it again."""

    name: str
    content: bytes


@dataclass
class Found:
    """What became of the cases: words to count, and the bad ones."""

    outcomes: Counter[str] = field(default_factory=Counter)
    bad: list[tuple[Case, str]] = field(default_factory=list)
    seconds: float = 0.0
    largest_mib: float = 0.0


Judge = Callable[[Path], str]
"""Takes a file with the content; returns ``fine`` or ``refused: one line``; raises if it is bad."""


def run(cases: Sequence[Case], judge: Judge, folder: Path, suffix: str = "") -> Found:
    """Run all cases.

    Parameters
    ----------
    judge
        Called in a child; anything that it raises is a finding.
    folder
        For the files.
    suffix
        Of the files' names; empty: that of the case's name.
    """
    found = Found()
    begun = time.monotonic()
    waiting = list(cases)
    while waiting:
        done = _child(waiting[:BATCH], judge, folder, suffix, found)
        waiting = waiting[done:]
    found.seconds = time.monotonic() - begun
    return found


def _child(batch: list[Case], judge: Judge, folder: Path, suffix: str, found: Found) -> int:
    """Run a batch in one child; return how many cases are settled."""
    reader, writer = os.pipe()
    pid = os.fork()
    if not pid:
        os.close(reader)
        faulthandler.disable()  # a crash is counted by the parent, not told on its terminal
        _serve(batch, judge, folder, suffix, writer)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        text = pipe.read().decode("utf-8", "replace")
    _, status = os.waitpid(pid, 0)
    settled = 0
    for line in text.splitlines():
        kind, _, words = line.partition("\t")
        if kind == "mib":
            found.largest_mib = max(found.largest_mib, float(words))
            continue
        if kind == "bad":
            found.bad.append((batch[settled], words))
        found.outcomes["bad" if kind == "bad" else words.partition(":")[0]] += 1
        settled += 1
    if settled < len(batch) and (os.WIFSIGNALED(status) or os.WEXITSTATUS(status)):
        found.bad.append((batch[settled], _death(status)))
        found.outcomes["bad"] += 1
        settled += 1
    return settled


def _serve(batch: list[Case], judge: Judge, folder: Path, suffix: str, writer: int) -> None:
    """The child: never returns."""
    if Path("/proc/self/statm").is_file():
        limit = address_space(os.getpid()) + EXTRA_MIB * 2**20
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGALRM, signal.SIG_DFL)  # whoever forked may have had a use for it
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 2)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for case in batch:
        path = folder / f"case-{os.getpid()}{suffix or Path(case.name).suffix}"
        path.write_bytes(case.content)
        signal.alarm(SECONDS)
        try:
            words = "ok\t" + judge(path)
        except BaseException as error:  # noqa: BLE001 - whatever escapes is the finding
            words = f"bad\t{type(error).__name__}: {' '.join(str(error).split())[:200]}"
        signal.alarm(0)
        path.unlink(missing_ok=True)
        os.write(writer, (" ".join(words.splitlines()) + "\n").encode())
    scale = 2**20 if sys.platform == "darwin" else 1024
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    os.write(writer, f"mib\t{grown / scale:.1f}\n".encode())
    os._exit(0)


def _death(status: int) -> str:
    if not os.WIFSIGNALED(status):
        return f"the process ended with {os.WEXITSTATUS(status)}"
    number = os.WTERMSIG(status)
    if number == signal.SIGALRM:
        return f"hung for {SECONDS} s"
    return f"the process died of {signal.Signals(number).name}"
