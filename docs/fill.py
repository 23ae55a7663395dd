"""Fills the marked blocks of README.md and docs/*.md; nothing between the marks is typed by hand.

    python docs/fill.py            fill all
    python docs/fill.py --check    say which are out of date (exit code 1), write nothing
    python docs/fill.py --quick    leave out the blocks that run ``apexbeat replay``

A block stands between ``<!-- NAME:begin (COMMAND) -->`` and ``<!-- NAME:end -->``. Tables come
from the code (settings, event file, alarms, exit codes) and figures from docs/results/*.json.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from filling import from_code, from_models, from_runs, headline
from filling.common import ROOT

BLOCK = re.compile(r"(<!-- (\w[\w-]*):begin[^>]*-->\n)(.*?)(<!-- \2:end -->)", re.DOTALL)
SLOW = frozenset({"demo", "first-heart"})

MAKERS: dict[str, Callable[[], str]] = {
    "settings": from_code.settings,
    "events": from_code.events,
    "alarms": from_code.alarms,
    "bedside": from_code.bedside,
    "delays": from_code.delays,
    "alarm_quality": from_runs.alarm_quality,
    "alarm_proofs": from_runs.alarm_proofs,
    "exits": from_code.exits,
    "demo": from_code.demo,
    "first-heart": from_code.first_heart,
    "headline": headline.headline,
    "cycles": from_models.cycles,
    "peers": from_models.peers,
    "checks": from_models.checks,
    "children": from_models.children,
    "persons": from_models.persons,
    "diastolic": from_models.diastolic,
    "quality": from_models.quality,
    "speed": from_runs.speed,
    "library": from_runs.library,
    "noise": from_models.noise,
    "verdicts": from_models.verdicts,
    "archive": from_runs.archive,
    "million": from_runs.million,
    "formats": from_runs.formats,
    "ward": from_runs.ward,
    "screen-cost": from_runs.screen_cost,
}


def pages() -> list[Path]:
    """The files that may hold blocks."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def filled(text: str, made: dict[str, str], leave: frozenset[str] = frozenset()) -> str:
    """``text`` with its blocks made anew; ``made`` keeps them between files."""

    def replace(found: re.Match[str]) -> str:
        name = found[2]
        if name not in MAKERS or name in leave:
            return found[0]
        if name not in made:
            made[name] = MAKERS[name]()
        return f"{found[1]}{made[name]}{found[4]}"

    return BLOCK.sub(replace, text)


def main(arguments: Sequence[str] | None = None) -> int:
    """Fill, or check."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--quick", action="store_true")
    asked = parser.parse_args(arguments)
    made: dict[str, str] = {}
    stale = []
    for path in pages():
        before = path.read_text(encoding="utf-8")
        after = filled(before, made, SLOW if asked.quick else frozenset())
        if after != before:
            stale.append(path)
            if not asked.check:
                path.write_text(after, encoding="utf-8")
    for path in stale:
        word = "out of date" if asked.check else "filled"
        sys.stderr.write(f"{path.relative_to(ROOT)}: {word}\n")
    return int(asked.check and bool(stale))


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    sys.exit(main())
