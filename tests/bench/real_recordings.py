"""An archive of real recordings through ``apexbeat replay --events --jobs 1``, start-up included.

    python tests/bench/real_recordings.py [--data FOLDER] [--count 300] [--rounds 3]
        [--beside OTHER_CHECKOUT ...] [--peers PYTHON] [--out FOLDER]

Each round runs every program once, one after the other, so that a busy machine slows them alike;
the figure is CPU time (user and system, of the process and its children), the ratio is to ours of
the same round. ``--beside`` names the Python of another checkout, such as the commit before.
``--peers`` names a Python with the extra ``compare``: BioSPPy's and pyPCG's peaks on these files.
"""

from __future__ import annotations

import argparse
import random
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import soundfile

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "support"))

from bench_peers import BIOSPPY, PYPCG  # noqa: E402
from outcome import RESULTS, Outcome, command, machine  # noqa: E402

SEED = 39
REPLAY = ("-m", "monitor.cli.main", "replay", "--jobs", "1", "--events")


def chosen(data: Path, count: int) -> list[Path]:
    """Recordings of cinc2016 and CirCor drawn by seed; the shipped ones where there are none."""
    found = sorted(data.glob("cinc2016/training-?/*.flac")) + sorted(data.glob("circor/*.flac"))
    if not found:
        return sorted((ROOT / "recordings").glob("*.*a[vc]"))
    return sorted(random.Random(SEED).sample(found, min(count, len(found))))


def cpu_s(words: list[str], folder: Path) -> float:
    """CPU seconds of a command."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        words, cwd=folder, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        env={"OMP_NUM_THREADS": "1", "PATH": "/usr/bin:/bin", "HOME": str(Path.home())},
    )  # fmt: skip
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def programs(
    beside: list[Path], peers: Path | None, files: list[Path]
) -> dict[str, tuple[list[str], Path]]:
    """Command and folder of each program, but for the last word of ours, a fresh folder."""
    names = [str(path) for path in files]
    found = {"apexbeat": ([sys.executable, *REPLAY, "", *names], ROOT)}
    for python in beside:
        checkout = python.absolute().parents[2]
        words = ["git", "-C", str(checkout), "rev-parse", "--short", "HEAD"]
        commit = subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip()
        found[f"apexbeat at {commit}"] = ([str(python.absolute()), *REPLAY, "", *names], checkout)
    if peers is not None:
        for name, code in (("BioSPPy, peaks", BIOSPPY), ("pyPCG, peaks of the envelope", PYPCG)):
            found[name] = ([str(peers.absolute()), "-c", code, *names], ROOT)
    return found


def main() -> None:
    """Run, print, write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--beside", type=Path, nargs="*", default=[], metavar="PYTHON")
    parser.add_argument("--peers", type=Path, metavar="PYTHON")
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    files = chosen(options.data, options.count)
    sound_s = sum(soundfile.info(path).duration for path in files)
    spent: dict[str, list[float]] = {}
    ours = programs(options.beside, options.peers, files)
    for _ in range(options.rounds):
        for name, (words, folder) in ours.items():
            with tempfile.TemporaryDirectory() as events:
                call = [word or events for word in words]
                spent.setdefault(name, []).append(cpu_s(call, folder))
    conditions = machine() | {"recordings": len(files), "rounds": options.rounds}
    out = Outcome("real", command("tests/bench/real_recordings.py", sys.argv[1:]), conditions)
    for name, times in spent.items():
        ratio = statistics.median(b / a for a, b in zip(spent["apexbeat"], times, strict=True))
        took = statistics.median(times)
        figure = f"{took:.1f} s for {sound_s / 3600:.2f} h, {sound_s / took:.0f} × real time"
        out.add("CPU time, start-up included", name, figure, ratio)
    out.write(options.out)
    print(out.markdown())


if __name__ == "__main__":
    main()
