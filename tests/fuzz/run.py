"""Damaged input of every kind, in forked children: no crash, no hang, no hunger, one line each.

    python tests/fuzz/run.py [--count 20000] [--seed 0] [--only audio …] [--out FOLDER]

``count`` damaged audio files, and as many that are cut short; a quarter as many settings, event
files, link messages and model files; as many chunkings, at most 1 000. What fails is kept in
tests/fuzz/corpus, and tried again first, and by the default tests.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / name) for name in ("support", "fuzz")]

import fuzz_kinds  # noqa: E402
from fuzz_forks import EXTRA_MIB, SECONDS, Case, Found, run  # noqa: E402
from fuzz_kinds import Kind  # noqa: E402
from outcome import RESULTS, Outcome, command, machine  # noqa: E402

CORPUS = ROOT / "tests" / "fuzz" / "corpus"
KINDS: dict[str, Callable[[], Kind]] = {
    "audio": fuzz_kinds.audio,
    "cut": fuzz_kinds.cut,
    "settings": fuzz_kinds.settings,
    "events": lambda: fuzz_kinds.events(ROOT),
    "link": fuzz_kinds.link,
    "models": fuzz_kinds.models,
}
"""In this order: torch is loaded by the last one only."""


def kept(kind: str) -> list[Case]:
    """Files that once failed."""
    folder = CORPUS / kind
    return (
        [Case(p.name, p.read_bytes()) for p in sorted(folder.iterdir())] if folder.is_dir() else []
    )


def keep(kind: str, case: Case) -> Path:
    """Keep a file that failed."""
    folder = CORPUS / kind
    folder.mkdir(parents=True, exist_ok=True)
    name = hashlib.sha256(case.content).hexdigest()[:12]
    path = folder / f"{name}{Path(case.name).suffix}"
    path.write_bytes(case.content)
    return path


def fuzz(kind: str, count: int, seed: int, folder: Path) -> Found:
    """Try what failed before, the seeds themselves, and ``count`` mutations."""
    made = KINDS[kind]()
    seeds = [Case(name, content) for name, content in sorted(made.seeds.items())]
    return run(kept(kind) + seeds + made.cases(count, seed), made.judge, folder)


def hostile(out: Outcome, folder: Path) -> None:
    """Models that would run code."""
    from fuzz_hostile import archives

    from models import shipped
    from models.contract import ModelRefused
    from models.engine_torchscript import open_model

    table = "Hostile models under the pinned hash"
    mark = folder / "mark"
    for name, content in archives(mark).items():
        path = folder / name
        path.write_bytes(content)
        try:
            open_model(path, shipped.pins()[shipped.STUDENT])
            words = "opened"
        except ModelRefused as refused:
            words = f"refused: {str(refused).replace(str(path), name)}"[:110]
        good = words.startswith("refused") and not mark.exists()
        words = words.replace("|", "/")
        out.add(table, name, words, target="refused before any code runs", held=good)


def trusted_by_mistake(out: Outcome, folder: Path) -> None:
    """The same archives with their own hash: a user has trusted a wrong file."""
    from fuzz_hostile import archives

    mark = folder / "mark"
    cases = [Case(name, content) for name, content in archives(mark).items()]
    found = run(cases, fuzz_kinds.models().judge, folder)
    held = not found.bad and not mark.exists() and not found.outcomes["fine"]
    out.add("Hostile models under their own hash", ", ".join(case.name for case in cases),
            f"{found.outcomes['refused']} of {len(cases)} refused"
            + "".join(f"; {case.name}: {words}" for case, words in found.bad),
            target="refused, no code run, under the limits", held=held)  # fmt: skip


def chunks(out: Outcome, count: int) -> None:
    """Random chunkings."""
    from fuzz_chunks import differing

    from monitor.assembly import open_models
    from monitor.config.load import Settings

    wrong = differing(count, open_models(Settings()))
    out.add("Random chunkings", "results that differ from those of one block",
            f"{len(wrong)} of {count}" + (f": {wrong[0]}" if wrong else ""), target="0",
            held=not wrong)  # fmt: skip


def main(arguments: list[str] | None = None) -> int:
    """Run; 1 if something did not hold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=20_000, help="audio files")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="+", choices=list(KINDS), help="these kinds, no more")
    parser.add_argument("--out", type=Path, default=RESULTS)
    asked = parser.parse_args(arguments)
    given = sys.argv[1:] if arguments is None else arguments
    out = Outcome("fuzz", command("tests/fuzz/run.py", given), machine())
    out.conditions["limits"] = f"{SECONDS} s and {EXTRA_MIB} MiB more than at the fork, each"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for kind in asked.only or KINDS:
            count = asked.count if kind in ("audio", "cut") else max(1, asked.count // 4)
            found = fuzz(kind, count, asked.seed, folder)
            for case, words in found.bad:
                print(f"{kind}: {keep(kind, case).relative_to(ROOT)}: {words}", flush=True)
            total = sum(found.outcomes.values())
            tally = ", ".join(f"{k} {v}" for k, v in sorted(found.outcomes.items()))
            out.add("Damaged input", kind,
                    f"{len(found.bad)} bad of {total} ({tally}), {found.seconds:.0f} s, "
                    f"{found.largest_mib:.0f} MiB more at the most",
                    target="no crash, hang or hunger; one line", held=not found.bad)  # fmt: skip
        if not asked.only:
            hostile(out, folder)
            trusted_by_mistake(out, folder)
            chunks(out, min(1000, asked.count))
    out.write(asked.out)
    print(out.markdown())
    return int(bool(out.missed))


if __name__ == "__main__":
    sys.exit(main())
