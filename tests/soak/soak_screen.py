"""Screens that are treated badly, on one core that is recorded; and whether the core noticed.

    python tests/soak/soak_screen.py [--unread 60] [--json FILE]

A live phantom is monitored twice over the same sound. In the first run screens come and go: one
whose terminal nobody reads, hang-up, SIGTERM, SIGKILL, a terminal that closes, TERM=dumb, 1 x 1,
no UTF-8. The second run has no screen at all. Their event files must be the same up to the end of
the shorter one, byte for byte, and a replay of the first one's inputs must be the same whole.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import select
import signal
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pexpect
import pyte

from monitor.config.load import Settings
from monitor.link.client import Client, Gone
from monitor.supervise.job import Job
from monitor.supervise.launch import spawn

RESTORED = (b"\x1b[?1049l", b"\x1b[?25h")
"""The alternate screen is left, and the cursor is back."""


def attach(store: Path, rows: int = 40, columns: int = 120, **more: str) -> pexpect.spawn[bytes]:
    """A screen on a pseudo-terminal."""
    plain = {k: v for k, v in os.environ.items() if k not in {"LC_ALL", "LC_CTYPE"}}
    return pexpect.spawn(
        sys.executable,
        ["-m", "monitor.cli.main", "attach", "--store", str(store)],
        env={**plain, "TERM": "xterm-256color", "LANG": "C.UTF-8", **more},
        dimensions=(rows, columns), timeout=60,
    )  # fmt: skip


def read(child: pexpect.spawn[bytes], seconds: float) -> bytes:
    """What it writes in a while."""
    end, data = time.monotonic() + seconds, b""
    while (left := end - time.monotonic()) > 0:
        if select.select([child.child_fd], [], [], left)[0]:
            try:
                data += os.read(child.child_fd, 65536)
            except OSError:
                break
    return data


def ended(child: pexpect.spawn[bytes], before: list[Any] | None) -> dict[str, Any]:
    """Read to the end; how it left, and whether the terminal is as it was."""
    began = time.monotonic()
    rest = b""
    with contextlib.suppress(pexpect.EOF):
        while True:
            rest += child.read_nonblocking(65536, timeout=30)
    same = None
    if before is not None:
        with contextlib.suppress(termios.error):  # gone with its last process
            same = termios.tcgetattr(child.child_fd)[:4] == before[:4]
    child.wait()
    return {
        "exit": child.exitstatus if child.exitstatus is not None else -int(child.signalstatus or 0),
        "seconds": round(time.monotonic() - began, 1),
        "left_clean": all(code in rest for code in RESTORED) and same is not False,
    }


def by_signal(number: int) -> Callable[[Path], dict[str, Any]]:
    """A screen that gets a signal."""

    def abuse(store: Path) -> dict[str, Any]:
        child = attach(store)
        before = termios.tcgetattr(child.child_fd)
        read(child, 6)
        child.kill(number)
        return ended(child, before)

    return abuse


def unread(seconds: float) -> Callable[[Path], dict[str, Any]]:
    """A terminal that nobody reads, then SIGTERM."""

    def abuse(store: Path) -> dict[str, Any]:
        child = attach(store, rows=60, columns=200)
        read(child, 6)
        time.sleep(seconds)
        child.kill(signal.SIGTERM)
        began = time.monotonic()
        code = child.ptyproc.wait()  # still nobody reads
        return {"exit": code, "seconds": round(time.monotonic() - began, 1)}

    return abuse


def closed(store: Path) -> dict[str, Any]:
    """The terminal's window is closed: its other end goes, and the kernel hangs up."""
    child = attach(store)
    read(child, 6)
    began = time.monotonic()
    os.close(child.child_fd)
    while Path(f"/proc/{child.pid}").exists():
        number, status = os.waitpid(child.pid, os.WNOHANG)
        if number:
            code = os.waitstatus_to_exitcode(status)
            return {"exit": code, "seconds": round(time.monotonic() - began, 1)}
        time.sleep(0.05)
    return {"exit": None}


def dumb(store: Path) -> dict[str, Any]:
    """A terminal that cannot move its cursor."""
    child = attach(store, TERM="dumb")
    text = b""
    with contextlib.suppress(pexpect.EOF):
        while True:
            text += child.read_nonblocking(65536, timeout=30)
    child.wait()
    return {"exit": child.exitstatus, "lines": text.count(b"\n")}


