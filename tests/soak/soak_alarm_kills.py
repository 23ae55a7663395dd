"""Kill a monitor with -9 while alarms are raised and acknowledged: none lost, none twice.

    python tests/soak/soak_alarm_kills.py [TIMES] [SEED]

The monitor is a live session (pipeline, alarm engine, store) whose conditions a script reports as
fast as it can; what the script had answered or reported is printed before the kill. After each
kill the session goes on from its store, as a core does. The result is stored in
docs/results/alarm_kills.json.
"""

from __future__ import annotations

import contextlib
import json
import os
import platform
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]
RESULT = ROOT / "docs" / "results" / "alarm_kills.json"
KINDS = ("wrong_input", "model_refused", "cannot_record")
RAISED = ("active", "acknowledged", "latched")
SESSION = "s"
SETTLE = -1


# ---------------------------------------------------------------- the monitor that is killed


def child(folder: Path, seed: int, world: set[str]) -> None:
    """Report conditions and acknowledge, at random, until killed; say on stdout what is so.

    With the seed SETTLE it only goes on from the store until no command waits, and ends.
    """
    sys.path.insert(0, str(ROOT / "tests" / "support"))
    from clocks import VirtualClock
    from scripted import RATE, ScriptedPhantom
    from store_rows import a_session

    from dsp.cycles.model import CycleModel
    from models import shipped
    from monitor import events as ev
    from monitor.analysis.pipeline import Pipeline
    from monitor.capture.stream import Capture
    from monitor.config.load import Settings
    from monitor.link.requests import Acknowledge
    from monitor.live.context import SessionContext
    from monitor.live.session import LiveSession
    from monitor.live.startup import unapplied
    from monitor.record.history import fold
    from monitor.record.store import Archive, Store
    from monitor.view.state import AlarmLog, load_board

    clock = VirtualClock()
    store = Store(folder, clock)
    assert store.damaged is None, "the store was found damaged"
    archive = Archive(folder)
    seq, known = archive.last(SESSION)
    found = archive.session(SESSION)
    saved = load_board(found.board) if found is not None else None
    capture = Capture(ScriptedPhantom("normal"), clock, threading.Event())
    cycles = CycleModel.from_arrays(shipped.cycles_arrays())
    board = None if saved is None else saved.board
    pipeline = Pipeline(Settings(), None, cycles, "x", RATE, 1, index=known, board=board)
    ties = SessionContext(clock, store, lambda message: None, lambda work: work(), "boot")
    if found is None:
        store.begin(a_session(SESSION))
    log = AlarmLog(fold(archive, SESSION))
    session = LiveSession(SESSION, capture, pipeline, ties, log, seq + 1)
    for command in unapplied(archive, SESSION, seq):
        session.feed(command)
    archive.close()

    def say(*words: object) -> None:
        print(*words, flush=True)

    def tick() -> None:
        session.feed(ev.Idle(0.05))

    for kind in KINDS:
        session.feed(ev.Condition(kind, kind in world, "reported"))
    tick()
    for alarm in session.board.alarms.values():
        if alarm.kind in KINDS:
            say("board", alarm.kind, alarm.state, alarm.count)
    say("ready")
    if seed == SETTLE:
        for _ in range(20):
            tick()
        assert store.close(30)
        return
    rng = random.Random(seed)
    numbers = iter(range(10**9))
    while True:
        kind = rng.choice(KINDS)
        if rng.random() < 0.5:
            present = kind not in world
            world ^= {kind}
            say("world", kind, int(present))
            session.feed(ev.Condition(kind, present, "reported"))
        else:
            answered = threading.Event()
            alarm = session.board.alarms[kind]
            asked = Acknowledge(id=next(numbers), session=SESSION, alarm=kind)
            session.ask(asked, "soak", lambda ok, error, done=answered: done.set())  # type: ignore[misc]
            answered.wait(30)  # as a person does, before anything else
            if alarm.state in ("active", "latched"):
                say("answered", kind, alarm.count)
            # The step in which it takes effect comes up to half a second later.
            threading.Event().wait(rng.uniform(0, 0.03))
        tick()


# ---------------------------------------------------------------- who kills, and looks


