"""A whole monitor under random faults, two to four at a time, judged by one oracle.

    python tests/soak/soak_campaign.py [--runs 20] [--first 1] [--out FILE]

Each run is a monitor of its own (a phantom with a fast heart) for about half a minute of real time;
a seed draws which faults come, and when. Afterwards: analysis goes on; the alarm that is due is
raised; every mark that was confirmed stands in the record; line numbers have no hole and indices
never go back; nothing of it runs any more. The figures are stored with the seeds.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / "support")]

from whole_monitor import Monitor, monitor, of_store  # noqa: E402

from monitor import events as ev  # noqa: E402
from monitor.link.client import Client, Gone  # noqa: E402
from monitor.link.requests import AddMark  # noqa: E402
from monitor.record.schema import FILE  # noqa: E402
from monitor.record.store import Archive  # noqa: E402

RESULT = ROOT / "docs" / "results" / "campaign.json"


LATE = 3
"""Cores that may still end of what was done to them, once all faults are over."""


class Run:
    """One monitor, and what was confirmed to its user."""

    def __init__(self, one: Monitor, chance: random.Random) -> None:
        self.one, self.chance = one, chance
        self.confirmed: list[str] = []
        self.lost_store = False

    def reach(self) -> None:
        """Attach anew, whatever core there is now."""
        self.one.attach(orphan=True).analyses()

    def mark(self) -> None:
        """Mark a moment; remember it if it was confirmed."""
        note = f"mark {len(self.confirmed)} {self.chance.random():.6f}"
        try:
            if self.one.answer(self.one.ask("mark", note=note)).ok:
                self.confirmed.append(note)
        except Gone:  # a core that had hung was killed only now: nothing was confirmed
            self.reach()

    def hear(self, kind: str) -> None:
        """Wait for an alarm that is due, over cores that are killed late."""
        for _ in range(LATE):
            try:
                self.one.until(lambda m: m.has_alarm(kind), f"the alarm {kind}, which is due")
                return
            except Gone:
                self.reach()
        raise AssertionError(f"{LATE} cores ended before the alarm that is due")


def _kill(run: Run) -> None:
    os.kill(run.one.pid, signal.SIGKILL)


def _terminate(run: Run) -> None:
    os.kill(run.one.pid, signal.SIGTERM)


def _hang(run: Run) -> None:
    os.kill(run.one.pid, signal.SIGSTOP)


def _hang_shortly(run: Run) -> None:
    os.kill(run.one.pid, signal.SIGSTOP)
    time.sleep(run.chance.uniform(0.5, 3.0))
    with contextlib.suppress(ProcessLookupError):
        os.kill(run.one.pid, signal.SIGCONT)


def _stop_supervisor(run: Run) -> None:
    run.one.process.send_signal(signal.SIGSTOP)
    time.sleep(run.chance.uniform(0.5, 4.0))
    run.one.process.send_signal(signal.SIGCONT)


def _remove_socket(run: Run) -> None:
    shutil.rmtree(run.one.runtime / "apexbeat", ignore_errors=True)


def _remove_locks(run: Run) -> None:
    for name in ("core.lock", "supervisor.lock", "core.address"):
        (run.one.store / name).unlink(missing_ok=True)


def _remove_store(run: Run) -> None:
    run.lost_store = True
    for path in run.one.store.glob(FILE + "*"):
        path.unlink(missing_ok=True)


def _second_start(run: Run) -> None:
    second = Monitor(run.one.store, run.one.runtime)
    _, errors = second.process.communicate(timeout=120)
    if second.process.returncode != 6 or "Traceback" in errors:
        raise AssertionError(f"a second start ended with {second.process.returncode}: {errors}")


def _flood(run: Run) -> None:
    with contextlib.suppress(Gone), Client.connect(run.one.address, "flood", waves=False) as peer:
        for number in range(5000):
            peer.send_now(AddMark(id=number, session=run.one.session, note="flood"))


def _descriptors(run: Run) -> None:
    import resource

    pid = run.one.process.pid
    soft, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (3, hard))
    os.kill(run.one.pid, signal.SIGKILL)
    time.sleep(run.chance.uniform(1.0, 4.0))
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (soft, hard))


FAULTS: dict[str, Callable[[Run], None]] = {
    "core killed": _kill,
    "core terminated": _terminate,
    "core hung": _hang,
    "core hung shortly": _hang_shortly,
    "supervisor stopped shortly": _stop_supervisor,
    "socket removed": _remove_socket,
    "locks removed": _remove_locks,
    "store removed": _remove_store,
    "second start": _second_start,
    "flood": _flood,
    "no descriptors": _descriptors,
}


def one_run(seed: int) -> tuple[list[str], list[str]]:
    """The faults of a seed, and what was violated."""
    chance = random.Random(seed)
    drawn = chance.sample(sorted(FAULTS), chance.randint(2, 4))
    wrong: list[str] = []
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        store = Path(folder) / "store"
        try:
            with monitor(Path(folder)) as one:
                run = Run(one, chance)
                for fault in drawn:
                    run.mark()
                    time.sleep(chance.uniform(0.0, 2.0))
                    FAULTS[fault](run)
                    run.reach()
                run.mark()
                run.hear("tachycardia")
                if one.process.poll() is not None:
                    wrong.append("the supervisor died")
                if (code := one.end()) != 0:
                    wrong.append(f"it ended with {code}")
            wrong += _of_record(run)
        except (AssertionError, OSError, subprocess.SubprocessError) as error:
            wrong.append(f"{type(error).__name__}: {error}"[:300])
        if left := of_store(store):
            wrong.append(f"processes are left: {left}")
    return drawn, wrong


def _of_record(run: Run) -> list[str]:
    wrong = []
    archive = Archive(run.one.store)
    lines = [one for row in archive.sessions() for one in archive.events(row.id)]
    archive.close()
    seqs, indices = [seq for seq, _ in lines], [line.index for _, line in lines]
    if seqs != list(range(seqs[0], seqs[0] + len(seqs))):
        wrong.append("lines are missing")
    if indices != sorted(indices):
        wrong.append("indices go back")
    notes = {line.note for _, line in lines if isinstance(line, ev.Mark)}
    missing = [note for note in run.confirmed if note not in notes]
    if missing and not run.lost_store:
        wrong.append(f"confirmed marks are missing: {missing}")
    return wrong


def main() -> int:
    """Run; 1 if something was violated."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--out", type=Path, default=RESULT)
    asked = parser.parse_args()
    counts: Counter[str] = Counter()
    failed: dict[str, object] = {}
    for seed in range(asked.first, asked.first + asked.runs):
        drawn, wrong = one_run(seed)
        counts.update(drawn)
        if wrong:
            failed[str(seed)] = {"faults": drawn, "violations": wrong}
        print(seed, ", ".join(drawn), wrong or "ok", flush=True)
        faults = sum(counts.values())
        result = {
            "command": f"python tests/soak/soak_campaign.py --first {asked.first}",
            "runs": seed - asked.first + 1,
            "faults": faults,
            "by_fault": dict(sorted(counts.items())),
            "violations_per_1000_faults": round(1000 * len(failed) / faults, 1),
            "failed_seeds": failed,
            "load_average": os.getloadavg()[0],
        }
        asked.out.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