def tiny(store: Path) -> dict[str, Any]:
    """One cell, then grown."""
    child = attach(store, rows=1, columns=1)
    before = termios.tcgetattr(child.child_fd)
    read(child, 5)
    child.setwinsize(40, 120)
    screen = pyte.Screen(120, 40)
    pyte.ByteStream(screen).feed(read(child, 5))
    child.kill(signal.SIGTERM)
    grown = "HEART RATE" in "\n".join(screen.display)
    return {**ended(child, before), "complete_after_growing": grown}


def latin(store: Path) -> dict[str, Any]:
    """A locale without UTF-8."""
    child = attach(store, LC_ALL="C")
    before = termios.tcgetattr(child.child_fd)
    text = read(child, 6)
    child.kill(signal.SIGTERM)
    return {**ended(child, before), "ascii": text.isascii() and b"HEART RATE" in text}


def complete(store: Path) -> dict[str, bool]:
    """What a fresh screen shows after all of it."""
    child = attach(store)
    screen = pyte.Screen(120, 40)
    pyte.ByteStream(screen).feed(read(child, 8))
    child.kill(signal.SIGTERM)
    ended(child, None)
    text = "\n".join(screen.display)
    parts = ("abnormal heart sound", "regular", "S1", "GOOD", "TREND", "in this session")
    return {part: part in text for part in parts}


def stop(address: Path, session: str) -> None:
    """End a monitoring in order."""
    with Client.connect(address, "soak", waves=False) as client, contextlib.suppress(Gone):
        client.request(session, "stop")
        while client.receive(10.0) is not None:
            continue


def monitored(store: Path, then: Callable[[], Any]) -> tuple[list[str], Any]:
    """Lines of the event file of one monitoring, and what ``then`` gave."""
    begun = spawn(
        Job(
            store=str(store),
            sources=["phantom:murmur_tachycardia"],
            settings=Settings(),
            record=True,
        )
    )
    try:
        found = then()
    finally:
        stop(Path(begun.address), begun.sessions[0])
    events = next((store / "sessions").rglob("events.jsonl"))
    return events.read_text(encoding="utf-8").splitlines(keepends=True), found


def prefix(first: list[str], second: list[str]) -> tuple[int, bool]:
    """How many lines can be compared, and whether they are the same."""
    last = min(json.loads(lines[-2])["index"] for lines in (first, second)) - 20_000
    cut = [[x for x in lines[:-1] if json.loads(x)["index"] <= last] for lines in (first, second)]
    return len(cut[0]), cut[0] == cut[1]


def main() -> int:
    """Abuse, compare, tell."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--unread", type=float, default=60)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    matrix = {
        "terminal not read, then SIGTERM": unread(asked.unread),
        "SIGHUP": by_signal(signal.SIGHUP),
        "SIGTERM": by_signal(signal.SIGTERM),
        "SIGKILL": by_signal(signal.SIGKILL),
        "terminal closed": closed,
        "TERM=dumb": dumb,
        "1 x 1": tiny,
        "LC_ALL=C": latin,
    }
    with tempfile.TemporaryDirectory() as folder:
        began = time.monotonic()
        store = Path(folder) / "with"

        def abuse() -> tuple[dict[str, Any], dict[str, bool]]:
            return {name: call(store) for name, call in matrix.items()}, complete(store)

        with_screens, (told, state) = monitored(store, abuse)
        length = time.monotonic() - began
        without, _ = monitored(Path(folder) / "without", lambda: time.sleep(length))
        lines, same = prefix(with_screens, without)
        again = Path(folder) / "again"
        [session] = (store / "sessions").iterdir()
        subprocess.run(
            [sys.executable, "-m", "monitor.cli.main", "replay", str(session), "--events", again],
            check=True, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        [replayed] = again.glob("*.jsonl")
        whole = replayed.read_text(encoding="utf-8") == "".join(with_screens)
    result = {
        "command": f"python tests/soak/soak_screen.py --unread {asked.unread:g}",
        "conditions": f"{platform.machine()}, {os.cpu_count()} shared cores, "
        f"load {os.getloadavg()[1]:.1f}",
        "screens": told,
        "state_after_it": state,
        "lines_compared_with_a_run_without_a_screen": lines,
        "identical": same,
        "identical_to_a_replay_of_its_inputs": whole,
    }
    text = json.dumps(result, indent=1)
    print(text)
    if asked.json is not None:
        asked.json.write_text(text + "\n", encoding="utf-8")
    fine = same and whole and all(state.values())
    return 0 if fine and all(one.get("left_clean") is not False for n, one in told.items()
                             if n != "SIGKILL") else 1  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
