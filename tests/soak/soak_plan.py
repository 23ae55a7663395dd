"""The plan of a long run, what is looked at, and what must hold.

Each virtual hour holds: another phantom every 10 minutes, a late device (2 s of silence, then a
burst), lost callbacks, an unplugged device, overflow flags, clipping is the phantom's own; people
acknowledge, mark and pause the sound. Memory, threads, descriptors, write-ahead log and disk are
looked at every 10 minutes.
"""

from __future__ import annotations

import gc
import os
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from outcome import Outcome
from process_tree import rss_mib
from scripted import RATE
from soak_rig import TURN_S, SoakRig

from dsp.stage import RATE_HZ
from monitor.assembly import Models
from monitor.record.store import Archive

PRESETS = ("normal", "murmur_tachycardia", "irregular", "noisy", "bradycardia", "stop")
PHASE_S = 600.0
"""Virtual seconds of one phantom, and between two looks."""
SETTLED_H = 1.0
"""Memory is compared from here on: caches fill first."""


@dataclass(frozen=True)
class Look:
    """State of the process after so many virtual hours."""

    hours: float
    rss_mib: float
    threads: int
    descriptors: int
    wal_mib: float
    disk_mib: float


def look(rig: SoakRig, begun_s: float) -> Look:
    """Look at this process and at the store's folder."""
    gc.collect()
    sizes = {path.name: path.stat().st_size / 2**20 for path in rig.store.folder.iterdir()}
    wal = sum(size for name, size in sizes.items() if name.endswith("-wal"))
    return Look(
        (rig.clock.now - begun_s) / 3600, rss_mib(os.getpid()), threading.active_count(),
        _descriptors(), wal, sum(sizes.values()),
    )  # fmt: skip


def _descriptors() -> int:
    folder = Path("/proc/self/fd")
    return len(list(folder.iterdir())) if folder.is_dir() else 0


def play(rig: SoakRig, hours: float, phase_s: float = PHASE_S) -> list[Look]:
    """Let ``hours`` pass; return what was seen."""
    begun_s = rig.clock.now
    looks: list[Look] = []
    for phase in range(max(1, round(hours * 3600 / phase_s))):
        rig.device.choose(phase)
        _phase(rig, phase, round(phase_s / TURN_S))
        _drain(rig)
        looks.append(look(rig, begun_s))
    return looks


def _phase(rig: SoakRig, phase: int, turns: int) -> None:
    third = turns // 3
    kind = phase % 6
    for turn in range(turns):
        if turn % 200 == 199:
            _drain(rig)
        if turn == third and kind == 1:
            for _ in range(4):
                rig.turn(0)
            rig.turn(round(5 * TURN_S * RATE))  # the backlog comes at once: nothing is lost
        elif turn == third and kind == 2:
            for _ in range(12):
                rig.turn(0)  # callbacks that never come: a gap
        elif turn == third and kind == 3:
            rig.device.pull()
            for _ in range(40):
                rig.turn(0)
            rig.device.present = True
        elif turn == third and kind == 4:
            rig.turn(flags=("input_overflow",))
        elif turn == 2 * third:
            rig.ask("acknowledge")
            rig.ask("mark", note=f"phase {phase}")
            rig.ask("pause_audio", seconds=30.0)
        else:
            rig.turn()


def _drain(rig: SoakRig) -> None:
    """Wait until all is on the disk: virtual time runs faster than one."""
    rig.ask("mark", note="")
    rig.confirmed()


def slope(looks: list[Look]) -> float:
    """MiB per hour of resident memory once it has settled."""
    later = [x for x in looks if x.hours >= SETTLED_H] or looks[len(looks) // 2 :]
    if len(later) < 3:
        return float("nan")
    return float(np.polyfit([x.hours for x in later], [x.rss_mib for x in later], 1)[0])


def judge(out: Outcome, rig: SoakRig, looks: list[Look]) -> None:
    """What held and what did not."""
    windows = rig.windows
    windows.end()
    hours = looks[-1].hours
    table = f"{hours:.1f} h of one live session in virtual time"
    archive = Archive(rig.store.folder)
    stored = [seq for seq, _ in archive.events("s")]
    archive.close()

    def zero(what: str, count: int) -> None:
        out.add(table, what, str(count), target="0", held=count == 0)

    out.add(table, "windows", str(windows.seen))
    zero("windows missed", windows.missed)
    zero("windows doubled", windows.doubled)
    zero("holes in the numbers of lines", rig.holes)
    zero("lines whose index went backwards", rig.backwards)
    zero("lines published and not stored, or stored twice",
         abs(sum(rig.lines.values()) - len(stored)) + len(stored) - len(set(stored)))  # fmt: skip
    zero("rows dropped by the store", rig.store.writer.dropped)
    zero("faults of the analysis", sum(rig.faults.values()))
    zero("requests refused", rig.answers.count(False))
    index = rig.session.pipeline.index / RATE_HZ
    passed = rig.clock.now - 1000.0
    out.add(table, "index against the clock at the end", f"{(index - passed) * 1e3:+.0f} ms",
            target="± 100 ms", held=abs(index - passed) <= 0.1)  # fmt: skip
    out.add(table, "lines by type",
            ", ".join(f"{k} {v}" for k, v in sorted(rig.lines.items())))  # fmt: skip
    out.add(table, "alarms raised",
            ", ".join(f"{k} {v}" for k, v in sorted(rig.alarms.items())))  # fmt: skip
    grown = slope(looks)
    out.add(table, "resident memory", f"{looks[0].rss_mib:.0f} to {looks[-1].rss_mib:.0f} MiB, "
            f"{grown:+.2f} MiB/h once settled", target="≤ 0.05 MiB/h",
            held=grown <= 0.05 if hours >= 2 * SETTLED_H else None)  # fmt: skip
    threads = [x.threads for x in looks]
    out.add(table, "threads", f"{threads[0]} to {threads[-1]}, at most {max(threads)}",
            target="no more at the end", held=threads[-1] <= threads[0])  # fmt: skip
    files = [x.descriptors for x in looks]
    out.add(table, "descriptors", f"{files[0]} to {files[-1]}", target="no more at the end",
            held=files[-1] <= files[0])  # fmt: skip
    wal = max(x.wal_mib for x in looks)
    out.add(table, "write-ahead log", f"{wal:.1f} MiB at the most", target="≤ 64 MiB",
            held=wal <= 64)  # fmt: skip
    disk = (looks[-1].disk_mib - looks[0].disk_mib) / max(hours - looks[0].hours, 1e-9)
    out.add(table, "disk", f"{looks[-1].disk_mib:.1f} MiB, {disk:.2f} MiB/h", target="≤ 10 MiB/h",
            held=disk <= 10 if hours >= 1 else None)  # fmt: skip
    out.add(table, "messages to a screen", f"{rig.told}, {rig.bytes / 2**20:.0f} MiB")


def soak(
    hours: float, folder: Path, out: Outcome, models: Models, phase_s: float = PHASE_S
) -> None:
    """Run and judge."""
    begun = time.process_time()
    rig = SoakRig(folder, models, PRESETS)
    try:
        looks = play(rig, hours, phase_s)
    finally:
        rig.close()  # fails where not everything is written
    judge(out, rig, looks)
    spent = time.process_time() - begun
    out.conditions["CPU"] = f"{spent:.0f} s, {hours * 3600 / spent:.0f} × real time"
