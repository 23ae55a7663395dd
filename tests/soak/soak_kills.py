"""Kill the whole monitoring (`kill -9` of supervisor and core) at random points, and start again.

    python tests/soak/soak_kills.py [--times 100] [--out FOLDER]

A phantom at 200/min raises alarms after some seconds, a client acknowledges some of them, sound is
recorded. Of every run that was killed a start after it, killed itself or not, must have said that
it ended unexpectedly by the time the next one is there, which must be within 5 s; its
unacknowledged alarms are shown; what was confirmed stands in the store; of the recorded sound at
most the last second is missing. Some points lie in the start itself.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "support"))

from outcome import RESULTS, Outcome, command, machine  # noqa: E402
from process_tree import cpu_s, family  # noqa: E402

from monitor import events as ev  # noqa: E402
from monitor.errors import InputError  # noqa: E402
from monitor.link.address import address_of  # noqa: E402
from monitor.link.client import Client, Gone  # noqa: E402
from monitor.link.messages import EventLine, Reply, Snapshot, Status  # noqa: E402
from monitor.record.store import Archive  # noqa: E402
from monitor.sessionfolder.pieces import open_sound  # noqa: E402

LIFE_S = 9.0
SAID_S = 5.0
AT_START = 0.2
"""Share of the kills that come while the next run is starting."""
SETTLE_S = 0.3
"""A line that was published so long before the kill must be in the store."""


@dataclass
class Life:
    """One run from its start to its end by kill."""

    process: subprocess.Popen[bytes]
    notes: Path
    began_s: float
    client: Client | None = None
    session: str = ""
    cpu_s: float = 0.0
    """CPU of supervisor and core until then."""
    there_s: float | None = None
    """Seconds from the start to the full state on a screen."""
    earlier: set[tuple[str, str]] = field(default_factory=set)
    """(session, kind) of alarms of earlier runs that it showed."""
    clock_s: float = 0.0
    clock_at: float = 0.0
    raised: dict[str, float] = field(default_factory=dict)
    acknowledged: set[str] = field(default_factory=set)
    confirmed: int = 0


@dataclass
class Tally:
    """Over all lives."""

    starts_s: list[float] = field(default_factory=list)
    starts_cpu_s: list[float] = field(default_factory=list)
    lost_s: list[float] = field(default_factory=list)
    confirmed: int = 0
    unstored: int = 0
    unshown: int = 0
    unsaid: int = 0
    shown: int = 0
    in_start: int = 0


def start(store: Path, folder: Path, number: int) -> Life:
    """Start a run; returns at once."""
    notes = folder / f"notes-{number}"
    with notes.open("wb") as said:
        process = subprocess.Popen(
            [
                sys.executable, "-m", "monitor.cli.main", "live", "--phantom", "fast",
                "--headless", "--record", "--store", str(store),
                "--set", "sound.alarms=false", "--set", "alarms.rate_delay_s=0",
                "--set", "alarms.extreme_delay_s=0",
            ],
            stderr=said, stdin=subprocess.DEVNULL,
        )  # fmt: skip
    return Life(process, notes, time.monotonic())


def attach(life: Life, store: Path) -> None:
    """Wait for the full state."""
    while life.client is None:
        with contextlib.suppress(InputError, Gone):
            client = Client.connect(address_of(store), "soak", waves=False)
            for _ in range(3):
                first = client.receive(5)
                if isinstance(first, Snapshot):
                    life.client, life.session = client, first.status.session
                    life.there_s = time.monotonic() - life.began_s
                    life.cpu_s = sum(map(cpu_s, family(life.process.pid)))
                    see(life, first.status)
                    mine = [a for a in first.alarms if a.earlier_session]
                    life.earlier = {(str(a.earlier_session), a.kind) for a in mine}
                    return
            client.close()
        assert life.process.poll() is None, life.notes.read_text()
        time.sleep(0.02)


def see(life: Life, status: Status) -> None:
    """Note how far the session's clock was, and when."""
    life.clock_s, life.clock_at = status.clock_s, time.monotonic()


def watch(life: Life, seconds: float, acknowledges: bool) -> None:
    """Read, and acknowledge now and then."""
    assert life.client is not None
    end = time.monotonic() + seconds
    asked: dict[int, str] = {}
    while (left := end - time.monotonic()) > 0:
        message = life.client.receive(left)
        if isinstance(message, Status):
            see(life, message)
        elif isinstance(message, EventLine) and isinstance(message.event, ev.Alarm):
            alarm = message.event
            if alarm.state == "active":
                life.raised.setdefault(alarm.kind, time.monotonic())
                if acknowledges and alarm.kind == "tachycardia":
                    number = life.client.request(life.session, "acknowledge", alarm=alarm.kind)
                    asked[number] = alarm.kind
        elif isinstance(message, Reply) and message.ok:
            life.acknowledged.add(asked[message.id])
            life.confirmed += 1


def kill(life: Life) -> None:
    """Supervisor and core at once."""
    for pid in family(life.process.pid):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    life.process.wait()
    if life.client is not None:
        life.client.close()


