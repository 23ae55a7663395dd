"""The library beside the command: ``apexbeat.analyze`` and ``apexbeat replay`` of the same files.

    python tests/bench/library.py [--data FOLDER] [--count 100] [--rounds 5] [--out FOLDER]

Each round runs every program once, one after the other, so that a busy machine slows them alike;
the figure is CPU time (user and system, start-up included), the ratio is to ``replay`` of the same
round. Then what an import and a help cost, and how large the wheel is.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable
from pathlib import Path

import soundfile

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / name) for name in ("support", "bench")]

from bench_commands import best  # noqa: E402
from outcome import RESULTS, Outcome, command, machine  # noqa: E402
from real_recordings import chosen, cpu_s  # noqa: E402

REPLAY = "apexbeat replay --json --jobs 1"
EACH = "import sys, apexbeat\nfor path in sys.argv[1:]:\n    "
LIBRARY = {
    "apexbeat.analyze": "apexbeat.analyze(path)",
    "apexbeat.analyze, without the sound": "apexbeat.analyze(path, keep_sound=False)",
    "apexbeat.analyze, and every table": (
        "r = apexbeat.analyze(path); r.beats, r.rr, r.vitals, r.quality, r.heart, r.windows, "
        "r.alarms, r.to_json()"
    ),
}
MOST = 1.10
IMPORTED = """
import sys, time
begun = time.process_time()
import {package}
print(time.process_time() - begun, "torch" in sys.modules)
"""
START_S = 0.15


def speed(out: Outcome, files: list[Path], rounds: int) -> None:
    """CPU time of the library beside that of the command."""
    sound_s = sum(soundfile.info(path).duration for path in files)
    names = [str(path) for path in files]
    calls = {REPLAY: ["-m", "monitor.cli.main", "replay", "--json", "--jobs", "1", *names]}
    calls |= {name: ["-c", EACH + body, *names] for name, body in LIBRARY.items()}
    spent: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds):
        for name, words in calls.items():
            spent[name].append(cpu_s([sys.executable, *words], ROOT))
    for name, times in spent.items():
        ratio = statistics.median(b / a for a, b in zip(spent[REPLAY], times, strict=True))
        took = statistics.median(times)
        words = f"{took:.2f} s for {sound_s / 60:.0f} min, {sound_s / took:.0f} × real time"
        held = ratio <= MOST if name == "apexbeat.analyze" else None
        out.add(
            f"{len(files)} recordings, CPU time, start-up included (ratio: to replay)", name,
            f"{words}, {ratio:.3f} of replay", ratio,
            f"≤ {MOST:.2f} of replay" if held is not None else "", held,
        )  # fmt: skip


def imports(out: Outcome, times: int) -> None:
    """The quickest of a few imports, and of the help."""
    table = "Start-up (CPU time, quickest of a few)"
    for package in ("apexbeat", "monitor", "models"):
        code = [sys.executable, "-c", IMPORTED.format(package=package)]
        done = [
            subprocess.run(code, cwd=ROOT, check=True, capture_output=True, text=True)
            for _ in range(times)
        ]
        took = min(float(one.stdout.split()[0]) for one in done)
        torch = any(one.stdout.split()[1] == "True" for one in done)
        limit = f"≤ {START_S} s, " if package == "apexbeat" else ""
        out.add(table, f"import {package}", f"{took:.3f} s, torch {'' if torch else 'not '}loaded",
                target=f"{limit}no torch",
                held=not torch and (not limit or took <= START_S))  # fmt: skip
    found = best(times, "--help")
    words = f"{found.cpu_s:.2f} s ({found.first_s:.2f} s by the clock)"
    out.add(table, "apexbeat --help", words, target=f"≤ {START_S} s",
            held=found.cpu_s <= START_S)  # fmt: skip


def wheel(out: Outcome, folder: Path) -> None:
    """Size of the wheel, and of what in it is large."""
    words = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation",
             "--wheel-dir", str(folder), str(ROOT)]  # fmt: skip
    subprocess.run(words, check=True)
    path = next(folder.glob("*.whl"))
    parts = zipfile.ZipFile(path).infolist()

    def packed(kind: Iterable[zipfile.ZipInfo]) -> str:
        return f"{sum(one.compress_size for one in kind) / 1024:.0f} kB"

    table = "Wheel"
    unpacked = sum(one.file_size for one in parts) / 1024
    size = f"{path.stat().st_size / 1024:.0f} kB, {unpacked:.0f} kB unpacked, {len(parts)} files"
    out.add(table, "whole", size)
    models = [one for one in parts if one.filename.startswith("models/shipped/")]
    code = [one for one in parts if one.filename.endswith(".py")]
    out.add(table, "shipped models and their cards", packed(models))
    out.add(table, "Python", packed(code))


def main() -> int:
    """Run, print, write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    conditions = machine() | {"recordings": options.count, "rounds": options.rounds}
    out = Outcome("library", command("tests/bench/library.py", sys.argv[1:]), conditions)
    speed(out, chosen(options.data, options.count), options.rounds)
    imports(out, 4 * options.rounds)
    with tempfile.TemporaryDirectory() as folder:
        wheel(out, Path(folder))
    out.write(options.out)
    print(out.markdown())
    return int(bool(out.missed))


if __name__ == "__main__":
    sys.exit(main())
