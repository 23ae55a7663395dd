"""The faults of the campaign: each is done to a monitor that runs, and undone where it can be."""

from __future__ import annotations

import contextlib
import os
import random
import resource
import shutil
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from process_limits import address_space, limited
from process_tree import children
from virtual_microphone import VirtualMicrophone
from wall_clock import WallClock
from whole_monitor import Monitor, Mounted

from monitor.link.client import Client, Gone
from monitor.link.requests import AddMark
from monitor.record.schema import FILE

LATE = 3
"""Cores that may still end of what was done to them, once all faults are over."""
DAY_S = 86_400
STEPS_S = (3600, -3600, 3 * 3600, -3 * 3600, 90 * DAY_S, -90 * DAY_S)


@dataclass
class Run:
    """One monitor with what surrounds it, and what was confirmed to its user."""

    one: Monitor
    chance: random.Random
    disk: Mounted | None
    clock: WallClock | None
    microphone: VirtualMicrophone | None
    sound: Path
    confirmed: list[str] = field(default_factory=list)
    lost_store: bool = False
    read_only: bool = False
    seen: tuple[str, int, float] | None = None
    """The session, its index and the time (monotonic) when it was first seen."""

    def reach(self) -> None:
        """Attach anew, whatever core there is now, until one analyses."""
        for _ in range(LATE):
            with contextlib.suppress(Gone):  # what was done to it ends it only now
                self.one.attach(orphan=True).analyses()
                return
        raise AssertionError(f"{LATE} cores ended before one analysed")

    def mark(self) -> None:
        """Mark a moment; remember it if it was confirmed."""
        note = f"mark {len(self.confirmed)} {self.chance.random():.6f}"
        try:
            if self.one.answer(self.one.ask("mark", note=note)).ok:
                self.confirmed.append(note)
        except Gone:  # a core that had hung was killed only now: nothing was confirmed
            self.reach()

    def due(self, what: Callable[[Monitor], bool], why: str) -> None:
        """Wait for what is due, over cores that are killed late."""
        for _ in range(LATE):
            try:
                self.one.until(what, why)
                return
            except Gone:
                self.reach()
        raise AssertionError(f"{LATE} cores ended before {why}")

    def a_while(self, least_s: float = 1.0, most_s: float = 4.0) -> None:
        """Let the fault last."""
        time.sleep(self.chance.uniform(least_s, most_s))


def kill(run: Run) -> None:
    os.kill(run.one.pid, signal.SIGKILL)


def terminate(run: Run) -> None:
    core = run.one.pid
    os.kill(core, signal.SIGTERM)
    run.one.attach(other_than=core, orphan=True)  # it takes a moment to end in order


def hang(run: Run) -> None:
    os.kill(run.one.pid, signal.SIGSTOP)


def hang_shortly(run: Run) -> None:
    os.kill(run.one.pid, signal.SIGSTOP)
    run.a_while(0.5, 3.0)
    with contextlib.suppress(ProcessLookupError):
        os.kill(run.one.pid, signal.SIGCONT)


def stop_supervisor(run: Run) -> None:
    run.one.process.send_signal(signal.SIGSTOP)
    run.a_while(0.5, 4.0)
    run.one.process.send_signal(signal.SIGCONT)


def remove_socket(run: Run) -> None:
    shutil.rmtree(run.one.runtime / "apexbeat", ignore_errors=True)


def remove_locks(run: Run) -> None:
    for name in ("core.lock", "supervisor.lock", "core.address"):
        (run.one.store / name).unlink(missing_ok=True)


def remove_store(run: Run) -> None:
    run.lost_store = True
    for path in run.one.store.glob(FILE + "*"):
        path.unlink(missing_ok=True)


def second_start(run: Run) -> None:
    second = Monitor(run.one.store, run.one.runtime)
    _, errors = second.process.communicate(timeout=120)
    if second.process.returncode != 6 or "Traceback" in errors:
        raise AssertionError(f"a second start ended with {second.process.returncode}: {errors}")


def flood(run: Run) -> None:
    with contextlib.suppress(Gone), Client.connect(run.one.address, "flood", waves=False) as peer:
        for number in range(5000):
            peer.send_now(AddMark(id=number, session=run.one.session, note="flood"))


def no_descriptors(run: Run) -> None:
    with limited(run.one.process.pid, resource.RLIMIT_NOFILE, 3):
        os.kill(run.one.pid, signal.SIGKILL)
        run.a_while()


def no_memory(run: Run) -> None:
    """The supervisor gets none while it starts the next core, nor does that core."""
    pid = run.one.process.pid
    before = resource.prlimit(pid, resource.RLIMIT_AS)
    with limited(pid, resource.RLIMIT_AS, address_space(pid)):
        os.kill(run.one.pid, signal.SIGKILL)
        run.a_while()
    for core in children(pid):  # one that was begun with the limit keeps it
        with contextlib.suppress(ProcessLookupError):
            resource.prlimit(core, resource.RLIMIT_AS, before)


def core_without_memory(run: Run) -> None:
    with (
        contextlib.suppress(ProcessLookupError, FileNotFoundError),
        limited(run.one.pid, resource.RLIMIT_AS, address_space(run.one.pid)),
    ):
        run.a_while()


def set_clock(run: Run) -> None:
    assert run.clock is not None
    run.clock.set(run.chance.choice(STEPS_S))


def lose_device(run: Run) -> None:
    assert run.microphone is not None
    run.microphone.unload()
    run.a_while()
    run.microphone.load()
    run.microphone.play(run.sound)


def fill_disk(run: Run) -> None:
    assert run.disk is not None
    filler = run.disk.folder / "filler"
    with filler.open("wb") as file, contextlib.suppress(OSError):
        while True:
            file.write(b"x" * 65536)
            file.flush()
    run.a_while()
    filler.unlink()


def freeze_disk(run: Run) -> None:
    assert run.disk is not None
    run.disk.freeze()
    try:
        run.a_while()
    finally:
        run.disk.thaw()


def make_read_only(run: Run) -> None:
    assert run.disk is not None
    run.disk.make_read_only()
    run.read_only = True


FAULTS: dict[str, Callable[[Run], None]] = {
    "core killed": kill,
    "core terminated": terminate,
    "core hung": hang,
    "core hung shortly": hang_shortly,
    "supervisor stopped shortly": stop_supervisor,
    "socket removed": remove_socket,
    "locks removed": remove_locks,
    "store removed": remove_store,
    "second start": second_start,
    "flood": flood,
    "no descriptors": no_descriptors,
    "no memory at a start": no_memory,
    "no memory in the core": core_without_memory,
}
OF_DISK: dict[str, Callable[[Run], None]] = {
    "disk full": fill_disk,
    "disk hung": freeze_disk,
}
LAST = "disk read-only"
"""It is not undone: no fault comes after it."""
OF_CLOCK: dict[str, Callable[[Run], None]] = {"clock set": set_clock}
OF_DEVICE: dict[str, Callable[[Run], None]] = {"device lost": lose_device}
ALL = FAULTS | OF_DISK | OF_CLOCK | OF_DEVICE | {LAST: make_read_only}


def draw(chance: random.Random, *, disk: bool, clock: bool, microphone: bool) -> list[str]:
    """Two to four faults, in order, of those that can be made here."""
    can = sorted(
        FAULTS
        | (OF_DISK | {LAST: make_read_only} if disk else {})
        | (OF_CLOCK if clock else {})
        | (OF_DEVICE if microphone else {})
    )
    drawn = chance.sample(can, chance.randint(2, 4))
    return sorted(drawn, key=lambda name: name == LAST)
