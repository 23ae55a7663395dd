"""One run, one table: how fast, how big, how late; every figure a ratio to the same reference.

    python tests/bench/run.py [--short] [--minutes 1 5 20 60] [--peers PYTHON] [--out FOLDER]

Asserts counts (no gap, no fault, as many windows as there are), never a time: a missed target is
a row that says so.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / name) for name in ("support", "bench")]

import numpy as np  # noqa: E402
from bench_commands import best  # noqa: E402
from bench_reference import Reference, cpu_of  # noqa: E402
from bench_stages import Spent, replay, write_phantom  # noqa: E402
from bench_streams import delay_in_sound, delay_to_disk, many_streams  # noqa: E402
from outcome import RESULTS, Outcome, command, machine  # noqa: E402

from monitor.assembly import Models, open_models  # noqa: E402
from monitor.clock import SystemClock  # noqa: E402
from monitor.config.load import Settings  # noqa: E402
from monitor.record.eventfile import read  # noqa: E402
from monitor.record.store import Store  # noqa: E402


def quantiles(values: list[float]) -> str:
    """p50 and p99 in ms."""
    if not values:
        return "none"
    p50, p99 = np.quantile(values, (0.5, 0.99))
    return f"p50 {p50:.0f} ms, p99 {p99:.0f} ms ({len(values)} beats)"


def stages(out: Outcome, ref: Reference, models: Models, folder: Path, seconds: float) -> None:
    """Replay by stage, and into a store."""
    path = write_phantom(folder / "stages.wav", seconds)
    replay(path, models, folder, stages=False)
    ref.again()
    spent = replay(path, models, folder)
    ref.again()
    # The best of a few: on a crowded machine the caches are others', and CPU seconds grow.
    whole = min((replay(path, models, folder, stages=False) for _ in range(5)), key=_total)
    events = list(read(folder / "stages.jsonl"))
    store = Store(folder / "store", SystemClock())
    chunks = [events[k : k + 8] for k in range(0, len(events), 8)]

    def record() -> None:
        for k, chunk in enumerate(chunks):
            store.events("bench", 8 * k, chunk)
        store.close(60)

    stored = cpu_of(record)
    name = f"Replay of {seconds:.0f} s of phantom by stage (CPU time, timers included)"
    for stage, took in sorted(spent.table().items(), key=lambda item: -item[1]):
        per_s = took / seconds
        out.add(
            name, stage,
            f"{per_s * 1e3:.3f} ms/s, {seconds / took:.0f} × real time, "
            f"{took / spent.total:.1%}" if took > 0 else "0",
            ref.ratio(per_s),
        )  # fmt: skip
    speed = seconds / whole.total
    out.add(
        name, "whole, to the event file, no timers, best of five", f"{speed:.0f} × real time",
        ref.ratio(whole.total / seconds),
    )  # fmt: skip
    end_to_end = seconds / (whole.total + stored)
    out.add(
        name, "whole, with the store (SQLite)", f"{end_to_end:.0f} × real time",
        ref.ratio((whole.total + stored) / seconds), "≥ 500 ×", end_to_end >= 500,
    )  # fmt: skip
    kinds = [type(event).__name__ for event in events]
    bad = kinds.count("Gap") + kinds.count("Fault")
    out.add(name, "gaps and faults", str(bad), target="0", held=bad == 0)
    unused = [k for k, calls in spent.calls.items() if not calls]
    out.add(name, "stages never called", ", ".join(unused) or "none", target="none",
            held=not unused)  # fmt: skip


def _total(spent: Spent) -> float:
    return spent.total


def lengths(
    out: Outcome, ref: Reference, models: Models, folder: Path, minutes: list[float]
) -> None:
    """Cost per hour, memory."""
    costs = []
    for length in minutes:
        path = write_phantom(folder / "length.wav", 60 * length)
        ref.again()
        spent = replay(path, models, folder, stages=False)
        path.unlink()
        cost = spent.total / length * 60
        costs.append(cost)
        out.add("Length of a recording", f"{length:g} min", f"{cost:.1f} CPU s per hour of sound",
                ref.ratio(cost))  # fmt: skip
    spread = max(costs[1:]) / min(costs[1:]) if len(costs) > 2 else max(costs) / min(costs)
    out.add("Length of a recording", "dearest hour over cheapest, the first length left out",
            f"{spread:.2f}", target="constant (≤ 1.25)", held=spread <= 1.25)  # fmt: skip


def streams(
    out: Outcome, ref: Reference, models: Models, folder: Path, counts: list[int], seconds: float
) -> None:
    """Streams in one process."""
    for count in counts:
        ref.again()
        found = many_streams(count, seconds, models, folder / f"many{count}")
        per_core = found.streams_per_core
        bad = found.lines.get("gap", 0) + found.lines.get("fault", 0)
        last = count == counts[-1]
        out.add(
            "Live streams in one process (blocks of 0.1 s, one model, one store)",
            f"{count} at once", f"{per_core:.0f} per core", ref.ratio(1 / per_core),
            "≥ 200 per core" if last else "", per_core >= 200 if last else None,
        )  # fmt: skip
        out.add(
            "Live streams in one process (blocks of 0.1 s, one model, one store)",
            f"{count} at once: gaps, faults", str(bad), target="0", held=bad == 0,
        )  # fmt: skip


def commands(out: Outcome, ref: Reference, times: int) -> None:
    """Start-up and memory."""
    table = "Commands (best of a few; wall time suffers on a crowded machine)"
    recording = str(ROOT / "recordings" / "normal.wav")
    asked: list[tuple[str, ...]] = [("--help",), ("--version",)]
    asked += [(name, "--help") for name in ("replay", "live", "log", "config", "devices")]
    for arguments in asked:
        found = best(times, *arguments)
        held = found.first_s <= 0.3 if arguments == ("--help",) else None
        out.add(table, "apexbeat " + " ".join(arguments),
                f"{found.first_s:.2f} s, CPU {found.cpu_s:.2f} s, {found.rss_mib:.0f} MiB",
                ref.ratio(found.cpu_s), "≤ 0.3 s" if held is not None else "", held)  # fmt: skip
    found = best(times, "replay", "--json", recording)
    out.add(table, "apexbeat replay normal.wav: first verdict",
            f"{found.first_s:.2f} s, CPU {found.cpu_s:.2f} s, {found.rss_mib:.0f} MiB",
            ref.ratio(found.cpu_s), "≤ 3 s", found.first_s <= 3)  # fmt: skip


def memory(out: Outcome, folder: Path, minutes: list[float]) -> None:
    """Resident memory of a replay by length."""
    sizes = []
    for length in minutes:
        path = write_phantom(folder / "memory.wav", 60 * length)
        sizes.append(best(1, "replay", "--json", str(path)).rss_mib)
        path.unlink()
        out.add("Resident memory of replay", f"{length:g} min", f"{sizes[-1]:.0f} MiB")
    grown = sizes[-1] - sizes[0]
    out.add("Resident memory of replay", "longest over shortest", f"{grown:+.0f} MiB",
            target="flat (≤ 20 MiB)", held=grown <= 20)  # fmt: skip


def delays(out: Outcome, models: Models, folder: Path, seconds: float) -> None:
    """From the last sample of a cycle to its event."""
    table = "Delay from the last sample of a cycle to its event"
    in_sound = delay_in_sound(models, max(30, seconds))
    out.add(table, "decided, in sound (does not depend on the machine)", quantiles(in_sound))
    if seconds:
        live = delay_to_disk(models, seconds, folder / "live")
        out.add(table, f"committed to the disk, live phantom of {seconds:.0f} s",
                quantiles(live.committed_ms))  # fmt: skip


def engines(out: Outcome, ref: Reference) -> None:
    """The student by engine."""
    from bench_engines import measure

    for name, found in measure().items():
        words = found if isinstance(found, str) else f"{found[0]:.0f} µs, p99 {found[1]:.0f} µs"
        ratio = None if isinstance(found, str) else ref.ratio(found[0] * 1e-6)
        out.add("Student, one window of 2.5 s (CPU time, one thread)", name, words, ratio)


def peers(out: Outcome, ref: Reference, models: Models, python: str | None, folder: Path) -> None:
    """Other tools on the same recording."""
    from bench_peers import measure

    sound = ROOT / "recordings" / "normal.wav"
    table = "Other tools, segmentation of recordings/normal.wav (CPU time)"
    spent = replay(sound, models, folder)
    ours = sum(
        took for stage, took in spent.seconds.items()
        if stage in ("decode", "resample", "filter", "spikes") or "cycles" in stage
        or "HSMM" in stage or "emission" in stage
    ) / spent.sound_s  # fmt: skip
    out.add(table, "ours: decode to beats, as a stream", f"{1 / ours:.0f} × real time",
            ref.ratio(ours))  # fmt: skip
    for name, found in measure(python, sound).items():
        words = found if isinstance(found, str) else f"{1 / found:.0f} × real time"
        out.add(table, name, words, None if isinstance(found, str) else ref.ratio(found))


def main(arguments: list[str] | None = None) -> int:
    """Run; the exit code tells whether the counts held."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--short", action="store_true", help="seconds instead of minutes")
    parser.add_argument("--minutes", type=float, nargs="+", default=[1, 5, 20, 60])
    parser.add_argument("--peers", default=None, help="a Python that has BioSPPy and pyPCG")
    parser.add_argument("--out", type=Path, default=RESULTS)
    asked = parser.parse_args(arguments)
    minutes: list[float] = asked.minutes
    given = sys.argv[1:] if arguments is None else arguments
    out = Outcome("bench", command("tests/bench/run.py", given), machine())
    ref, models = Reference(), open_models(Settings())
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        parts: list[Callable[[], None]] = [
            lambda: stages(out, ref, models, folder, 20 if asked.short else 300),
            lambda: lengths(out, ref, models, folder, [0.25, 0.5] if asked.short else minutes),
            lambda: streams(out, ref, models, folder, [2] if asked.short else [1, 20, 200], 5),
            lambda: delays(out, models, folder, 0 if asked.short else 30),
        ]
        if not asked.short:
            parts += [
                lambda: commands(out, ref, 5),
                lambda: engines(out, ref),
                lambda: peers(out, ref, models, asked.peers, folder),
                lambda: memory(out, folder, [minutes[0], minutes[-1]]),
            ]
        for part in parts:
            part()
            _tell_reference(out, ref)
            out.write(asked.out)  # a run that is broken off leaves what it has
    print(out.markdown())
    counts = ("gaps", "faults", "never called")
    return int(any(any(word in row.what for word in counts) for row in out.missed))


def _tell_reference(out: Outcome, ref: Reference) -> None:
    out.conditions["reference"] = (
        f"{ref.seconds * 1e3:.1f} ms of CPU for tests/bench/bench_reference.work "
        f"(median of {len(ref.samples)}, {min(ref.samples) * 1e3:.1f} to "
        f"{max(ref.samples) * 1e3:.1f})"
    )


if __name__ == "__main__":
    sys.exit(main())