@dataclass
class Seen:
    """What the monitors said before they were killed."""

    world: set[str] = field(default_factory=set)
    answered: set[tuple[str, int]] = field(default_factory=set)
    """(kind, how many times it had come) of answered acknowledgements."""
    lost: list[str] = field(default_factory=list)

    def take(self, words: list[str], begun: bool) -> None:
        """Take a line of a monitor."""
        if words[0] == "world":
            self.world = self.world | {words[1]} if words[2] == "1" else self.world - {words[1]}
        elif words[0] == "answered":
            self.answered.add((words[1], int(words[2])))
        elif words[0] == "board" and not begun:
            kind, state, count = words[1], words[2], int(words[3])
            if kind in self.world and state not in RAISED:
                self.lost.append(f"{kind} is present and {state}")
            if state == "active" and (kind, count) in self.answered:
                self.lost.append(f"the acknowledgement of {kind}, time {count}")


def start(folder: Path, seed: int, seen: Seen) -> subprocess.Popen[str]:
    """Start a monitor that goes on from the store."""
    return subprocess.Popen(
        [sys.executable, str(Path(__file__)), "--child", str(folder), str(seed), *seen.world],
        stdout=subprocess.PIPE, text=True, cwd=ROOT, env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip


def settle(folder: Path, seen: Seen) -> None:
    """Go on once more after the last kill: what was answered just before it is carried out then."""
    process = start(folder, SETTLE, seen)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    for line in said.splitlines():
        if line != "ready":
            seen.take(line.split(), False)


def one(folder: Path, seed: int, seen: Seen, wait_s: float) -> None:
    """Start a monitor, let it run for a while, kill it."""
    process = start(folder, seed, seen)
    assert process.stdout is not None
    timer = threading.Timer(wait_s, process.send_signal, (signal.SIGKILL,))
    begun = False
    with process.stdout as lines:
        for line in lines:
            if not line.endswith("\n"):
                break  # cut by the kill
            if line == "ready\n":
                begun = True
                timer.start()
            else:
                seen.take(line.split(), begun)
    assert begun, "the monitor did not begin"
    assert process.wait() == -signal.SIGKILL


def examine(folder: Path, seen: Seen) -> dict[str, int]:
    """Look at the store after all kills; counts."""
    sys.path.insert(0, str(ROOT))
    from monitor import events as ev
    from monitor.record.schema import FILE
    from monitor.record.store import Archive

    with contextlib.closing(sqlite3.connect(folder / FILE)) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    archive = Archive(folder)
    lines = list(archive.events(SESSION))
    commands = len(archive.commands(SESSION))
    archive.close()
    assert [number for number, _ in lines] == list(range(len(lines))), "a hole in the lines"
    raised = acknowledged = twice = 0
    state: dict[str, str] = {}
    times: dict[str, int] = {}
    done: set[tuple[str, int]] = set()
    for _, line in lines:
        if not isinstance(line, ev.Alarm) or line.kind not in KINDS:
            continue
        before = state.get(line.kind, "inactive")
        if line.state == "active" and "not acknowledged for" not in line.evidence:
            raised += 1
            twice += before == "active"
            times[line.kind] = times.get(line.kind, 0) + 1
        elif line.state == "acknowledged" or (line.state, before) == ("inactive", "latched"):
            acknowledged += 1
            twice += before == line.state
            done.add((line.kind, times[line.kind]))
        state[line.kind] = line.state
    lost = len(seen.lost) + len(seen.answered - done)
    return {
        "raised": raised, "acknowledged": acknowledged, "answered": len(seen.answered),
        "commands": commands, "lines": len(lines), "lost": lost, "twice": twice,
    }  # fmt: skip


def run(times: int, seed: int, folder: Path) -> dict[str, int]:
    """So many kills; counts, or an AssertionError that says what is wrong."""
    rng = random.Random(seed)
    seen = Seen()
    for number in range(times):
        one(folder, seed * 1000 + number, seen, rng.uniform(0.0, 0.4))
    settle(folder, seen)
    return examine(folder, seen) | {"kills": times}


def main() -> None:
    """Run and store."""
    times = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    with tempfile.TemporaryDirectory() as folder:
        counts = run(times, seed, Path(folder) / "store")
    result = {
        "command": f"python tests/soak/soak_alarm_kills.py {times} {seed}",
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "integrity": "ok",
        **counts,
    }
    print(json.dumps(result, indent=1))
    assert counts["lost"] == counts["twice"] == 0
    RESULT.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        sys.path.insert(0, str(ROOT))
        child(Path(sys.argv[2]), int(sys.argv[3]), set(sys.argv[4:]))
    else:
        main()
