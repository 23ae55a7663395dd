"""Kill the core at random moments while alarms are acknowledged: nothing confirmed is lost.

    python tests/soak/soak_core_kills.py [TIMES]

After each kill: the same session goes on, every acknowledgement that was answered stands in the
store, lines are numbered without a hole, the index never goes back, the time between is a gap.
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from monitor import events as ev
from monitor.errors import InputError
from monitor.link.address import address_of
from monitor.link.client import Client, Gone
from monitor.link.messages import Hello, Reply, Snapshot
from monitor.record.store import Archive


def attach(store: Path, other_than: int) -> tuple[Client, int, str]:
    while True:
        with contextlib.suppress(InputError, Gone):
            client = Client.connect(address_of(store), "soak", waves=False)
            hello, snapshot = client.receive(5), client.receive(5)
            if isinstance(hello, Hello) and hello.pid != other_than:
                assert isinstance(snapshot, Snapshot)
                return client, hello.pid, snapshot.status.session
            client.close()
        time.sleep(0.02)


def main() -> None:
    times = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    rng = random.Random(1)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["XDG_RUNTIME_DIR"] = folder
        store = Path(folder) / "store"
        process = subprocess.Popen(
            [sys.executable, "-m", "monitor.cli.main", "live", "--phantom", "murmur_tachycardia",
             "--headless", "--store", str(store), "--set", "sound.alarms=false"]
        )  # fmt: skip
        client, pid, session = attach(store, 0)
        confirmed, waits = 0, []
        for number in range(times):
            until = time.monotonic() + rng.uniform(0.0, 12.0)
            while time.monotonic() < until:
                asked = client.request(session, "acknowledge")
                reply = client.answer(asked, max(0.01, until - time.monotonic()))
                confirmed += isinstance(reply, Reply) and reply.ok
            os.kill(pid, signal.SIGKILL)
            began = time.monotonic()
            client.close()
            client, pid, same = attach(store, pid)
            waits.append(time.monotonic() - began)
            assert same == session
            print(f"{number + 1}: back after {waits[-1]:.1f} s, {confirmed} confirmed", flush=True)
        client.request(session, "stop")
        process.wait(30)
        client.close()
        archive = Archive(store)
        lines = list(archive.events(session))
        commands = len(archive.commands(session))
        archive.close()
        assert [k for k, _ in lines] == list(range(len(lines)))
        indices = [event.index for _, event in lines]
        assert indices == sorted(indices)
        gaps = [e for _, e in lines if isinstance(e, ev.Gap) and "restarted" in e.reason]
        assert len(gaps) == times, f"{len(gaps)} gaps of {times} restarts"
        assert commands >= confirmed, f"{commands} of {confirmed} acknowledgements"
        check = sqlite3.connect(store / "apexbeat.db").execute("PRAGMA integrity_check").fetchone()
        assert check == ("ok",)
        waits.sort()
        print(
            f"{times} kills: {confirmed} acknowledgements confirmed, {commands} in the store; "
            f"back after median {waits[len(waits) // 2]:.1f} s, at most {waits[-1]:.1f} s"
        )


if __name__ == "__main__":
    main()
