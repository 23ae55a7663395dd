"""The table of risks for people, made from the one that is checked.

python tests/support/risks.py        writes docs/risks.md from docs/risks.toml
"""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "docs" / "risks.toml"
TABLE = ROOT / "docs" / "risks.md"

HEAD = """# Risks

Hazards, what is done against each, and the tests that prove it. Made from `docs/risks.toml` by
`python tests/support/risks.py`. A test fails when a control names no test, or one that is expected
to fail; a run of all tests fails when no test of a control passed, and says which were skipped
because the machine lacks what they need. Apexbeat is a research and teaching instrument, not a
medical device: this is no risk management file of a standard.
"""


def hazards() -> list[dict[str, Any]]:
    """Read the table."""
    found: list[dict[str, Any]] = tomllib.loads(SOURCE.read_text(encoding="utf-8"))["hazard"]
    return found


def markdown() -> str:
    """One heading per hazard, one row per control."""
    parts = [HEAD]
    for hazard in hazards():
        parts += [f"## {hazard['id']} {hazard['what']}", "", "| control | tests |", "|---|---|"]
        for control in hazard["controls"]:
            tests = "<br>".join(f"`{test.replace('::', ' ')}`" for test in control["tests"])
            parts.append(f"| {control['does']} | {tests} |")
        parts.append("")
    return "\n".join(parts)


def unproven(
    table: list[dict[str, Any]], outcomes: Mapping[str, Collection[str]]
) -> list[tuple[str, str]]:
    """Controls of which no test passed whole, and why.

    Parameters
    ----------
    outcomes
        Test (``file::function``) to what its cases came to: passed, failed, skipped.
    """
    found = []
    for hazard in table:
        for control in hazard["controls"]:
            came = [set(outcomes.get(test, ())) for test in control["tests"]]
            if any(one and one <= {"passed", "skipped"} and "passed" in one for one in came):
                continue
            skipped = all(one == {"skipped"} for one in came)
            failed = any("failed" in one for one in came)
            why = "skipped here" if skipped else "failed" if failed else "not run"
            found.append((f"{hazard['id']} {control['does']}", why))
    return found


if __name__ == "__main__":
    TABLE.write_text(markdown(), encoding="utf-8")
