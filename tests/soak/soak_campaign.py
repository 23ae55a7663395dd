"""A whole monitor under random faults, two to four at a time, judged by one oracle.

    python tests/soak/soak_campaign.py [--runs 20] [--first 1] [--jobs 1] [--out FILE]

Each run is a monitor of its own (a fast heart, as a phantom or through a virtual microphone; the
store on a disk of its own and a wall clock that can be set, where the machine allows) for about
half a minute of real time; a seed draws which faults come, and when. Afterwards:

- analysis goes on, and the alarm that is due is raised;
- the record says by what it was heard, or that nothing could be heard;
- every mark that was confirmed stands in the record, line numbers have no hole, and indices and
  times never go back;
- the time that passed is the sound that was analysed and the sound that was booked as lost;
- it ends when it is asked to, and nothing of it runs any more.

The figures are stored with the seeds; seeds that failed are named.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import itertools
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
import wave
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / name) for name in ("support", "soak")]

from campaign_faults import ALL, Run, draw  # noqa: E402
from outcome import RESULTS, machine  # noqa: E402
from virtual_microphone import VirtualMicrophone, missing  # noqa: E402
from wall_clock import WallClock, cannot_set  # noqa: E402
from whole_monitor import Mounted, cannot_mount, monitor, of_store  # noqa: E402

from dsp.phantom import PRESETS, PhantomStream  # noqa: E402
from monitor import events as ev  # noqa: E402
from monitor.record.schema import FILE  # noqa: E402
from monitor.record.store import Archive  # noqa: E402

SLACK_S = 4.0
"""How far the index may be from the time that passed: what is on its way, twice."""
BY_MICROPHONE = 0.25
"""Share of the runs that hear through a virtual microphone."""


def one_run(seed: int) -> tuple[list[str], list[str]]:
    """The faults of a seed, and what was violated."""
    chance = random.Random(seed)
    can = _possible()
    microphone = can["microphone"] and chance.random() < BY_MICROPHONE
    # Waits in the sound library follow the kernel's wall clock, which is not set.
    clock = can["clock"] and not microphone
    drawn = draw(chance, disk=can["disk"], clock=clock, microphone=microphone)
    with contextlib.ExitStack() as stack:
        name = tempfile.TemporaryDirectory(prefix="campaign", ignore_cleanup_errors=True)
        folder = Path(stack.enter_context(name))
        disk = Mounted(folder / "disk", 64, "ext4") if can["disk"] else None
        if disk is not None:
            stack.callback(disk.close)
        store = (folder if disk is None else disk.folder) / "store"
        try:
            return drawn, _judged(drawn, chance, folder, store, disk, microphone, clock)
        except (AssertionError, OSError, subprocess.SubprocessError) as error:
            return drawn, [f"{type(error).__name__}: {error}"[:400], *_left(store), *_log(store)]


@functools.cache
def _possible() -> dict[str, bool]:
    return {
        "disk": not cannot_mount("ext4"),
        "clock": not cannot_set(),
        "microphone": not missing(),
    }


def _judged(
    drawn: list[str],
    chance: random.Random,
    folder: Path,
    store: Path,
    disk: Mounted | None,
    microphone: bool,
    settable: bool,
) -> list[str]:
    wrong: list[str] = []
    with contextlib.ExitStack() as stack:
        clock = WallClock(folder) if settable else None
        environment = {} if clock is None else dict(clock.environment)
        options: tuple[str, ...] = ()
        heard = None
        sound = folder / "heart.wav"
        if microphone:
            heard = stack.enter_context(VirtualMicrophone(folder / "pulse"))
            environment |= {k: v for k, v in heard.env.items() if os.environ.get(k) != v}
            options = ("--device", "vmic")
            _write_sound(sound)
            heard.play(sound)
        one = stack.enter_context(monitor(folder, *options, store=store, environment=environment))
        run = Run(one, chance, disk, clock, heard, sound)
        began = _position(run)
        for fault in drawn:
            run.mark()
            run.a_while(0.0, 2.0)
            ALL[fault](run)
            if not run.read_only:
                run.reach()
        if run.read_only:
            with _core_may_be_missing(run):
                run.due(lambda m: m.has_alarm("cannot_record"), "it says that it cannot record")
                wrong += _of_hearing(run, began)
        else:
            run.mark()
            wrong += _of_hearing(run, began)
        if not (run.lost_store or run.read_only):
            run.due(lambda m: bool(_sounded(store)), "the record of what was heard")
        if one.process.poll() is not None:
            wrong.append("the supervisor died")
        if (code := one.end()) != 0:
            wrong.append(f"it ended with {code}")
        wrong += _of_record(run, folder)
    return wrong + _left(store)


def _of_hearing(run: Run, began: tuple[str, int, float]) -> list[str]:
    run.due(lambda m: m.has_alarm("tachycardia"), "the alarm that is due")
    return _of_time(began, _position(run))


@contextlib.contextmanager
def _core_may_be_missing(run: Run) -> Iterator[None]:
    """No core can begin on a disk that is read-only: then the supervisor sounds and tries again."""
    try:
        yield
    except AssertionError:
        if run.one.process.poll() is not None or "core.lock" in _open_files(run.one.store):
            raise


def _open_files(store: Path) -> set[str]:
    """Names of the store's files that a core of it has open."""
    names: set[str] = set()
    for pid in of_store(store):
        with contextlib.suppress(OSError):
            if "monitor.live.core" in Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8"):
                names |= {Path(os.readlink(h)).name for h in Path(f"/proc/{pid}/fd").iterdir()}
    return names