def judge(life: Life, killed_at: float, store: Path, tally: Tally) -> set[tuple[str, str]]:
    """Look into the store of a dead run; the alarms that the next one must show."""
    if life.client is None:
        tally.in_start += 1
        return set()
    archive = Archive(store)
    kinds = {e.kind for _, e in archive.events(life.session)
             if isinstance(e, ev.Alarm) and e.state == "active"}  # fmt: skip
    commands = len(archive.commands(life.session))
    row = archive.session(life.session)
    archive.close()
    assert row is not None
    settled = {k for k, at in life.raised.items() if killed_at - at > SETTLE_S}
    tally.unstored += len(settled - kinds) + max(0, life.confirmed - commands)
    tally.confirmed += life.confirmed
    assert row.folder is not None
    with open_sound(Path(row.folder)) as sound:
        kept_s = sound.frames() / sound.rate_hz
    tally.lost_s.append(life.clock_s + killed_at - life.clock_at - kept_s)
    return {(life.session, kind) for kind in settled - life.acknowledged}


def check_next(life: Life, store: Path, due: set[tuple[str, str]], tally: Tally) -> None:
    """What this run and those before it said and showed of all that were killed."""
    assert life.there_s is not None
    tally.starts_s.append(life.there_s)
    tally.starts_cpu_s.append(life.cpu_s)
    with Archive(store) as archive:
        over = {row.id for row in archive.sessions()} - {life.session}
    tally.unsaid += not _said(life, over)
    tally.unshown += len(due - life.earlier)
    tally.shown += len(due & life.earlier)


def _said(life: Life, sessions: set[str]) -> bool:
    """Whether each has been named: a screen may be let in before its start has printed."""
    end_s = time.monotonic() + SAID_S
    while True:
        said = "".join(notes.read_text() for notes in life.notes.parent.glob("notes-*"))
        if all(f"session {one} ended unexpectedly" in said for one in sessions):
            return True
        if time.monotonic() > end_s:
            return False
        time.sleep(0.05)


def run(times: int, out: Outcome, folder: Path) -> None:
    """Kill so often, and judge."""
    rng = random.Random(1)
    os.environ["XDG_RUNTIME_DIR"] = str(folder)
    store = folder / "store"
    tally = Tally()
    due: set[tuple[str, str]] = set()
    number = 0
    while number <= times:
        life = start(store, folder, number)
        last = number == times
        if not last and rng.random() < AT_START:
            time.sleep(rng.uniform(0.0, 3.0))
        else:
            attach(life, store)
            check_next(life, store, due, tally)
            if not last:
                watch(life, rng.uniform(0.0, LIFE_S), rng.random() < 0.5)
        killed_at = time.monotonic()
        kill(life)
        due |= judge(life, killed_at, store, tally)
        number += 1
        starts = f"{tally.starts_s[-1]:.1f} s" if tally.starts_s else "--"
        lost = f"{tally.lost_s[-1]:.2f} s" if tally.lost_s else "--"
        print(f"{number}: there after {starts}, sound lost {lost}, {tally.confirmed} confirmed, "
              f"{tally.unstored} lost, {tally.unshown} not shown", flush=True)  # fmt: skip
    report(times, out, tally, store)


def report(times: int, out: Outcome, tally: Tally, store: Path) -> None:
    """Rows."""
    table = f"{times} kills of supervisor and core"
    starts, lost = sorted(tally.starts_s), sorted(tally.lost_s)
    out.add(table, "of them while starting", str(tally.in_start))
    out.add(table, "confirmed or settled events missing in the store", str(tally.unstored),
            target="0", held=tally.unstored == 0)  # fmt: skip
    out.add(table, "acknowledgements confirmed", str(tally.confirmed))
    out.add(table, "sound lost at a kill", f"median {lost[len(lost) // 2]:.2f} s, "
            f"at most {lost[-1]:.2f} s", target="≤ 1 s", held=lost[-1] <= 1.0)  # fmt: skip
    out.add(table, "starts by which a killed run was not named", str(tally.unsaid), target="0",
            held=tally.unsaid == 0)  # fmt: skip
    out.add(table, "unacknowledged alarms shown again", str(tally.shown))
    out.add(table, "unacknowledged alarms not shown again", str(tally.unshown), target="0",
            held=tally.unshown == 0)  # fmt: skip
    out.add(table, "from the start to the full state", f"median {starts[len(starts) // 2]:.1f} s, "
            f"90 % {starts[int(0.9 * len(starts))]:.1f} s, at most {starts[-1]:.1f} s",
            target="≤ 5 s", held=starts[-1] <= 5.0)  # fmt: skip
    cpu = sorted(tally.starts_cpu_s)
    out.add(table, "CPU of that", f"median {cpu[len(cpu) // 2]:.1f} s, at most {cpu[-1]:.1f} s")
    out.conditions["load of the machine at the end"] = round(os.getloadavg()[0], 1)
    [check] = sqlite3.connect(store / "apexbeat.db").execute("PRAGMA integrity_check").fetchone()
    out.add(table, "integrity of the store", check, target="ok", held=check == "ok")


def main(arguments: list[str] | None = None) -> int:
    """Run; 1 if something did not hold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=100)
    parser.add_argument("--out", type=Path, default=RESULTS)
    asked = parser.parse_args(arguments)
    given = sys.argv[1:] if arguments is None else arguments
    out = Outcome("kills", command("tests/soak/soak_kills.py", given), machine())
    with tempfile.TemporaryDirectory() as folder:
        run(asked.times, out, Path(folder))
    out.write(asked.out)
    print(out.markdown())
    return int(bool(out.missed))


if __name__ == "__main__":
    sys.exit(main())