def _left(store: Path) -> list[str]:
    left = of_store(store)
    return [f"processes are left: {left}"] if left else []


def _log(store: Path) -> list[str]:
    """The last lines of the log, for whoever looks for the cause."""
    with contextlib.suppress(OSError):
        return (store / "core.log").read_text(encoding="utf-8", errors="replace").splitlines()[-6:]
    return []


def _write_sound(path: Path) -> None:
    sound = PhantomStream(PRESETS["fast"], 4000).read(4000 * 300)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(4000)
        file.writeframes((sound * 32767).clip(-32768, 32767).astype("<i2").tobytes())


def _position(run: Run) -> tuple[str, int, float]:
    """Session, index and time of a status that has just come."""
    run.reach()
    assert run.one.status is not None
    return run.one.session, run.one.status.index, time.monotonic()


def _of_time(began: tuple[str, int, float], now: tuple[str, int, float]) -> list[str]:
    if began[0] != now[0]:  # the store was taken away with the session, which began anew
        return []
    off = (now[1] - began[1]) / ev.RATE_HZ - (now[2] - began[2])
    return [] if abs(off) <= SLACK_S else [f"{off:+.1f} s between the time and its sound"]


def _sounded(store: Path) -> list[str]:
    """By what each alarm was heard, from the record."""
    archive = Archive(store)
    rows = [row for session in archive.sessions() for row in archive.commands(session.id)]
    archive.close()
    bodies = [json.loads(row.body) for row in rows if row.kind == "sounded"]
    return [str(body["by"]) for body in bodies if body["priority"]]


def _of_record(run: Run, folder: Path) -> list[str]:
    """What is wrong in the store, from a copy (a disk that is read-only cannot be opened)."""
    copy = folder / "copy"
    copy.mkdir()
    for path in run.one.store.glob(FILE + "*"):
        shutil.copy(path, copy)
    wrong = []
    archive = Archive(copy)
    notes: set[str] = set()
    for row in archive.sessions():
        lines = list(archive.events(row.id))
        seqs, indices = [seq for seq, _ in lines], [line.index for _, line in lines]
        if seqs != list(range(seqs[0], seqs[0] + len(seqs)) if seqs else []):
            wrong.append("lines are missing")
        if indices != sorted(indices):
            wrong.append("indices go back")
        gaps = [line for _, line in lines if isinstance(line, ev.Gap)]
        if any(b.start < a.start + a.length for a, b in itertools.pairwise(gaps)):
            wrong.append("lost sound is booked twice")
        notes |= {line.note for _, line in lines if isinstance(line, ev.Mark)}
        # what a person asked for is confirmed before it is a line; a core that goes on does it
        marks = [one for one in archive.commands(row.id) if one.kind == "mark"]
        notes |= {json.loads(one.body)["note"] for one in marks}
    archive.close()
    gone = [note for note in run.confirmed if note not in notes]
    if gone and not run.lost_store:
        wrong.append(f"confirmed marks are missing: {gone}")
    return wrong


def main() -> int:
    """Run; 1 if something was violated."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=1, help="runs side by side")
    parser.add_argument("--out", type=Path, default=RESULTS / "campaign.json")
    asked = parser.parse_args()
    can = _possible()
    print(f"can be made here: {can}", flush=True)
    counts: Counter[str] = Counter()
    failed: dict[str, object] = {}
    began, done = time.monotonic(), 0
    seeds = range(asked.first, asked.first + asked.runs)
    with ProcessPoolExecutor(asked.jobs, get_context("spawn")) as pool:
        for seed, (drawn, wrong) in zip(seeds, pool.map(one_run, seeds), strict=True):
            done += 1
            counts.update(drawn)
            if wrong:
                failed[str(seed)] = {"faults": drawn, "violations": wrong}
            print(seed, ", ".join(drawn), wrong or "ok", flush=True)
            faults = sum(counts.values())
            result = {
                "command": f"python tests/soak/soak_campaign.py --runs {asked.runs} "
                f"--first {asked.first} --jobs {asked.jobs}",
                "machine": machine(),
                "possible": can,
                "runs": done,
                "faults": faults,
                "by_fault": dict(sorted(counts.items())),
                "violations_per_1000_faults": round(1000 * len(failed) / faults, 1),
                "failed_seeds": failed,
                "minutes": round((time.monotonic() - began) / 60, 1),
                "load_average": os.getloadavg()[0],
            }
            asked.out.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
